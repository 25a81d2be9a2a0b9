//! The issuer's own key set, fetched when it is needed.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use smart_jose::{Candidates, CryptoProvider, JwkSet, ProtectedHeader};

use super::cache::{Cache, Changes, Decision};
use super::document::{self, Fetched, JwksError};
use super::snapshot::{JwksSnapshot, SnapshotError};
use super::source::{KeySource, KeySourceError};
use crate::clock::Clock;
use crate::conditional;
use crate::discover::TrustedIssuer;
use crate::document::DocumentError;
use crate::finding::Finding;
use crate::flight::{Boarding, Landing};
use crate::freshness::LIFE;
use crate::http_client::{HttpClient, TransportError};
use crate::jitter::Jitter;
use crate::kept::{Moment, Terms};
use crate::observe::{DocumentKind, DocumentState, Event, Happening, Observer};
use crate::shelf::{self, Shelf};
use crate::telemetry;
use crate::url::EndpointUrl;

/// The keys at a `jwks_uri`, cached by `kid`.
///
/// - A set lives as long as its answer says, between [`super::MIN_LIFE`] and
///   [`super::MAX_LIFE`]; [`super::LIFE`] where it says nothing. From four fifths of its life on it
///   is fetched anew in the background, so that nobody waits for it. Fetches are conditional.
/// - An unknown `kid` causes a fetch, and then none for [`super::COOL_DOWN`], failed ones included.
///   The `kid` never becomes part of a URL.
/// - Whoever waits for a fetch shares it, and it goes on when those who wait go away.
/// - While the issuer is down, keys that are held go on verifying, for [`super::STALE_LIFE`] past
///   their life; it is asked again after [`super::BACKOFF`], then less and less often.
///
/// A hit takes no lock and allocates nothing. A fetch is a task of its own on tokio, the one task
/// that the libraries spawn.
#[derive(Clone, Debug)]
pub struct RemoteJwks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    shelf: Shelf<Cache>,
}

