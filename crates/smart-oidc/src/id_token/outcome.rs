//! What a check is, and what comes of it.

use super::error::IdTokenError;
use super::examination::Examination;

/// One check.
pub(super) struct Check {
    /// A stable name.
    pub(super) id: &'static str,
    /// What it makes sure of.
    pub(super) title: &'static str,
    /// The clause that asks for it.
    pub(super) clause: &'static str,
    /// Whether a token of a refresh that fails it may be somebody else's.
    pub(super) binds: bool,
    pub(super) run: fn(&Examination<'_>) -> Outcome,
}

/// What came of a check.
pub(super) enum Outcome {
    Passed,
    Failed(IdTokenError),
    /// It could not be run, and why.
    NotRun(&'static str),
}

impl<E: Into<IdTokenError>> From<Result<(), E>> for Outcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(error) => Self::Failed(error.into()),
        }
    }
}
