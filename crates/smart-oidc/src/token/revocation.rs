//! Revocation (RFC 7009): telling the server that a token is not needed any more.

use http::StatusCode;
use smart_discovery::TransportError;
use smart_jose::{ErrorClass, Text};
use smart_jose::{UnixTime, json};

use super::client::TokenClient;
use super::request;
use crate::client::{AuthorizationServer, ClientAuthenticationError};
use crate::telemetry;
use crate::value::{AccessToken, RefreshToken};

/// Longer answers are not read, in octets.
const LIMIT: usize = 256 * 1024;

/// Why nobody knows that a token is revoked. Until it is, it opens what it opened before; forget
/// it all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationError {
    /// The request could not be authenticated.
    #[error(transparent)]
    Authentication(#[from] ClientAuthenticationError),
    /// The server announces no revocation endpoint.
    #[error("the server announces no revocation_endpoint")]
    NoEndpoint,
    /// The server refuses (RFC 7009 2.2.1).
    #[error("the revocation endpoint answers with status {status} and the error {}", error.as_ref().map_or_else(|| "of no name".to_owned(), Text::to_string))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code of the server, if it gives one.
        error: Option<Text>,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl RevocationError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Authentication(error) => error.code(),
            Self::NoEndpoint => "revocation-no-endpoint",
            Self::Refused { .. } => "revocation-refused",
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Authentication(error) => error.class(),
            Self::NoEndpoint | Self::Refused { .. } => ErrorClass::Upstream,
            Self::Transport(error) => error.class(),
        }
    }
}

#[derive(serde::Deserialize)]
struct WireError {
    error: Option<String>,
}

impl TokenClient {
    /// Revokes a refresh token; most servers then also end the access tokens that came of it. A
    /// token that the server does not know counts as revoked (RFC 7009 2.2).
    ///
    /// # Errors
    ///
    /// [`RevocationError`]. Trying again does no harm.
    pub async fn revoke_refresh_token(
        &self,
        server: &AuthorizationServer,
        token: &RefreshToken,
        now: UnixTime,
    ) -> Result<(), RevocationError> {
        let token = token.expose_secret();
        self.revoke(server, token, "refresh_token", now).await
    }

    /// Revokes an access token. Servers whose access tokens are read without asking them cannot do
    /// so, and refuse with `unsupported_token_type`.
    ///
    /// # Errors
    ///
    /// [`RevocationError`]. Trying again does no harm.
    pub async fn revoke_access_token(
        &self,
        server: &AuthorizationServer,
        token: &AccessToken,
        now: UnixTime,
    ) -> Result<(), RevocationError> {
        let token = token.expose_secret();
        self.revoke(server, token, "access_token", now).await
    }

    async fn revoke(
        &self,
        server: &AuthorizationServer,
        token: &str,
        hint: &'static str,
        now: UnixTime,
    ) -> Result<(), RevocationError> {
        let result = self.ask_to_revoke(server, token, hint, now).await;
        telemetry::judged(
            "revocation",
            result.as_ref().err().map(RevocationError::code),
        );
        result
    }

    async fn ask_to_revoke(
        &self,
        server: &AuthorizationServer,
        token: &str,
        hint: &'static str,
        now: UnixTime,
    ) -> Result<(), RevocationError> {
        let endpoint = server.revocation().ok_or(RevocationError::NoEndpoint)?;
        let credentials = self.client.credentials(server, endpoint, now);
        let request = request::about_token(&endpoint.url, token, hint, &credentials.await?);
        let response = self.http.send(request).await?;
        // 204 says the same in fewer words.
        if matches!(response.status(), StatusCode::OK | StatusCode::NO_CONTENT) {
            return Ok(());
        }
        let error = json::read_object::<WireError>(response.body(), LIMIT).ok();
        Err(RevocationError::Refused {
            status: response.status().as_u16(),
            error: error.and_then(|it| it.error).as_deref().map(Text::new),
        })
    }
}
