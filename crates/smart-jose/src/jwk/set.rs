//! A key set, and the choice of keys for a token.

use core::fmt;
use std::sync::Arc;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::value::RawValue;

use super::entry::{Jwk, JwkFinding, SkipReason, Wire};
use crate::alg::Algorithm;
use crate::class::ErrorClass;
use crate::crypto::{CryptoProvider, VerifyingKey};
use crate::header::ProtectedHeader;
use crate::json::{self, JsonError};
use crate::text::Text;

/// A set may be this long, in octets.
pub const MAX_SET_OCTETS: usize = 256 * 1024;
/// A set may have this many entries.
pub const MAX_SET_KEYS: usize = 256;
/// So many keys are tried for one token; more that fit are refused untried, so that a set of a
/// thousand keys under one `kid` cannot make each token cost a thousand verifications.
pub const MAX_CANDIDATES: usize = 4;

/// A JWK Set (RFC 7517 5) for verifying.
///
/// Entries that cannot be used are skipped and listed with their reason: an unknown `kty` must
/// not take a provider down, and silence must not hide a broken key.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::{CryptoProvider, JwkSet};
/// let json = br#"{"keys":[{"kty":"AKP","kid":"later"}]}"#;
/// let set = JwkSet::parse(json, CryptoProvider::ring()).unwrap();
/// assert_eq!(set.keys().len(), 0);
/// assert_eq!(set.skipped()[0].reason.code(), "jwk-kty");
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: Vec<SkippedKey>,
    findings: Vec<(Option<Text>, JwkFinding)>,
    provider: CryptoProvider,
}

/// An entry of a set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SkippedKey {
    /// Its place in the set, from zero.
    pub position: usize,
    /// Its `kid`, where one could be read.
    pub kid: Option<Text>,
    /// Why it is not used.
    pub reason: SkipReason,
}

/// Why a text is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkSetError {
    /// The text is a single JWK.
    #[error("a single JWK and not a key set: put it into {{\"keys\": [...]}}")]
    BareJwk,
    /// The text maps key ids to certificates, as some providers publish beside their key set.
    #[error("a map of PEM certificates and not a key set: look for the provider's jwks_uri")]
    CertificateMap,
    /// A member of the set occurs twice.
    #[error("the member {name} of the set occurs twice")]
    DuplicateMember {
        /// The name.
        name: Text,
    },
    /// The text is not a JSON object.
    #[error("the key set is not a JSON object: {0}")]
    Json(JsonError),
    /// `keys` is missing or not an array (RFC 7517 5.1).
    #[error("keys is missing or not an array")]
    NoKeys,
    /// The set is too long.
    #[error("a key set of {found} octets, more than {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
    /// The set has too many entries.
    #[error("a key set of {found} entries, more than {limit}")]
    TooMany {
        /// The limit.
        limit: usize,
        /// How many there are.
        found: usize,
    },
}

impl JwkSetError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BareJwk => "jwks-bare-jwk",
            Self::CertificateMap => "jwks-certificate-map",
            Self::DuplicateMember { .. } => "jwks-duplicate-member",
            Self::Json(_) => "jwks-json",
            Self::NoKeys => "jwks-no-keys",
            Self::TooLong { .. } => "jwks-too-long",
            Self::TooMany { .. } => "jwks-too-many",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Upstream
    }
}

/// Why no key could be chosen for a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySelectionError {
    /// More keys fit than are tried.
    #[error("{found} keys fit {algorithm}{}, at most {limit} are tried", named(.kid))]
    Ambiguous {
        /// The `kid` of the token.
        kid: Option<Text>,
        /// The algorithm of the token.
        algorithm: Algorithm,
        /// How many keys fit.
        found: usize,
        /// How many may fit.
        limit: usize,
    },
    /// The set has a key under this `kid`, but it is not for this token.
    #[error("the key{} is not for {algorithm}: {reason}", named(.kid))]
    Unfit {
        /// The `kid` of the token.
        kid: Option<Text>,
        /// The algorithm of the token.
        algorithm: Algorithm,
        /// Why, in words of ours.
        reason: Box<str>,
    },
    /// The set has no key under this `kid`, or without a `kid` none that fits.
    #[error("no key{} for {algorithm} among {known} usable keys", named(.kid))]
    Unknown {
        /// The `kid` of the token.
        kid: Option<Text>,
        /// The algorithm of the token.
        algorithm: Algorithm,
        /// How many usable keys the set has.
        known: usize,
    },
}

fn named(kid: &Option<Text>) -> String {
    kid.as_ref()
        .map(|kid| format!(" with kid {kid}"))
        .unwrap_or_default()
}

impl KeySelectionError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ambiguous { .. } => "key-ambiguous",
            Self::Unfit { .. } => "key-unfit",
            Self::Unknown { .. } => "key-unknown",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

