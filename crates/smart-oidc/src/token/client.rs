//! The exchange itself.

use core::fmt;
use std::sync::Arc;

use smart_discovery::{HttpClient, TransportError};
use smart_jose::ErrorClass;

use super::request;
use super::response::{TokenResponse, TokenResponseError};
use crate::authorize::{AuthorizedLaunch, LaunchIdentity};
use crate::telemetry;
use crate::value::{AuthorizationCode, Nonce};

/// Talks to token endpoints.
#[derive(Clone, Debug)]
pub struct TokenClient {
    http: Arc<dyn HttpClient>,
}

/// A launch whose code is spent. It holds what the ID token must answer to, so that the nonce
/// cannot be forgotten.
pub struct ExchangedLaunch {
    context: LaunchIdentity,
    nonce: Nonce,
    code: AuthorizationCode,
}

impl ExchangedLaunch {
    /// Who takes part.
    #[must_use]
    pub const fn context(&self) -> &LaunchIdentity {
        &self.context
    }

    /// The same by value: nothing else of the launch is needed any more.
    pub(crate) fn into_context(self) -> LaunchIdentity {
        self.context
    }

    /// The nonce that was sent.
    #[must_use]
    pub const fn nonce(&self) -> &Nonce {
        &self.nonce
    }

    /// The code that was spent, for `c_hash`.
    #[must_use]
    pub const fn code(&self) -> &AuthorizationCode {
        &self.code
    }
}

impl fmt::Debug for ExchangedLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangedLaunch")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// Why no tokens came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The answer is no success.
    #[error(transparent)]
    Response(#[from] TokenResponseError),
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl TokenError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Response(error) => error.code(),
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Response(error) => error.class(),
            Self::Transport(error) => error.class(),
        }
    }
}

impl TokenClient {
    /// A token client over this HTTP client.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }

    /// Exchanges the code.
    ///
    /// # Errors
    ///
    /// [`TokenError`]; the code is spent either way.
    pub async fn exchange(
        &self,
        launch: AuthorizedLaunch,
    ) -> Result<(TokenResponse, ExchangedLaunch), TokenError> {
        let result = self.spend(launch).await;
        telemetry::judged(
            "token-response",
            result.as_ref().err().map(TokenError::code),
        );
        result
    }

    async fn spend(
        &self,
        launch: AuthorizedLaunch,
    ) -> Result<(TokenResponse, ExchangedLaunch), TokenError> {
        let request = request::authorization_code(&launch);
        let AuthorizedLaunch {
            context,
            code,
            nonce,
            verifier: _,
        } = launch;
        let response = self.http.send(request).await?;
        let tokens = TokenResponse::of_launch(&response, &context.scopes)?;
        Ok((
            tokens,
            ExchangedLaunch {
                context,
                nonce,
                code,
            },
        ))
    }
}
