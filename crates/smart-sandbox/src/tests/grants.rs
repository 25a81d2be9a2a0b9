//! Refresh tokens, launches from the EHR, and what is known of a token.

use core::time::Duration;

use serde_json::{Value, json};
use smart_jose::{Algorithm, Algorithms};

use super::clients::{
    ClientKey, SCOPE, app, assert_error, credentials_grant, new_code, post, rules, service, start,
    token_url,
};
use super::flow::{
    NOW, Pairs, authorize, builder, code, encode, exchange, redeem, request, verify, with,
};
use super::http::{get, post_form, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, LaunchContext, Sandbox, SandboxBuilder, SandboxUser,
    UserType,
};

fn refreshing(token: &Value) -> Pairs {
    vec![
        ("grant_type", "refresh_token".into()),
        (
            "refresh_token",
            token["refresh_token"].as_str().unwrap().into(),
        ),
        ("client_id", DEFAULT_CLIENT_ID.into()),
    ]
}

async fn signed_in(sandbox: &Sandbox) -> Value {
    let answer = redeem(sandbox, &exchange(&new_code(sandbox).await)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

// covers: SMART-REF-2, SMART-REF-4, SMART-REF-5, SMART-TOK-12, OIDC-RFR-1, SBCP-14
#[tokio::test]
async fn a_refresh_gives_new_tokens_for_the_same_user() {
    let (sandbox, clock) = start(builder()).await;
    let first = signed_in(&sandbox).await;
    clock.advance(Duration::from_secs(3600));
    let answer = redeem(&sandbox, &refreshing(&first)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let second = answer.json();
    assert_eq!(second["token_type"], "Bearer");
    assert_eq!(second["expires_in"], 3600);
    assert_eq!(second["scope"], SCOPE);
    assert_eq!(second["patient"], "p-1");
    for member in ["access_token", "refresh_token", "id_token"] {
        assert_ne!(second[member], first[member], "{member}");
    }
    let claims = |token: &Value| token["id_token"].as_str().unwrap().to_owned();
    let (before, _) = verify(&sandbox, &claims(&first), Algorithms::ID_TOKEN).await;
    let (after, _) = verify(&sandbox, &claims(&second), Algorithms::ID_TOKEN).await;
    for claim in ["iss", "sub", "aud", "fhirUser"] {
        assert_eq!(before[claim], after[claim], "{claim}");
    }
    assert!(after["iat"].as_u64() > before["iat"].as_u64());
    assert_eq!(
        (before["nonce"].as_str(), after.get("nonce")),
        (Some("nonce-1"), None)
    );
    // Less on wish, and what is less here is no less next time.
    let less = with(refreshing(&second), "scope", "fhirUser offline_access");
    let third = redeem(&sandbox, &less).await.json();
    assert_eq!(third["scope"], "fhirUser offline_access");
    assert!(third.get("id_token").is_none() && third.get("patient").is_none());
    let fourth = redeem(&sandbox, &refreshing(&third)).await.json();
    assert_eq!(fourth["scope"], SCOPE);
    let more = with(refreshing(&fourth), "scope", "openid user/*.cruds");
    assert_error(&redeem(&sandbox, &more).await, 400, "invalid_scope");
    // Asking for too much has not used the token up.
    assert_eq!(redeem(&sandbox, &refreshing(&fourth)).await.status, 200);
}

/// As deployed apps do: the parameter is not among those of a refresh.
#[tokio::test]
async fn a_public_app_refreshes_without_saying_who_it_is() {
    let (sandbox, _) = start(builder()).await;
    let nameless = |token: &Value| {
        let mut pairs = refreshing(token);
        pairs.retain(|(name, _)| *name != "client_id");
        pairs
    };
    let first = signed_in(&sandbox).await;
    let second = redeem(&sandbox, &nameless(&first)).await;
    assert_eq!(second.status, 200, "{}", second.body);
    let second = second.json();
    // A second use is seen all the same.
    assert_error(
        &redeem(&sandbox, &nameless(&first)).await,
        400,
        "invalid_grant",
    );
    assert_error(
        &redeem(&sandbox, &nameless(&second)).await,
        400,
        "invalid_grant",
    );
    assert!(!opens(&sandbox, &first).await && !opens(&sandbox, &second).await);
    let unknown = with(nameless(&first), "refresh_token", "unknown");
    assert_error(&redeem(&sandbox, &unknown).await, 400, "invalid_grant");
    // A code does not stand for a client.
    let mut code = exchange(&new_code(&sandbox).await);
    code.retain(|(name, _)| *name != "client_id");
    assert_error(&redeem(&sandbox, &code).await, 401, "invalid_client");
}

/// Its token alone does not make anybody an app that has a secret.
#[tokio::test]
async fn an_app_with_a_secret_refreshes_with_it() {
    let (sandbox, _) = start(builder()).await;
    let first = signed_in(&sandbox).await;
    let secret = app().with_secret_post("a secret");
    sandbox.register_client(&secret).unwrap();
    let mut nameless = refreshing(&first);
    nameless.retain(|(name, _)| *name != "client_id");
    assert_error(&redeem(&sandbox, &nameless).await, 401, "invalid_client");
    let proven = with(refreshing(&first), "client_secret", "a secret");
    assert_eq!(redeem(&sandbox, &proven).await.status, 200);
}

#[tokio::test]
async fn within_one_second_a_refresh_brings_no_id_token_and_without_the_scope_no_refresh() {
    let (sandbox, _) = start(builder()).await;
    let first = signed_in(&sandbox).await;
    let second = redeem(&sandbox, &refreshing(&first)).await.json();
    assert!(second["access_token"].is_string() && second.get("id_token").is_none());
    let online = with(request(&sandbox), "scope", "openid online_access");
    let online = redeem(&sandbox, &exchange(&code(&sandbox, &online).await)).await;
    assert!(online.json()["refresh_token"].is_string());
    let plain = with(request(&sandbox), "scope", "openid");
    let plain = redeem(&sandbox, &exchange(&code(&sandbox, &plain).await)).await;
    assert!(plain.json().get("refresh_token").is_none());
}

async fn opens(sandbox: &Sandbox, token: &Value) -> bool {
    let url = format!("{}/Practitioner/dr-smith", sandbox.fhir_base());
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let answer = send("GET", &url, &[("authorization", &bearer)], None).await;
    answer.status == 200
}

// covers: SBCP-14, SMART-REF-7
#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_grant() {
    let other = ClientRegistration::new("app-2", rules());
    let (sandbox, _) = start(builder().register_client(app()).register_client(other)).await;
    let first = signed_in(&sandbox).await;
    let bystander = signed_in(&sandbox).await;
    let stolen = with(refreshing(&first), "client_id", "app-2");
    assert_error(&redeem(&sandbox, &stolen).await, 400, "invalid_grant");
    let second = redeem(&sandbox, &refreshing(&first)).await.json();
    assert!(opens(&sandbox, &first).await && opens(&sandbox, &second).await);
    assert_error(
        &redeem(&sandbox, &refreshing(&first)).await,
        400,
        "invalid_grant",
    );
    assert_error(
        &redeem(&sandbox, &refreshing(&second)).await,
        400,
        "invalid_grant",
    );
    assert!(!opens(&sandbox, &first).await && !opens(&sandbox, &second).await);
    assert!(opens(&sandbox, &bystander).await);
    assert_eq!(redeem(&sandbox, &refreshing(&bystander)).await.status, 200);
}

// covers: SBCP-10
#[tokio::test]
async fn a_code_that_comes_twice_ends_its_refresh_token_too() {
    let (sandbox, _) = start(builder()).await;
    let code = new_code(&sandbox).await;
    let first = redeem(&sandbox, &exchange(&code)).await.json();
    let second = redeem(&sandbox, &refreshing(&first)).await.json();
    assert_error(
        &redeem(&sandbox, &exchange(&code)).await,
        400,
        "invalid_grant",
    );
    assert_error(
        &redeem(&sandbox, &refreshing(&second)).await,
        400,
        "invalid_grant",
    );
    assert!(!opens(&sandbox, &second).await);
}

fn asked(token: &str) -> Pairs {
    vec![("token", token.into())]
}

// covers: SMART-INT-1, SMART-INT-2, SMART-INT-3, SMART-INT-4, SMART-INT-5, SMART-INT-6
// covers: SMART-INT-7, INTR-2, INTR-3, INTR-4
#[tokio::test]
async fn a_token_is_described_to_those_who_may_ask() {
    let key = ClientKey::new(Algorithm::ES384);
    let confidential = ClientRegistration::new("server", rules()).with_secret_post("s3cret");
    let builder = builder()
        .register_client(app())
        .register_client(confidential)
        .register_client(service(&key));
    let (sandbox, clock) = start(builder).await;
    let token = signed_in(&sandbox).await;
    let url = format!("{}/introspect", sandbox.issuer());
    let text = token["access_token"].as_str().unwrap().to_owned();
    let secret = |token: &str| {
        let client = [
            ("client_id", "server".into()),
            ("client_secret", "s3cret".into()),
        ];
        [asked(token), client.to_vec()].concat()
    };
    let expected = json!({
        "active": true,
        "scope": SCOPE,
        "client_id": DEFAULT_CLIENT_ID,
        "token_type": "Bearer",
        "exp": NOW.as_secs() + token["expires_in"].as_u64().unwrap(),
        "iss": sandbox.issuer(),
        "sub": SandboxUser::default().sub,
        "fhirUser": format!("{}/Practitioner/dr-smith", sandbox.fhir_base()),
        "patient": "p-1",
        "need_patient_banner": true,
    });
    let answer = post(&url, &[], &secret(&text)).await;
    assert_eq!((answer.status, answer.json()), (200, expected.clone()));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // With a token of another app: that of the service.
    let grant = credentials_grant("system/Patient.r");
    let grant = [grant, key.pairs("service", &sandbox, NOW.as_secs())].concat();
    let service = post(&token_url(&sandbox), &[], &grant).await.json();
    let bearer = format!("Bearer {}", service["access_token"].as_str().unwrap());
    let answer = post(&url, &[("authorization", &bearer)], &asked(&text)).await;
    assert_eq!((answer.status, answer.json()), (200, expected));
    let own = post(
        &url,
        &[],
        &secret(service["access_token"].as_str().unwrap()),
    )
    .await;
    assert_eq!(
        own.json(),
        json!({
            "active": true, "scope": "system/Patient.r", "client_id": "service",
            "token_type": "Bearer", "exp": NOW.as_secs() + 300
        })
    );
    // Nobody else may ask.
    let public = with(asked(&text), "client_id", DEFAULT_CLIENT_ID);
    assert_error(&post(&url, &[], &public).await, 401, "invalid_client");
    assert_error(&post(&url, &[], &asked(&text)).await, 401, "invalid_client");
    let guess = [("authorization", "Bearer guess")];
    assert_error(
        &post(&url, &guess, &asked(&text)).await,
        401,
        "invalid_client",
    );
    assert_error(&post(&url, &[], &secret("")).await, 400, "invalid_request");
    assert_eq!(get(&url).await.status, 405);
    let refresh = token["refresh_token"].as_str().unwrap();
    for unknown in ["guess", refresh, token["id_token"].as_str().unwrap()] {
        let answer = post(&url, &[], &secret(unknown)).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"active":false}"#)
        );
    }
    clock.advance(Duration::from_secs(3600));
    let answer = post(&url, &[], &secret(&text)).await;
    assert_eq!(answer.json(), json!({"active": false}));
}