#[derive(Clone, Debug)]
struct Settings {
    uri: EndpointUrl,
    http: Arc<dyn HttpClient>,
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
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
        Self::under(Terms::issuer(LIFE), uri, http, provider, clock)
    }

    /// The keys of a client, for a server that verifies what the client signs. They are kept
    /// exactly as long as the client's `Cache-Control` says and not a second longer, in an outage
    /// neither (SMART App Launch, client-confidential-asymmetric); [`super::MIN_LIFE`] where it
    /// says nothing, and never longer than [`super::MAX_LIFE`]. With `no-store` each look-up
    /// fetches. An unknown `kid` and failures cool down as with an issuer.
    #[must_use]
    pub fn of_client(
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::under(Terms::client(), uri, http, provider, clock)
    }

    fn under(
        terms: Terms,
        uri: EndpointUrl,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let settings = Settings {
            uri,
            http,
            provider: *provider,
            clock,
            observer: None,
        };
        Self::with(settings, Cache::new(terms))
    }

    fn with(settings: Settings, cache: Cache) -> Self {
        let shelf = Shelf::new(cache);
        Self {
            inner: Arc::new(Inner { settings, shelf }),
        }
    }

    /// The same source, empty, that keeps a fetched set this long where its answer does not say
    /// how long: 60 s to 24 h.
    #[must_use]
    pub fn with_life(self, life: Duration) -> Self {
        let settings = self.inner.settings.clone();
        Self::with(settings, Cache::new(Terms::issuer(life)))
    }

    /// The same source with what it holds, that tells this observer what happens.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        let mut settings = self.inner.settings.clone();
        settings.observer = Some(observer);
        Self::with(settings, Cache::clone(&self.inner.shelf.load()))
    }

    /// The keys of the same issuer at the place to which it has moved them. Those that are held
    /// serve only while that place cannot be reached.
    pub(crate) fn moved(&self, uri: EndpointUrl) -> Self {
        let mut settings = self.inner.settings.clone();
        settings.uri = uri;
        let mut cache = Cache::clone(&self.inner.shelf.load());
        cache.expire(self.inner.now());
        Self::with(settings, cache)
    }

    /// Where the keys are.
    #[must_use]
    pub fn uri(&self) -> &EndpointUrl {
        &self.inner.settings.uri
    }

    /// The set that is held, fresh or not.
    #[must_use]
    pub fn held(&self) -> Option<Arc<JwkSet>> {
        let cache = self.inner.shelf.load();
        cache.set().map(|it| Arc::clone(&it.keys))
    }

    /// What was odd about the answer that brought the set, but was met.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let cache = self.inner.shelf.load();
        cache.set().map_or_else(Vec::new, |it| it.findings.clone())
    }

    /// How the set stands, for an operator.
    #[must_use]
    pub fn state(&self) -> DocumentState {
        let cache = self.inner.shelf.load();
        let (standing, error) = cache.standing(self.inner.now());
        let error = error.map(JwksError::code);
        let is_refreshing = self.inner.shelf.is_flying();
        DocumentState::new(DocumentKind::Jwks, standing, is_refreshing, error)
    }

    /// Forgets all keys, so that none verifies before the next fetch: for the day on which an
    /// issuer's key has been stolen and its server is down.
    pub fn purge(&self) {
        self.inner.shelf.change(Cache::purge);
        self.inner.tell(Happening::Purged);
    }

    /// What is held, to be written down for a later start. A file of it decides who may sign in,
    /// so keep it where nobody else can write.
    #[must_use]
    pub fn export(&self) -> Option<JwksSnapshot> {
        let now = self.inner.settings.clock.now();
        let cache = self.inner.shelf.load();
        let (set, validators, life, age) = cache.parts(self.inner.now())?;
        Some(JwksSnapshot::new(
            self.uri(),
            &set.keys,
            validators,
            life,
            age,
            now,
        ))
    }

    /// Takes in what was written down, as old as it is: what has outlived its life serves only
    /// where the issuer cannot be reached, and not for longer than had it been held all along. A
    /// date in the future counts as the end of its life.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: then nothing is taken in.
    pub fn import(&self, snapshot: &JwksSnapshot) -> Result<(), SnapshotError> {
        let Settings {
            uri,
            provider,
            clock,
            ..
        } = &self.inner.settings;
        let now = clock.now();
        let bounds = self.inner.shelf.load().bounds();
        let (set, validators, life, age) = snapshot.open(uri, bounds, now, provider)?;
        let moment = Moment {
            now: self.inner.now(),
            jitter: Jitter::draw(provider),
        };
        self.inner
            .shelf
            .change(|cache| cache.restore(set, validators, life, age, moment));
        self.inner.tell(Happening::Restored { age });
        Ok(())
    }

    /// The keys at hand for a token at this moment.
    pub(crate) fn cached_at(&self, header: &ProtectedHeader, now: Duration) -> Option<Candidates> {
        let (keys, ahead) = self.inner.shelf.load().hit(header, now)?;
        if ahead {
            self.inner.refresh_ahead();
        }
        Some(keys)
    }

    /// Fetches the set now and keeps it.
    ///
    /// # Errors
    ///
    /// [`JwksError`]; what was held stays.
    pub async fn refresh(&self) -> Result<Arc<JwkSet>, JwksError> {
        let landing = loop {
            match self.inner.shelf.board() {
                Boarding::Pilot(landing) => break landing,
                // A fetch that was under way may have left too early.
                Boarding::Passenger(waiting) => waiting.await,
            }
        };
        fly(&self.inner, landing).await?;
        let nothing = || Arc::new(JwkSet::from_keys(Vec::new(), &self.inner.settings.provider));
        Ok(self.held().unwrap_or_else(nothing))
    }
}

/// Fetches the set, as a task of its own where there is a runtime: when the caller goes away, the
/// fetch goes on, and whoever waits finds what it brought.
async fn fly(inner: &Arc<Inner>, landing: Landing) -> Result<(), JwksError> {
    let inner = Arc::clone(inner);
    let fetch = async move {
        let result = inner.fetch().await;
        drop(landing);
        result
    };
    // Where the runtime is shutting down, what the cache holds is all there will be.
    shelf::run(fetch).await.unwrap_or(Ok(()))
}

