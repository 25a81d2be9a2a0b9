//! Why a session was not refreshed.

use core::time::Duration;

use smart_discovery::DiscoveryError;
use smart_jose::{ErrorClass, Text};

use crate::token::TokenError;
use crate::value::RefreshToken;

/// Why a session was not refreshed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RenewalError {
    /// The server's documents cannot be had.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The app is no longer registered with the FHIR server of the session, or under another id.
    #[error("the app is not registered with {fhir_base} under the id of the session")]
    NotRegistered {
        /// The FHIR base of the session.
        fhir_base: Text,
    },
    /// The FHIR server leads to another issuer than the one that the user signed in with. Its
    /// tokens do not go there.
    #[error("the FHIR server leads to the issuer {found}, the session is with {expected}")]
    OtherIssuer {
        /// The issuer of the session.
        expected: Text,
        /// The issuer that the FHIR server leads to.
        found: Text,
    },
    /// The token endpoint gave no tokens.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl RenewalError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Discovery(error) => error.code(),
            Self::NotRegistered { .. } => "session-not-registered",
            Self::OtherIssuer { .. } => "session-other-issuer",
            Self::Token(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Discovery(error) => error.class(),
            Self::NotRegistered { .. } | Self::OtherIssuer { .. } => ErrorClass::Configuration,
            Self::Token(error) => error.class(),
        }
    }

    /// Whether it stays so for this session: its tokens belong to a registration or to an issuer that
    /// the app has no more.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::NotRegistered { .. } | Self::OtherIssuer { .. })
    }

    /// The refresh token of an answer that is not accepted.
    pub(crate) fn issued_refresh_token(&self) -> Option<&RefreshToken> {
        match self {
            Self::Token(error) => error.issued()?.refresh_token.as_ref(),
            _ => None,
        }
    }

    /// How long the server asks to be left alone, up to 15 min.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Token(error) => error.retry_after(),
            _ => None,
        }
    }
}
