//! What a token endpoint says when it refuses.

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use smart_discovery::jwks::MAX_RETRY_AFTER;
use smart_discovery::retry_after;
use smart_jose::member::Member;
use smart_jose::{ErrorClass, Text, json};

use crate::untrusted::UntrustedText;

/// Statuses by which a request was turned away before anybody looked at what it asks for: no
/// credentials that count (401: "has not been applied", RFC 9110 15.5.2), a method, a length, a
/// content type, a host or a header field that is not taken (405, 411, 413, 414, 415, 421, 431), and
/// too many requests (429, RFC 6585 4).
///
/// What is left out can come after the tokens were made: 403 and 404 are also said by firewalls
/// that look at answers, 406 by frameworks that find no form for an answer that they have, and 400
/// and 409 by anything.
const TURNED_AWAY: [u16; 9] = [401, 405, 411, 413, 414, 415, 421, 429, 431];

/// Statuses by which something on the way gave up on a request that it may have passed on: a
/// timeout (408), data that may be a repetition (425), and nginx's word for a client that went
/// away (499). Whatever the body says, it is not the server's last word.
const GAVE_UP: [u16; 3] = [408, 425, 499];

/// Further codes that say of a request what was wrong with it, so that it brought nothing: those
/// registered for token endpoints (RFC 8628, 8707, 9396, 9449), and those of OpenID Connect Core
/// 3.1.2.6 that large providers answer there.
const OTHER_JUDGEMENTS: [&str; 9] = [
    "access_denied",
    "consent_required",
    "interaction_required",
    "invalid_authorization_details",
    "invalid_dpop_proof",
    "invalid_target",
    "login_required",
    "slow_down",
    "use_dpop_nonce",
];

/// Codes after which no other request for the same grant helps, beside `invalid_grant`: the user has to
/// sign in or to consent again (OpenID Connect Core 3.1.2.6), or has taken the grant back. Large
/// providers answer refreshes so.
const USER_WANTED: [&str; 4] = [
    "access_denied",
    "consent_required",
    "interaction_required",
    "login_required",
];

/// An error answer of the token endpoint (RFC 6749 5.2).
///
/// Servers send it with any 4xx status, and one that puts requests off with 503 and
/// `temporarily_unavailable`, under any content type, and sometimes without a body that
/// says anything: a gateway's HTML page, a FHIR OperationOutcome. Then only the status is known, and
/// [`Refusal::issued_nothing`] says whether that is enough.
///
/// What is shown of it is the status and the error code. Description and address are the server's
/// prose, which in the field has quoted codes and refresh tokens, so they stay behind a method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, if there is one.
    pub error: Option<TokenErrorCode>,
    /// `error_description`.
    pub description: Option<UntrustedText>,
    /// `error_uri`. Some servers say all that they say behind it. Nothing here fetches it.
    pub uri: Option<UntrustedText>,
    /// How long the server asks to be left alone (`Retry-After`), at most 15 min.
    pub retry_after: Option<Duration>,
    issued_nothing: bool,
    /// Whether the code says what is wrong with the request. Frameworks put words of their own there:
    /// `{"status":401,"error":"Unauthorized"}`.
    is_judged: bool,
}

/// The error codes of a token endpoint (RFC 6749 5.2), and the two of the authorization endpoint
/// (4.1.2.1) that token endpoints answer in the field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// Who the client is could not be established: its registration, secret or key is wrong.
    InvalidClient,
    /// The code or the refresh token is spent, expired, revoked, or another client's. Only a new
    /// launch helps.
    InvalidGrant,
    /// The request lacks something or has it twice.
    InvalidRequest,
    /// The scope is unknown, malformed, or wider than what was granted.
    InvalidScope,
    /// The server failed. What it did before that, it does not say.
    ServerError,
    /// The server is too busy, or is being maintained.
    TemporarilyUnavailable,
    /// The client may not use this kind of grant.
    UnauthorizedClient,
    /// The server does not have this kind of grant.
    UnsupportedGrantType,
    /// Any other code; text from outside.
    Other(Text),
}

impl Refusal {
    /// A body that is no strict JSON object of at most so many octets says nothing that could be
    /// relied on.
    pub(super) fn read(response: &Response<Bytes>, limit: usize) -> Self {
        let status = response.status().as_u16();
        let wire: WireError = json::read_object(response.body(), limit).unwrap_or_default();
        let untrusted = |it: Member<String>| {
            let text = it.into_value().filter(|it| !it.is_empty())?;
            Some(UntrustedText::new(&text))
        };
        let code = wire.error.into_value().filter(|it| !it.is_empty());
        let error = code.as_deref().map(TokenErrorCode::of);
        let is_judged = error.as_ref().is_some_and(TokenErrorCode::is_judgement);
        let has_failed = error == Some(TokenErrorCode::ServerError);
        let is_turned_away = TURNED_AWAY.contains(&status) && !has_failed;
        let issued_nothing = !GAVE_UP.contains(&status) && (is_judged || is_turned_away);
        Self {
            status,
            error,
            issued_nothing,
            is_judged,
            description: untrusted(wire.error_description),
            uri: untrusted(wire.error_uri),
            retry_after: asked_to_wait(response),
        }
    }

