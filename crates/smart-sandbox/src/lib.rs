//! An embedded EHR for demos and tests: SMART on FHIR sign-in on a loopback port.
//!
//! It does what an EHR must do for an app to sign its user in, and refuses what an EHR must
//! refuse, so that an app that works here has been told about its mistakes. Nothing is kept: the
//! people are invented, the keys are published, and all state ends with the process.
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_jose::{Algorithm, CryptoProvider};
//! use smart_sandbox::{Sandbox, StartError};
//!
//! async fn ehr() -> Result<Sandbox, StartError> {
//!     Sandbox::builder(CryptoProvider::ring())
//!         .algorithm(Algorithm::ES384)
//!         .auto_approve(false)
//!         .start()
//!         .await
//! }
//! # }
//! ```
//!
//! # What it refuses, and why
//!
//! | Refused | Because |
//! |---|---|
//! | the demo keys on a network address | anybody can sign with them |
//! | a redirect to an address that is not registered | codes would go to strangers; the user sees a page instead |
//! | an `aud` that is not the FHIR base | an app lured to a counterfeit server would carry the token there |
//! | no PKCE, `plain`, a method left out | a stolen code would be enough |
//! | a code that is used twice | and the token of the first use is revoked, since nobody knows who was first |
//! | a repeated parameter | two readers must not see two requests |
//! | a blank parameter | it counts as left out (RFC 6749 3.1) |
//! | a public app that sends a secret | it takes itself for something it is not |
//!
//! # Bounds
//!
//! Forms are read up to 64 KiB, of which `scope`, `state` and `nonce` may take 8; 2 000 codes, 1 000 consent pages and 10 000 access tokens are
//! held, the oldest making room; 512 connections are open at once, and each has 30 seconds from
//! one answer to the next.

mod authorize;
mod builder;
mod client;
mod context;
mod documents;
mod fhir;
mod id_token;
mod keys;
mod listener;
mod parameters;
mod pkce;
mod resources;
mod responses;
mod router;
mod sandbox;
mod scopes;
mod store;
#[cfg(test)]
#[cfg(feature = "ring")]
mod tests;
mod token;
mod urls;
mod user;

pub use builder::{SandboxBuilder, StartError};
pub use client::{ClientRegistration, DEFAULT_CLIENT_ID, RedirectRule};
pub use keys::KeysError;
pub use sandbox::Sandbox;
pub use smart_discovery::{Clock, FixedClock, SystemClock};
pub use user::{SandboxUser, UserType};
