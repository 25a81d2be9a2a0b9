//! A key set that is written down, so that a node starts with keys where its issuer is away.

use core::time::Duration;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smart_jose::jwk::JwkSetError;
use smart_jose::{CryptoProvider, ErrorClass, JwkSet, Text, UnixTime};

use super::document::KeySet;
use crate::conditional::Validators;
use crate::freshness::Bounds;
use crate::url::EndpointUrl;

/// The form of what is written; another is refused.
const VERSION: u32 = 1;

/// A key set with its age, to be stored as any text that serde writes. Times are seconds of the
/// wall clock, since the monotonic one begins anew with each start.
///
/// It holds public keys only; whoever can change it decides who may sign in.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct JwksSnapshot {
    version: u32,
    uri: String,
    /// When a fetch last confirmed the set.
    confirmed_at: u64,
    /// How long it lives from then on.
    life: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    jwks: Value,
}

/// Why a snapshot is not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It leads to another issuer than the one that is trusted here.
    #[error("the snapshot names the issuer {found}, and {expected} is trusted here")]
    OtherIssuer {
        /// The issuer here.
        expected: Text,
        /// The issuer in the snapshot.
        found: Text,
    },
    /// It is of another document than the one that is kept here.
    #[error("the snapshot is of {found}, expected {expected}")]
    OtherPlace {
        /// The address here.
        expected: Text,
        /// The address in the snapshot.
        found: Text,
    },
    /// What it holds is no document of its kind.
    #[error("the snapshot of {document} cannot be read: {problem}")]
    Content {
        /// The document.
        document: &'static str,
        /// What is wrong with it.
        problem: Text,
    },
    /// What it holds is no key set.
    #[error("the snapshot holds no key set: {0}")]
    Set(JwkSetError),
    /// It was written in a form that is not known here.
    #[error("the snapshot has version {found}, expected {expected}")]
    Version {
        /// The version that is read here.
        expected: u32,
        /// The version of the snapshot.
        found: u32,
    },
}

impl SnapshotError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherIssuer { .. } => "snapshot-other-issuer",
            Self::OtherPlace { .. } => "snapshot-other-place",
            Self::Content { .. } => "snapshot-content",
            Self::Set(error) => error.code(),
            Self::Version { .. } => "snapshot-version",
        }
    }

    /// Whose fault it is: a snapshot is a file of your own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// The age of what was confirmed at this time; a time in the future is no time, and counts as the
/// end of its life.
pub(crate) fn age_of(confirmed_at: u64, life: Duration, now: UnixTime) -> Duration {
    now.as_secs()
        .checked_sub(confirmed_at)
        .map_or(life, Duration::from_secs)
}

/// The time on the wall at which something of this age was confirmed. A part of a second counts
/// as a whole one, so that nothing grows younger by being written down.
pub(crate) fn confirmed_at(age: Duration, now: UnixTime) -> u64 {
    let part = u64::from(age.subsec_nanos() > 0);
    now.as_secs()
        .saturating_sub(age.as_secs().saturating_add(part))
}

/// A life that was written down. It has no floor: what was at its end then is so now.
pub(crate) fn life_of(written: u64, bounds: Bounds) -> Duration {
    Duration::from_secs(written).min(bounds.ceiling)
}

impl JwksSnapshot {
    pub(super) fn new(
        uri: &EndpointUrl,
        keys: &JwkSet,
        validators: &Validators,
        life: Duration,
        age: Duration,
        now: UnixTime,
    ) -> Self {
        let (etag, last_modified) = validators.to_text();
        Self {
            version: VERSION,
            uri: uri.as_str().to_owned(),
            confirmed_at: confirmed_at(age, now),
            life: life.as_secs(),
            etag,
            last_modified,
            // A set always has a form in JSON.
            jwks: serde_json::to_value(keys).unwrap_or_default(),
        }
    }

    /// The set, its validators, life and age, for a cache of this address.
    pub(super) fn open(
        &self,
        uri: &EndpointUrl,
        bounds: Bounds,
        now: UnixTime,
        provider: &CryptoProvider,
    ) -> Result<(KeySet, Validators, Duration, Duration), SnapshotError> {
        if self.version != VERSION {
            let (expected, found) = (VERSION, self.version);
            return Err(SnapshotError::Version { expected, found });
        }
        if self.uri != uri.as_str() {
            let (expected, found) = (Text::new(uri.as_str()), Text::new(&self.uri));
            return Err(SnapshotError::OtherPlace { expected, found });
        }
        let json = self.jwks.to_string();
        let keys = JwkSet::parse(json.as_bytes(), provider).map_err(SnapshotError::Set)?;
        let set = KeySet {
            keys: Arc::new(keys),
            findings: Vec::new(),
        };
        let life = life_of(self.life, bounds);
        let age = age_of(self.confirmed_at, life, now);
        let validators = Validators::from_text(self.etag.as_deref(), self.last_modified.as_deref());
        Ok((set, validators, life, age))
    }
}
