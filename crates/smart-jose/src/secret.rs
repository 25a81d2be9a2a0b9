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
        self.0.as_ref().as_ref().ct_eq(other.as_ref()).into()
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
}
