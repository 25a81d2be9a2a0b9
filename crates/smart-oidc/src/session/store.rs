//! What a store and a lease promise.

use core::fmt::Debug;
use core::time::Duration;

use async_trait::async_trait;
use smart_jose::Secret;

use super::error::StoreError;
use super::key::{Fence, Revision, StoreKey};

/// A value as it is held, and how often it was written.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Stored {
    /// The value, as it was given. It holds tokens.
    pub value: Secret<Vec<u8>>,
    /// How often it was written.
    pub revision: Revision,
}

/// A new value for a record.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a store reads it")]
pub struct Write<'w> {
    /// The value. It holds tokens.
    pub value: &'w Secret<Vec<u8>>,
    /// The revision that the record must still have.
    pub expected: Revision,
    /// The fence of the lease under which it is written.
    pub fence: Fence,
    /// How long the record lives from now on.
    pub life: Duration,
}

/// Keeps records under names, each for a limited time.
///
/// Every method gives up after a bounded time. What is written is seen by every later call, on
/// whatever node, or the call that wrote it has failed. A call that failed as
/// [`StoreError::Unavailable`], or was dropped halfway, may have been done, or be done a little later;
/// no store tries it again of itself.
///
/// A life is counted from the call on, by the store's clock, to the millisecond or finer. A store may
/// cut one that is longer than a hundred years.
#[async_trait]
pub trait SessionStore: Debug + Send + Sync {
    /// Keeps a value under a new name, for as long as `life` and no longer. Its revision is 1.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exists`], [`StoreError::Full`], [`StoreError::TooLong`],
    /// [`StoreError::Unavailable`].
    async fn insert(
        &self,
        key: &StoreKey,
        value: &Secret<Vec<u8>>,
        life: Duration,
    ) -> Result<(), StoreError>;

    /// Removes a record and gives it back, once: of many calls for one name at one time, on
    /// whatever nodes, one at most gets it.
    ///
    /// A wrong `None` is safe: the launch has to begin again. A wrong `Some` would let a callback be
    /// played twice.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Unreadable`]; the record may be gone.
    async fn take(&self, key: &StoreKey) -> Result<Option<Secret<Vec<u8>>>, StoreError>;

    /// The record as it is held now. One whose life is over is not.
    ///
    /// A wrong `None` is safe: the user signs in again. An older value than was written last is
    /// not: it may hold a refresh token that was used.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Unreadable`].
    async fn read(&self, key: &StoreKey) -> Result<Option<Stored>, StoreError>;

    /// Writes a new value, in one step, if the record still has the revision that was read and no
    /// later lease than that of the write was given out. Gives back the new revision. A lease on the
    /// record goes on.
    ///
    /// A wrong refusal is safe: the session is then in doubt. A wrong success would overwrite a
    /// newer refresh token.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`], [`StoreError::Fenced`] (also where the revision is another one as well),
    /// [`StoreError::Changed`], [`StoreError::TooLong`], [`StoreError::Unavailable`],
    /// [`StoreError::Unreadable`].
    async fn replace(&self, key: &StoreKey, write: Write<'_>) -> Result<Revision, StoreError>;

    /// Removes a record with its lease; none is there afterwards, whether or not there was one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    async fn remove(&self, key: &StoreKey) -> Result<(), StoreError>;
}

/// The right to refresh one session, until it is released or its time is over.
///
/// Nobody can promise that a holder which pauses for longer than that has stopped. That is what
/// the fence is for: the store refuses what an earlier holder writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store makes it")]
pub struct Lease {
    /// Greater than that of every lease on this record before, so it tells holders apart.
    pub fence: Fence,
}

/// Gives out the right to refresh a session, to one holder at a time.
#[async_trait]
pub trait RefreshLease: Debug + Send + Sync {
    /// Takes the lease on a record, if nobody holds it. It ends by itself after `life`, or earlier
    /// where the store gives out none that is so long.
    ///
    /// A wrong `None` is safe: the caller goes on with the access token that it has, or waits. A
    /// wrong `Some` costs a refresh token sent twice; the fence keeps the session from more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Gone`] where there is no record of this name, [`StoreError::Unavailable`], and
    /// [`StoreError::Unreadable`].
    async fn acquire(&self, key: &StoreKey, life: Duration) -> Result<Option<Lease>, StoreError>;

    /// Gives a lease back, if it is still this holder's. It would end by itself, so an error is
    /// no more than a delay. Where the record is gone, there is nothing to give back.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Unreadable`].
    async fn release(&self, key: &StoreKey, lease: &Lease) -> Result<(), StoreError>;
}
