//! Why a launch context is not used.

use smart_jose::ErrorClass;
use smart_jose::member::JsonType;

/// Why a launch context cannot be used. The whole response is refused: an app that went on would
/// show no chart, or another one than the EHR does.
///
/// What was found can name a patient, so no error carries it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchContextError {
    /// The text is no id that could stand in a URL: it is longer than 256 octets, a dot segment,
    /// a reference to another type, or holds other characters than letters, digits and `-._~`.
    #[error("{member} is a text of {octets} octets that is no resource id")]
    Id {
        /// The member.
        member: &'static str,
        /// The length of the text in octets.
        octets: usize,
    },
    /// The member is no string.
    #[error("{member} is {found}, not a string")]
    Type {
        /// The member.
        member: &'static str,
        /// What it is.
        found: JsonType,
    },
}

impl LaunchContextError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Id { .. } => "context-id",
            Self::Type { .. } => "context-type",
        }
    }

    /// Whose fault it is: always the server's.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Upstream
    }
}
