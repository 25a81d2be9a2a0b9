//! Why nothing is known of a token.

use smart_discovery::TransportError;
use smart_jose::json::JsonError;
use smart_jose::jwt::ClaimError;
use smart_jose::member::JsonType;
use smart_jose::{ErrorClass, Text};

use crate::client::ClientAuthenticationError;
use crate::launch_context::LaunchContextError;

/// Why nothing is known of a token. It must not be let in then.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IntrospectionError {
    /// The answer does not say whether the token is active, or not by a boolean.
    #[error("active is missing or no boolean")]
    Active,
    /// The request could not be authenticated.
    #[error(transparent)]
    Authentication(#[from] ClientAuthenticationError),
    /// The access token of the caller cannot stand in a header.
    #[error("the access token of the caller holds a character that no header can carry")]
    Bearer,
    /// The token is said to be active, and by its own dates it is not.
    #[error("the token is said to be active, but {0}")]
    Claim(#[from] ClaimError),
    /// The patient or the encounter in context is no id.
    #[error(transparent)]
    Context(#[from] LaunchContextError),
    /// The answer is not a strict JSON object.
    #[error("the answer is not a JSON object: {0}")]
    Json(#[from] JsonError),
    /// A member has another type.
    #[error("{member} is {found}, not {expected}")]
    Member {
        /// The name of the member.
        member: &'static str,
        /// The type that is asked for.
        expected: &'static str,
        /// The type that was found.
        found: JsonType,
    },
    /// The server announces no introspection endpoint.
    #[error("the server announces no introspection_endpoint")]
    NoEndpoint,
    /// It is active and no access token: a refresh token or an ID token that somebody presents in its
    /// place, or an access token of a kind that is not presented as Bearer.
    #[error(
        "the token is active, but {member} is {found}, so it is no access token that a bearer may present"
    )]
    OtherToken {
        /// The member that says so: `token_type`, `typ` or `token_use`.
        member: &'static str,
        /// What it says.
        found: Text,
    },
    /// The server refuses, most often because the caller may not ask.
    #[error("the introspection endpoint answers with status {status} and the error {}", error.as_ref().map_or_else(|| "of no name".to_owned(), Text::to_string))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code of the server, if it gives one.
        error: Option<Text>,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl IntrospectionError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Active => "introspection-active",
            Self::Authentication(error) => error.code(),
            Self::Bearer => "introspection-bearer",
            Self::Claim(error) => error.code(),
            Self::Context(error) => error.code(),
            Self::Json(_) => "introspection-json",
            Self::Member { .. } => "introspection-member",
            Self::NoEndpoint => "introspection-no-endpoint",
            Self::OtherToken { .. } => "introspection-other-token",
            Self::Refused { .. } => "introspection-refused",
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::OtherToken { .. } => ErrorClass::InvalidToken,
            Self::Authentication(error) => error.class(),
            Self::Bearer => ErrorClass::Configuration,
            Self::Context(error) => error.class(),
            Self::Transport(error) => error.class(),
            Self::Active
            | Self::Claim(_)
            | Self::Json(_)
            | Self::Member { .. }
            | Self::NoEndpoint
            | Self::Refused { .. } => ErrorClass::Upstream,
        }
    }
}
