//! Why an answer of the token endpoint is no success.

use core::time::Duration;

use smart_jose::json::JsonError;
use smart_jose::{ErrorClass, Text};

use super::refusal::Refusal;
use crate::launch_context::LaunchContextError;

/// Why an answer is no success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenResponseError {
    /// The launch context cannot be used.
    #[error(transparent)]
    Context(#[from] LaunchContextError),
    /// An HTML page, most often a sign-in or error page of something in front of the server.
    #[error("the token endpoint answers with an HTML page")]
    Html,
    /// The answer is not a strict JSON object.
    #[error("the answer is not a JSON object: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or of another type.
    #[error("{member} is missing or of the wrong type")]
    Member {
        /// The name of the member.
        member: &'static str,
    },
    /// The scope `openid` was granted without an ID token (OpenID Connect Core 3.1.3.3).
    #[error("openid was granted, but there is no id_token")]
    NoIdToken,
    /// The server refuses (RFC 6749 5.2): any 4xx status but 429.
    #[error("the server refuses with {0}")]
    Refused(Refusal),
    /// A status that says neither yes nor no: 429, 5xx, a redirect, a success of another kind.
    #[error("the token endpoint answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// How long the server asks to be left alone (`Retry-After`), up to 15 min.
        retry_after: Option<Duration>,
    },
    /// The token is of another type than Bearer.
    #[error("the token type is {found}, not Bearer")]
    TokenType {
        /// What `token_type` says.
        found: Text,
    },
}

impl TokenResponseError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Context(error) => error.code(),
            Self::Html => "token-html",
            Self::Json(_) => "token-json",
            Self::Member { .. } => "token-member",
            Self::NoIdToken => "token-no-id-token",
            Self::Refused(_) => "token-refused",
            Self::Status { .. } => "token-status",
            Self::TokenType { .. } => "token-type",
        }
    }

    /// Whose fault it is. A refusal is the app's configuration where the server does not know the
    /// client or not what it asks for, the request's where the grant is refused, and the server's
    /// where no error code of the standards says which.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Refused(refusal) => refusal.class(),
            Self::Context(error) => error.class(),
            Self::Html
            | Self::Json(_)
            | Self::Member { .. }
            | Self::NoIdToken
            | Self::Status { .. }
            | Self::TokenType { .. } => ErrorClass::Upstream,
        }
    }

    /// Whether an access token came, with something beside it that is not accepted. A text that breaks
    /// off, or is something else, is no answer of a token endpoint.
    pub(crate) const fn is_answer(&self) -> bool {
        match self {
            Self::Context(_) | Self::NoIdToken | Self::TokenType { .. } => true,
            // An answer is read from the access token on.
            Self::Member { member } => !matches!(member.as_bytes(), b"access_token"),
            Self::Json(error) => matches!(error, JsonError::DuplicateMember { .. }),
            Self::Html | Self::Refused(_) | Self::Status { .. } => false,
        }
    }

    /// How long the server asks to be left alone (`Retry-After`, RFC 9110 10.2.3), at most 15 min;
    /// `None` where it asks for nothing that could be read.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// What the server said when it refused.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
