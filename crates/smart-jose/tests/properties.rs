//! Properties that hold for every input, tried on inputs that nobody chose.
//!
//! Beside plain noise there are inputs that are *nearly* right: noise alone fails at the first
//! octet and never meets the code behind it. Each property says what must be true, also where the
//! only visible promise is that nothing panics: an error has a stable code, and what was read
//! agrees with a second, more lenient reader.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that stops here has failed, and says where"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use smart_jose::crypto::SigningKey;
use smart_jose::jwk::{PrivateJwk, thumbprint};
use smart_jose::jwt::{ClaimsPolicy, validate};
use smart_jose::key::{Curve, EcPublicKey, PrivateKey, PublicKey, RsaPublicKey};
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, Jwk, JwkSet, UnixTime, UnverifiedJws,
    VerifiedJws, base64url, danger, json as strict_json, jws,
};

/// A key that was made for this file and is used nowhere else; ring generates no RSA keys.
const RSA_PEM: &str = include_str!("data/rsa-2048.pem");

const ISSUER: &str = "https://ehr.example/oidc";
const AUDIENCE: &str = "my-app";
const NOW: u64 = 1_700_000_000;

/// Every backend of this build.
fn providers() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}

fn any_provider() -> &'static CryptoProvider {
    providers()[0]
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

/// A key of one algorithm on one backend.
struct Pair {
    provider: &'static CryptoProvider,
    signer: Arc<dyn SigningKey>,
}

impl Pair {
    fn new(algorithm: Algorithm, provider: &'static CryptoProvider) -> Self {
        let private = match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => PrivateKey::from_pem(RSA_PEM, provider).unwrap(),
            _ => PrivateKey::generate(algorithm, provider).unwrap(),
        };
        let signer = provider.signing_key(&private, algorithm).unwrap();
        Self { provider, signer }
    }

    fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    fn name(&self) -> String {
        format!("{} on {}", self.algorithm(), self.provider.name)
    }

    fn candidates(&self) -> Candidates {
        let key = self
            .provider
            .prepare(self.signer.public_key(), self.algorithm());
        Candidates::one(key.unwrap())
    }
}

/// One key for every algorithm of every backend.
static PAIRS: LazyLock<Vec<Pair>> = LazyLock::new(|| {
    let each = |provider: &'static CryptoProvider| {
        let algorithms: Vec<_> = provider.algorithms().iter().collect();
        algorithms
            .into_iter()
            .map(move |it| Pair::new(it, provider))
    };
    providers().into_iter().flat_map(each).collect()
});

fn every_algorithm() -> Algorithms {
    providers()
        .iter()
        .flat_map(|it| it.algorithms().iter().collect::<Vec<_>>())
        .collect()
}

fn verified(token: &str, algorithm: Algorithm, keys: &Candidates) -> Option<VerifiedJws> {
    let token = UnverifiedJws::parse(token, Algorithms::of(&[algorithm])).ok()?;
    token.verify(keys).ok()
}

/// Error codes are promised to be stable, so they are written in one way.
fn is_code(code: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !code.is_empty() && code.chars().all(is_fine)
}

/// One of the seeds with up to three octets changed, put in or left out, and sometimes cut off.
fn near(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>(), 0..3_u8), 0..=3);
    let cut = prop::option::weighted(0.1, any::<Index>());
    (select(seeds), edits, cut).prop_map(|(mut octets, edits, cut)| {
        for (at, octet, edit) in edits {
            let at = at.index(octets.len() + 1);
            match edit {
                0 => octets.insert(at, octet),
                1 if at < octets.len() => octets[at] = octet,
                2 if at < octets.len() => drop(octets.remove(at)),
                _ => {}
            }
        }
        if let Some(cut) = cut {
            octets.truncate(cut.index(octets.len() + 1));
        }
        octets
    })
}

fn noise_or_near(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => vec(any::<u8>(), 0..300), 4 => near(seeds)]
}

