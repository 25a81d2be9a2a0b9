//! A private key in JWK form.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::entry::{self, Purpose, SkipReason, Wire};
use crate::alg::Algorithm;
use crate::base64url;
use crate::class::ErrorClass;
use crate::json::{self, JsonError};
use crate::key::{
    EcPrivateKey, Ed25519PrivateKey, KeyError, PrivateKey, PublicKey, RsaPrivateKey,
    RsaPrivateParts,
};
use crate::member::{Anything, Member};

/// A private key with the `kid` and `alg` of its JWK (RFC 7517 4, RFC 7518 6, RFC 8037 2).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PrivateJwk {
    /// The key.
    pub key: PrivateKey,
    /// The key id, if there is one.
    pub kid: Option<String>,
    /// The algorithm that the key is for, if the JWK says so.
    pub algorithm: Option<Algorithm>,
}

/// Why a private JWK was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateJwkError {
    /// A private member is not canonical base64url.
    #[error("{member} is not canonical base64url")]
    Base64 {
        /// The name of the member.
        member: &'static str,
    },
    /// The text is not a strict JSON object.
    #[error("not a strict JSON object: {0}")]
    Json(#[from] JsonError),
    /// The key is refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A private member is missing, or not a string. The CRT members of RSA are required
    /// (RFC 7518 6.3.2 lets them be left out; neither backend signs without them).
    #[error("the private member {member} is missing or not a string")]
    Missing {
        /// The name of the member.
        member: &'static str,
    },
    /// RSA with more than two primes (`oth`).
    #[error("an RSA key with more than two primes")]
    MultiPrime,
    /// The public half is refused.
    #[error(transparent)]
    Public(#[from] SkipReason),
}

impl PrivateJwkError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Base64 { .. } => "private-jwk-base64",
            Self::Json(_) => "private-jwk-json",
            Self::Key(error) => error.code(),
            Self::Missing { .. } => "private-jwk-missing",
            Self::MultiPrime => "private-jwk-multi-prime",
            Self::Public(reason) => reason.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PrivateWire {
    d: Member<Hidden>,
    p: Member<Hidden>,
    q: Member<Hidden>,
    dp: Member<Hidden>,
    dq: Member<Hidden>,
    qi: Member<Hidden>,
    oth: Member<Anything>,
}

/// A string that is wiped when dropped.
struct Hidden(Zeroizing<String>);

impl crate::member::FromJson for Hidden {
    const EXPECTED: &'static str = "a string";
    fn from_string(text: &str) -> Option<Self> {
        Some(Self(Zeroizing::new(text.to_owned())))
    }
}

impl PrivateJwk {
    /// Reads a private JWK. `use` and `key_ops`, where present, must allow signing.
    ///
    /// # Errors
    ///
    /// [`PrivateJwkError`].
    pub fn parse(json: &[u8]) -> Result<Self, PrivateJwkError> {
        let text = json::check_object(json, super::MAX_SET_OCTETS)?;
        let public: Wire = json::read_checked(text)?;
        let private: PrivateWire = json::read_checked(text)?;
        if private.oth != Member::Absent {
            return Err(PrivateJwkError::MultiPrime);
        }
        let (public_key, algorithm, _) = entry::read(&public, Purpose::Sign)?;
        let key = match public_key {
            PublicKey::Rsa(public) => {
                let parts = RsaPrivateParts {
                    d: octets("d", &private.d)?,
                    p: octets("p", &private.p)?,
                    q: octets("q", &private.q)?,
                    dp: octets("dp", &private.dp)?,
                    dq: octets("dq", &private.dq)?,
                    qi: octets("qi", &private.qi)?,
                };
                PrivateKey::Rsa(RsaPrivateKey::from_parts(public, &parts)?)
            }
            PublicKey::Ec(public) => PrivateKey::Ec(EcPrivateKey::from_scalar(
                public,
                &octets("d", &private.d)?,
            )?),
            PublicKey::Ed25519(public) => {
                let seed = octets("d", &private.d)?;
                PrivateKey::Ed25519(Ed25519PrivateKey::from_seed(public, &seed)?)
            }
        };
        Ok(Self {
            key,
            kid: entry::optional("kid", &public.kid)?.cloned(),
            algorithm,
        })
    }
}

fn octets(member: &'static str, found: &Member<Hidden>) -> Result<Secret, PrivateJwkError> {
    let text = found.value().ok_or(PrivateJwkError::Missing { member })?;
    let octets =
        base64url::decode(text.0.as_bytes()).map_err(|_| PrivateJwkError::Base64 { member })?;
    Ok(Secret(Zeroizing::new(octets)))
}

/// Octets that are wiped when dropped and can be lent out as a slice.
struct Secret(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::Deref for Secret {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl PrivateJwk {
    /// A private key with its `kid` and algorithm.
    #[must_use]
    pub const fn new(key: PrivateKey, kid: Option<String>, algorithm: Option<Algorithm>) -> Self {
        Self {
            key,
            kid,
            algorithm,
        }
    }

    /// The private key as a JWK, in memory that is wiped when dropped: public members, private
    /// members, `kid` and `alg`.
    ///
    /// # Errors
    ///
    /// [`PrivateJwkError::Public`] where `algorithm` does not fit the key.
    pub fn expose_json(&self) -> Result<Zeroizing<String>, PrivateJwkError> {
        let public = self.key.public_key();
        if let Some(algorithm) = self.algorithm.filter(|it| !public.fits(*it)) {
            return Err(SkipReason::AlgorithmMismatch { algorithm }.into());
        }
        // base64url and our own names need no escapes; `kid` does.
        // It has all its room from the beginning, so that no copy is left behind unwiped: an RSA
        // key has nine parts of at most 1,366 characters, and an escape takes six for one octet.
        let kid = self.kid.as_ref().map_or(0, String::len);
        let mut json = Zeroizing::new(String::with_capacity(14_000 + 6 * kid));
        let mut first = true;
        let mut push = |name: &str, text: &str| {
            json.push_str(if core::mem::take(&mut first) {
                "{\""
            } else {
                "\",\""
            });
            json.push_str(name);
            json.push_str("\":\"");
            json.push_str(text);
        };
        let encode = |octets: &[u8]| Zeroizing::new(base64url::encode(octets));
        match &self.key {
            PrivateKey::Rsa(key) => {
                let (public, parts) = (key.public_key(), key.expose_parts());
                push("kty", "RSA");
                push("n", &encode(public.n()));
                push("e", &encode(public.e()));
                push("d", &encode(parts.d));
                push("p", &encode(parts.p));
                push("q", &encode(parts.q));
                push("dp", &encode(parts.dp));
                push("dq", &encode(parts.dq));
                push("qi", &encode(parts.qi));
            }
            PrivateKey::Ec(key) => {
                let public = key.public_key();
                push("kty", "EC");
                push("crv", public.curve().name());
                push("x", &encode(public.x()));
                push("y", &encode(public.y()));
                push("d", &encode(key.expose_scalar()));
            }
            PrivateKey::Ed25519(key) => {
                push("kty", "OKP");
                push("crv", "Ed25519");
                push("x", &encode(key.public_key().octets()));
                push("d", &encode(key.expose_seed()));
            }
        }
        if let Some(algorithm) = self.algorithm {
            push("alg", algorithm.name());
        }
        json.push('"');
        if let Some(kid) = &self.kid {
            json.push_str(",\"kid\":");
            json.push_str(&serde_json::Value::from(kid.as_str()).to_string());
        }
        json.push('}');
        Ok(json)
    }
}
