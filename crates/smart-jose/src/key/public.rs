//! One type for every public key.

use super::ec::EcPublicKey;
use super::ed25519::Ed25519PublicKey;
use super::rsa::RsaPublicKey;
use crate::alg::{Algorithm, KeyType};

/// A public key that has passed every check of this module.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PublicKey {
    /// RSA, 2048 to 8192 bits.
    Rsa(RsaPublicKey),
    /// A point on P-256, P-384 or P-521.
    Ec(EcPublicKey),
    /// An Ed25519 point.
    Ed25519(Ed25519PublicKey),
}

impl PublicKey {
    /// What kind of key it is; it decides which algorithms the key can serve.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa(_) => KeyType::Rsa,
            Self::Ec(key) => key.curve().key_type(),
            Self::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Whether the key can serve this algorithm.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        algorithm.key_type() == self.key_type()
    }
}
