//! Project Wycheproof's signatures against every backend that is compiled in.
//!
//! The vectors were made to find mistakes that others have made: sloppy padding, a second
//! encoding of a number, a point that is none. What has no counterpart in JOSE is skipped, and
//! both totals are exact, so that a new version of the vectors cannot shrink the tests unseen.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]

use std::collections::BTreeMap;
use std::sync::Arc;

use smart_jose::crypto::VerifyingKey;
use smart_jose::key::{
    Curve, EcPublicKey, Ed25519PublicKey, EncodingError, KeyError, PublicKey, RsaPublicKey,
};
use smart_jose::{Algorithm, CryptoProvider};
use wycheproof::{EdwardsCurve, EllipticCurve, HashFunction, Mgf, TestResult};
use wycheproof::{ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// Every backend of this build.
fn providers() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}

/// What became of the vectors of one set on one backend.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
    skipped: BTreeMap<String, usize>,
    /// Vectors whose verdict is not the expected one.
    wrong: Vec<String>,
}

impl Tally {
    fn of(accepted: usize, refused: usize, skipped: &[(&str, usize)]) -> Self {
        Self {
            accepted,
            refused,
            skipped: skipped.iter().map(|(why, n)| ((*why).into(), *n)).collect(),
            wrong: Vec::new(),
        }
    }

    fn skip(&mut self, reason: impl Into<String>, vectors: usize) {
        *self.skipped.entry(reason.into()).or_default() += vectors;
    }

    fn run(&mut self, key: &Key, vector: &Vector<'_>) {
        let verdict = key.verify(vector);
        // "Acceptable" stands for what old software let pass; a strict verifier does not.
        if verdict.is_ok() != (vector.expected == TestResult::Valid) {
            let Vector { id, comment, .. } = vector;
            let expected = vector.expected;
            self.wrong.push(format!(
                "{id} ({comment}): {verdict:?}, expected {expected:?}"
            ));
        }
        match verdict {
            Ok(()) => self.accepted += 1,
            Err(_) => self.refused += 1,
        }
    }
}

struct Vector<'a> {
    id: usize,
    comment: &'a str,
    message: &'a [u8],
    signature: &'a [u8],
    expected: TestResult,
}

macro_rules! vector {
    ($test:expr) => {
        Vector {
            id: $test.tc_id,
            comment: &$test.comment,
            message: &$test.msg,
            signature: &$test.sig,
            expected: $test.result,
        }
    };
}

/// The key of a group of vectors, or why it was refused; a refused key refuses every signature.
struct Key(Result<Arc<dyn VerifyingKey>, String>);

impl Key {
    fn new(
        key: Result<PublicKey, KeyError>,
        algorithm: Algorithm,
        provider: &CryptoProvider,
    ) -> Self {
        Self(key.map_err(|error| error.to_string()).and_then(|key| {
            provider
                .prepare(&key, algorithm)
                .map_err(|error| error.to_string())
        }))
    }

    fn verify(&self, vector: &Vector<'_>) -> Result<(), String> {
        self.0
            .as_ref()
            .map_err(Clone::clone)?
            .verify(vector.message, vector.signature)
            .map_err(|error| error.to_string())
    }
}

/// The length of the hash in octets, with its PKCS#1 v1.5 and its PSS algorithm.
fn rsa_algorithms(hash: HashFunction) -> Option<(usize, Algorithm, Algorithm)> {
    match hash {
        HashFunction::Sha2_256 => Some((32, Algorithm::RS256, Algorithm::PS256)),
        HashFunction::Sha2_384 => Some((48, Algorithm::RS384, Algorithm::PS384)),
        HashFunction::Sha2_512 => Some((64, Algorithm::RS512, Algorithm::PS512)),
        _ => None,
    }
}

fn no_such_hash(hash: HashFunction) -> String {
    format!("JOSE has no RSA algorithm with {hash:?}")
}

fn rsa_key(key: &wycheproof::RsaPublic) -> Result<PublicKey, KeyError> {
    RsaPublicKey::from_components(&key.n, &key.e).map(PublicKey::Rsa)
}

/// Checks that DER and PEM give the very key that its numbers give.
fn check_encodings(key: &PublicKey, spki: &[u8], pem: &str) {
    assert_eq!(PublicKey::from_spki_der(spki).as_ref(), Ok(key));
    assert_eq!(PublicKey::from_pem(pem).as_ref(), Ok(key));
}

