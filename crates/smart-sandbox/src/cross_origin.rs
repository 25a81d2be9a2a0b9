//! What scripts of other origins may call (SMART App Launch 2.2, Considerations for Cross-Origin
//! Resource Sharing): the discovery documents, the keys and the style whoever they are, and what takes
//! a code or a token where the origin belongs to a registered app. Introspection is for servers.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderValue, Method, StatusCode};

use crate::context::Context;

/// Any origin may call.
pub(crate) async fn open(request: Request, next: Next) -> Response {
    answer(request, next, HeaderValue::from_static("*")).await
}

/// The origins of registered apps may call. Others are answered, and their scripts do not see it.
pub(crate) async fn of_apps(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let known = origin.filter(|it| it.to_str().is_ok_and(|it| context.has_origin(it)));
    let mut response = match known {
        Some(origin) => answer(request, next, origin).await,
        None => next.run(request).await,
    };
    // A cache must not give one origin's answer to another.
    let vary = HeaderValue::from_static("Origin");
    response.headers_mut().append(VARY, vary);
    response
}

/// The same for what is nowhere below the FHIR base, so that a script sees that it is not there.
pub(crate) async fn below_fhir(
    context: State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    match request.uri().path().starts_with("/fhir/") {
        true => of_apps(context, request, next).await,
        false => next.run(request).await,
    }
}

async fn answer(request: Request, next: Next, allowed: HeaderValue) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        preflight()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
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
    let allowed = HeaderValue::from_static("Authorization, Content-Type, Accept, Prefer");
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}
