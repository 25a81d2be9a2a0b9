//! The EHR around the server: its first page, its interface for programs, and its versions.

use serde_json::{Value, json};
use smart_jose::{Algorithm, Algorithms};

use super::flow::{
    REDIRECT_URI, authorize, builder, exchange, redeem, request, sign_in, verify, with, with_clock,
};
use super::http::{Answer, get, post_form, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, LaunchContext, RedirectRule, Sandbox,
    SmartVersion, Times,
};

const LAUNCH_URL: &str = "http://127.0.0.1:3000/launch";

pub(super) async fn post_json(sandbox: &Sandbox, path: &str, body: &Value) -> Answer {
    let url = format!("{}/_sandbox/{path}", sandbox.base_url());
    let headers = [("content-type", "application/json")];
    send("POST", &url, &headers, Some(&body.to_string())).await
}

async fn launch(sandbox: &Sandbox, rest: &str) -> Answer {
    let url = format!("{}/launch", sandbox.base_url());
    let form = format!(
        "client_id={DEFAULT_CLIENT_ID}&launch_url={LAUNCH_URL}&user=Practitioner/dr-smith&{rest}"
    );
    post_form(&url, &form).await
}

#[tokio::test]
async fn the_first_page_starts_an_app_with_what_is_open() {
    let sandbox = builder().named_localhost().start().await.unwrap();
    let base = sandbox.base_url();
    assert!(base.starts_with("http://localhost:"), "{base}");
    let elsewhere = base.replace("localhost", "127.0.0.1");
    let moved = get(&format!("{elsewhere}/")).await;
    assert_eq!(moved.header("location"), Some(&*format!("{base}/")));
    let page = get(&format!("{base}/")).await;
    assert_eq!(page.status, 200);
    for shown in [
        "Morgan Sample",
        "Well child visit",
        DEFAULT_CLIENT_ID,
        "Not for patients",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    assert_eq!(get(&format!("{base}/_sandbox/style.css")).await.status, 200);
    let url = format!("{base}/launch");
    let form = format!(
        "client_id={DEFAULT_CLIENT_ID}&launch_url={LAUNCH_URL}&user=Patient/p-2&patient=p-2&encounter=e-3"
    );
    let answer = post_form(&url, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let (target, parameters) = answer.redirect();
    assert_eq!(target, LAUNCH_URL);
    assert_eq!(parameters["iss"], sandbox.fhir_base());
    let framed = post_form(&url, &format!("{form}&view=frame")).await;
    assert_eq!(framed.status, 200);
    assert!(
        framed
            .body
            .contains("<iframe src=\"http://127.0.0.1:3000/launch?iss=")
    );
    let policy = framed.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-src http: https:") && policy.contains("frame-ancestors 'none'"));
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "cross-site"),
    ];
    assert_eq!(send("POST", &url, &headers, Some(&form)).await.status, 400);
}

#[tokio::test]
async fn a_launch_of_the_first_page_has_what_was_chosen() {
    let sandbox = builder().start().await.unwrap();
    let answer = launch(&sandbox, "patient=p-3&encounter=e-5").await;
    let (_, parameters) = answer.redirect();
    let asked = with(request(&sandbox), "scope", "launch openid fhirUser");
    let asked = with(asked, "launch", &parameters["launch"]);
    let (_, parameters) = authorize(&sandbox, &asked).await.redirect();
    let tokens = redeem(&sandbox, &exchange(&parameters["code"]))
        .await
        .json();
    assert_eq!(
        (&tokens["patient"], &tokens["encounter"]),
        (&json!("p-3"), &json!("e-5"))
    );
}

#[tokio::test]
async fn a_choice_that_cannot_be_is_told_on_the_page() {
    let sandbox = builder().start().await.unwrap();
    for rest in [
        "patient=p-9",
        "patient=p-1&encounter=e-5",
        "encounter=e-1",
        "patient=p-1&encounter=e-99",
        "user=Practitioner/dr-smith",
        "launch_url=http://127.0.0.1/",
    ] {
        let answer = launch(&sandbox, rest).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{rest}"
        );
        assert!(answer.body.contains("role=\"alert\""), "{rest}");
    }
    let url = format!("{}/launch", sandbox.base_url());
    for user in ["Patient/p-2", "Person/person-1", "Practitioner/nobody"] {
        let form = format!(
            "client_id={DEFAULT_CLIENT_ID}&launch_url={LAUNCH_URL}&user={user}&patient=p-1"
        );
        assert_eq!(post_form(&url, &form).await.status, 400, "{user}");
    }
    for launch_url in [
        "javascript:alert(1)",
        "ftp://a/",
        "http://a/%0d%0ab\r\n",
        "/launch",
    ] {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", DEFAULT_CLIENT_ID)
            .append_pair("user", "Practitioner/dr-smith")
            .append_pair("launch_url", launch_url)
            .finish();
        let answer = post_form(&url, &form).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (400, None),
            "{launch_url}"
        );
    }
}

