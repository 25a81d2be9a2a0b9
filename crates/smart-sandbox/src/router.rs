//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::Uri;

use crate::context::Context;
use crate::{
    admin, admin_people, authorize, consent, cross_origin, documents, fhir, host_style, introspect,
    journal, launcher, responses, revoke, spoil, token, userinfo,
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
        .route(host_style::PATH, get(host_style::get));
    let for_apps = Router::new()
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
        .route("/oidc/userinfo", get(userinfo::get).post(userinfo::get));
    // Faults come below what lets an app in a browser read an answer: it must meet them too.
    let spoiled = |it: Router<Arc<Context>>| {
        it.layer(from_fn_with_state(Arc::clone(&context), spoil::spoil))
            .layer(from_fn_with_state(Arc::clone(&context), userinfo::sign))
    };
    let open = spoiled(open).layer(from_fn(cross_origin::open));
    let of_apps = || from_fn_with_state(Arc::clone(&context), cross_origin::of_apps);
    let spoiled = open.merge(spoiled(for_apps).layer(of_apps()));
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
        .fallback(nothing.layer(from_fn_with_state(
            Arc::clone(&context),
            cross_origin::below_fhir,
        )))
        .layer(from_fn_with_state(
            Arc::clone(&context.journal),
            journal::keep,
        ))
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
        .route("/_sandbox/users", post(admin_people::add_user))
        .route("/_sandbox/resources", post(admin_people::add_resource))
        .route(
            "/_sandbox/hostile-people",
            post(admin_people::add_hostile_people),
        )
        .route("/_sandbox/clock", post(admin_people::advance))
        .route(
            "/_sandbox/requests",
            get(admin_people::requests).delete(admin_people::forget_requests),
        )
        .route("/_sandbox/reset", post(admin_people::reset))
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
