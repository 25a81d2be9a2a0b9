//! The registration of an app with a server.

use super::authentication::ClientAuthentication;
use crate::quirks::Quirks;
use crate::value::{ClientId, RedirectUri};

/// The registration of an app, and what it asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The id of the registration.
    pub client_id: ClientId,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// The scopes to ask for, each one word.
    pub scopes: Vec<String>,
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
        let scopes = ["openid", "fhirUser"].map(str::to_owned).into();
        Self {
            client_id,
            redirect_uri,
            scopes,
            authentication,
            quirks: Quirks::default(),
        }
    }

    /// Asks for one scope more; one that is there already is not repeated.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
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
