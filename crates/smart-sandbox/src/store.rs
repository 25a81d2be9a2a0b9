//! Short-lived secrets, kept by their hash in a map that cannot grow without bound.

use core::fmt;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use smart_jose::alg::HashAlgorithm;
use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, base64url};

/// The SHA-256 hash of a code, a token or a request id.
///
/// Look-up goes by hash, so its time says nothing about how much of a guess was right, and a
/// dump of the map holds nothing that can be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a text that somebody presents.
    pub(crate) fn of(text: &str, provider: &CryptoProvider) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, text.as_bytes());
        let mut octets = [0; 32];
        for (to, from) in octets.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Self(octets)
    }
}

/// A new secret of 256 random bits as base64url, with its fingerprint.
pub(crate) fn mint(provider: &CryptoProvider) -> Result<(String, Fingerprint), RandomFailed> {
    let text = base64url::encode(provider.random::<32>()?);
    let fingerprint = Fingerprint::of(&text, provider);
    Ok((text, fingerprint))
}

/// Values that are kept for a while. When it is full, the oldest makes room.
pub(crate) struct Store<V> {
    entries: HashMap<Fingerprint, (Duration, V)>,
    /// Every key ever inserted and not yet dropped, oldest first; removed ones stay until then,
    /// so this list, too, has at most `capacity` entries.
    order: VecDeque<Fingerprint>,
    capacity: usize,
    lifetime: Duration,
}

impl<V> Store<V> {
    /// An empty store.
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            capacity,
            lifetime,
        }
    }

    /// Keeps a value from `now` on, a reading of the monotonic clock.
    pub(crate) fn insert(&mut self, key: Fingerprint, value: V, now: Duration) {
        while let Some(oldest) = self.order.front() {
            let is_live = self
                .entries
                .get(oldest)
                .is_some_and(|(since, _)| now.saturating_sub(*since) < self.lifetime);
            if is_live && self.order.len() < self.capacity {
                break;
            }
            self.entries.remove(oldest);
            self.order.pop_front();
        }
        self.order.push_back(key);
        self.entries.insert(key, (now, value));
    }

    /// The value, unless its time is over.
    pub(crate) fn get_mut(&mut self, key: Fingerprint, now: Duration) -> Option<&mut V> {
        let lifetime = self.lifetime;
        self.entries
            .get_mut(&key)
            .filter(|(since, _)| now.saturating_sub(*since) < lifetime)
            .map(|(_, value)| value)
    }

    /// Takes out every value of this kind.
    pub(crate) fn drop_where(&mut self, is_dropped: impl Fn(&V) -> bool) {
        self.entries.retain(|_, (_, value)| !is_dropped(value));
    }

    /// Takes the value out; `None` when its time was over.
    pub(crate) fn remove(&mut self, key: Fingerprint, now: Duration) -> Option<V> {
        self.entries
            .remove(&key)
            .filter(|(since, _)| now.saturating_sub(*since) < self.lifetime)
            .map(|(_, value)| value)
    }
}

impl<V> fmt::Debug for Store<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({} entries)", self.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Fingerprint {
        Fingerprint([n; 32])
    }

    #[test]
    fn the_oldest_makes_room_and_the_order_is_bounded_too() {
        let mut store = Store::new(3, Duration::from_secs(60));
        for n in 0..200 {
            store.insert(key(n), n, Duration::ZERO);
            if n % 2 == 0 {
                store.remove(key(n), Duration::ZERO);
            }
            assert!(store.order.len() <= 3);
        }
        assert_eq!(store.get_mut(key(199), Duration::ZERO), Some(&mut 199));
        assert_eq!(store.get_mut(key(195), Duration::ZERO), None);
    }

    #[test]
    fn nothing_lives_longer_than_its_time() {
        let mut store = Store::new(10, Duration::from_secs(60));
        store.insert(key(1), (), Duration::ZERO);
        assert!(store.get_mut(key(1), Duration::from_secs(59)).is_some());
        assert!(store.get_mut(key(1), Duration::from_secs(60)).is_none());
        store.insert(key(2), (), Duration::from_secs(60));
        assert_eq!(store.entries.len(), 1);
        assert!(store.remove(key(2), Duration::from_secs(120)).is_none());
    }

    #[test]
    fn a_kind_of_value_is_dropped_and_the_others_stay() {
        let mut store = Store::new(10, Duration::from_secs(60));
        for n in 0..6 {
            store.insert(key(n), n, Duration::ZERO);
        }
        store.drop_where(|it| it % 2 == 0);
        let left: Vec<u8> = (0..6)
            .filter(|n| store.get_mut(key(*n), Duration::ZERO).is_some())
            .collect();
        assert_eq!(left, [1, 3, 5]);
    }
}
