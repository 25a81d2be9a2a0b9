//! Keys out, in DER and PEM.
//!
//! The public half leaves by a method that says `to`; a private key by one that says `expose`,
//! in memory that is wiped when dropped.

use der::Encode as _;
use der::asn1::{AnyRef, BitStringRef, Null, OctetStringRef, UintRef};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use sec1::EcParameters;
use zeroize::Zeroizing;

use super::der::{EC_PUBLIC_KEY, ED25519, EncodingError, RSA_ENCRYPTION, der_error, oid_of};
use super::pem;
use super::private::{EcPrivateKey, Ed25519PrivateKey, PrivateKey, RsaPrivateKey};
use super::public::PublicKey;
use super::rsa::RsaPublicKey;

/// Octets that are wiped when dropped.
type Octets = Zeroizing<Vec<u8>>;

impl PublicKey {
    /// The key as a `SubjectPublicKeyInfo` in DER (RFC 5280 4.1.2.7; RFC 8410 4 for Ed25519).
    ///
    /// # Errors
    ///
    /// [`EncodingError::Der`], which no key that passed its checks causes.
    pub fn to_spki_der(&self) -> Result<Vec<u8>, EncodingError> {
        match self {
            Self::Rsa(key) => spki(rsa_algorithm(), &key.to_pkcs1_der()?),
            Self::Ec(key) => {
                let curve = oid_of(key.curve());
                let parameters = AnyRef::from(&curve);
                let algorithm = AlgorithmIdentifierRef {
                    oid: EC_PUBLIC_KEY,
                    parameters: Some(parameters),
                };
                spki(algorithm, key.uncompressed())
            }
            Self::Ed25519(key) => spki(ed25519_algorithm(), key.octets()),
        }
    }

    /// The key as a PEM block labelled `PUBLIC KEY`.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    ///
    /// ```
    /// # #[cfg(feature = "ring")] {
    /// use smart_jose::key::{PrivateKey, PublicKey};
    /// use smart_jose::{Algorithm, CryptoProvider};
    /// let key = PrivateKey::generate(Algorithm::ES384, CryptoProvider::ring()).unwrap();
    /// let pem = key.public_key().to_spki_pem().unwrap();
    /// assert_eq!(PublicKey::from_pem(&pem).unwrap(), key.public_key());
    /// # }
    /// ```
    pub fn to_spki_pem(&self) -> Result<String, EncodingError> {
        Ok(pem::encode("PUBLIC KEY", &self.to_spki_der()?).to_string())
    }
}

impl RsaPublicKey {
    /// The key as an `RSAPublicKey` in DER (PKCS#1, RFC 8017 A.1.1).
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    pub fn to_pkcs1_der(&self) -> Result<Vec<u8>, EncodingError> {
        let key = RsaPublicKeyRef {
            modulus: uint(self.n())?,
            public_exponent: uint(self.e())?,
        };
        key.to_der().map_err(der_error)
    }
}

impl PrivateKey {
    /// The private key as PKCS#8 in DER (RFC 5958 2; RFC 8410 7 for Ed25519).
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    pub fn expose_pkcs8_der(&self) -> Result<Octets, EncodingError> {
        match self {
            Self::Rsa(key) => pkcs8(rsa_algorithm(), &key.expose_pkcs1_der()?),
            Self::Ec(key) => {
                let curve = oid_of(key.public_key().curve());
                let parameters = AnyRef::from(&curve);
                let algorithm = AlgorithmIdentifierRef {
                    oid: EC_PUBLIC_KEY,
                    parameters: Some(parameters),
                };
                // The curve stands outside already (RFC 5958 leaves it out inside).
                pkcs8(algorithm, &key.sec1_der(None)?)
            }
            Self::Ed25519(key) => pkcs8(ed25519_algorithm(), &key.seed_der()?),
        }
    }

    /// The private key as a PEM block labelled `PRIVATE KEY`.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    pub fn expose_pkcs8_pem(&self) -> Result<Zeroizing<String>, EncodingError> {
        Ok(pem::encode("PRIVATE KEY", &self.expose_pkcs8_der()?))
    }
}

impl RsaPrivateKey {
    /// The private key as an `RSAPrivateKey` in DER (PKCS#1, RFC 8017 A.1.2).
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    pub fn expose_pkcs1_der(&self) -> Result<Octets, EncodingError> {
        let (public, parts) = (self.public_key(), self.expose_parts());
        let key = RsaPrivateKeyRef {
            modulus: uint(public.n())?,
            public_exponent: uint(public.e())?,
            private_exponent: uint(parts.d)?,
            prime1: uint(parts.p)?,
            prime2: uint(parts.q)?,
            exponent1: uint(parts.dp)?,
            exponent2: uint(parts.dq)?,
            coefficient: uint(parts.qi)?,
            other_prime_infos: None,
        };
        key.to_der().map(Zeroizing::new).map_err(der_error)
    }
}

impl EcPrivateKey {
    /// The private key as an `ECPrivateKey` in DER (SEC 1, RFC 5915 3), with its curve and point.
    ///
    /// # Errors
    ///
    /// As [`PublicKey::to_spki_der`].
    pub fn expose_sec1_der(&self) -> Result<Octets, EncodingError> {
        self.sec1_der(Some(EcParameters::NamedCurve(oid_of(
            self.public_key().curve(),
        ))))
    }

    fn sec1_der(&self, parameters: Option<EcParameters>) -> Result<Octets, EncodingError> {
        let key = sec1::EcPrivateKey {
            private_key: self.expose_scalar(),
            parameters,
            public_key: Some(self.public_key().uncompressed()),
        };
        key.to_der().map(Zeroizing::new).map_err(der_error)
    }
}

impl Ed25519PrivateKey {
    /// The seed as the octet string that PKCS#8 holds.
    fn seed_der(&self) -> Result<Octets, EncodingError> {
        let seed = OctetStringRef::new(self.expose_seed()).map_err(der_error)?;
        seed.to_der().map(Zeroizing::new).map_err(der_error)
    }
}

fn rsa_algorithm() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef {
        oid: RSA_ENCRYPTION,
        parameters: Some(AnyRef::from(Null)),
    }
}

const fn ed25519_algorithm() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef {
        oid: ED25519,
        parameters: None,
    }
}

fn spki(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Vec<u8>, EncodingError> {
    let subject_public_key = BitStringRef::from_bytes(key).map_err(der_error)?;
    SubjectPublicKeyInfoRef {
        algorithm,
        subject_public_key,
    }
    .to_der()
    .map_err(der_error)
}

fn pkcs8(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> Result<Octets, EncodingError> {
    let key = OctetStringRef::new(key).map_err(der_error)?;
    PrivateKeyInfoRef::new(algorithm, key)
        .to_der()
        .map(Zeroizing::new)
        .map_err(der_error)
}

fn uint(octets: &[u8]) -> Result<UintRef<'_>, EncodingError> {
    UintRef::new(octets).map_err(der_error)
}
