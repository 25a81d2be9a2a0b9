//! The keys of an issuer, and what each of them does at which time.

use smart_jose::alg::HashAlgorithm;
use smart_jose::{Algorithm, CryptoProvider, Jwk, JwkSet, Text, UnixTime, base64url};

use super::error::KeyRingError;
use super::schedule::RotationSchedule;
use super::signer::Signer;

/// So many keys fit a ring. Readers refuse more than 256, and each key is fetched by all of them.
const LIMIT: usize = 32;

/// The keys of an issuer: those that wait, those that sign, and those that have signed.
///
/// Everything is a function of the time that the caller gives, so that all nodes of a server say
/// the same: give each of them the same keys with the same times ([`KeyRing::restore`]).
#[derive(Clone, Debug)]
pub struct KeyRing {
    schedule: RotationSchedule,
    /// In the order of their first signatures.
    keys: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    kid: String,
    jwk: Jwk,
    algorithm: Algorithm,
    /// Gone once the key signs no more.
    signer: Option<Signer>,
    published_at: UnixTime,
    signs_from: UnixTime,
}

/// A key with its times, to set up a ring as it was, or as other nodes have it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlannedKey {
    /// The key.
    pub signer: Signer,
    /// Since when readers can have seen it.
    pub published_at: UnixTime,
    /// From when on it signs.
    pub signs_from: UnixTime,
}

impl PlannedKey {
    /// A key with its times.
    #[must_use]
    pub const fn new(signer: Signer, published_at: UnixTime, signs_from: UnixTime) -> Self {
        Self {
            signer,
            published_at,
            signs_from,
        }
    }
}

/// What a key does when, for a page or a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyTimes {
    /// Its name.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Since when it is published.
    pub published_at: UnixTime,
    /// From when on it signs.
    pub signs_from: UnixTime,
    /// When it stops signing, if a successor is known.
    pub signs_until: Option<UnixTime>,
    /// When it is no longer published, if a successor is known.
    pub withdrawn_at: Option<UnixTime>,
}

/// A key set as it is served at `jwks_uri`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedKeys {
    /// The JWK Set (RFC 7517 5), for `Content-Type: application/json`.
    pub body: String,
    /// The value of `Cache-Control`.
    pub cache_control: String,
    /// The value of `ETag`: the same for the same keys, on every node.
    pub etag: String,
}

impl KeyRing {
    /// A ring whose first key signs at once: nobody can hold an older set. It signs with RS256,
    /// which every client reads and every server must offer (SMART App Launch 2.2; OpenID Connect
    /// Core 15.1).
    ///
    /// # Errors
    ///
    /// [`KeyRingError::NotRs256`]; see [`KeyRing::without_rs256`].
    pub fn new(
        schedule: RotationSchedule,
        first: Signer,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        if first.algorithm() != Algorithm::RS256 {
            return Err(KeyRingError::NotRs256 {
                found: first.algorithm(),
            });
        }
        Ok(Self::without_rs256(schedule, first, now))
    }

    /// A ring without RS256, for a server all of whose clients are known to read something else.
    /// It does not conform to SMART App Launch.
    #[must_use]
    pub fn without_rs256(schedule: RotationSchedule, first: Signer, now: UnixTime) -> Self {
        Self {
            schedule,
            keys: vec![Entry::new(first, now, now)],
        }
    }

    /// A ring as it was, or as other nodes have it. The same keys with the same times make the
    /// same ring, in whichever order they are given.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`]: two keys of one `kid` or two `kid`s of one key, too many keys, no key for
    /// RS256, or a key that signs before its lead is over although its algorithm had one already.
    pub fn restore(
        schedule: RotationSchedule,
        keys: impl IntoIterator<Item = PlannedKey>,
    ) -> Result<Self, KeyRingError> {
        let mut keys: Vec<PlannedKey> = keys.into_iter().take(LIMIT + 1).collect();
        keys.sort_by(|a, b| (a.signs_from, a.signer.kid()).cmp(&(b.signs_from, b.signer.kid())));
        let rs256 = keys
            .iter()
            .find(|it| it.signer.algorithm() == Algorithm::RS256);
        if rs256.is_none()
            && let Some(first) = keys.first()
        {
            return Err(KeyRingError::NotRs256 {
                found: first.signer.algorithm(),
            });
        }
        let mut ring = Self {
            schedule,
            keys: Vec::new(),
        };
        for key in keys {
            let found = key.signs_from.saturating_since(key.published_at);
            let is_first = ring.of(key.signer.algorithm()).next().is_none();
            if !is_first && found < schedule.lead() {
                return Err(KeyRingError::Lead {
                    least: schedule.lead(),
                    found,
                });
            }
            ring.insert(key)?;
        }
        Ok(ring)
    }

