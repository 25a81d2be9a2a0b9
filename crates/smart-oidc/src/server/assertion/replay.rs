//! Which assertions were used already.

use core::fmt;
use core::fmt::Debug;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use smart_jose::{ErrorClass, Text, UnixTime};

use crate::value::ClientId;

/// One use of one assertion: what a store keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssertionUse {
    /// The client, which has proven that it is the one.
    pub client_id: ClientId,
    /// The SHA-256 of the client and the assertion's `jti`, the same for every use of the same one.
    /// A `jti` of one client says nothing of one of another.
    pub id: [u8; 32],
    /// Keep it until then. After that the assertion has expired, whatever the leeway.
    pub until: UnixTime,
}

impl AssertionUse {
    pub(super) const fn new(client_id: ClientId, id: [u8; 32], until: UnixTime) -> Self {
        Self {
            client_id,
            id,
            until,
        }
    }
}

/// Whether an assertion was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it was used before, or not")]
pub enum Use {
    /// Never, as far as anybody knows.
    First,
    /// It was.
    Again,
}

/// Remembers assertions until they have expired (SMART App Launch 2.2: `jti`; RFC 7523 3 (7)).
///
/// A wrong [`Use::Again`] costs a client one request, which it repeats with a new assertion; a wrong
/// [`Use::First`] lets whoever copied an assertion use it. So an implementation that is unsure, that
/// is full or cannot reach its database, gives an error, which refuses the client.
///
/// Looking and noting are one step: of two calls for the same use, on whatever nodes of a fleet,
/// exactly one gets [`Use::First`]. In a database that is an insert under a unique key.
#[async_trait]
pub trait ReplayStore: Debug + Send + Sync {
    /// Notes the use, and says whether it is the first.
    ///
    /// # Errors
    ///
    /// [`ReplayStoreError`]: it cannot be said.
    async fn note(&self, used: &AssertionUse, now: UnixTime) -> Result<Use, ReplayStoreError>;
}

/// Why a store cannot say whether an assertion was used before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayStoreError {
    /// The store holds as much as it may, all of it still needed.
    #[error("{limit} assertions that have not expired are remembered, and no more fit")]
    Full {
        /// How many fit: in all, or of this client.
        limit: usize,
    },
    /// The store cannot be reached.
    #[error("the store of used assertions does not answer: {problem}")]
    Unavailable {
        /// What the store says.
        problem: Text,
    },
}

impl ReplayStoreError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "replay-store-full",
            Self::Unavailable { .. } => "replay-store-unavailable",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Upstream
    }
}

/// So many uses fit into a [`MemoryReplayStore`] unless another number is given: 230 a second.
pub const REPLAY_CAPACITY: usize = 100_000;

/// The part of the store that one client may fill.
const SHARE: usize = 4;

/// Remembers in this process: for a server of one process.
///
/// It never forgets a use that could be repeated. When it is full of such, the next assertion is
/// refused, and a client is refused as soon as it fills a quarter of the store by itself, so that
/// one that runs wild does not lock out the others. Only assertions with a good signature are noted.
pub struct MemoryReplayStore {
    capacity: usize,
    inner: Mutex<Noted>,
}

#[derive(Default)]
struct Noted {
    ids: HashMap<[u8; 32], ClientId>,
    /// The same by the time until which they are kept.
    by_time: BTreeSet<(u64, [u8; 32])>,
    of_client: HashMap<ClientId, usize>,
}

impl MemoryReplayStore {
    /// A store for so many uses.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            inner: Mutex::default(),
        }
    }

    /// How many uses are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.noted().ids.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each change is whole before anything can panic.
    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryReplayStore {
    /// A store for [`REPLAY_CAPACITY`] uses.
    fn default() -> Self {
        Self::new(REPLAY_CAPACITY)
    }
}

impl Noted {
    /// Forgets what has expired.
    fn forget(&mut self, now: UnixTime) {
        while let Some((until, id)) = self.by_time.first().copied() {
            if until >= now.as_secs() {
                break;
            }
            self.by_time.pop_first();
            let Some(client_id) = self.ids.remove(&id) else {
                continue;
            };
            if let Some(count) = self.of_client.get_mut(&client_id) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.of_client.remove(&client_id);
                }
            }
        }
    }
}

#[async_trait]
impl ReplayStore for MemoryReplayStore {
    async fn note(&self, used: &AssertionUse, now: UnixTime) -> Result<Use, ReplayStoreError> {
        let mut noted = self.noted();
        noted.forget(now);
        if noted.ids.contains_key(&used.id) {
            return Ok(Use::Again);
        }
        let own = noted.of_client.get(&used.client_id).copied();
        let share = self.capacity.div_ceil(SHARE);
        for (found, limit) in [
            (noted.ids.len(), self.capacity),
            (own.unwrap_or_default(), share),
        ] {
            if found >= limit {
                return Err(ReplayStoreError::Full { limit });
            }
        }
        noted.by_time.insert((used.until.as_secs(), used.id));
        *noted.of_client.entry(used.client_id.clone()).or_default() += 1;
        noted.ids.insert(used.id, used.client_id.clone());
        Ok(Use::First)
    }
}

impl Debug for MemoryReplayStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReplayStore")
            .field("capacity", &self.capacity)
            .field("len", &self.len())
            .finish()
    }
}