fn as_text(strategy: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = String> {
    strategy.prop_map(|octets| String::from_utf8_lossy(&octets).into_owned())
}

// Tokens.

// covers: JWS-15, JWT-14, JWA-4
#[test]
fn what_is_signed_verifies_on_every_backend_and_as_nothing_else() {
    for pair in PAIRS.iter() {
        let algorithm = pair.algorithm();
        let input = (vec(any::<u8>(), 1..200), prop::option::of(any::<String>()));
        check(12, input, |(payload, kid)| {
            let token = jws::sign(&payload, kid.as_deref(), &*pair.signer).unwrap();
            prop_assert_eq!(danger::unverified_payload(&token), Ok(payload.clone()));

            let public = pair.signer.public_key().clone();
            let key = match &kid {
                Some(kid) => Jwk::new(public, kid.as_str(), algorithm).unwrap(),
                None => Jwk::without_kid(public),
            };
            for provider in providers() {
                if !provider.algorithms().contains(algorithm) {
                    continue;
                }
                let token = UnverifiedJws::parse(&token, Algorithms::of(&[algorithm])).unwrap();
                prop_assert_eq!(token.header().algorithm(), algorithm);
                prop_assert_eq!(token.header().kid(), kid.as_deref());
                let set = JwkSet::from_keys(vec![key.clone()], provider);
                let candidates = set.candidates(token.header()).unwrap();
                let token = token.verify(&candidates).unwrap();
                prop_assert_eq!(token.payload(), &payload, "{}", pair.name());
            }

            let others: Algorithms = every_algorithm()
                .iter()
                .filter(|it| *it != algorithm)
                .collect();
            let error = UnverifiedJws::parse(&token, others).unwrap_err();
            prop_assert_eq!(error.code(), "alg-not-accepted");
            Ok(())
        });
    }
}

fn example_token(pair: &Pair) -> String {
    let token = jws::sign(br#"{"sub":"alice"}"#, Some("k"), &*pair.signer).unwrap();
    assert!(token.is_ascii());
    let verdict = verified(&token, pair.algorithm(), &pair.candidates());
    assert!(verdict.is_some(), "{}", pair.name());
    token
}

// covers: JWS-2, JWS-3, JWS-15
#[test]
fn a_token_that_differs_in_one_place_is_refused() {
    for pair in PAIRS.iter() {
        let (token, keys) = (example_token(pair), pair.candidates());
        let refused = |token: String| {
            let verdict = verified(&token, pair.algorithm(), &keys);
            prop_assert!(verdict.is_none(), "{}: {}", pair.name(), token);
            Ok(())
        };
        check(60, (any::<Index>(), 1..128_u8), |(at, step)| {
            let mut octets = token.clone().into_bytes();
            let at = at.index(octets.len());
            // A step below 128 from an ASCII octet never leads back to it, nor out of ASCII.
            octets[at] = (octets[at] + step) % 128;
            refused(String::from_utf8(octets).unwrap())
        });
        check(40, (any::<Index>(), any::<char>()), |(at, c)| {
            let mut text = token.clone();
            text.insert(at.index(token.len() + 1), c);
            refused(text)
        });
        check(20, any::<Index>(), |at| {
            let mut text = token.clone();
            text.remove(at.index(token.len()));
            refused(text)
        });
        check(20, any::<Index>(), |at| {
            refused(token[..at.index(token.len())].to_owned())
        });
    }
}

/// The same for each single place, where verifying is fast enough to try them all.
#[test]
fn no_single_octet_of_an_eddsa_token_is_free() {
    let is_fast = |pair: &&Pair| pair.algorithm() == Algorithm::EdDSA;
    for pair in PAIRS.iter().filter(is_fast) {
        let (token, keys) = (example_token(pair), pair.candidates());
        let mut accepted = Vec::new();
        let mut tried = 0;
        let mut judge = |octets: Vec<u8>| {
            let text = String::from_utf8(octets).unwrap();
            tried += 1;
            if verified(&text, pair.algorithm(), &keys).is_some() {
                accepted.push(text);
            }
        };
        for at in 0..token.len() {
            let original = token.as_bytes()[at];
            for octet in (0..128).filter(|it| *it != original) {
                let mut octets = token.clone().into_bytes();
                octets[at] = octet;
                judge(octets);
            }
            let mut octets = token.clone().into_bytes();
            octets.remove(at);
            judge(octets);
        }
        assert_eq!(tried, token.len() * 128);
        assert!(accepted.is_empty(), "{}: {accepted:?}", pair.name());
    }
}

// covers: JWS-1, JWS-2
#[test]
fn what_parses_as_a_token_has_one_spelling() {
    let seeds = PAIRS.iter().map(|it| example_token(it).into_bytes());
    let texts = prop_oneof![
        any::<String>(),
        as_text(near(seeds.collect())),
        "[A-Za-z0-9_.-]{0,60}",
    ];
    check(2000, texts, |text| {
        match danger::unverified_payload(&text) {
            Ok(payload) => {
                let middle = text.split('.').nth(1).unwrap();
                prop_assert_eq!(base64url::encode(payload), middle);
            }
            Err(error) => prop_assert!(is_code(error.code())),
        }
        let token = UnverifiedJws::parse(&text, every_algorithm());
        match token.and_then(|it| it.check_encoding()) {
            Ok(()) => {
                let parts: Vec<_> = text.split('.').collect();
                prop_assert_eq!(parts.len(), 3);
                for part in parts {
                    let octets = base64url::decode(part).unwrap();
                    prop_assert_eq!(base64url::encode(octets), part);
                }
            }
            Err(error) => prop_assert!(is_code(error.code())),
        }
        Ok(())
    });
}

// JSON and claims.

fn json_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"iss":"https://ehr.example/oidc","aud":"my-app","exp":1700000300,"iat":1700000000}"#,
        r#"{"iss":"https://ehr.example/oidc","aud":["my-app"],"exp":1.7000003e9,"nbf":-0}"#,
        r#" {"a":{"b":[null,true,false,-1.5e-3,"\u00e9\ud83d\ude00\n"],"c":{}},"d":[]} "#,
        r#"{"a":1,"b":{"a":1,"\u0061b":[[[[]]]]},"":"","\"":"\\"}"#,
    ]
    .map(|it| it.as_bytes().to_vec())
    .to_vec()
}

