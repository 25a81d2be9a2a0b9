//! The token endpoint and the ID token.

use core::time::Duration;

use smart_jose::alg::HashAlgorithm;
use smart_jose::{Algorithm, Algorithms, CryptoProvider, base64url};

use super::flow::{
    CHALLENGE, NOW, REDIRECT_URI, VERIFIER, builder, code, doubled, encode, exchange, redeem,
    request, sign_in, verify, with, with_clock, without,
};
use super::http::{Answer, get, post_form, send};
use crate::{ClientRegistration, RedirectRule, Sandbox, SandboxUser, UserType};

fn assert_error(answer: &Answer, status: u16, error: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    assert_eq!(body["error"], error, "{what}");
    assert!(body["error_description"].is_string(), "{what}");
    assert!(body.get("access_token").is_none(), "{what}");
}

// covers: SMART-TOK-5, SMART-TOK-6, SMART-TOK-7, SMART-TOK-9, SMART-TOK-10, SMART-TOK-11
// covers: SMART-TOK-15, SMART-CTX-1, SMART-CTX-2, OAUTH-10, OIDC-AUT-10, SMART-CTX-14
#[tokio::test]
async fn a_code_becomes_tokens() {
    let (sandbox, _) = with_clock().await;
    let code = code(&sandbox, &request(&sandbox)).await;
    let answer = redeem(&sandbox, &exchange(&code)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "openid fhirUser profile launch/patient");
    assert_eq!(body["patient"], "p-1");
    assert_eq!(body["need_patient_banner"], true);
    assert_eq!(body["access_token"].as_str().unwrap().len(), 43);
    assert!(body["id_token"].is_string());
}

// covers: OIDC-IDT-1, OIDC-IDT-2, OIDC-IDT-3, OIDC-IDT-4, OIDC-IDT-5, OIDC-IDT-7, OIDC-HSH-1
// covers: SMART-ID-1, SMART-ID-3, SMART-ID-9, SMART-ID-15, SMART-ID-17, OIDC-KEY-2
#[tokio::test]
async fn the_id_token_verifies_against_the_served_keys() {
    let (sandbox, _) = with_clock().await;
    let body = sign_in(&sandbox, "openid fhirUser").await;
    let id_token = body["id_token"].as_str().unwrap();
    let rs256 = Algorithms::of(&[Algorithm::RS256]);
    let (claims, kid) = verify(&sandbox, id_token, rs256).await;
    assert_eq!(kid, sandbox.kid());
    assert_eq!(claims["iss"], sandbox.issuer());
    assert_eq!(claims["sub"], SandboxUser::default().sub);
    assert_eq!(claims["aud"], crate::DEFAULT_CLIENT_ID);
    assert_eq!(claims["iat"], NOW.as_secs());
    assert_eq!(claims["exp"], NOW.as_secs() + 300);
    assert_eq!(claims["nonce"], "nonce-1");
    assert_eq!(claims["name"], "Dr. Jordan Smith, MD");
    let fhir_user = format!("{}/Practitioner/dr-smith", sandbox.fhir_base());
    assert_eq!(claims["fhirUser"], fhir_user);
    let access_token = body["access_token"].as_str().unwrap();
    let digest = CryptoProvider::ring().hash(HashAlgorithm::Sha256, access_token.as_bytes());
    let half = base64url::encode(&digest.as_ref()[..16]);
    assert_eq!(claims["at_hash"], half);
}

// covers: OIDC-IDT-6, OIDC-IDT-15
#[tokio::test]
async fn claims_come_with_what_was_asked_for_and_otherwise_not_at_all() {
    let (sandbox, _) = with_clock().await;
    let pairs = without(with(request(&sandbox), "scope", "openid"), "nonce");
    let code_1 = code(&sandbox, &pairs).await;
    let body = redeem(&sandbox, &exchange(&code_1)).await.json();
    assert!(body.get("patient").is_none() && body.get("need_patient_banner").is_none());
    let id_token = body["id_token"].as_str().unwrap();
    let (claims, _) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    for absent in ["nonce", "fhirUser", "name", "auth_time"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
    let pairs = with(with(pairs, "max_age", "60"), "scope", "openid profile");
    let code_2 = code(&sandbox, &pairs).await;
    let body = redeem(&sandbox, &exchange(&code_2)).await.json();
    let id_token = body["id_token"].as_str().unwrap();
    let (claims, _) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    assert_eq!(claims["auth_time"], NOW.as_secs());
    assert!(claims["name"].is_string() && claims.get("fhirUser").is_none());
}

// covers: SMART-CTX-13
#[tokio::test]
async fn without_openid_there_is_no_id_token() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "patient/Patient.r patient/Patient.r groups").await;
    assert!(body.get("id_token").is_none());
    assert_eq!(body["scope"], "patient/Patient.r");
    assert_eq!(body["patient"], "p-1");
}

