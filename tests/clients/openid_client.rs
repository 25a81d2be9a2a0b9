//! `openid-client` of npm, which validates what it gets, with the signature of the ID token.

use serde_json::{Value, json};
use smart_oidc::jose::Algorithm;
use smart_sandbox::Sandbox;
use smart_tests::installed;

use crate::ehr::{self, CLIENT_ID, Kind, SECRET};
use crate::said::{Said, node, said};

const SCRIPT: &str = include_str!("openid_client.mjs");
const SUBJECT: &str = "7c9f2b1e-dr-smith";
const SCOPE: &str = "openid fhirUser launch/patient offline_access patient/*.rs";

async fn sign_in(ehr: &Sandbox, kind: Kind, algorithm: Algorithm) -> Option<Said> {
    let folder = installed::of_npm(env!("CARGO_TARGET_TMPDIR"))?;
    let authentication = match kind {
        Kind::Public => "none",
        Kind::Basic => "basic",
        Kind::Post => "post",
        Kind::Assertion(_) => "assertion",
    };
    let told = json!({
        "issuer": ehr.issuer(), "fhirBase": ehr.fhir_base(), "clientId": CLIENT_ID,
        "secret": SECRET, "scope": SCOPE, "authentication": authentication,
        "key": kind.key(), "algorithm": algorithm.name(),
    });
    Some(said(node(folder, SCRIPT, &told)).await)
}

// covers: OIDC-KEY-4
#[tokio::test]
async fn openid_client_signs_in_refreshes_and_revokes() {
    for kind in [
        Kind::Public,
        Kind::Basic,
        Kind::Post,
        Kind::Assertion(Algorithm::ES384),
        Kind::Assertion(Algorithm::RS384),
    ] {
        let ehr = ehr::builder(kind.registration()).start().await.unwrap();
        let Some(said) = sign_in(&ehr, kind, Algorithm::RS256).await else {
            return;
        };
        let fhir_user = format!("{}/Practitioner/dr-smith", ehr.fhir_base());
        let mut expected = json!({
            "issuer": ehr.issuer(),
            "subject": SUBJECT,
            "audience": CLIENT_ID,
            "fhirUser": fhir_user,
            "algorithm": "RS256",
            "isOfNow": true,
            "patient": "p-1",
            "scope": SCOPE,
            "expiresIn": 3600,
            "userinfo": fhir_user,
            "isRefreshed": true,
            "subjectAfterRefresh": SUBJECT,
            "patientAfterRefresh": "p-1",
            "isOver": "invalid_grant",
        });
        if kind != Kind::Public {
            expected["isActive"] = Value::Bool(true);
        }
        assert_eq!(said.learned(), expected, "{kind:?}");
    }
}

#[tokio::test]
async fn openid_client_verifies_what_the_sandbox_signs() {
    for algorithm in [
        Algorithm::RS384,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ] {
        let ehr = ehr::builder(Kind::Public.registration()).algorithm(algorithm);
        let ehr = ehr.start().await.unwrap();
        let Some(said) = sign_in(&ehr, Kind::Public, algorithm).await else {
            return;
        };
        assert_eq!(said.learned()["algorithm"], algorithm.name());
    }
}

#[tokio::test]
async fn openid_client_refuses_what_it_must() {
    let mut wrong = Vec::new();
    for (fault, expected) in [
        ("openid-issuer-differs", "issuer"),
        ("callback-other-state", "state"),
        ("callback-of-another-issuer", "iss"),
        ("callback-without-issuer", "iss"),
        ("callback-denied", "access_denied"),
        ("token-type-mac", "token_type"),
        ("token-without-id-token", "id_token"),
        ("wrong-signature", "signature"),
        ("wrong-payload", "signature"),
        ("another-algorithm", "alg"),
        ("alg-none-with-signature", "alg"),
        ("unknown-kid", "key"),
        ("jwks-empty", "key"),
        ("wrong-issuer", "iss"),
        ("no-issuer", "iss"),
        ("wrong-audience", "aud"),
        ("no-audience", "aud"),
        ("no-nonce", "nonce"),
        ("other-nonce", "nonce"),
        ("expired", "exp"),
        ("no-expiry", "exp"),
        ("no-issue-time", "iat"),
        ("no-subject", "sub"),
        ("userinfo-of-somebody-else", "sub"),
    ] {
        let ehr = ehr::hostile(fault).await;
        let Some(said) = sign_in(&ehr, Kind::Public, Algorithm::RS256).await else {
            return;
        };
        wrong.extend(said.not_refused_for(fault, expected));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