// covers: JWS-5, JWS-18, JWT-2
#[test]
fn strict_json_is_json() {
    check(4000, noise_or_near(json_seeds()), |octets| {
        match strict_json::check_object(&octets, 4096) {
            Ok(text) => {
                prop_assert_eq!(text.as_bytes(), &octets);
                let read = serde_json::from_slice::<Map<String, Value>>(&octets);
                prop_assert!(read.is_ok(), "{}: {:?}", text, read);
            }
            Err(error) => prop_assert!(is_code(error.code())),
        }
        Ok(())
    });
}

/// A payload that is signed validly, whatever it is.
fn signed(payload: &[u8]) -> VerifiedJws {
    static PAIR: LazyLock<(Pair, Candidates)> = LazyLock::new(|| {
        let pair = Pair::new(Algorithm::EdDSA, any_provider());
        let candidates = pair.candidates();
        (pair, candidates)
    });
    let (pair, candidates) = &*PAIR;
    let token = jws::sign(payload, None, &*pair.signer).unwrap();
    verified(&token, Algorithm::EdDSA, candidates).unwrap()
}

type Claims = Map<String, Value>;

// covers: JWT-2
#[test]
fn claims_that_validate_are_those_that_another_reader_sees() {
    let policy = ClaimsPolicy::new(ISSUER, AUDIENCE);
    let payloads = noise_or_near(json_seeds()).prop_filter("empty", |it| !it.is_empty());
    check(2000, payloads, |payload| {
        match validate::<Claims>(signed(&payload), &policy, UnixTime::from_secs(NOW)) {
            Ok(token) => {
                let read: Claims = serde_json::from_slice(&payload).unwrap();
                prop_assert_eq!(token.claims(), &read);
                prop_assert_eq!(&read["iss"], ISSUER);
                prop_assert!(read["exp"].as_f64().unwrap() > 0.0);
            }
            Err(error) => prop_assert!(is_code(error.code())),
        }
        Ok(())
    });
}

/// Mostly the good value, so that all rules hold often enough and each is broken alone.
fn mostly(good: Value, others: Vec<Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![12 => Just(Some(good)), 3 => select(others).prop_map(Some), 1 => Just(None)]
}

