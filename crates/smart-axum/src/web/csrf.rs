//! That a request which changes something was meant by the person whose browser sends it.
//!
//! The token in the form is what counts. What the browser says of the request's origin is looked at
//! besides, and refuses where it names another site. It cannot stand in for the token: under
//! `Referrer-Policy: no-referrer`, which our pages have, a browser writes `Origin: null` for their
//! own forms, and older ones send no `Sec-Fetch-Site`.

use http::Method;
use http::header::{CONTENT_TYPE, ORIGIN, UPGRADE};
use http::request::Parts;
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, ErrorClass, Secret, base64url};
use smart_oidc::{LaunchTag, SessionId};

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

/// Whether a request only reads (RFC 9110 9.2.1). The handshake of a WebSocket is a GET, and what
/// comes after it does anything; over HTTP/2 it is a CONNECT (RFC 8441).
pub(super) fn is_safe(parts: &Parts) -> bool {
    let reads = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let mut upgrades = parts.headers.get_all(UPGRADE).iter();
    let opens_socket = upgrades.any(|it| {
        let mut protocols = it.as_bytes().split(|octet| *octet == b',');
        protocols.any(|it| {
            let it = it.trim_ascii();
            let name = it.split(|octet| *octet == b'/').next().unwrap_or_default();
            name.eq_ignore_ascii_case(b"websocket")
        })
    });
    reads && !opens_socket
}

/// Whether the browser says that the request opens a page, as a link or a form does (Fetch Metadata).
pub(super) fn navigates(parts: &Parts) -> bool {
    let mut modes = parts.headers.get_all("sec-fetch-mode").iter();
    modes.any(|it| it.as_bytes() == b"navigate")
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
///
/// The name of the launch stands in front, which is no secret: a request that names none is for the
/// session that its token is of.
pub(super) fn page_token(
    tag: &LaunchTag,
    id: &SessionId,
    patient: Option<&str>,
    provider: &CryptoProvider,
) -> Secret<String> {
    let patient: Vec<&str> = patient.into_iter().collect();
    let token = labelled(PAGE_LABEL, id, &patient, provider);
    Secret::new(format!("{}.{}", tag.as_str(), token.expose_secret()))
}

/// The launch that the token of a page names.
pub(super) fn tag_of(token: &str) -> Option<LaunchTag> {
    LaunchTag::parse(token.split_once('.')?.0)
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

/// The token of a form, found in the body before whoever reads the form.
#[derive(Clone)]
struct FormToken(Secret<String>);

/// Whether the token of a request may stand in its body, and has not been looked for.
pub(super) fn may_be_in_form(parts: &Parts) -> bool {
    !is_safe(parts)
        && parts.extensions.get::<FormToken>().is_none()
        && is_form(
            parts
                .headers
                .get(CONTENT_TYPE)
                .map(http::HeaderValue::as_bytes),
        )
}

fn is_form(content_type: Option<&[u8]>) -> bool {
    let media_type = content_type.and_then(|it| it.split(|octet| *octet == b';').next());
    media_type.is_some_and(|it| {
        let it = it.trim_ascii();
        it.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

/// The token of a form, if it has one; an empty one, which fits nothing, where it has two.
pub(super) fn of_form(body: &[u8]) -> Option<String> {
    let mut tokens = form_urlencoded::parse(body).filter(|it| it.0 == CSRF_FIELD);
    let token = tokens.next()?.1.into_owned();
    match tokens.next() {
        None => Some(token),
        Some(_) => Some(String::new()),
    }
}

/// Keeps the token of a form with the request.
pub(super) fn keep_of_form(parts: &mut Parts, body: &[u8]) {
    if let Some(token) = of_form(body) {
        parts.extensions.insert(FormToken(Secret::new(token)));
    }
}

/// The token that came with a request, in its header or in its form; an empty one, which fits
/// nothing, where there are two that differ or it is no text.
pub(super) fn in_request(parts: &Parts) -> Option<&str> {
    let form = parts.extensions.get::<FormToken>();
    let form = form.map(|it| it.0.expose_secret().as_str());
    let mut values = parts.headers.get_all(CSRF_HEADER).iter();
    let header = values.next().map(|it| it.to_str().unwrap_or_default());
    if values.next().is_some() {
        return Some("");
    }
    match (header, form) {
        (Some(header), Some(form)) if header != form => Some(""),
        (header, form) => header.or(form),
    }
}
