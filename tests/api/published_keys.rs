//! The key set that an app serves: what is in it, and that servers choose the right key by it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::{EndpointUrl, FhirBaseUrl, FixedClock, PlainHttp, SmartConfiguration};
use smart_oidc::jose::jwk::Jwk;
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, JwkSet, UnixTime};
use smart_oidc::server::{
    ASSERTION_TYPE, AssertionAudience, ClientAssertion, ClientAssertionVerifier, ClientKeys,
    MemoryReplayStore,
};
use smart_oidc::{
    ASSERTION_LIFE, AssertionSigner, AuthorizationServer, ClientAuthentication, ClientId, Error,
    PublishedKeys, Scopes, TokenClient,
};
use smart_tests::fixture;
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp, parameters};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const TOKEN: &str = "https://ehr.example/fhir/token";
const JWKS: &str = "https://app.example/jwks.json";

fn signer(kid: &str, file: &str, algorithm: Algorithm) -> AssertionSigner {
    let key = PrivateKey::from_pem(&fixture::text(file), provider()).unwrap();
    let key = provider().signing_key(&key, algorithm).unwrap();
    AssertionSigner::new(kid, key, provider()).unwrap()
}

fn rsa(kid: &str) -> AssertionSigner {
    signer(kid, "keys/issuer-rsa-2048.pem", Algorithm::RS384)
}

fn ec(kid: &str) -> AssertionSigner {
    signer(kid, "keys/issuer-p384.pem", Algorithm::ES384)
}

fn other(kid: &str) -> AssertionSigner {
    signer(kid, "keys/other-p384.pem", Algorithm::ES384)
}

fn body(keys: &PublishedKeys) -> Value {
    serde_json::from_str(&keys.document(provider()).body).unwrap()
}