    /// Whether the code is `invalid_grant`: the authorization code or the refresh token is refused
    /// for good. It is not the only code after which a new launch is needed; see
    /// [`Refusal::needs_launch`].
    #[must_use]
    pub fn is_invalid_grant(&self) -> bool {
        self.error == Some(TokenErrorCode::InvalidGrant)
    }

    /// Whether only a new launch helps: `invalid_grant`, or the user has to sign in or to consent again
    /// (`interaction_required`, `login_required`, `consent_required`), or has refused
    /// (`access_denied`).
    ///
    /// Never so where it is not certain who said it ([`Refusal::issued_nothing`]): after 408, 425 and
    /// 499 a code is not the server's last word.
    #[must_use]
    pub fn needs_launch(&self) -> bool {
        self.issued_nothing
            && match &self.error {
                Some(TokenErrorCode::InvalidGrant) => true,
                Some(TokenErrorCode::Other(text)) => USER_WANTED.contains(&text.as_str()),
                _ => false,
            }
    }

    /// Whether the server does not know the client, or not its secret or key.
    #[must_use]
    pub fn is_invalid_client(&self) -> bool {
        self.error == Some(TokenErrorCode::InvalidClient)
    }

    /// Whether it is certain that the server has issued nothing for this request: it says what is
    /// wrong with the request, or puts it off (`temporarily_unavailable`), or the status says that
    /// nobody looked at it (401, 405, 411, 413, 414, 415, 421, 431), whatever stands beside that but
    /// `server_error`. Under other statuses a page of a gateway and a code that nobody has defined are
    /// not certain, and `server_error` and a request that somebody gave up on never are: the tokens may
    /// have been made, and lost behind them.
    ///
    /// It says nothing about a request before this one.
    #[must_use]
    pub const fn issued_nothing(&self) -> bool {
        self.issued_nothing
    }

    /// Where it is not certain who answered what, it is the server's, or of what stands before it.
    pub(super) const fn class(&self) -> ErrorClass {
        if !self.issued_nothing {
            return ErrorClass::Upstream;
        }
        match self.error {
            Some(
                TokenErrorCode::InvalidClient
                | TokenErrorCode::InvalidScope
                | TokenErrorCode::UnauthorizedClient
                | TokenErrorCode::UnsupportedGrantType,
            ) => ErrorClass::Configuration,
            Some(TokenErrorCode::InvalidGrant | TokenErrorCode::InvalidRequest) => {
                ErrorClass::InvalidRequest
            }
            Some(TokenErrorCode::Other(_)) if self.is_judged => ErrorClass::InvalidRequest,
            // Put off, or turned away, and nothing that speaks OAuth says why.
            Some(
                TokenErrorCode::Other(_)
                | TokenErrorCode::ServerError
                | TokenErrorCode::TemporarilyUnavailable,
            )
            | None => ErrorClass::Upstream,
        }
    }
}

/// What the server asks for, in bounds: nobody is kept away for a day by one header.
pub(super) fn asked_to_wait(response: &Response<Bytes>) -> Option<Duration> {
    retry_after(response).map(|it| it.min(MAX_RETRY_AFTER))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        match &self.error {
            Some(error) => write!(f, " and the error {error}"),
            None => f.write_str(" and no error code"),
        }
    }
}

impl TokenErrorCode {
    fn of(text: &str) -> Self {
        match text {
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "invalid_request" => Self::InvalidRequest,
            "invalid_scope" => Self::InvalidScope,
            "server_error" => Self::ServerError,
            "temporarily_unavailable" => Self::TemporarilyUnavailable,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            other => Self::Other(Text::new(other)),
        }
    }

    /// Whether it says that the request was looked at, and that nothing was issued.
    fn is_judgement(&self) -> bool {
        match self {
            Self::InvalidClient
            | Self::InvalidGrant
            | Self::InvalidRequest
            | Self::InvalidScope
            // A server that says so has put the request off, as one that answers 429.
            | Self::TemporarilyUnavailable
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => true,
            Self::ServerError => false,
            // `Bad Request` and its like are a framework's, and any code may be a gateway's own.
            Self::Other(text) => OTHER_JUDGEMENTS.contains(&text.as_str()),
        }
    }
}

impl fmt::Display for TokenErrorCode {
    /// The code as the standard writes it; any other one in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Other(text) => return text.fmt(f),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireError {
    error: Member<String>,
    error_description: Member<String>,
    error_uri: Member<String>,
}
