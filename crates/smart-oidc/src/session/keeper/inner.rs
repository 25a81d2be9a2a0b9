//! What keeping a session works with, and a look at it.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::Clock;
use smart_jose::CryptoProvider;

use crate::session::gates::Gates;
use crate::session::key::{Revision, StoreKey};
use crate::session::launch_session::LaunchSession;
use crate::session::renewal::Renewal;
use crate::session::session_error::SessionError;
use crate::session::store::{RefreshLease, SessionStore};
use crate::session::tasks::Tasks;
use crate::session::tokens::{CLOCK_SPREAD, Need};
use crate::value::AccessToken;

/// What every part of keeping works with.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Arc<dyn SessionStore>,
    pub(super) lease: Arc<dyn RefreshLease>,
    pub(super) renewal: Arc<dyn Renewal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) provider: CryptoProvider,
    pub(super) gates: Gates,
    pub(super) tasks: Tasks,
    pub(super) limits: Limits,
}

/// What an app may set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How long a session may lie idle, if that is bounded.
    pub(crate) idle: Option<Duration>,
    /// How old an access token is before a rejection counts.
    pub(crate) rejection_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: None,
            rejection_pause: Duration::from_secs(30),
        }
    }
}

/// A session as it was read.
pub(super) struct Held {
    pub(super) session: LaunchSession,
    pub(super) revision: Revision,
}

impl Inner {
    /// The session as it is held. One that is over by this node's clock is left to the store, whose
    /// own clock removes it: the clock of one node must not end the sessions of all.
    pub(super) async fn read(&self, key: &StoreKey) -> Result<Held, SessionError> {
        let stored = self.store.read(key).await?.ok_or(SessionError::Lost)?;
        let session = LaunchSession::read(&stored.value)?;
        if self.clock.now() >= session.ends_at {
            return Err(SessionError::Lost);
        }
        Ok(Held {
            session,
            revision: stored.revision,
        })
    }

    /// Whether it has to be written down that the session is used, by which the store counts the time
    /// that it may lie idle anew. That is done eight times in that time, so a session ends by an eighth
    /// of it too early at most. Nothing is written while a refresh is not finished: whoever holds its
    /// answer may still write that down.
    pub(super) fn is_to_be_seen(&self, session: &LaunchSession) -> bool {
        let (now, noted) = (self.clock.now(), session.seen_at);
        let is_time = |idle: Duration| {
            let is_late = now >= noted.saturating_add(idle / 8);
            // Written by a node whose clock is fast: that says nothing of how long ago it was.
            is_late || noted > now.saturating_add(CLOCK_SPREAD)
        };
        self.limits.idle.is_some_and(is_time) && !session.tokens.is_in_doubt()
    }

    pub(super) fn need(&self, session: &LaunchSession, rejected: Option<&AccessToken>) -> Need {
        let (now, tokens) = (self.clock.now(), &session.tokens);
        let is_rejected = is_rejected(session, rejected);
        // A FHIR server that refuses every token would cause a refresh with each request.
        let pause = self.limits.rejection_pause;
        let counts_at = tokens.received_at.saturating_add(pause);
        let is_of_now = tokens.received_at <= now.saturating_add(CLOCK_SPREAD);
        let is_young = !pause.is_zero() && is_of_now && now < counts_at;
        if is_rejected && is_young && tokens.serves(now) && tokens.can_refresh() {
            return Need::Rest(counts_at);
        }
        session.need(now, is_rejected)
    }
}

/// Whether this is the access token that the session has.
pub(super) fn is_rejected(session: &LaunchSession, rejected: Option<&AccessToken>) -> bool {
    rejected.is_some_and(|it| it.matches(session.access_token().expose_secret()))
}
