//! Loading a profile, and reading the user's resource from the FHIR server.

use std::sync::Arc;

use async_trait::async_trait;
use smart_discovery::HttpClient;
use smart_jose::UnixTime;

use super::answer;
use super::draft::Draft;
use super::read_error::ReadError;
use super::request::ProfileRequest;
use super::resource::{MAX_RESOURCE_OCTETS, UserResource};
use super::source::ProfileSource;
use super::user::{ProfileError, UserProfile};
use super::wire::Wire;
use crate::fhir_user::FhirRead;
use crate::telemetry;

impl UserProfile {
    /// Loads the profile of a valid ID token, or of a session that began with one, as it is at
    /// `now`.
    ///
    /// There is always a profile. Where the user's resource cannot be had, it says why
    /// ([`UserProfile::resource`]), and issuer and subject are as good as before.
    pub async fn load(
        request: &ProfileRequest<'_>,
        source: &dyn ProfileSource,
        now: UnixTime,
    ) -> Self {
        let user = request.fhir_user();
        let resource = match &user {
            Ok(user) => {
                let read = user.read(request.access_token);
                source.resource(&read, now).await.map_err(Into::into)
            }
            Err(error) => Err(error.clone()),
        };
        telemetry::judged("profile", resource.as_ref().err().map(ProfileError::code));
        let (key, name) = (request.user_key(), request.name());
        Self::of(key, name, request.language(), user.ok(), resource)
    }
}

/// The FHIR server as the source of profiles.
///
/// Of a PractitionerRole the Practitioner is read too, if it lies on the same server; no other
/// reference is followed, and neither is a redirect. A read is never tried again.
#[derive(Clone, Debug)]
pub struct FhirProfileSource {
    http: Arc<dyn HttpClient>,
    limit: usize,
}

impl FhirProfileSource {
    /// Reads over this client, which must not follow redirects.
    ///
    /// A client may have a limit of its own: `ReqwestClient` takes bodies of 256 KiB unless its
    /// `body_limit` is set, say to [`MAX_RESOURCE_OCTETS`].
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self {
            http,
            limit: MAX_RESOURCE_OCTETS,
        }
    }

    /// Refuses resources that are longer than this, in octets; [`MAX_RESOURCE_OCTETS`] unless set.
    #[must_use]
    pub const fn with_limit(mut self, octets: usize) -> Self {
        self.limit = octets;
        self
    }

    async fn fetch(&self, read: &FhirRead<'_>) -> Result<Wire, ReadError> {
        let response = self.http.send(read.request()?).await?;
        answer::wire(read, &response, self.limit)
    }
}

#[async_trait]
impl ProfileSource for FhirProfileSource {
    async fn resource(
        &self,
        read: &FhirRead<'_>,
        now: UnixTime,
    ) -> Result<UserResource, ReadError> {
        let wire = self.fetch(read).await?;
        let mut draft = Draft::new(&wire, read.target().resource_type, now);
        if let Some(next) = draft.next(read) {
            let practitioner = self.fetch(&next).await;
            draft.join(practitioner.as_ref().map_err(Clone::clone));
        }
        Ok(draft.finish())
    }
}
