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
use crate::session::memory::MemoryStore;
use crate::session::store::{RefreshLease as _, SessionStore, Stored, Write};

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
        self.store.take(key).await
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
                self.store.pass_on_lease(key);
                let lease = self.store.acquire(key, LEASE).await.unwrap();
                assert!(lease.is_some());
                self.store.replace(key, write).await
            }
        }
    }

    async fn remove(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.store.remove(key).await
    }
}
