//! UserInfo: asked with the access token only, and used only if it is about the same user.

use std::sync::Arc;

use serde_json::{Value, json};
use smart_oidc::discovery::{Discovery, FhirBaseUrl, TrustedIssuer};
use smart_oidc::id_token::IdTokenError;
use smart_oidc::jose::{Algorithms, ErrorClass, JwkSet, UnixTime};
use smart_oidc::userinfo::{UserInfo, UserInfoClient, UserInfoError};
use smart_oidc::{AccessToken, ClientId, Expected, IdToken, IdTokenVerifier, RawIdToken};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://ehr.example/oidc";
const BASE: &str = "https://ehr.example/fhir";
const CLIENT: &str = "growth-chart-app-123";
const ENDPOINT: &str = "https://ehr.example/oidc/userinfo";
const ACCESS_TOKEN: &str = "access-token-SlAV32hkKG";

struct World {
    http: Arc<FakeHttp>,
    trusted: TrustedIssuer,
    verifier: IdTokenVerifier,
    token: IdToken,
    raw: String,
}

async fn world() -> World {
    let http = FakeHttp::new();
    let document = json!({
        "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks"), "userinfo_endpoint": ENDPOINT,
        "token_endpoint": format!("{ISSUER}/token"), "capabilities": ["sso-openid-connect"],
        "grant_types_supported": ["authorization_code"],
        "id_token_signing_alg_values_supported": ["RS256"],
    });
    for url in [
        format!("{BASE}/.well-known/smart-configuration"),
        format!("{ISSUER}/.well-known/openid-configuration"),
    ] {
        http.answer(&url, Answer::json(&document));
    }
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let trusted = Discovery::new(http.clone()).discover(&base).await.unwrap();
    let jwks = Forge::issuer().jwks().to_string();
    let keys = JwkSet::parse(jwks.as_bytes(), provider()).unwrap();
    let verifier = IdTokenVerifier::with_static_keys(
        trusted.issuer(),
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        keys,
        provider(),
    );
    let raw = Forge::issuer().token("RS256", &claims());
    let expected = Expected::no_nonce_sent();
    let token = verifier
        .verify(&RawIdToken::new(raw.clone()), &expected, NOW)
        .await
        .unwrap();
    World {
        http,
        trusted,
        verifier,
        token,
        raw,
    }
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "dr-smith", "aud": CLIENT,
        "exp": NOW.as_secs() + 300, "iat": NOW.as_secs(),
    })
}

impl World {
    fn client(&self) -> UserInfoClient {
        UserInfoClient::new(self.http.clone(), &self.trusted, self.verifier.clone()).unwrap()
    }

    async fn fetch(&self, answer: Answer) -> Result<UserInfo, UserInfoError> {
        self.http.answer(ENDPOINT, answer);
        let access_token = AccessToken::new(ACCESS_TOKEN);
        self.client().fetch(&self.token, &access_token, NOW).await
    }

    async fn code(&self, answer: Answer) -> &'static str {
        self.fetch(answer)
            .await
            .map_or_else(|it| it.code(), |_| "ok")
    }
}

fn signed(claims: &Value) -> Answer {
    Answer::text("application/jwt", &Forge::issuer().token("RS256", claims))
}

/// A signed answer, which need not say how long it holds.
fn signed_claims() -> Value {
    json!({"iss": ISSUER, "aud": CLIENT, "sub": "dr-smith", "email": "ada@ehr.example"})
}

// covers: OIDC-UI-1, SMART-USR-9
#[tokio::test]
async fn the_access_token_and_no_other_goes_to_the_endpoint_and_not_along_a_redirect() {
    let world = world().await;
    let before = world.http.count();
    let answer = Answer::json(&json!({"sub": "dr-smith", "email": "ada@ehr.example"}));
    let info = world.fetch(answer).await.unwrap();
    let email: Value = info.claims().unwrap();
    assert_eq!(
        (&email["email"], info.is_signed()),
        (&json!("ada@ehr.example"), false)
    );
    let sent = world.http.sent().split_off(before);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].method.as_str(), sent[0].url.as_str()),
        ("GET", ENDPOINT)
    );
    assert_eq!(
        sent[0].headers["authorization"],
        "Bearer access-token-SlAV32hkKG"
    );
    assert!(sent[0].headers["authorization"].is_sensitive());
    assert!(!format!("{:?}", sent[0]).contains(&world.raw));

    let elsewhere = Answer::redirect(302, "https://evil.example/userinfo");
    assert_eq!(world.code(elsewhere).await, "userinfo-status");
    assert_eq!(world.http.urls().last().unwrap(), ENDPOINT);
    // A text that could smuggle a header in does not leave.
    let count = world.http.count();
    let smuggled = AccessToken::new("a\r\nHost: evil.example");
    let error = world.client().fetch(&world.token, &smuggled, NOW).await;
    assert_eq!(error.unwrap_err().code(), "userinfo-access-token");
    assert_eq!(world.http.count(), count);
}

