//! Who a client is, and what it adds to one request to prove it.

use core::fmt;

use http::HeaderValue;
use smart_discovery::Finding;
use smart_jose::{CryptoProvider, Secret, UnixTime};

use super::authentication::ClientAuthentication;
use super::basic;
use super::error::ClientAuthenticationError;
use super::server::{AuthorizationServer, Endpoint};
use crate::quirks::Quirks;
use crate::telemetry;
use crate::value::ClientId;

/// RFC 7523 2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client and how it authenticates.
#[derive(Clone)]
pub(crate) struct Authenticator {
    pub(crate) client_id: ClientId,
    pub(crate) authentication: ClientAuthentication,
    pub(crate) quirks: Quirks,
    pub(crate) provider: CryptoProvider,
}

/// What goes with one request and no other.
#[derive(Default)]
pub(crate) struct Credentials {
    /// The `Authorization` header.
    pub(crate) header: Option<HeaderValue>,
    /// Parameters of the body.
    pub(crate) parameters: Vec<(&'static str, Secret<String>)>,
    /// What was done otherwise than the standards say.
    pub(crate) findings: Vec<Finding>,
}

impl Authenticator {
    /// Credentials for one request to this endpoint of a server. An assertion is made anew each
    /// time.
    pub(crate) async fn credentials(
        &self,
        server: &AuthorizationServer,
        endpoint: &Endpoint,
        now: UnixTime,
    ) -> Result<Credentials, ClientAuthenticationError> {
        self.authentication.check()?;
        let mut credentials = Credentials::default();
        match &self.authentication {
            ClientAuthentication::Public => credentials.name(&self.client_id),
            ClientAuthentication::ClientSecretPost(secret) => {
                credentials.name(&self.client_id);
                let secret = Secret::new(secret.expose_secret().to_owned());
                credentials.parameters.push(("client_secret", secret));
            }
            ClientAuthentication::ClientSecretBasic(secret) => {
                let is_raw = self.quirks.raw_basic_credentials;
                let (header, differs) = basic::header(&self.client_id, secret, is_raw)?;
                credentials.header = Some(header);
                if differs {
                    credentials.bite(
                        "raw-basic-credentials",
                        "id and secret are joined as they are, not form-encoded",
                        "ask the server's operator to decode Basic credentials (RFC 6749 2.3.1)",
                    );
                }
                self.repeat_name(&mut credentials);
            }
            ClientAuthentication::PrivateKeyJwt(signer) => {
                let audience = server.audience(endpoint, signer.audience())?;
                let draft = signer.draft(&self.client_id, audience, &self.provider, now)?;
                let signature = signer.key().sign(draft.message()).await;
                let signature = signature.map_err(smart_jose::jws::SignError::from)?;
                let assertion = signer.finish(draft, &signature)?;
                let kind = Secret::new(JWT_BEARER.to_owned());
                credentials.parameters.push(("client_assertion_type", kind));
                credentials.parameters.push(("client_assertion", assertion));
                self.repeat_name(&mut credentials);
            }
        }
        Ok(credentials)
    }

    fn repeat_name(&self, credentials: &mut Credentials) {
        if self.quirks.client_id_with_basic {
            credentials.name(&self.client_id);
            credentials.bite(
                "client-id-with-basic",
                "client_id is repeated in the body",
                "ask the server's operator to read the client from its credentials alone",
            );
        }
    }
}

impl Credentials {
    fn name(&mut self, client_id: &ClientId) {
        let client_id = Secret::new(client_id.as_str().to_owned());
        self.parameters.push(("client_id", client_id));
    }

    fn bite(&mut self, quirk: &'static str, found: &'static str, remedy: &'static str) {
        telemetry::relaxed(quirk);
        self.findings.push(Finding::new(quirk, found, remedy));
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("client_id", &self.client_id)
            .field("authentication", &self.authentication)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}
