//! Issuers that are kept up to date: the chain of trust with its documents' lives, and many of
//! them side by side.

mod chain;
mod issuer;
mod registry;
mod snapshot;

pub use issuer::{IssuerState, LiveIssuer};
pub use registry::{IDLE, ImportError, IssuerRegistry, MAX_ISSUERS};
pub use snapshot::IssuerSnapshot;
