//! What all endpoints share. The part that changes stands behind one lock, which no `await` is
//! ever reached with.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use smart_discovery::HttpClient;
use smart_jose::CryptoProvider;
use smart_oidc::server::{
    AssertionAudience, ClientAssertionVerifier, ClientRegistration as Registered, CodeBook,
    CodeChallenge, GrantId, MemoryReplayStore, RefreshBook,
};

use crate::ahead::AheadClock;
use crate::client::ClientRegistration;
use crate::hostile::{Fault, FaultError, Moment, Script, Times, judge_fault};
use crate::journal::Journal;
use crate::key_rings::KeyRings;
use crate::launches::{LAUNCH_LIFETIME, LaunchContext, LaunchRecord};
use crate::scopes::{Scopes, SmartVersion};
use crate::store::{Fingerprint, Store};
use crate::urls::Urls;
use crate::user::SandboxUser;
use crate::world::World;

/// The lifetime of an access token unless another is chosen, as announced in `expires_in`.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// The longest that a backend service gets (SMART App Launch 2.2, Issue Access Token).
pub(crate) const BACKEND_LIFETIME: Duration = Duration::from_secs(300);
/// So long a consent page can be answered.
const CONSENT_LIFETIME: Duration = Duration::from_secs(600);
/// So many of each are held, the oldest making room.
const MAX_LAUNCHES: usize = 1_000;
const MAX_PENDING: usize = 1_000;
const MAX_TOKENS: usize = 10_000;
const MAX_GRANTS: usize = 2_000;

/// A code is kept as long as the token that was issued from it, so that a second use is noticed as
/// long as there is something to revoke.
fn codes_for(token_lifetime: Duration, provider: &CryptoProvider) -> CodeBook<Arc<Grant>> {
    CodeBook::new(provider)
        .with_capacity(MAX_GRANTS)
        .with_memory(token_lifetime)
}

fn refresh_book(provider: &CryptoProvider) -> RefreshBook<RefreshGrant> {
    RefreshBook::new(provider).with_capacity(MAX_GRANTS)
}

/// No assertion was used yet.
fn assertions_for(urls: &Urls, provider: &CryptoProvider) -> ClientAssertionVerifier {
    let audience = AssertionAudience::either(urls.token(), urls.issuer());
    let replay = Arc::new(MemoryReplayStore::default());
    ClientAssertionVerifier::new(audience, replay, provider)
}

/// What is fixed when the sandbox starts, and the state.
pub(crate) struct Context {
    pub(crate) urls: Urls,
    pub(crate) provider: CryptoProvider,
    /// The clock that was chosen, set ahead where somebody asked for it.
    pub(crate) clock: Arc<AheadClock>,
    pub(crate) clients: RwLock<Vec<Arc<Client>>>,
    /// Reads the key sets of apps; nothing else is fetched.
    pub(crate) http: Option<Arc<dyn HttpClient>>,
    /// The faults that are played.
    pub(crate) script: Script,
    /// What was asked lately.
    pub(crate) journal: Arc<Journal>,
    /// Replaced whole when somebody joins.
    pub(crate) people: RwLock<Arc<World>>,
    pub(crate) version: SmartVersion,
    /// Whether others than this machine may reach the sandbox.
    pub(crate) is_exposed: bool,
    pub(crate) auto_approve: bool,
    pub(crate) token_lifetime: Duration,
    pub(crate) state: Mutex<State>,
}

impl Context {
    /// The state. A panic while it was held cannot have left it half changed, as each change is
    /// one call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who and what there is at present.
    pub(crate) fn world(&self) -> Arc<World> {
        let world = self.people.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&world)
    }

    /// Changes who and what there is; nothing where the change is refused.
    pub(crate) fn change_world<E>(
        &self,
        change: impl FnOnce(&mut World) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut world = self.people.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = World::clone(&world);
        change(&mut next)?;
        *world = Arc::new(next);
        Ok(())
    }

    /// The registered app of this id.
    pub(crate) fn client(&self, client_id: &str) -> Option<Arc<Client>> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let mut clients = clients.iter();
        clients
            .find(|it| it.registration.client_id == client_id)
            .cloned()
    }

    /// The ids of the registered apps that sign somebody in.
    pub(crate) fn client_ids(&self) -> Vec<String> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        let apps = clients
            .iter()
            .filter(|it| it.registration.system_scopes.is_none());
        apps.map(|it| it.registration.client_id.clone()).collect()
    }

    /// Whether scripts of this origin belong to a registered app.
    pub(crate) fn has_origin(&self, origin: &str) -> bool {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.iter().any(|it| it.registration.has_origin(origin))
    }

    /// Who verifies the assertions of apps now. It is taken out, as verifying awaits.
    pub(crate) fn assertions(&self) -> ClientAssertionVerifier {
        self.state().assertions.clone()
    }

    /// Forgets everything that was issued, begun, used and asked, and plays no fault any more.
    pub(crate) fn reset(&self) {
        self.script.take_all_back();
        self.journal.clear();
        self.state()
            .forget(&self.urls, self.token_lifetime, &self.provider);
    }

    /// Whether these faults change something here, with the keys that sign now.
    pub(crate) fn judge_faults<'a>(
        &self,
        faults: impl IntoIterator<Item = &'a Fault>,
    ) -> Result<(), FaultError> {
        let moment = Moment {
            urls: &self.urls,
            provider: &self.provider,
            now: self.clock.now().as_secs(),
        };
        let mut faults = faults.into_iter();
        self.with_keys(|keys| faults.try_for_each(|it| judge_fault(it, keys, &moment)))
    }

    /// Plays a fault from now on.
    pub(crate) fn play(&self, fault: &'static Fault, times: Times) -> Result<(), FaultError> {
        self.judge_faults([fault])?;
        self.script.play(fault, times);
        Ok(())
    }

    /// Plays faults one after another from now on.
    pub(crate) fn play_in_turn(
        &self,
        sequence: impl IntoIterator<Item = (&'static Fault, Times)>,
    ) -> Result<(), FaultError> {
        let sequence: Vec<_> = sequence.into_iter().collect();
        self.judge_faults(sequence.iter().map(|it| it.0))?;
        self.script.play_in_turn(sequence);
        Ok(())
    }

    /// The keys, after the rotation that is due.
    pub(crate) fn with_keys<T>(&self, look: impl FnOnce(&mut KeyRings) -> T) -> T {
        let mut state = self.state();
        state.keys.keep_time(self.clock.monotonic());
        look(&mut state.keys)
    }
}

