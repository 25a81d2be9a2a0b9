//! The app's own public keys, for servers that it authenticates to with assertions.

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use smart_oidc::PublishedKeys;
use smart_oidc::issue::ServedKeys;
use smart_oidc::jose::CryptoProvider;

/// The public keys that the app serves, which the program exchanges while it runs: first the set with
/// the next key is published on every node, and when the last of them has served it for as long as
/// [`ClientKeys::publish`] says, that key may sign. All clones serve the same.
#[derive(Clone, Debug)]
pub struct ClientKeys {
    held: Arc<RwLock<Held>>,
}

#[derive(Debug)]
struct Held {
    keys: PublishedKeys,
    /// The longest of all sets so far: somebody may still hold the one that said so.
    lead: Duration,
}

impl ClientKeys {
    /// Serves these keys.
    #[must_use]
    pub fn new(keys: PublishedKeys) -> Self {
        let lead = keys.lead();
        Self {
            held: Arc::new(RwLock::new(Held { keys, lead })),
        }
    }

    /// Serves these keys from now on. Gives back how long a key that is new among them waits before it
    /// signs: servers keep a set that they were served before for as long as that one said, so it is
    /// the longest [`PublishedKeys::lead`] of all that this program has served. Where there are many
    /// nodes it counts from the last of them.
    pub fn publish(&self, keys: PublishedKeys) -> Duration {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.lead = held.lead.max(keys.lead());
        held.keys = keys;
        held.lead
    }

    pub(super) fn document(&self, provider: &CryptoProvider) -> ServedKeys {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys.document(provider)
    }
}

/// The answer to a request for the keys: the document, or 304 where the sender has it.
pub(super) fn answer(parts: &Parts, document: &ServedKeys) -> Response<Bytes> {
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
