//! The user's profile: what the token says, and what the FHIR server knows.

mod fhir;
mod resource;

pub use fhir::{FhirProfileSource, ProfileSource, ReadError};
pub use resource::{Identifier, UserResource};

use core::fmt;

use smart_discovery::FhirBaseUrl;
use smart_jose::ErrorClass;

use crate::fhir_user::{FhirUser, FhirUserError, FhirUserType};
use crate::id_token::{IdToken, UserKey};
use crate::value::AccessToken;

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
    /// Loads the profile of a valid ID token. `granted` says whether the scope `fhirUser` was
    /// granted: then the claim must be there.
    pub async fn load(
        token: &IdToken,
        base: &FhirBaseUrl,
        granted: bool,
        access_token: &AccessToken,
        source: &dyn ProfileSource,
    ) -> Self {
        let (fhir_user, refused) = match token.fhir_user(base) {
            Ok(Some(user)) => (Some(user), None),
            Ok(None) if granted => (None, Some(FhirUserError::Missing.into())),
            Ok(None) => (None, Some(ProfileError::NoFhirUser)),
            Err(error) => (None, Some(error.into())),
        };
        let resource = match (&fhir_user, refused) {
            (Some(user), None) => source
                .resource(user, access_token)
                .await
                .map_err(Into::into),
            (_, refused) => Err(refused.unwrap_or(ProfileError::NoFhirUser)),
        };
        let from_resource = resource.as_ref().ok().and_then(|it| it.name.clone());
        Self {
            key: token.user_key(),
            name: from_resource.or_else(|| token.name().map(str::to_owned)),
            fhir_user,
            resource,
        }
    }

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