// covers: JWA-3, JWS-17
#[test]
fn rsa_pkcs1() {
    for provider in providers() {
        let mut tally = Tally::default();
        for name in rsa_pkcs1_verify::TestName::all() {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let Some((_, algorithm, _)) = rsa_algorithms(group.hash) else {
                    tally.skip(no_such_hash(group.hash), group.tests.len());
                    continue;
                };
                let key = rsa_key(&group.key);
                check_encodings(key.as_ref().unwrap(), &group.der, &group.pem);
                let from_pkcs1 = PublicKey::from_pkcs1_der(&group.asn_key);
                assert_eq!(from_pkcs1, key.clone().map_err(EncodingError::Key));
                let key = Key::new(key, algorithm, provider);
                for test in &group.tests {
                    tally.run(&key, &vector!(test));
                }
            }
        }
        let skipped = [
            ("JOSE has no RSA algorithm with Sha2_224", 258),
            ("JOSE has no RSA algorithm with Sha2_512_224", 258),
            ("JOSE has no RSA algorithm with Sha2_512_256", 773),
            ("JOSE has no RSA algorithm with Sha3_224", 258),
            ("JOSE has no RSA algorithm with Sha3_256", 515),
            ("JOSE has no RSA algorithm with Sha3_384", 517),
            ("JOSE has no RSA algorithm with Sha3_512", 517),
        ];
        assert_eq!(tally, Tally::of(89, 3017, &skipped), "{}", provider.name);
    }
}

/// Why a group of PSS vectors has no counterpart in JOSE, or the algorithm it is for.
fn pss_algorithm(group: &rsa_pss_verify::TestGroup) -> Result<Algorithm, String> {
    let Some((length, _, algorithm)) = rsa_algorithms(group.hash) else {
        return Err(no_such_hash(group.hash));
    };
    if group.mgf != Mgf::Mgf1 || group.mgf_hash != Some(group.hash) {
        return Err("the mask is made with another hash".to_owned());
    }
    if group.salt_size != length {
        return Err("the salt is not as long as the hash".to_owned());
    }
    Ok(algorithm)
}

#[test]
fn rsa_pss() {
    for provider in providers() {
        let mut tally = Tally::default();
        for name in rsa_pss_verify::TestName::all() {
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                match pss_algorithm(&group) {
                    Ok(algorithm) => {
                        let key = Key::new(rsa_key(&group.key), algorithm, provider);
                        for test in &group.tests {
                            tally.run(&key, &vector!(test));
                        }
                    }
                    Err(reason) => tally.skip(reason, group.tests.len()),
                }
            }
        }
        let skipped = [
            ("JOSE has no RSA algorithm with Sha1", 236),
            ("JOSE has no RSA algorithm with Sha2_224", 60),
            ("JOSE has no RSA algorithm with Sha2_512_224", 100),
            ("JOSE has no RSA algorithm with Sha2_512_256", 115),
            ("JOSE has no RSA algorithm with Shake128", 228),
            ("JOSE has no RSA algorithm with Shake256", 552),
            ("the mask is made with another hash", 430),
            ("the salt is not as long as the hash", 590),
        ];
        assert_eq!(tally, Tally::of(775, 411, &skipped), "{}", provider.name);
    }
}

/// What is valid with another salt or mask, under a hash of ours, is not valid here: RFC 7518
/// 3.5 leaves no parameter open.
// covers: JWA-4
#[test]
fn rsa_pss_with_other_parameters_is_refused() {
    for provider in providers() {
        let (mut refused, mut wrong) = (0, Vec::new());
        for name in rsa_pss_verify::TestName::all() {
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let Some((_, _, algorithm)) = rsa_algorithms(group.hash) else {
                    continue;
                };
                if pss_algorithm(&group).is_ok() {
                    continue;
                }
                let key = Key::new(rsa_key(&group.key), algorithm, provider);
                assert!(key.0.is_ok(), "the key itself is a good one");
                for test in &group.tests {
                    if test.result != TestResult::Valid {
                        continue;
                    }
                    match key.verify(&vector!(test)) {
                        Ok(()) => wrong.push((name, test.tc_id)),
                        Err(_) => refused += 1,
                    }
                }
            }
        }
        assert_eq!((refused, wrong), (755, vec![]), "{}", provider.name);
    }
}

