//! Waiting for the right to write to a session.

use core::time::Duration;

use smart_jose::CryptoProvider;
use tokio::time;

use super::inner::{Inner, is_rejected};
use crate::session::key::StoreKey;
use crate::session::launch_session::LaunchSession;
use crate::session::session_error::SessionError;
use crate::session::store::Lease;
use crate::session::tokens::{Need, Over};
use crate::telemetry;
use crate::value::AccessToken;

/// A lease outlives every refresh: an exchange with the token endpoint, a look at the issuer's keys,
/// and writes that are repeated.
pub(super) const LEASE: Duration = Duration::from_secs(45);

/// How often it is looked whether another node has finished: after the first of these, then after
/// twice as long, up to the second. A slow token endpoint must not make a crowd at the store.
const FIRST_LOOK: Duration = Duration::from_millis(50);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long somebody waits where another node holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Not at all: what the other one does is as good.
    None,
    /// As long as a lease lasts, after which it is free.
    Long,
}

/// What came of waiting for one's turn.
pub(super) enum Turn {
    /// The lease.
    Ours(Lease),
    /// There is nothing left to be done.
    Over(Box<LaunchSession>),
}

/// Pauses that grow, none of them as long as that of another node.
pub(super) struct Pauses<'p> {
    next: Duration,
    longest: Duration,
    provider: &'p CryptoProvider,
}

impl<'p> Pauses<'p> {
    pub(super) const fn new(
        first: Duration,
        longest: Duration,
        provider: &'p CryptoProvider,
    ) -> Self {
        Self {
            next: first,
            longest,
            provider,
        }
    }

    pub(super) async fn pause(&mut self) {
        // Where there are no random octets nothing is spread, which does no harm.
        let [chance] = self.provider.random::<1>().unwrap_or([255]);
        time::sleep(self.next / 2 + self.next * u32::from(chance) / 512).await;
        self.next = self.next.saturating_mul(2).min(self.longest);
    }
}

impl Inner {
    /// Waits until a refresh is this caller's, or no longer needed.
    pub(super) async fn turn(
        &self,
        key: &StoreKey,
        rejected: Option<&AccessToken>,
        patience: Patience,
    ) -> Result<Turn, SessionError> {
        let mut pauses = Pauses::new(FIRST_LOOK, LAST_LOOK, &self.provider);
        loop {
            let held = self.read(key).await?;
            match self.need(&held.session, rejected) {
                Need::Nothing => return Ok(Turn::Over(Box::new(held.session))),
                Need::Rest(until) => return Err(SessionError::Resting { until }),
                Need::Launch(Over::Ended) => return Err(SessionError::Over),
                Need::RefreshAhead | Need::RefreshNow | Need::Launch(Over::InDoubt) => {}
            }
            // Before the lease: what cannot be asked now is no reason to keep others from it.
            if let Err(error) = self.renewal.check(&held.session).await {
                let session = self.go_on(held.session, rejected, error.into())?;
                return Ok(Turn::Over(Box::new(session)));
            }
            if let Some(lease) = self.acquire(key, LEASE).await? {
                return Ok(Turn::Ours(lease));
            }
            if patience == Patience::None {
                return Ok(Turn::Over(Box::new(held.session)));
            }
            pauses.pause().await;
        }
    }

    pub(super) async fn acquire(
        &self,
        key: &StoreKey,
        life: Duration,
    ) -> Result<Option<Lease>, SessionError> {
        Ok(self.lease.acquire(key, life).await?)
    }

    /// Waits for the lease, whatever the session needs.
    pub(super) async fn acquire_for(
        &self,
        key: &StoreKey,
        life: Duration,
        patience: Duration,
    ) -> Result<Lease, SessionError> {
        let mut pauses = Pauses::new(FIRST_LOOK, LAST_LOOK, &self.provider);
        let acquired = async {
            loop {
                if let Some(lease) = self.acquire(key, life).await? {
                    return Ok(lease);
                }
                pauses.pause().await;
            }
        };
        time::timeout(patience, acquired)
            .await
            .unwrap_or(Err(SessionError::Busy))
    }

    /// After a failure the session goes on with its access token, if that serves.
    pub(super) fn go_on(
        &self,
        session: LaunchSession,
        rejected: Option<&AccessToken>,
        error: SessionError,
    ) -> Result<LaunchSession, SessionError> {
        if session.tokens.serves(self.clock.now()) && !is_rejected(&session, rejected) {
            telemetry::odd("session-refresh", error.code());
            return Ok(session);
        }
        Err(error)
    }
}
