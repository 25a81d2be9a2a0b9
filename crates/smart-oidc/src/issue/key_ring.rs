//! The keys of an issuer, and what each of them does at which time.

use core::time::Duration;

use smart_jose::{Algorithm, Algorithms, CryptoProvider, Jwk, JwkSet, Text, UnixTime};

use super::error::KeyRingError;
use super::planned::PlannedKey;
use super::schedule::RotationSchedule;
use super::signer::Signer;
use crate::served_keys::ServedKeys;

/// So many keys fit a ring. Readers refuse sets of more than 256, and each key is fetched by all
/// of them.
const LIMIT: usize = 32;

/// The keys of an issuer: those that wait, those that sign, and those that have signed.
///
/// Everything is a function of the keys, their times, and the time that the caller gives, so that
/// all nodes of a server say the same: give each of them what [`KeyRing::plan`] says
/// ([`KeyRing::restore`]). A clone has private halves of its own; `tidy` of one leaves those of the
/// other.
#[derive(Clone, Debug)]
pub struct KeyRing {
    schedule: RotationSchedule,
    /// In the order of their first signatures, and of their names where these are equal.
    keys: Vec<PlannedKey>,
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

impl KeyRing {
    /// A ring whose first key signs at once: nobody can hold an older set. It signs with RS256,
    /// which every server must offer (SMART App Launch 2.2; OpenID Connect Core 15.1).
    ///
    /// # Errors
    ///
    /// [`KeyRingError::NotRs256`]; see [`KeyRing::without_rs256`].
    pub fn new(
        schedule: RotationSchedule,
        first: Signer,
        now: UnixTime,
    ) -> Result<Self, KeyRingError> {
        let ring = Self::without_rs256(schedule, first, now);
        ring.with_rs256()
    }

    /// A ring without RS256, for a server all of whose clients are known to read something else.
    /// It does not conform to SMART App Launch.
    #[must_use]
    pub fn without_rs256(schedule: RotationSchedule, first: Signer, now: UnixTime) -> Self {
        Self {
            schedule,
            keys: vec![PlannedKey::new(first, now, now)],
        }
    }

    /// A ring as it was, or as other nodes have it. The same keys with the same times make the
    /// same ring, in whichever order they are given.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`]: no key, or none for RS256; two keys of one `kid` or two `kid`s of one key;
    /// too many keys; a key that signs before it is published, or before its lead is over although
    /// its algorithm had one already.
    pub fn restore(
        schedule: RotationSchedule,
        keys: impl IntoIterator<Item = PlannedKey>,
    ) -> Result<Self, KeyRingError> {
        Self::restore_without_rs256(schedule, keys)?.with_rs256()
    }

    /// The same for a ring without RS256 ([`KeyRing::without_rs256`]).
    ///
    /// # Errors
    ///
    /// As [`KeyRing::restore`].
    pub fn restore_without_rs256(
        schedule: RotationSchedule,
        keys: impl IntoIterator<Item = PlannedKey>,
    ) -> Result<Self, KeyRingError> {
        let mut ring = Self {
            schedule,
            keys: Vec::new(),
        };
        for key in keys {
            ring.insert(key)?;
        }
        if ring.keys.is_empty() {
            return Err(KeyRingError::Empty);
        }
        for (at, key) in ring.keys.iter().enumerate() {
            let found = key.signs_from.saturating_since(key.published_at);
            let mut before = ring.keys.iter().take(at);
            let is_first = !before.any(|it| it.algorithm() == key.algorithm());
            let has_lead = is_first || key.is_promoted || found >= schedule.lead();
            if key.published_at > key.signs_from || !has_lead {
                return Err(KeyRingError::Lead {
                    least: schedule.lead(),
                    found,
                });
            }
        }
        Ok(ring)
    }

    fn with_rs256(self) -> Result<Self, KeyRingError> {
        let algorithms = || self.keys.iter().filter_map(PlannedKey::algorithm);
        if algorithms().any(|it| it == Algorithm::RS256) {
            return Ok(self);
        }
        Err(KeyRingError::NotRs256 {
            found: algorithms().collect(),
        })
    }

