//! How the app is registered with a server, and how it proves at the token endpoint who it is.

mod assertion;
mod authentication;
mod authenticator;
mod basic;
mod config;
mod error;
mod published;
mod server;

pub use assertion::{
    ASSERTION_LIFE, AssertionAudience, AssertionSigner, AssertionSignerError, AssertionType,
};
pub use authentication::ClientAuthentication;
pub(crate) use authenticator::{Authenticator, Credentials};
pub use config::ClientConfig;
pub use error::ClientAuthenticationError;
pub use published::{PublishedKeys, PublishedKeysError};
pub use server::AuthorizationServer;
pub(crate) use server::Endpoint;
