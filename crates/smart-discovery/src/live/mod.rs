//! Issuers that are kept up to date: the chain of trust with its documents' lives, and many of
//! them side by side.

mod chain;
mod findings;
mod issuer;
mod keys;
mod registry;
mod snapshot;

pub use issuer::{IssuerState, LiveIssuer};
pub use keys::IssuerKeys;
pub use registry::{IDLE, IssuerRegistry, MAX_ISSUERS};
pub use snapshot::IssuerSnapshot;
