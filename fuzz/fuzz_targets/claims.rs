//! Claims under a valid signature: what validates says the same to a lenient reader.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use smart_jose::jwt::{ClaimsPolicy, validate};
use smart_jose::key::PrivateKey;
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, UnixTime, UnverifiedJws, crypto::SigningKey,
    jws,
};
use std::sync::Arc;

const ISSUER: &str = "https://ehr.example/oidc";
const AUDIENCE: &str = "my-app";
const NOW: u64 = 1_700_000_000;
/// The leeway that a policy grants unless it says otherwise.
const LEEWAY: f64 = 60.0;

/// Ed25519 signs fastest.
static KEY: LazyLock<(Arc<dyn SigningKey>, Candidates)> = LazyLock::new(|| {
    let ring = CryptoProvider::ring();
    let key = PrivateKey::generate(Algorithm::EdDSA, ring).expect("ring makes Ed25519 keys");
    let signer = ring
        .signing_key(&key, Algorithm::EdDSA)
        .expect("the key is good");
    let verifier = ring
        .prepare(&key.public_key(), Algorithm::EdDSA)
        .expect("the key is good");
    (signer, Candidates::one(verifier))
});

fuzz_target!(|payload: &[u8]| {
    let (signer, candidates) = &*KEY;
    let Ok(token) = jws::sign(payload, Some("key"), &**signer) else {
        assert!(payload.is_empty(), "only an empty payload is not signed");
        return;
    };
    // A payload beyond the limit is signed, but not read.
    let Ok(token) = UnverifiedJws::parse(&token, Algorithms::of(&[Algorithm::EdDSA])) else {
        assert!(payload.len() > 48 * 1024 - 256);
        return;
    };
    let token = token.verify(candidates).expect("the signature is good");
    assert_eq!(token.payload(), payload);

    let policy = ClaimsPolicy::new(ISSUER, AUDIENCE);
    let now = UnixTime::from_secs(NOW);
    let Ok(token) = validate::<Map<String, Value>>(token, &policy, now) else {
        return;
    };
    let lenient: Map<String, Value> = serde_json::from_slice(payload).expect("strict JSON is JSON");
    assert_eq!(token.claims(), &lenient);
    assert_eq!(lenient["iss"], ISSUER);
    match &lenient["aud"] {
        Value::Array(all) => assert!(!all.is_empty() && all.iter().all(|it| it == AUDIENCE)),
        one => assert_eq!(one, AUDIENCE),
    }
    let date = |name: &str| lenient.get(name).map(|it| it.as_f64().expect("a number"));
    let now = NOW as f64;
    assert!(date("exp").is_some_and(|it| it > now - LEEWAY));
    assert!(date("nbf").is_none_or(|it| it <= now + LEEWAY));
    assert!(date("iat").is_none_or(|it| it <= now + LEEWAY));
});
