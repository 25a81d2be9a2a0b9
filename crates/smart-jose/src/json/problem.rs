//! Why a text is not strict JSON.

use crate::class::ErrorClass;
use crate::text::Text;

/// Why a text is not the strict JSON object that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// A byte order mark stands in front.
    #[error("a byte order mark before the object")]
    ByteOrderMark,
    /// One member name occurs twice in one object.
    #[error("the member {name} occurs twice")]
    DuplicateMember {
        /// The name, escapes resolved.
        name: Text,
    },
    /// A `\u` escape names half of a surrogate pair.
    #[error("a lone surrogate at octet {offset}")]
    LoneSurrogate {
        /// Where, counted in octets from zero.
        offset: usize,
    },
    /// The text is JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// The octets are not UTF-8.
    #[error("not UTF-8 from octet {offset}")]
    NotUtf8 {
        /// Where, counted in octets from zero.
        offset: usize,
    },
    /// A number does not fit a double.
    #[error("a number beyond the range of a double at octet {offset}")]
    NumberRange {
        /// Where, counted in octets from zero.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("not JSON at octet {offset}")]
    Syntax {
        /// Where, counted in octets from zero.
        offset: usize,
    },
    /// Objects and arrays are nested too deeply.
    #[error("nested deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A member name that `serde_json` keeps for itself: read into a `Value`, the text behind it
    /// would be parsed a second time, past every rule of this module.
    #[error("the member name at octet {offset} is reserved")]
    ReservedMember {
        /// Where the name ends, counted in octets from zero.
        offset: usize,
    },
    /// The text is too long.
    #[error("{found} octets, more than the limit of {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
    /// Something follows the object.
    #[error("something follows the object at octet {offset}")]
    Trailing {
        /// Where, counted in octets from zero.
        offset: usize,
    },
    /// The object is sound, but a member is missing or of another type than was asked for.
    #[error("unexpected structure at line {line}, column {column}: {problem}")]
    Structure {
        /// The line, from one.
        line: usize,
        /// The column, from one.
        column: usize,
        /// What the reader said.
        problem: Text,
    },
}

impl JsonError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ByteOrderMark => "json-byte-order-mark",
            Self::DuplicateMember { .. } => "json-duplicate-member",
            Self::LoneSurrogate { .. } => "json-lone-surrogate",
            Self::NotAnObject => "json-not-an-object",
            Self::NotUtf8 { .. } => "json-not-utf8",
            Self::NumberRange { .. } => "json-number-range",
            Self::Syntax { .. } => "json-syntax",
            Self::ReservedMember { .. } => "json-reserved-member",
            Self::TooDeep { .. } => "json-too-deep",
            Self::TooLong { .. } => "json-too-long",
            Self::Trailing { .. } => "json-trailing",
            Self::Structure { .. } => "json-structure",
        }
    }

    /// Whose fault it is, where the text is that of a token.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}
