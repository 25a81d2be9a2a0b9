//! The issuer's own key set, fetched when it is needed.

use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use smart_jose::{Candidates, CryptoProvider, JwkSet, ProtectedHeader};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::cache::{Cache, Decision, LIFE};
use super::document::{self, JwksError};
use super::source::{KeySource, KeySourceError};
use crate::clock::Clock;
use crate::discover::TrustedIssuer;
use crate::document::DocumentError;
use crate::http_client::HttpClient;
use crate::url::EndpointUrl;

/// The keys at a `jwks_uri`, cached by `kid`.
///
/// The set is fetched once and kept for [`super::LIFE`]. An unknown `kid` causes a refetch, at
/// most one in [`super::COOL_DOWN`], failed ones included; whoever waits for a fetch shares it,
/// and a fetch goes on when those who wait for it go away. The `kid` never becomes part of a URL.
/// While the issuer is down, keys that are held go on verifying.
///
/// A fetch is a task of its own on tokio, the one task that the libraries spawn.
#[derive(Clone, Debug)]
pub struct RemoteJwks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    uri: EndpointUrl,
    http: Arc<dyn HttpClient>,
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    cache: RwLock<Cache>,
    /// Held while a fetch is under way. Readers of cached keys never take it.
    flight: Arc<Mutex<()>>,
}

impl RemoteJwks {
    /// The keys of an issuer that the chain of trust led to; nothing is fetched yet.
    #[must_use]
    pub fn for_issuer(
        issuer: &TrustedIssuer,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::new(issuer.jwks_uri().clone(), http, provider, clock)
    }

    /// The keys at this address; nothing is fetched yet. They are those of one issuer: never use
    /// one source for two (RFC 8725 3.8).
    #[must_use]
    pub fn new(
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with_cache(uri, http, provider, clock, Cache::new(LIFE))
    }

    fn with_cache(
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
        cache: Cache,
    ) -> Self {
        let (provider, cache) = (*provider, RwLock::new(cache));
        let inner = Inner {
            uri,
            http,
            provider,
            clock,
            cache,
            flight: Arc::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The same source, empty, that keeps a fetched set this long: 60 s to 24 h.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Self {
        let Inner {
            uri,
            http,
            provider,
            clock,
            ..
        } = &*self.inner;
        let (http, clock) = (Arc::clone(http), Arc::clone(clock));
        Self::with_cache(uri.clone(), http, provider, clock, Cache::new(life))
    }

    /// Where the keys are.
    #[must_use]
    pub fn uri(&self) -> &EndpointUrl {
        &self.inner.uri
    }

    /// The set that is held, fresh or not.
    #[must_use]
    pub fn held(&self) -> Option<Arc<JwkSet>> {
        self.inner.read(|cache| cache.set())
    }

    /// Fetches the set now and keeps it.
    ///
    /// # Errors
    ///
    /// [`JwksError`]; what was held stays.
    pub async fn refresh(&self) -> Result<Arc<JwkSet>, JwksError> {
        let flight = Arc::clone(&self.inner.flight).lock_owned().await;
        fly(Arc::clone(&self.inner), flight).await?;
        Ok(self.held().unwrap_or_else(|| self.inner.nothing()))
    }
}

/// Fetches the set while holding the flight. On a runtime this is a task of its own: when the
/// caller goes away, the fetch goes on, and whoever waits behind it finds what it brought.
async fn fly(inner: Arc<Inner>, flight: OwnedMutexGuard<()>) -> Result<(), JwksError> {
    let fetch = {
        let inner = Arc::clone(&inner);
        async move {
            let result = inner.fetch().await;
            drop(flight);
            result
        }
    };
    match Handle::try_current() {
        Err(_) => fetch.await,
        Ok(runtime) => match runtime.spawn(fetch).await {
            Ok(result) => result,
            // The runtime is shutting down; what the cache holds is all there will be.
            Err(_) => Ok(()),
        },
    }
}

impl Inner {
    /// Fetches the set and takes it in.
    async fn fetch(&self) -> Result<(), JwksError> {
        let response = self.http.send(document::request(&self.uri)).await;
        let result = response
            .map_err(|error| JwksError::from(DocumentError::from(error)))
            .and_then(|response| document::read(&self.uri, &response, &self.provider));
        let now = self.clock.monotonic();
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(set) => {
                cache.fetched(set, now);
                Ok(())
            }
            Err(error) => {
                cache.failed(error.clone(), now);
                Err(error)
            }
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Cache) -> T) -> T {
        look(&self.cache.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn decide(&self, header: &ProtectedHeader) -> Decision {
        let now = self.clock.monotonic();
        self.read(|cache| cache.decide(header, now))
    }

    fn nothing(&self) -> Arc<JwkSet> {
        Arc::new(JwkSet::from_keys(Vec::new(), &self.provider))
    }
}

#[async_trait]
impl KeySource for RemoteJwks {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let now = self.inner.clock.monotonic();
        self.inner.read(|cache| cache.fresh(header, now))
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        match self.inner.decide(header) {
            Decision::Use(keys) => return Ok(keys),
            Decision::Refuse(error) => return Err(error),
            Decision::Fetch => {}
        }
        let flight = Arc::clone(&self.inner.flight).lock_owned().await;
        // Whoever held the flight before may have fetched what is needed.
        if let Decision::Fetch = self.inner.decide(header) {
            // The cache has taken note of a failure, and the decision below reports it.
            let _ = fly(Arc::clone(&self.inner), flight).await;
        }
        match self.inner.decide(header) {
            Decision::Use(keys) => Ok(keys),
            Decision::Refuse(error) => Err(error),
            // The clock moved on past a limit in between; say what is held now.
            Decision::Fetch => {
                let set = self.inner.read(|cache| cache.set());
                Ok(set
                    .unwrap_or_else(|| self.inner.nothing())
                    .candidates(header)?)
            }
        }
    }
}
