//! The harness: minting apart from our encoder, fixtures, vectors and corpora.
//!
//! The test binaries compile the same modules once for each backend; the provider is a module
//! that they import, so parity is a fact and not a hope.

#![cfg_attr(feature = "ring", doc = "# The README, compiled\n\n")]
#![cfg_attr(feature = "ring", doc = include_str!("../../README.md"))]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::exhaustive_structs,
    clippy::exhaustive_enums,
    reason = "this package is tests; a broken fixture should stop them"
)]

pub mod advisories;
pub mod backend;
pub mod corpus;
pub mod credentials;
#[cfg(feature = "ring")]
mod docs;
pub mod ehr_world;
pub mod fixture;
pub mod forge;
pub mod inferno;
pub mod installed;
mod named;
pub mod redis_server;
pub mod relying_party;
pub mod skip;
pub mod store_contract;
pub mod suite;
pub mod vectors;
mod wire;
pub mod worked_example;
pub mod wycheproof;
