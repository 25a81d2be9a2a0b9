//! Many issuers in one process.

use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use smart_jose::CryptoProvider;

use super::issuer::{IssuerState, LiveIssuer};
use super::snapshot::IssuerSnapshot;
use crate::clock::Clock;
use crate::discover::Discovery;
use crate::fhir_bases::FhirBases;
use crate::freshness::MAX_LIFE;
use crate::jwks::SnapshotError;
use crate::kept::STALE_LIFE;
use crate::observe::Observer;
use crate::url::FhirBaseUrl;

/// So many issuers are held unless set otherwise.
pub const MAX_ISSUERS: usize = 10_000;
/// An issuer that nobody has used for so long is let go: by then nothing of it could serve.
pub const IDLE: Duration = MAX_LIFE.saturating_add(STALE_LIFE);
/// How often it is looked whether issuers have become idle, at most.
const SWEEP: Duration = Duration::from_secs(60);

/// The issuers of many FHIR servers, each with its own documents, keys and fetches: one that hangs
/// or is flooded slows no other, and no key of one verifies a token of another.
///
/// There are at most [`MAX_ISSUERS`] of them unless set otherwise. Those that were not used
/// in [`IDLE`] are let go, and where that is not enough a sixteenth of all, those unused for
/// longest; whoever still has one goes on with it. FHIR bases come from your configuration and
/// never from a launch that nobody has checked (SMART App Launch: `iss` is the sender's choice).
///
/// ```
/// use std::sync::Arc;
/// use smart_discovery::jose::CryptoProvider;
/// use smart_discovery::{
///     Discovery, DiscoveryError, FhirBaseUrl, HttpClient, IssuerRegistry, SystemClock,
/// };
///
/// async fn example(
///     http: Arc<dyn HttpClient>,
///     hospital: &FhirBaseUrl,
///     provider: &CryptoProvider,
/// ) -> Result<(), DiscoveryError> {
///     let clock = Arc::new(SystemClock::new());
///     let registry = IssuerRegistry::new(Discovery::new(http), provider, clock);
///     let issuer = registry.issuer(hospital).trusted().await?;
///     println!("{} is at hand from now on", issuer.issuer());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct IssuerRegistry {
    discovery: Discovery,
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    limit: usize,
    idle: Duration,
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    issuers: HashMap<FhirBaseUrl, LiveIssuer>,
    swept_at: Duration,
}

impl IssuerRegistry {
    /// A registry without issuers. All of them are looked up by this discovery; where one needs
    /// settings of its own, such as a pinned issuer, see [`IssuerRegistry::add`].
    #[must_use]
    pub fn new(discovery: Discovery, provider: &CryptoProvider, clock: Arc<dyn Clock>) -> Self {
        Self {
            discovery,
            provider: *provider,
            clock,
            observer: None,
            limit: MAX_ISSUERS,
            idle: IDLE,
            held: RwLock::default(),
        }
    }

    /// Tells this observer what happens to all issuers that come from now on.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Holds at most so many issuers, and at least one.
    #[must_use]
    pub fn with_limit(mut self, issuers: usize) -> Self {
        self.limit = issuers.max(1);
        self
    }

    /// Lets go of issuers that nobody has used for so long.
    #[must_use]
    pub const fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The issuer of this FHIR server; it is made where it is not held, and fetches nothing before
    /// it is used. Bases that differ in a final slash are two.
    #[must_use]
    pub fn issuer(&self, base: &FhirBaseUrl) -> LiveIssuer {
        if let Some(issuer) = self.find(base) {
            return issuer;
        }
        let discovery = self.discovery.clone();
        let (provider, clock) = (&self.provider, Arc::clone(&self.clock));
        let issuer = LiveIssuer::new(discovery, base.clone(), provider, clock);
        let issuer = match &self.observer {
            Some(observer) => issuer.with_observer(Arc::clone(observer)),
            None => issuer,
        };
        self.insert(issuer, |held| Some(held.clone()))
    }

