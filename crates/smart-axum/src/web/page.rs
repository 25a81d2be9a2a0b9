//! The pages that the app itself has to show: one shape for all of them.

use askama::Template;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, base64url};

use super::reports::Row;

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
    /// How each check on an ID token went, where that is shown.
    pub(super) checks: Vec<Row<'p>>,
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
            checks: Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The luminance of a colour (WCAG 2.2, relative luminance).
    fn luminance(colour: &str) -> f64 {
        let digits: String = match colour.len() {
            4 => colour[1..].chars().flat_map(|it| [it, it]).collect(),
            _ => colour[1..].to_owned(),
        };
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * part(0) + 0.7152 * part(2) + 0.0722 * part(4)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_by_day_and_by_night() {
        assert!((contrast("#000", "#ffffff") - 21.0).abs() < 0.01);
        let schemes: Vec<&str> = STYLE.lines().filter(|it| it.contains("--ink:")).collect();
        assert_eq!(schemes.len(), 2);
        for scheme in schemes {
            let colour = |name: &str| {
                let (_, rest) = scheme.split_once(&format!("--{name}: ")).unwrap();
                rest.split(';').next().unwrap()
            };
            // AA for text of this size. The edges are for the eye only, and nothing is known by them.
            for (a, b) in [
                ("ink", "paper"),
                ("ink", "soft"),
                ("quiet", "ground"),
                ("act", "paper"),
                ("on-act", "act"),
            ] {
                let found = contrast(colour(a), colour(b));
                assert!(found >= 4.5, "{a} on {b}: {found}");
            }
        }
    }

    #[test]
    fn the_policy_names_the_style_as_it_stands_in_the_page() {
        let page = Page::new("App", "Title")
            .saying("<b>")
            .offering(Choice::Link {
                href: "/\"x".to_owned(),
                label: "&".to_owned(),
            });
        let html = String::from_utf8(page.answer(StatusCode::OK).body().to_vec()).unwrap();
        let (_, rest) = html.split_once("<style>").unwrap();
        assert_eq!(rest.split_once("</style>").unwrap().0, STYLE);
        assert!(
            html.contains("<p>&#60;b&#62;</p>") || html.contains("<p>&lt;b&gt;</p>"),
            "{html}"
        );
        assert!(!html.contains("\"/\"x"), "{html}");
    }
}