#[tokio::test]
async fn an_app_gives_its_own_tokens_back() {
    let other = ClientRegistration::new("app-2", rules());
    let (sandbox, _) = start(builder().register_client(app()).register_client(other)).await;
    let url = format!("{}/revoke", sandbox.issuer());
    let token = signed_in(&sandbox).await;
    let give = |member: &str, client: &str| {
        let token = token[member].as_str().unwrap();
        vec![
            ("token", token.to_owned()),
            ("client_id", client.to_owned()),
        ]
    };
    // Whether there is such a token is nobody else's business, and nobody else's to end.
    for member in ["access_token", "refresh_token"] {
        let answer = post_form(&url, &encode(&give(member, "app-2"))).await;
        assert_eq!(answer.status, 200);
    }
    let guess = vec![("token", "guess".into()), ("client_id", "app-2".into())];
    assert_eq!(post_form(&url, &encode(&guess)).await.status, 200);
    assert!(opens(&sandbox, &token).await);
    let next = redeem(&sandbox, &refreshing(&token)).await.json();
    // An access token goes alone, a refresh token takes all of its grant along.
    let answer = post_form(&url, &encode(&give("access_token", DEFAULT_CLIENT_ID))).await;
    assert_eq!(answer.status, 200);
    assert!(!opens(&sandbox, &token).await && opens(&sandbox, &next).await);
    let answer = post_form(&url, &encode(&give("refresh_token", DEFAULT_CLIENT_ID))).await;
    assert_eq!(answer.status, 200);
    assert!(!opens(&sandbox, &next).await);
    assert_error(
        &redeem(&sandbox, &refreshing(&next)).await,
        400,
        "invalid_grant",
    );
    let stranger = with(give("access_token", "x"), "client_id", "stranger");
    assert_error(
        &post_form(&url, &encode(&stranger)).await,
        401,
        "invalid_client",
    );
    let nothing = vec![("client_id", DEFAULT_CLIENT_ID.into())];
    assert_error(
        &post_form(&url, &encode(&nothing)).await,
        400,
        "invalid_request",
    );
}

