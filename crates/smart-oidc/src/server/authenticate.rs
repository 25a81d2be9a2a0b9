//! The registration of a client against what it presents.

use smart_jose::{ErrorClass, Secret, Text, UnixTime};

use super::assertion::{AssertionError, ClientAssertionVerifier, ClientKeys};
use super::authenticated::{AuthenticatedClient, AuthenticationMethod};
use super::credentials::{Credentials, Presented};
use super::refusal::Refusal;

/// How a client is registered to authenticate: one method, and what it is checked with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientRegistration {
    /// A public client: it proves nothing, and must not present anything.
    Public,
    /// With this secret, in the header.
    SecretBasic(Secret<String>),
    /// With this secret, in the form.
    SecretPost(Secret<String>),
    /// With an assertion signed by one of these keys.
    PrivateKeyJwt(ClientKeys),
}

impl ClientRegistration {
    /// The method.
    #[must_use]
    pub const fn method(&self) -> AuthenticationMethod {
        match self {
            Self::Public => AuthenticationMethod::None,
            Self::SecretBasic(_) => AuthenticationMethod::ClientSecretBasic,
            Self::SecretPost(_) => AuthenticationMethod::ClientSecretPost,
            Self::PrivateKeyJwt(_) => AuthenticationMethod::PrivateKeyJwt,
        }
    }
}

impl Credentials {
    /// Judges what was presented by the registration of [`Credentials::client_id`], as
    /// [`Credentials::registration`] finds it; `None` where there is no such client.
    ///
    /// # Errors
    ///
    /// [`AuthenticationError`]: for the client `invalid_client`, or `server_error` where nobody was able
    /// to judge its assertion.
    pub async fn authenticate(
        &self,
        registration: Option<&ClientRegistration>,
        assertions: &ClientAssertionVerifier,
        now: UnixTime,
    ) -> Result<AuthenticatedClient, AuthenticationError> {
        let client_id = self.client_id();
        let named = || Text::new(client_id.as_str());
        let registration = registration
            .ok_or_else(|| AuthenticationError::UnknownClient { client_id: named() })?;
        let proven = || AuthenticatedClient::assertion(client_id.clone(), self.method());
        match (registration, &self.presented) {
            (ClientRegistration::Public, Presented::Nothing) => Ok(proven()),
            (ClientRegistration::SecretBasic(registered), Presented::Basic(secret))
            | (ClientRegistration::SecretPost(registered), Presented::Post(secret)) => {
                // No empty secret is ever presented, so a registration without one is nobody's.
                if !secret.is(registered) {
                    return Err(AuthenticationError::Secret { client_id: named() });
                }
                Ok(proven())
            }
            (ClientRegistration::PrivateKeyJwt(keys), Presented::Assertion(assertion)) => {
                Ok(assertions.verify(assertion, client_id, keys, now).await?)
            }
            _ => Err(AuthenticationError::Method {
                client_id: named(),
                registered: registration.method(),
                presented: self.method(),
            }),
        }
    }
}

/// Why a client is not the one it says it is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The assertion is refused.
    #[error(transparent)]
    Assertion(#[from] AssertionError),
    /// The client is registered with another method.
    #[error("the client {client_id} is registered with {registered} and presents {presented}")]
    Method {
        /// The client.
        client_id: Text,
        /// The method of the registration.
        registered: AuthenticationMethod,
        /// The method of the request.
        presented: AuthenticationMethod,
    },
    /// The secret is another one.
    #[error("the secret is not the one of the client {client_id}")]
    Secret {
        /// The client.
        client_id: Text,
    },
    /// Nobody is registered under this id.
    #[error("no client {client_id} is registered")]
    UnknownClient {
        /// The id.
        client_id: Text,
    },
}

impl AuthenticationError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Assertion(error) => error.code(),
            Self::Method { .. } => "client-method",
            Self::Secret { .. } => "client-secret",
            Self::UnknownClient { .. } => "client-unknown",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Assertion(error) => error.class(),
            Self::Method { .. } | Self::Secret { .. } | Self::UnknownClient { .. } => {
                ErrorClass::InvalidToken
            }
        }
    }

    /// What the client is told: `invalid_client` (RFC 6749 5.2), or `server_error` where nobody was
    /// able to judge its assertion.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Assertion(error) => error.refusal(),
            Self::Method { .. } | Self::Secret { .. } | Self::UnknownClient { .. } => {
                Refusal::InvalidClient
            }
        }
    }
}
