//! Prose of a server, which is kept and not shown.

use core::fmt;

use smart_jose::Text;

/// Text of a server that may quote a secret or name a person.
///
/// `Debug` shows its length, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct UntrustedText {
    text: Text,
    octets: usize,
}

impl UntrustedText {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: Text::new(text),
            octets: text.len(),
        }
    }

    /// The beginning of the text, which prints escaped. It may hold a secret or name a person, and
    /// what looks like a link or like markup in it is the server's.
    #[must_use]
    pub const fn expose_untrusted(&self) -> &Text {
        &self.text
    }
}

impl fmt::Debug for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UntrustedText({} octets)", self.octets)
    }
}
