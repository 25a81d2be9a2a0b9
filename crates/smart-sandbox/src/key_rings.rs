//! The keys of all algorithms that apps are registered with, and when they change.

use core::time::Duration;

use smart_jose::{Algorithm, CryptoProvider, Jwk, JwkSet};

use crate::keys::{KeyRing, KeysError, Signer};

/// One ring for each algorithm, the sandbox's own first.
pub(crate) struct KeyRings {
    first: KeyRing,
    others: Vec<KeyRing>,
    schedule: Option<Schedule>,
    is_exposed: bool,
    provider: CryptoProvider,
}

/// When the keys change by themselves, on the monotonic clock.
struct Schedule {
    every: Duration,
    due: Duration,
}

impl KeyRings {
    pub(crate) const fn new(first: KeyRing, is_exposed: bool, provider: &CryptoProvider) -> Self {
        Self {
            first,
            others: Vec::new(),
            schedule: None,
            is_exposed,
            provider: *provider,
        }
    }

    /// Changes the keys so often from `now` on.
    pub(crate) fn change_every(&mut self, every: Duration, now: Duration) {
        let due = now.saturating_add(every);
        self.schedule = Some(Schedule { every, due });
    }

    /// Holds a key of this algorithm from now on.
    pub(crate) fn hold(&mut self, algorithm: Algorithm) -> Result<(), KeysError> {
        if self.ring(algorithm).is_none() {
            let ring = KeyRing::beside(algorithm, self.is_exposed, &self.provider)?;
            self.others.push(ring);
        }
        Ok(())
    }

    /// The key that signs now: of this algorithm, or of the sandbox's own.
    pub(crate) fn current(&self, algorithm: Option<Algorithm>) -> &Signer {
        let ring = algorithm.and_then(|it| self.ring(it));
        ring.unwrap_or(&self.first).current()
    }

    fn ring(&self, algorithm: Algorithm) -> Option<&KeyRing> {
        self.all()
            .find(|it| it.current().key.algorithm() == algorithm)
    }

