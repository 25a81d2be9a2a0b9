//! Octets and text that are kept in place where they are few.
//!
//! What an attacker sends in a flood is small and is refused; refusing it should ask nothing of
//! the allocator.

use crate::member::FromJson;

/// Text of up to this many octets is kept in place: a `kid` that is a thumbprint has 43.
const SHORT_TEXT: usize = 47;

/// Buffers of up to this many octets are kept in place: a header, or the signature of an RSA key
/// of 4096 bits.
const SHORT_BUFFER: usize = 528;

/// Text that is kept in place where it is short.
#[derive(Clone)]
pub(crate) struct ShortText(Text);

#[derive(Clone)]
enum Text {
    InPlace { octets: [u8; SHORT_TEXT], len: u8 },
    Boxed(Box<str>),
}

impl ShortText {
    pub(crate) fn new(text: &str) -> Self {
        let mut octets = [0; SHORT_TEXT];
        let len = u8::try_from(text.len()).unwrap_or(u8::MAX);
        Self(match octets.get_mut(..text.len()) {
            Some(room) => {
                room.copy_from_slice(text.as_bytes());
                Text::InPlace { octets, len }
            }
            None => Text::Boxed(text.into()),
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        match &self.0 {
            Text::InPlace { octets, len } => {
                let octets = octets.get(..usize::from(*len)).unwrap_or_default();
                // It was text when it came.
                core::str::from_utf8(octets).unwrap_or_default()
            }
            Text::Boxed(text) => text,
        }
    }
}

impl PartialEq for ShortText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ShortText {}

impl FromJson for ShortText {
    const EXPECTED: &'static str = String::EXPECTED;
    fn from_string(text: &str) -> Option<Self> {
        Some(Self::new(text))
    }
}

/// A buffer of fixed length that is kept in place where it is short.
#[expect(clippy::large_enum_variant, reason = "that is what it is for")]
pub(crate) enum ShortBuffer {
    InPlace([u8; SHORT_BUFFER]),
    Allocated(Vec<u8>),
}

impl ShortBuffer {
    /// A buffer for at least `len` octets.
    pub(crate) fn new(len: usize) -> Self {
        if len <= SHORT_BUFFER {
            Self::InPlace([0; SHORT_BUFFER])
        } else {
            Self::Allocated(vec![0; len])
        }
    }

    pub(crate) const fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Self::InPlace(octets) => octets,
            Self::Allocated(octets) => octets.as_mut_slice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_the_same_in_place_and_boxed() {
        for len in [
            0,
            1,
            43,
            SHORT_TEXT - 1,
            SHORT_TEXT,
            SHORT_TEXT + 1,
            255,
            256,
            5000,
        ] {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let short = ShortText::new(&text);
            assert_eq!(short.as_str(), text);
            assert!(short == short.clone());
            assert!(short != ShortText::new(&format!("{text}x")));
            assert_eq!(matches!(short.0, Text::InPlace { .. }), len <= SHORT_TEXT);
        }
    }

    #[test]
    fn a_buffer_has_the_room_that_was_asked_for() {
        for len in [0, 5, SHORT_BUFFER, SHORT_BUFFER + 1, 100_000] {
            let mut buffer = ShortBuffer::new(len);
            assert!(buffer.as_mut_slice().len() >= len);
            assert_eq!(
                matches!(buffer, ShortBuffer::InPlace(_)),
                len <= SHORT_BUFFER
            );
        }
    }
}
