//! A header that has been read before is known again by its text.

use core::fmt;

use crate::alg::Algorithms;
use crate::header::ProtectedHeader;

/// The header of one token, for reading others that have the same.
///
/// An issuer writes the header alike, octet for octet, in every token that it signs with one key,
/// so whoever verifies many of them need not read it each time. Keep that of a token that has
/// verified, so that nobody else can put his own in its place.
///
/// ```
/// use smart_jose::{Algorithms, UnverifiedJws};
/// let accepted = Algorithms::ID_TOKEN;
/// let first = UnverifiedJws::parse("eyJhbGciOiJSUzI1NiJ9.e30.AA", accepted).unwrap();
/// let known = first.known_header();
/// let second = "eyJhbGciOiJSUzI1NiJ9.e30.BA";
/// let second = UnverifiedJws::parse_knowing(&known, second, accepted, 1024).unwrap();
/// assert_eq!(second.header(), first.header());
/// ```
#[derive(Clone)]
pub struct KnownHeader {
    /// As it stands in the token, in base64url.
    encoded: Box<str>,
    header: ProtectedHeader,
}

impl KnownHeader {
    pub(super) fn new(encoded: &str, header: &ProtectedHeader) -> Self {
        Self {
            encoded: encoded.into(),
            header: header.clone(),
        }
    }

    /// The header that this text stands for, if it is this one and its algorithm is accepted:
    /// nothing else that reading it says depends on the caller.
    pub(super) fn told(&self, encoded: &str, accepted: Algorithms) -> Option<ProtectedHeader> {
        let is_this = *self.encoded == *encoded && accepted.contains(self.header.algorithm());
        is_this.then(|| self.header.clone())
    }

    /// Whether this token, compact or up to its second dot, has this header.
    #[must_use]
    pub fn is_of(&self, compact: &str) -> bool {
        let rest = compact.strip_prefix(&*self.encoded);
        rest.is_some_and(|it| it.starts_with('.'))
    }
}

impl fmt::Debug for KnownHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KnownHeader").field(&self.header).finish()
    }
}
