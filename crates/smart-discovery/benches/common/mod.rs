//! Issuers with three keys, at hand without a network.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use smart_discovery::{
    Clock as _, Discovery, FhirBaseUrl, HttpClient, IssuerKeys, IssuerSnapshot, KeySource,
    LiveIssuer, SystemClock, TransportError,
};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, Algorithms, CryptoProvider, Jwk, ProtectedHeader, UnverifiedJws};

/// The three keys of every issuer here, by `kid` and algorithm.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("2024-08-15.rsa", "RS256"),
    ("2024-08-15.p256", "ES256"),
    ("2024-08-15.p384", "ES384"),
];

/// A network that must not be asked.
#[derive(Debug)]
pub(crate) struct Silence;

#[async_trait]
impl HttpClient for Silence {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        panic!("{} was asked for", request.uri());
    }
}

#[cfg(feature = "ring")]
pub(crate) fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
pub(crate) fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

/// A key set as a large identity provider publishes one: RSA with 2048 bits, P-256 and P-384.
pub(crate) fn key_set() -> Value {
    let mut modulus = [0xc5; 256];
    modulus[255] = 0x01;
    let rsa = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEYS[0].0, "e": "AQAB",
        "n": smart_jose::base64url::encode(modulus),
    });
    let ec = |at: usize, algorithm| {
        let key = PrivateKey::generate(algorithm, provider()).unwrap();
        let jwk = Jwk::new(key.public_key(), KEYS[at].0, algorithm).unwrap();
        serde_json::to_value(jwk).unwrap()
    };
    json!({"keys": [rsa, ec(1, Algorithm::ES256), ec(2, Algorithm::ES384)]})
}

/// The FHIR base of this hospital.
pub(crate) fn base(number: usize) -> FhirBaseUrl {
    FhirBaseUrl::parse(&format!("https://ehr-{number:06}.example/fhir/r4")).unwrap()
}

/// What would be written down of an issuer that was just fetched.
pub(crate) fn snapshot(base: &FhirBaseUrl, key_set: &Value) -> IssuerSnapshot {
    let issuer = format!("{base}/oidc");
    let jwks_uri = format!("{issuer}/jwks");
    let now = SystemClock::new().now().as_secs();
    let document =
        |document: Value| json!({"confirmed_at": now, "life": 86_400, "document": document});
    let smart = json!({
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "capabilities": ["launch-ehr", "sso-openid-connect", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code"],
    });
    let openid = json!({
        "issuer": issuer,
        "jwks_uri": jwks_uri,
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "ES384"],
    });
    let written = json!({
        "version": 1,
        "fhir_base": base.as_str(),
        "smart_configuration": document(smart),
        "openid_configuration": document(openid),
        "jwks": {
            "version": 1, "uri": jwks_uri, "confirmed_at": now, "life": 86_400, "jwks": key_set,
        },
    });
    serde_json::from_value(written).unwrap()
}

/// The issuer of this hospital, with all its documents at hand.
pub(crate) fn live(number: usize, key_set: &Value, clock: &Arc<SystemClock>) -> LiveIssuer {
    let base = base(number);
    let discovery = Discovery::new(Arc::new(Silence));
    let live = LiveIssuer::new(discovery, base.clone(), provider(), clock.clone());
    live.import(&snapshot(&base, key_set)).unwrap();
    live
}

/// The keys of an issuer that is at hand.
pub(crate) fn keys_of(live: &LiveIssuer) -> IssuerKeys {
    live.keys_of(&live.at_hand().unwrap())
}

/// Has each key prepared for its algorithm, as its first token does.
pub(crate) fn prepare(keys: &dyn KeySource) {
    for (kid, alg) in KEYS {
        with_header(kid, alg, |header| assert!(keys.cached(header).is_some()));
    }
}

/// Hands over the header of a token with this `kid` and algorithm.
pub(crate) fn with_header<T>(kid: &str, alg: &str, then: impl FnOnce(&ProtectedHeader) -> T) -> T {
    let header = json!({"alg": alg, "kid": kid}).to_string();
    let token = format!("{}.e30.AA", smart_jose::base64url::encode(header));
    then(
        UnverifiedJws::parse(&token, Algorithms::ID_TOKEN)
            .unwrap()
            .header(),
    )
}
