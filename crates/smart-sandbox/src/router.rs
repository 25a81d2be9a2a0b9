//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::Uri;

use crate::context::Context;
use crate::{
    admin, authorize, consent, cross_origin, documents, fhir, host_style, introspect, launcher,
    responses, revoke, spoil, token, userinfo,
};

/// The whole server.
pub(crate) fn router(context: Arc<Context>) -> Router {
    let open = Router::new()
        .route(
            "/fhir/.well-known/smart-configuration",
            get(documents::smart_configuration),
        )
        .route(
            "/fhir/.well-known/openid-configuration",
            get(documents::openid_configuration_of_fhir),
        )
        .route(
            "/oidc/.well-known/openid-configuration",
            get(documents::openid_configuration),
        )
        .route("/oidc/jwks", get(documents::jwks))
        .route("/fhir/metadata", get(fhir::metadata))
        .route(host_style::PATH, get(host_style::get))
        .layer(from_fn(cross_origin::open));
    let of_apps = Router::new()
        .route(
            "/fhir/{type}",
            get(fhir::search).fallback(fhir::not_supported),
        )
        .route(
            "/fhir/{type}/_search",
            post(fhir::search_by_form).fallback(fhir::not_supported),
        )
        .route(
            "/fhir/{type}/{id}",
            get(fhir::read).fallback(fhir::not_supported),
        )
        .route("/oidc/token", post(token::post))
        .route("/oidc/revoke", post(revoke::post))
        .route("/oidc/userinfo", get(userinfo::get).post(userinfo::get))
        .layer(from_fn_with_state(
            Arc::clone(&context),
            cross_origin::of_apps,
        ));
    let spoiled = open
        .merge(of_apps)
        .layer(from_fn_with_state(Arc::clone(&context), spoil::spoil));
    // These are for browsers that navigate and for servers, never for scripts of other origins.
    let own = Router::new()
        .route("/", get(launcher::get))
        .route("/launch", post(launcher::post))
        .route("/oidc/authorize", get(authorize::get).post(authorize::post))
        .route("/oidc/authorize/decision", post(consent::decision))
        .route("/oidc/introspect", post(introspect::post))
        .route("/_sandbox/style.css", get(launcher::style));
    let admin = match context.is_exposed {
        true => Router::new(),
        false => administration(),
    };
    spoiled
        .merge(own)
        .merge(admin)
        .fallback(nothing)
        .with_state(context)
}

/// Nothing is here; below the FHIR base it is said as FHIR says it.
async fn nothing(uri: Uri) -> Response {
    match uri.path().starts_with("/fhir/") {
        true => fhir::nothing(),
        false => responses::not_found(),
    }
}

/// For whoever runs the sandbox, so not where others reach it.
fn administration() -> Router<Arc<Context>> {
    Router::new()
        .route("/_sandbox", get(admin::describe))
        .route("/_sandbox/clients", post(admin::add_client))
        .route("/_sandbox/launches", post(admin::make_launch))
        .route("/_sandbox/keys/rotate", post(admin::rotate))
        .route("/_sandbox/keys/withdraw", post(admin::withdraw))
        .route(
            "/_sandbox/faults",
            get(admin::faults)
                .post(admin::play)
                .delete(admin::take_all_back),
        )
        .route("/_sandbox/faults/{name}", delete(admin::take_back))
        .layer(from_fn(admin::guard))
}
