//! A client that has proven who it is, or that has nothing to prove.

use core::fmt;

use crate::value::ClientId;

/// How a client authenticates, by the registered names of RFC 7591 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthenticationMethod {
    /// Not at all: a public client, which says who it is and proves nothing.
    None,
    /// With a secret in the header `Authorization` (RFC 6749 2.3.1).
    ClientSecretBasic,
    /// With a secret in the form (RFC 6749 2.3.1).
    ClientSecretPost,
    /// With a signed assertion (RFC 7523; SMART App Launch 2.2, asymmetric authentication).
    PrivateKeyJwt,
}

impl AuthenticationMethod {
    /// The name, as `token_endpoint_auth_methods_supported` lists it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
}

impl fmt::Display for AuthenticationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The client of a request, after its registration was asked. Only [`super::Credentials::authenticate`]
/// and [`super::ClientAssertionVerifier::verify`] make one, and codes and refresh tokens are redeemed
/// by no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedClient {
    client_id: ClientId,
    method: AuthenticationMethod,
}

impl AuthenticatedClient {
    /// What was checked, as a value.
    pub(super) const fn assertion(client_id: ClientId, method: AuthenticationMethod) -> Self {
        Self { client_id, method }
    }

    /// The client.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// How it has proven that.
    #[must_use]
    pub const fn method(&self) -> AuthenticationMethod {
        self.method
    }

    /// Whether it is a public client, which has proven nothing.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.method == AuthenticationMethod::None
    }
}
