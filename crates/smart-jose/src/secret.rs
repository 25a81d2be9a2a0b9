//! Values that must not be printed, compared in variable time or left in memory.

use core::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

/// A secret: overwritten when dropped, redacted in `Debug`, and readable only by a method whose
/// name says so.
///
/// It has no `Display`, no `Serialize` and no `==`; compare with [`Secret::matches`].
///
/// ```
/// use smart_jose::Secret;
/// let secret = Secret::new(String::from("correct horse"));
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// assert!(secret.matches("correct horse"));
/// assert_eq!(secret.expose_secret(), "correct horse");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes over a value; copies that the caller still holds are the caller's to wipe.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The secret itself.
    pub fn expose_secret(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether the secret equals `other`, in a time that depends only on the lengths.
    pub fn matches(&self, other: impl AsRef<[u8]>) -> bool {
        let (ours, theirs) = (self.0.as_ref(), other.as_ref());
        // Eight octets at a time, which is an eighth of the work.
        let ((ours, our_rest), (theirs, their_rest)) =
            (ours.as_chunks::<8>(), theirs.as_chunks::<8>());
        if ours.len() != theirs.len() {
            return false;
        }
        let mut is_same = our_rest.ct_eq(their_rest);
        for (our, their) in ours.iter().zip(theirs) {
            is_same &= u64::from_ne_bytes(*our).ct_eq(&u64::from_ne_bytes(*their));
        }
        is_same.into()
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_octets_match() {
        let secret = Secret::new(String::from("correct horse"));
        assert!(secret.matches("correct horse"));
        for other in [
            "",
            "correct",
            "correct horsf",
            "correct horse ",
            "Correct horse",
        ] {
            assert!(!secret.matches(other), "{other:?}");
        }
        assert!(!Secret::new(String::new()).matches("x"));
    }

    #[test]
    fn every_octet_of_every_length_counts() {
        for length in 0..40 {
            let secret = Secret::new(vec![7_u8; length]);
            let mut other = vec![7_u8; length];
            assert!(secret.matches(&other));
            for at in 0..length {
                other[at] = 8;
                assert!(!secret.matches(&other), "{at} of {length}");
                other[at] = 7;
            }
            other.push(7);
            assert!(!secret.matches(&other));
        }
    }
}
