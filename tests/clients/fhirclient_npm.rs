//! `fhirclient` of npm, in Node.js. It reads the ID token and checks nothing in it.

use serde_json::{Value, json};
use smart_oidc::jose::Algorithm;
use smart_sandbox::Sandbox;
use smart_tests::installed;

use crate::ehr::{self, CLIENT_ID, Kind, SECRET};
use crate::said::{Said, node, said};

const SCRIPT: &str = include_str!("fhirclient.mjs");
const SCOPE: &str = "openid fhirUser launch/patient offline_access patient/*.rs user/*.rs";
const OF_EHR: &str = "openid fhirUser launch offline_access patient/*.rs user/*.rs";

async fn sign_in(ehr: &Sandbox, more: Value) -> Option<Said> {
    let folder = installed::of_npm(env!("CARGO_TARGET_TMPDIR"))?;
    let mut told = json!({ "iss": ehr.fhir_base(), "clientId": CLIENT_ID, "scope": SCOPE });
    let more = more.as_object().unwrap().clone();
    told.as_object_mut().unwrap().extend(more);
    Some(said(node(folder, SCRIPT, &told)).await)
}

#[tokio::test]
async fn fhirclient_of_npm_signs_in_and_refreshes() {
    for kind in [Kind::Public, Kind::Basic] {
        let ehr = ehr::builder(kind.registration()).start().await.unwrap();
        let secret = (kind == Kind::Basic).then_some(SECRET);
        let Some(said) = sign_in(&ehr, json!({ "clientSecret": secret })).await else {
            return;
        };
        let expected = json!({
            // What it makes of the claim.
            "fhirUser": "Practitioner/dr-smith",
            "subject": "7c9f2b1e-dr-smith",
            "patient": "p-1",
            "encounter": null,
            "scope": SCOPE,
            "open": null,
            "patientName": "Example",
            "userName": "Smith",
            "observations": 4,
            "isRefreshed": true,
            "patientAfterRefresh": "p-1",
        });
        assert_eq!(said.learned(), expected, "{kind:?}");
    }
}

/// It signs for a code, and sends a refresh without: an app that has a key must not be one that
/// anybody can be who has its token.
#[tokio::test]
async fn fhirclient_of_npm_signs_in_with_a_key_and_cannot_refresh() {
    for algorithm in [Algorithm::ES384, Algorithm::RS384] {
        let kind = Kind::Assertion(algorithm);
        let ehr = ehr::builder(kind.registration()).start().await.unwrap();
        let scope = SCOPE.replace("offline_access ", "");
        let more = json!({ "key": kind.key(), "scope": scope });
        let Some(said) = sign_in(&ehr, more).await else {
            return;
        };
        let learned = said.learned();
        assert_eq!(learned["patientName"], "Example");
        assert_eq!(learned["scope"], scope);
        let said = sign_in(&ehr, json!({ "key": kind.key() })).await.unwrap();
        let refused = said.not_refused_for("no assertion", "invalid_client: ");
        assert_eq!(refused, None);
    }
}

// covers: SMART-CTX-6
#[tokio::test]
async fn fhirclient_of_npm_is_launched_from_the_ehr() {
    let ehr = ehr::builder(Kind::Public.registration());
    let ehr = ehr.start().await.unwrap();
    let launch = ehr::launch(&ehr);
    let more = json!({ "launch": launch, "scope": OF_EHR });
    let Some(said) = sign_in(&ehr, more.clone()).await else {
        return;
    };
    let learned = said.learned();
    assert_eq!(learned["patient"], "p-2");
    assert_eq!(learned["patientName"], "Sample");
    assert_eq!(learned["encounter"], "e-3");
    assert_eq!(learned["open"], json!(["ImagingStudy/7"]));
    assert_eq!(learned["patientAfterRefresh"], "p-2");
    // The launch is used up.
    let again = sign_in(&ehr, more).await.unwrap();
    assert_eq!(
        again.not_refused_for("a launch twice", "invalid_request: "),
        None
    );
}

#[tokio::test]
async fn fhirclient_of_npm_refuses_what_it_looks_at() {
    let mut wrong = Vec::new();
    for (fault, expected) in [
        ("smart-configuration-absent", "(`S256`) was not found"),
        ("callback-other-state", "No state found"),
        ("callback-denied", "access_denied"),
        ("token-invalid-grant", "invalid_grant"),
        (
            "token-without-access-token",
            "Failed to obtain access token",
        ),
        ("resource-forbidden", "403"),
    ] {
        let ehr = ehr::hostile(fault).await;
        let Some(said) = sign_in(&ehr, json!({})).await else {
            return;
        };
        wrong.extend(said.not_refused_for(fault, expected));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
