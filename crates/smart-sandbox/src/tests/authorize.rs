//! The authorization endpoint: what it issues, what it refuses, and whom it tells.

use super::flow::{
    CHALLENGE, REDIRECT_URI, STATE, VERIFIER, authorize, builder, doubled, encode, request, with,
    without,
};
use super::http::{Answer, post_form, send};
use crate::{ClientRegistration, RedirectRule, Sandbox};

/// The user is told, and nobody is redirected.
fn assert_page(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 400, "{what}");
    assert_eq!(answer.header("location"), None, "{what}");
    let content_type = answer.header("content-type").unwrap();
    assert!(content_type.starts_with("text/html"), "{what}");
}

/// The app is told this error, with `iss`, and gets no code.
fn assert_error(sandbox: &Sandbox, answer: &Answer, error: &str, state: Option<&str>, what: &str) {
    assert_eq!(answer.status, 302, "{what}: {}", answer.body);
    let (target, parameters) = answer.redirect();
    assert_eq!(target, REDIRECT_URI, "{what}");
    assert_eq!(parameters["error"], error, "{what}");
    assert!(!parameters["error_description"].is_empty(), "{what}");
    assert_eq!(parameters.get("state").map(String::as_str), state, "{what}");
    assert_eq!(parameters["iss"], sandbox.issuer(), "{what}");
    assert!(!parameters.contains_key("code"), "{what}");
}

// covers: SMART-AUT-13, SMART-AUT-19, OIDC-AUT-5, ISSP-1, SMART-ID-7
#[tokio::test]
async fn a_sound_request_gets_a_code_by_get_and_by_post() {
    let sandbox = builder().start().await.unwrap();
    let pairs = request(&sandbox);
    let got = authorize(&sandbox, &pairs).await;
    assert_eq!(got.status, 302);
    let url = format!("{}/authorize", sandbox.issuer());
    let posted = post_form(&url, &encode(&pairs)).await;
    assert_eq!(posted.status, 303);
    for answer in [got, posted] {
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let (target, parameters) = answer.redirect();
        assert_eq!(target, REDIRECT_URI);
        let names: Vec<_> = parameters.keys().map(String::as_str).collect();
        assert_eq!(names, ["code", "iss", "state"]);
        assert_eq!(parameters["state"], STATE);
        assert_eq!(parameters["iss"], sandbox.issuer());
        assert_eq!(parameters["code"].len(), 43);
    }
}

// covers: SMART-AUT-3, OIDC-AUT-8
#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let sandbox = builder().start().await.unwrap();
    let pairs = || request(&sandbox);
    let spoiled = [
        ("client unknown", with(pairs(), "client_id", "stranger")),
        ("client missing", without(pairs(), "client_id")),
        ("client blank", with(pairs(), "client_id", "")),
        ("client doubled", doubled(pairs(), "client_id")),
        ("redirect missing", without(pairs(), "redirect_uri")),
        ("redirect doubled", doubled(pairs(), "redirect_uri")),
        (
            "redirect foreign",
            with(pairs(), "redirect_uri", "https://evil.example/callback"),
        ),
        (
            "redirect elsewhere",
            with(pairs(), "redirect_uri", "http://127.0.0.1:9/other"),
        ),
        (
            "redirect with a fragment",
            with(pairs(), "redirect_uri", "http://127.0.0.1:9/callback#x"),
        ),
        (
            "redirect that splits the header",
            with(
                pairs(),
                "redirect_uri",
                "http://127.0.0.1:9/callback\r\nx: y",
            ),
        ),
    ];
    for (what, pairs) in spoiled {
        assert_page(&authorize(&sandbox, &pairs).await, what);
    }
}