// covers: JWT-4, JWT-5, JWT-6, JWT-7, JWT-8
#[test]
fn claims_validate_exactly_if_each_rule_holds() {
    let policy = ClaimsPolicy::new(ISSUER, AUDIENCE);
    let date = || prop_oneof![1 => Just(None), 4 => (-120..=120_i64).prop_map(Some)];
    let input = (
        mostly(
            json!(ISSUER),
            vec![json!("https://ehr.example"), json!([ISSUER]), Value::Null],
        ),
        mostly(
            json!(AUDIENCE),
            vec![
                json!([AUDIENCE]),
                json!([AUDIENCE, "other"]),
                json!("other"),
                json!([]),
                json!(1),
            ],
        ),
        [date(), date(), date()],
    );
    check(2000, input, |(iss, aud, dates)| {
        let mut claims = Claims::new();
        claims.extend(iss.clone().map(|it| ("iss".to_owned(), it)));
        claims.extend(aud.clone().map(|it| ("aud".to_owned(), it)));
        for (name, date) in ["exp", "nbf", "iat"].into_iter().zip(dates) {
            let date = date.map(|it| json!(NOW.saturating_add_signed(it)));
            claims.extend(date.map(|it| (name.to_owned(), it)));
        }
        // The same rules once more, with the leeway of a minute that is granted by default.
        let [exp, nbf, iat] = dates;
        let expected = iss == Some(json!(ISSUER))
            && (aud == Some(json!(AUDIENCE)) || aud == Some(json!([AUDIENCE])))
            && exp.is_some_and(|it| it > -60)
            && nbf.is_none_or(|it| it <= 60)
            && iat.is_none_or(|it| it <= 60);
        let payload = serde_json::to_vec(&claims).unwrap();
        let found = validate::<Claims>(signed(&payload), &policy, UnixTime::from_secs(NOW));
        prop_assert_eq!(found.is_ok(), expected, "{:?}: {:?}", claims, found);
        Ok(())
    });
}

// Keys.

