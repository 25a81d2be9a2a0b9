//! The launch context: what stands beside the access token and says where the user is
//! (SMART App Launch 2.2, Launch context arrives with your access token).
//!
//! The patient in context is another fact than who the user is, and it comes from the token
//! response alone: nothing of an ID token is ever taken for it.

mod context;
mod error;
mod item;
mod oddities;
mod read;

pub use context::LaunchContext;
pub use error::LaunchContextError;
pub use item::{Canonical, ContextItem, LAUNCH_ROLE};
pub use read::MAX_CONTEXT_ITEMS;
