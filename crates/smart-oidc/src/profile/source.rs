//! Where the user's resource comes from.

use core::fmt::Debug;

use async_trait::async_trait;
use smart_jose::UnixTime;

use super::read_error::ReadError;
use super::resource::UserResource;
use crate::fhir_user::FhirRead;

/// Knows more of a user than the token does.
///
/// An implementation is given the read and not the bare access token: [`FhirRead::request`] makes the
/// one request that may carry it, to the one place where it may go, and whoever sends that must
/// follow no redirect. [`UserResource::parse`] reads the answer. An implementation that knows its
/// users from elsewhere looks them up by [`FhirRead::base`], [`FhirRead::resource_type`] and
/// [`FhirRead::id`], and makes no request. Failing is safe: the identity stays usable.
#[async_trait]
pub trait ProfileSource: Debug + Send + Sync {
    /// The resource of a user, as it is at `now`.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn resource(&self, read: &FhirRead<'_>, now: UnixTime)
    -> Result<UserResource, ReadError>;
}
