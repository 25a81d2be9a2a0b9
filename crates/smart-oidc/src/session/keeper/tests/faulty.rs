//! A store with faults.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use smart_jose::{Secret, Text};

use crate::session::error::StoreError;
use crate::session::keeper::turn::LEASE;
use crate::session::key::{Revision, StoreKey};
use crate::session::launch_session::LaunchSession;
use crate::session::memory::MemoryStore;
use crate::session::store::{Lease, RefreshLease as _, SessionStore, Stored, Write};

/// A store whose writes fail as planned.
#[derive(Debug)]
pub(super) struct Faulty {
    pub(super) store: Arc<MemoryStore>,
    pub(super) writes: Mutex<VecDeque<WriteFault>>,
    /// How often it was read.
    pub(super) reads: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum WriteFault {
    None,
    /// Nothing is written.
    Down,
    /// It is written, and the answer is lost.
    AnswerLost,
    /// The holder pauses until another one holds the lease.
    Paused,
    /// The holder pauses until another one has sent the refresh token.
    Overtaken,
}

impl Faulty {
    /// Somebody else takes the lease, and is not heard of again.
    async fn overtake(&self, key: &StoreKey) -> Lease {
        self.store.pass_on_lease(key);
        self.store.acquire(key, LEASE).await.unwrap().unwrap()
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        problem: Text::new("a fault"),
    }
}

#[async_trait]
impl SessionStore for Faulty {
    async fn insert(
        &self,
        key: &StoreKey,
        value: &Secret<Vec<u8>>,
        life: Duration,
    ) -> Result<(), StoreError> {
        let fault = self.writes.lock().unwrap().pop_front();
        self.store.insert(key, value, life).await?;
        match fault {
            Some(WriteFault::AnswerLost) => Err(unavailable()),
            _ => Ok(()),
        }
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        let fault = self.writes.lock().unwrap().pop_front();
        let taken = self.store.take(key).await?;
        match fault {
            Some(WriteFault::AnswerLost) => Err(unavailable()),
            _ => Ok(taken),
        }
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Stored>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.store.read(key).await
    }

    async fn replace(&self, key: &StoreKey, write: Write<'_>) -> Result<Revision, StoreError> {
        let fault = self.writes.lock().unwrap().pop_front();
        match fault.unwrap_or(WriteFault::None) {
            WriteFault::None => self.store.replace(key, write).await,
            WriteFault::Down => Err(unavailable()),
            WriteFault::AnswerLost => {
                self.store.replace(key, write).await.unwrap();
                Err(unavailable())
            }
            WriteFault::Paused => {
                self.overtake(key).await;
                self.store.replace(key, write).await
            }
            WriteFault::Overtaken => {
                let lease = self.overtake(key).await;
                let held = self.store.read(key).await?.unwrap();
                let mut session = LaunchSession::read(&held.value)?;
                session.tokens.sending();
                let theirs = Write {
                    value: &session.write()?,
                    expected: held.revision,
                    fence: lease.fence,
                    life: write.life,
                };
                self.store.replace(key, theirs).await?;
                self.store.replace(key, write).await
            }
        }
    }

    async fn remove(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.store.remove(key).await
    }
}
