//! Sessions of many nodes in one Redis or Valkey.
//!
//! [`RedisStore`] is a [`SessionStore`](smart_oidc::session::SessionStore) and a
//! [`RefreshLease`](smart_oidc::session::RefreshLease): with it a launch can begin on one node and
//! come back on another, and of all nodes one at a time refreshes a session.
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use std::sync::Arc;
//! use smart_oidc::jose::CryptoProvider;
//! use smart_oidc::seal::{SealingKey, SealingKeys};
//! use smart_redis::RedisStore;
//!
//! # fn example(key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let keys = SealingKeys::new(SealingKey::from_base64url("2027-01", key, CryptoProvider::ring())?);
//! // Nothing is connected to before the first call.
//! let store = Arc::new(RedisStore::new("redis://127.0.0.1:6379", keys)?);
//! # Ok(()) }
//! # example(&smart_oidc::jose::base64url::encode([7; 32])).unwrap();
//! # }
//! ```
//!
//! # What is promised
//!
//! | | |
//! |---|---|
//! | A record is taken once | `GETDEL`, one command |
//! | A write that comes late changes nothing | one script compares revision and fence and writes |
//! | A lease ends by itself, and the next one has a greater fence, even where a failover lost the last | the script takes the server's clock; a client's clock plays no part, and where the server's steps back a lease is held for five minutes at most |
//! | An older value than the last is not read | `GETEX`, which a demoted server refuses |
//! | A record ends | each write sets its life in the same command |
//! | Nobody waits without end | 2 s to connect and 2 s for an answer, both settings |
//! | Nothing is sent twice | a call whose answer is missing fails as [`StoreError::Unavailable`]: whether it was done is not known, and only the caller can decide what follows |
//! | A server that was away is used again, under any load | the next call begins an attempt to connect that is nobody's: all who come wait for it, and none of them cuts it short |
//! | What is kept can be neither read, nor forged, nor moved to another name by whoever has the server | each value is sealed, with its name bound in, under keys that this server never sees |
//!
//! Whoever can write to the server can still delete a record, or put back an older one of the same
//! name: that ends a session or makes its refresh fail, and gives nobody another one's.
//!
//! # What is asked of the server
//!
//! - Redis 6.2 or later, or Valkey: `GETDEL` and `GETEX` are of that version.
//! - One primary behind one address, which a failover may move. Each command and each script touches one name, so
//!   no hash tag is needed; but nobody here follows a `MOVED`, so of a cluster it takes a proxy.
//! - `maxmemory-policy noeviction`, as anything else drops sessions while they live.
//! - `appendonly yes` if sessions shall outlive the server's process; with `appendfsync always` all
//!   that was acknowledged does. What is lost reads as `None`, and the user signs in again.
//! - `proto-max-bulk-len 1mb`, if others can write there: an answer is read whole before it is judged,
//!   so this is what bounds it, and the time for an answer.
//! - A user who may use `SET`, `GETEX`, `GETDEL`, `DEL`, `EVAL` and, inside of scripts, `GETRANGE`,
//!   `SETRANGE` and `TIME`, on the names that begin with the prefix.
//!
//! # Features
//!
//! - `ring` (default), `aws-lc-rs`: the cryptography, also of TLS. With both, TLS uses ring.
//! - `fips`: AWS-LC's validated module, for sealing and for TLS, whatever else is on.
//! - `tls` (default): `rediss://`. TLS 1.2 and up with the platform's roots or given ones.
//!
//! [`StoreError::Unavailable`]: smart_oidc::session::StoreError::Unavailable

mod builder;
mod dial;
mod link;
mod record;
mod script;
mod server;
mod store;
#[cfg(feature = "tls")]
mod tls;
mod trouble;

pub use builder::{CONNECT_TIMEOUT, KEY_PREFIX, RESPONSE_TIMEOUT, RedisStoreBuilder, SetupError};
pub use smart_oidc as oidc;
pub use store::{MAX_VALUE_OCTETS, RedisStore};