// covers: OIDC-KEY-1, OIDC-HSH-5
#[tokio::test]
async fn other_algorithms_sign_with_a_fresh_key() {
    for (algorithm, at_hash_length) in [
        (Algorithm::RS384, 32),
        (Algorithm::ES256, 22),
        (Algorithm::ES384, 32),
        (Algorithm::EdDSA, 43),
    ] {
        let sandbox = builder().algorithm(algorithm).start().await.unwrap();
        let body = sign_in(&sandbox, "openid").await;
        let id_token = body["id_token"].as_str().unwrap();
        let (claims, _) = verify(&sandbox, id_token, Algorithms::of(&[algorithm])).await;
        assert_eq!(claims["at_hash"].as_str().unwrap().len(), at_hash_length);
        let set = get(&format!("{}/jwks", sandbox.issuer())).await.json();
        let keys = set["keys"].as_array().unwrap();
        assert!(keys.iter().any(|it| it["kty"] == "RSA"));
    }
}

// covers: PKCE-8, SMART-AUT-12
#[tokio::test]
async fn a_code_without_its_proof_is_worth_nothing_and_stays_good_for_its_owner() {
    let sandbox = builder().start().await.unwrap();
    let code = code(&sandbox, &request(&sandbox)).await;
    let pairs = || exchange(&code);
    let long = "a".repeat(129);
    let plus = VERIFIER.replace('-', "+");
    let grant = "invalid_grant";
    let spoiled = [
        ("verifier missing", without(pairs(), "code_verifier")),
        ("verifier blank", with(pairs(), "code_verifier", "")),
        ("verifier of a space", with(pairs(), "code_verifier", " ")),
        (
            "verifier is the challenge",
            with(pairs(), "code_verifier", CHALLENGE),
        ),
        (
            "verifier short",
            with(pairs(), "code_verifier", &VERIFIER[..42]),
        ),
        ("verifier long", with(pairs(), "code_verifier", &long)),
        (
            "verifier with a plus",
            with(pairs(), "code_verifier", &plus),
        ),
        (
            "verifier wrong",
            with(pairs(), "code_verifier", &"a".repeat(43)),
        ),
        ("code wrong", with(pairs(), "code", "guess")),
        (
            "redirect other",
            with(pairs(), "redirect_uri", "http://127.0.0.1:8/callback"),
        ),
        (
            "redirect with a slash",
            with(pairs(), "redirect_uri", &format!("{REDIRECT_URI}/")),
        ),
    ];
    for (what, pairs) in spoiled {
        assert_error(&redeem(&sandbox, &pairs).await, 400, grant, what);
    }
    assert_eq!(redeem(&sandbox, &pairs()).await.status, 200);
}

