//! The credentials that a client sends, caught on their way: there is no other way to see them.

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use smart_oidc::discovery::{
    FhirBaseUrl, HttpClient, PlainHttp, SmartConfiguration, TransportError,
};
use smart_oidc::jose::{CryptoProvider, UnixTime};
use smart_oidc::{
    AccessToken, AuthorizationServer, ClientAuthentication, ClientId, ClientSecret, TokenClient,
};

/// Keeps the `Authorization` header and answers at once.
#[derive(Debug, Default)]
struct Catch(Mutex<String>);

#[async_trait]
impl HttpClient for Catch {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let header = request.headers()["authorization"].to_str().unwrap();
        header.clone_into(&mut self.0.lock().unwrap());
        Ok(Response::new(Bytes::new()))
    }
}

/// What stands behind `Basic ` in the request of this client.
#[must_use]
pub fn basic(client_id: String, secret: String, provider: &CryptoProvider) -> String {
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let document = r#"{"token_endpoint": "token", "revocation_endpoint": "revoke"}"#;
    let document = Response::new(Bytes::from(document));
    let smart = SmartConfiguration::from_response(&base, &document, PlainHttp::Refused).unwrap();
    let server = AuthorizationServer::of_fhir_server(&smart);
    let (caught, token) = (Arc::new(Catch::default()), AccessToken::new("any"));
    let client = TokenClient::without_launch(
        ClientId::new(client_id),
        ClientAuthentication::ClientSecretBasic(ClientSecret::new(secret)),
        caught.clone(),
        provider,
    );
    let revoked = client.revoke_access_token(&server, &token, UnixTime::from_secs(0));
    let revoked = pin!(revoked).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(revoked, Poll::Ready(Ok(()))));
    let header = caught.0.lock().unwrap();
    header.strip_prefix("Basic ").unwrap().to_owned()
}
