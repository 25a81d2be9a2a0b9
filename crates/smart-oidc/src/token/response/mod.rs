//! The token response: what was granted, and what stands beside it.

mod error;
mod issued;
mod read;
mod refusal;
mod tokens;

pub use error::TokenResponseError;
pub use issued::IssuedTokens;
pub use refusal::{Refusal, TokenErrorCode};
pub use tokens::TokenResponse;
