//! The pages that the app itself has to show: one shape for all of them.

use askama::Template;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, base64url};

/// It stands in the page, so that a page is one answer and needs no other route.
const STYLE: &str = include_str!("../../templates/page.css");

/// One page. Everything in it is escaped by the template.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page<'p> {
    pub(super) app: &'p str,
    pub(super) title: &'p str,
    pub(super) paragraphs: Vec<String>,
    pub(super) choices: Vec<Choice>,
    /// How the person reaches whoever runs the app.
    pub(super) help: Option<&'p str>,
    pub(super) reference: Option<&'p str>,
    pub(super) style: &'static str,
}

/// Something that the person can do.
pub(super) enum Choice {
    Link {
        href: String,
        label: String,
    },
    Form {
        action: String,
        fields: Vec<(String, String)>,
        label: String,
    },
}

impl<'p> Page<'p> {
    pub(super) fn new(app: &'p str, title: &'p str) -> Self {
        Self {
            app,
            title,
            paragraphs: Vec::new(),
            choices: Vec::new(),
            help: None,
            reference: None,
            style: STYLE,
        }
    }

    pub(super) fn saying(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    pub(super) fn offering(mut self, choice: Choice) -> Self {
        self.choices.push(choice);
        self
    }

    /// The answer that shows it. No cache keeps it.
    pub(super) fn answer(&self, status: StatusCode) -> Response<Bytes> {
        // The template cannot fail: it has no filter of its own and writes into memory.
        let html = self.render().unwrap_or_default();
        answer(status, "text/html; charset=utf-8", html)
    }
}

/// An answer that no cache keeps.
pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A redirect that is followed with a GET, whatever the method was (RFC 9700 4.12).
pub(super) fn redirect(location: &str) -> Response<Bytes> {
    let mut response = answer(StatusCode::SEE_OTHER, "text/plain", Bytes::new());
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// How a policy names the style that stands in the pages (CSP Level 3, 2.3.1).
pub(super) fn style_source(provider: &CryptoProvider) -> String {
    let digest = provider.hash(HashAlgorithm::Sha256, STYLE.as_bytes());
    // A policy has the other base64: with plus, slash and padding.
    let text = base64url::encode(digest)
        .replace('-', "+")
        .replace('_', "/");
    let padding = (4 - text.len() % 4) % 4;
    format!("'sha256-{text}{}'", "=".repeat(padding))
}
