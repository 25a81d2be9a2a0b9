//! A store in memory, for one process.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use smart_discovery::Clock;
use smart_jose::Secret;

use super::error::StoreError;
use super::key::{Fence, Revision, StoreKey};
use super::store::{Lease, RefreshLease, SessionStore, Stored, Write};

/// So many records of each kind are held unless another limit is set.
pub const DEFAULT_ENTRIES: usize = 100_000;

/// A value may be this long, in octets: two tokens of the longest kind, and room.
const MAX_VALUE_OCTETS: usize = 256 * 1024;

/// Sessions and launches in the memory of one process. They are lost when it ends, and a second
/// process does not see them.
///
/// It is bounded: of launches that wait for their callback, the one that would end first makes room
/// for a new one, so that a flood of launches that nobody finishes locks nobody out for long. A
/// session is never dropped for another; where there is no room, [`StoreError::Full`] says so.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    limit: usize,
    shelves: Mutex<Shelves>,
}

#[derive(Default)]
struct Shelves {
    launches: Shelf,
    sessions: Shelf,
}

#[derive(Default)]
struct Shelf {
    records: HashMap<StoreKey, Record>,
    /// What ends when; the number tells records apart that end at one moment.
    ends: BTreeMap<(Duration, u64), StoreKey>,
    count: u64,
}

struct Record {
    value: Secret<Vec<u8>>,
    revision: u64,
    fence: u64,
    /// Until when the lease with that fence is held.
    leased_until: Option<Duration>,
    end: (Duration, u64),
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            limit: DEFAULT_ENTRIES,
            shelves: Mutex::default(),
        }
    }

    /// Holds at most so many launches, and as many sessions.
    #[must_use]
    pub const fn with_limit(mut self, records: usize) -> Self {
        self.limit = records;
        self
    }

    /// How many launches and sessions are held, those whose life is over left out.
    #[must_use]
    pub fn len(&self) -> usize {
        let now = self.clock.monotonic();
        let mut shelves = self.lock();
        let Shelves { launches, sessions } = &mut *shelves;
        [launches, sessions]
            .into_iter()
            .map(|it| it.forget_until(now).records.len())
            .sum()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the lease on a record, as if its time were over.
    #[cfg(test)]
    #[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
    pub(super) fn pass_on_lease(&self, key: &StoreKey) {
        self.with(key, |shelf, _| {
            if let Some(record) = shelf.records.get_mut(key) {
                record.leased_until = None;
            }
        });
    }

    /// Nothing is half done under the lock, so a thread that panicked has left nothing odd.
    fn lock(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the shelf of this name, after what is over was forgotten.
    fn with<T>(&self, key: &StoreKey, work: impl FnOnce(&mut Shelf, Duration) -> T) -> T {
        let now = self.clock.monotonic();
        let mut shelves = self.lock();
        let shelf = if key.is_launch() {
            &mut shelves.launches
        } else {
            &mut shelves.sessions
        };
        work(shelf.forget_until(now), now)
    }
}

impl Shelf {
    fn forget_until(&mut self, now: Duration) -> &mut Self {
        while let Some(first) = self.ends.first_entry()
            && first.key().0 <= now
        {
            self.records.remove(&first.remove());
        }
        self
    }

    fn next_end(&mut self, at: Duration) -> (Duration, u64) {
        self.count = self.count.wrapping_add(1);
        (at, self.count)
    }

    fn remove(&mut self, key: &StoreKey) -> Option<Record> {
        let record = self.records.remove(key)?;
        self.ends.remove(&record.end);
        Some(record)
    }
}

fn check_length(value: &Secret<Vec<u8>>) -> Result<(), StoreError> {
    let found = value.expose_secret().len();
    if found > MAX_VALUE_OCTETS {
        return Err(StoreError::TooLong {
            limit: MAX_VALUE_OCTETS,
            found,
        });
    }
    Ok(())
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn insert(
        &self,
        key: &StoreKey,
        value: &Secret<Vec<u8>>,
        life: Duration,
    ) -> Result<(), StoreError> {
        check_length(value)?;
        let limit = self.limit;
        self.with(key, |shelf, now| {
            if shelf.records.contains_key(key) {
                return Err(StoreError::Exists);
            }
            if shelf.records.len() >= limit {
                let oldest = shelf.ends.first_key_value().map(|(_, key)| key.clone());
                match oldest.filter(|_| key.is_launch()) {
                    Some(oldest) => drop(shelf.remove(&oldest)),
                    None => return Err(StoreError::Full { limit }),
                }
            }
            let end = shelf.next_end(now.saturating_add(life));
            shelf.ends.insert(end, key.clone());
            let record = Record {
                value: value.clone(),
                revision: 1,
                fence: 0,
                leased_until: None,
                end,
            };
            shelf.records.insert(key.clone(), record);
            Ok(())
        })
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        Ok(self.with(key, |shelf, _| shelf.remove(key).map(|it| it.value)))
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.with(key, |shelf, _| {
            shelf.records.get(key).map(|it| Stored {
                value: it.value.clone(),
                revision: Revision(it.revision),
            })
        }))
    }

    async fn replace(&self, key: &StoreKey, write: Write<'_>) -> Result<Revision, StoreError> {
        check_length(write.value)?;
        self.with(key, |shelf, now| {
            let end = shelf.next_end(now.saturating_add(write.life));
            let record = shelf.records.get_mut(key).ok_or(StoreError::Gone)?;
            if write.fence.0 < record.fence {
                return Err(StoreError::Fenced {
                    ours: write.fence,
                    latest: Fence(record.fence),
                });
            }
            if write.expected.0 != record.revision {
                return Err(StoreError::Changed {
                    expected: write.expected,
                    found: Revision(record.revision),
                });
            }
            shelf.ends.remove(&record.end);
            shelf.ends.insert(end, key.clone());
            record.end = end;
            record.value = write.value.clone();
            record.revision = record.revision.saturating_add(1);
            Ok(Revision(record.revision))
        })
    }

    async fn remove(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.with(key, |shelf, _| drop(shelf.remove(key)));
        Ok(())
    }
}

#[async_trait]
impl RefreshLease for MemoryStore {
    async fn acquire(&self, key: &StoreKey, life: Duration) -> Result<Option<Lease>, StoreError> {
        self.with(key, |shelf, now| {
            let record = shelf.records.get_mut(key).ok_or(StoreError::Gone)?;
            if record.leased_until.is_some_and(|it| now < it) {
                return Ok(None);
            }
            record.fence = record.fence.saturating_add(1);
            record.leased_until = Some(now.saturating_add(life));
            Ok(Some(Lease {
                fence: Fence(record.fence),
            }))
        })
    }

    async fn release(&self, key: &StoreKey, lease: &Lease) -> Result<(), StoreError> {
        self.with(key, |shelf, _| {
            if let Some(record) = shelf.records.get_mut(key)
                && record.fence == lease.fence.0
            {
                record.leased_until = None;
            }
        });
        Ok(())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
