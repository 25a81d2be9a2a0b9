//! The two discovery documents and the key set.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::context::Context;
use crate::id_token::CLAIMS;
use crate::responses;
use crate::scopes::SUPPORTED;

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

/// `GET /fhir/.well-known/smart-configuration`.
pub(crate) async fn smart_configuration(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let document = json!({
        "issuer": urls.issuer(),
        "jwks_uri": urls.jwks(),
        "authorization_endpoint": urls.authorize(),
        "token_endpoint": urls.token(),
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "grant_types_supported": GRANTS,
        "introspection_endpoint": urls.introspect(),
        "revocation_endpoint": urls.revoke(),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": SUPPORTED,
        "capabilities": [
            "launch-ehr",
            "launch-standalone",
            "client-public",
            "client-confidential-symmetric",
            "client-confidential-asymmetric",
            "sso-openid-connect",
            "context-banner",
            "context-ehr-patient",
            "context-ehr-encounter",
            "context-standalone-patient",
            "permission-offline",
            "permission-online",
            "permission-patient",
            "permission-user",
            "permission-v2",
            "authorize-post"
        ],
    });
    responses::json(StatusCode::OK, &document)
}

/// `GET /oidc/.well-known/openid-configuration`.
pub(crate) async fn openid_configuration(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let document = json!({
        "issuer": urls.issuer(),
        "jwks_uri": urls.jwks(),
        "authorization_endpoint": urls.authorize(),
        "token_endpoint": urls.token(),
        "token_endpoint_auth_methods_supported": METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ASSERTION_ALGORITHMS,
        "grant_types_supported": GRANTS,
        "introspection_endpoint": urls.introspect(),
        "revocation_endpoint": urls.revoke(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms(&context),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": SUPPORTED,
        "claims_supported": CLAIMS,
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        // Left out, this one would mean yes (OpenID Connect Discovery 3).
        "request_uri_parameter_supported": false,
    });
    responses::json(StatusCode::OK, &document)
}

/// RS256, which every provider must name, and what signs at present.
fn algorithms(context: &Context) -> Vec<&'static str> {
    let current = context.state().keys.current().key.algorithm().name();
    let mut names = vec!["RS256"];
    if current != "RS256" {
        names.push(current);
    }
    names
}

/// `GET /oidc/jwks`. The keys may be kept for five minutes, so that a rotation is seen soon.
pub(crate) async fn jwks(State(context): State<Arc<Context>>) -> Response {
    let set = context.state().keys.jwks();
    let set = serde_json::to_value(&set).unwrap_or_else(|_| Value::Object(serde_json::Map::new()));
    let mut response = responses::json(StatusCode::OK, &set);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}
