//! What is refused before the sandbox serves, or registers an app.

use core::net::SocketAddr;
use std::io;

use smart_discovery::UrlError;
use smart_jose::jwk::JwkSetError;

use crate::bounds::{MAX_CLIENTS, MAX_RESOURCES, MAX_USERS};
use crate::hostile::FaultError;
use crate::keys::KeysError;

/// Why the sandbox did not start, or did not register an app.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A backend service has no keys to authenticate with.
    #[error("the backend service {client_id:?} needs keys: with_jwks or with_jwks_uri")]
    BackendWithoutKeys {
        /// The service.
        client_id: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A client id is empty.
    #[error("a client_id is empty")]
    ClientId,
    /// A secret is empty.
    #[error("the secret of {client_id:?} is empty")]
    ClientSecret {
        /// The app.
        client_id: String,
    },
    /// The demo keys would be trusted over a network.
    #[error(
        "the sandbox on {address} can be reached from the network, and the private halves of the demo keys are \
         published with the source, so anybody could sign tokens: pass --signing-key FILE, or bind \
         to a loopback address"
    )]
    DemoKeysOnNetwork {
        /// The address.
        address: SocketAddr,
    },
    /// There are as many users and resources as can be held.
    #[error("no more than {MAX_USERS} users and {MAX_RESOURCES} resources can be held")]
    Full,
    /// The key set of an app cannot be read.
    #[error("the key set of {client_id:?}: {source}")]
    Jwks {
        /// The app.
        client_id: String,
        /// What is wrong with it.
        source: JwkSetError,
    },
    /// The address of an app's key set is none.
    #[error("the jwks_uri of {client_id:?}: {source}")]
    JwksUri {
        /// The app.
        client_id: String,
        /// What is wrong with it.
        source: UrlError,
    },
    /// A fault would change nothing.
    #[error(transparent)]
    Fault(#[from] FaultError),
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key set of an app has no key that can be used.
    #[error("the key set of {client_id:?} has no usable key")]
    NoClientKey {
        /// The app.
        client_id: String,
    },
    /// Nothing can read an app's key set.
    #[error("{client_id:?} has a jwks_uri, and no http_client is there to read it")]
    NoHttpClient {
        /// The app.
        client_id: String,
    },
    /// The keys are to change by themselves, and one cannot be followed by another.
    #[error("the keys cannot change by themselves: {0}")]
    Rotation(#[source] KeysError),
    /// The public URL is not one.
    #[error("the public URL must be http or https, without user information, query and fragment")]
    PublicUrl,
    /// A redirect URI cannot be registered.
    #[error(
        "{redirect_uri:?} of {client_id:?} is not an absolute URI without a fragment, of at most 2048 octets"
    )]
    RedirectUri {
        /// The app.
        client_id: String,
        /// What was registered.
        redirect_uri: String,
    },
    /// A resource cannot be served.
    #[error("a resource needs one of the types that are served, and an id")]
    Resource,
    /// There are as many apps as can be registered.
    #[error("no more than {} apps can be registered", MAX_CLIENTS)]
    TooManyClients,
    /// The user cannot be represented.
    #[error("the user cannot be signed in: {problem}")]
    User {
        /// What is wrong.
        problem: &'static str,
    },
}

impl StartError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BackendWithoutKeys { .. } => "sandbox-backend-without-keys",
            Self::Bind { .. } => "sandbox-bind",
            Self::ClientId => "sandbox-client-id",
            Self::ClientSecret { .. } => "sandbox-client-secret",
            Self::DemoKeysOnNetwork { .. } => "sandbox-demo-keys-on-network",
            Self::Fault(error) => error.code(),
            Self::Full => "sandbox-full",
            Self::Jwks { source, .. } => source.code(),
            Self::JwksUri { .. } => "sandbox-jwks-uri",
            Self::Keys(error) => error.code(),
            Self::NoClientKey { .. } => "sandbox-no-client-key",
            Self::NoHttpClient { .. } => "sandbox-no-http-client",
            Self::PublicUrl => "sandbox-public-url",
            Self::RedirectUri { .. } => "sandbox-redirect-uri",
            Self::Resource => "sandbox-resource",
            Self::Rotation(_) => "sandbox-rotation",
            Self::TooManyClients => "sandbox-too-many-clients",
            Self::User { .. } => "sandbox-user",
        }
    }
}
