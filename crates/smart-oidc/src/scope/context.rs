//! A scope that asks for context: `launch/patient`, `launch/questionnaire?role=…`.

use core::fmt;

use smart_jose::Text;

use super::problem::ScopeProblem;
use super::resource::MAX_TYPE_OCTETS;

/// A scope with which an app asks for a resource to be in context (SMART App Launch 2.2, Requesting
/// context with scopes).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ContextScope<'a> {
    /// The resource type as it is written. The standard has it in lower case.
    pub resource_type: &'a str,
    /// The role in which the resource is wanted; at most one for each scope.
    pub role: Option<&'a str>,
}

impl<'a> ContextScope<'a> {
    /// Reads what stands behind `launch/`.
    pub(super) fn parse(rest: &'a str) -> Result<Self, ScopeProblem> {
        let (resource_type, query) = match rest.split_once('?') {
            Some((resource_type, query)) => (resource_type, Some(query)),
            None => (rest, None),
        };
        let is_name = (1..=MAX_TYPE_OCTETS).contains(&resource_type.len())
            && resource_type.bytes().all(|it| it.is_ascii_alphabetic());
        if !is_name {
            return Err(ScopeProblem::LaunchType);
        }
        let role = match query {
            None => None,
            Some(query) => {
                let role = query.strip_prefix("role=");
                let role = role.filter(|it| !it.is_empty() && !it.contains('&'));
                Some(role.ok_or(ScopeProblem::Role)?)
            }
        };
        Ok(Self {
            resource_type,
            role,
        })
    }

    /// Whether the type is written in lower case, as it has to be in a request.
    #[must_use]
    pub fn is_lower_case(&self) -> bool {
        !self.resource_type.bytes().any(|it| it.is_ascii_uppercase())
    }

    /// The scope with its type in lower case.
    pub(super) fn in_lower_case(&self) -> String {
        let resource_type = self.resource_type.to_ascii_lowercase();
        match self.role {
            None => format!("launch/{resource_type}"),
            Some(role) => format!("launch/{resource_type}?role={role}"),
        }
    }
}

impl fmt::Debug for ContextScope<'_> {
    /// Shows the type, and of a role only that it is there: it is text from outside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextScope")
            .field("resource_type", &Text::new(self.resource_type))
            .field("has_role", &self.role.is_some())
            .finish()
    }
}
