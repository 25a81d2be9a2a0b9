//! The resource types that a user can be.

use core::fmt;

/// The resource types that a user can be (SMART App Launch 2.2, Scopes for requesting identity
/// data).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FhirUserType {
    /// A patient.
    Patient,
    /// A clinician.
    Practitioner,
    /// A clinician in one role; since SMART 2.1.
    PractitionerRole,
    /// Somebody who cares for a patient.
    RelatedPerson,
    /// A person who is none of these.
    Person,
}

impl FhirUserType {
    const ALL: [Self; 5] = [
        Self::Patient,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::RelatedPerson,
        Self::Person,
    ];

    /// The name of the resource type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::RelatedPerson => "RelatedPerson",
            Self::Person => "Person",
        }
    }

    /// The type of this name; case matters.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for FhirUserType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
