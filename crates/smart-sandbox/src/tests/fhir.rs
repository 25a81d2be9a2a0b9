//! Reading resources.

use core::time::Duration;

use super::flow::{builder, sign_in, with_clock};
use super::http::{Answer, get, send};
use crate::{Sandbox, people};

async fn read(sandbox: &Sandbox, path: &str, authorization: &str) -> Answer {
    let url = format!("{}/{path}", sandbox.fhir_base());
    send("GET", &url, &[("authorization", authorization)], None).await
}

// covers: OAUTH-6
#[tokio::test]
async fn the_user_can_be_read_under_any_spelling_of_the_scheme() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "openid fhirUser").await;
    let token = body["access_token"].as_str().unwrap();
    for scheme in ["Bearer", "bearer", "bEaReR"] {
        let authorization = format!("{scheme} {token}");
        let answer = read(&sandbox, "Practitioner/dr-smith", &authorization).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/fhir+json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let resource = answer.json();
        assert_eq!(resource["resourceType"], "Practitioner");
        assert_eq!(resource["id"], "dr-smith");
    }
}

// covers: OAUTH-7
#[tokio::test]
async fn without_a_good_token_nothing_is_read() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "openid fhirUser").await;
    let token = body["access_token"].as_str().unwrap();
    let id_token = body["id_token"].as_str().unwrap();
    let url = format!("{}/Practitioner/dr-smith", sandbox.fhir_base());
    let mut answers = vec![get(&url).await];
    for authorization in [
        "Bearer",
        "Bearer ",
        "Bearer guess",
        "Basic YTpi",
        token,
        &format!("Bearer {id_token}"),
        &format!("Bearer {token}x"),
        &format!("Bearer{token}"),
    ] {
        answers.push(read(&sandbox, "Practitioner/dr-smith", authorization).await);
    }
    let bearer = format!("Bearer {token}");
    let twice = [("authorization", bearer.as_str()); 2];
    answers.push(send("GET", &url, &twice, None).await);
    for answer in answers {
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""));
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
}

// covers: SMART-USR-8
#[tokio::test]
async fn a_token_opens_what_its_scopes_name() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "patient/Patient.r").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let patient = read(&sandbox, "Patient/p-1", &bearer).await;
    assert_eq!(patient.status, 200);
    assert_eq!(patient.json()["birthDate"], "2015-04-01");
    let practitioner = read(&sandbox, "Practitioner/dr-smith", &bearer).await;
    assert_eq!(practitioner.status, 403);
    let challenge = practitioner.header("www-authenticate");
    assert_eq!(challenge, Some("Bearer error=\"insufficient_scope\""));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "user/*.r").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    for path in [
        "Practitioner/nobody",
        "practitioner/dr-smith",
        "Observation/1",
        "Patient/..%2FPractitioner%2Fdr-smith",
    ] {
        let answer = read(&sandbox, path, &bearer).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
}

// covers: SMART-USR-8
#[tokio::test]
async fn a_token_lives_for_an_hour() {
    let (sandbox, clock) = with_clock().await;
    let body = sign_in(&sandbox, "openid fhirUser").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    clock.advance(Duration::from_secs(3599));
    let answer = read(&sandbox, "Practitioner/dr-smith", &bearer).await;
    assert_eq!(answer.status, 200);
    clock.advance(Duration::from_secs(1));
    let answer = read(&sandbox, "Practitioner/dr-smith", &bearer).await;
    assert_eq!(answer.status, 401);
}

