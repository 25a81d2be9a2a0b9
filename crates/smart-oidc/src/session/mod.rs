//! What outlives a request: launches that wait for their callback, and sessions that live all day.

mod error;
mod gates;
mod keeper;
mod key;
mod launch_session;
mod memory;
mod patient_change;
mod peek;
mod record;
mod renewal;
mod renewal_error;
mod session_error;
mod store;
mod tasks;
mod tokens;

pub use error::StoreError;
pub use key::{Fence, Revision, SessionId, StoreKey};
pub use launch_session::{LaunchSession, SESSION_LIFE, UnverifiedIdToken};
pub use memory::{DEFAULT_ENTRIES, MemoryStore};
pub use patient_change::PatientChange;
pub use peek::Peek;
pub use renewal_error::RenewalError;
pub use session_error::SessionError;
pub use store::{Lease, RefreshLease, SessionStore, Stored, Write};

pub(crate) use keeper::{Closed, Keeper};
pub(crate) use renewal::{Answer, Renewal};
pub(crate) use tasks::Tasks;

/// The backend, where it makes no difference which.
#[cfg(test)]
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
fn any_provider() -> &'static smart_jose::CryptoProvider {
    #[cfg(feature = "ring")]
    return smart_jose::CryptoProvider::ring();
    #[cfg(not(feature = "ring"))]
    return smart_jose::CryptoProvider::aws_lc_rs();
}
