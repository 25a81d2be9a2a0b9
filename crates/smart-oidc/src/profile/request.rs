//! What a profile is loaded for: an ID token, and what came with it.

use core::fmt;

use smart_discovery::FhirBaseUrl;

use super::user::ProfileError;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserPolicy};
use crate::id_token::IdToken;
use crate::token::{ExchangedLaunch, TokenResponse};
use crate::value::AccessToken;

/// What a profile is loaded for: an ID token, the access token that came with it, and the FHIR
/// base of the launch.
pub struct ProfileRequest<'t> {
    pub(super) id_token: &'t IdToken,
    pub(super) access_token: &'t AccessToken,
    policy: FhirUserPolicy,
    is_granted: bool,
}

impl<'t> ProfileRequest<'t> {
    /// After a launch: the access token is that of the same response, the FHIR base that of the
    /// launch, and a `fhirUser` is missed if its scope was granted.
    #[must_use]
    pub fn of_launch(
        id_token: &'t IdToken,
        launch: &ExchangedLaunch,
        tokens: &'t TokenResponse,
    ) -> Self {
        Self {
            id_token,
            access_token: &tokens.access_token,
            policy: FhirUserPolicy::new(launch.context().fhir_base.clone()),
            is_granted: tokens.has_scope("fhirUser"),
        }
    }

    /// From parts that you kept: the access token must be the one that came with the ID token,
    /// and the base that of the launch.
    #[must_use]
    pub fn new(
        id_token: &'t IdToken,
        launch_base: &FhirBaseUrl,
        access_token: &'t AccessToken,
    ) -> Self {
        Self {
            id_token,
            access_token,
            policy: FhirUserPolicy::new(launch_base.clone()),
            is_granted: false,
        }
    }

    /// Says that the scope `fhirUser` was granted: a token without the claim is then reported.
    #[must_use]
    pub const fn fhir_user_was_granted(mut self) -> Self {
        self.is_granted = true;
        self
    }

    /// Also allows a `fhirUser` under this base, read without the access token
    /// ([`FhirUserPolicy::allow_base`]).
    #[must_use]
    pub fn allow_base(mut self, base: FhirBaseUrl) -> Self {
        self.policy = self.policy.allow_base(base);
        self
    }

    /// Also allows a `fhirUser` under this base, read with the access token
    /// ([`FhirUserPolicy::share_token_with`]).
    #[must_use]
    pub fn share_token_with(mut self, base: FhirBaseUrl) -> Self {
        self.policy = self.policy.share_token_with(base);
        self
    }

    /// The user's resource, or why there is none to read.
    pub(super) fn fhir_user(&self) -> Result<FhirUser, ProfileError> {
        match self.id_token.fhir_user_with(&self.policy)? {
            Some(user) => Ok(user),
            None if self.is_granted => Err(FhirUserError::Missing.into()),
            None => Err(ProfileError::NoFhirUser),
        }
    }
}

impl fmt::Debug for ProfileRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileRequest")
            .field("id_token", &self.id_token)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
