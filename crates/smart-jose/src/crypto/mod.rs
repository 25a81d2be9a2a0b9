//! The seam to the cryptography: a [`CryptoProvider`] is a value that is passed in.
//!
//! There is no process-wide default to install, to forget or to install twice. Both backends may
//! be in one build; the application says which one it means. A backend that is not compiled in
//! does not exist as a name, so what is missing is a compile error and not a panic at night.
//!
//! A third backend, or a hardware module, is possible without our help: the fields are public
//! and the traits are open.

mod aead;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc_rs;
mod provider;
#[cfg(feature = "async-signer")]
mod remote;
#[cfg(feature = "ring")]
mod ring;
mod traits;

pub use aead::{
    AEAD_KEY_OCTETS, AEAD_MAX_SEALS, AEAD_NONCE_OCTETS, AEAD_TAG_OCTETS, Aead, AeadFailed, AeadKey,
    NotAuthentic,
};
pub use provider::CryptoProvider;
#[cfg(feature = "async-signer")]
pub use remote::{AtHand, RemoteSigningKey};
pub use traits::{
    BadSignature, Digest, DigestOutput, GenerateError, KeyProvider, PrepareError, RandomFailed,
    SecureRandom, SigningFailed, SigningKey, SigningKeyError, VerificationAlgorithm, VerifyingKey,
};

/// The default backend: ring. It exists with the feature `ring` only, and means ring whatever
/// else is turned on, so another crate's features cannot change what your program does.
#[cfg(feature = "ring")]
#[must_use]
pub fn default_provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}
