//! Short-lived secrets, kept by their hash in a map that cannot grow without bound.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

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

/// Values that are kept for a while. When it is full, the oldest makes room; one that was taken out
/// holds no place.
pub(crate) struct Store<V> {
    entries: HashMap<Fingerprint, Entry<V>>,
    /// The keys of the entries by their numbers, oldest first: no more and no fewer.
    order: BTreeMap<u64, Fingerprint>,
    next: u64,
    capacity: usize,
    lifetime: Duration,
}

struct Entry<V> {
    /// No two have the same.
    number: u64,
    since: Duration,
    value: V,
}

impl<V> Store<V> {
    /// An empty store.
    pub(crate) fn new(capacity: usize, lifetime: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            capacity,
            lifetime,
        }
    }

    /// Keeps a value from `now` on, a reading of the monotonic clock.
    pub(crate) fn insert(&mut self, key: Fingerprint, value: V, now: Duration) {
        self.remove(key, now);
        while let Some(oldest) = self.order.values().next().copied() {
            if self.get_mut(oldest, now).is_some() && self.entries.len() < self.capacity {
                break;
            }
            self.remove(oldest, now);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        self.order.insert(number, key);
        let entry = Entry {
            number,
            since: now,
            value,
        };
        self.entries.insert(key, entry);
    }

    /// The value, unless its time is over.
    pub(crate) fn get_mut(&mut self, key: Fingerprint, now: Duration) -> Option<&mut V> {
        let lifetime = self.lifetime;
        self.entries
            .get_mut(&key)
            .filter(|it| now.saturating_sub(it.since) < lifetime)
            .map(|it| &mut it.value)
    }

    /// Takes out every value of this kind.
    pub(crate) fn drop_where(&mut self, is_dropped: impl Fn(&V) -> bool) {
        let order = &mut self.order;
        self.entries.retain(|_, it| {
            let is_kept = !is_dropped(&it.value);
            if !is_kept {
                order.remove(&it.number);
            }
            is_kept
        });
    }

    /// Takes the value out; `None` when its time was over.
    pub(crate) fn remove(&mut self, key: Fingerprint, now: Duration) -> Option<V> {
        let entry = self.entries.remove(&key)?;
        self.order.remove(&entry.number);
        (now.saturating_sub(entry.since) < self.lifetime).then_some(entry.value)
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
            assert!(store.entries.len() <= 3);
            assert_eq!(store.order.len(), store.entries.len());
        }
        for (n, expected) in [(199, true), (197, true), (195, true), (193, false)] {
            let found = store.get_mut(key(n), Duration::ZERO).is_some();
            assert_eq!(found, expected, "{n}");
        }
    }

    /// What was taken out leaves its place, so that those that are in use do not pay for it.
    #[test]
    fn nobody_is_pushed_out_by_what_is_gone() {
        let mut store = Store::new(3, Duration::from_secs(60));
        store.insert(key(0), 0, Duration::ZERO);
        for n in 1..100 {
            store.insert(key(n), n, Duration::ZERO);
            if n % 2 == 0 {
                store.remove(key(n), Duration::ZERO);
            } else {
                store.drop_where(|it| *it == n);
            }
        }
        // The same key again is one value, in a new place.
        for n in [100, 101, 100] {
            store.insert(key(n), n, Duration::ZERO);
        }
        for n in [0, 100, 101] {
            assert!(store.get_mut(key(n), Duration::ZERO).is_some(), "{n}");
        }
        store.insert(key(102), 102, Duration::ZERO);
        store.insert(key(103), 103, Duration::ZERO);
        let found = [0, 100, 101].map(|n| store.get_mut(key(n), Duration::ZERO).is_some());
        assert_eq!(found, [false, true, false]);
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
