//! Why there is no session to work with.

use smart_jose::crypto::RandomFailed;
use smart_jose::{ErrorClass, UnixTime};

use super::error::StoreError;
use super::patient_change::PatientChange;
use super::renewal_error::RenewalError;
use super::tokens::Over;
use crate::id_token::RefreshError;

/// Why there is no session to work with, or none now.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Another holder refreshes the session and has not finished; nothing is lost.
    #[error("the session is being refreshed elsewhere")]
    Busy,
    /// The access token has ended, and the refresh token was sent without an answer that was read:
    /// whether it was used is not known.
    #[error("the session is in doubt: the answer to its last refresh was lost")]
    InDoubt,
    /// The answer to the refresh is not provably of the user who signed in. The session is over,
    /// and no FHIR request has left with a token of that answer.
    #[error(transparent)]
    Identity(RefreshError),
    /// The task that did the work ended before it had a result: it panicked, or the program is
    /// shutting down.
    #[error("the work on the session ended before it had a result")]
    Interrupted,
    /// There is no such session: it has ended, nobody has used it for as long as it may lie idle, or
    /// the store has lost it.
    #[error("there is no such session")]
    Lost,
    /// The access token has ended and there is no way to another.
    #[error("the session is over: its access token has ended and cannot be refreshed")]
    Over,
    /// A refresh has brought another patient than the app shows. A new launch is always right; an
    /// app that can show the new patient instead says so with
    /// [`crate::flow::LaunchFlow::accept_patient`].
    #[error("a refresh has brought another patient than the launch did")]
    PatientChanged(PatientChange),
    /// No random octets.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The access token has ended, and no other could be had. The session stays.
    #[error(transparent)]
    Refresh(#[from] RenewalError),
    /// The access token has ended, and a refresh has just failed: it is tried again later.
    #[error("a refresh has just failed; it is tried again at {}", .until.as_secs())]
    Resting {
        /// When it is tried again.
        until: UnixTime,
    },
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(StoreError),
    /// The access token has ended, and the ID token that came with another cannot be checked now.
    #[error(transparent)]
    Undecided(RefreshError),
}

impl From<StoreError> for SessionError {
    /// A record that is gone is a session that is lost.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Gone => Self::Lost,
            other => Self::Store(other),
        }
    }
}

impl From<Over> for SessionError {
    fn from(over: Over) -> Self {
        match over {
            Over::Ended => Self::Over,
            Over::InDoubt => Self::InDoubt,
        }
    }
}

impl SessionError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy => "session-busy",
            Self::InDoubt => "session-in-doubt",
            Self::Identity(error) | Self::Undecided(error) => error.code(),
            Self::Interrupted => "session-interrupted",
            Self::Lost => "session-lost",
            Self::Over => "session-over",
            Self::PatientChanged(_) => "session-patient-changed",
            Self::Random(_) => "random-failed",
            Self::Refresh(error) => error.code(),
            Self::Resting { .. } => "session-resting",
            Self::Store(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Lost | Self::Over | Self::InDoubt | Self::PatientChanged(_) => {
                ErrorClass::InvalidRequest
            }
            Self::Busy | Self::Interrupted | Self::Resting { .. } => ErrorClass::Upstream,
            Self::Identity(error) | Self::Undecided(error) => error.class(),
            Self::Random(_) => ErrorClass::Configuration,
            Self::Refresh(error) => error.class(),
            Self::Store(error) => error.class(),
        }
    }

    /// Whether only a new launch helps. Where it does not, the session stays, and the same request
    /// may succeed later.
    #[must_use]
    pub const fn needs_launch(&self) -> bool {
        match self {
            Self::InDoubt
            | Self::Identity(_)
            | Self::Lost
            | Self::Over
            | Self::PatientChanged(_) => true,
            Self::Refresh(error) => error.is_permanent(),
            Self::Store(error) => {
                matches!(error, StoreError::Gone | StoreError::Unreadable { .. })
            }
            Self::Busy
            | Self::Interrupted
            | Self::Random(_)
            | Self::Resting { .. }
            | Self::Undecided(_) => false,
        }
    }
}
