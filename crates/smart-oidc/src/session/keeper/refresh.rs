//! One refresh, by the holder of the lease.

use core::time::Duration;

use tokio::time;

use super::inner::{Held, Inner};
use super::turn::{LEASE, Patience, Pauses, Turn};
use super::writing::{Effort, FIRST_PAUSE, LAST_PAUSE, Tenure};
use crate::session::error::StoreError;
use crate::session::key::StoreKey;
use crate::session::launch_session::LaunchSession;
use crate::session::renewal::Answer;
use crate::session::renewal_error::RenewalError;
use crate::session::session_error::SessionError;
use crate::session::store::Lease;
use crate::session::tokens::Need;
use crate::telemetry;
use crate::value::AccessToken;

/// For what is one look and one write.
const SHORT_LEASE: Duration = Duration::from_secs(10);

/// Whoever finds that another holder has written reads again, so often.
const ATTEMPTS: usize = 3;

impl Inner {
    /// Refreshes the session, or waits until another node has done so. Whoever calls it is the
    /// only one of this process.
    pub(super) async fn renew(
        &self,
        key: &StoreKey,
        rejected: Option<&AccessToken>,
        patience: Patience,
    ) -> Result<LaunchSession, SessionError> {
        let mut result = Err(SessionError::Busy);
        for _ in 0..ATTEMPTS {
            // Only the wait is cut short. A refresh that has begun is never dropped half way: its
            // parts are bounded each.
            let turn = time::timeout(LEASE, self.turn(key, rejected, patience)).await;
            result = match turn {
                Ok(Ok(Turn::Ours(lease))) => self.refresh_under(key, &lease, rejected).await,
                Ok(Ok(Turn::Over(session))) => Ok(*session),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(SessionError::Busy),
            };
            // Another holder has been faster, and what he wrote is there.
            let is_overtaken = matches!(
                result,
                Err(SessionError::Store(
                    StoreError::Changed { .. } | StoreError::Fenced { .. }
                ))
            );
            if !is_overtaken {
                break;
            }
        }
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
            Need::Launch(over) => return Err(over.into()),
        }
        held.session.is_used(self.clock.now());
        if held.session.unjudged.is_none()
            && let Err(error) = self.ask(tenure, &mut held).await?
        {
            return self.go_on(held.session, rejected, error);
        }
        if held.session.unjudged.is_some()
            && let Err(error) = self.judge(tenure, &mut held).await?
        {
            return self.go_on(held.session, rejected, error);
        }
        match held.session.tokens.serves(self.clock.now()) {
            true => Ok(held.session),
            // The token had ended before it could be used.
            false => Err(SessionError::Resting {
                until: held.session.tokens.rest.until,
            }),
        }
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
        self.write_surely(tenure, held, Effort::Short).await?;
        let marked = held.session.clone();
        let answer = self.renewal.refresh(&held.session, &token).await;
        let now = self.clock.now();
        let tokens = &mut held.session.tokens;
        let outcome = match answer {
            Answer::Tokens(response) => {
                held.session.receive(*response, now);
                Ok(())
            }
            Answer::GrantRefused(error) => {
                telemetry::judged("refresh-grant", Some(error.code()));
                tokens.refresh_is_over();
                Err(SessionError::Over)
            }
            Answer::Spent(error) => {
                telemetry::judged("refresh-grant", Some(error.code()));
                tokens.refresh_is_used_up();
                Err(SessionError::Over)
            }
            Answer::Refused(error) | Answer::NotSent(error) => {
                tokens.not_counted();
                tokens.rest(now, error.retry_after());
                Err(SessionError::Refresh(error))
            }
            Answer::Lost(error) => {
                tokens.rest(now, error.retry_after());
                Err(lost(&held.session, error))
            }
        };
        self.write_answer(tenure, held, &marked).await?;
        Ok(outcome)
    }

    /// Judges the ID token of the answer, and makes the new tokens those of the session.
    async fn judge(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
    ) -> Result<Result<(), SessionError>, SessionError> {
        let waiting = held.session.clone();
        let (Some(unjudged), Some(identity)) = (&waiting.unjudged, &waiting.identity) else {
            return Ok(Ok(()));
        };
        let (id_token, access) = (&unjudged.id_token, &unjudged.tokens.access);
        let first = &identity.continuity;
        let judged = self.renewal.judge(&waiting, first, id_token, access).await;
        match judged {
            Ok(()) => held.session.accept(self.clock.now()),
            Err(error @ SessionError::Identity(_)) => {
                let removed = self.store.remove(tenure.key).await;
                // Whatever the store says: nothing is done with tokens of another user.
                self.renewal.revoke(&waiting).await;
                removed?;
                return Err(error);
            }
            Err(_) => held.session.tokens.rest(self.clock.now(), None),
        }
        self.write_answer(tenure, held, &waiting).await?;
        Ok(judged)
    }

    /// Writes what came of a refresh of this session, which nobody else knows.
    ///
    /// A lease may have ended meanwhile, and somebody else may have held one, to write down something
    /// else or to look. As long as nobody has sent the refresh token since, the answer is the latest
    /// that there is of it, and is written under a lease of its own.
    async fn write_answer(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
        before: &LaunchSession,
    ) -> Result<(), SessionError> {
        let error = match self.write_surely(tenure, held, Effort::Long).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if !matches!(
            error,
            StoreError::Changed { .. } | StoreError::Fenced { .. }
        ) {
            return self.give_up(tenure, held, before, error).await;
        }
        let end = time::Instant::now() + Effort::Long.budget();
        let mut pauses = Pauses::new(FIRST_PAUSE, LAST_PAUSE, &self.provider);
        loop {
            match self.write_again(tenure.key, held, before).await {
                Ok(true) => return Ok(()),
                // Somebody else has sent the token, so this answer is not the latest.
                Ok(false) => return Err(error.into()),
                Err(SessionError::Lost) => {
                    return self.give_up(tenure, held, before, StoreError::Gone).await;
                }
                Err(_) if time::Instant::now() < end => pauses.pause().await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes an answer under a lease of its own, if it is still the latest; says whether it was.
    async fn write_again(
        &self,
        key: &StoreKey,
        held: &mut Held,
        before: &LaunchSession,
    ) -> Result<bool, SessionError> {
        let lease = self.acquire_for(key, SHORT_LEASE, LEASE).await?;
        let result = async {
            let found = self.read(key).await?;
            if !found.session.is_of_same_refresh(before) {
                return Ok(false);
            }
            held.revision = found.revision;
            let tenure = Tenure {
                key,
                fence: lease.fence,
            };
            self.write_surely(&tenure, held, Effort::Short).await?;
            Ok(true)
        };
        let result = result.await;
        let _ = self.lease.release(key, &lease).await;
        result
    }

    /// What is left to do with an answer that cannot be written down.
    async fn give_up(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
        before: &LaunchSession,
        error: StoreError,
    ) -> Result<(), SessionError> {
        match error {
            // The session was ended meanwhile. Whoever signed out has revoked the tokens that there
            // were.
            StoreError::Gone => {
                self.renewal.revoke(&held.session).await;
                Err(SessionError::Lost)
            }
            // The store will not take these tokens, whoever asks for them again.
            StoreError::TooLong { .. } => {
                self.renewal.revoke(&held.session).await;
                held.session = before.clone();
                held.session.tokens.refresh_is_used_up();
                self.write_surely(tenure, held, Effort::Short).await?;
                Err(error.into())
            }
            other => Err(other.into()),
        }
    }

    /// Writes down that the session is used, where nobody else is at it.
    pub(super) async fn note_use(&self, key: &StoreKey) -> Result<(), SessionError> {
        let Some(lease) = self.acquire(key, SHORT_LEASE).await? else {
            return Ok(());
        };
        let tenure = Tenure {
            key,
            fence: lease.fence,
        };
        let result = async {
            let mut held = self.read(key).await?;
            if !self.is_to_be_seen(&held.session) {
                return Ok(());
            }
            held.session.is_used(self.clock.now());
            Ok(self.write(&tenure, &mut held).await?)
        };
        let result = result.await;
        let _ = self.lease.release(key, &lease).await;
        result
    }

    /// Writes down which patient the app shows. Another one than is in context is told.
    pub(super) async fn accept_patient(
        &self,
        key: &StoreKey,
        shown: &str,
    ) -> Result<(), SessionError> {
        let lease = self.acquire_for(key, SHORT_LEASE, LEASE).await?;
        let tenure = Tenure {
            key,
            fence: lease.fence,
        };
        let result = async {
            let mut held = self.read(key).await?;
            let change = held.session.change_from(shown);
            let before = change.is_some().then(|| shown.to_owned());
            if held.session.patient_before != before {
                held.session.patient_before = before;
                self.write(&tenure, &mut held).await?;
            }
            change.map_or(Ok(()), |it| Err(SessionError::PatientChanged(it)))
        };
        let result = result.await;
        let _ = self.lease.release(key, &lease).await;
        result
    }
}

/// What a caller hears whose access token has ended and whose refresh was lost.
fn lost(session: &LaunchSession, error: RenewalError) -> SessionError {
    match session.tokens.is_in_doubt() && session.tokens.is_spent() {
        true => SessionError::InDoubt,
        false => SessionError::Refresh(error),
    }
}
