//! How a page is answered.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::app::App;

#[derive(Template)]
#[template(path = "not_found.html")]
struct NotFound<'p> {
    root: &'p str,
}

/// The answer to an address that nothing is at.
pub(super) async fn not_found(State(app): State<App>) -> Response {
    let mut response = show(&NotFound {
        root: app.smart.url().prefix(),
    });
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The answer that shows a page. Everything in it is escaped by its template.
pub(super) fn show(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        // A template writes into memory and has no filter of its own, so this does not happen.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
