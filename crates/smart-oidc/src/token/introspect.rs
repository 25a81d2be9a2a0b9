//! Asking a server what a token is (RFC 7662 2.1).

use smart_jose::UnixTime;

use super::client::TokenClient;
use super::introspection::Introspection;
use super::introspection_error::IntrospectionError;
use super::request;
use crate::client::{AuthorizationServer, Credentials, Endpoint};
use crate::telemetry;
use crate::value::AccessToken;

impl TokenClient {
    /// Asks what an access token is, for a resource server that cannot read it by itself. The
    /// client authenticates as at the token endpoint. Then ask the answer whether the token is for you
    /// ([`ActiveToken::is_for`](super::ActiveToken::is_for)).
    ///
    /// # Errors
    ///
    /// [`IntrospectionError`]: then let nobody in.
    pub async fn introspect(
        &self,
        server: &AuthorizationServer,
        token: &AccessToken,
        now: UnixTime,
    ) -> Result<Introspection, IntrospectionError> {
        let result = match endpoint_of(server) {
            Err(error) => Err(error),
            Ok(endpoint) => {
                let credentials = self.client.credentials(server, endpoint, now).await;
                match credentials {
                    Err(error) => Err(error.into()),
                    Ok(credentials) => self.ask(endpoint, token, &credentials, now).await,
                }
            }
        };
        told(result)
    }

    /// The same with an access token of the caller's own in the place of client credentials, which
    /// servers that protect the endpoint accept (SMART App Launch 2.2, Token Introspection). It
    /// must have been issued by this server: it goes there and nowhere else.
    ///
    /// # Errors
    ///
    /// [`IntrospectionError`]: then let nobody in.
    pub async fn introspect_with_bearer(
        &self,
        server: &AuthorizationServer,
        token: &AccessToken,
        callers: &AccessToken,
        now: UnixTime,
    ) -> Result<Introspection, IntrospectionError> {
        let result = match (endpoint_of(server), callers.bearer()) {
            (Err(error), _) => Err(error),
            (_, None) => Err(IntrospectionError::Bearer),
            (Ok(endpoint), bearer) => {
                let credentials = Credentials {
                    header: bearer,
                    ..Credentials::default()
                };
                self.ask(endpoint, token, &credentials, now).await
            }
        };
        told(result)
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        token: &AccessToken,
        credentials: &Credentials,
        now: UnixTime,
    ) -> Result<Introspection, IntrospectionError> {
        let token = token.expose_secret();
        let request = request::about_token(&endpoint.url, token, "access_token", credentials);
        let response = self.http.send(request).await?;
        Introspection::from_response(&response, now)
    }
}

fn endpoint_of(server: &AuthorizationServer) -> Result<&Endpoint, IntrospectionError> {
    server.introspection().ok_or(IntrospectionError::NoEndpoint)
}

fn told(
    result: Result<Introspection, IntrospectionError>,
) -> Result<Introspection, IntrospectionError> {
    let code = result.as_ref().err().map(IntrospectionError::code);
    telemetry::judged("introspection", code);
    result
}
