//! A sign-in, step by step, each of which a test can spoil.

use std::sync::Arc;

use smart_jose::jwt::{ClaimsPolicy, validate};
use smart_jose::{Algorithms, CryptoProvider, JwkSet, UnixTime, UnverifiedJws};

use super::http::{Answer, get, post_form};
use crate::{DEFAULT_CLIENT_ID, FixedClock, Sandbox, SandboxBuilder};

pub(super) const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
// The example of RFC 7636, Appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const STATE: &str = "state-0123456789 +&=/%";
pub(super) const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// The parameters of a request, in order.
pub(super) type Pairs = Vec<(&'static str, String)>;

pub(super) fn builder() -> SandboxBuilder {
    Sandbox::builder(CryptoProvider::ring())
}

/// A sandbox whose clock moves only when it is told to.
pub(super) async fn with_clock() -> (Sandbox, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    let sandbox = builder().clock(clock.clone()).start().await.unwrap();
    (sandbox, clock)
}

/// A sound authorization request.
pub(super) fn request(sandbox: &Sandbox) -> Pairs {
    vec![
        ("response_type", "code".into()),
        ("client_id", DEFAULT_CLIENT_ID.into()),
        ("redirect_uri", REDIRECT_URI.into()),
        ("scope", "openid fhirUser profile launch/patient".into()),
        ("state", STATE.into()),
        ("aud", sandbox.fhir_base()),
        ("code_challenge", CHALLENGE.into()),
        ("code_challenge_method", "S256".into()),
        ("nonce", "nonce-1".into()),
    ]
}

/// A sound token request for a code.
pub(super) fn exchange(code: &str) -> Pairs {
    vec![
        ("grant_type", "authorization_code".into()),
        ("code", code.into()),
        ("redirect_uri", REDIRECT_URI.into()),
        ("client_id", DEFAULT_CLIENT_ID.into()),
        ("code_verifier", VERIFIER.into()),
    ]
}

/// The same with another value.
pub(super) fn with(mut pairs: Pairs, name: &'static str, value: &str) -> Pairs {
    pairs.retain(|(it, _)| *it != name);
    pairs.push((name, value.to_owned()));
    pairs
}

/// The same without one.
pub(super) fn without(mut pairs: Pairs, name: &str) -> Pairs {
    let before = pairs.len();
    pairs.retain(|(it, _)| *it != name);
    assert_ne!(pairs.len(), before, "{name} was not there");
    pairs
}

/// The same with one twice.
pub(super) fn doubled(mut pairs: Pairs, name: &str) -> Pairs {
    let pair = pairs.iter().find(|(it, _)| *it == name).unwrap().clone();
    pairs.push(pair);
    pairs
}

pub(super) fn encode(pairs: &Pairs) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

pub(super) async fn authorize(sandbox: &Sandbox, pairs: &Pairs) -> Answer {
    get(&format!("{}/authorize?{}", sandbox.issuer(), encode(pairs))).await
}

/// Authorizes and returns the code.
pub(super) async fn code(sandbox: &Sandbox, pairs: &Pairs) -> String {
    let (_, parameters) = authorize(sandbox, pairs).await.redirect();
    parameters["code"].clone()
}

pub(super) async fn redeem(sandbox: &Sandbox, pairs: &Pairs) -> Answer {
    post_form(&format!("{}/token", sandbox.issuer()), &encode(pairs)).await
}

/// Signs in and returns the token response.
pub(super) async fn sign_in(sandbox: &Sandbox, scope: &str) -> serde_json::Value {
    let code = code(sandbox, &with(request(sandbox), "scope", scope)).await;
    let answer = redeem(sandbox, &exchange(&code)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// Verifies an ID token against the keys that are served, and returns its claims and its `kid`.
pub(super) async fn verify(
    sandbox: &Sandbox,
    id_token: &str,
    accepted: Algorithms,
) -> (serde_json::Value, String) {
    let jwks = get(&format!("{}/jwks", sandbox.issuer())).await;
    let keys = JwkSet::parse(jwks.body.as_bytes(), CryptoProvider::ring()).unwrap();
    assert!(keys.skipped().is_empty() && keys.findings().is_empty());
    let token = UnverifiedJws::parse(id_token, accepted).unwrap();
    let candidates = keys.exactly_one(token.header()).unwrap();
    let token = token.verify(&candidates).unwrap();
    let policy = ClaimsPolicy::new(sandbox.issuer(), DEFAULT_CLIENT_ID);
    let payload: serde_json::Value = serde_json::from_slice(token.payload()).unwrap();
    let now = UnixTime::from_secs(payload["iat"].as_u64().unwrap());
    let token = validate::<serde_json::Value>(token, &policy, now).unwrap();
    let kid = token.header().kid().unwrap().to_owned();
    (token.into_claims(), kid)
}