    /// Holds this issuer, in the place of the one of the same FHIR base if there is one.
    pub fn add(&self, issuer: LiveIssuer) {
        self.insert(issuer, |_| None);
    }

    /// The issuer of this FHIR server, if it is held.
    #[must_use]
    pub fn find(&self, base: &FhirBaseUrl) -> Option<LiveIssuer> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let issuer = held.issuers.get(base)?;
        issuer.touch();
        Some(issuer.clone())
    }

    /// Lets go of an issuer. Whoever still has it goes on with it.
    pub fn remove(&self, base: &FhirBaseUrl) -> Option<LiveIssuer> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.issuers.remove(base)
    }

    /// How many issuers are held.
    #[must_use]
    pub fn len(&self) -> usize {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.issuers.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The issuers that are held, in no order.
    #[must_use]
    pub fn issuers(&self) -> Vec<LiveIssuer> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.issuers.values().cloned().collect()
    }

    /// How each stands, in the order of their FHIR bases.
    #[must_use]
    pub fn states(&self) -> Vec<IssuerState> {
        let mut states: Vec<_> = self.issuers().iter().map(LiveIssuer::state).collect();
        states.sort_by(|a, b| a.fhir_base.cmp(&b.fhir_base));
        states
    }

    /// What is held of all issuers, to be written down for a later start.
    #[must_use]
    pub fn export(&self) -> Vec<IssuerSnapshot> {
        let issuers = self.issuers();
        issuers.iter().filter_map(LiveIssuer::export).collect()
    }

    /// Takes in what was written down of these FHIR servers and no others: those that are still in
    /// your configuration. Gives back what could not be taken in, by FHIR base; a snapshot that is
    /// refused costs nothing but a cold start of its issuer.
    pub fn import(
        &self,
        snapshots: &[IssuerSnapshot],
        configured: &FhirBases,
    ) -> Vec<(FhirBaseUrl, SnapshotError)> {
        let import = |snapshot: &IssuerSnapshot| {
            let base = configured.find(snapshot.fhir_base())?;
            let error = self.issuer(base).import(snapshot).err()?;
            Some((base.clone(), error))
        };
        snapshots.iter().filter_map(import).collect()
    }

    /// Holds an issuer, unless `keep` prefers the one that is held already; gives back the one
    /// that is held in the end.
    fn insert(
        &self,
        issuer: LiveIssuer,
        keep: impl FnOnce(&LiveIssuer) -> Option<LiveIssuer>,
    ) -> LiveIssuer {
        let now = self.clock.monotonic();
        issuer.touch();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        let base = issuer.fhir_base();
        // Somebody else may have been faster.
        if let Some(before) = held.issuers.get(base)
            && let Some(kept) = keep(before)
        {
            return kept;
        }
        let is_new = !held.issuers.contains_key(base);
        let is_full = is_new && held.issuers.len() >= self.limit;
        if is_full || now.saturating_sub(held.swept_at) >= SWEEP {
            held.sweep(now, self.idle);
        }
        if is_new && held.issuers.len() >= self.limit {
            held.make_room(self.limit);
        }
        held.issuers.insert(base.clone(), issuer.clone());
        issuer
    }
}

impl Held {
    /// Lets go of those that are idle.
    fn sweep(&mut self, now: Duration, idle: Duration) {
        self.swept_at = now;
        self.issuers
            .retain(|_, it| now.saturating_sub(Duration::from_secs(it.used_at())) < idle);
    }

    /// Lets go of a sixteenth, those unused for longest: one at a time would cost a look at all of
    /// them for each that comes.
    fn make_room(&mut self, limit: usize) {
        let mut times: Vec<u64> = self.issuers.values().map(LiveIssuer::used_at).collect();
        let mut surplus = (times.len() + 1).saturating_sub(limit).max(limit / 16);
        times.sort_unstable();
        let Some(&last) = times.get(surplus.saturating_sub(1)) else {
            return;
        };
        self.issuers.retain(|_, it| {
            let goes = surplus > 0 && it.used_at() <= last;
            surplus -= usize::from(goes);
            !goes
        });
    }
}