    /// Publishes a key now and has it sign after the lead, also where it is the first of its
    /// algorithm, as readers may hold a set without it. Returns when it begins to sign.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`]: the `kid` or the key is there already, or the ring is full.
    pub fn add(&mut self, signer: Signer, now: UnixTime) -> Result<UnixTime, KeyRingError> {
        let after_lead = now.saturating_add(self.schedule.lead());
        // A key that waits already goes first.
        let waiting = self.of(signer.algorithm()).map(|it| it.signs_from).max();
        let signs_from = waiting.map_or(after_lead, |it| it.max(after_lead));
        self.insert(PlannedKey::new(signer, now, signs_from))?;
        Ok(signs_from)
    }

    fn insert(&mut self, key: PlannedKey) -> Result<(), KeyRingError> {
        let (kid, public) = (key.signer.kid(), key.signer.jwk().key());
        if self.keys.iter().any(|it| it.kid == kid) {
            return Err(KeyRingError::DuplicateKid {
                kid: Text::new(kid),
            });
        }
        if let Some(other) = self.keys.iter().find(|it| it.jwk.key() == public) {
            return Err(KeyRingError::DuplicateKey {
                kid: Text::new(&other.kid),
            });
        }
        if self.keys.len() >= LIMIT {
            return Err(KeyRingError::Full { limit: LIMIT });
        }
        let entry = Entry::new(key.signer, key.published_at, key.signs_from);
        let at = self
            .keys
            .partition_point(|it| it.signs_from <= entry.signs_from);
        self.keys.insert(at, entry);
        Ok(())
    }

    /// The key that signs with this algorithm now.
    #[must_use]
    pub fn signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&Signer> {
        let begun = self.of(algorithm).filter(|it| it.signs_from <= now);
        let current = begun.last()?.signer.as_ref();
        // A clock that was set back asks for a key whose private half is gone: its successor has
        // signed before, so readers know it.
        current.or_else(|| self.of(algorithm).find_map(|it| it.signer.as_ref()))
    }

    /// The algorithms that something can be signed with now, for
    /// `id_token_signing_alg_values_supported`.
    #[must_use]
    pub fn algorithms(&self, now: UnixTime) -> smart_jose::Algorithms {
        let algorithms = self.keys.iter().map(|it| it.algorithm);
        algorithms
            .filter(|it| self.signer(*it, now).is_some())
            .collect()
    }

    /// The public keys as they are published now: those that sign, those that will, and those
    /// whose tokens may still be around.
    #[must_use]
    pub fn jwks(&self, now: UnixTime, provider: &CryptoProvider) -> JwkSet {
        JwkSet::from_keys(self.published(now).cloned().collect(), provider)
    }

    fn published(&self, now: UnixTime) -> impl Iterator<Item = &Jwk> {
        self.keys.iter().filter_map(move |it| {
            let is_withdrawn = self.withdrawn_at(it).is_some_and(|end| end <= now);
            (it.published_at <= now && !is_withdrawn).then_some(&it.jwk)
        })
    }

