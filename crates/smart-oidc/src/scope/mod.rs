//! Scopes: what an app asks for and what it is granted (SMART App Launch 2.2, Scopes and Launch
//! Context).
//!
//! A [`Scopes`] list keeps the words as they were written and in their order, and answers by
//! meaning: `patient/Observation.rs` is `patient/Observation.r` and `patient/Observation.s`, and
//! `patient/*.read` of version 1 opens both for every resource type.
//!
//! ```
//! use smart_oidc::scope::{Allowed, Interaction, Level, Scopes};
//!
//! let asked = Scopes::parse("openid fhirUser patient/Observation.rs patient/Patient.cruds");
//! let granted = Scopes::parse("openid fhirUser patient/*.read");
//! assert!(matches!(
//!     granted.allows(Level::Patient, "Observation", Interaction::Search),
//!     Allowed::Fully
//! ));
//! assert_eq!(asked.missing_from(&granted).as_str(), "patient/Patient.cud");
//! assert_eq!(granted.missing_from(&asked).as_str(), "patient/*.read");
//! ```
//!
//! What a grant opens is bounded by what the user may do (SMART App Launch 2.2, SMART scopes
//! delegate access): a server can refuse what [`Scopes::allows`] calls allowed, or answer with
//! less.

mod constraint;
mod context;
mod lint;
mod list;
mod meaning;
mod permissions;
mod problem;
mod resource;
mod word;

pub use constraint::Constraint;
pub use context::ContextScope;
pub use lint::ScopeUse;
pub use list::Scopes;
pub use meaning::Allowed;
pub use permissions::{Interaction, Permissions};
pub use problem::ScopeProblem;
pub use resource::{Level, ResourceScope, ScopeVersion};
pub use word::{Scope, ScopeKind};
