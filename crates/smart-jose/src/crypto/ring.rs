//! ring as a provider. `aws_lc_rs.rs` has the same items in the same order, so that the two can
//! be read side by side.

use std::sync::Arc;

use ::ring::rand::{SecureRandom as _, SystemRandom};
use ::ring::signature::{self, KeyPair as _};
use ::ring::{aead, digest, rsa};

use super::aead::{
    AEAD_KEY_OCTETS, AEAD_NONCE_OCTETS, Aead, AeadFailed, AeadKey, NotAuthentic, keep_opened,
};
use super::provider::CryptoProvider;
use super::traits::{
    BadSignature, Digest, DigestOutput, GenerateError, KeyProvider, PrepareError, RandomFailed,
    SecureRandom, SigningFailed, SigningKey, SigningKeyError, VerificationAlgorithm, VerifyingKey,
};
use crate::alg::{Algorithm, HashAlgorithm, KeyType};
use crate::key::{
    EcPrivateKey, Ed25519PrivateKey, Ed25519PublicKey, Found, PrivateKey, PublicKey, RsaPrivateKey,
    RsaPublicKey, private_from_pkcs8,
};

impl CryptoProvider {
    /// ring: fast to build, everything that SMART needs. No ES512 and no RSA key generation.
    #[must_use]
    pub fn ring() -> &'static Self {
        &PROVIDER
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    name: "ring",
    verification: &[
        &Rsa {
            algorithm: Algorithm::RS256,
            parameters: &signature::RSA_PKCS1_2048_8192_SHA256,
        },
        &Rsa {
            algorithm: Algorithm::RS384,
            parameters: &signature::RSA_PKCS1_2048_8192_SHA384,
        },
        &Rsa {
            algorithm: Algorithm::RS512,
            parameters: &signature::RSA_PKCS1_2048_8192_SHA512,
        },
        &Rsa {
            algorithm: Algorithm::PS256,
            parameters: &signature::RSA_PSS_2048_8192_SHA256,
        },
        &Rsa {
            algorithm: Algorithm::PS384,
            parameters: &signature::RSA_PSS_2048_8192_SHA384,
        },
        &Rsa {
            algorithm: Algorithm::PS512,
            parameters: &signature::RSA_PSS_2048_8192_SHA512,
        },
        &Point {
            algorithm: Algorithm::ES256,
            parameters: &signature::ECDSA_P256_SHA256_FIXED,
        },
        &Point {
            algorithm: Algorithm::ES384,
            parameters: &signature::ECDSA_P384_SHA384_FIXED,
        },
        &Point {
            algorithm: Algorithm::EdDSA,
            parameters: &signature::ED25519,
        },
    ],
    key_provider: &Ring,
    digest: &Ring,
    secure_random: &Ring,
    aead: &Ring,
};

/// The largest RSA key that ring signs with, and the smallest exponent.
const MAX_SIGNING_BITS: usize = 4096;
const MIN_SIGNING_EXPONENT: [u8; 3] = [1, 0, 1];

#[derive(Debug)]
struct Ring;

// Verifying.

#[derive(Debug)]
struct Rsa {
    algorithm: Algorithm,
    parameters: &'static signature::RsaParameters,
}

impl VerificationAlgorithm for Rsa {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn prepare(&self, key: &PublicKey) -> Result<Arc<dyn VerifyingKey>, PrepareError> {
        let PublicKey::Rsa(key) = key else {
            return Err(PrepareError::Refused {
                algorithm: self.algorithm,
            });
        };
        let Self {
            algorithm,
            parameters,
        } = *self;
        Ok(Arc::new(RsaVerifyingKey {
            algorithm,
            parameters,
            key: key.clone(),
        }))
    }
}

/// ring has no parsed form of an RSA key: it verifies from the components at every call.
#[derive(Debug)]
struct RsaVerifyingKey {
    algorithm: Algorithm,
    parameters: &'static signature::RsaParameters,
    key: RsaPublicKey,
}

