//! One FHIR server whose issuer is kept up to date.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde::Serialize;
use smart_jose::{CryptoProvider, Text, UnixTime};

use super::chain::{Answer, Chain, Decision, Due, End, Guide};
use super::snapshot::IssuerSnapshot;
use crate::capability_statement;
use crate::clock::Clock;
use crate::conditional::{self, Validators};
use crate::discover::{Discovery, DiscoveryError, TrustedIssuer};
use crate::document::DocumentError;
use crate::flight::{Boarding, Landing};
use crate::freshness::{self, LIFE};
use crate::http_client::TransportError;
use crate::jitter::Jitter;
use crate::jwks::{RemoteJwks, SnapshotError};
use crate::kept::{Moment, Standing, Terms};
use crate::observe::{DocumentKind, DocumentState, Event, Happening, Observer};
use crate::provider_metadata::{MetadataError, ProviderMetadata};
use crate::shelf::{self, Shelf};
use crate::smart_configuration::SmartConfiguration;
use crate::telemetry;
use crate::url::{FhirBaseUrl, Issuer};

/// The issuer of one FHIR server, with its documents and its keys.
///
/// Both metadata documents live by the rules of [`RemoteJwks`]: as long as their answers say, read
/// anew ahead of their end, and kept through an outage. A `kid` that the keys do not have even
/// when they were just fetched makes it read the issuer's metadata again, in case the keys have
/// moved. A server that names another issuer than before is refused, and what was trusted stays;
/// [`LiveIssuer::purge`] accepts the change.
///
/// [`LiveIssuer::keys_of`] gives the [`KeySource`](crate::KeySource) for a verifier. Cloning shares everything.
///
/// ```
/// use std::sync::Arc;
/// use smart_discovery::jose::CryptoProvider;
/// use smart_discovery::{
///     Discovery, DiscoveryError, FhirBaseUrl, HttpClient, LiveIssuer, SystemClock,
/// };
///
/// async fn example(
///     http: Arc<dyn HttpClient>,
///     base: FhirBaseUrl,
///     provider: &CryptoProvider,
/// ) -> Result<(), DiscoveryError> {
///     let clock = Arc::new(SystemClock::new());
///     let live = LiveIssuer::new(Discovery::new(http), base, provider, clock);
///     // The first caller fetches and all others wait for it; later ones find it at hand.
///     println!("tokens come from {}", live.trusted().await?.issuer());
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LiveIssuer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    shelf: Shelf<Chain>,
    /// In whole seconds on the monotonic clock.
    used_at: AtomicU64,
}

#[derive(Clone, Debug)]
struct Settings {
    discovery: Discovery,
    base: FhirBaseUrl,
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
}

/// How an issuer stands, for an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IssuerState {
    /// The FHIR base.
    pub fhir_base: String,
    /// The issuer, once the chain has led to it.
    pub issuer: Option<String>,
    /// What the FHIR server says of its authorization.
    pub smart_configuration: DocumentState,
    /// The issuer's metadata.
    pub openid_configuration: DocumentState,
    /// The issuer's keys, once it is known where they are.
    pub jwks: Option<DocumentState>,
}

impl LiveIssuer {
    /// The issuer of this FHIR server; nothing is fetched yet.
    #[must_use]
    pub fn new(
        discovery: Discovery,
        base: FhirBaseUrl,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with(Settings {
            discovery,
            base,
            provider: *provider,
            clock,
            observer: None,
        })
    }

    fn with(settings: Settings) -> Self {
        let shelf = Shelf::new(Chain::new(Terms::issuer(LIFE)));
        Self {
            inner: Arc::new(Inner {
                settings,
                shelf,
                used_at: AtomicU64::new(0),
            }),
        }
    }

