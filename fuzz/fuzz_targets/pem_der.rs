//! Keys in DER and PEM: a key that is read is of one type, and every backend can use it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use smart_jose::CryptoProvider;
use smart_jose::jwk::{PrivateJwk, thumbprint};
use smart_jose::key::{Curve, PrivateKey, PublicKey};

fn judge_public(key: &PublicKey) {
    let (ring, aws) = (CryptoProvider::ring(), CryptoProvider::aws_lc_rs());
    let mut types: Vec<_> = aws
        .algorithms()
        .iter()
        .filter(|it| key.fits(*it))
        .map(|it| it.key_type())
        .collect();
    types.dedup();
    assert_eq!(types, [key.key_type()]);
    assert_eq!(thumbprint(key, aws).len(), 43);
    for provider in [ring, aws] {
        for algorithm in provider.algorithms().iter().filter(|it| key.fits(*it)) {
            assert!(provider.prepare(key, algorithm).is_ok(), "{key:?}");
        }
    }
}

/// A backend refuses the key, or what it signs verifies with the public half. What is written of
/// it is read as the same key.
fn judge_private(key: &PrivateKey) {
    let public = key.public_key();
    judge_public(&public);
    let aws = CryptoProvider::aws_lc_rs();
    let der = key.expose_pkcs8_der().expect("a key is written");
    let again = PrivateKey::from_pkcs8_der(&der, aws).expect("what was written is read");
    assert_eq!(again.public_key(), public);
    assert_eq!(*again.expose_pkcs8_der().expect("a key is written"), *der);
    let jwk = PrivateJwk::new(key.clone(), None, None);
    let jwk = jwk.expose_json().expect("a key is written");
    let again = PrivateJwk::parse(jwk.as_bytes()).expect("what was written is read");
    assert_eq!(*again.key.expose_pkcs8_der().expect("a key is written"), *der);
    for provider in [CryptoProvider::ring(), CryptoProvider::aws_lc_rs()] {
        let mut algorithms = provider.algorithms().iter().filter(|it| public.fits(*it));
        let Some(algorithm) = algorithms.next() else {
            continue;
        };
        let Ok(signer) = provider.signing_key(key, algorithm) else {
            continue;
        };
        if let Ok(signature) = signer.sign(b"message") {
            let verifier = provider
                .prepare(&public, algorithm)
                .expect("it was prepared above");
            assert!(verifier.verify(b"message", &signature).is_ok(), "{key:?}");
        }
    }
}

fuzz_target!(|octets: &[u8]| {
    let aws = CryptoProvider::aws_lc_rs();
    let public = [
        PublicKey::from_spki_der(octets),
        PublicKey::from_pkcs1_der(octets),
    ];
    public
        .into_iter()
        .flatten()
        .for_each(|key| judge_public(&key));

    let private = [
        PrivateKey::from_pkcs8_der(octets, aws),
        PrivateKey::from_pkcs1_der(octets, aws),
        PrivateKey::from_sec1_der(octets, None, aws),
        PrivateKey::from_sec1_der(octets, Some(Curve::P384), aws),
    ];
    private
        .into_iter()
        .flatten()
        .for_each(|key| judge_private(&key));

    if let Ok(text) = core::str::from_utf8(octets) {
        if let Ok(key) = PublicKey::from_pem(text) {
            judge_public(&key);
        }
        if let Ok(key) = PrivateKey::from_pem(text, aws) {
            judge_private(&key);
        }
    }
});