    /// What the ring is made of, for [`KeyRing::restore`]: with the private halves that still sign,
    /// and without those that do not.
    #[must_use]
    pub fn plan(&self, now: UnixTime) -> Vec<PlannedKey> {
        let mut ring = self.clone();
        ring.tidy(now);
        ring.keys
    }

    /// Publishes a key now and has it sign after the lead, also where it is the first of its
    /// algorithm, as readers may hold a set without it. Where another key waits already, the new
    /// one signs a lead after it. Returns when it begins to sign.
    ///
    /// # Errors
    ///
    /// [`KeyRingError`]: the `kid` or the key is there already, or the ring is full.
    pub fn add(&mut self, signer: Signer, now: UnixTime) -> Result<UnixTime, KeyRingError> {
        self.settle(now);
        let lead = self.schedule.lead();
        let mut signs_from = now.saturating_add(lead);
        let algorithm = Some(signer.algorithm());
        let waiting = self.keys.iter().filter(|it| it.algorithm() == algorithm);
        if let Some(last) = waiting.map(|it| it.signs_from).max().filter(|it| *it > now) {
            signs_from = signs_from.max(last.saturating_add(lead));
        }
        self.insert(PlannedKey::new(signer, now, signs_from))?;
        Ok(signs_from)
    }

    fn insert(&mut self, key: PlannedKey) -> Result<(), KeyRingError> {
        let (kid, public) = (key.kid(), key.jwk.key());
        if kid.is_empty() || key.algorithm().is_none() {
            return Err(KeyRingError::Kid { octets: kid.len() });
        }
        if self.keys.iter().any(|it| it.kid() == kid) {
            return Err(KeyRingError::DuplicateKid {
                kid: Text::new(kid),
            });
        }
        if let Some(other) = self.keys.iter().find(|it| it.jwk.key() == public) {
            return Err(KeyRingError::DuplicateKey {
                kid: Text::new(other.kid()),
            });
        }
        if self.keys.len() >= LIMIT {
            return Err(KeyRingError::Full { limit: LIMIT });
        }
        self.keys.push(key);
        self.sort();
        Ok(())
    }

    fn sort(&mut self) {
        self.keys
            .sort_by(|a, b| (a.signs_from, a.kid()).cmp(&(b.signs_from, b.kid())));
    }

    /// The key that signs with this algorithm now.
    ///
    /// A clock that was set back locks nobody out: a first key signs from the beginning of time, and
    /// where the key of that moment has no private half any more, its successor signs.
    #[must_use]
    pub fn signer(&self, algorithm: Algorithm, now: UnixTime) -> Option<&Signer> {
        self.signing(algorithm, now)?.signer.as_ref()
    }

    fn signing(&self, algorithm: Algorithm, now: UnixTime) -> Option<&PlannedKey> {
        let begun = |it: &&PlannedKey| it.has_begun(now);
        let is_over = |it: &PlannedKey| self.signs_until(it).is_some_and(|end| end <= now);
        let current = self.of(algorithm).filter(begun).find(|it| !is_over(it))?;
        if current.signer.is_some() {
            return Some(current);
        }
        let later = self
            .of(algorithm)
            .skip_while(|it| it.kid() != current.kid());
        later.into_iter().find(|it| it.signer.is_some())
    }

