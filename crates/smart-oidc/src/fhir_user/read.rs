//! The read of a user's own resource: the only way on which an access token leaves for FHIR.

use core::fmt;

use bytes::Bytes;
use http::{Request, header};
use smart_discovery::FhirBaseUrl;

use super::kind::FhirUserType;
use super::reference::{Reference, ReferenceError};
use crate::value::AccessToken;

/// The read of one resource: where it goes, and with the access token or without.
///
/// Only [`FhirUser::read`](super::FhirUser::read) makes one, so its URL is a configured FHIR base,
/// a type and an id, and the token is along only where that base gets it. There is no way to give
/// it another URL, or to get the token out but in a finished request.
pub struct FhirRead<'t> {
    target: Reference,
    token: Option<&'t AccessToken>,
}

/// The access token holds a character that no header can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the access token holds a character that no header can carry")]
#[non_exhaustive]
pub struct UnfitToken;

impl UnfitToken {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "profile-access-token"
    }
}

impl<'t> FhirRead<'t> {
    pub(super) const fn new(target: Reference, token: Option<&'t AccessToken>) -> Self {
        Self { target, token }
    }

    /// The resource that is read.
    pub(crate) const fn target(&self) -> &Reference {
        &self.target
    }

    /// The type of the resource.
    #[must_use]
    pub const fn resource_type(&self) -> FhirUserType {
        self.target.resource_type
    }

    /// The id of the resource, unique on its server only. It can name a patient: do not log it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.target.id
    }

    /// The FHIR base that the resource is under.
    #[must_use]
    pub const fn base(&self) -> &FhirBaseUrl {
        &self.target.base
    }

    /// Whether the access token goes along.
    #[must_use]
    pub const fn has_access_token(&self) -> bool {
        self.token.is_some()
    }

    /// The request (FHIR, RESTful API, read; RFC 6750 2.1). Whoever sends it must follow no
    /// redirect: what it carries is for this one URL.
    ///
    /// # Errors
    ///
    /// [`UnfitToken`].
    pub fn request(&self) -> Result<Request<Bytes>, UnfitToken> {
        let mut request = Request::get(self.target.url()).header(
            header::ACCEPT,
            "application/fhir+json, application/json;q=0.9",
        );
        if let Some(token) = self.token {
            request = request.header(header::AUTHORIZATION, token.bearer().ok_or(UnfitToken)?);
        }
        // The base was checked when it was made, so nothing but the token can be unfit.
        request.body(Bytes::new()).map_err(|_| UnfitToken)
    }

    /// The read of another resource on the same server, under the same rule (policy of the base).
    pub(crate) fn follow(&self, reference: &str) -> Result<Self, ReferenceError> {
        let target = Reference::parse_current(reference, &self.target.base)?;
        Ok(Self::new(target, self.token))
    }
}

impl fmt::Debug for FhirRead<'_> {
    /// Shows the type and neither the id, which can name a patient, nor the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FhirRead")
            .field("resource_type", &self.target.resource_type)
            .field("has_access_token", &self.has_access_token())
            .finish_non_exhaustive()
    }
}
