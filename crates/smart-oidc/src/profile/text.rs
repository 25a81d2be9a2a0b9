//! Text of a resource, fit to be shown: bounded, on one line, and nothing in it that paints.

/// Longer prose is cut, and longer values fall away, in octets.
const LONGEST: usize = 1024;

/// Prose, such as a name: white space and control characters become single blanks, marks that
/// turn the direction of the text around them fall away, and it is cut between two characters.
/// Blank prose is none.
pub(super) fn prose(text: &str) -> Option<String> {
    let mut shown = String::new();
    let words = text.split(|it: char| it.is_whitespace() || it.is_control());
    'words: for word in words.filter(|it| !it.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        for c in word.chars().filter(|it| !turns_direction(*it)) {
            if shown.len() + c.len_utf8() > LONGEST {
                break 'words;
            }
            shown.push(c);
        }
    }
    let shown = shown.trim_end();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// A value such as an identifier, without white space around it. A part of it would be another
/// value, so one that is too long or holds a control character is none.
pub(super) fn value(text: &str) -> Option<String> {
    let text = text.trim();
    let is_fit = (1..=LONGEST).contains(&text.len())
        && !text
            .chars()
            .any(|it| it.is_control() || turns_direction(it));
    is_fit.then(|| text.to_owned())
}

/// Embeddings, overrides and isolates. Letters carry their own direction; these reach into what
/// stands beside the text.
const fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_one_bounded_line() {
        for (text, expected) in [
            ("Ada", Some("Ada")),
            ("  Ada\t\u{0}B.\r\n Smith\u{a0}", Some("Ada B. Smith")),
            ("\u{202e}Ada\u{2069}", Some("Ada")),
            ("\u{5e2}\u{5d3}\u{5d4}", Some("\u{5e2}\u{5d3}\u{5d4}")),
            (" \n", None),
            ("\u{202e} \u{7}", None),
            ("", None),
        ] {
            assert_eq!(prose(text).as_deref(), expected, "{text:?}");
        }
        let long = prose(&format!("a{}", "é".repeat(LONGEST))).unwrap();
        assert_eq!(long.len(), LONGEST - 1);
        assert!(long.ends_with('é'));
    }

    #[test]
    fn a_value_is_whole_or_absent() {
        assert_eq!(value(" a b ").as_deref(), Some("a b"));
        assert_eq!(value(&"x".repeat(LONGEST)).unwrap().len(), LONGEST);
        assert_eq!(value(&"x".repeat(LONGEST + 1)), None);
        assert_eq!(value("a\u{0}b"), None);
        assert_eq!(value("a\u{202e}b"), None);
        assert_eq!(value("  "), None);
    }
}
