//! The ways in which a client authenticates, and whether a server announces the one that is used.

use smart_jose::Text;

use super::assertion::AssertionSigner;
use super::error::ClientAuthenticationError;
use crate::value::ClientSecret;

/// How a client proves at the token endpoint who it is (OpenID Connect Core 9). One request uses
/// one way.
///
/// A key pair is to be preferred to a secret (RFC 9700 2.5): nothing of it can be taken from a
/// request, from the server or from its backups.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// It does not: an app that cannot keep a secret. PKCE protects its code all the same.
    Public,
    /// `client_secret_basic`: the secret in the `Authorization` header (RFC 6749 2.3.1).
    ClientSecretBasic(ClientSecret),
    /// `client_secret_post`: the secret in the body, for servers that take it nowhere else.
    ClientSecretPost(ClientSecret),
    /// `private_key_jwt`: a signed assertion, made anew for each request (SMART App Launch 2.2,
    /// Asymmetric Authentication).
    PrivateKeyJwt(AssertionSigner),
}

impl ClientAuthentication {
    /// The registered name of the method (RFC 7591 2).
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Public => "none",
            Self::ClientSecretBasic(_) => "client_secret_basic",
            Self::ClientSecretPost(_) => "client_secret_post",
            Self::PrivateKeyJwt(_) => "private_key_jwt",
        }
    }

    /// How much one would rather use it than another.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Public => 0,
            Self::ClientSecretPost(_) => 1,
            Self::ClientSecretBasic(_) => 2,
            Self::PrivateKeyJwt(_) => 3,
        }
    }

    /// Refuses what cannot work with any server.
    pub(crate) fn check(&self) -> Result<(), ClientAuthenticationError> {
        match self {
            Self::ClientSecretBasic(secret) | Self::ClientSecretPost(secret)
                if secret.expose_secret().is_empty() =>
            {
                Err(ClientAuthenticationError::EmptySecret)
            }
            _ => Ok(()),
        }
    }

    /// Refuses a method or an algorithm that a server lists others than. A server that lists
    /// nothing is taken to know what it registered.
    pub(crate) fn check_announced(
        &self,
        methods: Option<&[String]>,
        algorithms: Option<&[String]>,
    ) -> Result<(), ClientAuthenticationError> {
        // A client that sends nothing secret loses nothing; and servers that take public clients
        // often leave `none` out.
        if matches!(self, Self::Public) {
            return Ok(());
        }
        let lacks = |list: Option<&[String]>, name: &str| {
            // An empty list says nothing either.
            list.filter(|list| !list.is_empty() && !list.iter().any(|it| it == name))
                .map(|list| Text::new(&list.join(" ")))
        };
        if let Some(announced) = lacks(methods, self.method()) {
            return Err(ClientAuthenticationError::MethodNotAnnounced {
                method: self.method(),
                announced,
            });
        }
        if let Self::PrivateKeyJwt(signer) = self {
            let algorithm = signer.algorithm();
            if let Some(announced) = lacks(algorithms, algorithm.name()) {
                return Err(ClientAuthenticationError::AlgorithmNotAnnounced {
                    algorithm,
                    announced,
                });
            }
        }
        Ok(())
    }
}
