//! A key set as it is served: an issuer's, or an app's.

use core::time::Duration;

use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, JwkSet, base64url};

/// A key set as it is served at `jwks_uri`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServedKeys {
    /// The JWK Set (RFC 7517 5), for `Content-Type: application/json`.
    pub body: String,
    /// The value of `Cache-Control`.
    pub cache_control: String,
    /// The value of `ETag`: the same for the same keys, on every node.
    pub etag: String,
}

impl ServedKeys {
    pub(crate) fn new(set: &JwkSet, max_age: Duration, provider: &CryptoProvider) -> Self {
        // Keys are maps of strings, which always serialize; an empty set would lock all out, but
        // let nobody in.
        let body = serde_json::to_string(set).unwrap_or_else(|_| r#"{"keys":[]}"#.to_owned());
        let hash = provider.hash(HashAlgorithm::Sha256, body.as_bytes());
        Self {
            cache_control: format!("public, max-age={}", max_age.as_secs()),
            etag: format!("\"{}\"", base64url::encode(hash)),
            body,
        }
    }
}
