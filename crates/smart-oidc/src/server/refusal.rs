//! What a peer is told when it is refused: a word of RFC 6749 and nothing more.

use core::fmt;
use core::time::Duration;

/// Long enough for a store that restarts, short enough for a user who waits.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The `error` of an error response (RFC 6749 4.1.2.1, 5.2).
///
/// The typed errors beside it are for the operator's log. A peer that could tell a wrong key from an
/// unknown client would learn who is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The client did not authenticate, or is not known (RFC 6749 5.2).
    InvalidClient,
    /// The code or refresh token is not good, or not this client's (RFC 6749 5.2).
    InvalidGrant,
    /// A parameter is missing, repeated or malformed (RFC 6749 5.2).
    InvalidRequest,
    /// A scope is unknown, or more than was granted (RFC 6749 5.2).
    InvalidScope,
    /// The server has failed, perhaps half way: a client cannot tell whether tokens were made for it.
    /// At a token endpoint it is no registered word; clients read it, by its status 500 too, as a
    /// failure that is not theirs.
    ServerError,
    /// The server is not able to judge at present, since what it judges by is out of reach, and has
    /// done nothing: the client may send the same code or refresh token again. It goes out with status
    /// 503 and [`Refusal::retry_after`]; at a token endpoint it is no registered word, and clients that
    /// do not know it go by the status.
    TemporarilyUnavailable,
    /// The client may not use this grant (RFC 6749 5.2).
    UnauthorizedClient,
    /// The server does not have this grant (RFC 6749 5.2).
    UnsupportedGrantType,
}

impl Refusal {
    /// The value of `error`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
        }
    }

    /// The HTTP status at a token endpoint. 401 asks for a `WWW-Authenticate` header beside it,
    /// which names `Basic` (RFC 6749 5.2; RFC 9110 15.5.2).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidGrant
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => 400,
        }
    }
}

impl Refusal {
    /// How long the client is asked to stay away: the value of `Retry-After` in seconds (RFC 9110
    /// 10.2.3), which goes beside the status; `None` where waiting would not help.
    ///
    /// ```
    /// use smart_oidc::server::Refusal;
    /// let seconds = Refusal::TemporarilyUnavailable.retry_after().map(|it| it.as_secs());
    /// assert_eq!(seconds, Some(5));
    /// assert_eq!(Refusal::InvalidGrant.retry_after(), None);
    /// ```
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TemporarilyUnavailable => Some(RETRY_AFTER),
            Self::InvalidClient
            | Self::InvalidGrant
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::ServerError
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