// covers: SMART-LCH-1, SMART-LCH-8, SMART-CTX-1
#[tokio::test]
async fn a_launch_from_the_ehr_brings_what_the_user_has_open() {
    let other = ClientRegistration::new("app-2", rules());
    let (sandbox, clock) = start(builder().register_client(app()).register_client(other)).await;
    let context = LaunchContext::new()
        .patient("p-1")
        .encounter("e-1")
        .intent("reconcile-medications")
        .without_banner();
    let launch = sandbox
        .ehr_launch(DEFAULT_CLIENT_ID, context.clone())
        .unwrap();
    assert_eq!(launch.iss, sandbox.fhir_base());
    let url = launch.url("https://app.example/launch?tenant=1");
    let (_, query) = url.split_once('?').unwrap();
    let read: Vec<_> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let own = ("tenant".to_owned(), "1".to_owned());
    let iss = ("iss".to_owned(), launch.iss.clone());
    let handle = ("launch".to_owned(), launch.launch.clone());
    assert_eq!(read, [own, iss, handle]);
    assert!(
        launch
            .url("https://app.example/launch")
            .starts_with("https://app.example/launch?iss=")
    );
    let scoped = with(request(&sandbox), "scope", "openid launch");
    let asking = |launch: &str| with(scoped.clone(), "launch", launch);
    let refused = |pairs: Pairs| {
        let sandbox = &sandbox;
        async move {
            let (_, parameters) = authorize(sandbox, &pairs).await.redirect();
            assert!(!parameters.contains_key("code"));
            parameters["error"].clone()
        }
    };
    let invalid = "invalid_request";
    assert_eq!(refused(asking("guess")).await, invalid);
    assert_eq!(refused(scoped.clone()).await, invalid);
    let stolen = with(asking(&launch.launch), "client_id", "app-2");
    assert_eq!(refused(stolen).await, invalid);
    let unscoped = with(asking(&launch.launch), "scope", "openid");
    assert_eq!(refused(unscoped).await, "invalid_scope");
    // None of these used the launch up.
    let code = code(&sandbox, &asking(&launch.launch)).await;
    let token = redeem(&sandbox, &exchange(&code)).await.json();
    assert_eq!(token["scope"], "openid launch");
    assert_eq!(token["patient"], "p-1");
    assert_eq!(token["encounter"], "e-1");
    assert_eq!(token["intent"], "reconcile-medications");
    assert_eq!(token["need_patient_banner"], false);
    assert_eq!(refused(asking(&launch.launch)).await, invalid);
    // And one that nobody used expires.
    let late = sandbox.ehr_launch(DEFAULT_CLIENT_ID, context).unwrap();
    clock.advance(Duration::from_secs(300));
    assert_eq!(refused(asking(&late.launch)).await, invalid);
    let shown = format!("{late:?} {:?}", LaunchContext::new().patient("p-1"));
    assert!(!shown.contains(&late.launch) && !shown.contains("p-1"));
}