// covers: OAUTH-1, OAUTH-3, SMART-AUT-24
#[tokio::test]
async fn a_malformed_request_is_named() {
    let sandbox = builder().start().await.unwrap();
    let code = code(&sandbox, &request(&sandbox)).await;
    let pairs = || exchange(&code);
    let invalid = "invalid_request";
    let spoiled = [
        (400, invalid, without(pairs(), "grant_type")),
        (400, invalid, with(pairs(), "grant_type", "")),
        (400, invalid, without(pairs(), "code")),
        (400, invalid, without(pairs(), "redirect_uri")),
        (401, "invalid_client", without(pairs(), "client_id")),
        (400, invalid, doubled(pairs(), "code")),
        (400, invalid, doubled(pairs(), "code_verifier")),
        (
            400,
            "unsupported_grant_type",
            with(pairs(), "grant_type", "password"),
        ),
        (400, invalid, with(pairs(), "grant_type", "refresh_token")),
        (
            400,
            "unauthorized_client",
            with(pairs(), "grant_type", "client_credentials"),
        ),
        (
            401,
            "invalid_client",
            with(pairs(), "client_id", "stranger"),
        ),
        (
            401,
            "invalid_client",
            with(pairs(), "client_secret", "hush"),
        ),
        (
            401,
            "invalid_client",
            with(pairs(), "client_assertion", "a.b.c"),
        ),
    ];
    for (status, error, pairs) in spoiled {
        let answer = redeem(&sandbox, &pairs).await;
        assert_error(&answer, status, error, &format!("{pairs:?}"));
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    }
    let url = format!("{}/token", sandbox.issuer());
    let form = encode(&pairs());
    let basic = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", "Basic YTpi"),
    ];
    let answer = send("POST", &url, &basic, Some(&form)).await;
    assert_error(&answer, 401, "invalid_client", "Basic");
    let json = [("content-type", "application/json")];
    let answer = send("POST", &url, &json, Some("{}")).await;
    assert_error(&answer, 400, invalid, "JSON");
    let long = format!("{form}&x={}", "y".repeat(65 * 1024));
    assert_error(&post_form(&url, &long).await, 400, invalid, "long");
    assert_eq!(get(&url).await.status, 405);
    // None of these used the code up.
    assert_eq!(post_form(&url, &form).await.status, 200);
}

// covers: OIDC-AUT-9
#[tokio::test]
async fn a_code_is_for_one_app() {
    let rule = || RedirectRule::AnyLoopback {
        path: "/callback".into(),
    };
    let sandbox = builder()
        .register_client(ClientRegistration::default())
        .register_client(ClientRegistration::new("app-2", vec![rule()]))
        .start()
        .await
        .unwrap();
    let code = code(&sandbox, &request(&sandbox)).await;
    let answer = redeem(&sandbox, &with(exchange(&code), "client_id", "app-2")).await;
    assert_error(&answer, 400, "invalid_grant", "another app");
}

async fn patient_status(sandbox: &Sandbox, access_token: &str) -> u16 {
    let url = format!("{}/Patient/p-1", sandbox.fhir_base());
    let bearer = format!("Bearer {access_token}");
    send("GET", &url, &[("authorization", &bearer)], None)
        .await
        .status
}

// covers: OIDC-AUT-9
#[tokio::test]
async fn a_second_use_of_a_code_revokes_what_the_first_one_got() {
    let (sandbox, clock) = with_clock().await;
    let pairs = with(request(&sandbox), "scope", "patient/Patient.r");
    let code = code(&sandbox, &pairs).await;
    let body = redeem(&sandbox, &exchange(&code)).await.json();
    let access_token = body["access_token"].as_str().unwrap();
    assert_eq!(patient_status(&sandbox, access_token).await, 200);
    // Long after the code has expired the second use is still noticed.
    clock.advance(Duration::from_secs(600));
    let again = redeem(&sandbox, &exchange(&code)).await;
    assert_error(&again, 400, "invalid_grant", "second use");
    assert_eq!(patient_status(&sandbox, access_token).await, 401);
}

// covers: SMART-AUT-20
#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let (sandbox, clock) = with_clock().await;
    let early = code(&sandbox, &request(&sandbox)).await;
    let late = code(&sandbox, &request(&sandbox)).await;
    clock.advance(Duration::from_secs(59));
    assert_eq!(redeem(&sandbox, &exchange(&early)).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let answer = redeem(&sandbox, &exchange(&late)).await;
    assert_error(&answer, 400, "invalid_grant", "expired");
}

// covers: SMART-ID-4
#[tokio::test]
async fn another_user_can_be_signed_in() {
    let user = SandboxUser::new(UserType::Patient, "p-7", "sub-7", "Ada Example");
    let sandbox = builder().user(user).start().await.unwrap();
    let body = sign_in(&sandbox, "openid fhirUser launch/patient").await;
    assert_eq!(body["patient"], "p-7");
    let id_token = body["id_token"].as_str().unwrap();
    let (claims, _) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    assert_eq!(claims["sub"], "sub-7");
    assert_eq!(claims["name"], "Ada Example");
    let fhir_user = claims["fhirUser"].as_str().unwrap();
    assert!(fhir_user.ends_with("/Patient/p-7"), "{fhir_user}");
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let answer = send("GET", fhir_user, &[("authorization", &bearer)], None).await;
    assert_eq!(answer.json()["name"][0]["text"], "Ada Example");
}
