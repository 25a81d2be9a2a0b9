//! All errors of the crate under one roof.

use smart_discovery::DiscoveryError;
use smart_jose::ErrorClass;

use crate::authorize::{CallbackError, LaunchError};
use crate::fhir_user::FhirUserError;
use crate::id_token::IdTokenError;
use crate::profile::ProfileError;
use crate::token::TokenError;

/// Any error of a sign-in. Every function returns the error of its own module; this type is for
/// callers who want one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The callback is refused.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The chain of trust broke.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// `fhirUser` is refused.
    #[error(transparent)]
    FhirUser(#[from] FhirUserError),
    /// The ID token is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// The launch cannot begin.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// The profile has no card.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No tokens came.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl Error {
    /// A stable name in kebab case, part of the promise of semantic versioning.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Callback(error) => error.code(),
            Self::Discovery(error) => error.code(),
            Self::FhirUser(error) => error.code(),
            Self::IdToken(error) => error.code(),
            Self::Launch(error) => error.code(),
            Self::Profile(error) => error.code(),
            Self::Token(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Callback(error) => error.class(),
            Self::Discovery(error) => error.class(),
            Self::FhirUser(_) => ErrorClass::InvalidToken,
            Self::IdToken(error) => error.class(),
            Self::Launch(error) => error.class(),
            Self::Profile(error) => error.class(),
            Self::Token(error) => error.class(),
        }
    }
}