/// A launch about one patient, of a user for whom the sandbox would choose another.
async fn launched(sandbox: &Sandbox, context: LaunchContext, scope: &str) -> Value {
    let launch = sandbox.ehr_launch(DEFAULT_CLIENT_ID, context).unwrap();
    let scoped = with(request(sandbox), "scope", scope);
    let code = code(sandbox, &with(scoped, "launch", &launch.launch)).await;
    let answer = redeem(sandbox, &exchange(&code)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn status(sandbox: &Sandbox, path: &str, token: &Value) -> u16 {
    let url = format!("{}/{path}", sandbox.fhir_base());
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    send("GET", &url, &[("authorization", &bearer)], None)
        .await
        .status
}

// covers: SMART-CTX-4
#[tokio::test]
async fn an_app_that_the_ehr_starts_is_told_of_its_style() {
    let (sandbox, _) = start(builder()).await;
    let url = format!("{}/.well-known/smart-configuration", sandbox.fhir_base());
    let capabilities = get(&url).await.json()["capabilities"].clone();
    let capabilities = capabilities.as_array().unwrap();
    assert!(capabilities.contains(&"context-style".into()));
    let token = launched(&sandbox, LaunchContext::new(), "launch").await;
    let url = token["smart_style_url"].as_str().unwrap();
    let answer = send("GET", url, &[("origin", "https://any.example")], None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let style = answer.json();
    let style = style.as_object().unwrap();
    assert!(style.values().all(Value::is_string));
    // Whoever changes the style gives it another address, and this line another sum.
    let sum = answer.body.bytes().fold(0_u32, |sum, it| {
        sum.wrapping_mul(31).wrapping_add(u32::from(it))
    });
    assert_eq!(
        (url.rsplit('/').next(), sum),
        (Some("smart-style-1.json"), 2_300_439_051)
    );
}

// covers: SMART-REF-5, SMART-INT-4, SMART-CTX-1
#[tokio::test]
async fn the_patient_of_a_grant_is_the_same_wherever_it_is_told() {
    let (sandbox, _) = start(builder()).await;
    let url = format!("{}/introspect", sandbox.issuer());
    let granted = "launch patient/*.rs user/Patient.s offline_access";
    let context = LaunchContext::new().patient("p-2").without_banner();
    let mut token = launched(&sandbox, context, granted).await;
    // Whatever a refresh leaves of the scopes: the patient is told or not, and is never another.
    for (scope, told) in [
        (granted, Some("p-2")),
        ("patient/*.rs offline_access", Some("p-2")),
        ("launch offline_access", Some("p-2")),
        ("user/Patient.s offline_access", None),
        ("patient/*.rs", Some("p-2")),
    ] {
        let less = with(refreshing(&token), "scope", scope);
        token = redeem(&sandbox, &less).await.json();
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let own = asked(token["access_token"].as_str().unwrap());
        let described = post(&url, &[("authorization", &bearer)], &own).await.json();
        assert_eq!(described["active"], true);
        for answer in [&token, &described] {
            assert_eq!(answer["scope"], scope);
            assert_eq!(answer["patient"].as_str(), told, "{scope}");
            let banner = told.map(|_| false);
            assert_eq!(answer["need_patient_banner"].as_bool(), banner, "{scope}");
        }
        let opened = if scope.contains("patient/") { 200 } else { 403 };
        assert_eq!(status(&sandbox, "Patient/p-2", &token).await, opened);
        assert_eq!(
            status(&sandbox, "Patient/p-1", &token).await,
            403,
            "{scope}"
        );
    }
}

// covers: SMART-CTX-1
#[tokio::test]
async fn a_launch_with_nobody_open_is_about_nobody() {
    let (sandbox, _) = start(builder()).await;
    for user in ["Practitioner/dr-smith", "Patient/p-2"] {
        for scope in ["launch patient/*.rs", "launch user/Patient.r"] {
            let open = LaunchContext::new().user(user);
            let nobody = launched(&sandbox, open, scope).await;
            assert!(nobody.get("patient").is_none(), "{user} {scope}: {nobody}");
            assert!(nobody.get("need_patient_banner").is_none(), "{nobody}");
            if scope.contains("patient/") {
                assert_eq!(status(&sandbox, "Patient/p-1", &nobody).await, 403);
            }
        }
    }
    // Nor do the pages ask for a patient whom the EHR does not have open.
    let (sandbox, _) = start(builder().auto_approve(false)).await;
    let launch = sandbox.ehr_launch(DEFAULT_CLIENT_ID, LaunchContext::new());
    let scoped = with(request(&sandbox), "scope", "launch patient/*.rs");
    let asking = with(scoped, "launch", &launch.unwrap().launch);
    let page = authorize(&sandbox, &asking).await.body;
    assert!(page.contains("Allow access?") && !page.contains("Which patient"));
    // A standalone launch does choose: the own patient, and a stranger's chart for nobody.
    let user = SandboxUser::new(UserType::RelatedPerson, "rp-7", "sub-7", "Ada Example");
    for (user, expected) in [(Some(user), None), (None, Some("p-1"))] {
        let sandbox = user.into_iter().fold(builder(), SandboxBuilder::user);
        let (sandbox, _) = start(sandbox).await;
        let asking = with(request(&sandbox), "scope", "launch/patient patient/*.rs");
        let code = code(&sandbox, &asking).await;
        let told = redeem(&sandbox, &exchange(&code)).await.json();
        assert_eq!(told["patient"].as_str(), expected, "{told}");
    }
}

#[tokio::test]
async fn a_launch_opens_only_what_its_user_may_see() {
    let (sandbox, _) = start(builder()).await;
    let url = format!("{}/_sandbox/launches", sandbox.base_url());
    let (doctor, person) = ("Practitioner/dr-smith", "Patient/p-2");
    for (user, patient, encounter, expected) in [
        (Some(doctor), Some("p-1"), Some("e-1"), ""),
        (Some(person), Some("p-2"), Some("e-3"), ""),
        (Some("RelatedPerson/rp-1"), Some("p-1"), None, ""),
        (Some(person), None, None, ""),
        (None, Some("p-2"), None, ""),
        (Some("Patient/p-99"), None, None, "sandbox-launch-user"),
        (Some(doctor), Some("p-9"), None, "sandbox-launch-patient"),
        (Some(person), Some("p-1"), None, "sandbox-launch-no-access"),
        (
            Some("RelatedPerson/rp-1"),
            Some("p-2"),
            None,
            "sandbox-launch-no-access",
        ),
        (None, Some("p-1"), Some("e-99"), "sandbox-launch-encounter"),
        (
            None,
            Some("p-1"),
            Some("e-3"),
            "sandbox-launch-encounter-of-another",
        ),
        (
            None,
            None,
            Some("e-1"),
            "sandbox-launch-encounter-of-another",
        ),
    ] {
        let mut open = LaunchContext::new();
        let mut body = json!({ "client_id": DEFAULT_CLIENT_ID });
        if let Some(it) = user {
            open = open.user(it);
            body["user"] = it.into();
        }
        if let Some(it) = patient {
            open = open.patient(it);
            body["patient"] = it.into();
        }
        if let Some(it) = encounter {
            open = open.encounter(it);
            body["encounter"] = it.into();
        }
        let made = sandbox.ehr_launch(DEFAULT_CLIENT_ID, open);
        let code = made.as_ref().map_or_else(|it| it.code(), |_| "");
        assert_eq!(code, expected, "{body}");
        let json = [("content-type", "application/json")];
        let answer = send("POST", &url, &json, Some(&body.to_string())).await;
        let status = if expected.is_empty() { 200 } else { 400 };
        assert_eq!(answer.status, status, "{body}: {}", answer.body);
        if let Err(error) = made {
            assert_eq!(answer.json()["error"], error.to_string());
        }
    }
}

/// Two consent pages for one launch: the first that is answered gets the code.
#[tokio::test]
async fn a_launch_is_good_for_one_code() {
    let (sandbox, _) = start(builder().auto_approve(false)).await;
    let launch = sandbox
        .ehr_launch(DEFAULT_CLIENT_ID, LaunchContext::new())
        .unwrap();
    let scoped = with(request(&sandbox), "scope", "openid launch");
    let asking = with(scoped, "launch", &launch.launch);
    let mut pages = Vec::new();
    for _ in 0..2 {
        let page = authorize(&sandbox, &asking).await.body;
        let (_, rest) = page.split_once("name=\"request_id\" value=\"").unwrap();
        pages.push(rest.split('"').next().unwrap().to_owned());
    }
    let mut answers = Vec::new();
    for id in pages {
        let url = format!("{}/authorize/decision", sandbox.issuer());
        let form = format!("request_id={id}&decision=approve&scope-0=on&scope-1=on");
        let (_, parameters) = post_form(&url, &form).await.redirect();
        answers.push((
            parameters.contains_key("code"),
            parameters.get("error").cloned(),
        ));
    }
    assert_eq!(
        answers,
        [(true, None), (false, Some("invalid_request".to_owned()))]
    );
}

// covers: SMART-TOK-7
#[tokio::test]
async fn the_lifetime_of_a_token_is_a_choice_and_is_kept() {
    let (sandbox, clock) = start(builder().token_lifetime(Duration::from_secs(7))).await;
    let token = signed_in(&sandbox).await;
    assert_eq!(token["expires_in"], 7);
    clock.advance(Duration::from_secs(6));
    assert!(opens(&sandbox, &token).await);
    clock.advance(Duration::from_secs(1));
    assert!(!opens(&sandbox, &token).await);
    let next = redeem(&sandbox, &refreshing(&token)).await.json();
    assert!(opens(&sandbox, &next).await);
}
