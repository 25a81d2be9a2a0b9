//! Text from outside, made safe to carry in an error and to print.

use core::fmt;

/// How many characters of foreign text an error keeps.
const LIMIT: usize = 120;

/// A piece of text that somebody else chose: cut to 120 characters, shown in quotes and escaped.
///
/// Errors carry both sides of a failed comparison, and one side often comes from an attacker.
/// With this type it cannot fill a log, break a line or paint a terminal (RFC 8725 3.10).
///
/// ```
/// use smart_jose::Text;
/// assert_eq!(Text::new("a\nb").to_string(), "\"a\\nb\"");
/// assert!(Text::new(&"x".repeat(5000)).to_string().ends_with("…\" (5000 octets)"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Text {
    kept: Box<str>,
    octets: usize,
}

impl Text {
    /// Keeps the beginning of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let end = text
            .char_indices()
            .nth(LIMIT)
            .map_or(text.len(), |(at, _)| at);
        Self {
            kept: text.get(..end).unwrap_or_default().into(),
            octets: text.len(),
        }
    }

    /// What was kept, unescaped: for comparisons in tests and never for printing.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.kept
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.kept.chars() {
            // Direction marks and other format characters are not control characters to
            // `escape_debug`, but they can turn a line of a log around.
            if matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            {
                write!(f, "{}", c.escape_unicode())?;
            } else if c == '\'' {
                f.write_str("'")?;
            } else {
                write!(f, "{}", c.escape_debug())?;
            }
        }
        if self.kept.len() < self.octets {
            return write!(f, "…\" ({} octets)", self.octets);
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: BCP-10
    #[test]
    fn control_and_direction_characters_are_escaped() {
        assert_eq!(Text::new("a\u{1b}[31m").to_string(), "\"a\\u{1b}[31m\"");
        assert_eq!(Text::new("a\u{202e}b\"").to_string(), "\"a\\u{202e}b\\\"\"");
        assert_eq!(Text::new("it's").to_string(), "\"it's\"");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let text = Text::new(&"é".repeat(10_000));
        assert_eq!(text.as_str().chars().count(), LIMIT);
        assert!(text.to_string().contains("20000 octets"));
    }
}