// covers: OIDC-UI-2
#[tokio::test]
async fn an_answer_about_somebody_else_is_not_used() {
    let world = world().await;
    for (body, code) in [
        (json!({"sub": "dr-jones"}), "userinfo-other-subject"),
        (json!({"sub": "Dr-smith"}), "userinfo-other-subject"),
        (json!({"sub": "dr-smith "}), "userinfo-other-subject"),
        (json!({"email": "ada@ehr.example"}), "claim-missing"),
        (json!({"sub": 7}), "claim-type"),
        (json!({"sub": null}), "claim-type"),
        (json!({"sub": ["dr-smith"]}), "claim-type"),
    ] {
        assert_eq!(world.code(Answer::json(&body)).await, code, "{body}");
        let mut claims = signed_claims();
        claims["sub"] = body.get("sub").cloned().unwrap_or_default();
        if body.get("sub").is_none() {
            claims.as_object_mut().unwrap().remove("sub");
        }
        assert_eq!(world.code(signed(&claims)).await, code, "{claims}");
    }
    let twice = Answer::text("application/json", r#"{"sub":"dr-jones","sub":"dr-smith"}"#);
    assert_eq!(world.code(twice).await, "userinfo-json");
    let error = world.fetch(Answer::json(&json!({"sub": "dr-jones"}))).await;
    let shown = format!("{error:?} {}", error.as_ref().unwrap_err());
    assert!(!shown.contains("dr-jones") && !shown.contains("dr-smith"));
}

// covers: OIDC-UI-3
#[tokio::test]
async fn the_content_type_decides_how_an_answer_is_read() {
    let world = world().await;
    let json = r#"{"sub":"dr-smith"}"#;
    let token = Forge::issuer().token("RS256", &signed_claims());
    for (content_type, body, code) in [
        ("application/json", json, "ok"),
        ("Application/JSON; charset=utf-8", json, "ok"),
        ("application/jwt", &token, "ok"),
        ("application/JWT;x=y", &token, "ok"),
        ("application/json", &token, "userinfo-json"),
        ("application/jwt", json, "jws-json-serialization"),
        ("text/html", json, "userinfo-content-type"),
        ("text/plain", &token, "userinfo-content-type"),
        ("jwt", &token, "userinfo-content-type"),
        ("", json, "userinfo-content-type"),
        ("application/json", "[]", "userinfo-json"),
        ("application/json", "", "userinfo-json"),
        ("application/jwt", "", "jws-segment-count"),
    ] {
        let answer = Answer::text(content_type, body);
        assert_eq!(world.code(answer).await, code, "{content_type} {body}");
    }
    let huge = format!(r#"{{"sub":"dr-smith","x":"{}"}}"#, "x".repeat(256 * 1024));
    assert_eq!(
        world.code(Answer::text("application/json", &huge)).await,
        "userinfo-json"
    );
    for status in [204, 301, 304, 401, 403, 404, 500] {
        assert_eq!(world.code(Answer::status(status)).await, "userinfo-status");
    }
}

// covers: OIDC-UI-4
#[tokio::test]
async fn a_signed_answer_says_who_made_it_and_for_whom() {
    let world = world().await;
    let info = world.fetch(signed(&signed_claims())).await.unwrap();
    assert!(info.is_signed());
    let with = |name: &str, value: Value| {
        let mut claims = signed_claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = signed_claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    for (claims, code) in [
        (without("iss"), "claim-missing"),
        (without("aud"), "claim-missing"),
        (with("iss", json!("https://other.example")), "claim-issuer"),
        (with("aud", json!("another-app")), "claim-audience"),
        (
            with("aud", json!([CLIENT, "stranger"])),
            "claim-audience-untrusted",
        ),
        (with("aud", json!([CLIENT])), "ok"),
        (with("exp", json!(NOW.as_secs() - 60)), "claim-expired"),
        (with("exp", json!(NOW.as_secs() - 59)), "ok"),
        (with("exp", json!("never")), "claim-type"),
        (with("exp", Value::Null), "ok"),
        (
            with("nbf", json!(NOW.as_secs() + 61)),
            "claim-not-yet-valid",
        ),
        (
            with("iat", json!(NOW.as_secs() + 61)),
            "claim-issued-in-future",
        ),
    ] {
        assert_eq!(world.code(signed(&claims)).await, code, "{claims}");
    }
    let body = |token: String| Answer::text("application/jwt", &token);
    // What the issuer announces for ID tokens says nothing of these answers.
    let ec = body(Forge::issuer().token("ES256", &signed_claims()));
    assert_eq!(world.code(ec).await, "ok");
    let unaccepted = body(Forge::issuer().token("PS256", &signed_claims()));
    assert_eq!(world.code(unaccepted).await, "alg-not-accepted");
    // An ID token is no answer.
    for claim in ["nonce", "at_hash", "c_hash"] {
        let replayed = signed(&with(claim, json!("x")));
        assert_eq!(world.code(replayed).await, "id-token-type", "{claim}");
    }
    let two = signed(&signed_claims()).with("content-type", "application/json");
    assert_eq!(world.code(two).await, "userinfo-content-type");
    let other = Forge::other().token("RS256", &signed_claims());
    assert_eq!(world.code(body(other)).await, "jws-bad-signature");
    let none = Forge::issuer().token_with("RS256", &json!({"alg": "none"}), &signed_claims());
    assert_eq!(world.code(body(none)).await, "alg-unsupported");
    let unknown = json!({"alg": "RS256", "kid": "unknown"});
    let unknown = Forge::issuer().token_with("RS256", &unknown, &signed_claims());
    assert_eq!(world.code(body(unknown)).await, "key-unknown");
    let typed = json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"});
    let typed = Forge::issuer().token_with("RS256", &typed, &signed_claims());
    let error = world.fetch(body(typed)).await.unwrap_err();
    assert!(matches!(
        error,
        UserInfoError::Token(IdTokenError::Type { .. })
    ));
    // Where the app is registered for signed answers, a plain one is a step back.
    world
        .http
        .answer(ENDPOINT, Answer::json(&json!({"sub": "dr-smith"})));
    let strict = world.client().requiring_signature();
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let error = strict
        .fetch(&world.token, &access_token, NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "userinfo-not-signed");
}

#[tokio::test]
async fn the_endpoint_and_the_token_are_of_one_issuer() {
    let world = world().await;
    let other = smart_oidc::discovery::Issuer::parse("https://other.example").unwrap();
    let jwks = Forge::issuer().jwks().to_string();
    let keys = JwkSet::parse(jwks.as_bytes(), provider()).unwrap();
    let verifier = IdTokenVerifier::with_static_keys(
        &other,
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        keys,
        provider(),
    );
    let error = UserInfoClient::new(world.http.clone(), &world.trusted, verifier.clone());
    let error = error.map(drop).unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("userinfo-other-issuer", ErrorClass::Configuration)
    );
    let mut claims = claims();
    claims["iss"] = json!("https://other.example");
    let raw = RawIdToken::new(Forge::issuer().token("RS256", &claims));
    let token = verifier
        .verify(&raw, &Expected::no_nonce_sent(), NOW)
        .await
        .unwrap();
    let count = world.http.count();
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let error = world
        .client()
        .fetch(&token, &access_token, NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "userinfo-other-issuer");
    assert_eq!(world.http.count(), count);
}

// covers: SMART-ID-14
#[tokio::test]
async fn an_issuer_without_the_endpoint_says_so_before_anything_is_asked() {
    let world = world().await;
    let document = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks")});
    let url = format!("{ISSUER}/.well-known/openid-configuration");
    world.http.answer(&url, Answer::json(&document));
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let trusted = Discovery::new(world.http.clone())
        .discover(&base)
        .await
        .unwrap();
    let error = UserInfoClient::new(world.http.clone(), &trusted, world.verifier.clone());
    assert_eq!(error.map(drop).unwrap_err().code(), "userinfo-no-endpoint");
}
