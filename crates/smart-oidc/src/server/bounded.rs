//! Values under a key, in a map that cannot grow without bound.

use core::hash::Hash;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use smart_jose::UnixTime;
use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, Secret};

/// The SHA-256 of a secret that a client presents. Look-up and comparison go by the hash, so their
/// time says nothing of how much of a guess was right, and a dump holds nothing to present.
pub(super) fn fingerprint(secret: &[u8], provider: &CryptoProvider) -> [u8; 32] {
    let digest = provider.hash(HashAlgorithm::Sha256, secret);
    let mut octets = [0; 32];
    for (to, from) in octets.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    octets
}

/// Whether two fingerprints are one, in constant time.
pub(super) fn is_same(ours: &[u8; 32], theirs: &[u8; 32]) -> bool {
    Secret::new(*ours).matches(theirs)
}

/// Values that are kept for a while after they were put in. When it is full, the one that was put in
/// first makes room.
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, (UnixTime, V)>,
    /// The keys in the order in which they came; those that were taken out stay until their turn,
    /// and count.
    order: VecDeque<K>,
    pub(super) capacity: usize,
    pub(super) life: Duration,
}

impl<K: Copy + Eq + Hash, V> Bounded<K, V> {
    pub(super) fn new(capacity: usize, life: Duration) -> Self {
        Self {
            entries: HashMap::new(),
            order: VecDeque::new(),
            capacity,
            life,
        }
    }

    /// Keeps a value from now on.
    pub(super) fn insert(&mut self, key: K, value: V, now: UnixTime) {
        while let Some(oldest) = self.order.front().copied() {
            let is_live = self.get_mut(oldest, now).is_some();
            if is_live && self.order.len() < self.capacity {
                break;
            }
            self.order.pop_front();
            self.entries.remove(&oldest);
        }
        if self.entries.insert(key, (now, value)).is_none() {
            self.order.push_back(key);
        }
    }

    /// The value, unless its time is over.
    pub(super) fn get_mut(&mut self, key: K, now: UnixTime) -> Option<&mut V> {
        let life = self.life;
        self.entries
            .get_mut(&key)
            .filter(|(since, _)| now.saturating_since(*since) < life)
            .map(|(_, value)| value)
    }

    /// Takes the value out.
    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        self.entries.remove(&key).map(|(_, value)| value)
    }

    /// How many values are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