    fn all(&self) -> impl Iterator<Item = &KeyRing> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// What signs at present.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.all().map(|it| it.current().key.algorithm())
    }

    /// The keys that sign now, the sandbox's own first.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Signer> {
        self.all().map(KeyRing::current)
    }

    /// Their names.
    pub(crate) fn kids(&self) -> Vec<String> {
        self.signers().map(|it| it.kid.clone()).collect()
    }

    /// Whether each key can be followed by another.
    pub(crate) fn can_rotate(&self) -> Result<(), KeysError> {
        self.all().try_for_each(|it| it.next().map(drop))
    }

    /// Signs with the next keys from now on. Gives the `kid` of the sandbox's own algorithm. Where one
    /// of them cannot be made none is changed.
    pub(crate) fn rotate(&mut self) -> Result<String, KeysError> {
        let all = self.all().map(KeyRing::next);
        let all = all.collect::<Result<Vec<_>, _>>()?;
        let rings = core::iter::once(&mut self.first).chain(&mut self.others);
        rings.zip(all).for_each(|(ring, next)| ring.replace(next));
        Ok(self.first.current().kid.clone())
    }

    /// Publishes no former key any more.
    pub(crate) fn withdraw_former(&mut self) {
        self.first.withdraw_former();
        self.others.iter_mut().for_each(KeyRing::withdraw_former);
    }

    /// Changes the keys if that is due. After a long time it happens twice, so that no key of then is
    /// published any more. That each key can be followed was seen at the start; where the operating
    /// system gives no random octets the keys that are there go on.
    pub(crate) fn keep_time(&mut self, now: Duration) {
        let Some(schedule) = &mut self.schedule else {
            return;
        };
        if now < schedule.due {
            return;
        }
        let is_late = now >= schedule.due.saturating_add(schedule.every);
        schedule.due = now.saturating_add(schedule.every);
        for _ in 0..=u8::from(is_late) {
            let _ = self.rotate();
        }
    }

    /// The public halves, each name once.
    pub(crate) fn jwks(&self) -> JwkSet {
        let keys: Vec<Jwk> = self.all().flat_map(KeyRing::public).cloned().collect();
        JwkSet::from_keys(keys, &self.provider)
    }
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use super::*;

    /// Any RSA key that the caller brings.
    const OWN_RSA_KEY: &str = include_str!("keys/demo-rsa-1.pem");

    fn rings(others: &[Algorithm]) -> KeyRings {
        let provider = CryptoProvider::ring();
        let first = KeyRing::demo(Algorithm::RS256, provider).unwrap();
        let mut rings = KeyRings::new(first, false, provider);
        for other in others {
            rings.hold(*other).unwrap();
        }
        rings
    }

    fn kids(rings: &KeyRings) -> Vec<String> {
        let set = rings.jwks();
        let kids = set.keys().iter().filter_map(Jwk::kid);
        kids.map(str::to_owned).collect()
    }

    #[test]
    fn each_algorithm_has_its_keys_and_no_name_is_used_twice() {
        let others = [Algorithm::PS256, Algorithm::RS384, Algorithm::ES256];
        let mut rings = rings(&others);
        rings.hold(Algorithm::RS256).unwrap();
        for _ in 0..10 {
            rings.rotate().unwrap();
            let mut kids = kids(&rings);
            assert_eq!(kids.len(), 8);
            kids.sort();
            kids.dedup();
            assert_eq!(kids.len(), 8);
            for algorithm in others {
                let signer = rings.current(Some(algorithm));
                assert_eq!(signer.key.algorithm(), algorithm);
            }
        }
        assert_eq!(rings.current(None).key.algorithm(), Algorithm::RS256);
        rings.withdraw_former();
        assert_eq!(kids(&rings).len(), 4);
    }

    #[test]
    fn keys_change_when_it_is_time() {
        let mut rings = rings(&[]);
        let hour = Duration::from_secs(3600);
        rings.change_every(hour, Duration::ZERO);
        let first = rings.current(None).kid.clone();
        rings.keep_time(hour - Duration::from_secs(1));
        assert_eq!(rings.current(None).kid, first);
        rings.keep_time(hour);
        let second = rings.current(None).kid.clone();
        assert_ne!(second, first);
        rings.keep_time(hour + Duration::from_secs(1));
        assert_eq!(kids(&rings), [second.clone(), first.clone()]);
        rings.keep_time(10 * hour);
        assert!(!kids(&rings).contains(&second) && !kids(&rings).contains(&first));
    }

    #[test]
    fn where_one_key_cannot_be_followed_none_changes() {
        let provider = CryptoProvider::ring();
        // ring makes no RSA keys, and this one is no demo key to it.
        let own = smart_jose::key::PrivateKey::from_pem(OWN_RSA_KEY, provider).unwrap();
        let own = KeyRing::own(&own, "mine".into(), Algorithm::RS256, false, provider).unwrap();
        for is_first in [true, false] {
            let mut rings = rings(&[Algorithm::ES256]);
            let place = match is_first {
                true => &mut rings.first,
                false => &mut rings.others[0],
            };
            *place = own.clone();
            let before = rings.kids();
            let error = rings.rotate().unwrap_err();
            assert_eq!(error.code(), "sandbox-key-generate");
            assert_eq!(rings.can_rotate(), Err(error));
            assert_eq!(rings.kids(), before);
        }
        let mut rings = rings(&[Algorithm::ES256]);
        let before = rings.kids();
        assert_eq!(rings.can_rotate(), Ok(()));
        assert_eq!(rings.kids(), before);
        rings.rotate().unwrap();
        assert!(
            rings
                .kids()
                .iter()
                .zip(&before)
                .all(|(new, old)| new != old)
        );
    }

    #[test]
    fn no_demo_key_is_lent_to_others() {
        let provider = CryptoProvider::ring();
        let key = smart_jose::key::PrivateKey::generate(Algorithm::ES256, provider).unwrap();
        let own = KeyRing::own(&key, "mine".into(), Algorithm::ES256, true, provider).unwrap();
        let mut rings = KeyRings::new(own, true, provider);
        rings.hold(Algorithm::ES384).unwrap();
        assert_eq!(
            rings.hold(Algorithm::PS256).unwrap_err().code(),
            "sandbox-key-generate"
        );
    }
}
