//! A JSON member as it was found, so that "absent" and "of another type" stay two things.
//!
//! Libraries that read a claim into an `Option` have more than once taken a claim of the wrong
//! type for an absent one and then skipped its check. A [`Member`] cannot do that.

use core::fmt;
use core::marker::PhantomData;
use std::borrow::Cow;

use crate::json::Found;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The types that a JSON value can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonType {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        })
    }
}

/// A member of a JSON object. Put `#[serde(default)]` on the field; reading it never fails.
///
/// ```
/// use smart_jose::member::{JsonType, Member};
/// #[derive(serde::Deserialize)]
/// struct Claims {
///     #[serde(default)]
///     sub: Member<String>,
/// }
/// let read = |json| serde_json::from_str::<Claims>(json).unwrap().sub;
/// assert_eq!(read(r#"{"sub":"alice"}"#), Member::Value("alice".into()));
/// assert_eq!(read(r#"{}"#), Member::Absent);
/// assert_eq!(read(r#"{"sub":7}"#), Member::WrongType(JsonType::Number));
/// assert_eq!(read(r#"{"sub":null}"#), Member::WrongType(JsonType::Null));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a member is there, or not, or something else"
)]
pub enum Member<T> {
    /// The object has no such member.
    #[default]
    Absent,
    /// The member has the type that was asked for.
    Value(T),
    /// The member has another type; `null` is one of them.
    WrongType(JsonType),
}

impl<T> Member<T> {
    /// The value, if the member is there with the right type.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::WrongType(_) => None,
        }
    }

    /// The same, by value.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::WrongType(_) => None,
        }
    }
}

/// A type that a [`Member`] can hold: it says what it makes of each JSON type.
///
/// Every method but `EXPECTED` has a default that refuses.
pub trait FromJson: Sized {
    /// What an error says was expected: "a string".
    const EXPECTED: &'static str;

    /// From a string.
    fn from_string(_: &str) -> Option<Self> {
        None
    }
    /// From a number.
    fn from_number(_: f64) -> Option<Self> {
        None
    }
    /// From a boolean.
    fn from_boolean(_: bool) -> Option<Self> {
        None
    }
    /// From an array whose elements are all strings.
    fn from_strings(_: Vec<String>) -> Option<Self> {
        None
    }
}

impl FromJson for String {
    const EXPECTED: &'static str = "a string";
    fn from_string(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl FromJson for Cow<'_, str> {
    const EXPECTED: &'static str = String::EXPECTED;
    fn from_string(text: &str) -> Option<Self> {
        Some(Cow::Owned(text.to_owned()))
    }
}

impl FromJson for bool {
    const EXPECTED: &'static str = "a boolean";
    fn from_boolean(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for f64 {
    const EXPECTED: &'static str = "a number";
    fn from_number(number: f64) -> Option<Self> {
        Some(number)
    }
}

impl FromJson for Vec<String> {
    const EXPECTED: &'static str = "an array of strings";
    fn from_strings(strings: Vec<String>) -> Option<Self> {
        Some(strings)
    }
}

/// Any value at all: for members whose mere presence matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Anything;

impl FromJson for Anything {
    const EXPECTED: &'static str = "anything";
    fn from_string(_: &str) -> Option<Self> {
        Some(Self)
    }
    fn from_number(_: f64) -> Option<Self> {
        Some(Self)
    }
    fn from_boolean(_: bool) -> Option<Self> {
        Some(Self)
    }
    fn from_strings(_: Vec<String>) -> Option<Self> {
        Some(Self)
    }
}

impl<'de, T: FromJson> Deserialize<'de> for Member<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MemberVisitor(PhantomData))
    }
}

/// Reads a value that the strict scan has found; `None` is an absent member.
///
/// See [`crate::json::scan_object`].
#[must_use]
#[inline]
pub fn read<T: FromJson>(value: Option<Found<'_>>) -> Member<T> {
    // Most members are absent or a string.
    match value {
        None => Member::Absent,
        Some(Found::Plain(text)) => MemberVisitor::member(T::from_string(text), JsonType::String),
        Some(Found::Json(text)) => read_json(text),
    }
}

