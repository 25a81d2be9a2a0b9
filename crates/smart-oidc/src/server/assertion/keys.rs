//! The keys that a client registered, and the one that an assertion is signed with.

use std::sync::Arc;

use smart_discovery::{Clock, EndpointUrl, HttpClient, RemoteJwks};
use smart_jose::{CryptoProvider, JwkSet};

/// The keys of one client. Keys of different clients are never in one value of this type.
#[derive(Clone, Debug)]
pub struct ClientKeys(pub(super) Source);

#[derive(Clone, Debug)]
pub(super) enum Source {
    Inline(Arc<JwkSet>),
    Remote(RemoteJwks),
}

impl ClientKeys {
    /// A key set that the client handed in when it registered.
    #[must_use]
    pub fn inline(keys: JwkSet) -> Self {
        Self(Source::Inline(Arc::new(keys)))
    }

    /// The URL of a key set, which the client registered. It is read when an assertion comes, and
    /// kept exactly as long as the client's `Cache-Control` says ([`RemoteJwks::of_client`]). Keep
    /// one value of this for each client: the cache is in it.
    #[must_use]
    pub fn at(
        url: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self(Source::Remote(RemoteJwks::of_client(
            url, http, provider, clock,
        )))
    }

    /// The URL that the client registered.
    #[must_use]
    pub fn url(&self) -> Option<&EndpointUrl> {
        match &self.0 {
            Source::Inline(_) => None,
            Source::Remote(remote) => Some(remote.uri()),
        }
    }
}