    /// The same issuer, with nothing held yet, that tells this observer what happens.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        let mut settings = self.inner.settings.clone();
        settings.observer = Some(observer);
        Self::with(settings)
    }

    /// The FHIR base.
    #[must_use]
    pub fn fhir_base(&self) -> &FhirBaseUrl {
        &self.inner.settings.base
    }

    /// The issuer, if it is at hand: no waiting, no network.
    #[must_use]
    pub fn at_hand(&self) -> Option<Arc<TrustedIssuer>> {
        let inner = &self.inner;
        inner.glance(inner.now(), |end| Arc::clone(&end.issuer))
    }

    /// The issuer, found by the chain of trust if need be.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError`] where it cannot be had and nothing that may serve is held.
    pub async fn trusted(&self) -> Result<Arc<TrustedIssuer>, DiscoveryError> {
        Ok(self.end().await?.issuer)
    }

    /// The end of the chain of trust, followed if need be.
    pub(super) async fn end(&self) -> Result<End, DiscoveryError> {
        let inner = &self.inner;
        let at_hand = || inner.glance(inner.now(), End::clone);
        let mut result = Ok(());
        for _ in 0..ROUNDS {
            if inner.next()?.is_none()
                && let Some(end) = at_hand()
            {
                return Ok(end);
            }
            match inner.shelf.board() {
                Boarding::Passenger(waiting) => waiting.await,
                Boarding::Pilot(landing) => {
                    // A flight may have landed in between.
                    if let Some(due) = inner.next()? {
                        result = inner.fly(due, landing).await;
                    }
                }
            }
        }
        if let Some(end) = at_hand() {
            return Ok(end);
        }
        result?;
        inner.next()?;
        Err(DiscoveryError::Interrupted)
    }

    /// When it was last used, in whole seconds on the monotonic clock.
    pub(super) fn used_at(&self) -> u64 {
        self.inner.used_at.load(Ordering::Relaxed)
    }

    /// The monotonic clock.
    pub(super) fn now(&self) -> Duration {
        self.inner.now()
    }

    /// What is at hand at this moment.
    pub(super) fn glance<T>(&self, now: Duration, take: impl FnOnce(&End) -> T) -> Option<T> {
        self.inner.glance(now, take)
    }

    /// What the documents that are held lead to, whatever their age, and how they were judged.
    pub(super) fn held<T>(&self, take: impl FnOnce(&Discovery, &End) -> T) -> Option<T> {
        let Inner {
            settings, shelf, ..
        } = &*self.inner;
        let chain = shelf.load();
        chain.end().map(|end| take(&settings.discovery, end))
    }

    /// Takes note that it is used.
    pub(super) fn touch(&self) {
        self.inner.touch(self.inner.now());
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> IssuerState {
        let Inner {
            settings, shelf, ..
        } = &*self.inner;
        let chain = shelf.load();
        let [smart, provider] = chain.standings(settings.clock.monotonic());
        let is_flying = shelf.is_flying();
        let state = |document, (standing, error): (_, Option<&DiscoveryError>)| {
            let error = error.map(DiscoveryError::code);
            DocumentState::new(document, standing, is_flying, error)
        };
        IssuerState {
            fhir_base: settings.base.as_str().to_owned(),
            issuer: chain.end().map(|it| it.issuer.issuer().as_str().to_owned()),
            smart_configuration: state(DocumentKind::SmartConfiguration, smart),
            openid_configuration: state(DocumentKind::OpenidConfiguration, provider),
            jwks: chain.end().map(|it| it.keys.state()),
        }
    }

    /// Forgets the issuer and its keys: after a change of issuer that is meant, or a stolen key.
    pub fn purge(&self) {
        let end = self.inner.shelf.change(|chain| {
            let end = chain.end().cloned();
            chain.purge();
            end
        });
        // Whoever holds these keys already, or waits for them, is to have none of them either.
        if let Some(end) = end {
            end.keys.purge();
        }
        for document in [
            DocumentKind::SmartConfiguration,
            DocumentKind::OpenidConfiguration,
        ] {
            self.inner
                .tell(document, self.fhir_base().as_str(), Happening::Purged);
        }
    }

    /// What is held, to be written down for a later start; nothing before the chain has led to an
    /// issuer. A file of it decides who may sign in, so keep it where nobody else can write.
    #[must_use]
    pub fn export(&self) -> Option<IssuerSnapshot> {
        let Settings { base, clock, .. } = &self.inner.settings;
        let chain = self.inner.shelf.load();
        let jwks = chain.end()?.keys.export();
        IssuerSnapshot::of(base, &chain, jwks, clock.now(), clock.monotonic())
    }

    /// Takes in what was written down, through every check of the chain of trust and as old as it
    /// is; a date in the future counts as the end of its life. Where something younger is held
    /// already, that stays.
    ///
    /// # Errors
    ///
    /// [`SnapshotError`]: then nothing is taken in.
    pub fn import(&self, snapshot: &IssuerSnapshot) -> Result<(), SnapshotError> {
        let inner = &self.inner;
        let Settings {
            discovery, base, ..
        } = &inner.settings;
        let opened = snapshot.open(discovery, base, inner.wall())?;
        let (_, smart, metadata) = &opened;
        let age = smart.age.max(metadata.age);
        let held = inner.shelf.load().end().cloned();
        let found = metadata.document.issuer.clone();
        let other = |held: &Issuer| SnapshotError::OtherIssuer {
            expected: Text::new(held.as_str()),
            found: Text::new(found.as_str()),
        };
        let keys = match held {
            Some(end) if *end.issuer.issuer() != found => return Err(other(end.issuer.issuer())),
            // Keys that are held take in what is younger and nothing else.
            Some(end) if end.keys.uri().as_str() == metadata.document.jwks_uri.as_str() => end.keys,
            _ => inner.keys_at(&metadata.document),
        };
        if let Some(jwks) = snapshot.jwks() {
            keys.import(jwks)?;
        }
        let guide = Guide {
            discovery,
            base,
            keys_at: &|_| keys.clone(),
        };
        let moment = inner.moment();
        let restored = inner
            .shelf
            .change(|chain| chain.restore(guide, opened, moment))
            .map_err(|held| other(&held))?;
        if restored {
            inner.tell(
                DocumentKind::SmartConfiguration,
                base.as_str(),
                Happening::Restored { age },
            );
        }
        Ok(())
    }

    /// Reads the issuer's metadata again, because of a token that the keys or the announced
    /// algorithms do not fit, unless that was done since it came or may not be done. Whoever comes
    /// while it is under way waits for it.
    pub(super) async fn reread(&self, asked_at: Duration) {
        let inner = &self.inner;
        let may = |now| {
            let chain = inner.shelf.load();
            chain.may_reread(now) && !chain.is_newer(now, asked_at)
        };
        if !may(inner.now()) && !inner.shelf.is_flying() {
            return;
        }
        match inner.shelf.board() {
            Boarding::Passenger(waiting) => waiting.await,
            Boarding::Pilot(landing) => {
                let now = inner.now();
                if may(now) {
                    inner.shelf.change(|chain| chain.force(now));
                    let due = Due {
                        provider: true,
                        smart: false,
                    };
                    // The chain has taken note of a failure.
                    let _ = inner.fly(due, landing).await;
                }
            }
        }
    }
}

