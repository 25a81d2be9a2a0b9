//! Keys for a token: from a fixed set, or from the issuer's own, cached.

mod cache;
mod document;
mod fixed;
#[cfg(test)]
mod model;
mod odd_key;
mod remote;
mod snapshot;
mod source;

pub use crate::freshness::{LIFE, MAX_LIFE, MIN_LIFE};
pub use crate::kept::{
    BACKOFF, COOL_DOWN, EMPTY_BACKOFF, MAX_BACKOFF, MAX_EMPTY_BACKOFF, MAX_RETRY_AFTER, STALE_LIFE,
};
pub use cache::{CONFIRMED, MAX_MISSED};
pub use document::JwksError;
pub use fixed::FixedJwks;
pub use remote::RemoteJwks;
pub use snapshot::{JwksSnapshot, SnapshotError};
pub(crate) use snapshot::{age_of, confirmed_at, life_of};
pub use source::{KeySource, KeySourceError};