/// A key whose own parameters allow PSS only is not one that JOSE describes (RFC 7518 6.3), and
/// its object identifier says so.
#[test]
fn rsa_keys_for_pss_alone_are_told_apart() {
    let (mut read, mut refused) = (0, 0);
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            match PublicKey::from_spki_der(&group.der) {
                Ok(key) => {
                    check_encodings(&key, &group.der, &group.pem);
                    assert_eq!(Ok(key), rsa_key(&group.key));
                    read += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), "encoding-unsupported", "{name:?}");
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((read, refused), (167, 157));
}

/// The sets with signatures of fixed width on our curves.
const ECDSA: [ecdsa::TestName; 8] = [
    ecdsa::TestName::EcdsaSecp256r1Sha256P1363,
    ecdsa::TestName::EcdsaSecp256r1Sha512P1363,
    ecdsa::TestName::EcdsaSecp256r1Shake128P1363,
    ecdsa::TestName::EcdsaSecp384r1Sha384P1363,
    ecdsa::TestName::EcdsaSecp384r1Sha512P1363,
    ecdsa::TestName::EcdsaSecp384r1Shake256P1363,
    ecdsa::TestName::EcdsaSecp521r1Sha512P1363,
    ecdsa::TestName::EcdsaSecp521r1Shake256P1363,
];

fn ecdsa_algorithm(group: &ecdsa::TestGroup) -> Option<(Curve, Algorithm)> {
    match (group.key.curve, group.hash) {
        (EllipticCurve::Secp256r1, HashFunction::Sha2_256) => Some((Curve::P256, Algorithm::ES256)),
        (EllipticCurve::Secp384r1, HashFunction::Sha2_384) => Some((Curve::P384, Algorithm::ES384)),
        (EllipticCurve::Secp521r1, HashFunction::Sha2_512) => Some((Curve::P521, Algorithm::ES512)),
        _ => None,
    }
}

// covers: JWA-6, JWA-7
#[test]
fn ecdsa_of_fixed_width() {
    for provider in providers() {
        let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
        for name in ECDSA {
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                let Some((curve, algorithm)) = ecdsa_algorithm(&group) else {
                    let reason = format!("{:?} with {:?}", group.key.curve, group.hash);
                    let tally = tallies.entry("others").or_default();
                    tally.skip(reason, group.tests.len());
                    continue;
                };
                let tally = tallies.entry(algorithm.name()).or_default();
                let key = EcPublicKey::from_uncompressed(curve, &group.key.key).map(PublicKey::Ec);
                check_encodings(key.as_ref().unwrap(), &group.der, &group.pem);
                if !provider.algorithms().contains(algorithm) {
                    let reason = format!("{} does not offer {algorithm}", provider.name);
                    tally.skip(reason, group.tests.len());
                    continue;
                }
                let key = Key::new(key, algorithm, provider);
                for test in &group.tests {
                    tally.run(&key, &vector!(test));
                }
            }
        }
        let es512 = if provider.algorithms().contains(Algorithm::ES512) {
            Tally::of(231, 87, &[])
        } else {
            Tally::of(0, 0, &[("ring does not offer ES512", 318)])
        };
        let others = [
            ("Secp256r1 with Sha2_512", 332),
            ("Secp256r1 with Shake128", 258),
            ("Secp384r1 with Sha2_512", 318),
            ("Secp384r1 with Shake256", 314),
            ("Secp521r1 with Shake256", 314),
        ];
        let expected = BTreeMap::from([
            ("ES256", Tally::of(173, 89, &[])),
            ("ES384", Tally::of(193, 87, &[])),
            ("ES512", es512),
            ("others", Tally::of(0, 0, &others)),
        ]);
        assert_eq!(tallies, expected, "{}", provider.name);
    }
}

// covers: OKP-2
#[test]
fn eddsa() {
    for provider in providers() {
        let mut tally = Tally::default();
        for name in eddsa::TestName::all() {
            for group in eddsa::TestSet::load(name).unwrap().test_groups {
                if group.key.curve != EdwardsCurve::Ed25519 {
                    let reason = format!("no algorithm of ours uses {:?}", group.key.curve);
                    tally.skip(reason, group.tests.len());
                    continue;
                }
                let key = Ed25519PublicKey::from_octets(&group.key.pk).map(PublicKey::Ed25519);
                check_encodings(key.as_ref().unwrap(), &group.der, &group.pem);
                let key = Key::new(key, Algorithm::EdDSA, provider);
                for test in &group.tests {
                    tally.run(&key, &vector!(test));
                }
            }
        }
        let skipped = [("no algorithm of ours uses Ed448", 87)];
        assert_eq!(tally, Tally::of(88, 63, &skipped), "{}", provider.name);
    }
}
