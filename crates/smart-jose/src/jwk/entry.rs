//! One public key of a set, with what its owner says it is for.

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap as _};

use super::shares::Shares;
use crate::alg::Algorithm;
use crate::base64url::{self, NotBase64Url};
use crate::class::ErrorClass;
use crate::crypto::{CryptoProvider, VerifyingKey};
use crate::json::{self, JsonError};
use crate::key::{Curve, EcPublicKey, Ed25519PublicKey, KeyError, PublicKey, RsaPublicKey};
use crate::member::{Anything, JsonType, Member};
use crate::text::Text;

/// A public key with its `kid` and its purpose (RFC 7517 4).
///
/// A value of this type can verify: a key that is meant for something else, that holds private
/// members or that the checks of [`crate::key`] refuse does not become one. It has no room for
/// private members, so serializing it cannot publish any.
#[derive(Debug)]
pub struct Jwk {
    key: PublicKey,
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    /// Keys are prepared once for each algorithm, when they are first needed.
    prepared: Prepared,
}

type Prepared = Box<[OnceLock<Option<Box<Shares>>>; Algorithm::COUNT]>;

impl Clone for Jwk {
    /// The copy is prepared anew: it may go into the set of another provider, and what one
    /// backend made of a key must not be used under another.
    fn clone(&self) -> Self {
        Self::with(self.key.clone(), self.kid.clone(), self.algorithm)
    }
}

/// Something about a key that is not as it should be, but was read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwkFinding {
    /// A member is padded base64url, which RFC 7515 2 does not allow.
    PaddedBase64,
    /// The modulus has leading zero octets, which RFC 7518 6.3.1.1 forbids.
    LeadingZero,
}

/// Why an entry of a key set is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// `alg` names an algorithm that the type of the key cannot serve.
    #[error("alg {algorithm} does not fit the key")]
    AlgorithmMismatch {
        /// The algorithm that `alg` names.
        algorithm: Algorithm,
    },
    /// `alg` names something that is no signature algorithm of ours.
    #[error("alg {found} is no signature algorithm that is supported")]
    AlgorithmUnknown {
        /// What `alg` says.
        found: Text,
    },
    /// A member is not base64url.
    #[error("{member} is not canonical base64url")]
    Base64 {
        /// The name of the member.
        member: &'static str,
    },
    /// The curve is not one that is supported.
    #[error("the curve {found} is not supported")]
    Curve {
        /// What `crv` says.
        found: Text,
    },
    /// The entry is not a strict JSON object.
    #[error("the entry is not a strict JSON object: {0}")]
    Json(JsonError),
    /// The key itself is refused.
    #[error(transparent)]
    Key(KeyError),
    /// `kty` is not one that is supported.
    #[error("keys of type {found} are not supported")]
    KeyType {
        /// What `kty` says.
        found: Text,
    },
    /// A member that the type of key needs is missing.
    #[error("{member} is missing")]
    Missing {
        /// The name of the member.
        member: &'static str,
    },
    /// `use` or `key_ops` say that the key is for something else (RFC 7517 4.2, 4.3).
    #[error("the key is not for verifying signatures ({member})")]
    Purpose {
        /// Which member says so.
        member: &'static str,
    },
    /// The entry holds private members, so everybody can sign with it (RFC 7517 9.2).
    #[error("the entry holds the private member {member}, so anybody can sign with this key")]
    PrivateMaterial {
        /// The name of the member.
        member: &'static str,
    },
    /// A symmetric key in a public set is known to everybody.
    #[error("a symmetric key in a public set")]
    Symmetric,
    /// A member has another JSON type.
    #[error("{member} is {found}, not {expected}")]
    WrongType {
        /// The name of the member.
        member: &'static str,
        /// The type that is asked for.
        expected: &'static str,
        /// The type that was found.
        found: JsonType,
    },
}

impl SkipReason {
    /// A stable name for this reason.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmMismatch { .. } => "jwk-alg-mismatch",
            Self::AlgorithmUnknown { .. } => "jwk-alg-unknown",
            Self::Base64 { .. } => "jwk-base64",
            Self::Curve { .. } => "jwk-curve",
            Self::Json(_) => "jwk-json",
            Self::Key(error) => error.code(),
            Self::KeyType { .. } => "jwk-kty",
            Self::Missing { .. } => "jwk-missing",
            Self::Purpose { .. } => "jwk-purpose",
            Self::PrivateMaterial { .. } => "jwk-private-material",
            Self::Symmetric => "jwk-symmetric",
            Self::WrongType { .. } => "jwk-type",
        }
    }

    /// Whose fault it is, where the key is one that you configured.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// The members of a public JWK that are looked at; others are ignored (RFC 7517 4).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wire {
    kty: Member<String>,
    #[serde(rename = "use")]
    use_: Member<String>,
    key_ops: Member<Vec<String>>,
    alg: Member<String>,
    pub(super) kid: Member<String>,
    crv: Member<String>,
    n: Member<String>,
    e: Member<String>,
    x: Member<String>,
    y: Member<String>,
    // Private members, of which only the presence counts here.
    d: Member<Anything>,
    p: Member<Anything>,
    q: Member<Anything>,
    dp: Member<Anything>,
    dq: Member<Anything>,
    qi: Member<Anything>,
    oth: Member<Anything>,
    k: Member<Anything>,
}

