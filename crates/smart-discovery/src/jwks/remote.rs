//! The issuer's own key set, fetched when it is needed.

use core::time::Duration;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use smart_jose::{Candidates, CryptoProvider, JwkSet, ProtectedHeader};

use super::cache::{Cache, Changes, Decision};
use super::document::{self, Fetched, JwksError};
use super::odd_key::of_key;
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
/// that the libraries spawn: on the runtime of whoever asked first. A runtime that nobody drives
/// any more keeps those of other runtimes waiting, so share a source within one.
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
        let terms = self.inner.shelf.load().terms();
        Self::with(settings, Cache::new(terms.with_default(life)))
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

    /// What was odd about the answer that brought the set, and about its keys, but was met.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let cache = self.inner.shelf.load();
        let Some(set) = cache.set() else {
            return Vec::new();
        };
        let of_keys = set.keys.findings().iter().map(of_key);
        set.findings.iter().cloned().chain(of_keys).collect()
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
    /// date in the future counts as the end of its life. Where something younger is held already,
    /// that stays.
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
        let restore = |cache: &mut Cache| cache.restore(set, validators, life, age, moment);
        if self.inner.shelf.change(restore) {
            self.inner.tell(Happening::Restored { age });
        }
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
    let flying = Arc::clone(inner);
    let fetch = async move {
        let (result, told) = flying.fetch().await;
        // Whoever waits goes on before anybody is told.
        drop(landing);
        flying.tell_all(told);
        result
    };
    let lost = || Err(inner.lost());
    shelf::run(fetch).await.unwrap_or_else(lost)
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

    /// Takes note that the task of a fetch has ended without a result.
    fn lost(&self) -> JwksError {
        let uri = self.settings.uri.as_str();
        let error = JwksError::from(DocumentError::from(shelf::lost(uri)));
        let jitter = Jitter::draw(&self.settings.provider);
        let now = self.now();
        let moment = Moment { now, jitter };
        self.shelf
            .change(|cache| cache.failed(error.clone(), None, moment));
        error
    }

    /// Fetches the set and takes it in; gives back what is to be told of it besides.
    async fn fetch(&self) -> (Result<(), JwksError>, Vec<Happening>) {
        let Settings {
            uri,
            provider,
            clock,
            ..
        } = &self.settings;
        let epoch = self.shelf.load().epoch();
        let answer = self.send().await;
        let (now, wall) = (clock.monotonic(), clock.now());
        let jitter = Jitter::draw(provider);
        let moment = Moment { now, jitter };
        let (result, retry_after) = match answer {
            Ok(response) => {
                let bounds = self.shelf.load().bounds();
                let read = document::read(uri, &response, provider, wall, bounds);
                (read, conditional::retry_after_at(&response, wall))
            }
            Err(error) => (Err(DocumentError::from(error).into()), None),
        };
        let brought = result.as_ref().ok().map(Fetched::told);
        let (result, standing) = self.shelf.change(|cache| {
            if cache.epoch() != epoch {
                // What was asked for before says nothing of what holds since.
                return (Ok(None), cache.standing(now).0);
            }
            let result = result.and_then(|answer| cache.fetched(uri, answer, moment));
            if let Err(error) = &result {
                cache.failed(error.clone(), retry_after, moment);
            }
            (result.map(Some), cache.standing(now).0)
        });
        match result {
            Ok(changes) => {
                let fetched = brought.zip(changes).map(|((with_body, life), changes)| {
                    let fetched = Happening::Fetched { with_body, life };
                    [vec![fetched], happenings(changes)].concat()
                });
                (Ok(()), fetched.unwrap_or_default())
            }
            Err(error) => {
                let failed = Happening::Failed {
                    code: error.code(),
                    failures: standing.failures,
                    rest: standing.rest.unwrap_or_default(),
                };
                (Err(error), vec![failed])
            }
        }
    }

    fn tell_all(&self, told: Vec<Happening>) {
        for what in told {
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
            // Somebody may have landed since it was found to be due.
            if !self.shelf.load().is_due_ahead(self.now()) {
                return;
            }
            let inner = Arc::clone(self);
            shelf::leave(async move {
                // A failure is kept in the cache, which is where it matters.
                let _ = fly(&inner, landing).await;
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
    fn settle(
        &self,
        header: &ProtectedHeader,
        asked_at: Duration,
    ) -> Result<Candidates, KeySourceError> {
        let now = self.now();
        let settled = self.shelf.load().settle(header, now, asked_at);
        if let Err(KeySourceError::UnknownRetry { .. }) = settled {
            return self.shelf.change(|cache| {
                cache.miss(header, now);
                cache.settle(header, now, asked_at)
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
        let asked_at = inner.now();
        for _ in 0..ROUNDS {
            let refusal = match inner.decide(header, inner.now()) {
                Decision::Use { keys, .. } => return Ok(keys),
                Decision::Fetch | Decision::Force => None,
                Decision::Refuse(error) => Some(error),
            };
            // A fetch that is under way may bring the key, whoever asked for it.
            if let Some(error) = refusal
                && !inner.shelf.is_flying()
            {
                return Err(error);
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
            let epoch = inner.shelf.load().epoch();
            // The cache has taken note of a failure, and what is settled reports it.
            let _ = fly(inner, landing).await;
            if inner.shelf.load().epoch() == epoch {
                break;
            }
        }
        inner.settle(header, asked_at)
    }

    async fn candidates_after_bad_signature(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let inner = &self.inner;
        let may = |now| inner.shelf.load().may_refetch_for_signature(now);
        let asked_at = inner.now();
        if may(asked_at) || inner.shelf.is_flying() {
            match inner.shelf.board() {
                Boarding::Passenger(waiting) => waiting.await,
                Boarding::Pilot(landing) => {
                    let now = inner.now();
                    if may(now) {
                        inner.shelf.change(|cache| cache.force(now));
                        fly(inner, landing).await.ok()?;
                    }
                }
            }
        }
        // Only what was confirmed since the keys were taken can say more than what has been tried;
        // when that was is not known, and it was not long ago.
        let now = inner.now();
        let cache = inner.shelf.load();
        if !cache.is_newer(now, asked_at.saturating_sub(JUST_NOW)) {
            return None;
        }
        cache.hit(header, now).map(|(keys, _)| keys)
    }
}

/// A signature is tried again with keys that were confirmed so long before it was found to be bad:
/// they may have come while it was checked with those before.
const JUST_NOW: Duration = Duration::from_secs(2);

/// What a new set changed, to be told.
fn happenings(changes: Changes) -> Vec<Happening> {
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
    replaced.chain(added).chain(withdrawn).collect()
}
