//! Runs Project Wycheproof's signatures and sealed texts on one backend and says what has to come of them.
//!
//! `tests/wycheproof.rs` of this crate and the conformance suites of the workspace compile this
//! file both, beside a `jose` of their own. What has no counterpart here is skipped with the
//! reason, and every total is exact, so that a new version of the vectors cannot shrink the tests
//! unseen.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::jose::crypto::VerifyingKey;
use super::jose::key::{
    Curve, EcPublicKey, Ed25519PublicKey, EncodingError, KeyError, PublicKey, RsaPublicKey,
};
use super::jose::{Algorithm, CryptoProvider};
use wycheproof::{EdwardsCurve, EllipticCurve, HashFunction, Mgf, TestResult};
use wycheproof::{aead, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

/// What became of the vectors of one group on one backend.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Signatures, or keys, that were accepted.
    pub(crate) accepted: usize,
    /// Those that were refused.
    pub(crate) refused: usize,
    /// Those that were not tried, by reason.
    pub(crate) skipped: BTreeMap<String, usize>,
    /// Vectors whose verdict is not the expected one.
    pub(crate) wrong: Vec<String>,
}

/// The vectors of one kind.
#[derive(Debug)]
pub(crate) struct Group {
    /// What came of them.
    pub(crate) found: Tally,
    /// What has to come of them.
    pub(crate) expected: Tally,
}

/// What runs the vectors of one kind on a backend.
type Run = fn(&CryptoProvider) -> Group;

/// Every kind of vectors by its name.
pub(crate) const GROUPS: [(&str, Run); 9] = [
    ("RSASSA-PKCS1-v1_5", rsa_pkcs1),
    ("RSASSA-PSS", rsa_pss),
    (
        "RSASSA-PSS, other parameters",
        rsa_pss_with_other_parameters,
    ),
    ("RSASSA-PSS, keys", rsa_keys_for_pss_alone),
    ("ES256", es256),
    ("ES384", es384),
    ("ES512", es512),
    ("EdDSA", eddsa),
    ("AES-256-GCM", aes_256_gcm),
];

