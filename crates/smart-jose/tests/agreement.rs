//! Two backends, one verdict: a token must not be valid in one build and invalid in the other.
//!
//! The signatures are good ones, good ones with one thing changed, and numbers at the edges of
//! their range, where implementations have differed.

#![cfg(all(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that stops here has failed, and says where"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use smart_jose::key::{Ed25519PublicKey, PrivateKey, PublicKey, RsaPublicKey};
use smart_jose::{Algorithm, CryptoProvider};

const RSA_PEM: &str = include_str!("data/rsa-2048.pem");

/// The order of P-256, of P-384 (FIPS 186-4 D.1.2) and, little-endian, of Ed25519 (RFC 8032 5.1).
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const ED25519_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn providers() -> [&'static CryptoProvider; 2] {
    [CryptoProvider::ring(), CryptoProvider::aws_lc_rs()]
}

fn provider() -> impl Strategy<Value = &'static CryptoProvider> {
    select(providers().to_vec())
}

/// Tries the property on so many inputs. Nothing is written to disk when it fails.
fn check<S: Strategy>(
    cases: u32,
    strategy: S,
    property: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config).run(&strategy, property).unwrap();
}

/// The verdict of both backends, if it is one; a key that is refused verifies nothing.
fn agreed(
    key: &PublicKey,
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, TestCaseError> {
    let [ring, aws] = providers().map(|provider| {
        let key = provider.prepare(key, algorithm);
        key.map(|key| key.verify(message, signature).is_ok())
    });
    prop_assert_eq!(ring, aws, "{:?}: {:02x?}", key, signature);
    Ok(ring.is_ok_and(|it| it))
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// What is done to a good signature.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Octet(Index, u8),
    Shorter,
    Longer(u8),
    Zeros(Index),
    Other(Vec<u8>),
    /// One half becomes a number at an edge.
    Edge(bool, usize),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        2 => Just(Change::Nothing),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, by)| Change::Octet(at, by)),
        1 => Just(Change::Shorter),
        1 => any::<u8>().prop_map(Change::Longer),
        1 => any::<Index>().prop_map(Change::Zeros),
        1 => vec(any::<u8>(), 0..300).prop_map(Change::Other),
        4 => (any::<bool>(), 0..8_usize).prop_map(|(half, edge)| Change::Edge(half, edge)),
    ]
}

impl Change {
    fn apply(&self, signature: &mut Vec<u8>, edges: &[Vec<u8>]) {
        match self {
            Self::Nothing => {}
            Self::Octet(at, by) => {
                let at = at.index(signature.len());
                signature[at] ^= by;
            }
            Self::Shorter => drop(signature.pop()),
            Self::Longer(octet) => signature.push(*octet),
            Self::Zeros(until) => {
                let until = until.index(signature.len());
                signature[..until].fill(0);
            }
            Self::Other(octets) => signature.clone_from(octets),
            Self::Edge(half, edge) => {
                let Some(edge) = edges.get(*edge) else {
                    return;
                };
                let at = if *half { signature.len() / 2 } else { 0 };
                signature[at..at + edge.len()].copy_from_slice(edge);
            }
        }
    }
}

/// A number and its neighbours, zero, one and the largest, big-endian.
fn edges(order: &[u8]) -> Vec<Vec<u8>> {
    let step = |by: i16| {
        let mut near = order.to_vec();
        let last = near.last_mut().unwrap();
        *last = u8::try_from(i16::from(*last) + by).unwrap();
        near
    };
    let mut one = vec![0; order.len()];
    *one.last_mut().unwrap() = 1;
    vec![
        vec![0; order.len()],
        one,
        step(-1),
        step(0),
        step(1),
        vec![0xff; order.len()],
    ]
}

// covers: JWA-6, JWA-7
#[test]
fn backends_agree_on_ecdsa() {
    for (algorithm, order) in [
        (Algorithm::ES256, P256_ORDER),
        (Algorithm::ES384, P384_ORDER),
    ] {
        let order = hex(order);
        let edges = edges(&order);
        let input = (provider(), vec(any::<u8>(), 0..100), change());
        check(150, input, |(provider, message, change)| {
            let key = PrivateKey::generate(algorithm, provider).unwrap();
            let signer = provider.signing_key(&key, algorithm).unwrap();
            let mut signature = signer.sign(&message).unwrap();
            let good = signature.clone();
            prop_assert_eq!(signature.len(), 2 * order.len());
            change.apply(&mut signature, &edges);
            let verdict = agreed(&key.public_key(), algorithm, &message, &signature)?;
            prop_assert_eq!(verdict, signature == good);
            Ok(())
        });
    }
}

/// The octets of an Ed25519 signature whose number S is raised by the order of the base point:
/// the same equation holds, and RFC 8032 5.1.7 refuses it.
fn raised(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut carry = 0;
    let sum = s.iter().zip(hex(ED25519_ORDER)).map(|(a, b)| {
        let [low, high] = (u16::from(*a) + u16::from(b) + carry).to_le_bytes();
        carry = u16::from(high);
        low
    });
    r.iter().copied().chain(sum).collect()
}