    /// The key set as it is served now, with the `Cache-Control` that the schedule counts on.
    #[must_use]
    pub fn document(&self, now: UnixTime, provider: &CryptoProvider) -> ServedKeys {
        let set = self.jwks(now, provider);
        // Keys are maps of strings, which always serialize; an empty set would lock all out, but
        // let nobody in.
        let body = serde_json::to_string(&set).unwrap_or_else(|_| r#"{"keys":[]}"#.to_owned());
        let hash = provider.hash(HashAlgorithm::Sha256, body.as_bytes());
        ServedKeys {
            cache_control: format!("public, max-age={}", self.schedule.max_age().as_secs()),
            etag: format!("\"{}\"", base64url::encode(hash)),
            body,
        }
    }

    /// When a new key of this algorithm should be added, so that it can take over in time; `None`
    /// where one waits already, or the ring has none of the algorithm.
    #[must_use]
    pub fn next_key_due(&self, algorithm: Algorithm, now: UnixTime) -> Option<UnixTime> {
        let newest = self.of(algorithm).last()?;
        if newest.signs_from > now {
            return None;
        }
        let early = self.schedule.period().saturating_sub(self.schedule.lead());
        Some(newest.signs_from.saturating_add(early))
    }

    /// Forgets the private halves of keys that sign no more, and keys that are withdrawn. Call it
    /// now and then; nothing depends on when.
    pub fn tidy(&mut self, now: UnixTime) {
        let times = self.times();
        let time_of = |kid: &str| times.iter().find(|it| it.kid == kid);
        let is_over = |end: Option<UnixTime>| end.is_some_and(|end| end <= now);
        self.keys
            .retain(|it| !is_over(time_of(&it.kid).and_then(|it| it.withdrawn_at)));
        for key in &mut self.keys {
            if is_over(time_of(&key.kid).and_then(|it| it.signs_until)) {
                key.signer = None;
            }
        }
    }

    /// Takes a key out at once, because its private half may be in other hands. Its tokens are
    /// refused as soon as readers have fetched the set again. Where it was the one that signs, the
    /// next one that waits signs from now on, or with no other key, none does.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Unknown`].
    pub fn revoke(&mut self, kid: &str, now: UnixTime) -> Result<(), KeyRingError> {
        let at = self.keys.iter().position(|it| it.kid == kid);
        let at = at.ok_or_else(|| KeyRingError::Unknown {
            kid: Text::new(kid),
        })?;
        let algorithm = self.keys.remove(at).algorithm;
        if self.signer(algorithm, now).is_none()
            && let Some(next) = self
                .keys
                .iter_mut()
                .find(|it| it.algorithm == algorithm && it.signs_from > now)
        {
            next.signs_from = now;
            self.keys.sort_by_key(|it| it.signs_from);
        }
        Ok(())
    }

    /// What each key does when, in the order of their first signatures.
    #[must_use]
    pub fn times(&self) -> Vec<KeyTimes> {
        let times = self.keys.iter().map(|it| KeyTimes {
            kid: it.kid.clone(),
            algorithm: it.algorithm,
            published_at: it.published_at,
            signs_from: it.signs_from,
            signs_until: self.signs_until(it),
            withdrawn_at: self.withdrawn_at(it),
        });
        times.collect()
    }

    /// The schedule.
    #[must_use]
    pub const fn schedule(&self) -> &RotationSchedule {
        &self.schedule
    }

    /// The keys of an algorithm, in the order of their first signatures.
    fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &Entry> {
        self.keys.iter().filter(move |it| it.algorithm == algorithm)
    }

    /// A key signs until the next one of its algorithm does.
    fn signs_until(&self, key: &Entry) -> Option<UnixTime> {
        let next = self.of(key.algorithm).skip_while(|it| it.kid != key.kid);
        next.map(|it| it.signs_from).nth(1)
    }

    fn withdrawn_at(&self, key: &Entry) -> Option<UnixTime> {
        let until = self.signs_until(key)?;
        Some(until.saturating_add(self.schedule.tail()))
    }
}

impl Entry {
    fn new(signer: Signer, published_at: UnixTime, signs_from: UnixTime) -> Self {
        Self {
            kid: signer.kid().to_owned(),
            jwk: signer.jwk().clone(),
            algorithm: signer.algorithm(),
            signer: Some(signer),
            published_at,
            signs_from,
        }
    }
}
