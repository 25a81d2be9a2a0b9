//! Answers that are wrong anywhere.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};

use super::moment::Moment;

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// JSON, or what says that it is.
pub(super) fn json(status: StatusCode, body: impl Into<String>) -> Response {
    respond(status, "application/json", body.into())
}

pub(super) fn page(_: &Moment<'_>) -> Response {
    let page = "<!doctype html><title>Maintenance</title><p>We are back soon.</p>";
    respond(StatusCode::OK, "text/html; charset=utf-8", page.to_owned())
}

pub(super) fn failing(_: &Moment<'_>) -> Response {
    json(StatusCode::INTERNAL_SERVER_ERROR, "{}")
}

pub(super) fn absent(_: &Moment<'_>) -> Response {
    json(StatusCode::NOT_FOUND, "{}")
}

pub(super) fn broken(_: &Moment<'_>) -> Response {
    json(StatusCode::OK, "{\"keys\":[")
}

/// Spaces are JSON too, so only a limit helps. Longer than what any part of a client reads.
pub(super) fn huge(_: &Moment<'_>) -> Response {
    json(StatusCode::OK, " ".repeat(8 * 1024 * 1024))
}

pub(super) fn deep(_: &Moment<'_>) -> Response {
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    json(StatusCode::OK, deep)
}

pub(super) fn redirect(status: StatusCode, location: &'static str) -> Response {
    let mut response = json(status, "{}");
    let location = HeaderValue::from_static(location);
    response.headers_mut().insert(LOCATION, location);
    response
}

/// To another host: a token or a code would follow.
pub(super) fn moved(_: &Moment<'_>) -> Response {
    redirect(
        StatusCode::TEMPORARY_REDIRECT,
        "https://attacker.example/elsewhere",
    )
}

/// To where the machines of a cloud keep their credentials.
pub(super) fn moved_inside(_: &Moment<'_>) -> Response {
    redirect(
        StatusCode::FOUND,
        "http://169.254.169.254/latest/meta-data/",
    )
}
