//! What a profile is loaded for: an ID token, or the session that it began, and what came with it.

use core::fmt;

use serde::Deserialize;
use smart_discovery::FhirBaseUrl;
use smart_jose::member::Member;

use super::language::tag;
use super::text::prose;
use super::user::ProfileError;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserPolicy};
use crate::id_token::{IdToken, UserKey};
use crate::session::LaunchSession;
use crate::token::{ExchangedLaunch, TokenResponse};
use crate::value::AccessToken;

/// What a profile is loaded for: an ID token, the access token that came with it, and the FHIR
/// base of the launch.
pub struct ProfileRequest<'t> {
    said: Said<'t>,
    pub(super) access_token: &'t AccessToken,
    policy: FhirUserPolicy,
    is_granted: bool,
}

/// What the issuer said of the user, and where it is kept.
enum Said<'t> {
    Token(&'t IdToken),
    Session(&'t LaunchSession, UserKey),
}

/// The claim that says which language the user speaks.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Locale {
    locale: Member<String>,
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
            said: Said::Token(id_token),
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
            said: Said::Token(id_token),
            access_token,
            policy: FhirUserPolicy::new(launch_base.clone()),
            is_granted: false,
        }
    }

    /// Of a session, at any time of its life; `None` where it has no ID token, so that nobody is
    /// known. A session does not keep `locale`, so the language is that of the resource.
    #[must_use]
    pub fn of_session(session: &'t LaunchSession) -> Option<Self> {
        Some(Self {
            said: Said::Session(session, session.user_key()?),
            access_token: session.access_token(),
            policy: FhirUserPolicy::new(session.fhir_base().clone()),
            is_granted: session.scopes().has("fhirUser"),
        })
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
        let named = match &self.said {
            Said::Token(token) => token.fhir_user_with(&self.policy)?,
            Said::Session(session, _) => session.fhir_user(&self.policy)?,
        };
        match named {
            Some(user) => Ok(user),
            None if self.is_granted => Err(FhirUserError::Missing.into()),
            None => Err(ProfileError::NoFhirUser),
        }
    }

    /// Issuer and subject.
    pub(super) fn user_key(&self) -> UserKey {
        match &self.said {
            Said::Token(token) => token.user_key(),
            Said::Session(_, key) => key.clone(),
        }
    }

    /// The name that the issuer gave.
    pub(super) fn name(&self) -> Option<String> {
        let name = match &self.said {
            Said::Token(token) => token.name(),
            Said::Session(session, _) => session.name(),
        };
        name.and_then(prose)
    }

    /// The user's own language, where the issuer gave it.
    pub(super) fn language(&self) -> Option<String> {
        let Said::Token(token) = &self.said else {
            return None;
        };
        let locale = token.claims::<Locale>().unwrap_or_default().locale;
        locale.value().and_then(|it| tag(it))
    }
}

impl fmt::Debug for ProfileRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileRequest")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