#[tokio::test]
async fn a_program_in_any_language_runs_the_sandbox_over_http() {
    let sandbox = builder().start().await.unwrap();
    let base = sandbox.base_url();
    let about = get(&format!("{base}/_sandbox")).await.json();
    assert_eq!(about["fhir_base"], sandbox.fhir_base());
    assert_eq!(about["users"].as_array().unwrap().len(), 5);
    let client = json!({
        "client_id": "from-afar",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post",
        "client_secret": "not a good secret",
        "id_token_signed_response_alg": "ES384",
        "origins": ["https://app.example"]
    });
    let answer = post_json(&sandbox, "clients", &client).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let launched = json!({
        "client_id": "from-afar",
        "patient": "p-2",
        "user": "Patient/p-2",
        "launch_url": LAUNCH_URL
    });
    let launched = post_json(&sandbox, "launches", &launched).await.json();
    assert!(launched["url"].as_str().unwrap().starts_with(LAUNCH_URL));
    let asked = with(request(&sandbox), "client_id", "from-afar");
    let asked = with(asked, "scope", "launch openid fhirUser");
    let asked = with(asked, "launch", launched["launch"].as_str().unwrap());
    let (_, parameters) = authorize(&sandbox, &asked).await.redirect();
    let exchange = with(exchange(&parameters["code"]), "client_id", "from-afar");
    let exchange = with(exchange, "client_secret", "not a good secret");
    let tokens = redeem(&sandbox, &exchange).await.json();
    assert_eq!(tokens["patient"], "p-2", "{tokens}");
    let header = tokens["id_token"].as_str().unwrap().split('.').next();
    let header = smart_jose::base64url::decode(header.unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["alg"], "ES384");

    let before = sandbox.kid();
    let kid = post_json(&sandbox, "keys/rotate", &json!({})).await.json()["kid"].clone();
    assert_eq!(kid, sandbox.kid());
    assert_ne!(kid, before);
    let set = async || get(&format!("{base}/oidc/jwks")).await;
    assert!(set().await.body.contains(&before));
    post_json(&sandbox, "keys/withdraw", &json!({})).await;
    assert!(!set().await.body.contains(&before));
}

#[tokio::test]
async fn what_a_program_says_wrongly_is_told() {
    let sandbox = builder().start().await.unwrap();
    for (path, body) in [
        ("clients", json!({})),
        ("clients", json!({ "client_id": "" })),
        ("clients", json!({ "client_id": "a", "redirect_uris": [1] })),
        (
            "clients",
            json!({ "client_id": "a", "redirect_uris": ["/callback"] }),
        ),
        (
            "clients",
            json!({ "client_id": "a", "token_endpoint_auth_method": "tls" }),
        ),
        (
            "clients",
            json!({ "client_id": "a", "id_token_signed_response_alg": "none" }),
        ),
        (
            "clients",
            json!({ "client_id": "a", "grant_types": ["client_credentials"] }),
        ),
        ("clients", json!([])),
        ("launches", json!({ "client_id": "nobody" })),
        (
            "launches",
            json!({ "client_id": DEFAULT_CLIENT_ID, "user": "Patient/p-9" }),
        ),
        (
            "launches",
            json!({ "client_id": DEFAULT_CLIENT_ID, "launch_url": "javascript:1" }),
        ),
        ("faults", json!({ "name": "no-such-fault" })),
        ("faults", json!({ "name": "expired", "times": 0 })),
        ("faults", json!({ "name": "expired", "times": "twice" })),
    ] {
        let answer = post_json(&sandbox, path, &body).await;
        assert_eq!(answer.status, 400, "{path} {body}");
        assert!(answer.json()["error"].as_str().unwrap().len() > 8);
    }
    let long = json!({ "client_id": "a".repeat(100_000) });
    assert_eq!(post_json(&sandbox, "clients", &long).await.status, 400);
}

