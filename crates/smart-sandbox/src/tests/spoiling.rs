//! What a fault does and what it leaves alone, whom it reaches, and when it counts.

use core::time::Duration;
use std::sync::Arc;

use serde_json::{Value, json};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, CryptoProvider};

use super::flow::{NOW, builder, code, encode, exchange, redeem, request, with};
use super::http::{Answer, get, post_form, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, FixedClock, LaunchContext, RedirectRule, Sandbox,
    Times,
};

fn fault(name: &str) -> &'static Fault {
    Fault::named(name).unwrap()
}

fn refreshing(token: &str) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "refresh_token".into()),
        ("refresh_token", token.into()),
        ("client_id", DEFAULT_CLIENT_ID.into()),
    ]
}

async fn signed_in(sandbox: &Sandbox) -> Value {
    let scope = "openid fhirUser launch/patient patient/*.rs offline_access";
    let code = code(sandbox, &with(request(sandbox), "scope", scope)).await;
    redeem(sandbox, &exchange(&code)).await.json()
}

const APP: &str = "https://app.example";
const SENT: &str = "application/x-www-form-urlencoded";

/// Asks for what a fault spoils, as a script of an app does.
async fn asked(sandbox: &Sandbox, name: &str, tokens: &Value) -> Answer {
    let (fhir, issuer) = (sandbox.fhir_base(), sandbox.issuer());
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let by_script = [("origin", APP), ("authorization", &bearer)];
    let path = match name.split('-').next().unwrap() {
        "smart" => format!("{fhir}/.well-known/smart-configuration"),
        "openid" => format!("{issuer}/.well-known/openid-configuration"),
        "jwks" => format!("{issuer}/jwks"),
        "resource" => format!("{fhir}/Practitioner/dr-smith"),
        "userinfo" => format!("{issuer}/userinfo"),
        "token" | "refresh" => {
            let form = match name.starts_with("refresh") {
                true => refreshing(tokens["refresh_token"].as_str().unwrap()),
                false => exchange(&code(sandbox, &request(sandbox)).await),
            };
            let headers = [("origin", APP), ("content-type", SENT)];
            let url = format!("{issuer}/token");
            return send("POST", &url, &headers, Some(&encode(&form))).await;
        }
        other => panic!("{other}"),
    };
    send("GET", &path, &by_script, None).await
}

// covers: SMART-SEC-4
#[tokio::test]
async fn an_app_in_a_browser_meets_the_fault_too() {
    let app = ClientRegistration::default().with_origin(APP);
    let sandbox = builder().register_client(app).start().await.unwrap();
    let tokens = signed_in(&sandbox).await;
    for (name, expected) in [
        ("smart-configuration-failing", (500, "*")),
        ("smart-configuration-absent", (404, "*")),
        ("openid-configuration-page", (200, "*")),
        ("openid-issuer-differs", (200, "*")),
        ("jwks-moved", (307, "*")),
        ("jwks-empty", (200, "*")),
        ("jwks-already-old", (200, "*")),
        ("token-busy", (503, APP)),
        ("token-type-mac", (200, APP)),
        ("refresh-failing", (500, APP)),
        ("resource-forbidden", (403, APP)),
        ("resource-of-somebody-else", (200, APP)),
        ("userinfo-page", (200, APP)),
        ("userinfo-signed", (200, APP)),
    ] {
        sandbox.play(fault(name), Times::Once).unwrap();
        let answer = asked(&sandbox, name, &tokens).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(
            (answer.status, allowed),
            (expected.0, Some(expected.1)),
            "{name}"
        );
        assert!(sandbox.playing().is_empty(), "{name} was not played");
    }
}

