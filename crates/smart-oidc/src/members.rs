//! Taking members out of a JSON object whose rest is kept.

use serde_json::{Map, Value};
use smart_jose::member::JsonType;

/// The type of a value, for errors and findings.
pub(crate) const fn type_of(value: &Value) -> JsonType {
    match value {
        Value::Null => JsonType::Null,
        Value::Bool(_) => JsonType::Boolean,
        Value::Number(_) => JsonType::Number,
        Value::String(_) => JsonType::String,
        Value::Array(_) => JsonType::Array,
        Value::Object(_) => JsonType::Object,
    }
}

/// Takes a member that is wanted as a string.
///
/// `Ok(None)` is one that is not there; the error says what it is instead.
pub(crate) fn take_string(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, JsonType> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(type_of(&other)),
    }
}
