//! The provider: a struct of public parts.

use std::sync::Arc;

use super::aead::Aead;
use super::traits::{
    Digest, DigestOutput, KeyProvider, PrepareError, RandomFailed, SecureRandom, SigningKey,
    SigningKeyError, VerificationAlgorithm, VerifyingKey,
};
use crate::alg::{Algorithm, Algorithms, HashAlgorithm};
use crate::key::{PrivateKey, PublicKey};

/// A set of cryptographic functions.
///
/// `CryptoProvider::ring()` and `CryptoProvider::aws_lc_rs()` exist with the features of those
/// names. One field can be replaced with struct update syntax:
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::crypto::CryptoProvider;
/// let verify_only_es256 = CryptoProvider {
///     verification: &CryptoProvider::ring().verification[..1],
///     ..*CryptoProvider::ring()
/// };
/// assert_eq!(verify_only_es256.algorithms().len(), 1);
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "backends outside this crate build it in a const"
)]
pub struct CryptoProvider {
    /// A short name for reports, such as `ring`.
    pub name: &'static str,
    /// What can be verified. This list *is* the statement of capability: there is no second one.
    pub verification: &'static [&'static dyn VerificationAlgorithm],
    /// Makes signing keys.
    pub key_provider: &'static dyn KeyProvider,
    /// Hashes.
    pub digest: &'static dyn Digest,
    /// Random octets.
    pub secure_random: &'static dyn SecureRandom,
    /// Seals what is kept for later, with AES-256-GCM.
    pub aead: &'static dyn Aead,
}

/// What a new RSA key signs once, to see whether its parts fit together.
const TRIAL: &[u8] = b"a signature to try the key";

impl CryptoProvider {
    /// The algorithms that this provider verifies.
    #[must_use]
    pub fn algorithms(&self) -> Algorithms {
        self.verification.iter().map(|it| it.algorithm()).collect()
    }

    /// Whether every part runs in a module that is validated to FIPS 140-3, in its approved mode.
    ///
    /// It is so for `CryptoProvider::aws_lc_rs()` with the feature `fips`. A program that must
    /// not run otherwise asks once, when it starts. The arithmetic that judges public keys before
    /// the module sees them (see `docs/design.md`) touches no secret and is not part of this. What
    /// is sealed has its nonce drawn by the module itself, as the validation asks.
    #[must_use]
    pub fn fips(&self) -> bool {
        // Taken apart, so that a new field is not forgotten here.
        let Self {
            name: _,
            verification,
            key_provider,
            digest,
            secure_random,
            aead,
        } = self;
        verification.iter().all(|it| it.fips())
            && key_provider.fips()
            && digest.fips()
            && secure_random.fips()
            && aead.fips()
    }

    /// Prepares a key for verification; done once for each key and algorithm.
    ///
    /// # Errors
    ///
    /// [`PrepareError::Unsupported`] where the provider lacks the algorithm,
    /// [`PrepareError::KeyType`] where the key is of another kind, [`PrepareError::Refused`] where
    /// the backend does not take the key.
    pub fn prepare(
        &self,
        key: &PublicKey,
        algorithm: Algorithm,
    ) -> Result<Arc<dyn VerifyingKey>, PrepareError> {
        if !key.fits(algorithm) {
            return Err(PrepareError::KeyType {
                algorithm,
                found: key.key_type(),
            });
        }
        let found = self
            .verification
            .iter()
            .find(|it| it.algorithm() == algorithm);
        found
            .ok_or(PrepareError::Unsupported { algorithm })?
            .prepare(key)
    }