/// `"name":value` for each, in this order, as one object.
fn object(members: &[(String, Value)]) -> Vec<u8> {
    let members = members
        .iter()
        .map(|(name, value)| format!("{}:{value}", json!(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
}

/// An RSA key of this many bits. Nobody knows its factors, which verifying does not need.
fn rsa_public() -> impl Strategy<Value = PublicKey> {
    let sizes = prop_oneof![Just(2048_usize), Just(3072), Just(4096), 2048..2200_usize];
    (sizes, vec(any::<u8>(), 512), 1..1_u64 << 32).prop_map(|(bits, mut octets, half)| {
        octets.truncate(bits.div_ceil(8));
        let top = (bits - 1) % 8;
        octets[0] = octets[0] & ((1 << top) - 1) | 1 << top;
        *octets.last_mut().unwrap() |= 1;
        let e = (2 * half + 1).to_be_bytes();
        let key = RsaPublicKey::from_components(&octets, &e).unwrap();
        assert_eq!(key.bits(), bits);
        PublicKey::Rsa(key)
    })
}

/// Public keys of every type, new ones each time.
fn public_key() -> impl Strategy<Value = PublicKey> {
    let generated =
        select(vec![Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA]).prop_map(|it| {
            PrivateKey::generate(it, any_provider())
                .unwrap()
                .public_key()
        });
    prop_oneof![2 => rsa_public(), 3 => generated]
}

/// The members that RFC 7638 3.2 and RFC 8037 2 require, in some order.
fn required_members(key: &PublicKey) -> Vec<(String, Value)> {
    let text = |octets: &[u8]| json!(base64url::encode(octets));
    let members = match key {
        PublicKey::Rsa(key) => vec![
            ("kty", json!("RSA")),
            ("n", text(key.n())),
            ("e", text(key.e())),
        ],
        PublicKey::Ec(key) => vec![
            ("kty", json!("EC")),
            ("crv", json!(key.curve().name())),
            ("x", text(key.x())),
            ("y", text(key.y())),
        ],
        PublicKey::Ed25519(key) => vec![
            ("kty", json!("OKP")),
            ("crv", json!("Ed25519")),
            ("x", text(key.octets())),
        ],
        _ => vec![],
    };
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

// covers: JWA-1, JWA-11
#[test]
fn a_jwk_is_written_as_it_was_read() {
    let input = (
        public_key(),
        prop::option::of(any::<String>()),
        any::<Index>(),
    );
    check(150, input, |(key, kid, algorithm)| {
        let mut algorithms: Vec<_> = every_algorithm()
            .iter()
            .filter(|it| key.fits(*it))
            .collect();
        let mut members = required_members(&key);
        if !algorithms.is_empty() && kid.is_some() {
            algorithms.truncate(algorithm.index(algorithms.len()) + 1);
            members.push(("alg".to_owned(), json!(algorithms.last().unwrap().name())));
        }
        members.extend(kid.clone().map(|kid| ("kid".to_owned(), json!(kid))));

        let (first, findings) = Jwk::parse(&object(&members)).unwrap();
        prop_assert_eq!(findings, vec![]);
        prop_assert_eq!(first.key(), &key);
        let text = serde_json::to_vec(&first).unwrap();
        let written: Map<String, Value> = serde_json::from_slice(&text).unwrap();
        for (name, value) in &members {
            prop_assert_eq!(&written[name], value);
        }
        let (second, _) = Jwk::parse(&text).unwrap();
        prop_assert_eq!(second.key(), &key);
        prop_assert_eq!(second.kid(), kid.as_deref());
        prop_assert_eq!(second.algorithm(), first.algorithm());
        prop_assert_eq!(serde_json::to_vec(&second).unwrap(), text);
        Ok(())
    });
}

// covers: JWK-3, THB-1, THB-2, THB-6, OKP-6
#[test]
fn a_thumbprint_depends_on_the_key_alone() {
    let extra = (
        "[a-z]{5,9}",
        select(vec![json!(1), json!(null), json!([{"a": "b"}])]),
    );
    let members = public_key().prop_flat_map(move |key| {
        let mut members = required_members(&key);
        members.push(("use".to_owned(), json!("sig")));
        members.push(("kid".to_owned(), json!("any")));
        let members = (Just(members), vec(extra.clone(), 0..3)).prop_map(|(mut all, extra)| {
            all.extend(extra);
            all.sort_by(|a, b| a.0.cmp(&b.0));
            all.dedup_by(|a, b| a.0 == b.0);
            all
        });
        (
            Just(key),
            members.prop_flat_map(|it| Just(it).prop_shuffle()),
        )
    });
    check(150, members, |(key, members)| {
        let (read, _) = Jwk::parse(&object(&members)).unwrap();
        let mut required = required_members(&key);
        required.sort_by(|a, b| a.0.cmp(&b.0));
        for provider in providers() {
            let canonical =
                provider.hash(smart_jose::alg::HashAlgorithm::Sha256, &object(&required));
            let thumbprint = thumbprint(read.key(), provider);
            prop_assert_eq!(thumbprint.len(), 43);
            prop_assert_eq!(thumbprint, base64url::encode(canonical));
        }
        Ok(())
    });
}

fn hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let mut text = base64url::encode(der).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n").into_bytes()
}

/// Good keys in each encoding, put together from their parts.
struct Encoded {
    spki: Vec<Vec<u8>>,
    rsa_public: Vec<u8>,
    pkcs8: Vec<Vec<u8>>,
    rsa_private: Vec<u8>,
    sec1: Vec<u8>,
    public_jwk: Vec<Vec<u8>>,
    private_jwk: Vec<Vec<u8>>,
}

static ENCODED: LazyLock<Encoded> = LazyLock::new(|| {
    let provider = any_provider();
    let body: String = RSA_PEM
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let body = body.replace('+', "-").replace('/', "_");
    let rsa_pkcs8 = base64url::decode(body.trim_end_matches('=')).unwrap();
    let PrivateKey::Rsa(rsa) = PrivateKey::from_pem(RSA_PEM, provider).unwrap() else {
        unreachable!("the file holds an RSA key");
    };
    let PrivateKey::Ec(ec) = PrivateKey::generate(Algorithm::ES256, provider).unwrap() else {
        unreachable!("ES256 needs an EC key");
    };
    let PrivateKey::Ed25519(ed) = PrivateKey::generate(Algorithm::EdDSA, provider).unwrap() else {
        unreachable!("EdDSA needs an Ed25519 key");
    };
    let n = rsa.public_key().n();
    let rsa_public = [&hex("3082010a0282010100")[..], n, &hex("0203010001")].concat();
    let point = ec.public_key().uncompressed();
    let (d, seed) = (ec.expose_scalar(), ed.expose_seed());
    let bits = hex("a144034200");
    let private = |key: &PrivateKey, parts: &[(&str, &[u8])]| {
        let mut members = required_members(&key.public_key());
        let text = |octets: &[u8]| json!(base64url::encode(octets));
        members.extend(
            parts
                .iter()
                .map(|(name, octets)| ((*name).to_owned(), text(octets))),
        );
        object(&members)
    };
    let keys = [
        PrivateKey::Rsa(rsa.clone()),
        PrivateKey::Ec(ec.clone()),
        PrivateKey::Ed25519(ed.clone()),
    ];
    let parts = rsa.expose_parts();
    let rsa_parts = [
        ("d", parts.d),
        ("p", parts.p),
        ("q", parts.q),
        ("dp", parts.dp),
        ("dq", parts.dq),
        ("qi", parts.qi),
    ];
    Encoded {
        spki: vec![
            [
                &hex("30820122300d06092a864886f70d01010105000382010f00")[..],
                &rsa_public,
            ]
            .concat(),
            [
                &hex("3059301306072a8648ce3d020106082a8648ce3d030107034200")[..],
                point,
            ]
            .concat(),
            [
                &hex("302a300506032b6570032100")[..],
                ed.public_key().octets(),
            ]
            .concat(),
        ],
        pkcs8: vec![
                rsa_pkcs8.clone(),
                [
                    &hex(
                        "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
                    )[..],
                    d,
                    &bits,
                    point,
                ]
                .concat(),
                [&hex("302e020100300506032b657004220420")[..], seed].concat(),
            ],
        sec1: [
            &hex("30770201010420")[..],
            d,
            &hex("a00a06082a8648ce3d030107"),
            &bits,
            point,
        ]
        .concat(),
        // Inside PKCS#8 the key begins behind version and algorithm, 26 octets here.
        rsa_private: rsa_pkcs8[26..].to_vec(),
        rsa_public,
        public_jwk: keys
            .iter()
            .map(|key| object(&required_members(&key.public_key())))
            .collect(),
        private_jwk: vec![
            private(&keys[0], &rsa_parts),
            private(&keys[1], &[("d", d)]),
            private(&keys[2], &[("d", seed)]),
        ],
    }
});

/// What is true of every public key that was read.
fn check_public(key: &PublicKey) -> Result<(), TestCaseError> {
    let (jwk, _) = Jwk::parse(&object(&required_members(key))).unwrap();
    prop_assert_eq!(jwk.key(), key);
    for provider in providers() {
        prop_assert_eq!(thumbprint(key, provider).len(), 43);
        for algorithm in provider.algorithms().iter().filter(|it| key.fits(*it)) {
            let prepared = provider.prepare(key, algorithm);
            prop_assert!(prepared.is_ok(), "{:?} on {}", prepared, provider.name);
        }
    }
    Ok(())
}

/// What is true of every private key that was read: a backend refuses it, or what it signs
/// verifies with the public half that the key claims to have.
fn check_private(key: &PrivateKey) -> Result<(), TestCaseError> {
    let public = key.public_key();
    check_public(&public)?;
    for provider in providers() {
        let algorithm = provider.algorithms().iter().find(|it| public.fits(*it));
        let Some(algorithm) = algorithm else { continue };
        let signature = match provider.signing_key(key, algorithm) {
            Ok(signer) => {
                prop_assert_eq!(signer.public_key(), &public);
                signer.sign(b"message")
            }
            Err(error) => {
                prop_assert!(is_code(error.code()));
                continue;
            }
        };
        if let Ok(signature) = signature {
            let verifier = provider.prepare(&public, algorithm).unwrap();
            prop_assert_eq!(verifier.verify(b"message", &signature), Ok(()));
        }
    }
    Ok(())
}

macro_rules! judged {
    ($result:expr, $check:expr) => {
        match $result {
            Ok(key) => $check(&key)?,
            Err(error) => prop_assert!(is_code(error.code()), "{}", error),
        }
    };
}

#[test]
fn the_good_keys_are_read() {
    let (good, provider) = (&*ENCODED, any_provider());
    for spki in &good.spki {
        let key = PublicKey::from_spki_der(spki).unwrap();
        let text = String::from_utf8(pem("PUBLIC KEY", spki)).unwrap();
        assert_eq!(PublicKey::from_pem(&text), Ok(key));
    }
    let rsa = PublicKey::from_pkcs1_der(&good.rsa_public).unwrap();
    for pkcs8 in &good.pkcs8 {
        PrivateKey::from_pkcs8_der(pkcs8, provider).unwrap();
    }
    let private = PrivateKey::from_pkcs1_der(&good.rsa_private, provider).unwrap();
    assert_eq!(private.public_key(), rsa);
    let private = PrivateKey::from_sec1_der(&good.sec1, None, provider).unwrap();
    let PublicKey::Ec(public) = private.public_key() else {
        unreachable!("SEC 1 holds EC keys only");
    };
    let again = EcPublicKey::from_coordinates(Curve::P256, public.x(), public.y());
    assert_eq!(again, Ok(public));
    for (public, private) in good.public_jwk.iter().zip(&good.private_jwk) {
        let public = Jwk::parse(public).unwrap().0;
        let private = PrivateJwk::parse(private).unwrap();
        assert_eq!(&private.key.public_key(), public.key());
        check_private(&private.key).unwrap();
    }
}

// covers: BCP-4
#[test]
fn every_public_key_that_is_read_works_on_every_backend() {
    let good = &*ENCODED;
    check(1000, noise_or_near(good.spki.clone()), |der| {
        judged!(PublicKey::from_spki_der(&der), check_public);
        Ok(())
    });
    check(300, noise_or_near(vec![good.rsa_public.clone()]), |der| {
        judged!(PublicKey::from_pkcs1_der(&der), check_public);
        Ok(())
    });
    let mut texts: Vec<_> = good.spki.iter().map(|it| pem("PUBLIC KEY", it)).collect();
    texts.push(pem("RSA PUBLIC KEY", &good.rsa_public));
    check(1000, as_text(noise_or_near(texts)), |text| {
        judged!(PublicKey::from_pem(&text), check_public);
        Ok(())
    });
    check(1000, noise_or_near(good.public_jwk.clone()), |text| {
        judged!(Jwk::parse(&text).map(|it| it.0.key().clone()), check_public);
        Ok(())
    });
    check(300, rsa_public(), |key| check_public(&key));
}

#[test]
fn no_private_key_signs_what_its_public_half_does_not_verify() {
    let (good, provider) = (&*ENCODED, any_provider());
    check(300, noise_or_near(good.pkcs8.clone()), |der| {
        judged!(PrivateKey::from_pkcs8_der(&der, provider), check_private);
        Ok(())
    });
    check(100, noise_or_near(vec![good.rsa_private.clone()]), |der| {
        judged!(PrivateKey::from_pkcs1_der(&der, provider), check_private);
        Ok(())
    });
    let curves = prop::option::of(select(Curve::ALL.to_vec()));
    let input = (noise_or_near(vec![good.sec1.clone()]), curves);
    check(300, input, |(der, curve)| {
        judged!(
            PrivateKey::from_sec1_der(&der, curve, provider),
            check_private
        );
        Ok(())
    });
    let mut texts: Vec<_> = good.pkcs8.iter().map(|it| pem("PRIVATE KEY", it)).collect();
    texts.push(pem("RSA PRIVATE KEY", &good.rsa_private));
    texts.push(pem("EC PRIVATE KEY", &good.sec1));
    check(300, as_text(noise_or_near(texts)), |text| {
        judged!(PrivateKey::from_pem(&text, provider), check_private);
        Ok(())
    });
    check(300, noise_or_near(good.private_jwk.clone()), |text| {
        judged!(PrivateJwk::parse(&text).map(|it| it.key), check_private);
        Ok(())
    });
}

// covers: JWK-12
#[test]
fn each_entry_of_a_set_is_a_key_or_is_skipped() {
    let good = &*ENCODED;
    let of = |entries: &[Vec<u8>]| {
        let entries: Vec<_> = entries
            .iter()
            .map(|it| String::from_utf8_lossy(it))
            .collect();
        format!(r#"{{"keys":[{}],"more":1}}"#, entries.join(",")).into_bytes()
    };
    let entries = vec(noise_or_near(good.public_jwk.clone()), 0..4);
    let broken = [&br#"{"kty":"RSA","n":1e999}"#[..], br#"{"kid":"\ud800"}"#].map(<[u8]>::to_vec);
    let seeds = vec![
        of(&good.public_jwk),
        of(&good.private_jwk),
        of(&broken),
        of(&[]),
    ];
    let sets = prop_oneof![
        noise_or_near(seeds),
        entries.prop_map(move |entries| of(&entries)),
    ];
    check(1000, sets, |text| {
        match JwkSet::parse(&text, any_provider()) {
            Ok(set) => {
                // Entries are left as text, since a defect in one is no defect of the set.
                let read: BTreeMap<String, &RawValue> = serde_json::from_slice(&text).unwrap();
                let entries: Vec<&RawValue> = serde_json::from_str(read["keys"].get()).unwrap();
                let entries = entries.len();
                prop_assert_eq!(set.keys().len() + set.skipped().len(), entries);
                for skipped in set.skipped() {
                    prop_assert!(skipped.position < entries);
                    prop_assert!(is_code(skipped.reason.code()));
                }
            }
            Err(error) => prop_assert!(is_code(error.code())),
        }
        Ok(())
    });
}
