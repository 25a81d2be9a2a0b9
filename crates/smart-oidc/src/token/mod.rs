//! The token endpoint: a pure request, a pure reading of the answer, and the one line between.

mod client;
mod request;
mod response;

pub use client::{ExchangedLaunch, TokenClient, TokenError};
pub use response::{Refusal, TokenErrorCode, TokenResponse, TokenResponseError, UntrustedText};
