//! The few shapes that answers have.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

/// The media type of FHIR resources in JSON.
const FHIR_JSON: &str = "application/fhir+json";

fn respond(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// JSON.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    respond(status, "application/json", body.to_string())
}

/// A FHIR resource. What needs a token must not stay in a cache.
pub(crate) fn fhir(status: StatusCode, resource: &Value) -> Response {
    with_no_store(respond(status, FHIR_JSON, resource.to_string()))
}

/// A FHIR error with one issue.
pub(crate) fn outcome(status: StatusCode, code: &str, diagnostics: &str) -> Response {
    fhir(
        status,
        &serde_json::json!({
            "resourceType": "OperationOutcome",
            "issue": [{ "severity": "error", "code": code, "diagnostics": diagnostics }]
        }),
    )
}

/// Nothing is here.
pub(crate) fn not_found() -> Response {
    json(
        StatusCode::NOT_FOUND,
        &serde_json::json!({ "error": "not_found" }),
    )
}

/// A page; [`crate::pages`] says what it may do.
pub(crate) fn html(status: StatusCode, text: String) -> Response {
    respond(status, "text/html; charset=utf-8", text)
}

/// A style sheet.
pub(crate) fn css(text: &str) -> Response {
    respond(StatusCode::OK, "text/css; charset=utf-8", text.to_owned())
}

/// A redirect. An address that does not fit into a header gives a page, not a panic; the rules
/// for redirect URIs have refused such before.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        let problem = "The redirect URI does not fit into a header.".to_owned();
        return respond(StatusCode::BAD_REQUEST, "text/plain", problem);
    };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(LOCATION, location);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    with_no_store(response)
}

/// Forbids caches to keep the answer (RFC 6749 5.1).
pub(crate) fn with_no_store(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Text for `error_description`, which has neither quotes nor anything beyond ASCII (RFC 6749 5.2).
pub(crate) fn description(text: &str) -> String {
    let plain = |it| match it {
        '"' => '\'',
        ' '..='~' if it != '\\' => it,
        _ => '?',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: OAUTH-9
    #[test]
    fn a_description_has_the_characters_that_it_may_have() {
        assert_eq!(description("a \"b\" \\ \n é ~!"), "a 'b' ? ? ? ~!");
    }

    #[test]
    fn a_location_that_is_no_header_is_a_page() {
        let response = redirect(StatusCode::FOUND, "http://a\r\nb");
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.headers().get(LOCATION).is_none());
    }
}
