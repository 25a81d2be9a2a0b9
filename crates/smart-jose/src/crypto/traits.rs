//! The traits that a backend implements, with the directions in which it may err.

use core::fmt::Debug;
use std::sync::Arc;

use crate::alg::{Algorithm, HashAlgorithm, KeyType};
use crate::class::ErrorClass;
use crate::key::{Ed25519PublicKey, PrivateKey, PublicKey};

/// One algorithm that a backend can verify.
pub trait VerificationAlgorithm: Debug + Send + Sync {
    /// Which one.
    fn algorithm(&self) -> Algorithm;

    /// Prepares a key. The key is of the right kind: [`super::CryptoProvider::prepare`] has
    /// looked.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Refused`] where the backend does not take this key.
    fn prepare(&self, key: &PublicKey) -> Result<Arc<dyn VerifyingKey>, PrepareError>;

    /// Whether this runs in a module that is validated to FIPS 140-3, in its approved mode.
    fn fips(&self) -> bool {
        false
    }
}

/// A public key bound to one algorithm, ready to verify (RFC 8725 3.1: each key is used with
/// exactly one algorithm).
///
/// Refusing a good signature locks somebody out; accepting a bad one lets a stranger in. An
/// implementation that is unsure must refuse.
pub trait VerifyingKey: Debug + Send + Sync {
    /// The algorithm of this key.
    fn algorithm(&self) -> Algorithm;

    /// Checks a signature in JOSE form: PKCS#1 or PSS octets, `r ‖ s` of fixed width for ECDSA
    /// (RFC 7518 3.4), 64 octets for Ed25519.
    ///
    /// # Errors
    ///
    /// [`BadSignature`] for anything but a valid signature.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;
}

/// A private key bound to one algorithm. A hardware module implements just this.
pub trait SigningKey: Debug + Send + Sync {
    /// The algorithm of this key.
    fn algorithm(&self) -> Algorithm;

    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs, in the form that [`VerifyingKey::verify`] takes.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] where the backend or the device fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed>;
}

/// Makes and loads private keys.
pub trait KeyProvider: Debug + Send + Sync {
    /// Loads a key for one algorithm. The key is of the right kind.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`].
    fn signing_key(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
    ) -> Result<Arc<dyn SigningKey>, SigningKeyError>;

    /// The public half of an Ed25519 seed.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Refused`] unless the seed has 32 octets.
    fn ed25519_public(&self, seed: &[u8]) -> Result<Ed25519PublicKey, SigningKeyError>;

    /// Generates a key; `rsa_bits` counts for RSA only.
    ///
    /// # Errors
    ///
    /// [`GenerateError`]: ring makes no RSA keys and no P-521 keys.
    fn generate(&self, key_type: KeyType, rsa_bits: usize) -> Result<PrivateKey, GenerateError>;

    /// As [`VerificationAlgorithm::fips`].
    fn fips(&self) -> bool {
        false
    }
}

/// Hashes.
pub trait Digest: Debug + Send + Sync {
    /// The digest of `data`.
    fn digest(&self, algorithm: HashAlgorithm, data: &[u8]) -> DigestOutput;

    /// As [`VerificationAlgorithm::fips`].
    fn fips(&self) -> bool {
        false
    }
}

/// Random octets fit for keys.
pub trait SecureRandom: Debug + Send + Sync {
    /// Fills the whole slice.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`]; the slice must then not be used.
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed>;

    /// As [`VerificationAlgorithm::fips`].
    fn fips(&self) -> bool {
        false
    }
}

/// A digest of up to 64 octets, kept in place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestOutput {
    octets: [u8; 64],
    length: usize,
}

impl DigestOutput {
    /// Takes over a digest; octets beyond the 64th are dropped, which no SHA-2 digest has.
    #[must_use]
    pub fn new(digest: &[u8]) -> Self {
        let mut octets = [0; 64];
        for (to, from) in octets.iter_mut().zip(digest) {
            *to = *from;
        }
        Self {
            octets,
            length: digest.len().min(64),
        }
    }
}

