//! Who is at the screen.

use core::fmt;

use smart_jose::ErrorClass;

use super::read_error::ReadError;
use super::resource::UserResource;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserType};
use crate::id_token::UserKey;

/// Who is at the screen.
///
/// Issuer and subject are always there. The rest is as much as could be had: a server that does
/// not let the app read the user's resource still leaves a usable profile, which says why the
/// card is missing.
///
/// The patient in context is none of this: it comes with the token response
/// (`TokenResponse::context`) and may be somebody else than the user, even where the user is a
/// patient.
#[derive(Clone)]
#[non_exhaustive]
pub struct UserProfile {
    /// Issuer and subject: the only stable name of the user.
    pub key: UserKey,
    /// The name to show: from the token, else from the resource. Escape it where it is shown.
    pub name: Option<String>,
    /// The language to speak to the user: `locale` of the token, which is the user's own (OpenID
    /// Connect Core 5.1), else that of the resource. It is the tag that the server wrote,
    /// well-formed by BCP 47 and not looked up in its registry, so that `eng` can stand where the
    /// registry has `en`.
    pub language: Option<String>,
    /// The user's resource, where the token names one.
    pub fhir_user: Option<FhirUser>,
    /// The card from the FHIR server, or why there is none.
    pub resource: Result<UserResource, ProfileError>,
}

/// Why a profile has no card. The identity is valid all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The token names no resource, and none was promised: the scope `fhirUser` was not granted,
    /// so the token is as it should be. The app has to ask for that scope, which is why the class
    /// is [`ErrorClass::Configuration`].
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
            Self::NoFhirUser => ErrorClass::Configuration,
            Self::FhirUser(_) => ErrorClass::InvalidToken,
            Self::Read(error) => error.class(),
        }
    }

    /// Whether a new access token may help ([`ReadError::refresh_is_due`]).
    #[must_use]
    pub const fn refresh_is_due(&self) -> bool {
        match self {
            Self::Read(error) => error.refresh_is_due(),
            Self::NoFhirUser | Self::FhirUser(_) => false,
        }
    }
}

impl UserProfile {
    /// Puts together what the issuer and the resource say.
    pub(super) fn of(
        key: UserKey,
        name: Option<String>,
        language: Option<String>,
        fhir_user: Option<FhirUser>,
        resource: Result<UserResource, ProfileError>,
    ) -> Self {
        let card = resource.as_ref().ok();
        Self {
            key,
            name: name.or_else(|| card?.name.clone()),
            language: language.or_else(|| card?.language.clone()),
            fhir_user,
            resource,
        }
    }

    /// `iss`: the issuer that the app trusts.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.key.issuer
    }

    /// `sub`: the user, unique at the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.key.subject
    }

    /// The id of the user's Practitioner resource: where the user is one, or is in a role whose
    /// Practitioner is on the same server. It is there also where that resource could not be read.
    #[must_use]
    pub fn practitioner_id(&self) -> Option<&str> {
        let user = self.fhir_user.as_ref()?;
        match user.resource_type() {
            FhirUserType::Practitioner => Some(user.id()),
            FhirUserType::PractitionerRole => {
                let card = self.resource.as_ref().ok()?;
                card.practitioner.as_ref()?.id.as_deref()
            }
            FhirUserType::Patient | FhirUserType::RelatedPerson | FhirUserType::Person => None,
        }
    }
}

impl fmt::Debug for UserProfile {
    /// Shows nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserProfile")
            .field("fhir_user", &self.fhir_user)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}
