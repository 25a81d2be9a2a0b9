//! Keys for a token: from a fixed set, or from the issuer's own, cached.

mod cache;
mod document;
mod fixed;
mod remote;
mod source;

pub use cache::{BACKOFF, COOL_DOWN, LIFE, MAX_LIFE, MIN_LIFE};
pub use document::JwksError;
pub use fixed::FixedJwks;
pub use remote::RemoteJwks;
pub use source::{KeySource, KeySourceError};
