//! A look at a session that does nothing to it.

use core::fmt;

use super::launch_session::LaunchSession;
use super::patient_change::PatientChange;

/// A session as it is held, for lists of sessions: see [`crate::flow::LaunchFlow::peek`]. It is no
/// session to work with, as its access token may have ended, or be for another patient than the app
/// shows.
#[derive(Clone)]
#[non_exhaustive]
pub struct Peek {
    /// The session.
    pub session: LaunchSession,
    /// Where a refresh has brought another patient than the app shows, who that is.
    pub patient_change: Option<PatientChange>,
}

impl fmt::Debug for Peek {
    /// Shows nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peek")
            .field("session", &self.session)
            .field("has_changed", &self.patient_change.is_some())
            .finish()
    }
}