// covers: SMART-AUT-7, SMART-AUT-8, SMART-AUT-11, PKCE-5, PKCE-8, OAUTH-3, SMART-AUT-24, ISSP-1
#[tokio::test]
async fn an_unsound_request_gets_an_error_and_no_code() {
    let sandbox = builder().start().await.unwrap();
    let pairs = || request(&sandbox);
    let padded = format!("{CHALLENGE}=");
    let invalid = "invalid_request";
    let method = "code_challenge_method";
    let spoiled = [
        (invalid, without(pairs(), "response_type")),
        (
            "unsupported_response_type",
            with(pairs(), "response_type", "token"),
        ),
        (
            "unsupported_response_type",
            with(pairs(), "response_type", "code id_token"),
        ),
        (invalid, with(pairs(), "response_mode", "fragment")),
        (invalid, without(pairs(), "aud")),
        (invalid, with(pairs(), "aud", "https://evil.example/fhir")),
        (invalid, with(pairs(), "aud", &sandbox.issuer())),
        (
            invalid,
            with(pairs(), "aud", &format!("{}//", sandbox.fhir_base())),
        ),
        (
            invalid,
            with(pairs(), "aud", &sandbox.fhir_base().to_uppercase()),
        ),
        (invalid, without(pairs(), "code_challenge")),
        (invalid, with(pairs(), "code_challenge", "")),
        (invalid, with(pairs(), "code_challenge", "short")),
        (invalid, with(pairs(), "code_challenge", &padded)),
        (
            invalid,
            with(pairs(), "code_challenge", &CHALLENGE.replace('-', "+")),
        ),
        (invalid, without(pairs(), method)),
        (invalid, with(pairs(), method, "plain")),
        (invalid, with(pairs(), method, "s256")),
        (
            invalid,
            with(with(pairs(), method, "plain"), "code_challenge", VERIFIER),
        ),
        (invalid, doubled(pairs(), "aud")),
        (invalid, doubled(pairs(), "scope")),
        (invalid, doubled(pairs(), "code_challenge")),
        (invalid, with(pairs(), "prompt", "none login")),
        (invalid, with(pairs(), "nonce", &"n".repeat(17_000))),
        ("invalid_scope", without(pairs(), "scope")),
        ("invalid_scope", with(pairs(), "scope", "nothing known")),
        (
            "request_not_supported",
            with(pairs(), "request", "e30.e30."),
        ),
        (
            "request_uri_not_supported",
            with(pairs(), "request_uri", "https://a.example"),
        ),
    ];
    for (error, pairs) in spoiled {
        let what = format!("{pairs:.300?}");
        let answer = authorize(&sandbox, &pairs).await;
        assert_error(&sandbox, &answer, error, Some(STATE), &what);
    }
    for (what, pairs) in [
        ("missing", without(pairs(), "state")),
        ("blank", with(pairs(), "state", "")),
        ("doubled", doubled(pairs(), "state")),
    ] {
        let answer = authorize(&sandbox, &pairs).await;
        assert_error(&sandbox, &answer, invalid, None, what);
    }
}

#[tokio::test]
async fn one_final_slash_of_the_audience_is_tolerated() {
    let sandbox = builder().start().await.unwrap();
    let aud = format!("{}/", sandbox.fhir_base());
    let answer = authorize(&sandbox, &with(request(&sandbox), "aud", &aud)).await;
    assert!(answer.redirect().1.contains_key("code"));
}

// covers: OIDC-AUT-13
#[tokio::test]
async fn parameters_that_mean_nothing_here_do_no_harm() {
    let sandbox = builder().start().await.unwrap();
    let mut pairs = request(&sandbox);
    for (name, value) in [
        ("display", "page"),
        ("prompt", "none"),
        ("max_age", "10"),
        ("ui_locales", "de fr"),
        ("claims_locales", "de"),
        ("acr_values", "1"),
        ("login_hint", "someone"),
        ("unheard_of", "x"),
    ] {
        pairs.push((name, value.to_owned()));
    }
    let answer = authorize(&sandbox, &pairs).await;
    assert!(answer.redirect().1.contains_key("code"));
}

// covers: OAUTH-4
#[tokio::test]
async fn the_redirect_uri_keeps_its_own_query() {
    let sandbox = builder().start().await.unwrap();
    let own = format!("{REDIRECT_URI}?tenant=1%2F2");
    let answer = authorize(&sandbox, &with(request(&sandbox), "redirect_uri", &own)).await;
    let location = answer.header("location").unwrap();
    assert!(location.starts_with(&format!("{own}&code=")), "{location}");
    assert_eq!(answer.redirect().1["tenant"], "1/2");
}

// covers: OIDC-AUT-2
#[tokio::test]
async fn a_registered_address_is_compared_as_a_string() {
    let registered = "https://app.example/callback";
    let rules = vec![RedirectRule::Exact(registered.into())];
    let sandbox = builder()
        .register_client(ClientRegistration::new("app-1", rules))
        .start()
        .await
        .unwrap();
    let pairs = |uri| {
        let pairs = with(request(&sandbox), "client_id", "app-1");
        with(pairs, "redirect_uri", uri)
    };
    let answer = authorize(&sandbox, &pairs(registered)).await;
    assert_eq!(answer.redirect().0, registered);
    for other in [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://APP.example/callback",
        REDIRECT_URI,
    ] {
        assert_page(&authorize(&sandbox, &pairs(other)).await, other);
    }
    // The default registration went when another one came.
    assert_page(&authorize(&sandbox, &request(&sandbox)).await, "default");
}

#[tokio::test]
async fn a_post_must_be_a_form_of_bearable_length() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/authorize", sandbox.issuer());
    let form = encode(&request(&sandbox));
    let json = [("content-type", "application/json")];
    assert_page(&send("POST", &url, &json, Some(&form)).await, "json");
    assert_page(&send("POST", &url, &[], Some(&form)).await, "no type");
    let charset = [(
        "content-type",
        "Application/X-WWW-Form-Urlencoded; charset=utf-8",
    )];
    let answer = send("POST", &url, &charset, Some(&form)).await;
    assert_eq!(answer.status, 303);
    let long = format!("{form}&x={}", "y".repeat(65 * 1024));
    assert_page(&post_form(&url, &long).await, "long");
}
