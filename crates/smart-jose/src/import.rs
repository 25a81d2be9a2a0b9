//! Private keys from PEM and DER, and from a backend's generator.
//!
//! These take the provider, since the public half of an Ed25519 key may have to be computed:
//! older tools write PKCS#8 files without it (RFC 8410 7, version 1).

use crate::alg::{Algorithm, KeyType};
use crate::crypto::{CryptoProvider, GenerateError};
use crate::key::{
    Curve, Ed25519PrivateKey, EncodingError, Found, KeyError, PrivateKey, private_from_pem,
    private_from_pkcs1, private_from_pkcs8, private_from_sec1,
};

impl PrivateKey {
    /// Reads a private key in PEM: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1) or
    /// `EC PRIVATE KEY` (SEC 1). Encrypted keys are not read.
    ///
    /// # Errors
    ///
    /// [`EncodingError`].
    ///
    /// ```
    /// # #[cfg(feature = "ring")] {
    /// use smart_jose::{CryptoProvider, key::{EncodingError, PrivateKey}};
    /// let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    /// let error = PrivateKey::from_pem(pem, CryptoProvider::ring()).unwrap_err();
    /// assert_eq!(error.code(), "encoding-label");
    /// # }
    /// ```
    pub fn from_pem(pem: &str, provider: &CryptoProvider) -> Result<Self, EncodingError> {
        complete(private_from_pem(pem)?, provider)
    }

    /// Reads a `PrivateKeyInfo` or `OneAsymmetricKey` in DER (PKCS#8, RFC 5208 5, RFC 5958 2).
    ///
    /// # Errors
    ///
    /// [`EncodingError`], every variant but those of PEM.
    pub fn from_pkcs8_der(der: &[u8], provider: &CryptoProvider) -> Result<Self, EncodingError> {
        complete(private_from_pkcs8(der)?, provider)
    }

    /// Reads an `RSAPrivateKey` in DER (PKCS#1, RFC 8017 A.1.2).
    ///
    /// # Errors
    ///
    /// [`EncodingError`], every variant but those of PEM.
    pub fn from_pkcs1_der(der: &[u8], provider: &CryptoProvider) -> Result<Self, EncodingError> {
        complete(private_from_pkcs1(der)?, provider)
    }

    /// Reads an `ECPrivateKey` in DER (SEC 1, RFC 5915 3). `curve` is needed where the structure
    /// names none.
    ///
    /// # Errors
    ///
    /// [`EncodingError`], every variant but those of PEM.
    pub fn from_sec1_der(
        der: &[u8],
        curve: Option<Curve>,
        provider: &CryptoProvider,
    ) -> Result<Self, EncodingError> {
        complete(private_from_sec1(der, curve)?, provider)
    }

    /// Generates a key for an algorithm; RSA keys have 2048 bits.
    ///
    /// # Errors
    ///
    /// [`GenerateError::Unsupported`] where the backend makes none of this kind: ring makes no RSA
    /// and no P-521 keys.
    pub fn generate(
        algorithm: Algorithm,
        provider: &CryptoProvider,
    ) -> Result<Self, GenerateError> {
        provider.key_provider.generate(algorithm.key_type(), 2048)
    }

    /// Generates an RSA key of 2048, 3072 or 4096 bits.
    ///
    /// # Errors
    ///
    /// [`GenerateError::Unsupported`] on ring, [`GenerateError::RsaBits`] for another size.
    pub fn generate_rsa(bits: usize, provider: &CryptoProvider) -> Result<Self, GenerateError> {
        provider.key_provider.generate(KeyType::Rsa, bits)
    }
}

fn complete(found: Found, provider: &CryptoProvider) -> Result<PrivateKey, EncodingError> {
    Ok(match found {
        Found::Rsa(key) => PrivateKey::Rsa(key),
        Found::Ec(key) => PrivateKey::Ec(key),
        Found::Ed25519 { seed, public } => {
            let public = match public {
                Some(public) => public,
                None => provider.key_provider.ed25519_public(&seed).map_err(|_| {
                    KeyError::PrivateKeyInconsistent {
                        problem: "the Ed25519 seed is refused",
                    }
                })?,
            };
            PrivateKey::Ed25519(Ed25519PrivateKey::from_seed(public, &seed)?)
        }
    })
}
