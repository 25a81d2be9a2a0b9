//! JSON Web Keys (RFC 7517): one key, a set of them, and private ones.

mod entry;
mod private;
mod set;
mod shares;
mod thumbprint;

pub use entry::{Jwk, JwkFinding, SkipReason};
pub use private::{PrivateJwk, PrivateJwkError};
pub use set::{
    Candidates, JwkSet, JwkSetError, KeySelectionError, MAX_CANDIDATES, MAX_SET_KEYS,
    MAX_SET_OCTETS, SkippedKey,
};
pub use thumbprint::thumbprint;
