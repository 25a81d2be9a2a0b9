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
//! # Who may sign in, and how
//!
//! Five invented users, one of each type that `fhirUser` may name, and four patients with charts.
//! Access is granted at once, or by pages that ask who signs in, for which patient, and for which
//! scopes ([`SandboxBuilder::auto_approve`]).
//!
//! [`ClientRegistration`] registers apps: public ones, ones with a secret, ones with a key set or its
//! address, and backend services. `offline_access` and `online_access` bring refresh tokens.
//! [`Sandbox::ehr_launch`] starts an app from the EHR with what the user has open, and so does the
//! page at `/`:
//!
//! ```
//! # #[cfg(feature = "ring")] {
//! use smart_sandbox::{LaunchContext, Sandbox};
//!
//! fn click(ehr: &Sandbox) -> Option<String> {
//!     let context = LaunchContext::new().patient("p-1").user("Practitioner/dr-smith");
//!     let launch = ehr.ehr_launch("growth-chart-app-123", context).ok()?;
//!     Some(launch.url("https://app.example/launch"))
//! }
//! # }
//! ```
//!
//! # Hostile mode
//!
//! [`Fault`] is a table of what servers do wrong, by name, each with what a correct client must do
//! about it; [`Sandbox::play`] plays one. Programs in other languages do all of this over HTTP, below
//! `/_sandbox`, while nobody but this machine reaches the sandbox: `docs/sandbox.md` lists it.
//!
//! Every rule on apps, codes and refresh tokens is the one of `smart_oidc::server`; the sandbox adds
//! HTTP. It differs from a server in earnest in one thing: `error_description` says why.
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
//! | a refresh token that is used twice | and every token of its grant is revoked: one of two who hold it is a thief |
//! | an assertion that is used twice, lives longer than five minutes, is for somebody else, or has another `jku` | whoever sees one must not be able to use it |
//! | an app that authenticates otherwise than it is registered, or in two ways | each way is a door, and one is enough |
//! | a launch of another app, a used or an old one | what the user has open is for the app that was started |
//! | `client_credentials` with a secret, or for a scope that is not registered | nobody is there to ask |
//! | a public app that sends a secret | it takes itself for something it is not |
//!
//! # Bounds
//!
//! Forms are read up to 64 KiB, of which `scope`, `state` and `nonce` may take 8. 1 000 apps, 2 000
//! codes, 1 000 sign-ins on our pages, 10 000 access tokens, 2 000 grants that can be refreshed,
//! 1 000 launches and 256 requests are held, the oldest making room but for the apps, of which no more
//! are taken, as of 500 users and 2 000 resources. A page of a search has 50 resources. 512 connections
//! are open at once, and each has 30 seconds from one answer to the next; dropping the handle ends them
//! all.

mod access;
mod admin;
mod admin_people;
mod ahead;
mod authorize;
mod bounds;
mod builder;
mod capability;
mod charts;
mod client;
mod client_auth;
mod consent;
mod context;
mod cross_origin;
mod documents;
mod fhir;
mod grants;
mod host_style;
mod hostile;
mod id_token;
mod introspect;
mod journal;
mod key_rings;
mod keys;
mod launch;
mod launcher;
mod launches;
mod listener;
mod pages;
mod parameters;
mod people;
mod registration;
mod responses;
mod revoke;
mod router;
mod same_origin;
mod sandbox;
mod scopes;
mod search;
mod send_back;
mod spoil;
mod standard_claims;
mod start_error;
mod store;
#[cfg(test)]
#[cfg(feature = "ring")]
mod tests;
mod token;
mod urls;
mod user;
mod userinfo;
mod words;
mod world;

pub use builder::SandboxBuilder;
pub use client::{ClientRegistration, DEFAULT_CLIENT_ID, RedirectRule};
pub use hostile::{Fault, FaultError, Times};
pub use journal::SandboxRequest;
pub use keys::KeysError;
pub use launch::LaunchError;
pub use launches::{EhrLaunch, LaunchContext};
pub use sandbox::Sandbox;
pub use scopes::SmartVersion;
pub use smart_discovery::{Clock, FixedClock, SystemClock};
pub use start_error::StartError;
pub use user::{SandboxUser, UserType};
