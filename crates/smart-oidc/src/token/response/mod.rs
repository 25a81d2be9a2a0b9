//! The token response: what was granted, and what stands beside it.

mod error;
mod read;
mod refusal;
mod tokens;

pub use error::TokenResponseError;
pub use refusal::{Refusal, TokenErrorCode, UntrustedText};
pub use tokens::TokenResponse;
