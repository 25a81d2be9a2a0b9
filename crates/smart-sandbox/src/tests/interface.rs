//! The parts of the sandbox's own interface that change who is there, the time, and what is remembered;
//! and UserInfo that is signed.

use core::time::Duration;

use serde_json::{Value, json};
use smart_jose::{Algorithm, Algorithms, CryptoProvider, JwkSet, UnverifiedJws};

use super::ehr::post_json;
use super::flow::{
    REDIRECT_URI, authorize, builder, code, exchange, redeem, request, sign_in, with, with_clock,
};
use super::http::{Answer, get, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, RedirectRule, Sandbox, SandboxUser, Times,
    UserType,
};

async fn with_token(url: &str, tokens: &Value) -> Answer {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    send("GET", url, &[("authorization", &bearer)], None).await
}

#[tokio::test]
async fn people_and_patients_join_while_it_runs() {
    let sandbox = builder().start().await.unwrap();
    let user = json!({ "type": "RelatedPerson", "id": "rp-9", "name": "Uma Example",
        "resource": { "patient": { "reference": "Patient/p-9" } } });
    let answer = post_json(&sandbox, "users", &user).await;
    assert_eq!(
        (answer.status, answer.json()["reference"].clone()),
        (201, json!("RelatedPerson/rp-9"))
    );
    let patient =
        json!({ "resourceType": "Patient", "id": "p-9", "name": [{ "text": "Noa Example" }] });
    assert_eq!(post_json(&sandbox, "resources", &patient).await.status, 201);
    let about = get(&format!("{}/_sandbox", sandbox.base_url()))
        .await
        .json();
    assert_eq!(
        about["users"][5],
        json!({ "reference": "RelatedPerson/rp-9", "name": "Uma Example",
        "sub": "sub-rp-9", "patient": "p-9" })
    );
    assert!(about["patients"].to_string().contains("Noa Example"));

    let launch =
        json!({ "client_id": DEFAULT_CLIENT_ID, "user": "RelatedPerson/rp-9", "patient": "p-9" });
    let launched = post_json(&sandbox, "launches", &launch).await.json();
    let asked = with(
        request(&sandbox),
        "launch",
        launched["launch"].as_str().unwrap(),
    );
    let asked = with(asked, "scope", "launch openid fhirUser user/*.rs");
    let (_, parameters) = authorize(&sandbox, &asked).await.redirect();
    let tokens = redeem(&sandbox, &exchange(&parameters["code"]))
        .await
        .json();
    assert_eq!(tokens["patient"], "p-9");
    let base = sandbox.fhir_base();
    for (path, status) in [
        ("RelatedPerson/rp-9", 200),
        ("Patient/p-9", 200),
        ("Patient/p-1", 403),
    ] {
        assert_eq!(
            with_token(&format!("{base}/{path}"), &tokens).await.status,
            status,
            "{path}"
        );
    }

    // Again is a change, and the default user stays the default.
    let renamed = json!({ "type": "RelatedPerson", "id": "rp-9", "name": "Uma Renamed" });
    assert_eq!(post_json(&sandbox, "users", &renamed).await.status, 201);
    let names: Vec<String> = sandbox.users().into_iter().map(|it| it.name).collect();
    assert_eq!(
        (names.len(), &*names[0], &*names[5]),
        (6, "Dr. Jordan Smith, MD", "Uma Renamed")
    );

    for (path, body) in [
        ("users", json!({ "id": "a" })),
        ("users", json!({ "type": "Organization", "id": "a" })),
        ("users", json!({ "type": "Person" })),
        ("users", json!({ "type": "Person", "id": "a/b" })),
        (
            "users",
            json!({ "type": "Person", "id": "b", "sub": "sub-rp-9" }),
        ),
        (
            "users",
            json!({ "type": "Person", "id": "b", "resource": [] }),
        ),
        ("resources", json!({ "resourceType": "Binary", "id": "a" })),
        ("resources", json!({ "resourceType": "Patient" })),
    ] {
        let answer = post_json(&sandbox, path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(sandbox.users().len(), 6);
}

#[tokio::test]
async fn no_more_join_than_can_be_held() {
    let sandbox = builder().start().await.unwrap();
    let person = |number: usize| {
        let id = format!("u-{number}");
        SandboxUser::new(UserType::Person, id.as_str(), id.as_str(), "Ada")
    };
    for number in 0..495 {
        sandbox.add_user(person(number)).unwrap();
    }
    let error = sandbox.add_user(person(495)).unwrap_err();
    assert_eq!(error.code(), "sandbox-full");
    sandbox.add_user(person(7)).unwrap();
    let patient = |number: usize| json!({ "resourceType": "Patient", "id": format!("n-{number}") });
    let full = (0..2_000).find_map(|it| sandbox.add_resource(patient(it)).err());
    assert_eq!(full.unwrap().code(), "sandbox-full");
    sandbox.add_resource(patient(0)).unwrap();
}

#[tokio::test]
async fn people_of_hostile_names_come_when_they_are_asked_for() {
    let sandbox = builder().start().await.unwrap();
    let hostile = |it: &SandboxUser| it.id.starts_with("hostile-");
    assert!(!sandbox.users().iter().any(hostile));
    let answer = post_json(&sandbox, "hostile-people", &json!({})).await;
    assert_eq!(answer.status, 201);
    let added = answer.json()["users"].as_array().unwrap().len();
    assert_eq!(
        sandbox.users().iter().filter(|it| hostile(it)).count(),
        added
    );
    let at_once = builder().hostile_people().start().await.unwrap();
    assert_eq!(at_once.users(), sandbox.users());
    assert_eq!(at_once.patients(), sandbox.patients());
    // Our own pages show them as text.
    let page = get(&format!("{}/", sandbox.base_url())).await;
    assert!(page.body.contains("alert(1)"));
    for markup in ["<script", "<img", "<h1>Example", "\" onerror"] {
        assert!(!page.body.contains(markup), "{markup}");
    }
}

#[tokio::test]
async fn the_clock_goes_ahead_and_what_is_short_lived_ends() {
    let (sandbox, _) = with_clock().await;
    let tokens = sign_in(&sandbox, "openid fhirUser").await;
    let url = format!("{}/userinfo", sandbox.issuer());
    let status = async || with_token(&url, &tokens).await.status;
    let told = post_json(&sandbox, "clock", &json!({ "advance": 3599 }))
        .await
        .json();
    assert_eq!(told, json!({ "now": 1_800_003_599_u64 }));
    assert_eq!(status().await, 200);
    sandbox.advance(Duration::from_secs(1));
    assert_eq!(status().await, 401);
    for wrong in [json!(-1), json!("1"), json!(1.5), Value::Null] {
        let answer = post_json(&sandbox, "clock", &json!({ "advance": wrong })).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    let now = post_json(&sandbox, "clock", &json!({})).await.json();
    assert_eq!(now, json!({ "now": 1_800_003_600_u64 }));
}

#[tokio::test]
async fn what_was_asked_is_told_without_what_is_secret() {
    let sandbox = builder().start().await.unwrap();
    let tokens = sign_in(&sandbox, "openid fhirUser").await;
    let user = format!("{}/Practitioner/dr-smith?_format=json", sandbox.fhir_base());
    assert_eq!(with_token(&user, &tokens).await.status, 200);
    // A token without a scheme is no scheme.
    let bare = tokens["access_token"].as_str().unwrap();
    send("GET", &user, &[("authorization", bare)], None).await;
    let url = format!("{}/_sandbox/requests", sandbox.base_url());
    let answer = get(&url).await;
    let requests = answer.json()["requests"].as_array().unwrap().clone();
    let paths: Vec<_> = requests
        .iter()
        .map(|it| it["path"].as_str().unwrap())
        .collect();
    let read = "/fhir/Practitioner/dr-smith";
    assert_eq!(paths, ["/oidc/authorize", "/oidc/token", read, read]);
    let parameters = requests[0]["parameters"].to_string();
    assert!(parameters.contains("\"code_challenge\"") && parameters.contains("\"aud\""));
    assert_eq!(
        requests[2],
        json!({ "method": "GET", "path": read, "parameters": ["_format"],
        "authorization": "Bearer", "status": 200 })
    );
    assert_eq!(
        (&requests[3]["authorization"], &requests[3]["status"]),
        (&Value::Null, &json!(401))
    );
    for secret in [
        bare,
        super::flow::VERIFIER,
        super::flow::CHALLENGE,
        "state-0123456789",
        "nonce-1",
    ] {
        assert!(!answer.body.contains(secret), "{secret}");
    }
    assert_eq!(sandbox.requests().len(), 4);
    assert_eq!(send("DELETE", &url, &[], None).await.status, 200);
    assert!(sandbox.requests().is_empty());
}

/// An app that waits for less than the answer takes has asked all the same.
#[tokio::test]
async fn what_an_app_did_not_wait_for_was_asked_too() {
    let sandbox = builder().start().await.unwrap();
    let late = Fault::named("token-late").unwrap();
    let form = exchange(&code(&sandbox, &request(&sandbox)).await);
    sandbox.play(late, Times::Once).unwrap();
    // It gives up as soon as its request is there.
    let arrived = async {
        while sandbox.requests().len() < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = redeem(&sandbox, &form) => panic!("it was answered: {}", answer.status),
        () = arrived => {}
    }
    let requests = sandbox.requests();
    let seen: Vec<_> = requests.iter().map(|it| (&*it.path, it.status)).collect();
    let authorized = ("/oidc/authorize", Some(302));
    assert_eq!(seen, [authorized, ("/oidc/token", None)]);
    let url = format!("{}/_sandbox/requests", sandbox.base_url());
    let told = get(&url).await.json();
    assert_eq!(told["requests"][1].get("status"), Some(&Value::Null));
}

#[tokio::test]
async fn a_reset_forgets_what_was_issued_and_keeps_who_is_there() {
    let sandbox = builder().start().await.unwrap();
    sandbox
        .play(Fault::named("token-busy").unwrap(), Times::Once)
        .unwrap();
    sandbox
        .play_in_turn([(Fault::named("jwks-empty").unwrap(), Times::Once)])
        .unwrap();
    sandbox.take_back(Fault::named("token-busy").unwrap());
    let tokens = sign_in(&sandbox, "openid offline_access").await;
    let launched = sandbox
        .ehr_launch(DEFAULT_CLIENT_ID, crate::LaunchContext::new())
        .unwrap();
    let user = SandboxUser::new(UserType::Person, "ada", "ada", "Ada");
    sandbox.add_user(user).unwrap();
    let kid = sandbox.kid();
    assert_eq!(post_json(&sandbox, "reset", &json!({})).await.status, 200);
    assert!(sandbox.playing().is_empty() && sandbox.requests().is_empty());
    let url = format!("{}/userinfo", sandbox.issuer());
    assert_eq!(with_token(&url, &tokens).await.status, 401);
    let refresh = vec![
        ("grant_type", "refresh_token".to_owned()),
        (
            "refresh_token",
            tokens["refresh_token"].as_str().unwrap().to_owned(),
        ),
        ("client_id", DEFAULT_CLIENT_ID.to_owned()),
    ];
    assert_eq!(
        redeem(&sandbox, &refresh).await.json()["error"],
        "invalid_grant"
    );
    let asked = with(request(&sandbox), "launch", &launched.launch);
    let asked = with(asked, "scope", "launch openid");
    assert!(
        !authorize(&sandbox, &asked)
            .await
            .redirect()
            .1
            .contains_key("code")
    );
    assert_eq!((sandbox.users().len(), sandbox.kid()), (6, kid));
    sign_in(&sandbox, "openid").await;
}

#[tokio::test]
async fn faults_come_one_after_another_over_http() {
    let sandbox = builder().start().await.unwrap();
    let sequence = json!({ "sequence": [
        { "name": "jwks-failing", "times": 2 },
        { "name": "jwks-absent-minded", "times": 1 }
    ] });
    let answer = post_json(&sandbox, "faults", &sequence).await;
    assert_eq!(
        answer.status, 400,
        "one step is no fault, so none is played"
    );
    assert!(sandbox.playing().is_empty());
    let sequence = json!({ "sequence": [
        { "name": "jwks-failing", "times": 2 },
        { "name": "smart-configuration-nothing", "times": 1 },
        { "name": "jwks-empty", "times": 1 }
    ] });
    let told = post_json(&sandbox, "faults", &sequence).await.json();
    assert_eq!(
        told["playing"],
        json!([{ "name": "jwks-failing", "times": 2 }])
    );
    assert_eq!(told["coming"].as_array().unwrap().len(), 2);
    let keys = async || {
        let answer = get(&format!("{}/jwks", sandbox.issuer())).await;
        (
            answer.status,
            answer.status == 200 && answer.json()["keys"] == json!([]),
        )
    };
    let configuration = format!("{}/.well-known/smart-configuration", sandbox.fhir_base());
    assert_eq!(keys().await, (500, false));
    assert_eq!(get(&configuration).await.status, 200, "it is not its turn");
    assert_eq!(keys().await, (500, false));
    assert_eq!(keys().await, (200, false), "it is the turn of another");
    assert_eq!(get(&configuration).await.status, 204);
    assert_eq!(keys().await, (200, true));
    assert_eq!(keys().await, (200, false));
    assert!(sandbox.playing().is_empty());
    for wrong in [
        json!({ "sequence": {} }),
        json!({ "sequence": [{ "name": "jwks-empty", "times": 0 }] }),
        json!({ "sequence": [], "name": "jwks-empty" }),
        json!({ "sequence": vec![json!({ "name": "jwks-empty" }); 101] }),
    ] {
        assert_eq!(
            post_json(&sandbox, "faults", &wrong).await.status,
            400,
            "{wrong}"
        );
    }
}

/// The payload of a UserInfo answer, once its signature holds by the served keys.
async fn verified(sandbox: &Sandbox, answer: &Answer, algorithm: Algorithm) -> Value {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/jwt"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let jwks = get(&format!("{}/jwks", sandbox.issuer())).await;
    let keys = JwkSet::parse(jwks.body.as_bytes(), CryptoProvider::ring()).unwrap();
    let token = UnverifiedJws::parse(&answer.body, Algorithms::of(&[algorithm])).unwrap();
    let candidates = keys.exactly_one(token.header()).unwrap();
    let token = token.verify(&candidates).unwrap();
    serde_json::from_slice(token.payload()).unwrap()
}

// covers: OIDC-UI-3, OIDC-UI-4
#[tokio::test]
async fn userinfo_is_signed_for_who_asked_for_it() {
    let rules = vec![RedirectRule::Exact(REDIRECT_URI.to_owned())];
    let app = ClientRegistration::new(DEFAULT_CLIENT_ID, rules);
    let app = app.with_userinfo_algorithm(Algorithm::ES384);
    let sandbox = builder().register_client(app).start().await.unwrap();
    let document = format!("{}/.well-known/openid-configuration", sandbox.issuer());
    let announced = get(&document).await.json()["userinfo_signing_alg_values_supported"].clone();
    assert_eq!(announced, json!(["RS256", "ES384"]));
    let tokens = sign_in(&sandbox, "openid fhirUser profile").await;
    let url = format!("{}/userinfo", sandbox.issuer());
    let claims = verified(&sandbox, &with_token(&url, &tokens).await, Algorithm::ES384).await;
    let user = SandboxUser::default();
    assert_eq!(claims["iss"], sandbox.issuer());
    assert_eq!(claims["aud"], DEFAULT_CLIENT_ID);
    assert_eq!(
        (&claims["sub"], &claims["name"]),
        (&json!(user.sub), &json!(user.name))
    );
    // A fault of the claims is signed too, and one in the place of the answer is not.
    sandbox
        .play(
            Fault::named("userinfo-of-somebody-else").unwrap(),
            Times::Once,
        )
        .unwrap();
    let claims = verified(&sandbox, &with_token(&url, &tokens).await, Algorithm::ES384).await;
    assert_eq!(claims["sub"], "somebody-else");
    sandbox
        .play(Fault::named("userinfo-page").unwrap(), Times::Once)
        .unwrap();
    let page = with_token(&url, &tokens).await;
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert_eq!(get(&url).await.status, 401, "an error is plain");
}

/// A reader must meet in the signed form what it would meet in the plain one.
#[tokio::test]
async fn what_a_fault_did_to_userinfo_is_signed_as_it_is() {
    let rules = vec![RedirectRule::Exact(REDIRECT_URI.to_owned())];
    let app = ClientRegistration::new(DEFAULT_CLIENT_ID, rules);
    let app = app.with_userinfo_algorithm(Algorithm::ES256);
    let sandbox = builder().register_client(app).start().await.unwrap();
    let tokens = sign_in(&sandbox, "openid").await;
    let url = format!("{}/userinfo", sandbox.issuer());
    let jwt = "application/jwt";
    for (name, kind, expected) in [
        ("userinfo-member-twice", jwt, r#","sub":"somebody-else"}"#),
        ("userinfo-with-nan", jwt, r#","x_a":NaN,"x_b":-Infinity}"#),
        ("userinfo-with-a-tail", jwt, "}{"),
        ("userinfo-with-a-mark", jwt, "\u{feff}{"),
        ("userinfo-in-utf-16", jwt, "\0{\0\""),
        ("userinfo-as-text", "text/plain; charset=utf-8", "\"sub\":"),
    ] {
        let fault = Fault::named(name).unwrap();
        sandbox.play(fault, Times::Once).unwrap();
        let answer = with_token(&url, &tokens).await;
        assert!(sandbox.playing().is_empty(), "{name} was not played");
        assert_eq!(answer.header("content-type"), Some(kind), "{name}");
        let jwks = get(&format!("{}/jwks", sandbox.issuer())).await;
        let keys = JwkSet::parse(jwks.body.as_bytes(), CryptoProvider::ring()).unwrap();
        let algorithms = Algorithms::of(&[Algorithm::ES256]);
        let token = UnverifiedJws::parse(&answer.body, algorithms).unwrap();
        let candidates = keys.exactly_one(token.header()).unwrap();
        let token = token.verify(&candidates).unwrap();
        let payload = String::from_utf8_lossy(token.payload());
        assert!(payload.contains(expected), "{name}: {payload}");
        let subjects = payload.matches("\"sub\":").count();
        let twice = ["userinfo-member-twice", "userinfo-with-a-tail"].contains(&name);
        let is_text = name != "userinfo-in-utf-16";
        assert_eq!(
            subjects,
            usize::from(is_text) + usize::from(twice),
            "{name}"
        );
        assert_eq!(payload.contains("\"iss\":"), is_text, "{name}");
    }
}

#[tokio::test]
async fn userinfo_is_plain_unless_a_fault_signs_it() {
    let sandbox = builder().start().await.unwrap();
    let tokens = sign_in(&sandbox, "openid").await;
    let url = format!("{}/userinfo", sandbox.issuer());
    sandbox
        .play(Fault::named("userinfo-signed").unwrap(), Times::Once)
        .unwrap();
    let claims = verified(&sandbox, &with_token(&url, &tokens).await, Algorithm::RS256).await;
    assert_eq!(claims["aud"], DEFAULT_CLIENT_ID);
    let plain = with_token(&url, &tokens).await;
    assert_eq!(plain.header("content-type"), Some("application/json"));
    assert!(plain.json().get("iss").is_none());
}

#[tokio::test]
async fn an_app_is_registered_over_http_with_signed_userinfo() {
    let sandbox = builder().start().await.unwrap();
    let app = |alg: &str| {
        json!({ "client_id": DEFAULT_CLIENT_ID, "redirect_uris": [REDIRECT_URI],
            "userinfo_signed_response_alg": alg })
    };
    assert_eq!(
        post_json(&sandbox, "clients", &app("none")).await.status,
        400
    );
    assert_eq!(
        post_json(&sandbox, "clients", &app("ES256")).await.status,
        201
    );
    let tokens = sign_in(&sandbox, "openid").await;
    let url = format!("{}/userinfo", sandbox.issuer());
    verified(&sandbox, &with_token(&url, &tokens).await, Algorithm::ES256).await;
}
