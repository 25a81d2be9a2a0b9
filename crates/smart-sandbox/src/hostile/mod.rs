//! Faults by name: what a hostile, broken or hurried server does, one function each.

mod answers;
mod callbacks;
mod claims;
mod everywhere;
mod fault;
mod fitting;
mod forged;
mod headers;
mod identity;
mod key_sets;
mod launches;
mod longer;
mod many_keys;
mod metadata;
mod moment;
pub(crate) mod people;
mod refreshes;
mod resources;
mod revocations;
mod script;
mod streams;
mod table;
mod tokens;
mod userinfo;
mod wrong;

pub(crate) use fault::At;
pub use fault::{Fault, Times};
pub use fitting::FaultError;
pub(crate) use fitting::judge as judge_fault;
pub(crate) use moment::{Genuine, Moment};
pub(crate) use script::{Answering, Script};
