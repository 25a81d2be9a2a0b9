//! Values under a key, each of a client and until a time, in a map that cannot grow without bound.

use core::hash::Hash;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use smart_jose::UnixTime;
use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, Secret};

use crate::value::ClientId;

/// The part of the places that a client fills before it has to make room for itself: a quarter.
const SHARE: usize = 4;

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

/// A value that was made for one client.
pub(super) trait OfClient {
    /// The client.
    fn client_id(&self) -> &ClientId;
}

/// Values that are kept until their time is over.
///
/// One whose time is over holds no place. When all places are held, the value that ends first makes
/// room: of the client itself where that holds a quarter of them, else of all. So a client that asks
/// for one value after the other ends its own, and takes nothing from the others as long as they
/// leave it a quarter.
pub(super) struct Bounded<K, V> {
    entries: HashMap<K, Entry<V>>,
    order: Order<K>,
    pub(super) capacity: usize,
}

struct Entry<V> {
    place: Place,
    value: V,
}

/// Where a value stands among the others: by when it ends, in seconds, and then by when it was put
/// there. No two have the same number, so a place is never taken for another's.
type Place = (u64, u64);

/// The places that are held, no more and no fewer.
struct Order<K> {
    all: BTreeMap<Place, K>,
    of_client: HashMap<ClientId, BTreeSet<Place>>,
    next: u64,
}

impl<K: Copy + Eq + Hash, V: OfClient> Bounded<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: Order {
                all: BTreeMap::new(),
                of_client: HashMap::new(),
                next: 0,
            },
            capacity,
        }
    }

    /// Keeps a value, in the place of a former one under this key.
    pub(super) fn insert(&mut self, key: K, value: V, until: UnixTime, now: UnixTime) {
        self.remove(key);
        while let Some(over) = self.order.first_over(now) {
            self.remove(over);
        }
        let share = self.capacity.div_ceil(SHARE);
        while self.entries.len() >= self.capacity
            && let Some(first) = self.order.first_to_go(value.client_id(), share)
        {
            self.remove(first);
        }
        let place = self.order.take(key, value.client_id(), until);
        self.entries.insert(key, Entry { place, value });
    }

    /// The value as long as its place is held: its time may be over.
    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.entries.get(&key).map(|it| &it.value)
    }

    /// The value, unless its time is over.
    pub(super) fn get_mut(&mut self, key: K, now: UnixTime) -> Option<&mut V> {
        let entry = self.entries.get_mut(&key)?;
        (now.as_secs() < entry.place.0).then_some(&mut entry.value)
    }

    /// The value and its place as long as that is held: its time may be over.
    pub(super) fn held(&mut self, key: K) -> Option<Held<'_, K, V>> {
        let entry = self.entries.get_mut(&key)?;
        Some(Held {
            entry,
            order: &mut self.order,
            key,
        })
    }

    /// Takes the value out.
    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let Entry { place, value } = self.entries.remove(&key)?;
        self.order.leave(place, value.client_id());
        Some(value)
    }

    /// How many values are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl<K: Copy> Order<K> {
    /// The first value, if its time is over.
    fn first_over(&self, now: UnixTime) -> Option<K> {
        let (place, key) = self.all.first_key_value()?;
        (place.0 <= now.as_secs()).then_some(*key)
    }

    /// The value that makes room for another one of this client.
    fn first_to_go(&self, client_id: &ClientId, share: usize) -> Option<K> {
        let own = self.of_client.get(client_id);
        let place = own.filter(|it| it.len() >= share).and_then(BTreeSet::first);
        match place {
            Some(place) => self.all.get(place).copied(),
            None => self.all.values().next().copied(),
        }
    }

    fn take(&mut self, key: K, client_id: &ClientId, until: UnixTime) -> Place {
        let place = (until.as_secs(), self.next);
        self.next = self.next.wrapping_add(1);
        self.all.insert(place, key);
        // The id is copied for the first value of a client only.
        match self.of_client.get_mut(client_id) {
            Some(own) => {
                own.insert(place);
            }
            None => {
                let own = BTreeSet::from([place]);
                self.of_client.insert(client_id.clone(), own);
            }
        }
        place
    }

    fn leave(&mut self, place: Place, client_id: &ClientId) {
        self.all.remove(&place);
        let Some(own) = self.of_client.get_mut(client_id) else {
            return;
        };
        own.remove(&place);
        if own.is_empty() {
            self.of_client.remove(client_id);
        }
    }
}

/// A value in its place. It holds the map, so nobody takes it out meanwhile.
pub(super) struct Held<'b, K, V> {
    entry: &'b mut Entry<V>,
    order: &'b mut Order<K>,
    key: K,
}

impl<K: Copy, V: OfClient> Held<'_, K, V> {
    pub(super) const fn key(&self) -> K {
        self.key
    }

    pub(super) const fn value(&self) -> &V {
        &self.entry.value
    }

    pub(super) const fn value_mut(&mut self) -> &mut V {
        &mut self.entry.value
    }

    /// Keeps the value until another time.
    pub(super) fn keep_until(&mut self, until: UnixTime) {
        let client_id = self.entry.value.client_id();
        self.order.leave(self.entry.place, client_id);
        self.entry.place = self.order.take(self.key, client_id, until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Of(ClientId);

    impl OfClient for Of {
        fn client_id(&self) -> &ClientId {
            &self.0
        }
    }

    fn of(client: u64) -> Of {
        Of(ClientId::new(client.to_string()))
    }

    /// Whatever was put in, moved and taken out: each value holds one place, and no place is held
    /// by nobody.
    #[test]
    fn there_is_one_place_for_each_value() {
        let at = UnixTime::from_secs;
        let mut values = Bounded::new(20);
        let mut most = 0;
        let mut chance = 7_u64;
        for now in 0..2_000 {
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (dice, rest) = (chance >> 33 & 0xffff, chance >> 49);
            let (key, client) = (rest % 40, rest % 3);
            match dice % 5 {
                0 => drop(values.remove(key)),
                1 => {
                    if let Some(mut held) = values.held(key) {
                        held.keep_until(at(now + dice % 200));
                    }
                }
                _ => values.insert(key, of(client), at(now + dice % 200), at(now)),
            }
            most = most.max(values.len());
            let order = &values.order;
            assert_eq!(order.all.len(), values.len());
            let own: usize = order.of_client.values().map(BTreeSet::len).sum();
            assert_eq!(own, values.len());
            for (key, entry) in &values.entries {
                assert_eq!(order.all.get(&entry.place), Some(key));
                assert!(order.of_client[&entry.value.0].contains(&entry.place));
            }
        }
        assert_eq!(most, 20);
        values.insert(99, of(0), at(9_000), at(8_000));
        assert_eq!((values.len(), values.order.of_client.len()), (1, 1));
    }
}