/// One to four keys that fit a token, prepared for its algorithm.
#[derive(Clone, Debug)]
pub struct Candidates {
    algorithm: Algorithm,
    keys: [Option<Arc<dyn VerifyingKey>>; MAX_CANDIDATES],
}

impl Candidates {
    /// A single key that the caller has prepared.
    #[must_use]
    pub fn one(key: Arc<dyn VerifyingKey>) -> Self {
        let algorithm = key.algorithm();
        Self {
            algorithm,
            keys: [Some(key), None, None, None],
        }
    }

    /// The algorithm of all of them.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The keys, in the order of the set.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn VerifyingKey>> {
        self.keys.iter().flatten()
    }
}

impl JwkSet {
    /// Reads a set. Each entry is judged by itself and read strictly; what stands beside them is
    /// passed over, whatever it is.
    ///
    /// # Errors
    ///
    /// [`JwkSetError`] where the text is no key set, or too large a one; a set with no usable
    /// key is not an error.
    pub fn parse(json: &[u8], provider: &CryptoProvider) -> Result<Self, JwkSetError> {
        let mut set = Self::from_keys(Vec::new(), provider);
        for (position, entry) in entries(json)?.into_iter().enumerate() {
            match read_entry(entry.get()) {
                Ok((key, findings)) => {
                    let kid = key.kid().map(Text::new);
                    set.findings
                        .extend(findings.into_iter().map(|it| (kid.clone(), it)));
                    set.keys.push(key);
                }
                Err((kid, reason)) => set.skipped.push(SkippedKey {
                    position,
                    kid,
                    reason,
                }),
            }
        }
        Ok(set)
    }

    /// A set of keys that are at hand.
    #[must_use]
    pub fn from_keys(keys: Vec<Jwk>, provider: &CryptoProvider) -> Self {
        Self {
            keys,
            skipped: Vec::new(),
            findings: Vec::new(),
            provider: *provider,
        }
    }

    /// The usable keys, in their order.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The entries that are not used, each with the reason.
    #[must_use]
    pub fn skipped(&self) -> &[SkippedKey] {
        &self.skipped
    }

    /// What was tolerated, with the `kid` of the key.
    #[must_use]
    pub fn findings(&self) -> &[(Option<Text>, JwkFinding)] {
        &self.findings
    }

    /// The keys to try for a token. With a `kid`, those with exactly that one; without, every key
    /// that fits the algorithm.
    ///
    /// # Errors
    ///
    /// [`KeySelectionError::Unknown`] for no such key, [`KeySelectionError::Unfit`] where the
    /// `kid` names keys that are for something else, [`KeySelectionError::Ambiguous`] where five
    /// or more fit: then none is tried.
    pub fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySelectionError> {
        self.select(header.kid(), header.algorithm(), MAX_CANDIDATES)
    }

    /// The one key for a token: what a server uses for client assertions, where no match and
    /// more than one match both fail (SMART App Launch, client-confidential-asymmetric).
    ///
    /// # Errors
    ///
    /// As [`JwkSet::candidates`], but two keys that fit are `Ambiguous`.
    pub fn exactly_one(&self, header: &ProtectedHeader) -> Result<Candidates, KeySelectionError> {
        self.select(header.kid(), header.algorithm(), 1)
    }

    /// The keys that fit an algorithm, whatever their `kid`: for keys that were given by hand,
    /// such as one from a PEM file, which has none.
    ///
    /// # Errors
    ///
    /// As [`JwkSet::candidates`].
    pub fn candidates_for(&self, algorithm: Algorithm) -> Result<Candidates, KeySelectionError> {
        self.select(None, algorithm, MAX_CANDIDATES)
    }

    fn select(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        limit: usize,
    ) -> Result<Candidates, KeySelectionError> {
        let (found, candidates) = self.fitting(kid, algorithm, limit);
        if found > limit {
            let kid = kid.map(Text::new);
            return Err(KeySelectionError::Ambiguous {
                kid,
                algorithm,
                found,
                limit,
            });
        }
        candidates.ok_or_else(|| self.nothing_fits(kid, algorithm))
    }

    /// The same as [`JwkSet::candidates`] without the reason where there is none: for a look that
    /// costs nothing where it finds nothing.
    #[must_use]
    pub fn find(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let (kid, algorithm) = (header.kid(), header.algorithm());
        let (found, candidates) = self.fitting(kid, algorithm, MAX_CANDIDATES);
        candidates.filter(|_| found <= MAX_CANDIDATES)
    }

