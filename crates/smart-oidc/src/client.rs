//! How the app is registered with a server.

use crate::value::{ClientId, RedirectUri};

/// The registration of a public client, and what it asks for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The id of the registration.
    pub client_id: ClientId,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// The scopes to ask for, each one word.
    pub scopes: Vec<String>,
}

impl ClientConfig {
    /// A public client that asks who the user is: `openid fhirUser`.
    #[must_use]
    pub fn public(client_id: ClientId, redirect_uri: RedirectUri) -> Self {
        let scopes = ["openid", "fhirUser"].map(str::to_owned).into();
        Self {
            client_id,
            redirect_uri,
            scopes,
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
}
