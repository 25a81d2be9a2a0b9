//! Why no tokens came, and what became of the request.

use core::time::Duration;

use smart_discovery::TransportError;
use smart_jose::{ErrorClass, Text};

use super::response::{IssuedTokens, Refusal, TokenResponseError};
use crate::client::ClientAuthenticationError;

/// Why no tokens came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The request could not be authenticated.
    #[error(transparent)]
    Authentication(#[from] ClientAuthenticationError),
    /// Nothing is asked for. A server would take that for everything that it may give.
    #[error("no scope is asked for")]
    NoScope,
    /// The launch is another registration's, whose code this client cannot exchange.
    #[error("the launch is for the client {found}, this client is {expected}")]
    OtherClient {
        /// The id of this client.
        expected: Text,
        /// The id in the launch.
        found: Text,
    },
    /// The answer is no success.
    #[error(transparent)]
    Response(#[from] TokenResponseError),
    /// A scope holds a character that scopes do not have (RFC 6749 3.3).
    #[error("{scope} is no scope")]
    Scope {
        /// The scope, without what stands behind a `?`.
        scope: Text,
    },
    /// A refresh asks for more than was granted at the launch (RFC 6749 6).
    #[error("the scope {scope} was not granted at the launch")]
    ScopeNotGranted {
        /// The first scope that was not, with the letters that were not, and without what stands
        /// behind a `?`.
        scope: Text,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// What became of a request that brought no tokens, for whoever holds a code or a refresh token that
/// counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a request was not sent, or was answered with yes or no, or nobody knows"
)]
pub enum Fate {
    /// Nothing has reached the server: the same token may be sent again.
    NotSent,
    /// The server has answered that it gives no tokens for this request, and nothing was issued for
    /// it. Whether only a new launch helps, [`TokenError::needs_launch`] says; else the code or the
    /// refresh token is as it was. What became of a request before this one, it does not say.
    Refused,
    /// The server has given tokens that are not accepted: what was sent is used up, and sending it
    /// again could end the whole grant. [`TokenError::issued`] has the tokens, to be revoked.
    Spent,
    /// It may have reached the server, and no answer of use came back: the token may be used up,
    /// and new ones may have been lost on their way. So it is after an error page that no
    /// authorization server wrote, too ([`Refusal::issued_nothing`]).
    InDoubt,
}

impl TokenError {
    /// What became of the request. Where that is not certain, it is [`Fate::InDoubt`].
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Authentication(_)
            | Self::NoScope
            | Self::OtherClient { .. }
            | Self::Scope { .. }
            | Self::ScopeNotGranted { .. } => Fate::NotSent,
            Self::Transport(error) if error.is_not_sent() => Fate::NotSent,
            Self::Response(TokenResponseError::Refused(refusal)) if refusal.issued_nothing() => {
                Fate::Refused
            }
            // Asked to slow down: the request was turned away at the door.
            Self::Response(TokenResponseError::Status { status: 429, .. }) => Fate::Refused,
            Self::Response(error) if error.issued().is_some() => Fate::Spent,
            // A failing server may fail after it has issued, and an answer that cannot be read may
            // hold the tokens that replace the old ones.
            Self::Transport(_) | Self::Response(_) => Fate::InDoubt,
        }
    }

    /// Whether only a new launch helps, since the server refuses for good or asks for the user
    /// ([`Refusal::needs_launch`]): after any other refusal the code or the refresh token may be sent
    /// again. A server that is too busy refuses as well. Always `false` where the fate is in doubt.
    #[must_use]
    pub fn needs_launch(&self) -> bool {
        match self {
            Self::Response(error) => error.refusal().is_some_and(Refusal::needs_launch),
            _ => false,
        }
    }

    /// Whether the server answers `invalid_grant`, whatever its status. What to do next,
    /// [`TokenError::fate`] and [`TokenError::needs_launch`] say.
    #[must_use]
    pub fn is_invalid_grant(&self) -> bool {
        match self {
            Self::Response(error) => error.refusal().is_some_and(Refusal::is_invalid_grant),
            _ => false,
        }
    }

    /// The tokens of an answer that is not accepted, so that they can be revoked: they live on at
    /// the server, and nobody uses them. It is `Some` where the fate is [`Fate::Spent`], and nowhere
    /// else.
    #[must_use]
    pub fn issued(&self) -> Option<&IssuedTokens> {
        match self {
            Self::Response(error) => error.issued(),
            _ => None,
        }
    }

    /// Whether the server may have used up what was sent, though nothing of use came back.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.fate(), Fate::InDoubt)
    }

    /// How long the server asks to be left alone (`Retry-After`, RFC 9110 10.2.3), whatever status
    /// it says so with: at most 15 min, and `None` where it asks for nothing that could be read.
    /// Whoever asks earlier may be kept away for longer, so wait at least so long, and longer where
    /// it has failed several times.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Response(error) => error.retry_after(),
            _ => None,
        }
    }

    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Authentication(error) => error.code(),
            Self::NoScope => "token-no-scope",
            Self::OtherClient { .. } => "token-other-client",
            Self::Response(error) => error.code(),
            Self::Scope { .. } => "token-scope",
            Self::ScopeNotGranted { .. } => "token-scope-not-granted",
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Authentication(error) => error.class(),
            Self::NoScope
            | Self::OtherClient { .. }
            | Self::Scope { .. }
            | Self::ScopeNotGranted { .. } => ErrorClass::Configuration,
            Self::Response(error) => error.class(),
            Self::Transport(error) => error.class(),
        }
    }
}
