//! Asking the endpoint.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, header};
use smart_discovery::{EndpointUrl, HttpClient, TrustedIssuer};
use smart_jose::{Text, UnixTime};

use super::error::UserInfoError;
use super::response::{self, Answer, UserInfo};
use crate::id_token::{IdToken, IdTokenVerifier};
use crate::telemetry;
use crate::value::{AccessToken, RawIdToken};

/// Asks one issuer for claims about users who have signed in with it.
///
/// ```
/// use std::sync::Arc;
/// use smart_oidc::discovery::{HttpClient, TrustedIssuer};
/// use smart_oidc::jose::UnixTime;
/// use smart_oidc::userinfo::{UserInfoClient, UserInfoError};
/// use smart_oidc::{AccessToken, IdToken, IdTokenVerifier};
///
/// #[derive(serde::Deserialize)]
/// struct Contact {
///     email: Option<String>,
/// }
///
/// async fn email(
///     http: Arc<dyn HttpClient>,
///     issuer: &TrustedIssuer,
///     verifier: IdTokenVerifier,
///     (id_token, access_token): (&IdToken, &AccessToken),
///     now: UnixTime,
/// ) -> Result<Option<String>, UserInfoError> {
///     let client = UserInfoClient::new(http, issuer, verifier)?;
///     let info = client.fetch(id_token, access_token, now).await?;
///     Ok(info.claims::<Contact>()?.email)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct UserInfoClient {
    http: Arc<dyn HttpClient>,
    endpoint: EndpointUrl,
    verifier: IdTokenVerifier,
    wants_signature: bool,
}

impl UserInfoClient {
    /// A client for the endpoint that the chain of trust led to. A signed answer is checked with
    /// the keys, the client id and the accepted algorithms of the verifier; what the issuer announces
    /// for its ID tokens does not narrow these.
    ///
    /// # Errors
    ///
    /// [`UserInfoError::NoEndpoint`], and [`UserInfoError::OtherIssuer`] where the verifier is for
    /// somebody else.
    pub fn new(
        http: Arc<dyn HttpClient>,
        issuer: &TrustedIssuer,
        verifier: IdTokenVerifier,
    ) -> Result<Self, UserInfoError> {
        same_issuer(&verifier, issuer.issuer().as_str())?;
        let endpoint = issuer.provider_metadata().userinfo_endpoint.clone();
        Ok(Self {
            http,
            endpoint: endpoint.ok_or(UserInfoError::NoEndpoint)?,
            verifier,
            wants_signature: false,
        })
    }

    /// Refuses answers that are not signed, for an app that is registered with
    /// `userinfo_signed_response_alg`.
    #[must_use]
    pub const fn requiring_signature(mut self) -> Self {
        self.wants_signature = true;
        self
    }

    /// Asks for the claims of the user of an ID token, with the access token that came with it.
    ///
    /// # Errors
    ///
    /// [`UserInfoError`]; the identity of the ID token stays valid.
    pub async fn fetch(
        &self,
        token: &IdToken,
        access_token: &AccessToken,
        now: UnixTime,
    ) -> Result<UserInfo, UserInfoError> {
        let result = self.ask(token, access_token, now).await;
        telemetry::judged("userinfo", result.as_ref().err().map(UserInfoError::code));
        result
    }

    async fn ask(
        &self,
        token: &IdToken,
        access_token: &AccessToken,
        now: UnixTime,
    ) -> Result<UserInfo, UserInfoError> {
        same_issuer(&self.verifier, token.issuer())?;
        let bearer = access_token.bearer().ok_or(UserInfoError::AccessToken)?;
        let request = Request::get(self.endpoint.as_str())
            .header(header::AUTHORIZATION, bearer)
            .header(header::ACCEPT, "application/json, application/jwt")
            .body(Bytes::new())
            .map_err(|_| UserInfoError::AccessToken)?;
        let answer = Answer::of(&self.http.send(request).await?)?;
        let raw = match answer {
            Answer::Plain(_) if self.wants_signature => return Err(UserInfoError::NotSigned),
            Answer::Plain(body) => return response::plain(&body, token),
            Answer::Signed(text) => RawIdToken::new(text),
        };
        let evidence = self.verifier.gather_unannounced(&raw).await;
        let (header, payload) = evidence.verified().map_err(UserInfoError::Token)?;
        response::signed(payload, header.typ(), token, self.verifier.rules(), now)
    }
}

fn same_issuer(verifier: &IdTokenVerifier, found: &str) -> Result<(), UserInfoError> {
    let expected = &verifier.rules().issuer;
    if **expected == *found {
        return Ok(());
    }
    Err(UserInfoError::OtherIssuer {
        expected: Text::new(expected),
        found: Text::new(found),
    })
}
