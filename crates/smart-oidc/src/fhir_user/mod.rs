//! `fhirUser`: which FHIR resource is the user, and the one way to read it with the access token.

mod kind;
mod policy;
mod read;
mod reference;
mod user;

pub use kind::FhirUserType;
pub use policy::FhirUserPolicy;
pub use read::{FhirRead, UnfitToken};
pub(crate) use reference::Reference;
pub use reference::ReferenceError;
pub use user::{FhirUser, FhirUserError};
