//! AWS-LC as a provider, through aws-lc-rs. `ring.rs` has the same items in the same order, so
//! that the two can be read side by side.

use std::sync::Arc;

use ::aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use ::aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use ::aws_lc_rs::signature::{self, KeyPair as _};
use ::aws_lc_rs::{aead, digest, rsa};

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
    private_from_pkcs8,
};

impl CryptoProvider {
    /// AWS-LC through aws-lc-rs: ES512 and RSA key generation too, and faster on P-384.
    #[must_use]
    pub fn aws_lc_rs() -> &'static Self {
        &PROVIDER
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    name: "aws-lc-rs",
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
            algorithm: Algorithm::ES512,
            parameters: &signature::ECDSA_P521_SHA512_FIXED,
        },
        &Point {
            algorithm: Algorithm::EdDSA,
            parameters: &signature::ED25519,
        },
    ],
    key_provider: &AwsLc,
    digest: &AwsLc,
    secure_random: &AwsLc,
    aead: &AwsLc,
};

#[derive(Debug)]
struct AwsLc;

/// Whether the module behind this is the validated one, in its approved mode.
fn is_validated() -> bool {
    ::aws_lc_rs::try_fips_mode().is_ok()
}

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
        let refused = PrepareError::Refused {
            algorithm: self.algorithm,
        };
        let PublicKey::Rsa(key) = key else {
            return Err(refused);
        };
        let components = signature::RsaPublicKeyComponents {
            n: key.n(),
            e: key.e(),
        };
        let key = components
            .to_parsed_public_key(self.parameters)
            .map_err(|_| refused)?;
        Ok(Arc::new(ParsedVerifyingKey {
            algorithm: self.algorithm,
            key,
        }))
    }

    fn fips(&self) -> bool {
        is_validated()
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
        let refused = PrepareError::Refused {
            algorithm: self.algorithm,
        };
        let point: &[u8] = match key {
            PublicKey::Ec(key) => key.uncompressed(),
            PublicKey::Ed25519(key) => key.octets(),
            PublicKey::Rsa(_) => return Err(refused),
        };
        let key = signature::ParsedPublicKey::new(self.parameters, point).map_err(|_| refused)?;
        Ok(Arc::new(ParsedVerifyingKey {
            algorithm: self.algorithm,
            key,
        }))
    }

    fn fips(&self) -> bool {
        is_validated()
    }
}

/// A key that AWS-LC has read once: about a fifth faster for RS256 than reading it each time.
#[derive(Debug)]
struct ParsedVerifyingKey {
    algorithm: Algorithm,
    key: signature::ParsedPublicKey,
}

impl VerifyingKey for ParsedVerifyingKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.key
            .verify_sig(message, signature)
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
                let mut signature = vec![0; key.public_modulus_len()];
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

impl KeyProvider for AwsLc {
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

    fn generate(&self, key_type: KeyType, rsa_bits: usize) -> Result<PrivateKey, GenerateError> {
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
            KeyType::P521 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
            KeyType::Rsa => return generate_rsa(rsa_bits),
        };
        let document = signature::EcdsaKeyPair::generate_pkcs8(parameters, &SystemRandom::new())
            .map_err(|_| GenerateError::Failed)?;
        match private_from_pkcs8(document.as_ref()) {
            Ok(Found::Ec(key)) => Ok(PrivateKey::Ec(key)),
            _ => Err(GenerateError::Failed),
        }
    }

    fn fips(&self) -> bool {
        is_validated()
    }
}

fn generate_rsa(bits: usize) -> Result<PrivateKey, GenerateError> {
    let size = match bits {
        2048 => rsa::KeySize::Rsa2048,
        3072 => rsa::KeySize::Rsa3072,
        4096 => rsa::KeySize::Rsa4096,
        _ => return Err(GenerateError::RsaBits { bits }),
    };
    let pair = rsa::KeyPair::generate(size).map_err(|_| GenerateError::Failed)?;
    let document: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| GenerateError::Failed)?;
    match private_from_pkcs8(document.as_ref()) {
        Ok(Found::Rsa(key)) => Ok(PrivateKey::Rsa(key)),
        _ => Err(GenerateError::Failed),
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
        Algorithm::ES512 => &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
        _ => return Err(SigningKeyError::Unsupported { algorithm }),
    };
    signature::EcdsaKeyPair::from_private_key_and_public_key(
        parameters,
        key.expose_scalar(),
        key.public_key().uncompressed(),
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

impl Digest for AwsLc {
    fn digest(&self, algorithm: HashAlgorithm, data: &[u8]) -> DigestOutput {
        let algorithm = match algorithm {
            HashAlgorithm::Sha256 => &digest::SHA256,
            HashAlgorithm::Sha384 => &digest::SHA384,
            HashAlgorithm::Sha512 => &digest::SHA512,
        };
        DigestOutput::new(digest::digest(algorithm, data).as_ref())
    }

    fn fips(&self) -> bool {
        is_validated()
    }
}

impl SecureRandom for AwsLc {
    fn fill(&self, octets: &mut [u8]) -> Result<(), RandomFailed> {
        SystemRandom::new().fill(octets).map_err(|_| RandomFailed)
    }

    fn fips(&self) -> bool {
        is_validated()
    }
}

// Sealing.

/// AWS-LC draws the nonce inside the module, which is what its validation covers.
#[derive(Debug)]
struct Gcm(aead::RandomizedNonceKey);

impl Aead for AwsLc {
    fn key(&self, octets: &[u8; AEAD_KEY_OCTETS]) -> Result<Arc<dyn AeadKey>, AeadFailed> {
        let key = aead::RandomizedNonceKey::new(&aead::AES_256_GCM, octets);
        Ok(Arc::new(Gcm(key.map_err(|_| AeadFailed)?)))
    }

    fn fips(&self) -> bool {
        is_validated()
    }
}

impl AeadKey for Gcm {
    fn seal(&self, aad: &[u8], text: &mut Vec<u8>) -> Result<[u8; AEAD_NONCE_OCTETS], AeadFailed> {
        let nonce = self
            .0
            .seal_in_place_append_tag(aead::Aad::from(aad), text)
            .map_err(|_| AeadFailed)?;
        Ok(*nonce.as_ref())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_validated_where_the_feature_says_so() {
        assert_eq!(CryptoProvider::aws_lc_rs().fips(), cfg!(feature = "fips"));
    }
}