// covers: SMART-USR-8
#[tokio::test]
async fn a_search_finds_what_may_be_seen() {
    let sandbox = builder().start().await.unwrap();
    let search = async |scope: &str, path: &str| {
        let body = sign_in(&sandbox, scope).await;
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let answer = read(&sandbox, path, &bearer).await;
        (answer.status, answer.json()["total"].as_u64())
    };
    for (scope, path, expected) in [
        ("user/*.rs", "Patient", (200, Some(4))),
        ("user/*.rs", "Patient?name=riley", (200, Some(1))),
        ("user/*.rs", "Observation?patient=p-2", (200, Some(2))),
        ("patient/*.rs", "Patient", (200, Some(1))),
        ("patient/*.read", "Observation", (200, Some(4))),
        ("patient/*.rs", "Observation?patient=p-2", (200, Some(0))),
        ("patient/Observation.rs", "Condition", (403, None)),
        ("user/Patient.r", "Patient", (403, None)),
        ("openid fhirUser", "Practitioner", (403, None)),
        ("user/*.rs", "Binary", (404, None)),
        ("user/*.rs", "Patient?_count=x", (400, None)),
    ] {
        assert_eq!(search(scope, path).await, expected, "{scope} {path}");
    }
}

#[tokio::test]
async fn a_search_by_form_is_the_same_and_errors_are_outcomes() {
    let sandbox = builder().start().await.unwrap();
    let body = sign_in(&sandbox, "user/*.rs").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let form = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let base = sandbox.fhir_base();
    let url = format!("{base}/Patient/_search");
    let answer = send("POST", &url, &form, Some("identifier=MRN-0004")).await;
    assert_eq!(answer.json()["entry"][0]["resource"]["id"], "p-4");
    for (method, path, status) in [
        ("POST", "Patient", 405),
        ("PUT", "Patient/p-1", 405),
        ("DELETE", "Patient/p-1", 405),
        ("GET", "Patient/p-1/_history/1", 404),
    ] {
        let answer = send(method, &format!("{base}/{path}"), &form, Some("")).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
}

#[tokio::test]
async fn who_may_not_read_does_not_learn_what_exists() {
    let relative = people::invented().remove(3);
    let sandbox = builder().user(relative).start().await.unwrap();
    for scope in ["patient/*.rs", "user/*.rs"] {
        let body = sign_in(&sandbox, scope).await;
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let mut answers = Vec::new();
        for id in ["p-2", "no-such-patient"] {
            let answer = read(&sandbox, &format!("Patient/{id}"), &bearer).await;
            answers.push((answer.status, answer.body));
        }
        assert_eq!(answers[0].0, 403);
        assert_eq!(answers[0], answers[1], "{scope}");
    }
}

#[tokio::test]
async fn userinfo_says_what_the_id_token_says() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/userinfo", sandbox.issuer());
    for (scope, status) in [("openid fhirUser profile", 200), ("user/*.rs", 403)] {
        let body = sign_in(&sandbox, scope).await;
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let answer = send("GET", &url, &[("authorization", &bearer)], None).await;
        assert_eq!(answer.status, status);
        if status == 200 {
            let user = crate::SandboxUser::default();
            let claims = answer.json();
            assert_eq!(claims["sub"], user.sub);
            assert_eq!(claims["name"], user.name);
            let fhir_user = format!("{}/{}", sandbox.fhir_base(), user.reference());
            assert_eq!(claims["fhirUser"], fhir_user);
        }
    }
    assert_eq!(get(&url).await.status, 401);
}

#[tokio::test]
async fn userinfo_has_the_claims_of_each_scope() {
    let sandbox = builder().start().await.unwrap();
    let url = format!("{}/userinfo", sandbox.issuer());
    let own = |scope| match scope {
        "email" => ("email", "jordan.smith@ehr.example"),
        "phone" => ("phone_number", "+1-555-0100"),
        _ => ("family_name", "Smith"),
    };
    for scope in ["email", "phone", "profile"] {
        let body = sign_in(&sandbox, &format!("openid {scope}")).await;
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let answer = send("GET", &url, &[("authorization", &bearer)], None).await;
        let claims = answer.json();
        for other in ["email", "phone", "profile"] {
            let (name, value) = own(other);
            match scope == other {
                true => assert_eq!(claims[name], value),
                false => assert!(claims.get(name).is_none(), "{name} with {scope}"),
            }
        }
        assert!(claims.get("address").is_none());
    }
}