/// A registered app, and what it authenticates with.
pub(crate) struct Client {
    pub(crate) registration: ClientRegistration,
    pub(crate) authentication: Registered,
}

/// What changes while the sandbox runs.
pub(crate) struct State {
    pub(crate) keys: KeyRings,
    pub(crate) codes: CodeBook<Arc<Grant>>,
    pub(crate) refresh: RefreshBook<RefreshGrant>,
    pub(crate) launches: Store<LaunchRecord>,
    pub(crate) pending: Store<PendingRequest>,
    pub(crate) tokens: Store<TokenRecord>,
    /// Knows which assertions were used.
    pub(crate) assertions: ClientAssertionVerifier,
}

impl State {
    /// Nothing issued yet. An authorization request is at most some kilobytes long, so these
    /// numbers bound the memory too.
    pub(crate) fn new(
        keys: KeyRings,
        urls: &Urls,
        token_lifetime: Duration,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            keys,
            codes: codes_for(token_lifetime, provider),
            refresh: refresh_book(provider),
            launches: Store::new(MAX_LAUNCHES, LAUNCH_LIFETIME),
            pending: Store::new(MAX_PENDING, CONSENT_LIFETIME),
            tokens: Store::new(MAX_TOKENS, token_lifetime),
            assertions: assertions_for(urls, provider),
        }
    }

    /// Forgets all that was issued, begun and used; the keys stay.
    pub(crate) fn forget(
        &mut self,
        urls: &Urls,
        token_lifetime: Duration,
        provider: &CryptoProvider,
    ) {
        let Self {
            codes,
            refresh,
            launches,
            pending,
            tokens,
            assertions,
            keys: _,
        } = self;
        *codes = codes_for(token_lifetime, provider);
        *refresh = refresh_book(provider);
        *launches = Store::new(MAX_LAUNCHES, LAUNCH_LIFETIME);
        *pending = Store::new(MAX_PENDING, CONSENT_LIFETIME);
        *tokens = Store::new(MAX_TOKENS, token_lifetime);
        *assertions = assertions_for(urls, provider);
    }

    /// Ends a grant: no token of it is good any more.
    pub(crate) fn revoke(&mut self, grant_id: GrantId) {
        self.refresh.revoke(grant_id);
        self.tokens.drop_where(|it| it.grant_id == Some(grant_id));
    }
}

/// An authorization request that was found sound.
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) scopes: Scopes,
    pub(crate) challenge: CodeChallenge,
    pub(crate) nonce: Option<String>,
    /// The launch from the EHR that this answers.
    pub(crate) launch: Option<Fingerprint>,
    /// The app sent `max_age`, so it will look for `auth_time`.
    pub(crate) wants_auth_time: bool,
    /// The app forbade a page (`prompt=none`).
    pub(crate) forbids_page: bool,
}

/// A request whose user is at our pages.
pub(crate) struct PendingRequest {
    pub(crate) request: AuthorizationRequest,
    /// Who signs in, once chosen.
    pub(crate) user: Option<Arc<SandboxUser>>,
    /// The patient whom the EHR has open, or who was chosen.
    pub(crate) patient: Option<String>,
}

/// What a user granted to an app.
pub(crate) struct Grant {
    /// Who granted it.
    pub(crate) user: Arc<SandboxUser>,
    pub(crate) client_id: String,
    pub(crate) scopes: Scopes,
    pub(crate) nonce: Option<String>,
    pub(crate) wants_auth_time: bool,
    /// When, by the wall clock, in seconds.
    pub(crate) auth_time: u64,
    /// The id of the patient whom the grant is about. It is chosen once, when the code is issued: a
    /// refresh or a look at a token may tell less of it, and never tells of somebody else.
    pub(crate) patient: Option<String>,
    /// What else was open in the EHR.
    pub(crate) launch: LaunchContext,
}

/// A grant that can be refreshed.
pub(crate) struct RefreshGrant {
    pub(crate) grant: Arc<Grant>,
    /// When the first ID token was issued, in seconds: a later one must be newer.
    pub(crate) first_iat: u64,
}

/// An access token that was issued.
pub(crate) struct TokenRecord {
    /// None for a backend service, which has no grant.
    pub(crate) grant_id: Option<GrantId>,
    pub(crate) client_id: String,
    pub(crate) scopes: Scopes,
    /// What a user granted; none for a backend service.
    pub(crate) grant: Option<Arc<Grant>>,
    /// When it ends, by the wall clock, in seconds.
    pub(crate) exp: u64,
    /// When it ends, by the monotonic clock.
    pub(crate) until: Duration,
}