/// What a key is to be used for; decides what `key_ops` must name.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Verify,
    Sign,
}

/// A longer JWK is refused, in octets; a chain of certificates has room.
const MAX_KEY_OCTETS: usize = 64 * 1024;

impl Jwk {
    /// A key to be published, for one algorithm and under a `kid`.
    ///
    /// # Errors
    ///
    /// [`SkipReason::AlgorithmMismatch`] where the key cannot serve the algorithm.
    pub fn new(
        key: PublicKey,
        kid: impl Into<String>,
        algorithm: Algorithm,
    ) -> Result<Self, SkipReason> {
        if !key.fits(algorithm) {
            return Err(SkipReason::AlgorithmMismatch { algorithm });
        }
        Ok(Self::with(key, Some(kid.into()), Some(algorithm)))
    }

    /// A key as it comes out of a PEM file: without a `kid` and for every algorithm of its type.
    #[must_use]
    pub fn without_kid(key: PublicKey) -> Self {
        Self::with(key, None, None)
    }

    fn with(key: PublicKey, kid: Option<String>, algorithm: Option<Algorithm>) -> Self {
        Self {
            key,
            kid,
            algorithm,
            prepared: Prepared::default(),
        }
    }

    /// Reads one JWK. The findings are what was tolerated.
    ///
    /// # Errors
    ///
    /// [`SkipReason`]: why the key cannot be used to verify.
    pub fn parse(json: &[u8]) -> Result<(Self, Vec<JwkFinding>), SkipReason> {
        let wire: Wire = json::read_object(json, MAX_KEY_OCTETS).map_err(SkipReason::Json)?;
        Self::from_wire(&wire)
    }

    pub(super) fn from_wire(wire: &Wire) -> Result<(Self, Vec<JwkFinding>), SkipReason> {
        refuse_private_members(wire)?;
        let (key, algorithm, findings) = read(wire, Purpose::Verify)?;
        let kid = optional("kid", &wire.kid)?.cloned();
        Ok((Self::with(key, kid, algorithm), findings))
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The key id. Text from outside: show it through [`Text`].
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The one algorithm that the key is for, where its owner says so (RFC 7517 4.4).
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// Whether the key may serve this algorithm: its type fits, and `alg` names no other.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.key.fits(algorithm) && self.algorithm.is_none_or(|it| it == algorithm)
    }

    /// The key, prepared for an algorithm that it fits; `None` where the backend has no use for
    /// it.
    pub(super) fn prepared(
        &self,
        algorithm: Algorithm,
        provider: &CryptoProvider,
    ) -> Option<Arc<dyn VerifyingKey>> {
        let slot = self.prepared.get(algorithm.index())?;
        let prepare = || {
            let key = provider.prepare(&self.key, algorithm).ok()?;
            Some(Box::new(Shares::of(&key)))
        };
        let shares = slot.get_or_init(prepare).as_ref()?;
        shares.mine().map(Arc::clone)
    }
}

fn refuse_private_members(wire: &Wire) -> Result<(), SkipReason> {
    if matches!(&wire.kty, Member::Value(kty) if kty == "oct") || wire.k != Member::Absent {
        return Err(SkipReason::Symmetric);
    }
    let private = [
        ("d", &wire.d),
        ("p", &wire.p),
        ("q", &wire.q),
        ("dp", &wire.dp),
        ("dq", &wire.dq),
        ("qi", &wire.qi),
        ("oth", &wire.oth),
    ];
    match private.into_iter().find(|(_, it)| **it != Member::Absent) {
        Some((member, _)) => Err(SkipReason::PrivateMaterial { member }),
        None => Ok(()),
    }
}

type Read = (PublicKey, Option<Algorithm>, Vec<JwkFinding>);

