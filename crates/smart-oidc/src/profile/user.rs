//! Who is at the screen.

use core::fmt;

use smart_jose::ErrorClass;

use super::resource::UserResource;
use super::source::ReadError;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserType};
use crate::id_token::UserKey;

/// Who is at the screen.
///
/// Issuer and subject are always there. The rest is as much as could be had: a server that does
/// not let the app read the user's resource still leaves a usable profile, which says why the
/// card is missing.
#[derive(Clone)]
#[non_exhaustive]
pub struct UserProfile {
    /// Issuer and subject: the only stable name of the user.
    pub key: UserKey,
    /// The name to show: from the resource, else from the token.
    pub name: Option<String>,
    /// The user's resource, where the token names one.
    pub fhir_user: Option<FhirUser>,
    /// The card from the FHIR server, or why there is none.
    pub resource: Result<UserResource, ProfileError>,
}

/// Why a profile has no card. The identity is valid all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The token names no resource, and none was promised.
    #[error("the token names no FHIR resource for the user")]
    NoFhirUser,
    /// What the token names is refused.
    #[error(transparent)]
    FhirUser(#[from] FhirUserError),
    /// The resource could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ProfileError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoFhirUser => "profile-no-fhir-user",
            Self::FhirUser(error) => error.code(),
            Self::Read(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NoFhirUser | Self::FhirUser(_) => ErrorClass::InvalidToken,
            Self::Read(error) => error.class(),
        }
    }
}

impl UserProfile {
    /// The id of the user's Practitioner resource, where the user is one.
    #[must_use]
    pub fn practitioner_id(&self) -> Option<&str> {
        let user = self.fhir_user.as_ref()?;
        (user.resource_type() == FhirUserType::Practitioner).then(|| user.id())
    }
}

impl fmt::Debug for UserProfile {
    /// Shows nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserProfile")
            .field("fhir_user", &self.fhir_user)
            .field("resource", &self.resource.as_ref().map(drop))
            .finish_non_exhaustive()
    }
}
