//! Public keys, checked once when they are read.
//!
//! The two backends do not check the same things at the same moment: ring rounds the bit length
//! of a modulus up to octets and looks at a curve point only when it verifies. What a key must
//! satisfy is therefore decided here, so that a key that exists is a key that every backend
//! would take: RSA of 2048 to 8192 bits counted exactly with an odd modulus and an odd exponent
//! of 3 to 2³³ − 1, EC points on their curve, Ed25519 points on the curve and not of low order
//! (RFC 7518 3.3 and 6, RFC 8037 2, RFC 8725 3.4).

mod curve;
mod der;
mod ec;
mod ed25519;
mod encode;
mod field;
mod pem;
mod private;
mod problem;
mod public;
mod rsa;

pub use curve::Curve;
pub use der::EncodingError;
pub(crate) use der::{
    Found, private_from_pem, private_from_pkcs1, private_from_pkcs8, private_from_sec1,
};
pub use ec::EcPublicKey;
pub use ed25519::Ed25519PublicKey;
pub use private::{EcPrivateKey, Ed25519PrivateKey, PrivateKey, RsaPrivateKey, RsaPrivateParts};
pub use problem::KeyError;
pub use public::PublicKey;
pub use rsa::{MAX_RSA_BITS, MIN_RSA_BITS, RsaPublicKey};
