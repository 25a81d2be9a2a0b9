//! `smart serve` as a browser sees it, over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets something unexpected should stop there"
)]

mod panel;
mod rig;
mod running;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use serde_json::json;
use smart_oidc::discovery::{HttpClient as _, ReqwestClient};
use smart_oidc::jose::Algorithm;
use smart_oidc::jose::jwk::PrivateJwk;
use smart_oidc::jose::key::PrivateKey;
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, LaunchContext, RedirectRule, Sandbox, SandboxUser,
    UserType,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use self::rig::{Answer, Browser, CHOICE, Served, provider, refused, scratch, serve, serve_with};

#[tokio::test]
async fn one_command_and_two_clicks_lead_to_the_dashboard() {
    let served = serve(&[]);
    let (mut browser, url) = (Browser::new(), served.url());
    let home = browser.get(&format!("{url}/")).await;
    assert_eq!(home.status, StatusCode::OK);
    for part in [
        "<html lang=\"en\">",
        "<main",
        "for=\"user\"",
        "for=\"patient\"",
        "Riley Example",
    ] {
        assert!(home.body.contains(part), "{part}: {}", home.body);
    }
    let page = browser.post(&format!("{url}/start"), &CHOICE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    for part in [
        "Dr. Jordan Smith, MD",
        "1234567893",
        "Doctor of Medicine",
        ">JS<",
        "Riley Example",
        "id <code>p-1</code>",
        "Every check has passed.",
        "the signature verifies",
        "OpenID Connect Core 3.1.3.7 (11)",
        "<code>offline_access</code></th><td class=\"good\">granted",
        "Access token ends in",
        "<th scope=\"row\">Keys</th><td>fresh",
        "<html lang=\"en\">",
        "<main id=\"main\">",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert!(!page.body.contains("not granted"), "{}", page.body);
    // Nothing runs that stands in the page, and nobody keeps it.
    assert!(
        page.headers_of("content-security-policy")
            .contains("default-src 'self'")
    );
    assert_eq!(page.headers_of("cache-control"), "no-store");
    for asset in ["style.css", "dashboard.js"] {
        let asset = browser.get(&format!("{url}/assets/{asset}")).await;
        assert_eq!(asset.status, StatusCode::OK);
    }

    let action = page.url.strip_prefix(&url).unwrap();
    let refresh = format!("{action}refresh");
    let token = page.field(&refresh, "csrf_token");
    let form = [("csrf_token", token.as_str())];
    let rested = browser.post(&format!("{url}{refresh}"), &form).await;
    // A token that has only just come is not asked for again.
    assert!(
        rested.body.contains("Try again in half a minute"),
        "{}",
        rested.body
    );
    let forged = browser.post(&format!("{url}{refresh}"), &[]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);

    let token = page.field("/logout", "csrf_token");
    let tag = page.field("/logout", "tag");
    let form = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
    let out = browser.post(&format!("{url}/logout"), &form).await;
    assert!(out.body.contains("You are signed out"), "{}", out.body);
    let gone = browser.get(&page.url).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_user_and_a_launch_without_a_patient_have_a_page() {
    let served = serve(&[]);
    let url = served.url();
    for (user, patient, parts) in [
        (
            "PractitionerRole/dr-okafor-cardiology",
            "p-4",
            ["Chidi Okafor", "Zoë"],
        ),
        (
            "Patient/p-2",
            "p-2",
            ["Morgan Sample", "id <code>p-2</code>"],
        ),
        (
            "RelatedPerson/rp-1",
            "",
            ["Casey Example", "No patient is open."],
        ),
        (
            "Practitioner/dr-smith",
            "",
            ["Dr. Jordan Smith", "No patient is open."],
        ),
    ] {
        let mut browser = Browser::new();
        let form = [("user", user), ("patient", patient)];
        let page = browser.post(&format!("{url}/start"), &form).await;
        assert_eq!(page.status, StatusCode::OK, "{user}: {}", page.body);
        for part in parts {
            assert!(page.body.contains(part), "{user}: {part}: {}", page.body);
        }
    }
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://elsewhere.example"),
    ] {
        let form = "user=Practitioner%2Fdr-smith&patient=p-1";
        let request = Request::post(format!("{url}/start"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value)
            .body(Bytes::from(form));
        let response = Browser::new().http.send(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let mut browser = Browser::new();
    for form in [
        &[("user", "Practitioner/nobody"), ("patient", "p-1")][..],
        &[("user", "Practitioner/dr-smith"), ("patient", "nobody")],
        &[("user", "Patient/p-2"), ("patient", "p-1")],
        &[("user", "Practitioner/dr-smith")],
    ] {
        let page = browser.post(&format!("{url}/start"), form).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{form:?}");
        assert!(page.body.contains("role=\"alert\""));
    }
}

#[tokio::test]
async fn the_ehr_shows_it_in_a_frame_and_the_patient_itself() {
    let served = serve(&[]);
    let (mut browser, ehr) = (Browser::new(), served.address("EHR"));
    let home = browser.get(&format!("{}/", served.url())).await;
    let (_, rest) = home.body.split_once("<a href=\"http://localhost").unwrap();
    let query = rest.split('"').next().unwrap().split_once('?').unwrap().1;
    let launcher = format!("{ehr}/?{}", query.replace("&#38;", "&"));
    let launcher = browser.get(&launcher).await;
    let launch_url = format!("{}/launch", served.url());
    assert!(
        launcher.body.contains(&format!("value=\"{launch_url}\"")),
        "{}",
        launcher.body
    );
    let form = [
        ("client_id", DEFAULT_CLIENT_ID),
        ("launch_url", &launch_url),
        CHOICE[0],
        CHOICE[1],
        ("view", "frame"),
    ];
    let framed = browser.post(&format!("{ehr}/launch"), &form).await;
    let (_, rest) = framed.body.split_once("<iframe src=\"").unwrap();
    let src = rest.split('"').next().unwrap().replace("&#38;", "&");
    let page = browser.get(&src).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(
        page.body.contains("The EHR shows the patient itself"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("Riley Example"), "{}", page.body);
    let policy = page.headers_of("content-security-policy");
    assert!(
        policy.contains(&format!("frame-ancestors {ehr}")),
        "{policy}"
    );
}

#[tokio::test]
async fn text_from_outside_is_never_markup_and_leads_nowhere() {
    const RIGHT_TO_LEFT: &str = "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}";
    let hostile = format!("<script>alert(1)</script>\"'{RIGHT_TO_LEFT}");
    let photos = [
        json!([{ "url": "javascript:alert(1)" }]),
        json!([{ "url": "https://elsewhere.example/track.png" }]),
        json!([{ "contentType": "image/svg+xml", "data": "PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+" }]),
        json!([{ "contentType": "image/svg+xml", "data": "iVBORw0KGgo=" }]),
    ];
    for (number, photo) in photos.into_iter().enumerate() {
        let user = SandboxUser::new(UserType::Practitioner, "dr-x", "sub-x", &hostile);
        let user = user.with_resource(json!({
            "name": [{ "text": hostile }],
            "photo": photo,
            "qualification": [{ "code": { "text": "<img src=x onerror=alert(1)>" } }]
        }));
        let patient = json!({
            "resourceType": "Patient", "id": "p-x", "name": [{ "text": hostile }],
            "birthDate": "<b>1980</b>", "gender": "javascript:alert(1)//\"><i>"
        });
        let builder = Sandbox::builder(provider()).user(user).resource(patient);
        let ehr = builder.start().await.unwrap();
        let base = ehr.fhir_base();
        let served = serve(&[
            "--fhir-base",
            &base,
            "--client-id",
            DEFAULT_CLIENT_ID,
            "--allow-loopback",
        ]);
        let open = LaunchContext::new()
            .patient("p-x")
            .user("Practitioner/dr-x");
        let launch = ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        let mut browser = Browser::new();
        let page = browser
            .get(&launch.url(&format!("{}/launch", served.url())))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        for bad in [
            "<script>",
            "<img src=x",
            "1980",
            "javascript:",
            "<i>",
            "elsewhere.example",
            "<svg",
        ] {
            assert!(!page.body.contains(bad), "{bad}: {}", page.body);
        }
        // What is written from right to left turns nothing beside it.
        assert_eq!(
            page.body.matches("\u{5dd}</bdi>").count(),
            3,
            "{}",
            page.body
        );
        assert!(!page.body.contains('\u{202e}'), "{}", page.body);
        let photo = browser.get(&format!("{}photo", page.url)).await;
        // A picture is what its octets are, whatever it is called.
        if number == 3 {
            assert!(page.body.contains("/photo\" alt=\"\""), "{}", page.body);
            assert_eq!(photo.headers_of("content-type"), "image/png");
            assert!(
                photo
                    .headers_of("content-security-policy")
                    .contains("sandbox")
            );
            assert_eq!(photo.headers_of("x-content-type-options"), "nosniff");
        } else {
            assert!(page.body.contains("class=\"initials\""), "{}", page.body);
            assert_eq!(photo.status, StatusCode::NOT_FOUND);
        }
        // A page that fails says nothing of what was sent.
        let failed = format!("{}/launch?iss=%3Cscript%3E&launch=%3Cb%3E", served.url());
        let failed = browser.get(&failed).await;
        assert_eq!(failed.status, StatusCode::BAD_REQUEST);
        assert!(!failed.body.contains("<script>"), "{}", failed.body);
    }
}

#[tokio::test]
async fn a_launch_that_fails_ends_on_a_page_that_says_so_and_signs_nobody_in() {
    let unidentified = (401, "You could not be identified");
    for (fault, (status, title)) in [
        ("wrong-issuer", unidentified),
        ("other-nonce", unidentified),
        ("expired", unidentified),
        ("alg-none", unidentified),
        ("wrong-signature", unidentified),
        (
            "launch-of-another-server",
            (400, "not set up for this system"),
        ),
        ("callback-denied", (400, "Access was not given")),
        (
            "callback-of-another-issuer",
            (400, "You could not be signed in"),
        ),
        ("token-invalid-grant", (400, "You could not be signed in")),
        ("token-failing", (502, "try again")),
        ("openid-issuer-differs", (502, "try again")),
        ("jwks-failing", (502, "try again")),
    ] {
        let served = serve(&["--fault", fault]);
        let mut browser = Browser::new();
        let page = browser
            .post(&format!("{}/start", served.url()), &CHOICE)
            .await;
        assert_eq!(page.status.as_u16(), status, "{fault}: {}", page.body);
        for part in [title, "Reference: <code>", "<main"] {
            assert!(page.body.contains(part), "{fault}: {part}: {}", page.body);
        }
        let session = browser.cookies.iter().find(|it| it.1.contains("session"));
        assert!(session.is_none(), "{fault}");
    }
}

#[tokio::test]
async fn settings_come_from_flags_the_environment_and_a_file_and_secrets_from_neither_flag() {
    let registered = ClientRegistration::new(
        "the-app",
        vec![RedirectRule::AnyLoopback {
            path: "/callback".to_owned(),
        }],
    );
    let registered = registered.with_secret_basic("a secret of the test");
    let builder = Sandbox::builder(provider()).register_client(registered);
    let ehr = builder.start().await.unwrap();
    let config = format!(
        "bind = \"127.0.0.1:0\"\nscope = \"launch/patient\"\nhelp_desk = \"extension 4711\"\n\
         [[ehr]]\nname = \"North <b>\"\nfhir_base = \"{}\"\nclient_id = \"overruled\"\n\
         scope = \"launch/patient offline_access\"\n\
         client_secret_file = \"not-there\"\n[network]\nallow_loopback = true\n",
        ehr.fhir_base()
    );
    let config = scratch("serve.toml", &config);
    let secret = scratch("serve.secret", "a secret of the test\n");
    type Way<'w> = (&'w [&'w str], &'w [(&'w str, &'w str)]);
    let ways: [Way<'_>; 2] = [
        (
            &[
                "--client-id",
                "the-app",
                "--client-secret-file",
                &secret,
                "--scope",
                "launch/patient",
            ],
            &[("SMART_CLIENT_ID", "overruled as well")],
        ),
        (
            &[],
            &[
                ("SMART_CLIENT_ID", "the-app"),
                ("SMART_SCOPE", "launch/patient"),
                ("SMART_CLIENT_SECRET", "a secret of the test"),
            ],
        ),
    ];
    for (arguments, environment) in ways {
        let mut all = vec!["--config", &config];
        all.extend(arguments);
        let served = serve_with(&all, environment);
        assert!(!served.said.iter().any(|it| it.contains("a secret")));
        let mut browser = Browser::new();
        let home = browser.get(&format!("{}/", served.url())).await;
        assert!(
            home.body.contains("Sign in at <bdi>North &#60;b&#62;"),
            "{}",
            home.body
        );
        let page = browser.get(&format!("{}/launch", served.url())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        // Without a refresh token there is nothing to press, and the page says why.
        assert!(page.body.contains("cannot be refreshed"), "{}", page.body);
        assert!(
            page.body.contains("reading it was not granted"),
            "{}",
            page.body
        );
        let start = browser
            .post(&format!("{}/start", served.url()), &CHOICE)
            .await;
        assert_eq!(start.status, StatusCode::NOT_FOUND);
    }
    let written = scratch(
        "serve-secret.toml",
        "\n[[ehr]]\nclient_secret = \"hunter2\"\n",
    );
    let unknown = scratch(
        "serve-unknown.toml",
        "bind = \"127.0.0.1:0\"\nnonsense = 1\n",
    );
    let pasted = scratch(
        "serve-pasted.toml",
        "[[ehr]]\nfhir_base = \"https://a.example\"\nclient_id = \"a\"\nclient_secret_file = \"hunter2\"\n",
    );
    let two = "[[ehr]]\nfhir_base = \"https://a.example\"\nclient_id = \"a\"\n";
    let two = scratch(
        "serve-two.toml",
        &format!("{two}{}", two.replace("a.", "b.")),
    );
    let base = ["--fhir-base", "https://ehr.example/fhir"];
    let real = [base[0], base[1], "--client-id", "a"];
    let with = |more: &[&'static str]| -> Vec<&str> { [&real[..], more].concat() };
    let cases: [(&[&str], &str); 15] = [
        (
            &with(&["--proxy", "http://me:hunter2@proxy.example"]),
            "SMART_PROXY",
        ),
        (
            &["--config", &written],
            "line 3: unknown field `client_secret`",
        ),
        (
            &["--config", &written],
            "a secret does not stand in this file",
        ),
        (&["--config", &unknown], "line 2: unknown field `nonsense`"),
        (&["--config", &pasted], "the client_secret_file: "),
        (&base, "--client-id"),
        (&["--config", &config, "--ask"], "embedded EHR"),
        (&["--config", &two, "--client-id", "a"], "2 EHRs"),
        (
            &with(&["--authentication", "client_secret_post"]),
            "client_secret_file",
        ),
        (&with(&["--authentication", "hunter2"]), "private_key_jwt"),
        (&with(&["--bind", "0.0.0.0:0"]), "--redirect-uri"),
        (
            &with(&["--redirect-uri", "https://a.example/elsewhere"]),
            "/callback",
        ),
        (&with(&["--published-key-file", "x"]), "none of them signs"),
        (&["--client-secret", "hunter2"], "--client-secret"),
        (&["--fault", "no-such-fault"], "no fault"),
    ];
    for (arguments, part) in cases {
        let (status, said) = refused(arguments, &[]);
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_said_and_the_page_is_there() {
    for (fault, part) in [
        ("resource-refused", "refuses the access token"),
        ("resource-forbidden", "reading it was not granted"),
        ("resource-absent", "does not have it"),
        ("resource-broken", "is no JSON"),
        ("resource-of-somebody-else", "is not this patient"),
        ("resource-of-another-type", "is not this patient"),
        ("resource-moved", "has answered otherwise"),
    ] {
        let served = serve(&["--fault", fault]);
        let url = format!("{}/start", served.url());
        let page = Browser::new().post(&url, &CHOICE).await;
        assert_eq!(page.status, StatusCode::OK, "{fault}: {}", page.body);
        assert!(page.body.contains(part), "{fault}: {}", page.body);
        assert!(!page.body.contains("Riley"), "{fault}: {}", page.body);
        // Who signed in is known by the token all the same.
        assert!(page.body.contains("Dr. Jordan Smith, MD"), "{fault}");
        assert!(
            page.body.contains("There is no more of the card"),
            "{fault}"
        );
    }
}

/// Fresh keys, in the ways in which they are written down: a JWK for ES384, and PEM for both.
fn key(algorithm: Algorithm) -> PrivateKey {
    match algorithm {
        // Making one of RSA takes long, and this one is nobody's secret.
        Algorithm::RS384 => {
            let keys = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/keys");
            let pem = fs::read_to_string(keys.join("other-rsa-2048.pem")).unwrap();
            PrivateKey::from_pem(&pem, provider()).unwrap()
        }
        _ => PrivateKey::generate(algorithm, provider()).unwrap(),
    }
}

fn jwk(key: &PrivateKey, kid: &str) -> String {
    let jwk = PrivateJwk::new(key.clone(), Some(kid.to_owned()), None);
    jwk.expose_json().unwrap().to_string()
}

/// An EHR that fetches the keys of apps.
async fn ehr_that_fetches() -> Sandbox {
    let http = ReqwestClient::builder().allow_loopback().build().unwrap();
    let builder = Sandbox::builder(provider()).http_client(Arc::new(http));
    builder.start().await.unwrap()
}

/// An app that comes back to wherever it is on this machine.
fn app(id: &str) -> ClientRegistration {
    let path = "/callback".to_owned();
    ClientRegistration::new(id, vec![RedirectRule::AnyLoopback { path }])
}

/// Signs in without the EHR, and gives the page.
async fn sign_in(served: &Served) -> Answer {
    let page = Browser::new()
        .get(&format!("{}/launch", served.url()))
        .await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "{}: {}",
        page.body,
        served.log()
    );
    page
}

#[tokio::test]
async fn the_app_authenticates_in_every_way_that_there_is() {
    let ehr = ehr_that_fetches().await;
    let base = ehr.fhir_base();
    let (es, rs) = (key(Algorithm::ES384), key(Algorithm::RS384));
    let es_jwk = scratch("serve-es.jwk", &jwk(&es, "2027-es"));
    let rs_pem = rs.expose_pkcs8_pem().unwrap();
    let rs_file = scratch("serve-rs.pem", &rs_pem);
    let secret = scratch("serve-ways.secret", "a secret of the test\r\n");
    let es_pem = es.expose_pkcs8_pem().unwrap();
    let public = app("the-app");
    let basic = app("the-app").with_secret_basic("a secret of the test");
    let post = app("the-app").with_secret_post("a secret of the test");
    type Way<'w> = (
        &'w str,
        Option<ClientRegistration>,
        &'w [&'w str],
        &'w [(&'w str, &'w str)],
    );
    let ways: [Way<'_>; 8] = [
        ("public", Some(public), &[], &[]),
        (
            "basic by file",
            Some(basic.clone()),
            &["--client-secret-file", &secret],
            &[],
        ),
        (
            "basic by the environment",
            Some(basic),
            &[],
            &[("SMART_CLIENT_SECRET", "a secret of the test")],
        ),
        (
            "post",
            Some(post),
            &[
                "--client-secret-file",
                &secret,
                "--authentication",
                "client_secret_post",
            ],
            &[],
        ),
        ("ES384 by JWK", None, &["--private-key-file", &es_jwk], &[]),
        ("RS384 by PEM", None, &["--private-key-file", &rs_file], &[]),
        (
            "ES384 by the environment",
            None,
            &["--key-id", "mine"],
            &[
                ("SMART_PRIVATE_KEY", &es_pem),
                ("SMART_AUTHENTICATION", "private_key_jwt"),
            ],
        ),
        (
            "RS384 by the environment",
            None,
            &[],
            &[("SMART_PRIVATE_KEY", &rs_pem)],
        ),
    ];
    for (way, registered, more, environment) in ways {
        let mut arguments = vec![
            "--fhir-base",
            &base,
            "--client-id",
            "the-app",
            "--allow-loopback",
        ];
        arguments.extend(more);
        let served = serve_with(&arguments, environment);
        let keys = Browser::new()
            .get(&format!("{}/.well-known/jwks.json", served.url()))
            .await;
        // With keys the EHR fetches them from where the app serves them.
        let registered = registered.unwrap_or_else(|| app("the-app").with_jwks_uri(&keys.url));
        let has_keys = way.contains("384");
        ehr.register_client(&registered).unwrap();
        sign_in(&served).await;
        assert_eq!(keys.status.is_success(), has_keys, "{way}");
        assert!(!keys.body.contains("\"d\""), "{way}: {}", keys.body);
        let kid = match way {
            "ES384 by JWK" => "\"kid\":\"2027-es\"",
            "ES384 by the environment" => "\"kid\":\"mine\"",
            _ => "",
        };
        assert!(keys.body.contains(kid), "{way}: {}", keys.body);
        let log = served.log();
        assert!(
            !log.contains("a secret of the test") && !log.contains("PRIVATE"),
            "{log}"
        );
        // The same registration refuses whoever has not got what belongs to it.
        if way != "public" {
            let served = serve(&arguments[..5]);
            let page = Browser::new()
                .get(&format!("{}/launch", served.url()))
                .await;
            assert!(!page.status.is_success(), "{way}");
        }
    }
}

#[tokio::test]
async fn while_one_key_takes_over_from_another_both_are_published() {
    let ehr = ehr_that_fetches().await;
    let base = ehr.fhir_base();
    let (old, new) = (key(Algorithm::ES384), key(Algorithm::ES384));
    let (old, new) = (
        scratch("serve-old.jwk", &jwk(&old, "2027")),
        scratch("serve-new.jwk", &jwk(&new, "2028")),
    );
    let mut documents = Vec::new();
    for (signs, beside) in [(&old, Some(&new)), (&new, Some(&old)), (&new, None)] {
        let mut arguments = vec![
            "--fhir-base",
            &base,
            "--client-id",
            "the-app",
            "--allow-loopback",
            "--private-key-file",
            signs,
        ];
        arguments.extend(
            beside
                .into_iter()
                .flat_map(|it| ["--published-key-file", it]),
        );
        let served = serve(&arguments);
        let keys = Browser::new()
            .get(&format!("{}/.well-known/jwks.json", served.url()))
            .await;
        ehr.register_client(&app("the-app").with_jwks_uri(&keys.url))
            .unwrap();
        sign_in(&served).await;
        assert!(keys.headers_of("cache-control").contains("max-age"));
        assert!(!keys.body.contains("\"d\""), "{}", keys.body);
        documents.push(keys.body);
    }
    // Whichever signs, the document is the same text, so that no server meets a key that it lacks.
    assert_eq!(documents[0], documents[1]);
    assert!(documents[0].contains("\"2027\"") && documents[0].contains("\"2028\""));
    assert!(!documents[2].contains("\"2027\""), "{}", documents[2]);
}

#[tokio::test]
async fn each_of_several_ehrs_launches_the_app_and_is_offered_on_the_first_page() {
    let north = Sandbox::builder(provider())
        .register_client(app("of-north").with_secret_post("a secret of north"))
        .start()
        .await
        .unwrap();
    let south = Sandbox::builder(provider())
        .register_client(app("of-south"))
        .start()
        .await
        .unwrap();
    let other = Sandbox::builder(provider()).start().await.unwrap();
    let config = format!(
        "[[ehr]]\nname = \"North\"\nfhir_base = \"{}\"\nclient_id = \"of-north\"\n\
         authentication = \"client_secret_post\"\nclient_secret_env = \"NORTH_SECRET\"\n\
         [[ehr]]\nname = \"South\"\nfhir_base = \"{}\"\nclient_id = \"of-south\"\nscope = \"launch/patient\"\n\
         [network]\nallow_loopback = true\n",
        north.fhir_base(),
        south.fhir_base()
    );
    let config = scratch("serve-several.toml", &config);
    let served = serve_with(
        &["--config", &config],
        &[("NORTH_SECRET", "a secret of north")],
    );
    // It would be for one of them, and nobody knows for which.
    let mut unclear = Command::new(env!("CARGO_BIN_EXE_smart"));
    unclear.args(["serve", "--config", &config]);
    unclear.env("NORTH_SECRET", "a secret of north");
    for name in ["SMART_CLIENT_SECRET", "SMART_PRIVATE_KEY"] {
        let refused = unclear.env(name, "x").output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{name}");
        unclear.env_remove(name);
    }
    let mut browser = Browser::new();
    let home = browser.get(&format!("{}/", served.url())).await;
    let links: Vec<String> = home
        .body
        .split("class=\"button\" href=\"")
        .skip(1)
        .map(|it| it.split('"').next().unwrap().replace("&#38;", "&"))
        .collect();
    assert_eq!(links.len(), 2, "{}", home.body);
    assert!(home.body.find("North").unwrap() < home.body.find("South").unwrap());
    // In one browser, one after the other: each session is with its own EHR.
    let bases = [north.fhir_base(), south.fhir_base()];
    for (link, base) in links.iter().zip(&bases) {
        let page = browser.get(&format!("{}{link}", served.url())).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(
            page.body
                .contains(&format!("FHIR server <code>{base}</code>")),
            "{}",
            page.body
        );
        let is_north = *base == bases[0];
        assert_eq!(
            page.body.contains("offline_access</code></th>"),
            is_north,
            "{}",
            page.body
        );
    }
    for (ehr, id) in [(&south, "of-south"), (&north, "of-north")] {
        let launch = ehr
            .ehr_launch(id, LaunchContext::new().patient("p-1"))
            .unwrap();
        let page = browser
            .get(&launch.url(&format!("{}/launch", served.url())))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(
            page.body
                .contains(&format!("FHIR server <code>{}</code>", ehr.fhir_base()))
        );
    }
    let launch = other
        .ehr_launch(DEFAULT_CLIENT_ID, LaunchContext::new())
        .unwrap();
    let page = browser
        .get(&launch.url(&format!("{}/launch", served.url())))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    // Without a name there is no choice to make for anybody.
    let page = browser.get(&format!("{}/launch", served.url())).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
}

#[tokio::test]
async fn a_refused_sign_in_is_explained_to_whoever_may_read_it() {
    let served = serve(&["--fault", "wrong-audience", "--fault", "expired"]);
    let start = format!("{}/start", served.url());
    let page = Browser::new().post(&start, &CHOICE).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.body);
    for part in [
        "What was checked",
        "<strong>failed</strong>: aud names this app",
        "OpenID Connect Core 3.1.3.7 (3)",
        "To do: check the client id",
        "<strong>passed</strong>: the signature verifies",
        "open the app again",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    for person in ["Jordan", "Practitioner/", "eyJ", "dr-smith"] {
        assert!(!page.body.contains(person), "{person}: {}", page.body);
    }
    let (_, rest) = page.body.split_once("Reference: <code>").unwrap();
    let reference = rest.split('<').next().unwrap();
    let log = served.log();
    let lines: Vec<&str> = log.lines().filter(|it| it.contains(reference)).collect();
    for part in [
        "refused",
        "code=\"claim-audience\"",
        "check=\"audience\"",
        "remedy=\"check the client id",
    ] {
        assert!(lines.iter().any(|it| it.contains(part)), "{part}: {log}");
    }
    for person in ["Jordan", "Practitioner/", "eyJ"] {
        assert!(!log.contains(person), "{person}: {log}");
    }
}

/// What lies between the app and the EHR: it passes all on, and keeps revocations until it is told.
#[derive(Clone)]
struct Gate {
    http: ReqwestClient,
    ehr: Arc<OnceLock<String>>,
    /// Each revocation says that it has come.
    came: mpsc::UnboundedSender<String>,
    open: Arc<Semaphore>,
    /// So many have been answered.
    answered: Arc<AtomicU32>,
}

async fn pass(
    State(gate): State<Gate>,
    request: axum::extract::Request,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let is_revocation = parts.uri.path().ends_with("/revoke");
    if is_revocation {
        gate.came
            .send(String::from_utf8_lossy(&body).into_owned())
            .unwrap();
        gate.open.acquire().await.unwrap().forget();
    }
    let path = parts.uri.path_and_query().unwrap().as_str();
    let url = format!("{}{path}", gate.ehr.get().unwrap());
    let mut onward = Request::builder().method(parts.method).uri(url);
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            onward = onward.header(name, value);
        }
    }
    let answer = gate.http.send(onward.body(body).unwrap()).await.unwrap();
    let (mut parts, body) = answer.into_parts();
    if is_revocation {
        assert_eq!(parts.status, StatusCode::OK);
        gate.answered.fetch_add(1, Ordering::Relaxed);
    }
    parts.headers.remove("content-length");
    parts.headers.remove("transfer-encoding");
    http::Response::from_parts(parts, axum::body::Body::from(body))
}

/// Signs out while the EHR does not answer, tells the program to end, and lets the EHR answer then.
/// The browser waits for its page, or has gone by then. Gives how many tokens were revoked.
#[cfg(unix)]
async fn end_while_signing_out(is_gone: bool) -> u32 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = format!("http://{}", listener.local_addr().unwrap());
    let (came, mut revocations) = mpsc::unbounded_channel();
    let gate = Gate {
        http: ReqwestClient::builder().allow_loopback().build().unwrap(),
        ehr: Arc::default(),
        came,
        open: Arc::new(Semaphore::new(0)),
        answered: Arc::default(),
    };
    let router = Router::new().fallback(pass).with_state(gate.clone());
    let passing = tokio::spawn(async move { axum::serve(listener, router).await });
    let builder = Sandbox::builder(provider())
        .public_url(&public)
        .auto_approve(true);
    let builder = builder.register_client(app(DEFAULT_CLIENT_ID));
    let ehr = builder.start().await.unwrap();
    let address = format!("http://{}", ehr.local_addr());
    gate.ehr.set(address).unwrap();

    let base = ehr.fhir_base();
    let mut served = serve(&[
        "--fhir-base",
        &base,
        "--client-id",
        DEFAULT_CLIENT_ID,
        "--allow-loopback",
    ]);
    let url = served.url();
    let mut browser = Browser::new();
    let page = browser.get(&format!("{url}/launch")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let (tag, token) = (
        page.field("/logout", "tag"),
        page.field("/logout", "csrf_token"),
    );
    let logout = format!("{url}/logout");
    let leaving = tokio::spawn(async move {
        let form = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
        browser.post(&logout, &form).await
    });
    let first = revocations.recv().await.unwrap();
    assert!(first.contains("token="), "{first}");
    if is_gone {
        leaving.abort();
    }
    let mut tell = Command::new("kill");
    let told = tell.args(["-TERM", &served.child.id().to_string()]);
    assert!(told.status().unwrap().success());
    let ended = async {
        // It has heard that once it takes nobody in any more.
        let address = url.strip_prefix("http://").unwrap();
        while TcpStream::connect(address).await.is_ok() {}
        assert_eq!(served.child.try_wait().unwrap(), None, "it has not waited");
        gate.open.add_permits(8);
        match leaving.await {
            Ok(page) => assert!(page.body.contains("You are signed out"), "{}", page.body),
            Err(error) => assert!(is_gone && error.is_cancelled()),
        }
        loop {
            if let Some(status) = served.child.try_wait().unwrap() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    // Its own deadline is 25 s.
    let status = timeout(Duration::from_secs(26), ended).await.unwrap();
    assert!(status.success(), "{status}");
    passing.abort();
    gate.answered.load(Ordering::Relaxed)
}

#[cfg(unix)]
#[tokio::test]
async fn a_sign_out_that_is_under_way_is_finished_before_the_program_ends() {
    assert_eq!(end_while_signing_out(false).await, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_sign_out_that_nobody_waits_for_is_finished_before_the_program_ends() {
    assert_eq!(end_while_signing_out(true).await, 2);
}
