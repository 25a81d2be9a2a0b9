//! What the program leaves behind: one number and, if it failed, one line.

use core::fmt;
use std::process::ExitCode;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Valid; every step passed.
    Valid,
    /// Invalid: the token, the chain of trust, or a step.
    Invalid,
    /// The command line is not right.
    Usage,
    /// The network or a file failed, so nothing can be said.
    Io,
}

impl Exit {
    /// The number.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Invalid => 1,
            Self::Usage => 2,
            Self::Io => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}

/// Why a command ended early: one line, and the status.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    line: String,
}

impl Failure {
    /// Something is not valid.
    pub(crate) fn invalid(line: impl Into<String>) -> Self {
        Self {
            exit: Exit::Invalid,
            line: line.into(),
        }
    }

    /// The command line is not right.
    pub(crate) fn usage(line: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            line: line.into(),
        }
    }

    /// The network or a file failed.
    pub(crate) fn io(line: impl Into<String>) -> Self {
        Self {
            exit: Exit::Io,
            line: line.into(),
        }
    }

    /// The status.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl Serialize for Failure {
    /// What `--json` prints where nothing could be judged.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("valid", &false)?;
        map.serialize_entry("exit", &self.exit.status())?;
        map.serialize_entry("error", &self.line)?;
        map.end()
    }
}
