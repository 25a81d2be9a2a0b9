//! Sessions in a store, refreshed by one holder at a time.
//!
//! What is written when is what the promise rests on. Before a refresh token leaves, the record
//! says so; what comes back is written before it is used; and each write needs the revision that
//! was read and the latest lease. Whoever finds a record that says "sent" and holds the lease
//! knows that an answer was lost.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::Clock;
use smart_jose::CryptoProvider;
use tokio::runtime::Handle;
use tokio::time;

use super::error::StoreError;
use super::gates::Gates;
use super::key::{Fence, Revision, SessionId, StoreKey};
use super::launch_session::LaunchSession;
use super::renewal::{Answer, Renewal};
use super::renewal_error::RenewalError;
use super::session_error::SessionError;
use super::store::{Lease, RefreshLease, SessionStore, Write};
use super::tokens::{Need, Over};
use crate::id_token::RefreshError;
use crate::telemetry;
use crate::value::AccessToken;

/// A lease outlives every refresh: an exchange with the token endpoint, a look at the issuer's keys,
/// and writes that are repeated.
const LEASE: Duration = Duration::from_secs(45);

/// Whoever cannot go on without a refresh waits so long for it, whoever makes it.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked whether another node has finished.
const LOOK: Duration = Duration::from_millis(50);

/// What was received is written again after these pauses, where the store cannot be reached.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// Keeps sessions.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn SessionStore>,
    lease: Arc<dyn RefreshLease>,
    renewal: Arc<dyn Renewal>,
    clock: Arc<dyn Clock>,
    provider: CryptoProvider,
    gates: Gates,
}

/// A session as it was read.
struct Held {
    session: LaunchSession,
    revision: Revision,
}

/// What came of waiting for one's turn.
enum Turn {
    /// The lease.
    Ours(Lease),
    /// Somebody else has refreshed.
    Over(Box<LaunchSession>),
}

/// One holder's right to write to one record.
struct Tenure<'t> {
    key: &'t StoreKey,
    fence: Fence,
}

