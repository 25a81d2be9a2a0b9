//! What outlives a request: launches that wait for their callback, and sessions that live all day.

mod error;
mod key;
mod memory;
mod store;

pub use error::StoreError;
pub use key::{Fence, Revision, SessionId, StoreKey};
pub use memory::{DEFAULT_ENTRIES, MemoryStore};
pub use store::{Lease, RefreshLease, SessionStore, Stored, Write};
