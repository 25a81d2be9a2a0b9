//! The two discovery documents and the key set.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use smart_jose::Algorithm;

use crate::context::Context;
use crate::id_token::CLAIMS;
use crate::responses;
use crate::scopes::{SUPPORTED, SUPPORTED_1_0, SmartVersion};
use crate::standard_claims;

/// How apps authenticate.
const METHODS: [&str; 4] = [
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];
/// What they sign with.
const ASSERTION_ALGORITHMS: [&str; 2] = ["RS384", "ES384"];
/// What they ask with.
const GRANTS: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// What both documents say, so that nobody takes this for a server in earnest.
const NOTICE: &str = "A sandbox with invented people and published keys. Not for patients.";

/// `GET /fhir/.well-known/smart-configuration`.
pub(crate) async fn smart_configuration(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let mut document = json!({
        "authorization_endpoint": urls.authorize(),
        "token_endpoint": urls.token(),
        "token_endpoint_auth_methods_supported": METHODS,
        "introspection_endpoint": urls.introspect(),
        "revocation_endpoint": urls.revoke(),
        "response_types_supported": ["code"],
        "scopes_supported": scopes(&context),
        "capabilities": capabilities(context.version),
        "smart_sandbox_notice": NOTICE,
    });
    // The first version knew neither.
    if let (Some(members), false) = (
        document.as_object_mut(),
        context.version == SmartVersion::V1_0,
    ) {
        members.extend([
            ("issuer".to_owned(), json!(urls.issuer())),
            ("jwks_uri".to_owned(), json!(urls.jwks())),
            ("grant_types_supported".to_owned(), json!(GRANTS)),
            (
                "token_endpoint_auth_signing_alg_values_supported".to_owned(),
                json!(ASSERTION_ALGORITHMS),
            ),
            (
                "code_challenge_methods_supported".to_owned(),
                json!(["S256"]),
            ),
        ]);
    }
    responses::json(StatusCode::OK, &document)
}

/// `GET` of `.well-known/openid-configuration` below the issuer.
pub(crate) async fn openid_configuration(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let claims = [CLAIMS.as_slice(), standard_claims::NAMES.as_slice()].concat();
    let document = json!({
        "issuer": urls.issuer(),
        "jwks_uri": urls.jwks(),
        "authorization_endpoint": urls.authorize(),
        "token_endpoint": urls.token(),
        "userinfo_endpoint": urls.userinfo(),
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "grant_types_supported": GRANTS,
        "introspection_endpoint": urls.introspect(),
        "revocation_endpoint": urls.revoke(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms(&context),
        "userinfo_signing_alg_values_supported": algorithms(&context),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scopes(&context),
        "claims_supported": claims,
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Left out, this one would mean yes (OpenID Connect Discovery 3).
        "request_uri_parameter_supported": false,
        "smart_sandbox_notice": NOTICE,
    });
    responses::json(StatusCode::OK, &document)
}

/// The same below the FHIR base, which is the issuer with SMART 1.0 only.
pub(crate) async fn openid_configuration_of_fhir(context: State<Arc<Context>>) -> Response {
    if context.urls.fhir_is_issuer() {
        openid_configuration(context).await
    } else {
        responses::not_found()
    }
}

fn scopes(context: &Context) -> &'static [&'static str] {
    match context.version {
        SmartVersion::V1_0 => &SUPPORTED_1_0,
        SmartVersion::V2_0 | SmartVersion::V2_2 => &SUPPORTED,
    }
}

fn capabilities(version: SmartVersion) -> Vec<&'static str> {
    let mut all = vec![
        "launch-ehr",
        "launch-standalone",
        "client-public",
        "client-confidential-symmetric",
        "sso-openid-connect",
        "context-banner",
        "context-style",
        "context-ehr-patient",
        "context-ehr-encounter",
        "context-standalone-patient",
        "permission-offline",
        "permission-patient",
        "permission-user",
    ];
    if version != SmartVersion::V1_0 {
        all.extend([
            "client-confidential-asymmetric",
            "permission-online",
            "permission-v1",
            "permission-v2",
            "authorize-post",
        ]);
    }
    all
}

/// RS256, which every provider must name, and what signs at present.
fn algorithms(context: &Context) -> Vec<&'static str> {
    let current = context.with_keys(|keys| keys.algorithms().collect::<Vec<_>>());
    let mut names = vec!["RS256"];
    for name in current.into_iter().map(Algorithm::name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// `GET /oidc/jwks`. The keys may be kept for five minutes, so that a rotation is seen soon.
pub(crate) async fn jwks(State(context): State<Arc<Context>>) -> Response {
    let set = context.with_keys(|keys| keys.jwks());
    let set = serde_json::to_value(&set).unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
    let mut response = responses::json(StatusCode::OK, &set);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}