#[tokio::test]
async fn apps_are_registered_up_to_a_bound_and_again_at_any_time() {
    let sandbox = builder().start().await.unwrap();
    let app = |n: usize| ClientRegistration::new(format!("app-{n}"), Vec::new());
    // The default one is there already.
    for n in 1..1_000 {
        sandbox.register_client(&app(n)).unwrap();
    }
    let error = sandbox.register_client(&app(1_000)).unwrap_err();
    assert_eq!(error.code(), "sandbox-too-many-clients");
    sandbox.register_client(&app(7)).unwrap();
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_the_interface() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/_sandbox/faults", sandbox.base_url());
    let body = Some(r#"{"name":"expired"}"#);
    let json = ("content-type", "application/json");
    for (headers, status) in [
        (&[("content-type", "text/plain")][..], 415),
        (&[], 415),
        (&[json, ("sec-fetch-site", "cross-site")], 403),
        (&[json, ("sec-fetch-site", "same-site")], 403),
        // A name of somebody else that leads here; two hosts are none.
        (&[json, ("host", "evil.example")], 403),
    ] {
        let answer = send("POST", &url, headers, body).await;
        let refused = answer.status == status || answer.status == 400;
        assert!(
            refused && sandbox.playing().is_empty(),
            "{headers:?} {}",
            answer.status
        );
    }
    let preflight = send("OPTIONS", &url, &[("origin", "https://a.example")], None).await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn whoever_is_reached_by_others_has_no_such_interface() {
    use smart_jose::CryptoProvider;
    use smart_jose::key::PrivateKey;
    let provider = CryptoProvider::ring();
    let key = PrivateKey::generate(Algorithm::ES256, provider).unwrap();
    let sandbox = builder()
        .public_url("https://ehr.example")
        .signing_key(key, "mine", Algorithm::ES256)
        .start()
        .await
        .unwrap();
    let base = format!("http://{}", sandbox.local_addr());
    for path in ["/_sandbox", "/_sandbox/faults"] {
        assert_eq!(get(&format!("{base}{path}")).await.status, 404);
    }
}

#[tokio::test]
async fn a_fault_is_played_over_http_and_taken_back() {
    let (sandbox, _) = with_clock().await;
    let issuer = async || {
        let body = sign_in(&sandbox, "openid").await;
        let payload = body["id_token"].as_str().unwrap().split('.').nth(1);
        let payload = smart_jose::base64url::decode(payload.unwrap()).unwrap();
        serde_json::from_slice::<Value>(&payload).unwrap()["iss"].clone()
    };
    let play = json!({ "name": "wrong-issuer", "times": 2 });
    assert_eq!(post_json(&sandbox, "faults", &play).await.status, 200);
    for expected in [
        "https://attacker.example",
        "https://attacker.example",
        &sandbox.issuer(),
    ] {
        assert_eq!(issuer().await, expected);
    }
    post_json(&sandbox, "faults", &json!({ "name": "wrong-issuer" })).await;
    assert_eq!(issuer().await, "https://attacker.example");
    let url = format!("{}/_sandbox/faults", sandbox.base_url());
    let list = get(&url).await.json();
    assert_eq!(
        list["playing"],
        json!([{ "name": "wrong-issuer", "times": null }])
    );
    assert_eq!(
        list["faults"].as_array().unwrap().len(),
        Fault::all().count()
    );
    let page = get(&format!("{}/", sandbox.base_url())).await;
    assert!(page.body.contains("wrong-issuer"));
    assert_eq!(
        send("DELETE", &format!("{url}/wrong-issuer"), &[], None)
            .await
            .status,
        200
    );
    assert_eq!(issuer().await, sandbox.issuer());
    assert_eq!(
        send("DELETE", &format!("{url}/unheard-of"), &[], None)
            .await
            .status,
        404
    );
    sandbox
        .play(Fault::named("wrong-issuer").unwrap(), Times::UntilTakenBack)
        .unwrap();
    assert_eq!(send("DELETE", &url, &[], None).await.status, 200);
    assert!(sandbox.playing().is_empty());
}

// covers: SMART-CTX-6
#[tokio::test]
async fn each_version_has_its_own_context() {
    for (version, scope, expected) in [
        (SmartVersion::V1_0, "launch patient/*.read", Value::Null),
        (
            SmartVersion::V2_0,
            "launch patient/*.rs",
            json!(["ImagingStudy/7", "Basic/8"]),
        ),
        (
            SmartVersion::V2_2,
            "launch patient/*.rs",
            json!([
                { "reference": "ImagingStudy/7" },
                { "reference": "Basic/8", "role": "https://roles.example/form" }
            ]),
        ),
    ] {
        let sandbox = builder().version(version).start().await.unwrap();
        let open = LaunchContext::new()
            .patient("p-1")
            .also_open("ImagingStudy/7", None)
            .also_open("Basic/8", Some("https://roles.example/form"));
        let launch = sandbox.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        let asked = with(
            request(&sandbox),
            "scope",
            &format!("openid profile {scope}"),
        );
        let asked = with(asked, "launch", &launch.launch);
        // The issuer of the first version is elsewhere; the endpoints are not.
        let query = super::flow::encode(&asked);
        let url = format!("{}/oidc/authorize?{query}", sandbox.base_url());
        let (_, parameters) = get(&url).await.redirect();
        let exchange = exchange(&parameters["code"]);
        let url = format!("{}/oidc/token", sandbox.base_url());
        let tokens = post_form(&url, &super::flow::encode(&exchange))
            .await
            .json();
        assert_eq!(tokens["fhirContext"], expected, "{tokens}");
        let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1);
        let payload = smart_jose::base64url::decode(payload.unwrap()).unwrap();
        let claims = serde_json::from_slice::<Value>(&payload).unwrap();
        let is_old = version == SmartVersion::V1_0;
        assert_eq!(claims.get("profile").is_some(), is_old, "{claims}");
        assert_eq!(claims["iss"], sandbox.issuer());
    }
}

// covers: OIDC-KEY-5
#[tokio::test]
async fn keys_change_on_a_schedule() {
    use core::time::Duration;
    use std::sync::Arc;
    let clock = Arc::new(crate::FixedClock::at(super::flow::NOW));
    let builder = builder().clock(clock.clone());
    let builder = builder.rotate_keys_every(Duration::from_secs(60));
    let sandbox = builder.start().await.unwrap();
    let first = sandbox.kid();
    clock.advance(Duration::from_secs(59));
    assert_eq!(sandbox.kid(), first);
    let former = sign_in(&sandbox, "openid").await;
    clock.advance(Duration::from_secs(1));
    let body = sign_in(&sandbox, "openid").await;
    let id_token = body["id_token"].as_str().unwrap();
    let (_, kid) = verify(&sandbox, id_token, Algorithms::ID_TOKEN).await;
    assert_ne!(kid, first);
    // What the former key has signed is good for a while still.
    let set = get(&format!("{}/jwks", sandbox.issuer())).await.json();
    let kids = set["keys"].as_array().unwrap().iter().map(|it| &it["kid"]);
    assert_eq!(kids.collect::<Vec<_>>(), [&json!(kid), &json!(first)]);
    // Those of before can still be verified.
    let former = former["id_token"].as_str().unwrap();
    let (_, kid) = verify(&sandbox, former, Algorithms::ID_TOKEN).await;
    assert_eq!(kid, first);
}

#[tokio::test]
async fn each_app_has_its_algorithm_and_resources_of_ones_own_are_served() {
    let rules = || vec![RedirectRule::Exact(REDIRECT_URI.into())];
    let of =
        |it: Algorithm| ClientRegistration::new(it.name(), rules()).with_id_token_algorithm(it);
    let algorithms = [
        Algorithm::RS384,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
    ];
    let mut builder = builder().resource(json!({
        "resourceType": "Observation",
        "id": "mine",
        "subject": { "reference": "Patient/p-1" }
    }));
    for it in algorithms {
        builder = builder.register_client(of(it));
    }
    let sandbox = builder.start().await.unwrap();
    for it in algorithms {
        let asked = with(request(&sandbox), "client_id", it.name());
        let asked = with(asked, "scope", "openid patient/*.rs");
        let (_, parameters) = authorize(&sandbox, &asked).await.redirect();
        let exchange = with(exchange(&parameters["code"]), "client_id", it.name());
        let tokens = redeem(&sandbox, &exchange).await.json();
        let header = tokens["id_token"].as_str().unwrap().split('.').next();
        let header = smart_jose::base64url::decode(header.unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header["alg"], it.name());
        let set = get(&format!("{}/jwks", sandbox.issuer())).await;
        assert!(set.body.contains(header["kid"].as_str().unwrap()));
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let url = format!("{}/Observation/mine", sandbox.fhir_base());
        let answer = send("GET", &url, &[("authorization", &bearer)], None).await;
        assert_eq!(answer.status, 200);
    }
    let bad = super::flow::builder().resource(json!({ "id": "a" }));
    assert_eq!(bad.start().await.unwrap_err().code(), "sandbox-resource");
}
