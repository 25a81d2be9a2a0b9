//! What a successful answer of the token endpoint holds.

use core::fmt;
use core::time::Duration;

use serde_json::{Map, Value};
use smart_discovery::Finding;

use crate::launch_context::LaunchContext;
use crate::scope::Scopes;
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// A successful answer of the token endpoint (SMART App Launch 2.2, Obtain access token;
/// RFC 6749 5.1).
///
/// It is read by the kind of request that it answers: [`TokenResponse::of_launch`],
/// [`TokenResponse::of_refresh`] or [`TokenResponse::of_client_credentials`].
///
/// `Debug` shows no token and nothing that names a patient.
#[non_exhaustive]
pub struct TokenResponse {
    /// Opens the FHIR server.
    pub access_token: AccessToken,
    /// How long it does so, if the server says.
    pub expires_in: Option<Duration>,
    /// What was granted; it may be less than was asked for, other scopes, or none.
    pub scopes: Scopes,
    /// The ID token, not checked yet.
    pub id_token: Option<RawIdToken>,
    /// Gets the next access token. A refresh that brings none leaves the one before in use.
    pub refresh_token: Option<RefreshToken>,
    /// The patient and whatever else is in context. Of a refresh it has what the server repeats;
    /// [`LaunchContext::merge`] puts it over what was there.
    pub context: LaunchContext,
    /// Every other member, as it was found. `authorization_details` is here too: it is
    /// experimental, and an entry of the type `smart_on_fhir` in it can hold scopes and a context
    /// for one FHIR server among several (SMART App Launch 2.2, Authorization Details for Multiple
    /// Servers). Nothing here acts by it.
    pub extra: Map<String, Value>,
    /// What is not as it should be and was tolerated.
    pub findings: Vec<Finding>,
}

impl TokenResponse {
    /// Whether this very scope was granted; case matters. For scopes on resources ask
    /// [`Scopes::allows`], since they can be written in several ways.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.has(scope)
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .field("has_id_token", &self.id_token.is_some())
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("context", &self.context)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}
