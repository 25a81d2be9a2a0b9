//! Why a key cannot join the ring, and why a value is not sealed or not opened.

use smart_jose::crypto::{AeadFailed, RandomFailed};
use smart_jose::{ErrorClass, Text};

/// Why a key cannot seal. Nothing of the key is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealingKeyError {
    /// The backend does not take the key.
    #[error(transparent)]
    Backend(#[from] AeadFailed),
    /// The text of the key is not base64url without padding.
    #[error("the key is not base64url without padding")]
    Base64url,
    /// Two keys have the same id, so that a value could mean either.
    #[error("the key id {key_id} is taken")]
    DuplicateId {
        /// The id.
        key_id: Text,
    },
    /// An id is 1 to 32 letters, digits, `-`, `_` and `.`: it stands in each value and in logs.
    #[error("the key id {found} is not 1 to {limit} letters, digits, - _ and .")]
    KeyId {
        /// How long it may be.
        limit: usize,
        /// The id.
        found: Text,
    },
    /// A key of AES-256 has 32 octets. A password is no key.
    #[error("a key of {found} octets; it must have {expected}")]
    Length {
        /// How long a key is, in octets.
        expected: usize,
        /// How long this one is, in octets.
        found: usize,
    },
    /// There are no random octets to make a key of.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The ring is full: keys that seal nothing that still lives must go.
    #[error("the ring is full with {limit} keys")]
    TooMany {
        /// How many keys a ring holds.
        limit: usize,
    },
}

impl SealingKeyError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Backend(error) => error.code(),
            Self::Base64url => "sealing-key-base64url",
            Self::DuplicateId { .. } => "sealing-key-duplicate-id",
            Self::KeyId { .. } => "sealing-key-id",
            Self::Length { .. } => "sealing-key-length",
            Self::Random(error) => error.code(),
            Self::TooMany { .. } => "sealing-key-too-many",
        }
    }

    /// Whose fault it is: always our own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Why a value is not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The backend does not seal.
    #[error(transparent)]
    Backend(#[from] AeadFailed),
    /// The key has sealed as often as it may: the next key is due. It goes on opening.
    #[error("the key {key_id} has sealed {limit} values, as many as it may; a new key is due")]
    Spent {
        /// Its id.
        key_id: Text,
        /// How often it may seal.
        limit: u64,
    },
}

impl SealError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Backend(error) => error.code(),
            Self::Spent { .. } => "seal-key-spent",
        }
    }

    /// Whose fault it is: always our own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Why a value is not opened. Nothing of the value or its context is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The octets are too few, or do not have the form.
    #[error("{octets} octets that are not a sealed value")]
    Form {
        /// How many octets there are.
        octets: usize,
    },
    /// The value was changed, or sealed for another name, or under another key of this id.
    #[error("the value under the key {key_id} was changed, or sealed for something else")]
    Tampered {
        /// The id of the key.
        key_id: Text,
    },
    /// No key of the ring has this id: it was taken out, or this process has not been told of it
    /// yet.
    #[error("no key of the ring has the id {key_id}")]
    UnknownKey {
        /// The id.
        key_id: Text,
    },
    /// Another version of this code sealed the value.
    #[error("a sealed value of version {found}, this is version {known}")]
    UnknownVersion {
        /// The version that is known here.
        known: u8,
        /// The version of the value.
        found: u8,
    },
}

impl OpenError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "seal-form",
            Self::Tampered { .. } => "seal-tampered",
            Self::UnknownKey { .. } => "seal-unknown-key",
            Self::UnknownVersion { .. } => "seal-unknown-version",
        }
    }

    /// Whose fault it is: that of whatever kept the value, or of our own set-up.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Form { .. } | Self::Tampered { .. } => ErrorClass::Upstream,
            Self::UnknownKey { .. } | Self::UnknownVersion { .. } => ErrorClass::Configuration,
        }
    }
}
