//! Text of a resource, fit to be shown: bounded, on one line, and nothing in it that paints.

use smart_jose::Text;

/// Longer prose is cut, and longer values fall away, in octets.
const LONGEST: usize = 1024;

/// Prose, such as a name: white space and control characters become single blanks, characters that
/// nobody sees fall away, among them those that turn the direction of the text around them, and it
/// is cut between two characters. Prose in which there is nothing to see is none.
pub(super) fn prose(text: &str) -> Option<String> {
    let mut shown = String::new();
    // What stands between the last visible character and the next one: joiners of the last one, at
    // most one blank, and joiners of the next one.
    let mut gap = String::new();
    for c in text.chars() {
        let is_first = shown.is_empty();
        if c.is_whitespace() || c.is_control() {
            gap.truncate(gap.find(' ').unwrap_or(gap.len()));
            gap.extend((!is_first).then_some(' '));
        } else if joins(c) {
            gap.extend((!is_first).then_some(c));
        } else if !is_invisible(c) {
            if shown.len() + gap.len() + c.len_utf8() > LONGEST {
                gap.clear();
                break;
            }
            shown.push_str(&gap);
            shown.push(c);
            gap.clear();
        }
    }
    // The last letter may need its joiner to have its form.
    let joiners = gap.split(' ').next().unwrap_or_default();
    if shown.len() + joiners.len() <= LONGEST {
        shown.push_str(joiners);
    }
    (!shown.is_empty()).then_some(shown)
}

/// A value such as an identifier, without what nobody sees around it. A part of it would be another
/// value, so one that is too long or holds a control character is none.
pub(super) fn value(text: &str) -> Option<String> {
    if text.chars().any(turns_direction) {
        return None;
    }
    let text = text.trim_matches(|it: char| it.is_whitespace() || is_invisible(it));
    let is_fit = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
    is_fit.then(|| text.to_owned())
}

/// What may be shown of a text in `Debug`: all of it or, where it does not fit, that there is one.
pub(super) fn shown_if(text: Option<&str>, is_fit: impl Fn(&str) -> bool) -> Option<Text> {
    text.map(|it| Text::new(if is_fit(it) { it } else { "not shown" }))
}

/// Characters without width or form of their own: soft hyphens, spaces of no width, joiners, marks
/// of direction, operators that nobody sees, and the mark of byte order.
const fn is_invisible(c: char) -> bool {
    turns_direction(c)
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
        )
}

/// The joiners, with and without width in their name only: they choose the form of the letters
/// beside them, and put emoji together.
const fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
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
            ("\u{200b}\u{feff}\u{ad}", None),
            ("\u{200c}\u{200d}", None),
            (" \u{200d} \u{2060} ", None),
            ("Ada \u{202e} Smith", Some("Ada Smith")),
            ("Ada \u{200b} \u{200d} \u{feff}Smith", Some("Ada Smith")),
            ("A\u{200b}d\u{ad}a\u{200e} ", Some("Ada")),
            // A name in Persian, an emoji of two, and a letter that keeps its form at the end.
            (
                "\u{200c}\u{645}\u{6cc}\u{200c}\u{631}",
                Some("\u{645}\u{6cc}\u{200c}\u{631}"),
            ),
            (
                "\u{1f469}\u{200d}\u{2695} x",
                Some("\u{1f469}\u{200d}\u{2695} x"),
            ),
            ("\u{647}\u{200d} ", Some("\u{647}\u{200d}")),
            (
                "\u{647}\u{200d}\t  \u{200d}x",
                Some("\u{647}\u{200d} \u{200d}x"),
            ),
            ("\u{647}\u{200d}", Some("\u{647}\u{200d}")),
            ("a \u{200d}\u{647}", Some("a \u{200d}\u{647}")),
        ] {
            assert_eq!(prose(text).as_deref(), expected, "{text:?}");
        }
        for invisible in "\u{ad}\u{61c}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\
                          \u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\u{2066}\
                          \u{2067}\u{2068}\u{2069}\u{feff}"
            .chars()
        {
            assert_eq!(prose(&invisible.to_string()), None, "{invisible:?}");
            assert_eq!(value(&invisible.to_string()), None, "{invisible:?}");
            let inside = prose(&format!("a{invisible}b")).unwrap();
            assert_eq!(inside.len() > 2, joins(invisible), "{invisible:?}");
        }
        let long = prose(&format!("a{}", "é".repeat(LONGEST))).unwrap();
        assert_eq!(long.len(), LONGEST - 1);
        assert!(long.ends_with('é'));
        let joined = prose(&format!("a{}b", "\u{200d}".repeat(LONGEST))).unwrap();
        assert_eq!(joined, "a");
    }

    #[test]
    fn a_value_is_whole_or_absent() {
        assert_eq!(value(" a b ").as_deref(), Some("a b"));
        assert_eq!(value(&"x".repeat(LONGEST)).unwrap().len(), LONGEST);
        assert_eq!(value(&"x".repeat(LONGEST + 1)), None);
        assert_eq!(value("a\u{0}b"), None);
        for turn in "\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert_eq!(value(&format!("a{turn}b")), None, "{turn:?}");
            assert_eq!(value(&format!("{turn}b")), None, "{turn:?}");
        }
        assert_eq!(value("\u{feff} a\u{200b}").as_deref(), Some("a"));
        assert_eq!(value("  "), None);
    }
}
