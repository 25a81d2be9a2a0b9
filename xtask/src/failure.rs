//! How a command ends when it does not end well.
//!
//! A script that calls us must tell "you asked wrongly" from "the check failed", so the two have
//! different exit statuses.

use std::process::ExitCode;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line was not understood: exit status 2.
    Usage(String),
    /// A check failed or a tool could not be run: exit status 1.
    Failed(String),
    /// A child has already said what is wrong; its exit status is handed on.
    Status(u8),
}

impl Failure {
    /// What to print, if the child has not printed it already.
    pub(crate) fn sentence(&self) -> Option<&str> {
        match self {
            Self::Usage(sentence) | Self::Failed(sentence) => Some(sentence),
            Self::Status(_) => None,
        }
    }

    /// The exit status of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
            Self::Status(status) => ExitCode::from(*status),
        }
    }
}

impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Self::Failed(sentence)
    }
}