// covers: SMART-SEC-4
#[tokio::test]
async fn what_is_not_there_below_the_fhir_base_is_seen_by_scripts_too() {
    let app = ClientRegistration::default().with_origin(APP);
    let sandbox = builder().register_client(app).start().await.unwrap();
    for (path, origin, expected) in [
        ("/fhir/Patient/p-1/_history/1", APP, Some(APP)),
        ("/fhir/", APP, Some(APP)),
        (
            "/fhir/Patient/p-1/_history/1",
            "https://other.example",
            None,
        ),
        ("/nowhere", APP, None),
    ] {
        let url = format!("{}{path}", sandbox.base_url());
        let answer = send("GET", &url, &[("origin", origin)], None).await;
        assert_eq!(answer.status, 404, "{path}");
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, expected, "{path} {origin}");
        let preflight = send("OPTIONS", &url, &[("origin", origin)], None).await;
        let allowed = preflight.header("access-control-allow-headers");
        assert_eq!(allowed.is_some(), expected.is_some(), "{path} {origin}");
    }
    let url = format!("{}/Patient/p-1", sandbox.fhir_base());
    let preflight = send("OPTIONS", &url, &[("origin", APP)], None).await;
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    let allowed: Vec<&str> = allowed.split(", ").collect();
    assert_eq!(
        allowed,
        ["Authorization", "Content-Type", "Accept", "Prefer"]
    );
}

