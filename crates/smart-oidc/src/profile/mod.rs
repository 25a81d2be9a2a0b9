//! The user's profile: what the token says, and what the FHIR server knows.

mod fhir;
mod resource;
mod source;
mod user;

pub use fhir::FhirProfileSource;
pub use resource::{Identifier, UserResource};
pub use source::{ProfileSource, ReadError};
pub use user::{ProfileError, UserProfile};
