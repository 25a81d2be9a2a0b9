//! Which path leads where, and which of them scripts of other origins may call.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
};
use http::{HeaderValue, Method, StatusCode};

use crate::context::Context;
use crate::{authorize, documents, fhir, introspect, responses, revoke, token};

/// The whole server.
pub(crate) fn router(context: Arc<Context>) -> Router {
    // The authorization endpoint is for browsers that navigate, never for scripts that fetch.
    let pages = Router::new()
        .route("/oidc/authorize", get(authorize::get).post(authorize::post))
        .route("/oidc/authorize/decision", post(authorize::decision));
    let shared = Router::new()
        .route(
            "/fhir/.well-known/smart-configuration",
            get(documents::smart_configuration),
        )
        .route("/fhir/metadata", get(fhir::metadata))
        .route("/fhir/{type}/{id}", get(fhir::read))
        .route(
            "/oidc/.well-known/openid-configuration",
            get(documents::openid_configuration),
        )
        .route("/oidc/jwks", get(documents::jwks))
        .route("/oidc/token", post(token::post))
        .route("/oidc/introspect", post(introspect::post))
        .route("/oidc/revoke", post(revoke::post))
        .fallback(async || responses::not_found())
        .layer(from_fn(cross_origin));
    pages.merge(shared).with_state(context)
}

/// Any origin may call: there are no cookies here, so an origin gains nothing by being another.
async fn cross_origin(request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("WWW-Authenticate"),
    );
    response
}

fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, OPTIONS");
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
    let allowed = HeaderValue::from_static("Authorization, Content-Type, Accept");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
