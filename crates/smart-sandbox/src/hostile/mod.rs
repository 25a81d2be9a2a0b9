//! Faults by name: what a hostile, broken or hurried server does, one function each.

mod answers;
mod callbacks;
mod claims;
mod fault;
mod forged;
mod identity;
mod key_sets;
mod launches;
mod longer;
mod many_keys;
mod metadata;
mod moment;
mod refreshes;
mod resources;
mod script;
mod table;
mod tokens;
mod wrong;

pub(crate) use fault::At;
pub use fault::{Fault, Times};
pub(crate) use moment::{Genuine, Moment};
pub(crate) use script::{Script, Spoiling};