// covers: SMART-REF-4
#[tokio::test]
async fn a_refresh_token_that_is_not_rotated_stays_good() {
    let sandbox = builder().start().await.unwrap();
    let tokens = signed_in(&sandbox).await;
    let held = tokens["refresh_token"].as_str().unwrap();
    let not_rotated = fault("refresh-not-rotated");
    sandbox.play(not_rotated, Times::So(3)).unwrap();
    for left in [Some(2), Some(1), None] {
        let answer = redeem(&sandbox, &refreshing(held)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let told = answer.json();
        assert!(told.get("refresh_token").is_none(), "{told}");
        assert!(told["access_token"].is_string());
        let playing = sandbox.playing();
        assert_eq!(playing.first().and_then(|it| it.1.left()), left);
    }
    let rotated = redeem(&sandbox, &refreshing(held)).await.json();
    let next = rotated["refresh_token"].as_str().unwrap();
    assert_ne!(next, held);
    assert_eq!(redeem(&sandbox, &refreshing(next)).await.status, 200);
    assert_eq!(redeem(&sandbox, &refreshing(held)).await.status, 400);
}

/// `patient-missing` leaves alone what has no patient, and the next answer has one.
#[tokio::test]
async fn a_fault_counts_where_it_has_changed_something() {
    let sandbox = builder().start().await.unwrap();
    sandbox.play(fault("patient-missing"), Times::Once).unwrap();
    sandbox.play(fault("no-fhir-user"), Times::Once).unwrap();
    let scoped = with(request(&sandbox), "scope", "openid");
    for (asking, left) in [(scoped, 2), (request(&sandbox), 0), (request(&sandbox), 0)] {
        let tokens = redeem(&sandbox, &exchange(&code(&sandbox, &asking).await)).await;
        assert_eq!(tokens.status, 200);
        assert_eq!(sandbox.playing().len(), left, "{}", tokens.body);
    }
    // The patient of the refresh is another one, whoever was open before.
    for (open, other) in [("p-1", "p-4"), ("p-4", "p-1")] {
        let launch = LaunchContext::new().patient(open);
        let launch = sandbox.ehr_launch(DEFAULT_CLIENT_ID, launch).unwrap();
        let asking = with(request(&sandbox), "scope", "launch offline_access");
        let asking = with(asking, "launch", &launch.launch);
        let code = code(&sandbox, &asking).await;
        let tokens = redeem(&sandbox, &exchange(&code)).await.json();
        assert_eq!(tokens["patient"], open);
        let changed = fault("refresh-of-another-patient");
        sandbox.play(changed, Times::Once).unwrap();
        let held = tokens["refresh_token"].as_str().unwrap();
        let tokens = redeem(&sandbox, &refreshing(held)).await.json();
        assert_eq!(tokens["patient"], other);
        assert!(sandbox.playing().is_empty());
    }
}

#[tokio::test]
async fn a_fault_that_does_not_fit_the_keys_is_refused_and_not_played() {
    let psychic = fault("psychic-signature");
    let refused = builder().fault(psychic, Times::Once).start().await;
    let error = refused.unwrap_err();
    assert_eq!(error.code(), "sandbox-fault-key");
    let said = error.to_string();
    assert!(
        said.contains("psychic-signature") && said.contains("RS256"),
        "{said}"
    );
    let sandbox = builder().start().await.unwrap();
    let refused = sandbox.play(psychic, Times::Once).unwrap_err();
    assert_eq!(refused.code(), "sandbox-fault-key");
    let sequence = [(fault("token-busy"), Times::Once), (psychic, Times::Once)];
    assert_eq!(sandbox.play_in_turn(sequence), Err(refused.clone()));
    let url = format!("{}/_sandbox/faults", sandbox.base_url());
    let headers = [("content-type", "application/json")];
    for body in [
        json!({ "name": "psychic-signature" }),
        json!({ "sequence": [{ "name": "token-busy" }, { "name": "psychic-signature" }] }),
    ] {
        let answer = send("POST", &url, &headers, Some(&body.to_string())).await;
        assert_eq!(answer.status, 409, "{body}");
        assert_eq!(answer.json()["error"], refused.to_string());
    }
    assert!(sandbox.playing().is_empty());
    // An app of its own algorithm brings a key that fits.
    let rule = RedirectRule::Exact("https://app.example/callback".into());
    let app = ClientRegistration::new("of-es256", vec![rule]);
    let app = app.with_id_token_algorithm(Algorithm::ES256);
    sandbox.register_client(&app).unwrap();
    assert_eq!(sandbox.play(psychic, Times::Once), Ok(()));
}

#[tokio::test]
async fn keys_that_cannot_be_followed_do_not_change_on_a_schedule() {
    let provider = CryptoProvider::ring();
    let own = PrivateKey::from_pem(include_str!("../keys/demo-rsa-1.pem"), provider).unwrap();
    let own = || builder().signing_key(own.clone(), "mine", Algorithm::RS256);
    let every = Duration::from_secs(60);
    let refused = own().rotate_keys_every(every).start().await.unwrap_err();
    assert_eq!(refused.code(), "sandbox-rotation");
    assert!(refused.to_string().contains("cannot change by themselves"));
    let rotation = fault("rotation-before-signing");
    let refused = own().fault(rotation, Times::Once).start().await;
    assert_eq!(refused.unwrap_err().code(), "sandbox-fault-next-key");
    assert_eq!(own().start().await.unwrap().kid(), "mine");
}

async fn kids(sandbox: &Sandbox) -> Vec<String> {
    let set = get(&format!("{}/jwks", sandbox.issuer())).await.json();
    let keys = set["keys"].as_array().unwrap().iter();
    keys.map(|it| it["kid"].as_str().unwrap().to_owned())
        .collect()
}

// covers: OIDC-KEY-5
#[tokio::test]
async fn a_key_that_signs_no_longer_stays_published_until_the_next_change() {
    let clock = Arc::new(FixedClock::at(NOW));
    let minute = Duration::from_secs(60);
    let builder = builder().clock(clock.clone()).rotate_keys_every(minute);
    let sandbox = builder.start().await.unwrap();
    let first = sandbox.kid();
    assert_eq!(kids(&sandbox).await, std::slice::from_ref(&first));
    clock.advance(minute);
    let second = sandbox.kid();
    assert_ne!(second, first);
    assert_eq!(kids(&sandbox).await, [second.clone(), first]);
    clock.advance(minute);
    let third = sandbox.kid();
    assert_eq!(kids(&sandbox).await, [third, second]);
}

/// Faults of other answers leave a revocation alone, and do not count.
#[tokio::test]
async fn what_no_fault_is_about_is_left_alone() {
    let sandbox = builder().start().await.unwrap();
    let tokens = signed_in(&sandbox).await;
    for name in ["token-busy", "jwks-empty", "refresh-failing"] {
        sandbox.play(fault(name), Times::UntilTakenBack).unwrap();
    }
    let url = format!("{}/revoke", sandbox.issuer());
    let token = tokens["refresh_token"].as_str().unwrap();
    let form = encode(&vec![
        ("token", token.into()),
        ("client_id", DEFAULT_CLIENT_ID.into()),
    ]);
    assert_eq!(post_form(&url, &form).await.status, 200);
    assert_eq!(sandbox.playing().len(), 3);
}
