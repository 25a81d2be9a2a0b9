//! The one step from a PractitionerRole to its Practitioner.

use core::fmt;

use smart_jose::ErrorClass;

use super::read_error::ReadError;
use super::wire::{Contained, Wire};
use crate::fhir_user::{FhirUserType, ReferenceError};

/// What a role says of its clinician, and what came of it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PractitionerLink {
    /// The id of the Practitioner, where the role names one on its own server: also where that
    /// resource could not be read.
    pub id: Option<String>,
    /// Whether the Practitioner is in the card, and else why not.
    pub followed: Result<(), FollowError>,
}

impl fmt::Debug for PractitionerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PractitionerLink")
            .field("followed", &self.followed)
            .finish_non_exhaustive()
    }
}

/// Why the Practitioner of a role is not in the card. The role itself is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The role names its clinician by an identifier and not by a place.
    #[error("the role names its practitioner by an identifier only")]
    Logical,
    /// The role names nobody.
    #[error("the role names no practitioner")]
    Missing,
    /// The role names a resource within itself that it does not have.
    #[error("the role does not contain the practitioner that it names")]
    NotContained,
    /// The source did not look.
    #[error("the practitioner of the role was not asked for")]
    NotRead,
    /// The reference names another type.
    #[error("the role names a {found} where a Practitioner belongs")]
    OtherType {
        /// The type.
        found: FhirUserType,
    },
    /// The Practitioner could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The reference leads to another server, or is none.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}

impl FollowError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Logical => "practitioner-logical",
            Self::Missing => "practitioner-missing",
            Self::NotContained => "practitioner-not-contained",
            Self::NotRead => "practitioner-not-read",
            Self::OtherType { .. } => "practitioner-type",
            Self::Read(error) => error.code(),
            Self::Reference(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Read(error) => error.class(),
            Self::Logical
            | Self::Missing
            | Self::NotContained
            | Self::NotRead
            | Self::OtherType { .. }
            | Self::Reference(_) => ErrorClass::Upstream,
        }
    }
}

/// Where the Practitioner of a role is.
pub(super) enum Place<'w> {
    /// Within the role.
    Contained(&'w Contained),
    /// Where this reference leads.
    Reference(&'w str),
}

/// Finds the Practitioner of a role.
pub(super) fn place(role: &Wire) -> Result<Place<'_>, FollowError> {
    let practitioner = role.practitioner.get().ok_or(FollowError::Missing)?;
    let Some(reference) = practitioner.reference.value() else {
        let is_logical = practitioner.identifier.get().is_some();
        return Err(if is_logical {
            FollowError::Logical
        } else {
            FollowError::Missing
        });
    };
    let Some(id) = reference.strip_prefix('#') else {
        return Ok(Place::Reference(reference));
    };
    let is_it = |it: &&Contained| {
        let text = |it: &smart_jose::member::Member<String>| it.value().cloned();
        // DSTU2 writes the ids of contained resources with or without the mark.
        let found = text(&it.id).unwrap_or_default();
        found.strip_prefix('#').unwrap_or(&found) == id
            && text(&it.resource_type).as_deref() == Some(FhirUserType::Practitioner.name())
    };
    let contained = role.contained.objects().find(is_it);
    contained
        .filter(|_| !id.is_empty())
        .map(Place::Contained)
        .ok_or(FollowError::NotContained)
}
