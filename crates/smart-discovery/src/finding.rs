//! Things that are not as the standards say, but were met without loosening trust.

use core::fmt;

use serde::Serialize;
use smart_jose::member::{FromJson, Member};

/// Something an operator should know about a document: what is odd, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A stable name in kebab case.
    pub code: &'static str,
    /// What was found.
    pub found: String,
    /// What the owner of the server, or of this program, can do.
    pub remedy: &'static str,
}

impl Finding {
    /// A finding.
    #[must_use]
    pub fn new(code: &'static str, found: impl Into<String>, remedy: &'static str) -> Self {
        Self {
            code,
            found: found.into(),
            remedy,
        }
    }
}

/// An optional member of a document: one of another type counts as absent, with a finding, since
/// a slip in it is no reason to lock everybody out.
pub(crate) fn optional<T: FromJson>(
    member: &'static str,
    found: Member<T>,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    match found {
        Member::Value(value) => Some(value),
        Member::Absent => None,
        Member::WrongType(found) => {
            findings.push(Finding::new(
                "member-type",
                format!(
                    "{member} is {found}, not {}; it counts as absent",
                    T::EXPECTED
                ),
                "publish the member with the right type, or leave it out",
            ));
            None
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.code, self.found, self.remedy)
    }
}
