//! Private keys: our own copy, wiped when dropped.
//!
//! Keys are kept as their parts and not as a backend's object, so that the same key can be
//! handed to either backend and, by a method whose name says so, be exported.

use core::fmt;

use zeroize::Zeroizing;

use super::curve::Curve;
use super::ec::EcPublicKey;
use super::ed25519::Ed25519PublicKey;
use super::problem::KeyError;
use super::public::PublicKey;
use super::rsa::{RsaPublicKey, significant};

type Octets = Zeroizing<Vec<u8>>;

/// A private key with its public half.
///
/// `Debug` shows the public half only; there is no `Display`, no `Serialize` and no `==`.
#[derive(Clone)]
#[non_exhaustive]
pub enum PrivateKey {
    /// RSA with all its CRT members.
    Rsa(RsaPrivateKey),
    /// A scalar on P-256, P-384 or P-521.
    Ec(EcPrivateKey),
    /// An Ed25519 seed.
    Ed25519(Ed25519PrivateKey),
}

impl PrivateKey {
    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.public.clone()),
            Self::Ec(key) => PublicKey::Ec(key.public.clone()),
            Self::Ed25519(key) => PublicKey::Ed25519(key.public.clone()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("public_key", &self.public_key())
            .finish_non_exhaustive()
    }
}

/// An RSA private key with its CRT members (RFC 7518 6.3.2).
#[derive(Clone)]
pub struct RsaPrivateKey {
    public: RsaPublicKey,
    parts: RsaPrivateParts<Octets>,
}

/// The six private numbers of an RSA key, big-endian octets.
#[derive(Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "RFC 7518 6.3.2 names exactly these members"
)]
pub struct RsaPrivateParts<T> {
    /// The private exponent.
    pub d: T,
    /// The first prime.
    pub p: T,
    /// The second prime.
    pub q: T,
    /// `d` modulo `p − 1`.
    pub dp: T,
    /// `d` modulo `q − 1`.
    pub dq: T,
    /// The inverse of `q` modulo `p`.
    pub qi: T,
}

impl<T> RsaPrivateParts<T> {
    /// The same parts, each put through `f`.
    fn each<'a, U: 'a>(&'a self, f: impl Fn(&'a T) -> U) -> RsaPrivateParts<U> {
        let Self {
            d,
            p,
            q,
            dp,
            dq,
            qi,
        } = self;
        RsaPrivateParts {
            d: f(d),
            p: f(p),
            q: f(q),
            dp: f(dp),
            dq: f(dq),
            qi: f(qi),
        }
    }
}

impl RsaPrivateKey {
    /// The key with these parts. Whether they fit together is checked by the backend when it
    /// takes the key, since that needs arithmetic on secrets.
    ///
    /// # Errors
    ///
    /// [`KeyError::PrivateKeyInconsistent`] for a part that is empty or longer than the modulus.
    pub fn from_parts(
        public: RsaPublicKey,
        parts: &RsaPrivateParts<impl AsRef<[u8]>>,
    ) -> Result<Self, KeyError> {
        let parts = parts.each(|it| Zeroizing::new(significant(it.as_ref()).to_vec()));
        let RsaPrivateParts {
            d,
            p,
            q,
            dp,
            dq,
            qi,
        } = &parts;
        let problem = if [d, p, q, dp, dq, qi].iter().any(|it| it.is_empty()) {
            Some("a part is empty or zero")
        } else if [d, p, q, dp, dq, qi]
            .iter()
            .any(|it| it.len() > public.n().len())
        {
            Some("a part is longer than the modulus")
        } else {
            None
        };
        match problem {
            Some(problem) => Err(KeyError::PrivateKeyInconsistent { problem }),
            None => Ok(Self { public, parts }),
        }
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &RsaPublicKey {
        &self.public
    }

    /// The private numbers, for a backend or an export.
    #[must_use]
    pub fn expose_parts(&self) -> RsaPrivateParts<&[u8]> {
        self.parts.each(|it| it.as_slice())
    }
}

/// An EC private scalar with its point (RFC 7518 6.2.2).
#[derive(Clone)]
pub struct EcPrivateKey {
    public: EcPublicKey,
    d: Octets,
}

impl EcPrivateKey {
    /// The key with this scalar, big-endian and as wide as a coordinate (RFC 7518 6.2.2.1).
    /// Whether it belongs to the point is checked by the backend when it takes the key.
    ///
    /// # Errors
    ///
    /// [`KeyError::EcCoordinateLength`] for another width.
    pub fn from_scalar(public: EcPublicKey, d: &[u8]) -> Result<Self, KeyError> {
        let curve: Curve = public.curve();
        if d.len() != curve.octets() {
            return Err(KeyError::EcCoordinateLength {
                curve,
                expected: curve.octets(),
                found: d.len(),
            });
        }
        Ok(Self {
            public,
            d: Zeroizing::new(d.to_vec()),
        })
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &EcPublicKey {
        &self.public
    }

    /// The scalar, for a backend or an export.
    #[must_use]
    pub fn expose_scalar(&self) -> &[u8] {
        &self.d
    }
}

/// An Ed25519 seed with its point (RFC 8037 2).
#[derive(Clone)]
pub struct Ed25519PrivateKey {
    public: Ed25519PublicKey,
    seed: Octets,
}

impl Ed25519PrivateKey {
    /// The key with this seed of 32 octets. Whether it belongs to the point is checked by the
    /// backend when it takes the key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Ed25519Length`] for another length.
    pub fn from_seed(public: Ed25519PublicKey, seed: &[u8]) -> Result<Self, KeyError> {
        if seed.len() != 32 {
            return Err(KeyError::Ed25519Length { found: seed.len() });
        }
        Ok(Self {
            public,
            seed: Zeroizing::new(seed.to_vec()),
        })
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &Ed25519PublicKey {
        &self.public
    }

    /// The seed, for a backend or an export.
    #[must_use]
    pub fn expose_seed(&self) -> &[u8] {
        &self.seed
    }
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("public", &self.public).finish_non_exhaustive()
            }
        }
    )*};
}
redacted!(RsaPrivateKey, EcPrivateKey, Ed25519PrivateKey);
