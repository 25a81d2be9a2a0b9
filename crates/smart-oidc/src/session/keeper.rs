//! Sessions in a store, refreshed by one holder at a time.
//!
//! What is written when is what the promise rests on. Before a refresh token leaves, the record
//! says so; what comes back is written before it is used; and each write needs the revision that
//! was read and the latest lease. Whoever finds a record that says "sent" and holds the lease
//! knows that an answer was lost.

mod inner;
mod outcome;
mod refresh;
mod turn;
mod writing;

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::Clock;
use smart_jose::CryptoProvider;
use tokio::task::JoinHandle;
use tokio::time;

use self::inner::{Inner, Limits};
use self::turn::Patience;
use super::gates::Gates;
use super::key::{SessionId, StoreKey};
use super::launch_session::LaunchSession;
use super::peek::Peek;
use super::renewal::Renewal;
use super::session_error::SessionError;
use super::store::{RefreshLease, SessionStore};
use super::tasks::Tasks;
use super::tokens::{Need, Over};
use crate::value::AccessToken;

/// Whoever cannot go on without a refresh waits so long for it, whoever makes it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps sessions.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    inner: Arc<Inner>,
}

impl Keeper {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        lease: Arc<dyn RefreshLease>,
        renewal: Arc<dyn Renewal>,
        clock: Arc<dyn Clock>,
        provider: &CryptoProvider,
        tasks: Tasks,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                lease,
                renewal,
                clock,
                provider: *provider,
                gates: Gates::default(),
                tasks,
                limits: Limits::default(),
            }),
        }
    }

    /// The same keeper with other limits.
    pub(crate) fn with_limits(&self, change: impl FnOnce(&mut Limits)) -> Self {
        let it = &self.inner;
        let mut limits = it.limits;
        change(&mut limits);
        Self {
            inner: Arc::new(Inner {
                store: Arc::clone(&it.store),
                lease: Arc::clone(&it.lease),
                renewal: Arc::clone(&it.renewal),
                clock: Arc::clone(&it.clock),
                provider: it.provider,
                gates: Gates::default(),
                tasks: it.tasks.clone(),
                limits,
            }),
        }
    }

    /// Keeps a new session. Where the store does not say that it has, it is asked to forget it: it
    /// may have kept it all the same.
    pub(crate) async fn create(&self, session: &LaunchSession) -> Result<SessionId, SessionError> {
        let id = SessionId::generate(&self.inner.provider)?;
        let key = StoreKey::of_session(&id, &self.inner.provider);
        let life = session.life(self.inner.clock.now(), self.inner.limits.idle);
        let value = session.write()?;
        if let Err(error) = self.inner.store.insert(&key, &value, life).await {
            let _ = self.inner.store.remove(&key).await;
            return Err(error.into());
        }
        Ok(id)
    }

    /// The session, with an access token that serves. Where it is about to end it is refreshed in
    /// the background; where it has ended, or is the one that was rejected, before anything else.
    ///
    /// It is for an app that shows this patient, or, where that is not said, the one of the launch or
    /// whom it has accepted since.
    pub(crate) async fn open(
        &self,
        id: &SessionId,
        rejected: Option<&AccessToken>,
        shown: Option<&str>,
    ) -> Result<LaunchSession, SessionError> {
        let key = StoreKey::of_session(id, &self.inner.provider);
        let session = self.open_any(key, rejected).await?;
        let change = match shown {
            Some(shown) => session.change_from(shown),
            None => session.patient_change(),
        };
        match change {
            None => Ok(session),
            Some(change) => Err(SessionError::PatientChanged(change)),
        }
    }

    /// The same, whichever patient a refresh has brought.
    async fn open_any(
        &self,
        key: StoreKey,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        let held = self.inner.read(&key).await?;
        match self.inner.need(&held.session, rejected) {
            need @ (Need::Nothing | Need::RefreshAhead) => {
                let is_ahead = need == Need::RefreshAhead;
                // Whoever finds the gate closed goes on with what there is.
                if (is_ahead || self.inner.is_to_be_seen(&held.session))
                    && let Ok(gate) = self.inner.gates.of(&key).try_lock_owned()
                {
                    let inner = Arc::clone(&self.inner);
                    self.inner.tasks.spawn(async move {
                        let result = match is_ahead {
                            true => inner.renew(&key, None, Patience::None).await.map(drop),
                            false => inner.note_use(&key).await,
                        };
                        drop(gate);
                        result
                    });
                }
                Ok(held.session)
            }
            // Whether a session is in doubt is for the holder of the lease to say: the last request
            // may be under way.
            Need::RefreshNow | Need::Launch(Over::InDoubt) => {
                let (inner, rejected) = (Arc::clone(&self.inner), rejected.cloned());
                // A task of its own: a caller that goes away must not take the answer with it.
                let renewed = self.inner.tasks.spawn(async move {
                    let gate = time::timeout(PATIENCE, inner.gates.of(&key).lock_owned());
                    let gate = gate.await.map_err(|_| SessionError::Busy)?;
                    let result = inner.renew(&key, rejected.as_ref(), Patience::Long).await;
                    drop(gate);
                    result
                });
                joined(renewed).await
            }
            Need::Rest(until) => Err(SessionError::Resting { until }),
            Need::Launch(Over::Ended) => Err(SessionError::Over),
        }
    }

    /// The session as it is held. Nothing is refreshed, and it does not count as a use.
    pub(crate) async fn peek(&self, id: &SessionId) -> Result<Peek, SessionError> {
        let key = StoreKey::of_session(id, &self.inner.provider);
        let session = self.inner.read(&key).await?.session;
        // Whether one is in doubt is for the holder of the lease to say.
        if self.inner.need(&session, None) == Need::Launch(Over::Ended) {
            return Err(SessionError::Over);
        }
        let patient_change = session.patient_change();
        Ok(Peek {
            session,
            patient_change,
        })
    }

    /// Goes on with the patient whom the app shows, if it is the one in context. Where nobody waits
    /// for it any more nothing is begun.
    pub(crate) async fn accept_patient(
        &self,
        id: &SessionId,
        shown: &str,
    ) -> Result<LaunchSession, SessionError> {
        let key = StoreKey::of_session(id, &self.inner.provider);
        let accepted = time::timeout(PATIENCE, self.inner.accept_patient(&key, shown)).await;
        accepted.map_err(|_| SessionError::Busy)??;
        self.open(id, None, Some(shown)).await
    }

    /// Ends a session. Gives back what is to be revoked, also where the store does not say that it
    /// has ended the session.
    pub(crate) async fn close(&self, id: &SessionId) -> Closed {
        let key = StoreKey::of_session(id, &self.inner.provider);
        // Read before: the answer to what takes it can be lost.
        let seen = self.inner.store.read(&key).await;
        let seen = seen
            .ok()
            .flatten()
            .and_then(|it| LaunchSession::read(&it.value).ok());
        match self.inner.store.take(&key).await {
            Ok(None) => Closed::None,
            Ok(Some(it)) => match LaunchSession::read(&it) {
                Ok(session) => Closed::Ended(Box::new(session)),
                Err(error) => Closed::Unsure(error.into(), seen.map(Box::new)),
            },
            Err(error) => Closed::Unsure(error.into(), seen.map(Box::new)),
        }
    }
}

/// What came of ending a session.
#[derive(Debug)]
pub(crate) enum Closed {
    /// There was none.
    None,
    /// It has ended.
    Ended(Box<LaunchSession>),
    /// Whether it has is not known, and this is what it was.
    Unsure(SessionError, Option<Box<LaunchSession>>),
}

/// What comes of a task, for a caller who waits for it only so long.
async fn joined<T>(task: JoinHandle<Result<T, SessionError>>) -> Result<T, SessionError> {
    match time::timeout(PATIENCE, task).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(SessionError::Interrupted),
        Err(_) => Err(SessionError::Busy),
    }
}

#[cfg(test)]
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod tests;
