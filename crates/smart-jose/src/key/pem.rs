//! PEM blocks (RFC 7468): finding them among other text, and the base64 inside.
//!
//! The kept libraries take one block in lines of one width and nothing around it. Key files of
//! real tools hold a certificate or curve parameters beside the key, one long line, or notes, and
//! refusing them at night helps nobody; the octets inside are read strictly either way.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
/// Characters of base64 in a line that we write (RFC 7468 2).
const WIDTH: usize = 64;

/// Why a text is no PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PemError {
    #[error("the text between the lines is not base64")]
    Base64,
    #[error("the line that begins a block does not end in dashes")]
    BeginLine,
    #[error("there is no block that begins with -----BEGIN")]
    NoBlock,
    #[error("the block has no matching end line")]
    NoEnd,
}

/// One block, its body still encoded.
pub(super) struct Block<'p> {
    pub(super) label: &'p str,
    pub(super) body: &'p str,
}

/// The blocks of a text, in their order; what stands around them is passed over.
pub(super) struct Blocks<'p> {
    rest: &'p str,
}

impl<'p> Blocks<'p> {
    pub(super) const fn of(text: &'p str) -> Self {
        Self { rest: text }
    }

    fn block(&mut self, from: &'p str) -> Result<Block<'p>, PemError> {
        let (label, body) = from.split_once(DASHES).ok_or(PemError::BeginLine)?;
        if label.contains(['\n', '\r']) {
            return Err(PemError::BeginLine);
        }
        let end = format!("-----END {label}-----");
        let (body, rest) = body.split_once(&end).ok_or(PemError::NoEnd)?;
        self.rest = rest;
        Ok(Block { label, body })
    }
}

impl<'p> Iterator for Blocks<'p> {
    type Item = Result<Block<'p>, PemError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (_, from) = self.rest.split_once(BEGIN)?;
        // After an error there is nothing to go on from.
        self.rest = "";
        Some(self.block(from))
    }
}

/// The octets of a body: base64 in lines of any width.
pub(super) fn decode(body: &str) -> Result<Zeroizing<Vec<u8>>, PemError> {
    // With all its room from the beginning, so that no shorter copy is left behind unwiped.
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.bytes().filter(|it| !it.is_ascii_whitespace()));
    STANDARD
        .decode(&*text)
        .map(Zeroizing::new)
        .map_err(|_| PemError::Base64)
}

/// Writes one block, with line feeds and a final one.
pub(super) fn encode(label: &str, octets: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(STANDARD.encode(octets));
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + text.len() / WIDTH + 80));
    pem.push_str(BEGIN);
    pem.push_str(label);
    pem.push_str(DASHES);
    pem.push('\n');
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at_checked(WIDTH).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = next;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str(DASHES);
    pem.push('\n');
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Vec<Result<&str, PemError>> {
        Blocks::of(text).map(|it| it.map(|it| it.label)).collect()
    }

    #[test]
    fn blocks_are_found_among_other_text() {
        let (a, b) = (encode("A", b"one"), encode("B KEY", &[7; 100]));
        let text = format!("note\n{}between\r\n{}after", *a, *b);
        assert_eq!(labels(&text), [Ok("A"), Ok("B KEY")]);
        assert_eq!(labels("no block"), []);
        assert_eq!(labels("-----BEGIN A"), [Err(PemError::BeginLine)]);
        assert_eq!(labels("-----BEGIN A\n-----"), [Err(PemError::BeginLine)]);
        assert_eq!(
            labels("-----BEGIN A-----\nAAAA\n-----END B-----"),
            [Err(PemError::NoEnd)]
        );
    }

    #[test]
    fn bodies_have_lines_of_any_width() {
        for body in ["b25l", "\nb2\r\n5l\n", " b 2 5 l "] {
            assert_eq!(decode(body).unwrap().as_slice(), b"one", "{body:?}");
        }
        for body in ["b25", "b25l!", "b25l=", "Proc-Type: 4,ENCRYPTED\n\nb25l"] {
            assert!(decode(body).is_err(), "{body:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(octets: Vec<u8>) {
            let text = encode("X", &octets);
            let block = Blocks::of(&text).next().unwrap().unwrap();
            proptest::prop_assert_eq!(decode(block.body).unwrap().to_vec(), octets);
            proptest::prop_assert!(text.lines().all(|line| line.len() <= WIDTH));
        }
    }
}
