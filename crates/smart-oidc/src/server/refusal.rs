//! What a peer is told when it is refused: a word of RFC 6749 and nothing more.

use core::fmt;

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
    /// The server itself is not able to judge at present: its store is down, or what it would judge
    /// by. At a token endpoint it is no registered word; clients read it as a failure that is not
    /// theirs and, by its status 503, as one that passes. `Retry-After` may say when.
    ServerError,
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
            Self::ServerError => 503,
            Self::InvalidGrant
            | Self::InvalidRequest
            | Self::InvalidScope
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType => 400,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