fn read_json<T: FromJson>(json: &str) -> Member<T> {
    match plain_number(json) {
        Some(number) => MemberVisitor::member(T::from_number(number), JsonType::Number),
        // The scan has passed the text, so it reads; if it did not, it would be no value that
        // anybody takes for an absent one.
        None => serde_json::from_str(json).unwrap_or(Member::WrongType(JsonType::Object)),
    }
}

/// The same for text, borrowed where it can be.
#[must_use]
#[inline]
pub fn read_text(value: Option<Found<'_>>) -> Member<Cow<'_, str>> {
    match value {
        Some(Found::Plain(text)) => Member::Value(Cow::Borrowed(text)),
        other => read(other),
    }
}

/// The value of a whole number below 2^32, as the dates of nearly every token are.
fn plain_number(json: &str) -> Option<f64> {
    // `parse` alone would take a plus sign too, but the scan has passed the text.
    json.parse::<u32>().ok().map(f64::from)
}

struct MemberVisitor<T>(PhantomData<T>);

impl<T> MemberVisitor<T> {
    fn member(value: Option<T>, found: JsonType) -> Member<T> {
        value.map_or(Member::WrongType(found), Member::Value)
    }
}

impl<'de, T: FromJson> Visitor<'de> for MemberVisitor<T> {
    type Value = Member<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Member::WrongType(JsonType::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Self::member(T::from_boolean(value), JsonType::Boolean))
    }

    #[expect(
        clippy::as_conversions,
        reason = "claims are doubles (RFC 7519 2), exact to 2^53"
    )]
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Self::member(T::from_number(value as f64), JsonType::Number))
    }

    #[expect(
        clippy::as_conversions,
        reason = "claims are doubles (RFC 7519 2), exact to 2^53"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Self::member(T::from_number(value as f64), JsonType::Number))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Self::member(T::from_number(value), JsonType::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Self::member(T::from_string(text), JsonType::String))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        // An array is read to its end even when its type is already known to be wrong.
        let mut strings = Some(Vec::new());
        while let Some(element) = array.next_element::<Member<String>>()? {
            strings = match (strings, element) {
                (Some(mut strings), Member::Value(text)) => {
                    strings.push(text);
                    Some(strings)
                }
                _ => None,
            };
        }
        Ok(Self::member(
            strings.and_then(T::from_strings),
            JsonType::Array,
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut number = None;
        while let Some(name) = object.next_key::<String>()? {
            if name == NUMBER {
                number = object.next_value::<String>()?.parse::<f64>().ok();
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(match number {
            Some(number) => Self::member(T::from_number(number), JsonType::Number),
            None => Member::WrongType(JsonType::Object),
        })
    }
}

/// Where another crate turns on `serde_json/arbitrary_precision`, a number with a fraction
/// arrives as an object with this one member. The strict scan refuses the name in a text, so
/// nobody can write such an object.
const NUMBER: &str = "$serde_json::private::Number";

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: FromJson>(json: &str) -> Member<T> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_json_type_is_told_apart() {
        let types = [
            ("null", JsonType::Null),
            ("true", JsonType::Boolean),
            ("1", JsonType::Number),
            ("-1", JsonType::Number),
            ("1e3", JsonType::Number),
            ("\"a\"", JsonType::String),
            ("[1,{\"a\":[]}]", JsonType::Array),
            ("{\"a\":{\"b\":[1]}}", JsonType::Object),
        ];
        for (json, found) in types {
            let expect = |fits: JsonType| fits == found;
            assert_eq!(
                read::<String>(json).value().is_some(),
                expect(JsonType::String),
                "{json}"
            );
            assert_eq!(
                read::<bool>(json).value().is_some(),
                expect(JsonType::Boolean),
                "{json}"
            );
            assert_eq!(
                read::<f64>(json).value().is_some(),
                expect(JsonType::Number),
                "{json}"
            );
            assert_eq!(
                read::<Vec<String>>(json),
                Member::WrongType(found),
                "{json}"
            );
        }
        assert_eq!(
            read::<Vec<String>>("[\"a\",\"b\"]"),
            Member::Value(vec!["a".into(), "b".into()])
        );
        assert_eq!(read::<Vec<String>>("[]"), Member::Value(vec![]));
        assert_eq!(
            read::<Vec<String>>("[\"a\",null]"),
            Member::WrongType(JsonType::Array)
        );
    }
}
