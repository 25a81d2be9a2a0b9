//! Why an answer of the token endpoint is no success.

use core::time::Duration;

use smart_jose::json::JsonError;
use smart_jose::{ErrorClass, Text};

use super::issued::IssuedTokens;
use super::refusal::Refusal;
use crate::launch_context::LaunchContextError;

/// Why an answer is no success.
///
/// Where it has tokens all the same, [`TokenResponseError::issued`] has them, so that they can be
/// revoked. Nothing shows them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenResponseError {
    /// The launch context cannot be used.
    #[error("{error}")]
    Context {
        /// What is wrong with it.
        error: LaunchContextError,
        /// What came with it.
        issued: Option<Box<IssuedTokens>>,
    },
    /// An HTML page, most often a sign-in or error page of something in front of the server.
    #[error("the token endpoint answers with an HTML page")]
    Html,
    /// The answer is not a strict JSON object.
    #[error("the answer is not a JSON object: {error}")]
    Json {
        /// What is wrong with it.
        error: JsonError,
        /// What a lax reader finds in it: a member that stands twice hides no token.
        issued: Option<Box<IssuedTokens>>,
    },
    /// A member is missing, or has another type or form.
    #[error("{member} is missing, or has the wrong type or form")]
    Member {
        /// The name of the member.
        member: &'static str,
        /// What came with it.
        issued: Option<Box<IssuedTokens>>,
    },
    /// The scope `openid` was granted without an ID token (OpenID Connect Core 3.1.3.3).
    #[error("openid was granted, but there is no id_token")]
    NoIdToken {
        /// What came without it.
        issued: Option<Box<IssuedTokens>>,
    },
    /// The server refuses (RFC 6749 5.2): any 4xx status but 429, or 503 with the code
    /// `temporarily_unavailable`.
    #[error("the server refuses with {0}")]
    Refused(Refusal),
    /// A status that says neither yes nor no: 429, any other 5xx, a redirect, a success of another kind.
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
        /// What came with it.
        issued: Option<Box<IssuedTokens>>,
    },
}

impl From<LaunchContextError> for TokenResponseError {
    fn from(error: LaunchContextError) -> Self {
        Self::Context {
            error,
            issued: None,
        }
    }
}

impl From<JsonError> for TokenResponseError {
    fn from(error: JsonError) -> Self {
        Self::Json {
            error,
            issued: None,
        }
    }
}

impl TokenResponseError {
    pub(super) const fn member(member: &'static str) -> Self {
        Self::Member {
            member,
            issued: None,
        }
    }

    /// Keeps what came in the answer that this error is about.
    pub(super) fn with_issued(mut self, found: impl FnOnce() -> Option<IssuedTokens>) -> Self {
        match &mut self {
            Self::Context { issued, .. }
            | Self::Json { issued, .. }
            | Self::Member { issued, .. }
            | Self::NoIdToken { issued }
            | Self::TokenType { issued, .. } => *issued = found().map(Box::new),
            Self::Html | Self::Refused(_) | Self::Status { .. } => {}
        }
        self
    }

    /// The tokens of an answer that is not accepted. The server counts them as given, so what was
    /// sent for them is used up; revoke them, since nobody will use them.
    #[must_use]
    pub fn issued(&self) -> Option<&IssuedTokens> {
        match self {
            Self::Context { issued, .. }
            | Self::Json { issued, .. }
            | Self::Member { issued, .. }
            | Self::NoIdToken { issued }
            | Self::TokenType { issued, .. } => issued.as_deref(),
            Self::Html | Self::Refused(_) | Self::Status { .. } => None,
        }
    }

    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Context { error, .. } => error.code(),
            Self::Html => "token-html",
            Self::Json { .. } => "token-json",
            Self::Member { .. } => "token-member",
            Self::NoIdToken { .. } => "token-no-id-token",
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
            Self::Context { error, .. } => error.class(),
            Self::Html
            | Self::Json { .. }
            | Self::Member { .. }
            | Self::NoIdToken { .. }
            | Self::Status { .. }
            | Self::TokenType { .. } => ErrorClass::Upstream,
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
