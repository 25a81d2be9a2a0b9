//! Keys in DER and PEM: SPKI and PKCS#1 public keys, PKCS#8, PKCS#1 and SEC 1 private keys.
//!
//! The formats are told apart by the PEM label or by the function that is called, never by
//! looking at the octets: guessing what a key is has been the root of algorithm confusion.

use core::fmt::Display;

use der::asn1::{BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{AnyRef, Decode as _, Tagged as _};
use pkcs1::RsaPrivateKeyRef;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use sec1::EcParameters;
use zeroize::Zeroizing;

use super::curve::Curve;
use super::ec::EcPublicKey;
use super::ed25519::Ed25519PublicKey;
use super::pem::{self, PemError};
use super::private::{EcPrivateKey, RsaPrivateKey, RsaPrivateParts};
use super::problem::KeyError;
use super::public::PublicKey;
use super::rsa::RsaPublicKey;
use crate::class::ErrorClass;
use crate::text::Text;

/// Longer input is refused before it is decoded, in octets.
const LIMIT: usize = 64 * 1024;

pub(super) const RSA_ENCRYPTION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const EC_PUBLIC_KEY: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, Curve); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Curve::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Why DER or PEM could not be read as a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The DER is broken, or has another structure.
    #[error("not the expected DER structure: {problem}")]
    Der {
        /// What the reader said; it names positions and types, no values.
        problem: Text,
    },
    /// An EC private key that leaves out its public point.
    #[error("the EC private key does not contain its public point")]
    EcPublicKeyMissing,
    /// The key was read and then refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A PEM block of another kind than the function reads.
    #[error("a PEM block labelled {found}, where {expected} is read")]
    Label {
        /// The labels that would have been read.
        expected: String,
        /// The label that was found first.
        found: Text,
    },
    /// RSA with more than two primes.
    #[error("an RSA key with more than two primes")]
    MultiPrime,
    /// The text is no PEM.
    #[error("not PEM: {problem}")]
    Pem {
        /// What the reader said.
        problem: Text,
    },
    /// The input is too long.
    #[error("{found} octets, more than the limit of {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
    /// A kind of key, or a curve, that no algorithm here uses.
    #[error("a key of the unsupported kind {oid}")]
    Unsupported {
        /// The object identifier of the kind or curve.
        oid: Text,
    },
}

impl EncodingError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Der { .. } => "encoding-der",
            Self::EcPublicKeyMissing => "encoding-ec-public-key-missing",
            Self::Key(error) => error.code(),
            Self::Label { .. } => "encoding-label",
            Self::MultiPrime => "encoding-multi-prime",
            Self::Pem { .. } => "encoding-pem",
            Self::TooLong { .. } => "encoding-too-long",
            Self::Unsupported { .. } => "encoding-unsupported",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

pub(super) fn der_error(error: impl Display) -> EncodingError {
    EncodingError::Der {
        problem: Text::new(&error.to_string()),
    }
}

/// A private key as it was found; an Ed25519 one may come without its public half, which only a
/// backend can then compute.
pub(crate) enum Found {
    Rsa(RsaPrivateKey),
    Ec(EcPrivateKey),
    Ed25519 {
        seed: Zeroizing<Vec<u8>>,
        public: Option<Ed25519PublicKey>,
    },
}

impl PublicKey {
    /// Reads a public key in PEM: `PUBLIC KEY` (SPKI, RFC 5280 4.1.2.7) or `RSA PUBLIC KEY`
    /// (PKCS#1, RFC 8017 A.1.1). Text around the block is ignored, as RFC 7468 2 says.
    ///
    /// # Errors
    ///
    /// [`EncodingError`]; a private key or a certificate gives `Label`, since a verifier has no
    /// use for the first and we do not judge the second.
    pub fn from_pem(pem: &str) -> Result<Self, EncodingError> {
        let (label, der) = pem_block(pem, &["PUBLIC KEY", "RSA PUBLIC KEY"])?;
        match label {
            "RSA PUBLIC KEY" => Self::from_pkcs1_der(&der),
            _ => Self::from_spki_der(&der),
        }
    }

