//! JSON read strictly: one object, one meaning.
//!
//! RFC 7515 and RFC 7519 let a reader refuse duplicate members or take the last one. Two
//! readers that choose differently see two different tokens under one signature, so we refuse,
//! at every depth, and after escapes are resolved (`"\u0061lg"` *is* `alg`). Beyond that: UTF-8
//! without a byte order mark, no lone surrogate, a bounded depth, nothing behind the object, and
//! every number within the range of a double.
//!
//! The scan is a loop with its own small stack, so that depth is refused before any recursion
//! could begin. It accepts nothing that `serde_json` refuses; what passes is then read with it.

mod found;
mod names;
mod plain;
mod problem;
mod scan;

pub use found::Found;
pub use names::Name;
pub use problem::JsonError;
pub use scan::{MAX_DEPTH, check_object, scan_object, scan_text};

use serde::de::DeserializeOwned;

use crate::text::Text;

/// Checks that `octets` are one strict JSON object, of at most `limit` octets, and reads them into
/// `T`.
///
/// # Errors
///
/// [`JsonError`] for each rule of this module, and [`JsonError::Structure`] when the object does
/// not fit `T`.
///
/// ```
/// use std::collections::BTreeMap;
/// use smart_jose::json::{JsonError, read_object};
/// let read = |text: &str| read_object::<BTreeMap<String, u8>>(text.as_bytes(), 1024);
/// assert!(read(r#"{"a":1}"#).is_ok());
/// assert!(matches!(read(r#"{"a":1,"\u0061":2}"#), Err(JsonError::DuplicateMember { .. })));
/// ```
pub fn read_object<T: DeserializeOwned>(octets: &[u8], limit: usize) -> Result<T, JsonError> {
    let text = check_object(octets, limit)?;
    read_checked(text)
}

/// Reads text that [`check_object`] or [`scan_object`] has passed, and that was not changed since:
/// what the scan makes sure of is not looked at again.
///
/// # Errors
///
/// [`JsonError::Structure`] when the object does not fit `T`.
pub fn read_checked<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    serde_json::from_str(text).map_err(|error| JsonError::Structure {
        line: error.line(),
        column: error.column(),
        // serde's messages can quote values from the text, which may be secret: keep the part
        // that names the problem and drop what follows the first quotation.
        problem: Text::new(without_values(&error.to_string())),
    })
}

/// The part of a serde message that comes before anything it quotes from the input.
fn without_values(message: &str) -> &str {
    if message.starts_with("missing field") {
        // It names a member of ours and quotes nothing from the text.
        return message;
    }
    let end = message.find(['"', '\u{60}']).unwrap_or(message.len());
    let message = message.get(..end).unwrap_or_default();
    message.trim_end()
}
