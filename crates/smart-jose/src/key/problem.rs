//! Why a key is refused.

use super::curve::Curve;
use crate::class::ErrorClass;

/// Why a key is not one that we would use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A coordinate is not as wide as the curve's field.
    #[error("a coordinate of {found} octets on {curve}, which has {expected}")]
    EcCoordinateLength {
        /// The curve.
        curve: Curve,
        /// The width of the field in octets.
        expected: usize,
        /// The octets that were given.
        found: usize,
    },
    /// The point does not satisfy the equation of the curve.
    #[error("the point is not on {curve}")]
    EcNotOnCurve {
        /// The curve.
        curve: Curve,
    },
    /// The Ed25519 key is not 32 octets.
    #[error("an Ed25519 key of {found} octets, not 32")]
    Ed25519Length {
        /// The octets that were given.
        found: usize,
    },
    /// The Ed25519 point has a small order, so that one signature fits many messages.
    #[error("an Ed25519 point of low order")]
    Ed25519LowOrder,
    /// The octets are no point of the Ed25519 curve, or not its one encoding.
    #[error("not a point on the Ed25519 curve")]
    Ed25519NotOnCurve,
    /// Parts of a private key contradict each other, or one is out of range.
    #[error("the private key is inconsistent: {problem}")]
    PrivateKeyInconsistent {
        /// What does not fit, without any value.
        problem: &'static str,
    },
    /// A modulus that is even is a product with 2.
    #[error("an even RSA modulus")]
    RsaEvenModulus,
    /// The public exponent is even, below 3 or above 2³³ − 1.
    #[error("an RSA public exponent that is even, below 3 or above 2^33 - 1")]
    RsaExponent,
    /// More bits than any algorithm here takes.
    #[error("an RSA modulus of {bits} bits, more than {max}")]
    RsaTooLarge {
        /// The length of the modulus in bits.
        bits: usize,
        /// The limit in bits.
        max: usize,
    },
    /// Fewer bits than RFC 7518 3.3 demands.
    #[error("an RSA modulus of {bits} bits, fewer than {min}")]
    RsaTooSmall {
        /// The length of the modulus in bits.
        bits: usize,
        /// The minimum in bits.
        min: usize,
    },
}

impl KeyError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EcCoordinateLength { .. } => "key-ec-coordinate-length",
            Self::EcNotOnCurve { .. } => "key-ec-not-on-curve",
            Self::Ed25519Length { .. } => "key-ed25519-length",
            Self::Ed25519LowOrder => "key-ed25519-low-order",
            Self::Ed25519NotOnCurve => "key-ed25519-not-on-curve",
            Self::PrivateKeyInconsistent { .. } => "key-private-inconsistent",
            Self::RsaEvenModulus => "key-rsa-even-modulus",
            Self::RsaExponent => "key-rsa-exponent",
            Self::RsaTooLarge { .. } => "key-rsa-too-large",
            Self::RsaTooSmall { .. } => "key-rsa-too-small",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}
