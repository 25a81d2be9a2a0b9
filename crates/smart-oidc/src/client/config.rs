//! The registration of an app with a server.

use super::authentication::ClientAuthentication;
use crate::quirks::Quirks;
use crate::scope::Scopes;
use crate::value::{ClientId, RedirectUri};

/// The registration of an app, and what it asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The id of the registration.
    pub client_id: ClientId,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// The scopes to ask for.
    pub scopes: Scopes,
    /// How the app proves who it is. Only the kinds that have a secret hold one.
    pub authentication: ClientAuthentication,
    /// What is done otherwise for this server's sake; nothing unless set.
    pub quirks: Quirks,
}

impl ClientConfig {
    /// A public client that asks who the user is: `openid fhirUser`.
    #[must_use]
    pub fn public(client_id: ClientId, redirect_uri: RedirectUri) -> Self {
        Self::confidential(client_id, redirect_uri, ClientAuthentication::Public)
    }

    /// A client that authenticates, and asks who the user is: `openid fhirUser`.
    ///
    /// ```
    /// use smart_oidc::{ClientAuthentication, ClientConfig, ClientId, ClientSecret, RedirectUri};
    /// let secret = ClientSecret::new("from your vault");
    /// let client = ClientConfig::confidential(
    ///     ClientId::new("growth-chart"),
    ///     RedirectUri::new("https://charts.example/callback"),
    ///     ClientAuthentication::ClientSecretBasic(secret),
    /// );
    /// assert!(!format!("{client:?}").contains("vault"));
    /// ```
    #[must_use]
    pub fn confidential(
        client_id: ClientId,
        redirect_uri: RedirectUri,
        authentication: ClientAuthentication,
    ) -> Self {
        let scopes = Scopes::parse("openid fhirUser");
        Self {
            client_id,
            redirect_uri,
            scopes,
            authentication,
            quirks: Quirks::default(),
        }
    }

    /// Asks for one scope more, or for several with spaces between them; one that is there already
    /// is not repeated.
    #[must_use]
    pub fn with_scope(mut self, scope: impl AsRef<str>) -> Self {
        for word in scope.as_ref().split_ascii_whitespace() {
            if !self.scopes.has(word) {
                self.scopes = [self.scopes.as_str(), word].into_iter().collect();
            }
        }
        self
    }

    /// Does these things otherwise for this server's sake.
    #[must_use]
    pub const fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }
}
