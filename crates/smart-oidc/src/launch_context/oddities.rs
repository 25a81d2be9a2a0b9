//! What is odd about the items of `fhirContext`: counted, so that a long list has a short report.

use smart_discovery::Finding;

/// A rule that an item can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    /// No `reference`, `canonical` or `identifier`.
    Empty,
    /// Neither an object nor a string.
    NoItem,
    /// Patient or encounter in the role `launch`.
    PatientOrEncounter,
    /// An absolute reference.
    ReferenceAbsolute,
    /// An empty role.
    RoleEmpty,
    /// A role that is neither a URI nor one of the standard's.
    RoleRelative,
    /// A mere reference, as in SMART 2.0.
    String,
    /// A member of another type than it should have.
    MemberType,
    /// A canonical or an identifier without a type.
    Untyped,
}

impl Oddity {
    const fn describe(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Empty => (
                "context-item-empty",
                "has neither reference nor canonical nor identifier",
                "name what is in context, or leave the item out",
            ),
            Self::NoItem => (
                "context-item-type",
                "is neither an object nor a reference and is left out",
                "write each item as an object",
            ),
            Self::PatientOrEncounter => (
                "context-item-patient",
                "is the patient or the encounter in the role launch",
                "write patient and encounter as members of the response",
            ),
            Self::ReferenceAbsolute => (
                "context-item-absolute",
                "has a reference that is not relative",
                "write references as Type/id",
            ),
            Self::RoleEmpty => (
                "context-role-empty",
                "has an empty role, which is read as launch",
                "leave out a role that says nothing",
            ),
            Self::RoleRelative => (
                "context-role-relative",
                "has a role that is neither a URI nor launch",
                "name roles of your own by a full URI",
            ),
            Self::String => (
                "context-item-string",
                "is a mere reference, as in SMART 2.0",
                "write each item as an object with the member reference",
            ),
            Self::MemberType => (
                "context-member-type",
                "has a member of another type, which counts as absent",
                "write reference, canonical, type and role as strings, and identifier as an object",
            ),
            Self::Untyped => (
                "context-item-untyped",
                "has a canonical or an identifier and no type",
                "state the resource type beside it",
            ),
        }
    }
}

/// How many items break each rule.
#[derive(Default)]
pub(super) struct Oddities(std::collections::BTreeMap<Oddity, usize>);

impl Oddities {
    pub(super) fn count(&mut self, oddity: Oddity) {
        let count = self.0.entry(oddity).or_default();
        *count = count.saturating_add(1);
    }

    /// One finding for each rule that was broken.
    pub(super) fn findings(self) -> impl Iterator<Item = Finding> {
        self.0.into_iter().map(|(oddity, count)| {
            let (code, found, remedy) = oddity.describe();
            let found = match count {
                1 => format!("one item of fhirContext {found}"),
                _ => format!("of fhirContext, each of {count} items {found}"),
            };
            Finding::new(code, found, remedy)
        })
    }
}
