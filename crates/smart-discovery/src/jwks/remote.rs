//! The issuer's own key set, fetched when it is needed.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use smart_jose::{Candidates, CryptoProvider, JwkSet, ProtectedHeader};
use tokio::runtime::Handle;
use tokio::sync::{Mutex as Flight, OwnedMutexGuard};

use super::cache::{Cache, Decision};
use super::document::{self, Fetched, JwksError};
use super::source::{KeySource, KeySourceError};
use crate::clock::Clock;
use crate::discover::TrustedIssuer;
use crate::document::DocumentError;
use crate::freshness::{Bounds, LIFE};
use crate::http_client::{HttpClient, TimeLimit, TransportError};
use crate::jitter::Jitter;
use crate::url::EndpointUrl;

/// The keys at a `jwks_uri`, cached by `kid`.
///
/// - A set lives as long as its answer says, between [`super::MIN_LIFE`] and
///   [`super::MAX_LIFE`]; [`super::LIFE`] where it says nothing. From four fifths of its life on it
///   is fetched anew in the background, so that nobody waits for it. Fetches are conditional.
/// - An unknown `kid` causes a fetch, at most one in [`super::COOL_DOWN`], failed ones included.
///   The `kid` never becomes part of a URL.
/// - Whoever waits for a fetch shares it, and it goes on when those who wait go away.
/// - While the issuer is down, keys that are held go on verifying, for [`super::STALE_LIFE`] past
///   their life; it is asked again after [`super::BACKOFF`], then less and less often.
///
/// A hit takes no lock. A fetch is a task of its own on tokio, the one task that the libraries
/// spawn.
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
    /// Readers take what is here and never wait for who changes it.
    cache: ArcSwap<Cache>,
    /// Held while the cache is changed, and never across a wait.
    changing: Mutex<()>,
    /// Held while a fetch is under way.
    flight: Arc<Flight<()>>,
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
        Self::with_cache(
            uri,
            http,
            provider,
            clock,
            Cache::new(Bounds::with_default(LIFE)),
        )
    }

    fn with_cache(
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
        cache: Cache,
    ) -> Self {
        let (provider, cache) = (*provider, ArcSwap::from_pointee(cache));
        let inner = Inner {
            uri,
            http,
            provider,
            clock,
            cache,
            changing: Mutex::default(),
            flight: Arc::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The same source, empty, that keeps a fetched set this long where its answer does not say
    /// how long: 60 s to 24 h.
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
        let cache = Cache::new(Bounds::with_default(life));
        Self::with_cache(uri.clone(), http, provider, clock, cache)
    }

    /// Where the keys are.
    #[must_use]
    pub fn uri(&self) -> &EndpointUrl {
        &self.inner.uri
    }

    /// The set that is held, fresh or not.
    #[must_use]
    pub fn held(&self) -> Option<Arc<JwkSet>> {
        self.inner.cache.load().set()
    }

    /// Forgets all keys, so that none verifies before the next fetch: for the day on which an
    /// issuer's key has been stolen and its server is down.
    pub fn purge(&self) {
        self.inner.change(Cache::purge);
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
        let answer = self.send().await;
        let (now, wall) = (self.clock.monotonic(), self.clock.now());
        let jitter = Jitter::draw(&self.provider);
        let (result, retry_after) = match answer {
            Ok(response) => {
                let bounds = self.cache.load().bounds();
                let read = document::read(&self.uri, &response, &self.provider, wall, bounds);
                (read, document::retry_after(&response, wall))
            }
            Err(error) => (Err(DocumentError::from(error).into()), None),
        };
        self.change(|cache| {
            let result = result.and_then(|answer: Fetched| cache.fetched(answer, now, jitter));
            if let Err(error) = &result {
                cache.failed(error.clone(), retry_after, now, jitter);
            }
            result
        })
    }

    /// Sends the request. Where nothing is held and people wait, a server that stumbled is asked
    /// once more within the same deadline.
    async fn send(&self) -> Result<Response<Bytes>, TransportError> {
        let cache = self.cache.load_full();
        let request = || document::request(&self.uri, cache.validators());
        let began = self.clock.monotonic();
        let first = self.http.send(request()).await;
        let stumbled = match &first {
            Ok(response) => response.status().is_server_error(),
            Err(error) => matches!(error, TransportError::Exchange { .. }),
        };
        let spent = self.clock.monotonic().saturating_sub(began);
        match DEADLINE.checked_sub(spent) {
            Some(left) if stumbled && cache.set().is_none() => {
                let mut again = request();
                again.extensions_mut().insert(TimeLimit(left));
                self.http.send(again).await
            }
            _ => first,
        }
    }

    /// Changes the cache: what readers took before stays as it was.
    fn change<T>(&self, change: impl FnOnce(&mut Cache) -> T) -> T {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cache = Cache::clone(&self.cache.load());
        let outcome = change(&mut cache);
        self.cache.store(Arc::new(cache));
        outcome
    }

    fn decide(&self, header: &ProtectedHeader) -> Decision {
        let now = self.clock.monotonic();
        self.cache.load().decide(header, now)
    }

    fn nothing(&self) -> Arc<JwkSet> {
        Arc::new(JwkSet::from_keys(Vec::new(), &self.provider))
    }
}

/// How long a fetch may take, a second try included.
const DEADLINE: Duration = Duration::from_secs(5);

/// Fetches in the background, unless somebody does already or there is no runtime to do it on.
fn refresh_ahead(inner: &Arc<Inner>) {
    if let Ok(runtime) = Handle::try_current()
        && let Ok(flight) = Arc::clone(&inner.flight).try_lock_owned()
    {
        let inner = Arc::clone(inner);
        drop(runtime.spawn(async move {
            // A failure is kept in the cache, which is where it matters.
            let _ = inner.fetch().await;
            drop(flight);
        }));
    }
}

#[async_trait]
impl KeySource for RemoteJwks {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        match self.inner.decide(header) {
            Decision::Use { keys, ahead } => {
                if ahead {
                    refresh_ahead(&self.inner);
                }
                Some(keys)
            }
            Decision::Fetch | Decision::Refuse(_) => None,
        }
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        match self.inner.decide(header) {
            Decision::Use { keys, ahead } => {
                if ahead {
                    refresh_ahead(&self.inner);
                }
                return Ok(keys);
            }
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
            Decision::Use { keys, .. } => Ok(keys),
            Decision::Refuse(error) => Err(error),
            // The clock moved on past a limit in between; say what is held now.
            Decision::Fetch => {
                let set = self.inner.cache.load().set();
                Ok(set
                    .unwrap_or_else(|| self.inner.nothing())
                    .candidates(header)?)
            }
        }
    }

    async fn candidates_after_bad_signature(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let asked_at = self.inner.clock.monotonic();
        if !self.inner.cache.load().may_refetch_for_signature(asked_at) {
            return None;
        }
        let flight = Arc::clone(&self.inner.flight).lock_owned().await;
        if self.inner.cache.load().may_refetch_for_signature(asked_at) {
            fly(Arc::clone(&self.inner), flight).await.ok()?;
        }
        match self.inner.decide(header) {
            Decision::Use { keys, .. } => Some(keys),
            Decision::Fetch | Decision::Refuse(_) => None,
        }
    }
}
