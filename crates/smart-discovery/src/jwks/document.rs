//! The key set document.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use smart_jose::jwk::JwkSetError;
use smart_jose::{CryptoProvider, ErrorClass, JwkSet, Text, UnixTime};

use crate::conditional::Validators;
use crate::document::{self, DocumentError};
use crate::finding::Finding;
use crate::freshness::{self, Bounds};
use crate::url::EndpointUrl;

/// Why a key set could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// The document could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The set has no key that can be used, where one before had.
    #[error("the new key set has no usable key among {entries} entries; the one before is kept")]
    NoUsableKey {
        /// How many entries the set has.
        entries: usize,
    },
    /// The document is no key set.
    #[error("{url}: {problem}")]
    Set {
        /// The document.
        url: Text,
        /// What is wrong with it.
        problem: JwkSetError,
    },
}

impl JwksError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Document(error) => error.code(),
            Self::NoUsableKey { .. } => "jwks-no-usable-key",
            Self::Set { problem, .. } => problem.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Document(error) => error.class(),
            Self::NoUsableKey { .. } | Self::Set { .. } => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Document(error) => error.remedy(),
            Self::NoUsableKey { .. } => {
                "ask the issuer's operator whether the keys were withdrawn on purpose; purge the cache if so"
            }
            Self::Set { .. } => "ask the issuer's operator to publish a JWK Set at jwks_uri",
        }
    }
}

impl JwksError {
    /// The error for a set without a key that can be used.
    pub(super) fn without_keys(set: &JwkSet) -> Option<Self> {
        let entries = set.skipped().len();
        set.keys()
            .is_empty()
            .then_some(Self::NoUsableKey { entries })
    }
}

/// A set, and what was odd about its answer.
#[derive(Clone, Debug)]
pub(super) struct KeySet {
    pub(super) keys: Arc<JwkSet>,
    pub(super) findings: Vec<Finding>,
}

/// What a successful answer brings.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A set.
    Set {
        set: KeySet,
        validators: Validators,
        life: Duration,
    },
    /// The set that is held goes on (304).
    NotModified { life: Duration },
}

impl Fetched {
    /// What an observer is told of it: whether it came with a body, and its life.
    pub(super) const fn told(&self) -> (bool, Duration) {
        match self {
            Self::Set { life, .. } => (true, *life),
            Self::NotModified { life, .. } => (false, *life),
        }
    }
}

/// The request for a key set, conditional where one is held.
pub(super) fn request(uri: &EndpointUrl, validators: Option<&Validators>) -> Request<Bytes> {
    let request = crate::http_client::get_json(uri.as_str());
    match validators {
        Some(validators) => validators.apply(request),
        None => request,
    }
}

/// Reads the answer; `now` stands for its date where it has none.
pub(super) fn read(
    uri: &EndpointUrl,
    response: &Response<Bytes>,
    provider: &CryptoProvider,
    now: UnixTime,
    bounds: Bounds,
) -> Result<Fetched, JwksError> {
    let life = freshness::life(response.headers(), now, bounds);
    if response.status() == StatusCode::NOT_MODIFIED {
        return Ok(Fetched::NotModified { life });
    }
    let (body, finding) = document::body(uri.as_str(), response)?;
    let keys = JwkSet::parse(body, provider).map_err(|problem| JwksError::Set {
        url: Text::new(uri.as_str()),
        problem,
    })?;
    let validators = Validators::of(response.headers());
    Ok(Fetched::Set {
        set: KeySet {
            keys: Arc::new(keys),
            findings: finding.into_iter().collect(),
        },
        validators,
        life,
    })
}
