//! The part of the scan that reads strings and their escapes.

use super::super::plain::end_of_plain;
use super::{Scanner, Stop};

impl Scanner<'_, '_> {
    /// Reads a string; says whether it holds an escape.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Stop> {
        self.at = end_of_plain(self.octets, self.at + 1);
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(false);
        }
        self.string_with_escapes()?;
        Ok(true)
    }

    /// Reads the rest of a string from its first octet that does not mean itself.
    #[cold]
    fn string_with_escapes(&mut self) -> Result<(), Stop> {
        while self.peek() == Some(b'\\') {
            self.escape()?;
            self.at = end_of_plain(self.octets, self.at);
        }
        if self.peek() != Some(b'"') {
            return Err(Stop::Syntax);
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Stop> {
        let begin = self.at;
        match self.octets.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let first = self.hex4()?;
                match first {
                    0xd800..=0xdbff => {
                        let follows = self.octets.get(self.at..self.at + 2) == Some(b"\\u");
                        if follows && matches!(self.hex4()?, 0xdc00..=0xdfff) {
                            Ok(())
                        } else {
                            Err(self.back_at(begin, Stop::LoneSurrogate))
                        }
                    }
                    0xdc00..=0xdfff => Err(self.back_at(begin, Stop::LoneSurrogate)),
                    _ => Ok(()),
                }
            }
            _ => Err(Stop::Syntax),
        }
    }

    /// Reads the `\uXXXX` at the current octet.
    fn hex4(&mut self) -> Result<u16, Stop> {
        let digits = self
            .octets
            .get(self.at + 2..self.at + 6)
            .ok_or(Stop::Syntax)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Stop::Syntax);
        }
        let value = core::str::from_utf8(digits)
            .ok()
            .and_then(|it| u16::from_str_radix(it, 16).ok());
        let value = value.ok_or(Stop::Syntax)?;
        self.at += 6;
        Ok(value)
    }
}