/// So often somebody waits for a fetch before they take what it brought, whatever the clock says.
const ROUNDS: usize = 3;

impl Inner {
    fn now(&self) -> Duration {
        self.settings.clock.monotonic()
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.now(),
            jitter: Jitter::draw(&self.settings.provider),
        }
    }

    fn tell(&self, document: DocumentKind, url: &str, what: Happening) {
        let event = Event {
            document,
            url: Text::new(url),
            what,
        };
        telemetry::tell(self.settings.observer.as_deref(), &event);
    }

    /// What is at hand at this moment; what is due is fetched in the background.
    fn glance<T>(self: &Arc<Self>, now: Duration, take: impl FnOnce(&End) -> T) -> Option<T> {
        let chain = self.shelf.load();
        let Decision::Use { end, ahead } = chain.decide(now) else {
            return None;
        };
        self.touch(now);
        if ahead.is_any()
            && let Some(landing) = self.shelf.take_off()
        {
            // Somebody may have landed since it was found to be due.
            if let Decision::Use { ahead, .. } = self.shelf.load().decide(now)
                && ahead.is_any()
            {
                let inner = Arc::clone(self);
                shelf::leave(async move {
                    // A failure is kept in the chain, which is where it matters.
                    let _ = inner.fly(ahead, landing).await;
                });
            }
        }
        Some(take(end))
    }

    /// Takes note that somebody uses this. It is written once a second at most, so that threads
    /// do not take it from each other.
    fn touch(&self, now: Duration) {
        let now = now.as_secs();
        if self.used_at.load(Ordering::Relaxed) != now {
            self.used_at.store(now, Ordering::Relaxed);
        }
    }

    /// What is to be fetched before anything is at hand; nothing where it is.
    fn next(&self) -> Result<Option<Due>, DiscoveryError> {
        match self.shelf.load().decide(self.now()) {
            Decision::Use { .. } => Ok(None),
            Decision::Fetch(due) => Ok(Some(due)),
            Decision::Refuse(error) => Err(error.clone()),
        }
    }

    /// Fetches as a task of its own, so that it goes on when the caller goes away.
    async fn fly(self: &Arc<Self>, due: Due, landing: Landing) -> Result<(), DiscoveryError> {
        let inner = Arc::clone(self);
        let fetch = async move {
            let mut told = Vec::new();
            let result = inner.fetch(due, &mut told).await;
            // Whoever waits goes on before anybody is told.
            drop(landing);
            inner.tell_all(&told);
            result
        };
        shelf::run(fetch)
            .await
            .unwrap_or_else(|| Err(self.lost(due)))
    }

    /// Takes note that the task of a fetch has ended without a result.
    fn lost(&self, due: Due) -> DiscoveryError {
        let base = self.settings.base.as_str();
        let error = DiscoveryError::Smart(DocumentError::from(shelf::lost(base)));
        let moment = self.moment();
        self.shelf.change(|chain| {
            if due.smart {
                chain.smart_failed(error.clone(), None, moment);
            }
            if due.provider {
                chain.provider_failed(error.clone(), None, moment);
            }
        });
        error
    }

    fn tell_all(&self, told: &[Event]) {
        for event in told {
            telemetry::tell(self.settings.observer.as_deref(), event);
        }
    }

    /// Fetches what is due, in the order of the chain.
    async fn fetch(&self, due: Due, told: &mut Vec<Event>) -> Result<(), DiscoveryError> {
        let smart = match due.smart {
            true => self.fetch_smart(told).await,
            false => Ok(()),
        };
        let is_missing = self.shelf.load().provider().value().is_none();
        let has_issuer = self.shelf.load().looked_up().is_some();
        if has_issuer && (due.provider || is_missing) {
            self.fetch_provider(told).await?;
        }
        smart
    }

    async fn send(
        &self,
        document: DocumentKind,
        request: Request<Bytes>,
        people_wait: bool,
    ) -> Result<Response<Bytes>, TransportError> {
        let Settings {
            discovery, clock, ..
        } = &self.settings;
        shelf::send(
            &**discovery.http(),
            &**clock,
            request,
            people_wait,
            document,
        )
        .await
    }

    async fn fetch_smart(&self, told: &mut Vec<Event>) -> Result<(), DiscoveryError> {
        let Settings {
            discovery, base, ..
        } = &self.settings;
        let chain = self.shelf.load_full();
        let held = chain.smart().value();
        let request = SmartConfiguration::request(base);
        let request = conditional(request, chain.smart().validators());
        let kind = DocumentKind::SmartConfiguration;
        let mut sent = self.send(kind, request, held.is_none()).await;
        let read = |response: &Response<Bytes>| {
            SmartConfiguration::from_response(base, response, discovery.plain())
                .map_err(DiscoveryError::Smart)
        };
        // A server that has had the document has not gone back to SMART 1.0; it is broken.
        let may_fall_back = held.is_none_or(|it| it.is_from_capability_statement());
        let mut result = self.read(&sent, read, DiscoveryError::Smart);
        if let Err(error) = &result
            && may_fall_back
            && discovery.falls_back_after(error)
        {
            let request = capability_statement::request(base);
            sent = self.send(kind, request, held.is_none()).await;
            let read = |response: &Response<Bytes>| {
                capability_statement::from_response(base, response, discovery.plain())
                    .map_err(DiscoveryError::Smart)
            };
            result = self.read(&sent, read, DiscoveryError::Smart);
            if let Ok(answer) = &mut result {
                // The next request goes to the other place first.
                answer.validators = Validators::default();
            }
        }
        let (with_body, life) = brought(&result);
        let retry_after = self.retry_after(&sent);
        let moment = self.moment();
        let url = SmartConfiguration::url(base);
        let guide = Guide {
            discovery,
            base,
            keys_at: &|metadata| self.keys_at(metadata),
        };
        let epoch = chain.epoch();
        let (result, standing) = self.shelf.change(|chain| {
            if chain.epoch() != epoch {
                // What was asked for before says nothing of what holds since.
                return (Ok(()), None);
            }
            let taken = result.and_then(|it| chain.take_smart(guide, it, moment));
            if let Err(error) = &taken {
                chain.smart_failed(error.clone(), retry_after, moment);
            }
            (taken, Some(chain.smart().standing(moment.now)))
        });
        report(kind, &url, &result, (with_body, life), standing, told);
        result
    }

    async fn fetch_provider(&self, told: &mut Vec<Event>) -> Result<(), DiscoveryError> {
        let Settings {
            discovery, base, ..
        } = &self.settings;
        let chain = self.shelf.load_full();
        let Some(issuer) = chain.looked_up() else {
            return Ok(());
        };
        let request = ProviderMetadata::request(issuer);
        let request = conditional(request, chain.provider().validators());
        let kind = DocumentKind::OpenidConfiguration;
        let people_wait = chain.provider().value().is_none();
        let sent = self.send(kind, request, people_wait).await;
        let read = |response: &Response<Bytes>| {
            ProviderMetadata::from_response(issuer, response, discovery.plain())
                .map_err(DiscoveryError::Provider)
        };
        let broken = |error| DiscoveryError::Provider(MetadataError::Document(error));
        let result = self.read(&sent, read, broken);
        let (with_body, life) = brought(&result);
        let retry_after = self.retry_after(&sent);
        let moment = self.moment();
        let guide = Guide {
            discovery,
            base,
            keys_at: &|metadata| self.keys_at(metadata),
        };
        let epoch = chain.epoch();
        let (result, standing) = self.shelf.change(|chain| {
            if chain.epoch() != epoch {
                // What was asked for before says nothing of what holds since.
                return (Ok(()), None);
            }
            let taken = result.and_then(|it| chain.take_provider(guide, issuer, it, moment));
            if let Err(error) = &taken {
                chain.provider_failed(error.clone(), retry_after, moment);
            }
            (taken, Some(chain.provider().standing(moment.now)))
        });
        let url = issuer.configuration_url();
        report(kind, &url, &result, (with_body, life), standing, told);
        result
    }

    /// Reads an answer; word that nothing has changed is one without a document.
    fn read<T>(
        &self,
        sent: &Result<Response<Bytes>, TransportError>,
        read: impl FnOnce(&Response<Bytes>) -> Result<T, DiscoveryError>,
        broken: impl FnOnce(DocumentError) -> DiscoveryError,
    ) -> Result<Answer<T>, DiscoveryError> {
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(broken(DocumentError::from(error.clone()))),
        };
        let document = match response.status() {
            StatusCode::NOT_MODIFIED => None,
            _ => Some(read(response)?),
        };
        let bounds = self.shelf.load().smart().bounds();
        let headers = response.headers();
        Ok(Answer {
            document,
            validators: Validators::of(headers),
            life: freshness::life(headers, self.wall(), bounds),
        })
    }

    fn wall(&self) -> UnixTime {
        self.settings.clock.now()
    }

    fn retry_after(&self, sent: &Result<Response<Bytes>, TransportError>) -> Option<Duration> {
        let response = sent.as_ref().ok()?;
        conditional::retry_after_at(response, self.wall())
    }

    /// The keys of an issuer, with nothing held yet.
    fn keys_at(&self, metadata: &ProviderMetadata) -> RemoteJwks {
        let Settings {
            discovery,
            provider,
            clock,
            observer,
            ..
        } = &self.settings;
        let (http, clock) = (Arc::clone(discovery.http()), Arc::clone(clock));
        let keys = RemoteJwks::new(metadata.jwks_uri.clone(), http, provider, clock);
        match observer {
            Some(observer) => keys.with_observer(Arc::clone(observer)),
            None => keys,
        }
    }
}

fn conditional(request: Request<Bytes>, validators: Option<&Validators>) -> Request<Bytes> {
    match validators {
        Some(validators) => validators.apply(request),
        None => request,
    }
}

/// What an observer is told of an answer: whether it came with a body, and its life.
fn brought<T>(result: &Result<Answer<T>, DiscoveryError>) -> (bool, Duration) {
    result.as_ref().map_or((false, Duration::ZERO), |it| {
        (it.document.is_some(), it.life)
    })
}

/// Says what came of a fetch, to be told when it has landed; nothing where it was not taken in.
fn report(
    document: DocumentKind,
    url: &str,
    result: &Result<(), DiscoveryError>,
    (with_body, life): (bool, Duration),
    standing: Option<Standing>,
    told: &mut Vec<Event>,
) {
    let Some(standing) = standing else { return };
    let what = match result {
        Ok(()) => Happening::Fetched { with_body, life },
        Err(error) => Happening::Failed {
            code: error.code(),
            failures: standing.failures,
            rest: standing.rest.unwrap_or_default(),
        },
    };
    told.push(Event {
        document,
        url: Text::new(url),
        what,
    });
}
