//! That a request which changes something was meant by the person whose browser sends it.
//!
//! The token in the form is what counts. What the browser says of the request's origin is looked at
//! besides, and refuses where it names another site. It cannot stand in for the token: under
//! `Referrer-Policy: no-referrer`, which our pages have, a browser writes `Origin: null` for their
//! own forms, and older ones send no `Sec-Fetch-Site`.

use http::Method;
use http::header::ORIGIN;
use http::request::Parts;
use smart_oidc::SessionId;
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, ErrorClass, Secret, base64url};

use super::address::AppUrl;

/// The field of a form that holds the token.
pub const CSRF_FIELD: &str = "csrf_token";
/// The header that holds the token where there is no form.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// So that the hash of an id is a token here and nothing elsewhere.
const LABEL: &[u8] = b"smart-axum csrf token\0";
const PAGE_LABEL: &[u8] = b"smart-axum csrf token of a page\0";

/// Why a request that would change something is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfError {
    /// The browser says that another site sent it.
    #[error("the browser says that another site sent the request")]
    CrossSite,
    /// It has no token.
    #[error("the request has no CSRF token")]
    Missing,
    /// Its token is not that of the session.
    #[error("the CSRF token is not that of the session")]
    Wrong,
}

impl CsrfError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CrossSite => "csrf-cross-site",
            Self::Missing => "csrf-missing",
            Self::Wrong => "csrf-wrong",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }
}

/// What a browser says of where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A page of the app.
    Same,
    /// It does not say.
    Unknown,
}

/// Whether a method only reads (RFC 9110 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Where a request comes from; another site is an error.
pub(super) fn sender(parts: &Parts, url: &AppUrl) -> Result<Sender, CsrfError> {
    let mut said = Sender::Unknown;
    for value in parts.headers.get_all("sec-fetch-site") {
        match value.as_bytes() {
            b"same-origin" => said = Sender::Same,
            // Typed by a person, or sent again by a reload.
            b"none" => {}
            _ => return Err(CsrfError::CrossSite),
        }
    }
    for value in parts.headers.get_all(ORIGIN) {
        match value.to_str() {
            Ok("null") => {}
            Ok(origin) if url.own_origin().is(origin) => said = Sender::Same,
            _ => return Err(CsrfError::CrossSite),
        }
    }
    Ok(said)
}

/// The token of a session, for our own pages. Nobody can tell the id from it.
pub(super) fn token(id: &SessionId, provider: &CryptoProvider) -> Secret<String> {
    labelled(LABEL, id, &[], provider)
}

/// The token of a page of the app, which shows this patient. Two windows of one launch share a
/// session; where one of them goes on with another patient, what the other one still shows must not
/// be saved for that one.
pub(super) fn page_token(
    id: &SessionId,
    patient: Option<&str>,
    provider: &CryptoProvider,
) -> Secret<String> {
    let patient: Vec<&str> = patient.into_iter().collect();
    labelled(PAGE_LABEL, id, &patient, provider)
}

/// A hash of the id of a session and of what is said besides, under a label.
pub(super) fn labelled(
    label: &[u8],
    id: &SessionId,
    more: &[&str],
    provider: &CryptoProvider,
) -> Secret<String> {
    let mut text = Secret::new([label, id.expose_secret().as_bytes()].concat());
    for piece in more {
        // The length first, so that no two lists of pieces are one text.
        let piece = format!("\0{}:{piece}", piece.len());
        text = Secret::new([text.expose_secret().as_slice(), piece.as_bytes()].concat());
    }
    let digest = provider.hash(HashAlgorithm::Sha256, text.expose_secret());
    Secret::new(base64url::encode(digest))
}

/// Checks the token that came with a request.
pub(super) fn check(found: Option<&str>, expected: &Secret<String>) -> Result<(), CsrfError> {
    let found = found
        .filter(|it| !it.is_empty())
        .ok_or(CsrfError::Missing)?;
    match expected.matches(found) {
        true => Ok(()),
        false => Err(CsrfError::Wrong),
    }
}

/// The token in the header of a request; an empty one, which fits nothing, where there are two
/// or it is no text.
pub(super) fn in_header(parts: &Parts) -> Option<&str> {
    let mut values = parts.headers.get_all(CSRF_HEADER).iter();
    let value = values.next()?.to_str().unwrap_or_default();
    match values.next() {
        None => Some(value),
        Some(_) => Some(""),
    }
}