    /// How many keys fit, and the first of them, as many as are tried.
    fn fitting(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        limit: usize,
    ) -> (usize, Option<Candidates>) {
        let has_kid = |key: &&Jwk| kid.is_none_or(|kid| key.kid() == Some(kid));
        let fitting = self.keys.iter().filter(has_kid);
        let mut keys = [const { None }; MAX_CANDIDATES];
        let mut free = keys.iter_mut();
        let mut found = 0;
        for key in fitting.filter(|key| key.fits(algorithm)) {
            found += 1;
            if found <= limit
                && let Some(key) = key.prepared(algorithm, &self.provider)
                && let Some(slot) = free.next()
            {
                *slot = Some(key);
            }
        }
        let has_any = keys.iter().any(Option::is_some);
        (found, has_any.then_some(Candidates { algorithm, keys }))
    }

    /// Says as precisely as possible why nothing fits.
    fn nothing_fits(&self, kid: Option<&str>, algorithm: Algorithm) -> KeySelectionError {
        let known = self.keys.len();
        let unknown = |kid| KeySelectionError::Unknown {
            kid,
            algorithm,
            known,
        };
        let Some(kid) = kid else {
            return unknown(None);
        };
        let shown = Text::new(kid);
        let skipped = self
            .skipped
            .iter()
            .find(|it| it.kid.as_ref() == Some(&shown));
        let reason = if let Some(SkippedKey { reason, .. }) = skipped {
            reason.to_string()
        } else if let Some(key) = self.keys.iter().find(|key| key.kid() == Some(kid)) {
            match key.algorithm() {
                Some(other) if other != algorithm => format!("its alg is {other}"),
                _ if !key.fits(algorithm) => format!("it is {}", key.key().key_type()),
                _ => format!("{} does not take it", self.provider.name),
            }
        } else {
            return unknown(Some(shown));
        };
        KeySelectionError::Unfit {
            kid: Some(shown),
            algorithm,
            reason: reason.into(),
        }
    }
}

type EntryRead = Result<(Jwk, Vec<JwkFinding>), (Option<Text>, SkipReason)>;

fn read_entry(entry: &str) -> EntryRead {
    let wire: Wire = json::read_object(entry.as_bytes(), entry.len())
        .map_err(|error| (None, SkipReason::Json(error)))?;
    let kid = wire.kid.value().map(|it| Text::new(it));
    Jwk::from_wire(&wire).map_err(|reason| (kid, reason))
}

/// The entries of `keys`, not read yet: a defect in one must not touch the others.
fn entries(json: &[u8]) -> Result<Vec<&RawValue>, JwkSetError> {
    if json.len() > MAX_SET_OCTETS {
        return Err(JwkSetError::TooLong {
            limit: MAX_SET_OCTETS,
            found: json.len(),
        });
    }
    let Members(members) = Members::read(json)?;
    let Some((_, keys)) = members.iter().find(|(name, _)| name == "keys") else {
        return Err(what_it_is(&members));
    };
    let keys: Vec<&RawValue> = serde_json::from_str(keys.get()).map_err(|_| JwkSetError::NoKeys)?;
    if keys.len() > MAX_SET_KEYS {
        return Err(JwkSetError::TooMany {
            limit: MAX_SET_KEYS,
            found: keys.len(),
        });
    }
    Ok(keys)
}

/// Names what stands where a key set was expected.
fn what_it_is(members: &[(String, &RawValue)]) -> JwkSetError {
    if members.iter().any(|(name, _)| name == "kty") {
        return JwkSetError::BareJwk;
    }
    let is_certificate = |value: &RawValue| value.get().starts_with("\"-----BEGIN CERTIFICATE");
    if !members.is_empty() && members.iter().all(|(_, value)| is_certificate(value)) {
        return JwkSetError::CertificateMap;
    }
    JwkSetError::NoKeys
}

/// The members of an object, each with its text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    fn read(json: &'a [u8]) -> Result<Self, JwkSetError> {
        let text = core::str::from_utf8(json).map_err(|error| {
            JwkSetError::Json(JsonError::NotUtf8 {
                offset: error.valid_up_to(),
            })
        })?;
        let mut reader = serde_json::Deserializer::from_str(text);
        let members = reader
            .deserialize_any(MembersVisitor)
            .and_then(|members| reader.end().map(|()| members))
            .map_err(|_| match json::check_object(json, json.len()) {
                Err(error) => JwkSetError::Json(error),
                Ok(_) => JwkSetError::NoKeys,
            })?;
        let mut names: Vec<&str> = members.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names
            .windows(2)
            .find(|pair| matches!(pair, [a, b] if a == b))
        {
            Some([name, ..]) => Err(JwkSetError::DuplicateMember {
                name: Text::new(name),
            }),
            _ => Ok(members),
        }
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
            members.push(entry);
        }
        Ok(Members(members))
    }
}

impl Serialize for JwkSet {
    /// Writes the usable keys, public members only.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("keys", &self.keys)?;
        map.end()
    }
}
