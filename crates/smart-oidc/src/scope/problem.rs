//! What keeps a word from being the scope that it looks like.

/// Why a word is no scope, although it begins like one.
///
/// Such a word is kept and never corrected: who asked for `patient/Patient.dus` may have meant
/// `.us` or `.cruds`, and granting either would be a guess (SMART App Launch 2.2, FHIR Resource
/// Scope Syntax).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ScopeProblem {
    /// The word is empty or holds a character that scopes do not have (RFC 6749 3.3).
    #[error("it is empty or holds a character that scopes do not have")]
    Character,
    /// Behind the `?` there are no `name=value` pairs joined by `&`, or the scope is one of
    /// version 1, which has none.
    #[error(
        "what stands behind the question mark are no name=value pairs that such a scope can have"
    )]
    Constraint,
    /// Behind `launch/` there is no resource type.
    #[error("launch/ is not followed by a resource type")]
    LaunchType,
    /// The letters are none of `cruds`, or not in that order, or no word of version 1.
    #[error("the permissions are neither letters of cruds in that order nor read, write or *")]
    Permissions,
    /// What stands between slash and dot is no resource type and no star.
    #[error("what stands between slash and dot is neither a resource type nor *")]
    ResourceType,
    /// A launch scope has something else behind its type than one `?role=` with a value.
    #[error("a launch scope has at most one ?role= and nothing else behind its type")]
    Role,
}

impl ScopeProblem {
    /// A stable name for this problem.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Character => "scope-character",
            Self::Constraint => "scope-constraint",
            Self::LaunchType => "scope-launch-type",
            Self::Permissions => "scope-permissions",
            Self::ResourceType => "scope-resource-type",
            Self::Role => "scope-role",
        }
    }
}
