//! The compact form: what parses has three parts and one spelling, and is still not believed.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithms, CryptoProvider, Jwk, JwkSet, UnverifiedJws, base64url, danger};

/// One new key for each algorithm that a key can be generated for quickly. Nobody has signed
/// anything with them, so no token is valid.
static KEYS: LazyLock<JwkSet> = LazyLock::new(|| {
    let provider = CryptoProvider::aws_lc_rs();
    let keys = provider.algorithms().iter().map(|algorithm| {
        let key = PrivateKey::generate(algorithm, provider).expect("AWS-LC makes every key");
        Jwk::without_kid(key.public_key())
    });
    // RSA keys serve several algorithms, and five of a kind would be refused as too many.
    let mut chosen: Vec<Jwk> = Vec::new();
    for key in keys {
        if chosen
            .iter()
            .all(|it| it.key().key_type() != key.key().key_type())
        {
            chosen.push(key);
        }
    }
    JwkSet::from_keys(chosen, provider)
});

fuzz_target!(|text: &str| {
    let every = CryptoProvider::aws_lc_rs().algorithms();
    let payload = danger::unverified_payload(text);
    let token = match UnverifiedJws::parse(text, every) {
        Ok(token) => token,
        Err(error) => {
            assert!(!error.code().is_empty());
            return;
        }
    };
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!(parts.len(), 3);
    if let Err(error) = token.check_encoding() {
        assert_eq!(error.code(), "jws-base64");
        let malformed = |part: &&str| base64url::decode(part).is_err();
        assert!(parts.iter().any(malformed));
        return;
    }
    let decoded: Vec<Vec<u8>> = parts
        .iter()
        .map(|part| base64url::decode(part).expect("each part was decoded before"))
        .collect();
    let again: Vec<String> = decoded.iter().map(base64url::encode).collect();
    assert_eq!(again.join("."), text);
    assert_eq!(payload.as_ref(), Ok(&decoded[1]));

    // Without its own algorithm in the accepted set, the same token is refused for that reason.
    let algorithm = token.header().algorithm();
    let others: Algorithms = every.iter().filter(|it| *it != algorithm).collect();
    let error = UnverifiedJws::parse(text, others).expect_err("its algorithm is not accepted");
    assert_eq!(error.code(), "alg-not-accepted");

    let keys = KEYS
        .candidates_for(algorithm)
        .expect("there is a key for each");
    assert!(token.verify(&keys).is_err(), "nobody has signed this");
});
