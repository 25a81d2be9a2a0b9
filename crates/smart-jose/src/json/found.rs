//! A value as it stands in a text.

use core::fmt;

/// A value that the scan has found. [`crate::member::read`] takes it for a type.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a value is a plain string, or is not"
)]
pub enum Found<'a> {
    /// A string without escapes: what it says.
    Plain(&'a str),
    /// Anything else: its JSON text.
    Json(&'a str),
}

impl fmt::Debug for Found<'_> {
    /// Shows the length in octets and not the value, which may be a secret or name a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "Plain({} octets)", text.len()),
            Self::Json(text) => write!(f, "Json({} octets)", text.len()),
        }
    }
}
