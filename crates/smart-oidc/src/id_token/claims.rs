//! What an ID token says, and the value that stands for a valid one.

use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use smart_discovery::FhirBaseUrl;
use smart_jose::json::{self, JsonError};
use smart_jose::jwt::{Audience, NumericDate};
use smart_jose::member::Member;
use smart_jose::{Algorithm, UnixTime};

use crate::fhir_user::{FhirUser, FhirUserError};

/// The claims of an ID token as they were found (OpenID Connect Core 2).
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Claims {
    pub(super) iss: Member<String>,
    pub(super) sub: Member<String>,
    pub(super) aud: Member<Audience>,
    pub(super) azp: Member<String>,
    pub(super) exp: Member<NumericDate>,
    pub(super) nbf: Member<NumericDate>,
    pub(super) iat: Member<NumericDate>,
    pub(super) auth_time: Member<NumericDate>,
    pub(super) nonce: Member<String>,
    pub(super) acr: Member<String>,
    pub(super) at_hash: Member<String>,
    pub(super) c_hash: Member<String>,
    #[serde(rename = "fhirUser")]
    pub(super) fhir_user: Member<String>,
    pub(super) profile: Member<String>,
    pub(super) name: Member<String>,
}

/// An ID token that has passed every check. Only [`super::IdTokenVerifier`] makes one.
pub struct IdToken {
    payload: Vec<u8>,
    algorithm: Algorithm,
    claims: Claims,
    reads_profile: bool,
}

/// The only stable name of a user: issuer and subject together (OpenID Connect Core 5.7).
/// E-mail addresses and `fhirUser` are not.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UserKey {
    /// Who says it.
    pub issuer: String,
    /// Whom it means.
    pub subject: String,
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKey")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl IdToken {
    /// The evidence that every check has passed: called by the verifier, and nowhere else.
    pub(super) const fn assertion(
        payload: Vec<u8>,
        algorithm: Algorithm,
        claims: Claims,
        reads_profile: bool,
    ) -> Self {
        Self {
            payload,
            algorithm,
            claims,
            reads_profile,
        }
    }

    /// Issuer and subject.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey {
            issuer: self.issuer().to_owned(),
            subject: self.subject().to_owned(),
        }
    }

    /// `iss`: the issuer that the verifier trusts.
    #[must_use]
    pub fn issuer(&self) -> &str {
        text(&self.claims.iss).unwrap_or_default()
    }

    /// `sub`: the user, 1 to 255 ASCII characters, unique at the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        text(&self.claims.sub).unwrap_or_default()
    }

    /// `name`, where it is a string.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        text(&self.claims.name)
    }

    /// `exp`, in whole seconds rounded down.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        self.claims
            .exp
            .value()
            .map_or(UnixTime::from_secs(0), |it| time(*it))
    }

    /// `iat`, in whole seconds rounded down.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        self.claims
            .iat
            .value()
            .map_or(UnixTime::from_secs(0), |it| time(*it))
    }

    /// `auth_time`, in whole seconds rounded down.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.claims.auth_time.value().map(|it| time(*it))
    }

    /// `acr`.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        text(&self.claims.acr)
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The FHIR resource of the user; `None` where the token names none.
    ///
    /// `profile` is read only where `fhirUser` is absent and the server is of SMART 1.0, and only
    /// if its value is a reference; elsewhere it is a web page.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`]. The identity stays valid.
    pub fn fhir_user(&self, base: &FhirBaseUrl) -> Result<Option<FhirUser>, FhirUserError> {
        match &self.claims.fhir_user {
            Member::Value(claim) => FhirUser::parse(claim, base).map(Some),
            Member::WrongType(smart_jose::member::JsonType::Null) | Member::Absent => {
                let profile = text(&self.claims.profile).filter(|_| self.reads_profile);
                Ok(profile.and_then(|claim| FhirUser::parse(claim, base).ok()))
            }
            Member::WrongType(_) => Err(FhirUserError::WrongType),
        }
    }

    /// All claims as a type of the caller's.
    ///
    /// # Errors
    ///
    /// [`JsonError::Structure`] where they do not fit.
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C, JsonError> {
        json::read_object(&self.payload, self.payload.len())
    }
}

impl fmt::Debug for IdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken")
            .field("issuer", &self.issuer())
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn text(member: &Member<String>) -> Option<&str> {
    member.value().map(String::as_str)
}

/// Checked dates lie between 1970 and 9999, so they fit a duration.
fn time(date: NumericDate) -> UnixTime {
    let seconds = Duration::try_from_secs_f64(date.as_secs()).unwrap_or_default();
    UnixTime::from_secs(seconds.as_secs())
}