/// Reads the public half and the purpose of a JWK.
pub(super) fn read(wire: &Wire, purpose: Purpose) -> Result<Read, SkipReason> {
    let kty = required("kty", &wire.kty)?;
    judge_purpose(wire, purpose)?;
    let mut reader = MemberReader::default();
    let key = match kty.as_str() {
        "RSA" => {
            let (n, e) = (reader.octets("n", &wire.n)?, reader.octets("e", &wire.e)?);
            if n.first() == Some(&0) {
                reader.findings.push(JwkFinding::LeadingZero);
            }
            PublicKey::Rsa(RsaPublicKey::from_components(&n, &e).map_err(SkipReason::Key)?)
        }
        "EC" => {
            let crv = required("crv", &wire.crv)?;
            let curve = Curve::from_name(crv).ok_or_else(|| SkipReason::Curve {
                found: Text::new(crv),
            })?;
            let (x, y) = (reader.octets("x", &wire.x)?, reader.octets("y", &wire.y)?);
            PublicKey::Ec(EcPublicKey::from_coordinates(curve, &x, &y).map_err(SkipReason::Key)?)
        }
        "OKP" => {
            let crv = required("crv", &wire.crv)?;
            if crv != "Ed25519" {
                return Err(SkipReason::Curve {
                    found: Text::new(crv),
                });
            }
            let x = reader.octets("x", &wire.x)?;
            PublicKey::Ed25519(Ed25519PublicKey::from_octets(&x).map_err(SkipReason::Key)?)
        }
        _ => {
            return Err(SkipReason::KeyType {
                found: Text::new(kty),
            });
        }
    };
    let algorithm = match optional("alg", &wire.alg)? {
        None => None,
        Some(name) => {
            Some(
                Algorithm::from_name(name).ok_or_else(|| SkipReason::AlgorithmUnknown {
                    found: Text::new(name),
                })?,
            )
        }
    };
    match algorithm {
        Some(algorithm) if !key.fits(algorithm) => Err(SkipReason::AlgorithmMismatch { algorithm }),
        _ => Ok((key, algorithm, reader.findings)),
    }
}

/// `use` and `key_ops`: what the owner says counts, and what contradicts itself is refused.
fn judge_purpose(wire: &Wire, purpose: Purpose) -> Result<(), SkipReason> {
    if optional("use", &wire.use_)?.is_some_and(|it| it != "sig") {
        return Err(SkipReason::Purpose { member: "use" });
    }
    let Some(operations) = optional("key_ops", &wire.key_ops)? else {
        return Ok(());
    };
    let needed = match purpose {
        Purpose::Verify => "verify",
        Purpose::Sign => "sign",
    };
    let mut sorted: Vec<&str> = operations.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let is_repeated = sorted
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a == b));
    if is_repeated || !sorted.contains(&needed) {
        return Err(SkipReason::Purpose { member: "key_ops" });
    }
    Ok(())
}

/// Reads base64url members and notes what was tolerated.
#[derive(Default)]
struct MemberReader {
    findings: Vec<JwkFinding>,
}

impl MemberReader {
    fn octets(
        &mut self,
        member: &'static str,
        found: &Member<String>,
    ) -> Result<Vec<u8>, SkipReason> {
        let text = required(member, found)?;
        let (octets, padded) = base64url::decode_padded(text)
            .map_err(|NotBase64Url { .. }| SkipReason::Base64 { member })?;
        if padded && !self.findings.contains(&JwkFinding::PaddedBase64) {
            self.findings.push(JwkFinding::PaddedBase64);
        }
        Ok(octets)
    }
}

fn required<'m>(member: &'static str, found: &'m Member<String>) -> Result<&'m String, SkipReason> {
    optional(member, found)?.ok_or(SkipReason::Missing { member })
}

pub(super) fn optional<'m, T: crate::member::FromJson>(
    member: &'static str,
    found: &'m Member<T>,
) -> Result<Option<&'m T>, SkipReason> {
    match found {
        Member::Absent => Ok(None),
        Member::Value(value) => Ok(Some(value)),
        Member::WrongType(found) => Err(SkipReason::WrongType {
            member,
            expected: T::EXPECTED,
            found: *found,
        }),
    }
}

impl Serialize for Jwk {
    /// Writes the public members, minimal and without padding (RFC 7518 6.2.1, 6.3.1), and
    /// `use: sig`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.key {
            PublicKey::Rsa(key) => {
                map.serialize_entry("kty", "RSA")?;
                map.serialize_entry("n", &base64url::encode(key.n()))?;
                map.serialize_entry("e", &base64url::encode(key.e()))?;
            }
            PublicKey::Ec(key) => {
                map.serialize_entry("kty", "EC")?;
                map.serialize_entry("crv", key.curve().name())?;
                map.serialize_entry("x", &base64url::encode(key.x()))?;
                map.serialize_entry("y", &base64url::encode(key.y()))?;
            }
            PublicKey::Ed25519(key) => {
                map.serialize_entry("kty", "OKP")?;
                map.serialize_entry("crv", "Ed25519")?;
                map.serialize_entry("x", &base64url::encode(key.octets()))?;
            }
        }
        map.serialize_entry("use", "sig")?;
        if let Some(algorithm) = self.algorithm {
            map.serialize_entry("alg", algorithm.name())?;
        }
        if let Some(kid) = &self.kid {
            map.serialize_entry("kid", kid)?;
        }
        map.end()
    }
}
