//! One refresh, by the holder of the lease.

use tokio::time;

use super::inner::{Held, Inner};
use super::turn::{LEASE, Patience, Turn};
use super::writing::{Effort, Tenure};
use crate::session::error::StoreError;
use crate::session::key::StoreKey;
use crate::session::launch_session::LaunchSession;
use crate::session::patient_change::PatientChange;
use crate::session::renewal::Answer;
use crate::session::renewal_error::RenewalError;
use crate::session::session_error::SessionError;
use crate::session::store::Lease;
use crate::session::tokens::Need;
use crate::telemetry;
use crate::value::AccessToken;

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
        held.session.seen_at = self.clock.now();
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
                tokens.refresh_is_over();
                Err(SessionError::Refresh(error))
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
        self.write_answer(tenure, held).await?;
        Ok(outcome)
    }

    /// Judges the ID token of the answer, and makes the new tokens those of the session.
    async fn judge(
        &self,
        tenure: &Tenure<'_>,
        held: &mut Held,
    ) -> Result<Result<(), SessionError>, SessionError> {
        let session = &held.session;
        let (Some(unjudged), Some(identity)) = (&session.unjudged, &session.identity) else {
            return Ok(Ok(()));
        };
        let (id_token, access) = (&unjudged.id_token, &unjudged.tokens.access);
        let first = &identity.continuity;
        let judged = self.renewal.judge(session, first, id_token, access).await;
        match judged {
            Ok(()) => held.session.accept(self.clock.now()),
            Err(error @ SessionError::Identity(_)) => {
                self.store.remove(tenure.key).await?;
                self.renewal.revoke(&held.session).await;
                return Err(error);
            }
            Err(_) => held.session.tokens.rest(self.clock.now(), None),
        }
        self.write_answer(tenure, held).await?;
        Ok(judged)
    }

    /// Writes what came of a refresh. Where the session was ended meanwhile, its new tokens are
    /// revoked: whoever signed out has revoked those that there were.
    async fn write_answer(&self, tenure: &Tenure<'_>, held: &mut Held) -> Result<(), SessionError> {
        match self.write_surely(tenure, held, Effort::Long).await {
            Err(StoreError::Gone) => {
                self.renewal.revoke(&held.session).await;
                Err(SessionError::Lost)
            }
            other => Ok(other?),
        }
    }

    /// Writes down that the session is used, where nobody else is at it.
    pub(super) async fn note_use(&self, key: &StoreKey) -> Result<(), SessionError> {
        let Some(lease) = self.acquire(key).await? else {
            return Ok(());
        };
        let tenure = Tenure {
            key,
            fence: lease.fence,
        };
        let result = async {
            let mut held = self.read(key).await?;
            held.session.seen_at = self.clock.now();
            let written = self.write_surely(&tenure, &mut held, Effort::Short).await;
            written.map_err(SessionError::from)
        };
        let result = result.await;
        let _ = self.lease.release(key, &lease).await;
        result
    }

    /// Writes down that the app shows the patient of this change.
    pub(super) async fn accept_patient(
        &self,
        key: &StoreKey,
        change: &PatientChange,
    ) -> Result<(), SessionError> {
        let lease = self.acquire_for(key, LEASE).await?;
        let tenure = Tenure {
            key,
            fence: lease.fence,
        };
        let result = async {
            let mut held = self.read(key).await?;
            match held.session.patient_change() {
                // It was taken before, or the patient whom the app shows is back.
                None => return Ok(()),
                Some(found) if found.now != change.now => {
                    return Err(SessionError::PatientChanged(found));
                }
                Some(_) => held.session.patient_before = None,
            }
            let written = self.write_surely(&tenure, &mut held, Effort::Short).await;
            written.map_err(SessionError::from)
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