    /// Reads a `SubjectPublicKeyInfo` in DER (RFC 5280 4.1.2.7; RFC 8410 4 for Ed25519).
    ///
    /// # Errors
    ///
    /// [`EncodingError`], every variant but those of PEM.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, EncodingError> {
        let info = SubjectPublicKeyInfoRef::from_der(bounded(der)?).map_err(der_error)?;
        let octets = whole_octets(info.subject_public_key)?;
        match kind(&info.algorithm)? {
            Kind::Rsa => Self::from_pkcs1_der(octets),
            Kind::Ec(curve) => Ok(Self::Ec(EcPublicKey::from_uncompressed(curve, octets)?)),
            Kind::Ed25519 => Ok(Self::Ed25519(Ed25519PublicKey::from_octets(octets)?)),
        }
    }

    /// Reads an `RSAPublicKey` in DER (PKCS#1, RFC 8017 A.1.1).
    ///
    /// # Errors
    ///
    /// [`EncodingError`], every variant but those of PEM.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, EncodingError> {
        let key = pkcs1::RsaPublicKeyRef::from_der(bounded(der)?).map_err(der_error)?;
        let (n, e) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
        Ok(Self::Rsa(RsaPublicKey::from_components(n, e)?))
    }
}

/// Reads a private key in PEM by its label.
pub(crate) fn private_from_pem(pem: &str) -> Result<Found, EncodingError> {
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
    let (label, der) = pem_block(pem, &labels)?;
    match label {
        "RSA PRIVATE KEY" => private_from_pkcs1(&der),
        "EC PRIVATE KEY" => private_from_sec1(&der, None),
        _ => private_from_pkcs8(&der),
    }
}

pub(crate) fn private_from_pkcs8(der: &[u8]) -> Result<Found, EncodingError> {
    let info = PrivateKeyInfoRef::from_der(bounded(der)?).map_err(der_error)?;
    let inner = info.private_key.as_bytes();
    match kind(&info.algorithm)? {
        Kind::Rsa => private_from_pkcs1(inner),
        Kind::Ec(curve) => private_from_sec1(inner, Some(curve)),
        Kind::Ed25519 => {
            // RFC 8410 7: the seed is an octet string inside the octet string. The public key
            // is there in version 2 only; older tools write version 1.
            let seed = <&OctetStringRef>::from_der(inner)
                .map_err(der_error)?
                .as_bytes();
            let public = match info.public_key {
                Some(bits) => Some(Ed25519PublicKey::from_octets(whole_octets(bits)?)?),
                None => None,
            };
            Ok(Found::Ed25519 {
                seed: Zeroizing::new(seed.to_vec()),
                public,
            })
        }
    }
}

pub(crate) fn private_from_pkcs1(der: &[u8]) -> Result<Found, EncodingError> {
    let key = RsaPrivateKeyRef::from_der(bounded(der)?).map_err(der_error)?;
    if key.other_prime_infos.is_some() {
        return Err(EncodingError::MultiPrime);
    }
    let public =
        RsaPublicKey::from_components(key.modulus.as_bytes(), key.public_exponent.as_bytes())?;
    let parts = RsaPrivateParts {
        d: key.private_exponent.as_bytes(),
        p: key.prime1.as_bytes(),
        q: key.prime2.as_bytes(),
        dp: key.exponent1.as_bytes(),
        dq: key.exponent2.as_bytes(),
        qi: key.coefficient.as_bytes(),
    };
    Ok(Found::Rsa(RsaPrivateKey::from_parts(public, &parts)?))
}

