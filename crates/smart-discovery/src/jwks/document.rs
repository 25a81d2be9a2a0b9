//! The key set document.

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use smart_jose::jwk::JwkSetError;
use smart_jose::{CryptoProvider, ErrorClass, JwkSet, Text, UnixTime};

use crate::document::{self, DocumentError};
use crate::freshness::{self, Bounds};
use crate::url::EndpointUrl;

/// Why a key set could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// The document could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The server says that nothing has changed (304), and it was not asked whether.
    #[error("{url} answers that it is not modified, and nobody asked")]
    NotModified {
        /// The document.
        url: Text,
    },
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
            Self::NotModified { .. } => "jwks-not-modified",
            Self::NoUsableKey { .. } => "jwks-no-usable-key",
            Self::Set { problem, .. } => problem.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Document(error) => error.class(),
            Self::NotModified { .. } | Self::NoUsableKey { .. } | Self::Set { .. } => {
                ErrorClass::Upstream
            }
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Document(error) => error.remedy(),
            Self::NotModified { .. } => {
                "tell the issuer's operator that a cache in front of jwks_uri answers wrongly"
            }
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

/// What makes the next request conditional (RFC 9110 13.1): returned exactly as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            etag: headers.get(header::ETAG).cloned(),
            last_modified: headers.get(header::LAST_MODIFIED).cloned(),
        }
    }

    /// Whether a request with these asks if anything has changed.
    pub(super) const fn ask(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

/// What a successful answer brings.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A set.
    Set {
        set: Arc<JwkSet>,
        validators: Validators,
        life: Duration,
    },
    /// The set that is held goes on (304).
    NotModified { url: Text, life: Duration },
}

/// The request for a key set, conditional where one is held.
pub(super) fn request(uri: &EndpointUrl, validators: Option<&Validators>) -> Request<Bytes> {
    let mut request = crate::http_client::get_json(uri.as_str());
    let Some(validators) = validators else {
        return request;
    };
    let fields = [
        (header::IF_NONE_MATCH, &validators.etag),
        (header::IF_MODIFIED_SINCE, &validators.last_modified),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            request.headers_mut().insert(name, value.clone());
        }
    }
    request
}

/// Reads the answer; `now` stands for its date where it has none.
pub(super) fn read(
    uri: &EndpointUrl,
    response: &Response<Bytes>,
    provider: &CryptoProvider,
    now: UnixTime,
    bounds: Bounds,
) -> Result<Fetched, JwksError> {
    let url = || Text::new(uri.as_str());
    let life = freshness::life(response.headers(), now, bounds);
    if response.status() == StatusCode::NOT_MODIFIED {
        return Ok(Fetched::NotModified { url: url(), life });
    }
    let (body, _) = document::body(uri.as_str(), response)?;
    let set = JwkSet::parse(body, provider).map_err(|problem| JwksError::Set {
        url: url(),
        problem,
    })?;
    let validators = Validators::of(response.headers());
    Ok(Fetched::Set {
        set: Arc::new(set),
        validators,
        life,
    })
}

/// How long an answer asks to be left alone: seconds, or until a date (RFC 9110 10.2.3).
pub(super) fn retry_after(response: &Response<Bytes>, now: UnixTime) -> Option<Duration> {
    let field = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    freshness::seconds(field.trim()).or_else(|| {
        let until = freshness::http_date(field)?;
        Some(Duration::from_secs(
            until.as_secs().saturating_sub(now.as_secs()),
        ))
    })
}
