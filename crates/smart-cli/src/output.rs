//! Printing. A reader that goes away (`smart … | head`) ends the output, not the program.

use core::fmt::Display;
use std::io::{self, Write as _};

/// Prints one line of the result.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints one line for the operator.
pub(crate) fn error(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl serde::Serialize) {
    // What is printed here has no maps with keys that are not strings, so this does not fail.
    if let Ok(text) = serde_json::to_string_pretty(value) {
        line(text);
    }
}
