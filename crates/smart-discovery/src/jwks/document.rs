//! The key set document.

use bytes::Bytes;
use http::{Request, Response};
use smart_jose::jwk::JwkSetError;
use smart_jose::{CryptoProvider, ErrorClass, JwkSet, Text};

use crate::document::{self, DocumentError};
use crate::url::EndpointUrl;

/// Why a key set could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwksError {
    /// The document could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
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
            Self::Set { problem, .. } => problem.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Document(error) => error.class(),
            Self::Set { .. } => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Document(error) => error.remedy(),
            Self::Set { .. } => "ask the issuer's operator to publish a JWK Set at jwks_uri",
        }
    }
}

/// The request for a key set.
pub(super) fn request(uri: &EndpointUrl) -> Request<Bytes> {
    crate::http_client::get_json(uri.as_str())
}

/// Reads the answer.
pub(super) fn read(
    uri: &EndpointUrl,
    response: &Response<Bytes>,
    provider: &CryptoProvider,
) -> Result<JwkSet, JwksError> {
    let (body, _) = document::body(uri.as_str(), response)?;
    JwkSet::parse(body, provider).map_err(|problem| JwksError::Set {
        url: Text::new(uri.as_str()),
        problem,
    })
}
