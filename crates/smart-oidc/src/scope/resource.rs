//! A scope on FHIR resources: `patient/Observation.rs?category=laboratory`.

use core::fmt;

use super::constraint::Constraint;
use super::permissions::{Interaction, Permissions};
use super::problem::ScopeProblem;

/// Whose data a scope is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "the standard's levels are these three"
)]
pub enum Level {
    /// The data of the patient in context.
    Patient,
    /// All that the user may see.
    User,
    /// All that a backend service may see, without a user.
    System,
}

impl Level {
    const ALL: [Self; 3] = [Self::Patient, Self::User, Self::System];

    /// The word before the slash.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::User => "user",
            Self::System => "system",
        }
    }

    /// The level of this name; case matters.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The syntax in which a resource scope is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScopeVersion {
    /// `read`, `write` and `*`, as in SMART 1.0.
    V1,
    /// Letters of `cruds`, as since SMART 2.0.
    V2,
}

/// A scope on FHIR resources (SMART App Launch 2.2, FHIR Resource Scope Syntax).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ResourceScope<'a> {
    /// Whose data.
    pub level: Level,
    /// The resource type; `None` is the star, which stands for every type that there is or will
    /// be.
    pub resource_type: Option<&'a str>,
    /// What may be done.
    pub permissions: Permissions,
    /// How it is written; the meaning does not depend on it.
    pub version: ScopeVersion,
    /// What a resource has to match, if not every one is meant.
    pub constraint: Option<Constraint<'a>>,
}

impl<'a> ResourceScope<'a> {
    /// Reads what stands behind the level and the slash.
    pub(super) fn parse(level: Level, rest: &'a str) -> Result<Self, ScopeProblem> {
        let (target, query) = match rest.split_once('?') {
            Some((target, query)) => (target, Some(query)),
            None => (rest, None),
        };
        let (resource_type, permissions) =
            target.split_once('.').ok_or(ScopeProblem::Permissions)?;
        let resource_type = match resource_type {
            "*" => None,
            name if is_resource_type(name) => Some(name),
            _ => return Err(ScopeProblem::ResourceType),
        };
        // The words of version 1 are looked for first, so that no one reads letters in them.
        let (version, permissions) = match permissions {
            "read" => (ScopeVersion::V1, Permissions::V1_READ),
            "write" => (ScopeVersion::V1, Permissions::V1_WRITE),
            "*" => (ScopeVersion::V1, Permissions::ALL),
            letters => {
                let permissions = Permissions::from_letters(letters);
                (
                    ScopeVersion::V2,
                    permissions.ok_or(ScopeProblem::Permissions)?,
                )
            }
        };
        if version == ScopeVersion::V1 && query.is_some() {
            return Err(ScopeProblem::Constraint);
        }
        Ok(Self {
            level,
            resource_type,
            permissions,
            version,
            constraint: query.map(Constraint::parse).transpose()?,
        })
    }

    /// Whether the scope is about resources of this type.
    #[must_use]
    pub fn is_about(&self, resource_type: &str) -> bool {
        self.resource_type.is_none_or(|it| it == resource_type)
    }

    /// Whether it lets this be done with resources of this type, constraint aside.
    pub(super) fn opens(&self, resource_type: &str, interaction: Interaction) -> bool {
        self.is_about(resource_type) && self.permissions.contains(interaction)
    }
}

/// Longer names are no resource types, in octets; the longest that FHIR has is half of it.
pub(super) const MAX_TYPE_OCTETS: usize = 64;

/// Whether a text has the form of a resource type. Which types there are depends on the version of
/// FHIR, so no list is held against it.
pub(super) fn is_resource_type(name: &str) -> bool {
    name.len() <= MAX_TYPE_OCTETS
        && name.starts_with(|it: char| it.is_ascii_uppercase())
        && name.bytes().all(|it| it.is_ascii_alphabetic())
}