    /// Makes a key that signs with one algorithm.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`]: another kind of key, an algorithm that the provider lacks, or parts
    /// that the backend refuses.
    pub fn signing_key(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
    ) -> Result<Arc<dyn SigningKey>, SigningKeyError> {
        let found = key.public_key().key_type();
        if algorithm.key_type() != found {
            return Err(SigningKeyError::KeyType { algorithm, found });
        }
        let signer = self.key_provider.signing_key(key, algorithm)?;
        if let PrivateKey::Rsa(_) = key {
            // The backends check different parts of an RSA key. A signature that verifies is what
            // counts, and is better tried now than when somebody signs in.
            let signature = signer.sign(TRIAL).map_err(|_| SigningKeyError::Refused)?;
            let verifier = self
                .prepare(&key.public_key(), algorithm)
                .map_err(|_| SigningKeyError::Unsupported { algorithm })?;
            verifier
                .verify(TRIAL, &signature)
                .map_err(|_| SigningKeyError::Refused)?;
        }
        Ok(signer)
    }

    /// Hashes `data`.
    #[must_use]
    pub fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> DigestOutput {
        self.digest.digest(algorithm, data)
    }

    /// Random octets from the backend's generator, for `state`, `nonce`, `code_verifier`, `jti`.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives none.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], RandomFailed> {
        let mut octets = [0; N];
        self.secure_random.fill(&mut octets)?;
        Ok(octets)
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use super::*;
    use crate::alg::KeyType;
    use crate::crypto::{AeadFailed, AeadKey, GenerateError};
    use crate::key::Ed25519PublicKey;

    #[test]
    fn ring_is_not_validated() {
        assert!(!CryptoProvider::ring().fips());
    }

    /// Parts that call themselves validated and do nothing.
    #[derive(Debug)]
    struct Validated;

    impl VerificationAlgorithm for Validated {
        fn algorithm(&self) -> Algorithm {
            Algorithm::ES256
        }
        fn prepare(&self, _: &PublicKey) -> Result<Arc<dyn VerifyingKey>, PrepareError> {
            let algorithm = self.algorithm();
            Err(PrepareError::Refused { algorithm })
        }
        fn fips(&self) -> bool {
            true
        }
    }

    impl KeyProvider for Validated {
        fn signing_key(
            &self,
            _: &PrivateKey,
            _: Algorithm,
        ) -> Result<Arc<dyn SigningKey>, SigningKeyError> {
            Err(SigningKeyError::Refused)
        }
        fn ed25519_public(&self, _: &[u8]) -> Result<Ed25519PublicKey, SigningKeyError> {
            Err(SigningKeyError::Refused)
        }
        fn generate(&self, _: KeyType, _: usize) -> Result<PrivateKey, GenerateError> {
            Err(GenerateError::Failed)
        }
        fn fips(&self) -> bool {
            true
        }
    }

    impl Digest for Validated {
        fn digest(&self, _: HashAlgorithm, _: &[u8]) -> DigestOutput {
            DigestOutput::new(&[])
        }
        fn fips(&self) -> bool {
            true
        }
    }

    impl SecureRandom for Validated {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomFailed> {
            Err(RandomFailed)
        }
        fn fips(&self) -> bool {
            true
        }
    }

    impl Aead for Validated {
        fn key(&self, _: &[u8; 32]) -> Result<Arc<dyn AeadKey>, AeadFailed> {
            Err(AeadFailed)
        }
        fn fips(&self) -> bool {
            true
        }
    }

    #[test]
    fn one_part_that_is_not_validated_is_enough() {
        let ring = CryptoProvider::ring();
        let all = CryptoProvider {
            name: "validated",
            verification: &[&Validated],
            key_provider: &Validated,
            digest: &Validated,
            secure_random: &Validated,
            aead: &Validated,
        };
        assert!(all.fips());
        let verification = ring.verification;
        let key_provider = ring.key_provider;
        let digest = ring.digest;
        let secure_random = ring.secure_random;
        let aead = ring.aead;
        let mixed = [
            CryptoProvider {
                verification,
                ..all
            },
            CryptoProvider {
                key_provider,
                ..all
            },
            CryptoProvider { digest, ..all },
            CryptoProvider {
                secure_random,
                ..all
            },
            CryptoProvider { aead, ..all },
        ];
        assert!(mixed.iter().all(|it| !it.fips()));
    }
}