impl Keeper {
    pub(crate) fn new(
        store: Arc<dyn SessionStore>,
        lease: Arc<dyn RefreshLease>,
        renewal: Arc<dyn Renewal>,
        clock: Arc<dyn Clock>,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                lease,
                renewal,
                clock,
                provider: *provider,
                gates: Gates::default(),
            }),
        }
    }

    /// Keeps a new session.
    pub(crate) async fn create(&self, session: &LaunchSession) -> Result<SessionId, SessionError> {
        let id = SessionId::generate(&self.inner.provider)?;
        let key = StoreKey::of_session(&id, &self.inner.provider);
        let life = session.life(self.inner.clock.now());
        self.inner
            .store
            .insert(&key, &session.write()?, life)
            .await?;
        Ok(id)
    }

    /// The session, with an access token that serves. Where it is about to end it is refreshed in
    /// the background; where it has ended, or is the one that was rejected, before anything else.
    pub(crate) async fn open(
        &self,
        id: &SessionId,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        let key = StoreKey::of_session(id, &self.inner.provider);
        let held = self.inner.read(&key).await?;
        match self.inner.need(&held.session, rejected) {
            Need::Nothing => Ok(held.session),
            Need::RefreshAhead => {
                // Whoever finds the gate closed goes on with what there is.
                if let Ok(turn) = self.inner.gates.of(&key).try_lock_owned() {
                    let inner = Arc::clone(&self.inner);
                    spawn(async move {
                        let result = inner.renew(&key, None).await;
                        drop(turn);
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
                let renewed = spawn(async move {
                    let turn = inner.gates.of(&key).lock_owned().await;
                    let result = inner.renew(&key, rejected.as_ref()).await;
                    drop(turn);
                    result
                });
                match time::timeout(PATIENCE, renewed).await {
                    Ok(Ok(result)) => result,
                    _ => Err(SessionError::Busy),
                }
            }
            Need::Rest(until) => Err(SessionError::Resting { until }),
            Need::Launch(over @ Over::Ended) => {
                Err(self.inner.end(&key, &held.session, over).await)
            }
        }
    }

    /// Ends a session and gives it back, so that its tokens can be revoked.
    pub(crate) async fn close(
        &self,
        id: &SessionId,
    ) -> Result<Option<LaunchSession>, SessionError> {
        let key = StoreKey::of_session(id, &self.inner.provider);
        let taken = self.inner.store.take(&key).await?;
        Ok(taken.map(|it| LaunchSession::read(&it)).transpose()?)
    }
}

/// Runs a task on the runtime of the caller, whom every async function here has.
fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    Handle::current().spawn(work)
}

impl Inner {
    async fn read(&self, key: &StoreKey) -> Result<Held, SessionError> {
        let stored = self.store.read(key).await?.ok_or(SessionError::Lost)?;
        let session = LaunchSession::read(&stored.value)?;
        if self.clock.now() >= session.ends_at {
            self.store.remove(key).await?;
            return Err(SessionError::Lost);
        }
        Ok(Held {
            session,
            revision: stored.revision,
        })
    }

    fn need(&self, session: &LaunchSession, rejected: Option<&AccessToken>) -> Need {
        let ours = session.access_token().expose_secret();
        let is_rejected = rejected.is_some_and(|it| it.matches(ours));
        session.need(self.clock.now(), is_rejected)
    }

    /// A session that is over leaves nothing behind. One whose token was only rejected stays: the
    /// FHIR server may have been wrong.
    async fn end(&self, key: &StoreKey, session: &LaunchSession, over: Over) -> SessionError {
        if !session.tokens.serves(self.clock.now())
            && let Err(error) = self.store.remove(key).await
        {
            return error.into();
        }
        match over {
            Over::Ended => SessionError::Over,
            Over::InDoubt => SessionError::InDoubt,
        }
    }

    /// Refreshes the session, or waits until another node has done so. Whoever calls it is the
    /// only one of this process.
    async fn renew(
        &self,
        key: &StoreKey,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        let waiting = async {
            loop {
                let held = self.read(key).await?;
                match self.need(&held.session, rejected) {
                    Need::Nothing => return Ok(Turn::Over(Box::new(held.session))),
                    Need::Rest(until) => return Err(SessionError::Resting { until }),
                    Need::Launch(over @ Over::Ended) => {
                        return Err(self.end(key, &held.session, over).await);
                    }
                    Need::RefreshAhead | Need::RefreshNow | Need::Launch(Over::InDoubt) => {}
                }
                match self.lease.acquire(key, LEASE).await {
                    Ok(Some(lease)) => return Ok(Turn::Ours(lease)),
                    Ok(None) => time::sleep(LOOK).await,
                    Err(StoreError::Gone) => return Err(SessionError::Lost),
                    Err(error) => return Err(error.into()),
                }
            }
        };
        // Only the wait is cut short. A refresh that has begun is never dropped half way: its parts
        // are bounded each.
        let result = match time::timeout(LEASE, waiting).await {
            Ok(Ok(Turn::Ours(lease))) => self.refresh_under(key, &lease, rejected).await,
            Ok(Ok(Turn::Over(session))) => Ok(*session),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SessionError::Busy),
        };
        telemetry::judged(
            "session-refresh",
            result.as_ref().err().map(SessionError::code),
        );
        result
    }

    async fn refresh_under(
        &self,
        key: &StoreKey,
        lease: &Lease,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        let tenure = Tenure {
            key,
            fence: lease.fence,
        };
        let result = self.refresh(&tenure, rejected).await;
        // It would end by itself; an error costs the next holder a wait and nothing else.
        let _ = self.lease.release(key, lease).await;
        result
    }

    async fn refresh(
        &self,
        tenure: &Tenure<'_>,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        // Somebody may have refreshed before the lease was ours.
        let mut held = self.read(tenure.key).await?;
        match self.need(&held.session, rejected) {
            Need::RefreshAhead | Need::RefreshNow => {}
            Need::Nothing => return Ok(held.session),
            Need::Rest(until) => return Err(SessionError::Resting { until }),
            Need::Launch(over) => return Err(self.end(tenure.key, &held.session, over).await),
        }
        if held.session.unjudged.is_none()
            && let Err(error) = self.ask(tenure, &mut held).await?
        {
            return self.go_on(held.session, rejected, error);
        }
        self.judge(tenure, held, rejected).await
    }

    /// Sends the refresh token and writes down what came of it. The inner error is that of the
    /// token endpoint.
    async fn ask(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
    ) -> Result<Result<(), SessionError>, SessionError> {
        let Some(token) = held.session.tokens.refresh.clone() else {
            return Err(SessionError::Over);
        };
        held.session.tokens.sending();
        // A mark whose answer was lost would count as a request that was sent.
        self.write_surely(tenure, held).await?;
        let answer = self.renewal.refresh(&held.session, &token).await;
        let now = self.clock.now();
        let (tokens, outcome) = (&mut held.session.tokens, &answer);
        match outcome {
            Answer::Tokens(_) => {}
            Answer::GrantRefused(_) => tokens.refresh_refused(),
            Answer::Refused(_) => tokens.refused(now),
            Answer::NotSent(_) => tokens.not_sent(now),
            Answer::Lost(_) => tokens.lost(now),
        }
        let failure = match answer {
            Answer::Tokens(response) => {
                held.session.receive(*response, now);
                None
            }
            Answer::GrantRefused(error) => {
                telemetry::judged("refresh-grant", Some(error.code()));
                Some(SessionError::Over)
            }
            Answer::Refused(error) | Answer::NotSent(error) => Some(SessionError::Refresh(error)),
            Answer::Lost(error) => Some(lost(&held.session, error)),
        };
        self.write_surely(tenure, held).await?;
        Ok(failure.map_or(Ok(()), Err))
    }

    /// Judges the ID token of the answer, if one came, and makes the new tokens those of the
    /// session.
    async fn judge(
        &self,
        tenure: &Tenure<'_>,
        mut held: Held,
        rejected: Option<&AccessToken>,
    ) -> Result<LaunchSession, SessionError> {
        let session = &held.session;
        let (Some(unjudged), Some(identity)) = (&session.unjudged, &session.identity) else {
            return Ok(held.session);
        };
        let (id_token, access) = (&unjudged.id_token, &unjudged.tokens.access);
        let first = &identity.continuity;
        match self.renewal.judge(session, first, id_token, access).await {
            Ok(()) => {
                held.session.accept();
                self.write_surely(tenure, &mut held).await?;
                Ok(held.session)
            }
            Err(error @ RefreshError::Undecided(_)) => {
                held.session.tokens.refused(self.clock.now());
                self.write_surely(tenure, &mut held).await?;
                self.go_on(held.session, rejected, SessionError::Undecided(error))
            }
            Err(error) => {
                self.store.remove(tenure.key).await?;
                Err(SessionError::Identity(error))
            }
        }
    }

    /// After a failure the session goes on with its access token, if that serves.
    fn go_on(
        &self,
        session: LaunchSession,
        rejected: Option<&AccessToken>,
        error: SessionError,
    ) -> Result<LaunchSession, SessionError> {
        let is_rejected =
            rejected.is_some_and(|it| it.matches(session.access_token().expose_secret()));
        if session.tokens.serves(self.clock.now()) && !is_rejected {
            return Ok(session);
        }
        Err(error)
    }

    async fn write(&self, tenure: &Tenure<'_>, held: &mut Held) -> Result<(), StoreError> {
        let value = held.session.write()?;
        let write = Write {
            value: &value,
            expected: held.revision,
            fence: tenure.fence,
            life: held.session.life(self.clock.now()),
        };
        held.revision = self.store.replace(tenure.key, write).await?;
        Ok(())
    }

    /// Writes what must not be lost: where the store cannot be reached, again and again while the
    /// lease lasts.
    async fn write_surely(&self, tenure: &Tenure<'_>, held: &mut Held) -> Result<(), StoreError> {
        let expected = held.revision;
        let mut pauses = PAUSES.into_iter();
        let mut is_repeated = false;
        loop {
            let error = match self.write(tenure, held).await {
                Ok(()) => return Ok(()),
                // Nobody else could write under this lease: it was we, and the answer was lost.
                Err(StoreError::Changed { found, .. })
                    if is_repeated && found.0 == expected.0.saturating_add(1) =>
                {
                    held.revision = found;
                    return Ok(());
                }
                Err(error) => error,
            };
            let pause = pauses.next();
            match (&error, pause) {
                (StoreError::Unavailable { .. }, Some(pause)) => time::sleep(pause).await,
                _ => return Err(error),
            }
            is_repeated = true;
        }
    }
}

/// What a caller hears whose access token has ended and whose refresh was lost.
fn lost(session: &LaunchSession, error: RenewalError) -> SessionError {
    match session.tokens.is_in_doubt() && session.tokens.is_spent() {
        true => SessionError::InDoubt,
        false => SessionError::Refresh(error),
    }
}

#[cfg(test)]
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod tests;