// covers: OKP-2
#[test]
fn backends_agree_on_eddsa() {
    let mut edges = edges(&hex(ED25519_ORDER).into_iter().rev().collect::<Vec<_>>());
    for edge in &mut edges {
        edge.reverse();
    }
    let input = (
        provider(),
        vec(any::<u8>(), 0..100),
        change(),
        any::<bool>(),
    );
    check(400, input, |(provider, message, change, raise)| {
        let key = PrivateKey::generate(Algorithm::EdDSA, provider).unwrap();
        let signer = provider.signing_key(&key, Algorithm::EdDSA).unwrap();
        let good = signer.sign(&message).unwrap();
        let mut signature = if raise { raised(&good) } else { good.clone() };
        change.apply(&mut signature, &edges);
        let verdict = agreed(&key.public_key(), Algorithm::EdDSA, &message, &signature)?;
        prop_assert_eq!(verdict, signature == good);
        Ok(())
    });
    // Points of which nobody knows the logarithm, and low orders for R.
    let low = |y: u8| {
        let mut octets = vec![0; 32];
        octets[0] = y;
        octets
    };
    let r = prop_oneof![
        vec(any::<u8>(), 32),
        Just(low(0)),
        Just(low(1)),
        Just(vec![0xff; 32])
    ];
    let s = prop_oneof![vec(any::<u8>(), 32), Just(low(0)), Just(low(1))];
    check(400, (vec(any::<u8>(), 32), r, s), |(key, r, s)| {
        if let Ok(key) = Ed25519PublicKey::from_octets(&key) {
            let key = PublicKey::Ed25519(key);
            let signature = [r, s].concat();
            let verdict = agreed(&key, Algorithm::EdDSA, b"message", &signature)?;
            prop_assert!(!verdict);
        }
        Ok(())
    });
}

#[test]
fn backends_agree_on_rsa() {
    let algorithms = vec![
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ];
    let key = PrivateKey::from_pem(RSA_PEM, CryptoProvider::ring()).unwrap();
    let PublicKey::Rsa(public) = key.public_key() else {
        unreachable!("the file holds an RSA key");
    };
    // The edges are as long as the whole signature: both halves of the flag mean the first.
    let edges = edges(public.n());
    let input = (
        provider(),
        select(algorithms.clone()),
        vec(any::<u8>(), 0..100),
        change(),
    );
    check(300, input, |(provider, algorithm, message, change)| {
        let signer = provider.signing_key(&key, algorithm).unwrap();
        let good = signer.sign(&message).unwrap();
        let mut signature = good.clone();
        let change = match change {
            Change::Edge(_, edge) => Change::Edge(false, edge),
            other => other,
        };
        change.apply(&mut signature, &edges);
        let verdict = agreed(&key.public_key(), algorithm, &message, &signature)?;
        prop_assert_eq!(verdict, signature == good);
        Ok(())
    });
    // Keys of every length and exponent, with numbers for signatures: the cube of a small one
    // is below the modulus, so the padding is all that stands in its way.
    let sizes = prop_oneof![Just(2048_usize), 2048..2100_usize, Just(4096)];
    let key = (sizes, vec(any::<u8>(), 512), 1..1_u64 << 32);
    let input = (key, select(algorithms), any::<u8>(), any::<bool>());
    check(
        200,
        input,
        |((bits, mut n, half), algorithm, low, three)| {
            n.truncate(bits.div_ceil(8));
            let top = (bits - 1) % 8;
            n[0] = n[0] & ((1 << top) - 1) | 1 << top;
            *n.last_mut().unwrap() |= 1;
            let e = if three { 3 } else { 2 * half + 1 };
            let key = RsaPublicKey::from_components(&n, &e.to_be_bytes()).unwrap();
            let mut signature = vec![0; n.len()];
            *signature.last_mut().unwrap() = low;
            let verdict = agreed(&PublicKey::Rsa(key), algorithm, b"message", &signature)?;
            prop_assert!(!verdict);
            Ok(())
        },
    );
}

/// Where nothing is drawn at random there is one signature, whoever makes it.
#[test]
fn backends_sign_alike() {
    let rsa = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];
    let input = (provider(), vec(any::<u8>(), 0..100));
    check(20, input, |(provider, message)| {
        let mut keys = vec![(
            Algorithm::EdDSA,
            PrivateKey::generate(Algorithm::EdDSA, provider).unwrap(),
        )];
        let pem = PrivateKey::from_pem(RSA_PEM, provider).unwrap();
        keys.extend(rsa.map(|algorithm| (algorithm, pem.clone())));
        for (algorithm, key) in keys {
            let [ring, aws] = providers().map(|provider| {
                let signer = provider.signing_key(&key, algorithm).unwrap();
                signer.sign(&message).unwrap()
            });
            prop_assert_eq!(ring, aws, "{}", algorithm);
        }
        Ok(())
    });
}
