//! `fhirclient` of `PyPI`. It finds the endpoints in the CapabilityStatement alone, and leaves the ID
//! token where it is.

use serde_json::{Value, json};
use smart_sandbox::{Sandbox, SmartVersion};
use smart_tests::installed;

use crate::ehr::{self, CLIENT_ID, Kind, SECRET};
use crate::said::{Said, python, said};

const SCRIPT: &str = include_str!("fhirclient.py");

async fn sign_in(ehr: &Sandbox, more: Value) -> Option<Said> {
    let folder = installed::of_pypi(env!("CARGO_TARGET_TMPDIR"))?;
    let scope = "openid fhirUser offline_access patient/*.rs user/*.rs";
    let mut told = json!({ "iss": ehr.fhir_base(), "clientId": CLIENT_ID, "scope": scope });
    let more = more.as_object().unwrap().clone();
    told.as_object_mut().unwrap().extend(more);
    Some(said(python(folder, SCRIPT, &told)).await)
}

// covers: SMART-DISC-26
#[tokio::test]
async fn fhirclient_of_pypi_signs_in_and_refreshes() {
    for version in [SmartVersion::V1_0, SmartVersion::V2_2] {
        let ehr = ehr::builder(Kind::Public.registration()).version(version);
        let ehr = ehr.start().await.unwrap();
        let scope = match version {
            SmartVersion::V1_0 => "openid fhirUser offline_access patient/*.read user/*.read",
            _ => "openid fhirUser offline_access patient/*.rs user/*.rs",
        };
        let Some(said) = sign_in(&ehr, json!({ "scope": scope })).await else {
            return;
        };
        let expected = json!({
            "patient": "p-1",
            "encounter": null,
            // It puts this one in front.
            "scope": format!("launch/patient {scope}"),
            "patientName": "Riley Example",
            "practitionerName": "Smith",
            "observations": 4,
            "fhirVersion": "4.0.1",
            "isRefreshed": true,
            "patientAfterRefresh": "p-1",
        });
        assert_eq!(said.learned(), expected, "{version:?}");
    }
}

#[tokio::test]
async fn fhirclient_of_pypi_is_launched_from_the_ehr() {
    let ehr = ehr::builder(Kind::Public.registration());
    let ehr = ehr.start().await.unwrap();
    let more = json!({ "launch": ehr::launch(&ehr) });
    let Some(said) = sign_in(&ehr, more).await else {
        return;
    };
    let learned = said.learned();
    assert_eq!(learned["patient"], "p-2");
    assert_eq!(learned["encounter"], "e-3");
    assert_eq!(learned["patientAfterRefresh"], "p-2");
}

/// With a secret it sends `client_id` in the form too, which RFC 6749 allows.
#[tokio::test]
async fn fhirclient_of_pypi_signs_in_with_a_secret() {
    let ehr = ehr::builder(Kind::Basic.registration());
    let ehr = ehr.start().await.unwrap();
    let Some(said) = sign_in(&ehr, json!({ "secret": SECRET })).await else {
        return;
    };
    assert_eq!(said.learned()["patient"], "p-1");
    let other = sign_in(&ehr, json!({ "secret": "another" })).await.unwrap();
    assert_eq!(other.not_refused_for("another secret", "401"), None);
}

#[tokio::test]
async fn fhirclient_of_pypi_refuses_what_it_looks_at() {
    let mut wrong = Vec::new();
    for (fault, expected) in [
        ("callback-other-state", "Invalid state"),
        ("callback-without-state", "Invalid state"),
        ("callback-without-code", "Did not receive a code"),
        ("callback-denied", "denied the request"),
        ("token-invalid-grant", "400"),
        ("token-without-access-token", "No access token received"),
    ] {
        let ehr = ehr::hostile(fault).await;
        let Some(said) = sign_in(&ehr, json!({})).await else {
            return;
        };
        wrong.extend(said.not_refused_for(fault, expected));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
