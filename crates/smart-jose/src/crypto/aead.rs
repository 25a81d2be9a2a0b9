//! Sealing: AES-256-GCM behind the seam, with nonces that nobody chooses.

use core::fmt::Debug;
use std::sync::Arc;

use crate::class::ErrorClass;

/// The length of a key, in octets.
pub const AEAD_KEY_OCTETS: usize = 32;
/// The length of a nonce, in octets: the 96 bits that GCM is made for (NIST SP 800-38D 5.2.1.1).
pub const AEAD_NONCE_OCTETS: usize = 12;
/// By so many octets sealing makes a text longer: the tag, always whole.
pub const AEAD_TAG_OCTETS: usize = 16;
/// So often one key may seal with random nonces: beyond, the odds that two are equal are no longer
/// below 2⁻³² (NIST SP 800-38D 8.3), and two equal ones give away both texts and the key to
/// forgeries.
pub const AEAD_MAX_SEALS: u64 = 1 << 32;

/// Makes keys for AES-256-GCM.
pub trait Aead: Debug + Send + Sync {
    /// Prepares a key. What the backend makes of the octets lives as long as the key does, and the
    /// backend is the one to wipe it: AWS-LC does, ring does not.
    ///
    /// # Errors
    ///
    /// [`AeadFailed`] where the backend does not take the key.
    fn key(&self, octets: &[u8; AEAD_KEY_OCTETS]) -> Result<Arc<dyn AeadKey>, AeadFailed>;

    /// As [`super::VerificationAlgorithm::fips`].
    fn fips(&self) -> bool {
        false
    }
}

/// A key that seals and opens.
///
/// The nonce is drawn inside, at random and anew for each call, so that no caller can use one
/// twice; this is also the only way in which a validated module seals. Whoever seals counts, and
/// stops at [`AEAD_MAX_SEALS`].
///
/// Refusing to open a good text loses it; opening one that was changed hands the reader what an
/// attacker wrote. An implementation that is unsure must refuse.
pub trait AeadKey: Debug + Send + Sync {
    /// Seals `text` in place, appends the tag of [`AEAD_TAG_OCTETS`], and gives the nonce. `aad` is
    /// bound to the text and not hidden. A vector without room for the tag moves, and leaves behind
    /// what stood in it.
    ///
    /// # Errors
    ///
    /// [`AeadFailed`]; `text` must then not be used.
    fn seal(&self, aad: &[u8], text: &mut Vec<u8>) -> Result<[u8; AEAD_NONCE_OCTETS], AeadFailed>;

    /// Opens `text` in place and takes the tag off its end.
    ///
    /// # Errors
    ///
    /// [`NotAuthentic`] unless nonce, `aad` and text are those of one call of
    /// [`AeadKey::seal`] under this key; `text` must then not be used, and is empty.
    fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_OCTETS],
        aad: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), NotAuthentic>;
}

/// The backend did not take the key, drew no nonce, or did not seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the backend did not seal")]
#[expect(clippy::exhaustive_structs, reason = "a backend says no more")]
pub struct AeadFailed;

impl AeadFailed {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "aead-failed"
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Not what was sealed with this key, nonce and associated data. It says no more, since more helps
/// only an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not what was sealed")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct NotAuthentic;

impl NotAuthentic {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "aead-not-authentic"
    }

    /// Whose fault it is: that of whatever kept the text.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Upstream
    }
}

/// Leaves what was opened; where nothing was, what stands in the buffer is nobody's to read.
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
pub(super) fn keep_opened(opened: Option<usize>, text: &mut Vec<u8>) -> Result<(), NotAuthentic> {
    text.truncate(opened.unwrap_or_default());
    opened.map(|_| ()).ok_or(NotAuthentic)
}