/// Reads an `ECPrivateKey` (RFC 5915 3). Inside PKCS#8 the curve stands outside; where both
/// name one, they must agree.
pub(crate) fn private_from_sec1(der: &[u8], outer: Option<Curve>) -> Result<Found, EncodingError> {
    let key = sec1::EcPrivateKey::from_der(bounded(der)?).map_err(der_error)?;
    let inner = match key.parameters {
        Some(EcParameters::NamedCurve(oid)) => Some(curve_of(oid)?),
        None => None,
    };
    let curve = match (inner, outer) {
        (Some(inner), Some(outer)) if inner != outer => {
            let problem = "the curve inside differs from the curve outside";
            return Err(KeyError::PrivateKeyInconsistent { problem }.into());
        }
        (Some(curve), _) | (None, Some(curve)) => curve,
        (None, None) => return Err(der_error("the EC private key names no curve")),
    };
    let point = key.public_key.ok_or(EncodingError::EcPublicKeyMissing)?;
    let public = EcPublicKey::from_uncompressed(curve, point)?;
    Ok(Found::Ec(EcPrivateKey::from_scalar(
        public,
        key.private_key,
    )?))
}

enum Kind {
    Rsa,
    Ec(Curve),
    Ed25519,
}

fn kind(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Kind, EncodingError> {
    match algorithm.oid {
        RSA_ENCRYPTION => match algorithm.parameters {
            None => Ok(Kind::Rsa),
            Some(parameters) if parameters.is_null() => Ok(Kind::Rsa),
            Some(parameters) => Err(der_error(format!("parameters {}", parameters.tag()))),
        },
        EC_PUBLIC_KEY => {
            let curve = algorithm.parameters.ok_or_else(|| der_error("no curve"))?;
            Ok(Kind::Ec(curve_of(named_curve(curve)?)?))
        }
        ED25519 => match algorithm.parameters {
            None => Ok(Kind::Ed25519),
            Some(parameters) => Err(der_error(format!("parameters {}", parameters.tag()))),
        },
        oid => Err(EncodingError::Unsupported {
            oid: Text::new(&oid.to_string()),
        }),
    }
}

fn named_curve(parameters: AnyRef<'_>) -> Result<ObjectIdentifier, EncodingError> {
    parameters
        .decode_as::<ObjectIdentifier>()
        .map_err(der_error)
}

/// The object identifier of a curve.
pub(super) fn oid_of(curve: Curve) -> ObjectIdentifier {
    let [p256, p384, p521] = CURVES.map(|(oid, _)| oid);
    match curve {
        Curve::P256 => p256,
        Curve::P384 => p384,
        Curve::P521 => p521,
    }
}

fn curve_of(oid: ObjectIdentifier) -> Result<Curve, EncodingError> {
    CURVES
        .iter()
        .find(|(it, _)| *it == oid)
        .map(|(_, curve)| *curve)
        .ok_or_else(|| EncodingError::Unsupported {
            oid: Text::new(&oid.to_string()),
        })
}

fn whole_octets(bits: BitStringRef<'_>) -> Result<&[u8], EncodingError> {
    bits.as_bytes()
        .ok_or_else(|| der_error("a bit string that is not whole octets"))
}

fn bounded(octets: &[u8]) -> Result<&[u8], EncodingError> {
    if octets.len() > LIMIT {
        return Err(EncodingError::TooLong {
            limit: LIMIT,
            found: octets.len(),
        });
    }
    Ok(octets)
}

/// The label and content of the first PEM block with one of these labels, among any others, such
/// as the certificate or the curve parameters that tools write beside a key.
fn pem_block<'p>(
    text: &'p str,
    labels: &[&'static str],
) -> Result<(&'p str, Zeroizing<Vec<u8>>), EncodingError> {
    bounded(text.as_bytes())?;
    let mut first = None;
    for block in pem::Blocks::of(text) {
        let pem::Block { label, body } = block.map_err(pem_error)?;
        if labels.contains(&label) {
            return Ok((label, pem::decode(body).map_err(pem_error)?));
        }
        first.get_or_insert(label);
    }
    Err(match first {
        Some(found) => EncodingError::Label {
            expected: labels.join(", "),
            found: Text::new(found),
        },
        None => pem_error(PemError::NoBlock),
    })
}

fn pem_error(error: PemError) -> EncodingError {
    EncodingError::Pem {
        problem: Text::new(&error.to_string()),
    }
}