impl AsRef<[u8]> for DigestOutput {
    fn as_ref(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl Debug for DigestOutput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "DigestOutput({} octets)", self.length)
    }
}

/// The signature is not valid for this key and message. It says no more, since more helps only
/// an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
#[non_exhaustive]
pub struct BadSignature;

impl BadSignature {
    /// For backends: the verdict of a failed verification.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "jws-bad-signature"
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

impl Default for BadSignature {
    fn default() -> Self {
        Self::new()
    }
}

/// The operating system gave no random octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random octets")]
#[expect(clippy::exhaustive_structs, reason = "there is nothing more to say")]
pub struct RandomFailed;

impl RandomFailed {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "random-failed"
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// The backend or the device did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key did not sign")]
#[expect(
    clippy::exhaustive_structs,
    reason = "details of a device belong in its own log"
)]
pub struct SigningFailed;

impl SigningFailed {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "sign-failed"
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Upstream
    }
}

/// Why a public key was not prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The key is of another kind than the algorithm needs.
    #[error("{algorithm} needs a key of type {}, this one is {found}", .algorithm.key_type())]
    KeyType {
        /// The algorithm.
        algorithm: Algorithm,
        /// The type of the key.
        found: KeyType,
    },
    /// The backend does not take the key.
    #[error("the backend refuses the key for {algorithm}")]
    Refused {
        /// The algorithm.
        algorithm: Algorithm,
    },
    /// The backend does not have the algorithm.
    #[error("this backend does not offer {algorithm}")]
    Unsupported {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

impl PrepareError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyType { .. } => "prepare-key-type",
            Self::Refused { .. } => "prepare-refused",
            Self::Unsupported { .. } => "prepare-unsupported",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Why a private key was not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The key is of another kind than the algorithm needs.
    #[error("{algorithm} needs a key of type {}, this one is {found}", .algorithm.key_type())]
    KeyType {
        /// The algorithm.
        algorithm: Algorithm,
        /// The type of the key.
        found: KeyType,
    },
    /// The backend does not take the key: its parts do not fit together.
    #[error("the backend refuses the private key: its parts do not fit together")]
    Refused,
    /// The backend signs with RSA keys up to a size only.
    #[error("this backend signs with RSA keys of at most {max} bits, this one has {bits}")]
    RsaTooLarge {
        /// The length of the modulus in bits.
        bits: usize,
        /// The limit in bits.
        max: usize,
    },
    /// The backend signs with larger public exponents only.
    #[error("this backend signs with public exponents of 65537 or more")]
    RsaSmallExponent,
    /// The backend does not have the algorithm.
    #[error("this backend does not sign with {algorithm}")]
    Unsupported {
        /// The algorithm.
        algorithm: Algorithm,
    },
}

impl SigningKeyError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyType { .. } => "signing-key-type",
            Self::Refused => "signing-key-refused",
            Self::RsaTooLarge { .. } => "signing-key-rsa-too-large",
            Self::RsaSmallExponent => "signing-key-rsa-small-exponent",
            Self::Unsupported { .. } => "signing-key-unsupported",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Why no key was generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The backend failed.
    #[error("the backend did not generate a key")]
    Failed,
    /// An RSA size that is not offered.
    #[error("RSA keys of {bits} bits are not generated; 2048, 3072 and 4096 are")]
    RsaBits {
        /// The size asked for, in bits.
        bits: usize,
    },
    /// The backend does not make keys of this kind.
    #[error("this backend does not generate keys of type {key_type}")]
    Unsupported {
        /// The kind asked for.
        key_type: KeyType,
    },
}

impl GenerateError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Failed => "generate-failed",
            Self::RsaBits { .. } => "generate-rsa-bits",
            Self::Unsupported { .. } => "generate-unsupported",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}
