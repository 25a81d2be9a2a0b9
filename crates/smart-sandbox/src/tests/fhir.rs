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

/// The references in the entries of a Bundle.
fn entries(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let resources = entries.iter().map(|it| &it["resource"]);
    resources
        .map(|it| {
            format!(
                "{}/{}",
                it["resourceType"].as_str().unwrap(),
                it["id"].as_str().unwrap()
            )
        })
        .collect()
}

// covers: SMART-USR-8
#[tokio::test]
async fn a_token_for_one_patient_opens_nothing_of_another() {
    let sandbox = builder().start().await.unwrap();
    let base = sandbox.fhir_base();
    for scope in [
        "patient/*.read",
        "patient/*.rs",
        "patient/*.*",
        "patient/*.cruds",
    ] {
        // The first patient is the one in context.
        let body = sign_in(&sandbox, &format!("launch/patient {scope}")).await;
        assert_eq!(body["patient"], "p-1");
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let read = async |path: &str| read(&sandbox, path, &bearer).await;
        // What there is of the others is known from who sees everything.
        for path in [
            "Patient/p-2",
            "Encounter/e-3",
            "Condition/c-3",
            "Observation/o-5",
            "Person/person-1",
        ] {
            let answer = read(path).await;
            assert_eq!(answer.status, 403, "{scope} {path}");
            assert_eq!(answer.json()["resourceType"], "OperationOutcome");
        }
        for (query, expected) in [
            ("Patient", &["Patient/p-1"][..]),
            ("Patient?_id=p-2", &[]),
            ("Patient?_id=p-1,p-2", &["Patient/p-1"]),
            ("Patient?name=morgan", &[]),
            ("Patient?identifier=MRN-0002", &[]),
            ("Patient?_revinclude=Observation:subject", &["Patient/p-1"]),
            ("Patient?_has:Observation:patient:_id=o-5", &["Patient/p-1"]),
            ("Observation?_id=o-5", &[]),
            ("Observation?patient=p-2", &[]),
            (
                "Observation?patient=p-1,p-2&_id=o-1,o-5",
                &["Observation/o-1"],
            ),
            ("Observation?subject=Patient/p-2", &[]),
            (
                "Observation?_id=o-1&_include=Observation:subject",
                &["Observation/o-1"],
            ),
            ("Observation?_id=o-1&_include=*", &["Observation/o-1"]),
            ("Observation?_id=o-5&patient.name=morgan", &[]),
            ("Encounter?_id=e-3&_contained=true&_elements=id", &[]),
            ("Person", &[]),
        ] {
            let answer = read(query).await;
            assert_eq!(
                (answer.status, &*entries(&answer)),
                (200, &*owned(expected)),
                "{scope} {query}"
            );
            let (resource_type, form) = query.split_once('?').unwrap_or((query, ""));
            let headers = [
                ("authorization", bearer.as_str()),
                ("content-type", "application/x-www-form-urlencoded"),
            ];
            let url = format!("{base}/{resource_type}/_search");
            let posted = send("POST", &url, &headers, Some(form)).await;
            assert_eq!(entries(&posted), owned(expected), "{scope} {form}");
        }
        // The count tells nothing of the others either.
        assert_eq!(read("Patient?_count=0").await.json()["total"], 1);
    }
}

fn owned(references: &[&str]) -> Vec<String> {
    references.iter().map(|it| (*it).to_owned()).collect()
}

#[tokio::test]
async fn what_a_search_may_ask_is_what_the_capability_statement_says() {
    let sandbox = builder().start().await.unwrap();
    let statement = get(&format!("{}/metadata", sandbox.fhir_base()))
        .await
        .json();
    let body = sign_in(&sandbox, "user/*.rs").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let strict = [
        ("authorization", bearer.as_str()),
        ("prefer", "handling=strict"),
    ];
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    assert_eq!(resources.len(), 8);
    let all = ["_id", "patient", "subject", "name", "identifier"];
    for resource in resources {
        let name = resource["type"].as_str().unwrap();
        let declared = resource["searchParam"].as_array().unwrap();
        assert!(declared.iter().any(|it| it["name"] == "_id"), "{name}");
        for parameter in all {
            let is_declared = declared.iter().any(|it| it["name"] == parameter);
            let url = format!("{}/{name}?{parameter}=nobody", sandbox.fhir_base());
            let answer = send("GET", &url, &strict, None).await;
            let expected = if is_declared { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{name} {parameter}");
            // Without strictness it is left out, and the link says what counted.
            let answer = send("GET", &url, &strict[..1], None).await;
            let total = answer.json()["total"].as_u64().unwrap();
            assert_eq!(total == 0, is_declared, "{name} {parameter}");
            let link = answer.json()["link"][0]["url"].as_str().unwrap().to_owned();
            assert_eq!(link.contains("nobody"), is_declared, "{link}");
        }
    }
    let clinical = resources
        .iter()
        .filter(|it| it["searchParam"].to_string().contains("subject"));
    assert_eq!(clinical.count(), 3);
}

// covers: SMART-SCP-4, SMART-SCP-9, SMART-USR-8
/// Each interaction needs its own letter; with the first version, `read` is both.
#[tokio::test]
async fn reading_and_searching_are_granted_apart() {
    let sandbox = builder().start().await.unwrap();
    for (scope, reads, searches) in [
        ("patient/Observation.r", 200, 403),
        ("patient/Observation.s", 403, 200),
        ("patient/Observation.rs", 200, 200),
        ("patient/Observation.read", 200, 200),
        ("patient/Observation.*", 200, 200),
        ("patient/Observation.cud", 403, 403),
        ("patient/Observation.write", 403, 403),
        ("user/Observation.read", 200, 200),
        ("user/Condition.read", 403, 403),
        ("patient/*.read", 200, 200),
        // A part of a type is not granted here, and above all not the whole.
        ("patient/Observation.rs?category=vital-signs", 403, 403),
    ] {
        let body = sign_in(&sandbox, &format!("launch/patient {scope}")).await;
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        let one = read(&sandbox, "Observation/o-1", &bearer).await;
        let some = read(&sandbox, "Observation?patient=p-1", &bearer).await;
        assert_eq!((one.status, some.status), (reads, searches), "{scope}");
        for answer in [one, some].iter().filter(|it| it.status == 403) {
            assert_eq!(answer.json()["issue"][0]["code"], "forbidden");
        }
    }
}

/// A user who is no clinician sees the own patient, whatever the scope says and whoever is in context.
#[tokio::test]
async fn a_relative_sees_one_chart_in_a_search_too() {
    let relative = people::invented().remove(3);
    let sandbox = builder().user(relative).start().await.unwrap();
    let body = sign_in(&sandbox, "user/*.rs").await;
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    for (query, expected) in [
        ("Patient", &["Patient/p-1"][..]),
        ("RelatedPerson", &["RelatedPerson/rp-1"]),
        ("Encounter?patient=p-2", &[]),
        ("Person", &[]),
    ] {
        let answer = read(&sandbox, query, &bearer).await;
        assert_eq!(entries(&answer), owned(expected), "{query}");
    }
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