    /// The algorithms that something can be signed with now, for
    /// `id_token_signing_alg_values_supported`.
    #[must_use]
    pub fn algorithms(&self, now: UnixTime) -> Algorithms {
        let algorithms = self.keys.iter().filter_map(PlannedKey::algorithm);
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
            let is_out = it.published_at <= now && !is_withdrawn;
            // Whatever signs is published, whichever time a clock shows.
            let signing = it.algorithm().and_then(|alg| self.signing(alg, now));
            let signs = signing.is_some_and(|signing| signing.kid() == it.kid());
            (is_out || signs).then_some(&it.jwk)
        })
    }

    /// The key set as it is served now, with the `Cache-Control` that the schedule counts on.
    #[must_use]
    pub fn document(&self, now: UnixTime, provider: &CryptoProvider) -> ServedKeys {
        ServedKeys::new(&self.jwks(now, provider), self.schedule.max_age(), provider)
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
    /// now and then; what is published and what signs does not depend on when.
    pub fn tidy(&mut self, now: UnixTime) {
        self.settle(now);
        let withdrawn: Vec<String> = self
            .keys
            .iter()
            .filter(|it| self.withdrawn_at(it).is_some_and(|end| end <= now))
            .map(|it| it.kid().to_owned())
            .collect();
        self.keys
            .retain(|it| !withdrawn.iter().any(|kid| kid == it.kid()));
        for key in &mut self.keys {
            if key.signs_until.is_some_and(|end| end <= now) {
                key.signer = None;
            }
        }
    }

    /// Makes it a fact which keys have stopped signing, so that none of them begins again when its
    /// successor is revoked.
    fn settle(&mut self, now: UnixTime) {
        let ends: Vec<Option<UnixTime>> = self
            .keys
            .iter()
            .map(|it| self.signs_until(it).filter(|end| *end <= now))
            .collect();
        for (key, end) in self.keys.iter_mut().zip(ends) {
            key.signs_until = key.signs_until.or(end);
        }
    }

    /// Takes a key out at once, because its private half may be in other hands. Its tokens are
    /// refused as soon as readers have fetched the set again. Where it was the one that signs, the
    /// next one that waits signs from now on; a key that has stopped signing never does again, so
    /// without one that waits, none signs.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Unknown`].
    pub fn revoke(&mut self, kid: &str, now: UnixTime) -> Result<(), KeyRingError> {
        self.settle(now);
        let at = self.keys.iter().position(|it| it.kid() == kid);
        let at = at.ok_or_else(|| KeyRingError::Unknown {
            kid: Text::new(kid),
        })?;
        let revoked = self.keys.remove(at);
        let was_signing = revoked.has_begun(now) && revoked.signs_until.is_none();
        if was_signing
            && let Some(next) = self
                .keys
                .iter_mut()
                .find(|it| it.algorithm() == revoked.algorithm() && !it.has_begun(now))
        {
            next.signs_from = now.max(next.published_at);
            next.is_promoted = true;
            self.sort();
        }
        Ok(())
    }

    /// What each key does when, in the order of their first signatures.
    #[must_use]
    pub fn times(&self) -> Vec<KeyTimes> {
        let times = self.keys.iter().filter_map(|it| {
            Some(KeyTimes {
                kid: it.kid().to_owned(),
                algorithm: it.algorithm()?,
                published_at: it.published_at,
                signs_from: it.signs_from,
                signs_until: self.signs_until(it),
                withdrawn_at: self.withdrawn_at(it),
            })
        });
        times.collect()
    }

    /// The schedule.
    #[must_use]
    pub const fn schedule(&self) -> &RotationSchedule {
        &self.schedule
    }

    /// The keys of an algorithm, in the order of their first signatures.
    fn of(&self, algorithm: Algorithm) -> impl Iterator<Item = &PlannedKey> {
        self.keys
            .iter()
            .filter(move |it| it.algorithm() == Some(algorithm))
    }

    /// A key signs until the next one of its algorithm does.
    fn signs_until(&self, key: &PlannedKey) -> Option<UnixTime> {
        if key.signs_until.is_some() {
            return key.signs_until;
        }
        let of_same = self
            .keys
            .iter()
            .filter(|it| it.algorithm() == key.algorithm());
        let next = of_same.skip_while(|it| it.kid() != key.kid());
        next.map(|it| it.signs_from).nth(1)
    }

    fn withdrawn_at(&self, key: &PlannedKey) -> Option<UnixTime> {
        let tail: Duration = self.schedule.tail();
        Some(self.signs_until(key)?.saturating_add(tail))
    }
}
