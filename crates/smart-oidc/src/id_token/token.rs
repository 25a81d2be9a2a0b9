//! The value that stands for a valid ID token.

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use smart_discovery::{FhirBaseUrl, Finding};
use smart_jose::json::{self, JsonError};
use smart_jose::jwt::{Audience, NumericDate};
use smart_jose::member::Member;
use smart_jose::{Algorithm, UnixTime};

use super::claims::{Claims, is_null, whole_seconds};
use super::continuity::Continuity;
use super::user_key::UserKey;
use crate::fhir_user::{FhirUser, FhirUserError, FhirUserPolicy};
use crate::value::Nonce;

/// An ID token that has passed every check. Only [`super::IdTokenVerifier`] makes one.
pub struct IdToken {
    payload: String,
    algorithm: Algorithm,
    issuer: Arc<str>,
    kept: Kept,
    findings: Vec<Finding>,
}

/// The claims that the token answers for by itself.
pub(super) struct Kept {
    subject: Place,
    authorized_party: Option<Place>,
    expires_at: NumericDate,
    issued_at: NumericDate,
    auth_time: Option<NumericDate>,
    nonce: Option<Place>,
    acr: Option<Place>,
    name: Option<Place>,
    fhir_user: Member<Place>,
    /// `profile`, where it may stand for `fhirUser`.
    profile: Option<Place>,
}

/// Where a text is: in the payload, or beside it where the payload has it with escapes. Copies
/// would make up a tenth of the whole validation.
enum Place {
    Payload(Range<usize>),
    Beside(Box<str>),
}

impl Place {
    #[expect(
        clippy::ptr_arg,
        reason = "whether the text is borrowed is what it is about"
    )]
    fn of(text: &Cow<'_, str>, payload: &str) -> Self {
        if let Cow::Borrowed(text) = text {
            // The difference is the offset, if the text is a part of the payload.
            let begin = text.as_ptr().addr().wrapping_sub(payload.as_ptr().addr());
            let place = begin..begin.wrapping_add(text.len());
            let found = payload.get(place.clone());
            if found.is_some_and(|it| core::ptr::eq(it, *text)) {
                return Self::Payload(place);
            }
        }
        Self::Beside(text.as_ref().into())
    }

    fn text<'p>(&'p self, payload: &'p str) -> &'p str {
        match self {
            Self::Payload(place) => payload.get(place.clone()).unwrap_or_default(),
            Self::Beside(text) => text,
        }
    }
}

impl Kept {
    /// Takes over what is kept; `None` where one of the claims that every token has is missing,
    /// which the checks have refused before.
    pub(super) fn of(claims: &Claims<'_>, payload: &str, reads_profile: bool) -> Option<Self> {
        let place = |it: &Member<_>| Member::value(it).map(|text| Place::of(text, payload));
        Some(Self {
            subject: place(&claims.sub)?,
            authorized_party: place(&claims.azp),
            expires_at: *claims.exp.value()?,
            issued_at: *claims.iat.value()?,
            auth_time: claims.auth_time.value().copied(),
            nonce: place(&claims.nonce),
            acr: place(&claims.acr),
            name: place(&claims.name),
            fhir_user: match &claims.fhir_user {
                Member::Value(text) => Member::Value(Place::of(text, payload)),
                Member::WrongType(found) if !is_null(&claims.fhir_user) => {
                    Member::WrongType(*found)
                }
                _ => Member::Absent,
            },
            profile: place(&claims.profile).filter(|_| reads_profile),
        })
    }
}

impl IdToken {
    /// The evidence that every check has passed: called by the verifier, and nowhere else.
    pub(super) const fn assertion(
        payload: String,
        algorithm: Algorithm,
        issuer: Arc<str>,
        kept: Kept,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            payload,
            algorithm,
            issuer,
            kept,
            findings,
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
        &self.issuer
    }

    /// `sub`: the user, 1 to 255 ASCII characters, unique at the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.kept.subject.text(&self.payload)
    }

    /// `name`, where it is a string.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(self.kept.name.as_ref())
    }

    /// `exp`, in whole seconds rounded down.
    #[must_use]
    pub fn expires_at(&self) -> UnixTime {
        whole_seconds(self.kept.expires_at)
    }

    /// `iat`, in whole seconds rounded down.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        whole_seconds(self.kept.issued_at)
    }

    /// `auth_time`, in whole seconds rounded down.
    #[must_use]
    pub fn auth_time(&self) -> Option<UnixTime> {
        self.kept.auth_time.map(whole_seconds)
    }

    /// `acr`.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.text(self.kept.acr.as_ref())
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What is odd about the token, though it is valid.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the ID token of a later refresh has to keep of this one. Keep it with the session,
    /// and give it to [`super::IdTokenVerifier::verify_refreshed`].
    #[must_use]
    pub fn continuity(&self) -> Continuity {
        #[derive(serde::Deserialize)]
        struct Aud {
            #[serde(default)]
            aud: Member<Audience>,
        }
        let audience = self.claims::<Aud>().ok().and_then(|it| it.aud.into_value());
        Continuity {
            issuer: self.issuer().to_owned(),
            subject: self.subject().to_owned(),
            audience: audience
                .iter()
                .flat_map(Audience::iter)
                .map(str::to_owned)
                .collect(),
            authorized_party: self
                .text(self.kept.authorized_party.as_ref())
                .map(str::to_owned),
            auth_time: self.kept.auth_time,
            issued_at: self.kept.issued_at,
            nonce: self.text(self.kept.nonce.as_ref()).map(Nonce::new),
        }
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
        self.fhir_user_with(&FhirUserPolicy::new(base.clone()))
    }

    /// The same, where the resource may also lie under the other bases of a policy.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`]. The identity stays valid.
    pub fn fhir_user_with(
        &self,
        policy: &FhirUserPolicy,
    ) -> Result<Option<FhirUser>, FhirUserError> {
        match &self.kept.fhir_user {
            Member::Value(claim) => {
                FhirUser::parse_with(claim.text(&self.payload), policy).map(Some)
            }
            Member::Absent => {
                let profile = self.text(self.kept.profile.as_ref());
                Ok(profile.and_then(|claim| FhirUser::parse_with(claim, policy).ok()))
            }
            Member::WrongType(_) => Err(FhirUserError::WrongType),
        }
    }

    /// The text that names the FHIR resource of the user, wherever the token has it.
    pub(crate) fn fhir_user_claim(&self) -> Option<&str> {
        match &self.kept.fhir_user {
            Member::Value(claim) => Some(claim.text(&self.payload)),
            Member::Absent => self.text(self.kept.profile.as_ref()),
            Member::WrongType(_) => None,
        }
    }

    /// All claims as a type of the caller's. There is no way to read them before the token is
    /// valid.
    ///
    /// # Errors
    ///
    /// [`JsonError::Structure`] where they do not fit.
    ///
    /// ```
    /// # use smart_oidc::IdToken;
    /// #[derive(serde::Deserialize)]
    /// struct Department {
    ///     department: Option<String>,
    /// }
    /// fn department(token: &IdToken) -> Option<String> {
    ///     token.claims::<Department>().ok()?.department
    /// }
    /// ```
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C, JsonError> {
        json::read_checked(&self.payload)
    }

    fn text<'t>(&'t self, place: Option<&'t Place>) -> Option<&'t str> {
        place.map(|it| it.text(&self.payload))
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
