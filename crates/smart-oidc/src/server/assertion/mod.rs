//! Client assertions: a signed token instead of a secret (RFC 7521, RFC 7523; SMART App Launch 2.2,
//! asymmetric client authentication).

mod audience;
mod claims;
mod error;
mod keys;
mod presented;
mod replay;
mod verifier;

pub use audience::AssertionAudience;
pub use error::AssertionError;
pub use keys::ClientKeys;
pub use presented::{ASSERTION_TYPE, ClientAssertion, MAX_ASSERTION_OCTETS};
pub use replay::{
    AssertionUse, MemoryReplayStore, REPLAY_CAPACITY, ReplayStore, ReplayStoreError, Use,
};
pub use verifier::{ASSERTION_ALGORITHMS, ClientAssertionVerifier, MAX_ASSERTION_LIFE};
