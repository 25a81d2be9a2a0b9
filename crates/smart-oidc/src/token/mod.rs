//! The token endpoint and those beside it: pure requests, pure reading of the answers, and the few
//! lines between.

mod backend;
mod backend_services;
mod client;
mod error;
mod introspect;
mod introspection;
mod introspection_error;
mod refresh;
mod request;
mod response;
mod revocation;

pub use backend_services::{BackendError, BackendServices, BackendToken};
pub use client::{ExchangedLaunch, TokenClient};
pub use error::{Fate, TokenError};
pub use introspection::{ActiveToken, Introspection};
pub use introspection_error::IntrospectionError;
pub use refresh::RefreshRequest;
pub use response::{IssuedTokens, Refusal, TokenErrorCode, TokenResponse, TokenResponseError};
pub use revocation::RevocationError;

pub use crate::untrusted::UntrustedText;
