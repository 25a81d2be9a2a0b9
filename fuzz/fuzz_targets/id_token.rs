//! The claims of an ID token under a valid signature: `verify` and `explain` agree, what is
//! accepted answers the request, and a refresh never changes the user.

#![no_main]

use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use smart_discovery::{FhirBaseUrl, FixedJwks, Issuer};
use smart_jose::crypto::SigningKey;
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, Algorithms, CryptoProvider, UnixTime, jws};
use smart_oidc::id_token::{Continuity, Refreshed};
use smart_oidc::{AccessToken, ClientId, Expected, IdTokenVerifier, Nonce, RawIdToken};

const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "my-app";
const NONCE: &str = "n-0S6_WzA2Mj";
const BASE: &str = "https://ehr.example/fhir";
const NOW: u64 = 1_700_000_000;
/// The leeway that a verifier grants unless it is told otherwise.
const LEEWAY: f64 = 60.0;

struct World {
    signer: Arc<dyn SigningKey>,
    verifier: IdTokenVerifier,
    nonce: Nonce,
    access_token: AccessToken,
    base: FhirBaseUrl,
    first: Continuity,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let ring = CryptoProvider::ring();
    // Ed25519 signs fastest.
    let key = PrivateKey::generate(Algorithm::EdDSA, ring).expect("ring makes Ed25519 keys");
    let signer = ring
        .signing_key(&key, Algorithm::EdDSA)
        .expect("the key is good");
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).expect("the issuer is good"),
        ClientId::new(CLIENT),
        Algorithms::of(&[Algorithm::EdDSA]),
        FixedJwks::one_key(key.public_key(), ring),
        ring,
    );
    let nonce = Nonce::new(NONCE);
    let first = format!(
        r#"{{"iss":"{ISSUER}","sub":"dr-smith","aud":"{CLIENT}","exp":{NOW},"iat":{},"nonce":"{NONCE}"}}"#,
        NOW - 300
    );
    let first = jws::sign(first.as_bytes(), None, &*signer).expect("a key that signs");
    let then = UnixTime::from_secs(NOW - 300);
    let first = now(verifier.verify(&RawIdToken::new(first), &Expected::nonce(&nonce), then));
    World {
        first: first.expect("the first token is good").continuity(),
        signer,
        verifier,
        nonce,
        access_token: AccessToken::new("at"),
        base: FhirBaseUrl::parse(BASE).expect("the base is good"),
    }
});

/// The key is at hand, so nothing is waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits for something"),
    }
}

fuzz_target!(|payload: &[u8]| {
    let world = &*WORLD;
    let Ok(token) = jws::sign(payload, None, &*world.signer) else {
        return;
    };
    let token = RawIdToken::new(token);
    let time = UnixTime::from_secs(NOW);
    let expected = Expected::nonce(&world.nonce).with_access_token(&world.access_token);
    let verified = now(world.verifier.verify(&token, &expected, time));
    let report = now(world.verifier.explain(&token, &expected, time));
    assert_eq!(verified.is_ok(), report.valid);
    assert_eq!(verified.as_ref().err(), report.error.as_ref());
    let _ = serde_json::to_string(&report).expect("a report serializes");

    let lenient: Option<Map<String, Value>> = serde_json::from_slice(payload).ok();
    let text = |name: &str| lenient.as_ref().and_then(|it| it.get(name)?.as_str());
    if let Ok(token) = &verified {
        let claims = lenient.as_ref().expect("strict JSON is JSON");
        assert_eq!(token.claims::<Map<String, Value>>().as_ref(), Ok(claims));
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["nonce"], NONCE);
        assert_eq!(text("sub"), Some(token.subject()));
        assert!((1..=255).contains(&token.subject().len()) && token.subject().is_ascii());
        match &claims["aud"] {
            Value::Array(all) => assert!(!all.is_empty() && all.iter().all(|it| it == CLIENT)),
            one => assert_eq!(one, CLIENT),
        }
        let date = |name: &str| claims.get(name).and_then(Value::as_f64);
        assert!(date("exp").expect("a number") > NOW as f64 - LEEWAY);
        assert!(date("iat").expect("a number") <= NOW as f64 + LEEWAY);
        assert!(date("nbf").is_none_or(|it| it <= NOW as f64 + LEEWAY));
        if let Ok(Some(user)) = token.fhir_user(&world.base) {
            assert_eq!(user.url(), format!("{BASE}/{}", user.reference()));
            assert!(user.id().bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it)));
        }
    }
    let refreshed = now(world.verifier.verify_refreshed(
        &token,
        &world.first,
        &world.access_token,
        time,
    ));
    if let Ok(refreshed) = refreshed {
        assert_eq!((text("iss"), text("sub")), (Some(ISSUER), Some("dr-smith")));
        if let Refreshed::Renewed(token) = refreshed {
            assert_eq!(token.subject(), "dr-smith");
            assert!(token.issued_at() >= UnixTime::from_secs(NOW - 300));
        }
    }
});