impl Inner {
    fn now(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    fn tell(&self, what: Happening) {
        let event = Event {
            document: DocumentKind::Jwks,
            url: smart_jose::Text::new(self.settings.uri.as_str()),
            what,
        };
        telemetry::tell(self.settings.observer.as_deref(), &event);
    }

    /// Fetches the set and takes it in.
    async fn fetch(&self) -> Result<(), JwksError> {
        let Settings {
            uri,
            provider,
            clock,
            ..
        } = &self.settings;
        let answer = self.send().await;
        let (now, wall) = (clock.monotonic(), clock.now());
        let jitter = Jitter::draw(provider);
        let moment = Moment { now, jitter };
        let (result, retry_after) = match answer {
            Ok(response) => {
                let bounds = self.shelf.load().bounds();
                let read = document::read(uri, &response, provider, wall, bounds);
                (read, conditional::retry_after(&response, wall))
            }
            Err(error) => (Err(DocumentError::from(error).into()), None),
        };
        let brought = result.as_ref().ok().map(Fetched::told);
        let (result, standing) = self.shelf.change(|cache| {
            let result = result.and_then(|answer| cache.fetched(uri, answer, moment));
            if let Err(error) = &result {
                cache.failed(error.clone(), retry_after, moment);
            }
            (result, cache.standing(now).0)
        });
        match result {
            Ok(changes) => {
                if let Some((with_body, life)) = brought {
                    self.tell(Happening::Fetched { with_body, life });
                }
                self.tell_changes(changes);
                Ok(())
            }
            Err(error) => {
                self.tell(Happening::Failed {
                    code: error.code(),
                    failures: standing.failures,
                    rest: standing.rest.unwrap_or_default(),
                });
                Err(error)
            }
        }
    }

    fn tell_changes(&self, changes: Changes) {
        let Changes {
            added,
            withdrawn,
            replaced,
        } = changes;
        let replaced = replaced
            .into_iter()
            .map(|kid| Happening::KeyReplaced { kid });
        let added = added.into_iter().map(|kid| Happening::KeyAdded { kid });
        let withdrawn = withdrawn
            .into_iter()
            .map(|kid| Happening::KeyWithdrawn { kid });
        for what in replaced.chain(added).chain(withdrawn) {
            self.tell(what);
        }
    }

    async fn send(&self) -> Result<Response<Bytes>, TransportError> {
        let Settings {
            uri, http, clock, ..
        } = &self.settings;
        let cache = self.shelf.load_full();
        let request = document::request(uri, cache.validators());
        shelf::send(
            &**http,
            &**clock,
            request,
            cache.set().is_none(),
            DocumentKind::Jwks,
        )
        .await
    }

    /// Fetches in the background, unless somebody does already.
    fn refresh_ahead(self: &Arc<Self>) {
        if let Some(landing) = self.shelf.take_off() {
            let inner = Arc::clone(self);
            shelf::leave(async move {
                // A failure is kept in the cache, which is where it matters.
                let _ = inner.fetch().await;
                drop(landing);
            });
        }
    }

    /// What is at hand for a token.
    fn decide(self: &Arc<Self>, header: &ProtectedHeader, now: Duration) -> Decision {
        let decision = self.shelf.load().decide(header, now);
        if let Decision::Use { ahead: true, .. } = decision {
            self.refresh_ahead();
        }
        decision
    }

    /// What is at hand for the token that a fetch was just made for; a `kid` that it did not bring
    /// is remembered.
    fn settle(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        let now = self.now();
        let settled = self.shelf.load().settle(header, now);
        if let Err(KeySourceError::UnknownRetry { .. }) = settled {
            return self.shelf.change(|cache| {
                cache.miss(header, now);
                cache.settle(header, now)
            });
        }
        settled
    }
}

/// So often somebody who waits for the fetch of another looks whether it brought what they need.
const ROUNDS: usize = 3;

#[async_trait]
impl KeySource for RemoteJwks {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        self.cached_at(header, self.inner.now())
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        let inner = &self.inner;
        for _ in 0..ROUNDS {
            match inner.decide(header, inner.now()) {
                Decision::Use { keys, .. } => return Ok(keys),
                Decision::Refuse(error) => return Err(error),
                Decision::Fetch | Decision::Force => {}
            }
            let landing = match inner.shelf.board() {
                Boarding::Pilot(landing) => landing,
                Boarding::Passenger(waiting) => {
                    waiting.await;
                    continue;
                }
            };
            // A flight may have landed in between.
            match inner.decide(header, inner.now()) {
                Decision::Use { keys, .. } => return Ok(keys),
                Decision::Refuse(error) => return Err(error),
                Decision::Fetch => {}
                Decision::Force => {
                    let now = inner.now();
                    inner.shelf.change(|cache| cache.force(now));
                }
            }
            // The cache has taken note of a failure, and what is settled reports it.
            let _ = fly(inner, landing).await;
            break;
        }
        inner.settle(header)
    }

    async fn candidates_after_bad_signature(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let inner = &self.inner;
        let asked_at = inner.now();
        if !inner.shelf.load().may_refetch_for_signature(asked_at) {
            return None;
        }
        match inner.shelf.board() {
            Boarding::Passenger(waiting) => waiting.await,
            Boarding::Pilot(landing) => {
                let now = inner.now();
                if inner.shelf.load().may_refetch_for_signature(now) {
                    inner.shelf.change(|cache| cache.force(now));
                    fly(inner, landing).await.ok()?;
                }
            }
        }
        // Only what was confirmed since can say more than what has been tried.
        let now = inner.now();
        let since = now.saturating_sub(asked_at);
        let cache = inner.shelf.load();
        let is_new = cache.confirmed_ago(now).is_some_and(|ago| ago <= since);
        match cache.decide(header, now) {
            Decision::Use { keys, .. } if is_new => Some(keys),
            _ => None,
        }
    }
}