impl VerifyingKey for RsaVerifyingKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        signature::RsaPublicKeyComponents {
            n: self.key.n(),
            e: self.key.e(),
        }
        .verify(self.parameters, message, signature)
        .map_err(|_| BadSignature)
    }
}

/// ECDSA and EdDSA: a point of the curve.
#[derive(Debug)]
struct Point {
    algorithm: Algorithm,
    parameters: &'static dyn signature::VerificationAlgorithm,
}

impl VerificationAlgorithm for Point {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn prepare(&self, key: &PublicKey) -> Result<Arc<dyn VerifyingKey>, PrepareError> {
        let point: Box<[u8]> = match key {
            PublicKey::Ec(key) => key.uncompressed().into(),
            PublicKey::Ed25519(key) => key.octets().as_slice().into(),
            PublicKey::Rsa(_) => {
                return Err(PrepareError::Refused {
                    algorithm: self.algorithm,
                });
            }
        };
        let key = signature::UnparsedPublicKey::new(self.parameters, point);
        Ok(Arc::new(PointVerifyingKey {
            algorithm: self.algorithm,
            key,
        }))
    }
}

#[derive(Debug)]
struct PointVerifyingKey {
    algorithm: Algorithm,
    key: signature::UnparsedPublicKey<Box<[u8]>>,
}

impl VerifyingKey for PointVerifyingKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.key
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}

// Signing.

