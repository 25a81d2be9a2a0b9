//! The pages that people see: rendered here, without a script, and escaped by the templates.

use askama::Template;
use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};

use crate::responses::{html, with_no_store};
use crate::urls::Urls;

/// Whose frames may show a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Nobody's: a user who decides must see where.
    Refused,
    /// The EHR's own: an app that it shows in a frame asks there.
    BySelf,
    /// Nobody's, and the page itself shows an app in a frame.
    ShowsApp,
}

/// A choice among others.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) detail: String,
}

/// An entry of a list in the launcher.
pub(crate) struct Entry {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) is_chosen: bool,
}

/// A scope and what it means.
pub(crate) struct ScopeWords {
    pub(crate) name: String,
    pub(crate) words: String,
}

/// One sentence.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message<'a> {
    pub(crate) style: &'a str,
    pub(crate) title: &'a str,
    pub(crate) message: &'a str,
}

/// Choosing a user or a patient.
#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct Choose<'a> {
    pub(crate) style: &'a str,
    pub(crate) title: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) action: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) question: &'a str,
    pub(crate) field: &'a str,
    pub(crate) choices: Vec<Choice>,
}

/// Granting access.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct Consent<'a> {
    pub(crate) style: &'a str,
    pub(crate) title: &'a str,
    pub(crate) user: &'a str,
    pub(crate) patient: Option<&'a str>,
    pub(crate) client_id: &'a str,
    pub(crate) action: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) scopes: Vec<ScopeWords>,
}

/// The first page of the EHR.
#[derive(Template)]
#[template(path = "launcher.html")]
pub(crate) struct Launcher<'a> {
    pub(crate) style: &'a str,
    pub(crate) title: &'a str,
    pub(crate) problem: Option<&'a str>,
    pub(crate) action: &'a str,
    pub(crate) launch_url: &'a str,
    pub(crate) clients: Vec<Entry>,
    pub(crate) users: Vec<Entry>,
    pub(crate) patients: Vec<Entry>,
    pub(crate) encounters: Vec<Entry>,
    pub(crate) fhir: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) authorize: &'a str,
    pub(crate) token: &'a str,
    pub(crate) faults: Vec<(&'static str, &'static str)>,
}

/// The EHR with an app in a frame.
#[derive(Template)]
#[template(path = "frame.html")]
pub(crate) struct Framed<'a> {
    pub(crate) style: &'a str,
    pub(crate) title: &'a str,
    pub(crate) user: &'a str,
    pub(crate) patient: Option<&'a str>,
    pub(crate) home: &'a str,
    pub(crate) url: &'a str,
    pub(crate) client_id: &'a str,
}

/// Where the style sheet is.
pub(crate) fn style(urls: &Urls) -> String {
    format!("{}/_sandbox/style.css", urls.base())
}

/// A page for the user, who is the only one to be told when the app is not known to be genuine. There
/// is nothing to click on, so it may be in the EHR's frame.
pub(crate) fn refusal(urls: &Urls, message: &str) -> Response {
    let page = Message {
        style: &style(urls),
        title: "Request refused",
        message,
    };
    show(StatusCode::BAD_REQUEST, &page, Framing::BySelf)
}

/// A page that runs nothing and loads its style sheet only. `form-action` is left out of the policy:
/// browsers apply it to the redirect after the form too, and that leads to the app.
pub(crate) fn show(status: StatusCode, page: &impl Template, framing: Framing) -> Response {
    let Ok(text) = page.render() else {
        return html(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    };
    let mut response = with_no_store(html(status, text));
    let headers = response.headers_mut();
    let policy = match framing {
        Framing::Refused => {
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
        }
        Framing::BySelf => {
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'"
        }
        Framing::ShowsApp => {
            "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; \
             frame-src http: https:"
        }
    };
    let frame_options = match framing {
        Framing::BySelf => "SAMEORIGIN",
        Framing::Refused | Framing::ShowsApp => "DENY",
    };
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static(frame_options));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let page = Message {
            style: "s",
            title: "<script>'\"&",
            message: "<b>",
        };
        let text = page.render().unwrap();
        assert!(text.contains("&#60;script&#62;&#39;&#34;&#38;"), "{text}");
        assert!(!text.contains("<script>") && !text.contains("<b>"));
    }
}
