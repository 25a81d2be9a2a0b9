//! Loading a profile, and reading the user's resource from the FHIR server.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use smart_discovery::{FhirBaseUrl, HttpClient};
use smart_jose::{Text, json};

use super::resource::{UserResource, Wire};
use super::source::{ProfileSource, ReadError};
use super::user::{ProfileError, UserProfile};
use crate::fhir_user::{FhirUser, FhirUserError};
use crate::id_token::IdToken;
use crate::value::AccessToken;

/// Longer resources are refused, in octets.
const LIMIT: usize = 256 * 1024;

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