impl Tally {
    fn of([accepted, refused]: [usize; 2], skipped: &[(&str, usize)]) -> Self {
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

    /// Checks that DER and PEM give the very key that its numbers give.
    fn check_encodings(&mut self, key: &Result<PublicKey, KeyError>, spki: &[u8], pem: &str) {
        if PublicKey::from_spki_der(spki).ok().as_ref() != key.as_ref().ok() {
            self.wrong
                .push(format!("{key:?}, and another one from DER"));
        }
        if PublicKey::from_pem(pem).ok().as_ref() != key.as_ref().ok() {
            self.wrong
                .push(format!("{key:?}, and another one from PEM"));
        }
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

fn rsa_pkcs1(provider: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    for name in rsa_pkcs1_verify::TestName::all() {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Some((_, algorithm, _)) = rsa_algorithms(group.hash) else {
                found.skip(no_such_hash(group.hash), group.tests.len());
                continue;
            };
            let key = rsa_key(&group.key);
            found.check_encodings(&key, &group.der, &group.pem);
            let from_pkcs1 = PublicKey::from_pkcs1_der(&group.asn_key);
            if from_pkcs1 != key.clone().map_err(EncodingError::Key) {
                found
                    .wrong
                    .push(format!("{name:?}: another key from PKCS#1"));
            }
            let key = Key::new(key, algorithm, provider);
            for test in &group.tests {
                found.run(&key, &vector!(test));
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
    Group {
        found,
        expected: Tally::of([89, 3017], &skipped),
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

fn rsa_pss(provider: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            match pss_algorithm(&group) {
                Ok(algorithm) => {
                    let key = Key::new(rsa_key(&group.key), algorithm, provider);
                    for test in &group.tests {
                        found.run(&key, &vector!(test));
                    }
                }
                Err(reason) => found.skip(reason, group.tests.len()),
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
    Group {
        found,
        expected: Tally::of([775, 411], &skipped),
    }
}

/// What is valid with another salt or mask, under a hash of ours, is not valid here: RFC 7518
/// 3.5 leaves no parameter open.
fn rsa_pss_with_other_parameters(provider: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let Some((_, _, algorithm)) = rsa_algorithms(group.hash) else {
                continue;
            };
            if pss_algorithm(&group).is_ok() {
                continue;
            }
            let key = Key::new(rsa_key(&group.key), algorithm, provider);
            if let Err(error) = &key.0 {
                found.wrong.push(format!("{name:?}: {error}"));
            }
            for test in &group.tests {
                if test.result != TestResult::Valid {
                    continue;
                }
                match key.verify(&vector!(test)) {
                    Ok(()) => found
                        .wrong
                        .push(format!("{name:?} {}: accepted", test.tc_id)),
                    Err(_) => found.refused += 1,
                }
            }
        }
    }
    Group {
        found,
        expected: Tally::of([0, 755], &[]),
    }
}

/// A key whose own parameters allow PSS only is not one that JOSE describes (RFC 7518 6.3), and
/// its object identifier says so. Here keys are counted, not signatures.
fn rsa_keys_for_pss_alone(_: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            match PublicKey::from_spki_der(&group.der) {
                Ok(key) => {
                    found.check_encodings(&Ok(key.clone()), &group.der, &group.pem);
                    if Ok(key) != rsa_key(&group.key) {
                        found.wrong.push(format!("{name:?}: another key from DER"));
                    }
                    found.accepted += 1;
                }
                Err(error) => {
                    if error.code() != "encoding-unsupported" {
                        found.wrong.push(format!("{name:?}: {error}"));
                    }
                    found.refused += 1;
                }
            }
        }
    }
    Group {
        found,
        expected: Tally::of([167, 157], &[]),
    }
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

const fn curve_of(group: &ecdsa::TestGroup) -> Option<Curve> {
    match group.key.curve {
        EllipticCurve::Secp256r1 => Some(Curve::P256),
        EllipticCurve::Secp384r1 => Some(Curve::P384),
        EllipticCurve::Secp521r1 => Some(Curve::P521),
        _ => None,
    }
}

const fn ecdsa_algorithm(group: &ecdsa::TestGroup) -> Option<Algorithm> {
    match (group.key.curve, group.hash) {
        (EllipticCurve::Secp256r1, HashFunction::Sha2_256) => Some(Algorithm::ES256),
        (EllipticCurve::Secp384r1, HashFunction::Sha2_384) => Some(Algorithm::ES384),
        (EllipticCurve::Secp521r1, HashFunction::Sha2_512) => Some(Algorithm::ES512),
        _ => None,
    }
}

fn es256(provider: &CryptoProvider) -> Group {
    let others = [
        ("Secp256r1 with Sha2_512", 332),
        ("Secp256r1 with Shake128", 258),
    ];
    ecdsa(provider, "ES256", Curve::P256, [173, 89], &others)
}

fn es384(provider: &CryptoProvider) -> Group {
    let others = [
        ("Secp384r1 with Sha2_512", 318),
        ("Secp384r1 with Shake256", 314),
    ];
    ecdsa(provider, "ES384", Curve::P384, [193, 87], &others)
}

fn es512(provider: &CryptoProvider) -> Group {
    let others = [("Secp521r1 with Shake256", 314)];
    ecdsa(provider, "ES512", Curve::P521, [231, 87], &others)
}

/// The vectors on one curve: those of its one JOSE algorithm, and those with another hash.
fn ecdsa(
    provider: &CryptoProvider,
    name: &str,
    curve: Curve,
    totals: [usize; 2],
    others: &[(&str, usize)],
) -> Group {
    let mut found = Tally::default();
    for set in ECDSA {
        for group in ecdsa::TestSet::load(set).unwrap().test_groups {
            if curve_of(&group) != Some(curve) {
                continue;
            }
            let Some(algorithm) = ecdsa_algorithm(&group) else {
                let reason = format!("{:?} with {:?}", group.key.curve, group.hash);
                found.skip(reason, group.tests.len());
                continue;
            };
            let key = EcPublicKey::from_uncompressed(curve, &group.key.key).map(PublicKey::Ec);
            found.check_encodings(&key, &group.der, &group.pem);
            if !provider.algorithms().contains(algorithm) {
                found.skip(not_offered(provider, algorithm), group.tests.len());
                continue;
            }
            let key = Key::new(key, algorithm, provider);
            for test in &group.tests {
                found.run(&key, &vector!(test));
            }
        }
    }
    let algorithm = Algorithm::from_name(name).unwrap();
    let mut expected = Tally::of(totals, others);
    if !provider.algorithms().contains(algorithm) {
        // The one algorithm that a backend may lack.
        assert_eq!((provider.name, name), ("ring", "ES512"));
        expected = Tally::of([0, 0], others);
        expected.skip(not_offered(provider, algorithm), totals.iter().sum());
    }
    Group { found, expected }
}

fn not_offered(provider: &CryptoProvider, algorithm: Algorithm) -> String {
    format!("{} does not offer {algorithm}", provider.name)
}

fn eddsa(provider: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    for name in eddsa::TestName::all() {
        for group in eddsa::TestSet::load(name).unwrap().test_groups {
            if group.key.curve != EdwardsCurve::Ed25519 {
                let reason = format!("no algorithm of ours uses {:?}", group.key.curve);
                found.skip(reason, group.tests.len());
                continue;
            }
            let key = Ed25519PublicKey::from_octets(&group.key.pk).map(PublicKey::Ed25519);
            found.check_encodings(&key, &group.der, &group.pem);
            let key = Key::new(key, Algorithm::EdDSA, provider);
            for test in &group.tests {
                found.run(&key, &vector!(test));
            }
        }
    }
    Group {
        found,
        expected: Tally::of([88, 63], &[("no algorithm of ours uses Ed448", 87)]),
    }
}

/// Opening only: a nonce cannot be given to the side that seals. What it seals is compared between
/// the backends.
fn aes_256_gcm(provider: &CryptoProvider) -> Group {
    let mut found = Tally::default();
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    for group in set.test_groups {
        if (group.key_size, group.tag_size) != (256, 128) {
            found.skip("the key has not 256 bits", group.tests.len());
            continue;
        }
        for test in &group.tests {
            let Ok(nonce) = <&[u8; 12]>::try_from(&**test.nonce) else {
                found.skip("the nonce has not 96 bits", 1);
                continue;
            };
            let octets = <&[u8; 32]>::try_from(&**test.key).unwrap();
            let mut text = [&**test.ct, &**test.tag].concat();
            let opened = provider
                .aead
                .key(octets)
                .unwrap()
                .open(nonce, &test.aad, &mut text);
            let is_right = match opened {
                Ok(()) => test.result == TestResult::Valid && text == **test.pt,
                Err(_) => test.result == TestResult::Invalid && text.is_empty(),
            };
            if !is_right {
                let aead::Test { tc_id, comment, .. } = test;
                found.wrong.push(format!("{tc_id} ({comment}): {opened:?}"));
            }
            match opened {
                Ok(()) => found.accepted += 1,
                Err(_) => found.refused += 1,
            }
        }
    }
    let skipped = [
        ("the key has not 256 bits", 211),
        ("the nonce has not 96 bits", 39),
    ];
    Group {
        found,
        expected: Tally::of([39, 27], &skipped),
    }
}
