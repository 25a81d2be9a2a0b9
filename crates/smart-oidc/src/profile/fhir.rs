//! Reading the user's resource from the FHIR server.

use core::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use smart_discovery::{HttpClient, TransportError};
use smart_jose::json::{self, JsonError};
use smart_jose::{ErrorClass, Text};

use super::resource::{UserResource, Wire};
use crate::fhir_user::FhirUser;
use crate::value::AccessToken;

/// Longer resources are refused, in octets.
const LIMIT: usize = 256 * 1024;

/// Knows more of a user than the token does.
///
/// An implementation must use the access token for the user's own resource under the FHIR base
/// and for nothing else. Failing is safe: the identity stays usable.
#[async_trait]
pub trait ProfileSource: Debug + Send + Sync {
    /// The resource of a user.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    async fn resource(
        &self,
        user: &FhirUser,
        token: &AccessToken,
    ) -> Result<UserResource, ReadError>;
}

/// Why a user's resource could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The access token cannot stand in a header.
    #[error("the access token holds a character that no header can carry")]
    AccessToken,
    /// The answer is no strict JSON resource.
    #[error("the answer is no FHIR resource: {0}")]
    Json(#[from] JsonError),
    /// The answer is another resource than the one that was asked for.
    #[error("the server answers with {found} where {expected} was asked for")]
    OtherResource {
        /// The type that was asked for.
        expected: &'static str,
        /// The type that came, with another id if the types are equal.
        found: Text,
    },
    /// The server does not let the app read the resource.
    #[error("the server answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ReadError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AccessToken => "profile-access-token",
            Self::Json(_) => "profile-json",
            Self::OtherResource { .. } => "profile-other-resource",
            Self::Status { .. } => "profile-status",
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Transport(error) => error.class(),
            _ => ErrorClass::Upstream,
        }
    }
}

/// The FHIR server as the source of profiles.
#[derive(Clone, Debug)]
pub struct FhirProfileSource {
    http: Arc<dyn HttpClient>,
}

impl FhirProfileSource {
    /// Reads over this client, which must not follow redirects.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }
}

#[async_trait]
impl ProfileSource for FhirProfileSource {
    async fn resource(
        &self,
        user: &FhirUser,
        token: &AccessToken,
    ) -> Result<UserResource, ReadError> {
        let response = self.http.send(request(user, token)?).await?;
        read(user, &response)
    }
}

/// The read of a user's own resource (FHIR, RESTful API, read).
fn request(user: &FhirUser, token: &AccessToken) -> Result<Request<Bytes>, ReadError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| ReadError::AccessToken)?;
    bearer.set_sensitive(true);
    Request::get(user.url())
        .header(header::AUTHORIZATION, bearer)
        .header(
            header::ACCEPT,
            "application/fhir+json, application/json;q=0.9",
        )
        .body(Bytes::new())
        .map_err(|_| ReadError::AccessToken)
}

/// Checks that the answer is the resource that was asked for.
fn read(user: &FhirUser, response: &Response<Bytes>) -> Result<UserResource, ReadError> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(ReadError::Status {
            status: status.as_u16(),
        });
    }
    let wire: Wire = json::read_object(response.body(), LIMIT)?;
    let expected = user.resource_type().name();
    if wire.resource_type.as_deref() != Some(expected) {
        let found = Text::new(wire.resource_type.as_deref().unwrap_or("no resource"));
        return Err(ReadError::OtherResource { expected, found });
    }
    if wire.id.as_deref() != Some(user.id()) {
        let found = Text::new(&format!("another {expected}"));
        return Err(ReadError::OtherResource { expected, found });
    }
    Ok(wire.into_resource())
}

#[cfg(test)]
mod tests {
    use super::*;
    use smart_discovery::FhirBaseUrl;

    fn user() -> FhirUser {
        let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
        FhirUser::parse("Practitioner/1", &base).unwrap()
    }

    // covers: SMART-USR-1
    #[test]
    fn the_request_goes_to_the_base_with_the_access_token() {
        let request = request(&user(), &AccessToken::new("at.1")).unwrap();
        assert_eq!(request.uri(), "https://ehr.example/fhir/Practitioner/1");
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer at.1");
        assert!(request.headers()[header::AUTHORIZATION].is_sensitive());
        assert!(super::request(&user(), &AccessToken::new("a\r\nHost: evil")).is_err());
    }

    // covers: SMART-USR-5, SMART-USR-10, SMART-USR-11
    #[test]
    fn only_the_resource_that_was_asked_for_is_read() {
        let check = |status: u16, body: &str| {
            let response = Response::builder()
                .status(status)
                .body(Bytes::from(body.to_owned()))
                .unwrap();
            read(&user(), &response)
                .map(drop)
                .map_err(|error| error.code())
        };
        assert_eq!(
            check(200, r#"{"resourceType":"Practitioner","id":"1"}"#),
            Ok(())
        );
        for (status, body, code) in [
            (
                200,
                r#"{"resourceType":"Practitioner","id":"2"}"#,
                "profile-other-resource",
            ),
            (
                200,
                r#"{"resourceType":"Practitioner"}"#,
                "profile-other-resource",
            ),
            (
                200,
                r#"{"resourceType":"OperationOutcome"}"#,
                "profile-other-resource",
            ),
            (200, r#"{"id":"1"}"#, "profile-other-resource"),
            (200, "<html>", "profile-json"),
            (
                200,
                r#"{"resourceType":"Practitioner","id":"1","id":"2"}"#,
                "profile-json",
            ),
            (401, "", "profile-status"),
            (403, "", "profile-status"),
            (404, "", "profile-status"),
            (302, "", "profile-status"),
            (500, "", "profile-status"),
        ] {
            assert_eq!(check(status, body), Err(code), "{status} {body}");
        }
    }
}
