//! The app's own public keys, for servers that it authenticates to with assertions.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::{PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::{CryptoProvider, JwkSet, UnixTime, base64url};

/// The app's own public keys as they are served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever keeps the keys makes it")]
pub struct KeyDocument {
    /// The JWK Set (RFC 7517 5). Public halves only.
    pub body: String,
    /// The value of `Cache-Control`: for how long a server may keep it. A new key signs only after
    /// that time, so that every server has it by then.
    pub cache_control: String,
    /// The value of `ETag`, in quotes: the same for the same keys, on every node.
    pub etag: String,
}

/// Knows which public keys the app has at a moment.
pub trait ClientKeys: Debug + Send + Sync {
    /// What is served at `/.well-known/jwks.json` now.
    fn document(&self, now: UnixTime) -> KeyDocument;
}

/// A set of keys that the program exchanges when it likes: first the set with the new key is
/// published, and when [`ClientKeySet::max_age`] has passed the new key may sign.
#[derive(Debug)]
pub struct ClientKeySet {
    provider: CryptoProvider,
    max_age: Duration,
    /// The body and its tag.
    served: RwLock<(String, String)>,
}

impl ClientKeySet {
    /// Serves this set, which servers may keep for so long.
    #[must_use]
    pub fn new(keys: &JwkSet, max_age: Duration, provider: &CryptoProvider) -> Self {
        Self {
            provider: *provider,
            max_age,
            served: RwLock::new(written(keys, provider)),
        }
    }

    /// Serves this set from now on.
    pub fn publish(&self, keys: &JwkSet) {
        let written = written(keys, &self.provider);
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = written;
    }

    /// How long servers may keep a set: so long after [`ClientKeySet::publish`] a new key may sign,
    /// and so long after its last use an old one has to stay.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }
}

/// A set of public keys has a form in JSON, so the default is never used.
fn written(keys: &JwkSet, provider: &CryptoProvider) -> (String, String) {
    let body = serde_json::to_string(keys).unwrap_or_else(|_| r#"{"keys":[]}"#.to_owned());
    let digest = provider.hash(HashAlgorithm::Sha256, body.as_bytes());
    let etag = format!("\"{}\"", base64url::encode(digest));
    (body, etag)
}

impl ClientKeys for ClientKeySet {
    fn document(&self, _now: UnixTime) -> KeyDocument {
        let served = self.served.read().unwrap_or_else(PoisonError::into_inner);
        KeyDocument {
            body: served.0.clone(),
            cache_control: format!("public, max-age={}", self.max_age.as_secs()),
            etag: served.1.clone(),
        }
    }
}

/// The answer to a request for the keys: the document, or 304 where the sender has it.
pub(super) fn answer(parts: &Parts, document: &KeyDocument) -> Response<Bytes> {
    let has_it = |it: &HeaderValue| {
        let list = it.to_str().unwrap_or_default();
        let mut tags = list
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        tags.any(|tag| tag == document.etag || tag == "*")
    };
    let is_known = parts.headers.get_all(IF_NONE_MATCH).iter().any(has_it);
    let mut response = match is_known {
        true => Response::new(Bytes::new()),
        false => Response::new(Bytes::from(document.body.clone())),
    };
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    if !is_known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in [
        (CACHE_CONTROL, &document.cache_control),
        (ETAG, &document.etag),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
