//! Where the user's resource comes from.

use core::fmt::Debug;

use async_trait::async_trait;
use smart_discovery::TransportError;
use smart_jose::json::JsonError;
use smart_jose::{ErrorClass, Text};

use super::resource::UserResource;
use crate::fhir_user::FhirUser;
use crate::value::AccessToken;

/// Knows more of a user than the token does.
///
/// An implementation must use the access token for the user's own resource under the FHIR base
/// and for nothing else. Failing is safe: the identity stays usable.
#[async_trait]
pub trait ProfileSource: Debug + Send + Sync {
    /// The resource of a user.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn resource(
        &self,
        user: &FhirUser,
        token: &AccessToken,
    ) -> Result<UserResource, ReadError>;
}

/// Why a user's resource could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The access token cannot stand in a header.
    #[error("the access token holds a character that no header can carry")]
    AccessToken,
    /// The answer is no strict JSON resource.
    #[error("the answer is no FHIR resource: {0}")]
    Json(#[from] JsonError),
    /// The answer is another resource than the one that was asked for.
    #[error("the server answers with {found} where {expected} was asked for")]
    OtherResource {
        /// The type that was asked for.
        expected: &'static str,
        /// The type that came, with another id if the types are equal.
        found: Text,
    },
    /// The server does not let the app read the resource.
    #[error("the server answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ReadError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AccessToken => "profile-access-token",
            Self::Json(_) => "profile-json",
            Self::OtherResource { .. } => "profile-other-resource",
            Self::Status { .. } => "profile-status",
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Transport(error) => error.class(),
            _ => ErrorClass::Upstream,
        }
    }
}
