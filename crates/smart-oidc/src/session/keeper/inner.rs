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
use crate::session::tokens::Need;
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
    /// How long a session may lie idle, if that is bounded.
    pub(super) idle: Option<Duration>,
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
        if let Some(limit) = self.idle
            && self.clock.now() >= session.seen_at.saturating_add(limit)
        {
            return Err(SessionError::Idle { limit });
        }
        Ok(Held {
            session,
            revision: stored.revision,
        })
    }

    /// Whether it has to be written down that the session is used. That is done eight times in the
    /// time that it may lie idle, so it ends by an eighth of that time too early at most.
    pub(super) fn is_to_be_seen(&self, session: &LaunchSession) -> bool {
        let noted = session.seen_at;
        self.idle
            .is_some_and(|idle| self.clock.now() >= noted.saturating_add(idle / 8))
    }

    pub(super) fn need(&self, session: &LaunchSession, rejected: Option<&AccessToken>) -> Need {
        session.need(self.clock.now(), is_rejected(session, rejected))
    }
}

/// Whether this is the access token that the session has.
pub(super) fn is_rejected(session: &LaunchSession, rejected: Option<&AccessToken>) -> bool {
    rejected.is_some_and(|it| it.matches(session.access_token().expose_secret()))
}
