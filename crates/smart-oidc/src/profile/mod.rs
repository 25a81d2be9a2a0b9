//! The user's profile: what the token says, and what the FHIR server knows.
//!
//! A resource comes from outside and is read with that in mind. It may have 1 MiB; of the first 256
//! elements of a collection the best 64 are kept; names and other prose are cut at 1024 octets, and
//! identifiers and addresses that are longer fall away; a photo has at most 64 KiB. What is not as
//! expected counts as absent, so that a slip in one place hides nothing in another.

mod answer;
mod directory;
mod draft;
mod fhir;
mod follow;
mod identifier;
mod language;
mod lenient;
mod name;
mod outcome;
mod period;
mod photo;
mod read_error;
mod request;
mod resource;
mod source;
mod telecom;
mod text;
mod user;
mod wire;

pub use directory::{DirectoryError, DirectoryProfileSource, MAX_DIRECTORY_OCTETS};
pub use fhir::FhirProfileSource;
pub use follow::{FollowError, PractitionerLink};
pub use identifier::Identifier;
pub use outcome::{IssueCode, OutcomeIssue};
pub use photo::{ImageType, MAX_PHOTO_OCTETS, Photo};
pub use read_error::ReadError;
pub use request::ProfileRequest;
pub use resource::{MAX_RESOURCE_OCTETS, Qualification, UserResource};
pub use source::ProfileSource;
pub use telecom::Telecom;
pub use user::{ProfileError, UserProfile};