// covers: SMART-CAS-1, SMART-CAS-2, SMART-CAS-3, SMART-CAS-22
#[test]
fn the_document_has_the_public_halves_and_says_how_long_it_may_be_kept() {
    let (signs, waits) = (rsa("b"), ec("a"));
    let keys = PublishedKeys::new([&signs, &waits]).unwrap();
    let keys = keys.with_key(other("c").jwk().clone()).unwrap();
    let served = keys.document(provider());
    assert_eq!(served.cache_control, "public, max-age=600");
    // The numbers are those of the same keys as another program writes them.
    let issuers = Forge::issuer().jwks();
    let find = |keys: &Value, kid: &str| {
        let keys = keys["keys"].as_array().unwrap();
        keys.iter().find(|it| it["kid"] == kid).unwrap().clone()
    };
    let (read, p384) = (body(&keys), find(&issuers, "p384"));
    assert_eq!(
        find(&read, "a"),
        json!({
            "kty": "EC", "crv": "P-384", "x": p384["x"], "y": p384["y"],
            "use": "sig", "alg": "ES384", "kid": "a",
        })
    );
    let members = |kid| {
        let key = find(&read, kid);
        key.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(members("b"), ["alg", "e", "kid", "kty", "n", "use"]);
    assert_eq!(members("c"), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(read["keys"].as_array().unwrap().len(), 3);
    assert_eq!(read.as_object().unwrap().len(), 1);

    // Every node serves the same text, however it was given the keys.
    let again = PublishedKeys::new([&other("c"), &rsa("b"), &ec("a")]).unwrap();
    assert_eq!(again.document(provider()), served);
    let (quote, rest) = served.etag.split_at(1);
    assert!(quote == "\"" && rest.ends_with('"') && rest.len() == 44);
    let fewer = PublishedKeys::new([&signs]).unwrap().document(provider());
    assert_ne!(fewer.etag, served.etag);
    let set = JwkSet::parse(served.body.as_bytes(), provider()).unwrap();
    assert_eq!((set.skipped(), set.findings()), (&[][..], &[][..]));
}

// covers: SMART-CAS-3, SMART-CAS-4
#[test]
fn each_key_has_a_name_of_its_own() {
    let code = |keys: Result<PublishedKeys, _>| {
        keys.map(|it| it.keys().len())
            .map_err(|error| Error::from(error).code())
    };
    let duplicate = Err("published-duplicate-kid");
    assert_eq!(code(PublishedKeys::new([&rsa("a"), &ec("a")])), duplicate);
    assert_eq!(code(PublishedKeys::new([&ec("a"), &ec("a")])), duplicate);
    assert_eq!(code(PublishedKeys::new([&ec("a"), &ec("A")])), Ok(2));
    let one = || PublishedKeys::new([&ec("a")]).unwrap();
    assert_eq!(code(one().with_key(rsa("a").jwk().clone())), duplicate);
    assert_eq!(code(one().with_key(rsa("b").jwk().clone())), Ok(2));
    let nameless = Jwk::without_kid(rsa("b").jwk().key().clone());
    assert_eq!(code(one().with_key(nameless)), Err("published-no-kid"));
    assert_eq!(code(PublishedKeys::new([])), Err("published-empty"));
    let key = ec("a");
    let many = (0..32).try_fold(one(), |keys, n| {
        let jwk = Jwk::new(key.jwk().key().clone(), format!("k{n}"), Algorithm::ES384);
        keys.with_key(jwk.unwrap())
    });
    assert_eq!(code(many), Err("published-full"));
}

// covers: SMART-CAS-2
#[test]
fn the_times_of_a_rotation_follow_from_how_long_the_set_is_kept() {
    let keys = |seconds| {
        let keys = PublishedKeys::new([&ec("a")]).unwrap();
        keys.with_max_age(Duration::from_secs(seconds))
    };
    for (max_age, lead) in [(0, 120), (60, 120), (3600, 3660), (86_400, 86_460)] {
        let keys = keys(max_age).unwrap();
        assert_eq!(keys.lead().as_secs(), lead);
        assert_eq!(keys.max_age().as_secs(), max_age);
        assert_eq!(keys.tail(), ASSERTION_LIFE + Duration::from_secs(300));
        let control = keys.document(provider()).cache_control;
        assert_eq!(control, format!("public, max-age={max_age}"));
    }
    let longer = keys(86_401).map(drop).map_err(|it| it.code());
    assert_eq!(longer, Err("published-max-age"));
}

/// The assertion in a request of an app with this key.
async fn assertion_of(signer: &AssertionSigner) -> String {
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let document = Answer::json(&json!({"token_endpoint": TOKEN})).response();
    let smart = SmartConfiguration::from_response(&base, &document, PlainHttp::Refused);
    let server = AuthorizationServer::of_fhir_server(&smart.unwrap());
    let http = FakeHttp::new();
    http.answer(TOKEN, Answer::status(503));
    let key = ClientAuthentication::PrivateKeyJwt(signer.clone());
    let id = ClientId::new("app");
    let client = TokenClient::without_launch(id, key, http.clone(), provider());
    let scopes = Scopes::parse("system/*.rs");
    let asked = client.client_credentials(&server, &scopes, NOW).await;
    assert_eq!(asked.map(drop).unwrap_err().code(), "token-status");
    parameters(&http.sent()[0].body)["client_assertion"].clone()
}

// covers: SMART-CAS-2, SMART-CAS-4, SMART-CAS-18
#[tokio::test]
async fn a_server_that_reads_the_set_takes_each_key_when_its_lead_is_over() {
    let (before, next) = (rsa("2027"), ec("2028"));
    let http = FakeHttp::new();
    let publish = |keys: &PublishedKeys| {
        let served = keys.document(provider());
        let answer = Answer::text("application/json", &served.body);
        let answer = answer.with("cache-control", &served.cache_control);
        http.answer(JWKS, answer.with("etag", &served.etag));
    };
    let clock = Arc::new(FixedClock::at(NOW));
    let url = EndpointUrl::parse(JWKS).unwrap();
    let at_server = ClientKeys::at(url, http.clone(), provider(), clock.clone());
    let replay = Arc::new(MemoryReplayStore::default());
    let audience = AssertionAudience::token_endpoint(TOKEN);
    let verifier = ClientAssertionVerifier::new(audience, replay, provider());
    let takes = async |signer: &AssertionSigner| {
        let jwt = assertion_of(signer).await;
        let assertion = ClientAssertion::read(Some(ASSERTION_TYPE), Some(&jwt), None).unwrap();
        let id = ClientId::new("app");
        let verdict = verifier.verify(&assertion, &id, &at_server, NOW).await;
        verdict.map(drop).map_err(|it| it.code())
    };
    let max_age = Duration::from_secs(600);
    let alone = PublishedKeys::new([&before]).unwrap();
    let alone = alone.with_max_age(max_age).unwrap();
    publish(&alone);
    assert_eq!(takes(&before).await, Ok(()));
    let both = alone.with_key(next.jwk().clone()).unwrap();
    publish(&both);
    clock.advance(both.lead());
    assert_eq!(takes(&next).await, Ok(()));
    // What the key before has signed meanwhile is good as well.
    assert_eq!(takes(&before).await, Ok(()));
    assert_eq!(http.count(), 2);
    let after = PublishedKeys::new([&next]).unwrap();
    publish(&after.with_max_age(max_age).unwrap());
    clock.advance(max_age);
    assert_eq!(takes(&next).await, Ok(()));
    assert_eq!(takes(&before).await, Err("key-unknown-retry"));
    // It looks once more before it refuses.
    assert_eq!(http.count(), 4);
}
