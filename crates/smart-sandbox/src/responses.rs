//! The few shapes that answers have.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, PRAGMA, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
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

/// A page that loads nothing, runs nothing and cannot be framed. `form-action` is left out of
/// the policy: browsers apply it to the redirect after the form too, and that leads to the app.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n{body}\n</html>\n",
        title = escape(title),
    );
    let mut response = with_no_store(respond(status, "text/html; charset=utf-8", html));
    let headers = response.headers_mut();
    let policy = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A redirect. An address that does not fit into a header gives a page, not a panic; the rules
/// for redirect URIs have refused such before.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return page(
            StatusCode::BAD_REQUEST,
            "Request refused",
            "<p>The redirect URI does not fit into a header.</p>",
        );
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

/// Text for HTML, also inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            it => escaped.push(it),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: OAUTH-9
    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<script>'\"&"), "&lt;script&gt;&#39;&quot;&amp;");
    }

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
