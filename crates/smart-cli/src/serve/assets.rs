//! What the pages load: one style sheet, and one script that they do without.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

/// They change with the program only.
const CACHED: &str = "public, max-age=300";

pub(super) async fn style() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, CACHED),
    ];
    (headers, include_str!("../../templates/style.css"))
}

pub(super) async fn script() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (CACHE_CONTROL, CACHED),
    ];
    (headers, include_str!("../../templates/dashboard.js"))
}
