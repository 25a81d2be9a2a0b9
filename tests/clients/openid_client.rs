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

/// The codes of the client.
const RESPONSE: &str = "OAUTH_INVALID_RESPONSE";
const COMPARISON: &str = "OAUTH_JWT_CLAIM_COMPARISON_FAILED";
const ATTRIBUTE: &str = "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED";
const TIME: &str = "OAUTH_JWT_TIMESTAMP_CHECK_FAILED";
const KEY: &str = "OAUTH_KEY_SELECTION_FAILED";

/// Each fault ends with the code of the client and with what its message names.
#[tokio::test]
async fn openid_client_refuses_what_it_must() {
    let mut wrong = Vec::new();
    for (fault, code, named) in [
        (
            "openid-issuer-differs",
            ATTRIBUTE,
            "discovered metadata issuer does not match",
        ),
        (
            "openid-issuer-one-longer",
            ATTRIBUTE,
            "discovered metadata issuer does not match",
        ),
        (
            "callback-other-state",
            RESPONSE,
            r#"unexpected "state" response parameter value"#,
        ),
        (
            "callback-of-another-issuer",
            RESPONSE,
            r#"unexpected "iss" (issuer) response parameter value"#,
        ),
        (
            "callback-without-issuer",
            RESPONSE,
            r#"response parameter "iss" (issuer) missing"#,
        ),
        (
            "callback-denied",
            "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
            "access_denied",
        ),
        (
            "token-type-mac",
            "OAUTH_UNSUPPORTED_OPERATION",
            "unsupported `token_type` value",
        ),
        (
            "token-without-id-token",
            RESPONSE,
            r#"body "id_token" property"#,
        ),
        (
            "wrong-signature",
            RESPONSE,
            "JWT signature verification failed",
        ),
        (
            "wrong-payload",
            RESPONSE,
            "JWT signature verification failed",
        ),
        (
            "another-algorithm",
            RESPONSE,
            r#"unexpected JWT "alg" header parameter"#,
        ),
        (
            "alg-none-with-signature",
            RESPONSE,
            r#"unexpected JWT "alg" header parameter"#,
        ),
        ("unknown-kid", KEY, "no applicable keys found"),
        ("jwks-empty", KEY, "no applicable keys found"),
        (
            "wrong-issuer",
            COMPARISON,
            r#"unexpected JWT "iss" (issuer) claim value"#,
        ),
        (
            "issuer-one-longer",
            COMPARISON,
            r#"unexpected JWT "iss" (issuer) claim value"#,
        ),
        ("no-issuer", RESPONSE, r#"JWT "iss" (issuer) claim missing"#),
        (
            "wrong-audience",
            COMPARISON,
            r#"unexpected JWT "aud" (audience) claim value"#,
        ),
        (
            "audience-one-longer",
            COMPARISON,
            r#"unexpected JWT "aud" (audience) claim value"#,
        ),
        (
            "no-audience",
            RESPONSE,
            r#"JWT "aud" (audience) claim missing"#,
        ),
        ("no-nonce", RESPONSE, r#"JWT "nonce" (nonce) claim missing"#),
        (
            "other-nonce",
            COMPARISON,
            r#"unexpected ID Token "nonce" claim value"#,
        ),
        (
            "nonce-one-longer",
            COMPARISON,
            r#"unexpected ID Token "nonce" claim value"#,
        ),
        (
            "expired",
            TIME,
            r#"unexpected JWT "exp" (expiration time) claim value"#,
        ),
        (
            "no-expiry",
            RESPONSE,
            r#"JWT "exp" (expiration time) claim missing"#,
        ),
        (
            "no-issue-time",
            RESPONSE,
            r#"JWT "iat" (issued at) claim missing"#,
        ),
        (
            "no-subject",
            RESPONSE,
            r#"JWT "sub" (subject) claim missing"#,
        ),
        (
            "userinfo-of-somebody-else",
            ATTRIBUTE,
            r#"body "sub" property"#,
        ),
        (
            "userinfo-subject-one-longer",
            ATTRIBUTE,
            r#"body "sub" property"#,
        ),
    ] {
        let ehr = ehr::hostile(fault).await;
        let Some(said) = sign_in(&ehr, Kind::Public, Algorithm::RS256).await else {
            return;
        };
        let code = format!("none: {code}: ");
        wrong.extend(said.not_refused_for(fault, &code));
        wrong.extend(said.not_refused_for(fault, named));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
