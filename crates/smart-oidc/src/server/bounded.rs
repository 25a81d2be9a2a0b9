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
/// room: of the client itself where that holds a quarter of them, or as many as any other, else of the
/// client that holds the most. So a client that asks for one value after the other has a quarter at
/// most of what is full, and what it takes, it takes from the largest.
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
    of_client: HashMap<ClientId, Own>,
    /// The clients by how many places they hold, and then by their number.
    by_count: BTreeMap<(usize, u64), ClientId>,
    next: u64,
}

/// The places of a client, and its number among the clients.
struct Own {
    places: BTreeSet<Place>,
    number: u64,
}

impl Own {
    fn rank(&self) -> (usize, u64) {
        (self.places.len(), self.number)
    }
}

impl<K: Copy + Eq + Hash, V: OfClient> Bounded<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: Order {
                all: BTreeMap::new(),
                of_client: HashMap::new(),
                by_count: BTreeMap::new(),
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
        let ((most, _), largest) = self.by_count.last_key_value()?;
        let own = self.of_client.get(client_id);
        let own = own.filter(|it| it.places.len() >= share.min(*most));
        let giver = own.or_else(|| self.of_client.get(largest))?;
        self.all.get(giver.places.first()?).copied()
    }

    fn take(&mut self, key: K, client_id: &ClientId, until: UnixTime) -> Place {
        let number = self.next;
        let place = (until.as_secs(), number);
        self.next = self.next.wrapping_add(1);
        self.all.insert(place, key);
        // The id is copied for the first value of a client only.
        match self.of_client.get_mut(client_id) {
            Some(own) => {
                let id = self.by_count.remove(&own.rank());
                own.places.insert(place);
                let id = id.unwrap_or_else(|| client_id.clone());
                self.by_count.insert(own.rank(), id);
            }
            None => {
                let places = BTreeSet::from([place]);
                let own = Own { places, number };
                self.by_count.insert(own.rank(), client_id.clone());
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
        let id = self.by_count.remove(&own.rank());
        own.places.remove(&place);
        if own.places.is_empty() {
            self.of_client.remove(client_id);
        } else {
            let id = id.unwrap_or_else(|| client_id.clone());
            self.by_count.insert(own.rank(), id);
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
            let own: usize = order.of_client.values().map(|it| it.places.len()).sum();
            assert_eq!(own, values.len());
            assert_eq!(order.by_count.len(), order.of_client.len());
            for (rank, client) in &order.by_count {
                assert_eq!(order.of_client[client].rank(), *rank);
            }
            for (key, entry) in &values.entries {
                assert_eq!(order.all.get(&entry.place), Some(key));
                assert!(
                    order.of_client[&entry.value.0]
                        .places
                        .contains(&entry.place)
                );
            }
        }
        assert_eq!(most, 20);
        values.insert(99, of(0), at(9_000), at(8_000));
        assert_eq!((values.len(), values.order.of_client.len()), (1, 1));
        assert_eq!(values.order.by_count.len(), 1);
    }

    /// One client holds nearly all places, a small one holds the oldest, and a third one runs wild.
    #[test]
    fn a_client_that_runs_wild_takes_a_quarter_and_takes_it_from_the_largest() {
        let (large, small, wild) = (1, 2, 3);
        let (now, end) = (UnixTime::from_secs(0), UnixTime::from_secs(9_000));
        let mut values = Bounded::new(100);
        values.insert(0, of(small), UnixTime::from_secs(8_000), now);
        for key in 1..100 {
            values.insert(key, of(large), end, now);
        }
        for key in 100..1_100 {
            values.insert(key, of(wild), end, now);
            assert_eq!(values.len(), 100);
        }
        let count = |values: &Bounded<u64, Of>, client: u64| {
            let own = &values.order.of_client[&ClientId::new(client.to_string())];
            own.places.len()
        };
        assert!(values.get(0).is_some(), "the small client keeps its one");
        assert_eq!((count(&values, large), count(&values, wild)), (74, 25));
        // The large one makes room for itself, and a new one is let in at its cost.
        values.insert(2_000, of(large), end, now);
        values.insert(2_001, of(4), end, now);
        assert_eq!((count(&values, large), count(&values, wild)), (73, 25));
        assert!(values.get(0).is_some() && values.get(2_000).is_some());
        // Of two that hold the same, each makes room for itself.
        let mut values = Bounded::new(8);
        for key in 0..8 {
            values.insert(key, of(key), end, now);
        }
        values.insert(8, of(3), end, now);
        assert!(values.get(3).is_none() && values.get(8).is_some());
    }
}