#[derive(Debug)]
struct Signer {
    algorithm: Algorithm,
    public: PublicKey,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Rsa(&'static dyn signature::RsaEncoding, Box<rsa::KeyPair>),
    Ec(signature::EcdsaKeyPair),
    Ed25519(signature::Ed25519KeyPair),
}

impl SigningKey for Signer {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        let rng = SystemRandom::new();
        match &self.inner {
            Inner::Rsa(encoding, key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(*encoding, &rng, message, &mut signature)
                    .map_err(|_| SigningFailed)?;
                Ok(signature)
            }
            Inner::Ec(key) => {
                let signature = key.sign(&rng, message).map_err(|_| SigningFailed)?;
                Ok(signature.as_ref().to_vec())
            }
            Inner::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl KeyProvider for Ring {
    fn signing_key(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
    ) -> Result<Arc<dyn SigningKey>, SigningKeyError> {
        let inner = match key {
            PrivateKey::Rsa(key) => rsa_key(key, algorithm)?,
            PrivateKey::Ec(key) => ec_key(key, algorithm)?,
            PrivateKey::Ed25519(key) => ed25519_key(key)?,
        };
        Ok(Arc::new(Signer {
            algorithm,
            public: key.public_key(),
            inner,
        }))
    }

    fn ed25519_public(&self, seed: &[u8]) -> Result<Ed25519PublicKey, SigningKeyError> {
        let key = signature::Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| SigningKeyError::Refused)?;
        Ed25519PublicKey::from_octets(key.public_key().as_ref())
            .map_err(|_| SigningKeyError::Refused)
    }

    fn generate(&self, key_type: KeyType, _rsa_bits: usize) -> Result<PrivateKey, GenerateError> {
        let parameters = match key_type {
            KeyType::P256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            KeyType::P384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            KeyType::Ed25519 => {
                let seed = PROVIDER.random::<32>().map_err(|_| GenerateError::Failed)?;
                let seed = zeroize::Zeroizing::new(seed);
                let public = self
                    .ed25519_public(&*seed)
                    .map_err(|_| GenerateError::Failed)?;
                return Ed25519PrivateKey::from_seed(public, &*seed)
                    .map(PrivateKey::Ed25519)
                    .map_err(|_| GenerateError::Failed);
            }
            KeyType::Rsa | KeyType::P521 => return Err(GenerateError::Unsupported { key_type }),
        };
        let document = signature::EcdsaKeyPair::generate_pkcs8(parameters, &SystemRandom::new())
            .map_err(|_| GenerateError::Failed)?;
        match private_from_pkcs8(document.as_ref()) {
            Ok(Found::Ec(key)) => Ok(PrivateKey::Ec(key)),
            _ => Err(GenerateError::Failed),
        }
    }
}

fn rsa_key(key: &RsaPrivateKey, algorithm: Algorithm) -> Result<Inner, SigningKeyError> {
    let encoding: &'static dyn signature::RsaEncoding = match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_SHA512,
        _ => return Err(SigningKeyError::Unsupported { algorithm }),
    };
    let public = key.public_key();
    if public.bits() > MAX_SIGNING_BITS {
        return Err(SigningKeyError::RsaTooLarge {
            bits: public.bits(),
            max: MAX_SIGNING_BITS,
        });
    }
    // Neither has leading zeros, so a shorter one is smaller.
    let least = MIN_SIGNING_EXPONENT.as_slice();
    if (public.e().len(), public.e()) < (least.len(), least) {
        return Err(SigningKeyError::RsaSmallExponent);
    }
    let parts = key.expose_parts();
    let components = rsa::KeyPairComponents {
        public_key: rsa::PublicKeyComponents {
            n: public.n(),
            e: public.e(),
        },
        d: parts.d,
        p: parts.p,
        q: parts.q,
        dP: parts.dp,
        dQ: parts.dq,
        qInv: parts.qi,
    };
    let pair = rsa::KeyPair::from_components(&components).map_err(|_| SigningKeyError::Refused)?;
    Ok(Inner::Rsa(encoding, Box::new(pair)))
}

fn ec_key(key: &EcPrivateKey, algorithm: Algorithm) -> Result<Inner, SigningKeyError> {
    let parameters = match algorithm {
        Algorithm::ES256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        Algorithm::ES384 => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        _ => return Err(SigningKeyError::Unsupported { algorithm }),
    };
    signature::EcdsaKeyPair::from_private_key_and_public_key(
        parameters,
        key.expose_scalar(),
        key.public_key().uncompressed(),
        &SystemRandom::new(),
    )
    .map(Inner::Ec)
    .map_err(|_| SigningKeyError::Refused)
}

fn ed25519_key(key: &Ed25519PrivateKey) -> Result<Inner, SigningKeyError> {
    let public = key.public_key().octets();
    signature::Ed25519KeyPair::from_seed_and_public_key(key.expose_seed(), public)
        .map(Inner::Ed25519)
        .map_err(|_| SigningKeyError::Refused)
}

// Digests and random octets.

impl Digest for Ring {
    fn digest(&self, algorithm: HashAlgorithm, data: &[u8]) -> DigestOutput {
        let algorithm = match algorithm {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        DigestOutput::new(digest::digest(algorithm, data).as_ref())
    }
}

impl SecureRandom for Ring {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed> {
        SystemRandom::new().fill(octets).map_err(|_| RandomFailed)
    }
}

// Sealing.

#[derive(Debug)]
struct Gcm(aead::LessSafeKey);

impl Aead for Ring {
    fn key(&self, octets: &[u8; AEAD_KEY_OCTETS]) -> Result<Arc<dyn AeadKey>, AeadFailed> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, octets).map_err(|_| AeadFailed)?;
        Ok(Arc::new(Gcm(aead::LessSafeKey::new(key))))
    }
}

impl AeadKey for Gcm {
    fn seal(&self, aad: &[u8], text: &mut Vec<u8>) -> Result<[u8; AEAD_NONCE_OCTETS], AeadFailed> {
        let octets = PROVIDER.random().map_err(|_| AeadFailed)?;
        let nonce = aead::Nonce::assume_unique_for_key(octets);
        self.0
            .seal_in_place_append_tag(nonce, aead::Aad::from(aad), text)
            .map_err(|_| AeadFailed)?;
        Ok(octets)
    }

    fn open(
        &self,
        nonce: &[u8; AEAD_NONCE_OCTETS],
        aad: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), NotAuthentic> {
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_in_place(nonce, aead::Aad::from(aad), text)
            .map(|it| it.len());
        keep_opened(opened.ok(), text)
    }
}
