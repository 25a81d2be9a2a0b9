//! Why a request was not authenticated. Nothing has been sent then.

use smart_jose::crypto::RandomFailed;
use smart_jose::jws::SignError;
use smart_jose::{Algorithm, ErrorClass, Text};

/// Why no request could be authenticated. It is found before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientAuthenticationError {
    /// The server lists other algorithms for assertions than the one of the key.
    #[error("assertions are signed with {algorithm}, the server announces {announced}")]
    AlgorithmNotAnnounced {
        /// The algorithm of the key.
        algorithm: Algorithm,
        /// What `token_endpoint_auth_signing_alg_values_supported` lists.
        announced: Text,
    },
    /// The audience is to be the issuer, and the issuer's own metadata does not name this endpoint:
    /// whoever runs it could use the assertion at the issuer's.
    #[error(
        "the issuer's own metadata does not name {endpoint}, so it gets no assertion for the issuer"
    )]
    AudienceNotVouched {
        /// The endpoint that the assertion would have gone to.
        endpoint: Text,
    },
    /// An id with a colon cannot be told from the secret unless both are encoded (RFC 7617 2).
    #[error("the client id has a colon, which raw Basic credentials cannot express")]
    ColonInClientId,
    /// The secret is empty, as when a setting was forgotten.
    #[error("the client secret is empty")]
    EmptySecret,
    /// The server lists other methods than the one of the client. What proves who the client is
    /// would leave for nothing.
    #[error("the client authenticates by {method}, the server announces {announced}")]
    MethodNotAnnounced {
        /// The method of the client.
        method: &'static str,
        /// What `token_endpoint_auth_methods_supported` lists.
        announced: Text,
    },
    /// Backend services authenticate with a key pair (SMART App Launch 2.2, Backend Services).
    #[error("a backend service authenticates by private_key_jwt, not by {method}")]
    NotForBackendServices {
        /// The method of the client.
        method: &'static str,
    },
    /// No random octets for `jti`.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key signed something else, or with another key than it says. The server would refuse
    /// it without saying why.
    #[error("the signature of the key does not verify with its own public half")]
    WrongSignature,
}

impl ClientAuthenticationError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAnnounced { .. } => "client-algorithm-not-announced",
            Self::AudienceNotVouched { .. } => "client-audience-not-vouched",
            Self::ColonInClientId => "client-id-colon",
            Self::EmptySecret => "client-secret-empty",
            Self::MethodNotAnnounced { .. } => "client-method-not-announced",
            Self::NotForBackendServices { .. } => "client-not-for-backend-services",
            Self::Random(error) => error.code(),
            Self::Sign(error) => error.code(),
            Self::WrongSignature => "client-wrong-signature",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Sign(error) => error.class(),
            Self::WrongSignature => ErrorClass::Upstream,
            _ => ErrorClass::Configuration,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAnnounced { .. } => {
                "register and use a key for an announced algorithm"
            }
            Self::AudienceNotVouched { .. } => {
                "use the audience TokenEndpoint, or ask the server's operator to name the endpoint in openid-configuration"
            }
            Self::ColonInClientId => "turn off raw_basic_credentials, or use another method",
            Self::EmptySecret => "look at where the secret comes from",
            Self::MethodNotAnnounced { .. } => {
                "register the app with an announced method, or ask the server's operator to announce the one it accepts"
            }
            Self::NotForBackendServices { .. } => "register a key pair",
            Self::Random(_) => "look at the operating system's generator",
            Self::Sign(_) | Self::WrongSignature => "look at the key, or the service that holds it",
        }
    }
}
