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

/// `GET /fhir/.well-known/smart-configuration`.
pub(crate) async fn smart_configuration(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let document = json!({
        "issuer": urls.issuer(),
        "jwks_uri": urls.jwks(),
        "authorization_endpoint": urls.authorize(),
        "token_endpoint": urls.token(),
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["authorization_code"],
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": SUPPORTED,
        "capabilities": [
            "launch-standalone",
            "client-public",
            "sso-openid-connect",
            "context-standalone-patient",
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
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["authorization_code"],
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
