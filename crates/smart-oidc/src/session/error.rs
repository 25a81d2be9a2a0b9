//! Why a store does not do what it was asked.

use smart_jose::{ErrorClass, Text};

use super::key::{Fence, Revision};

/// Why a store does not do what it was asked. No variant holds a value that is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else has written since the value was read.
    #[error("the record was changed: expected revision {}, found {}", expected.0, found.0)]
    Changed {
        /// The revision that was read.
        expected: Revision,
        /// The revision that is held.
        found: Revision,
    },
    /// There is a record of this name already.
    #[error("there is a record of this name already")]
    Exists,
    /// A later holder of the lease has written, or may.
    #[error("the lease has passed on: fence {} is older than {}", ours.0, latest.0)]
    Fenced {
        /// The fence of the write.
        ours: Fence,
        /// The latest fence of the record.
        latest: Fence,
    },
    /// The store holds as much as it may.
    #[error("the store is full: {limit} records")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// There is no such record, or no longer.
    #[error("there is no such record, or no longer")]
    Gone,
    /// The value is longer than the store takes.
    #[error("a value of {found} octets, more than {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
    /// The store cannot be reached, or did not answer in time. Whether it did what it was asked
    /// is not known.
    #[error("the store cannot be reached: {problem}")]
    Unavailable {
        /// What happened, without addresses that hold a password.
        problem: Text,
    },
    /// What is kept cannot be read: it was tampered with, or written under a key or in a form
    /// that this program does not have.
    #[error("what is kept cannot be read: {problem}")]
    Unreadable {
        /// What is wrong.
        problem: Text,
    },
}

impl StoreError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Changed { .. } => "store-changed",
            Self::Exists => "store-exists",
            Self::Fenced { .. } => "store-fenced",
            Self::Full { .. } => "store-full",
            Self::Gone => "store-gone",
            Self::TooLong { .. } => "store-too-long",
            Self::Unavailable { .. } => "store-unavailable",
            Self::Unreadable { .. } => "store-unreadable",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            // Somebody else was faster; who reads again finds what he wrote.
            Self::Changed { .. } | Self::Fenced { .. } => ErrorClass::Upstream,
            Self::Unavailable { .. } | Self::Full { .. } => ErrorClass::Upstream,
            Self::Gone => ErrorClass::InvalidRequest,
            Self::Exists | Self::TooLong { .. } | Self::Unreadable { .. } => {
                ErrorClass::Configuration
            }
        }
    }
}
