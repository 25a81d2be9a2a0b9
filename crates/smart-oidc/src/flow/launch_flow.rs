//! The steps of a sign-in in their order, over a store.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use smart_discovery::{Clock, FhirBaseUrl, Finding, HttpClient, IssuerRegistry};
use smart_jose::{Algorithms, CryptoProvider};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::error::FlowError;
use super::registrations::{Registration, Registrations};
use super::request::EhrLaunch;
use super::servers::Servers;
use super::witness::SignInWitness;
use crate::authorization_request::AuthorizationRequest;
use crate::authorize::{Launch, LaunchKey, PendingLaunch};
use crate::callback::LAUNCH_LIFE;
use crate::id_token::{Expected, IdToken, IdTokenError};
use crate::launch_tag::LaunchTag;
use crate::session::{
    Closed, Keeper, LaunchSession, Peek, RefreshLease, Renewal, RenewalError, SESSION_LIFE,
    SessionError, SessionId, SessionStore, StoreKey, Tasks,
};
use crate::token::{ExchangedLaunch, IssuedTokens, RevocationError, TokenResponse};
use crate::value::{AccessToken, BrowserBinding};

/// The whole way of an app that is registered with one FHIR server or with many: from the EHR's
/// link, or the app's own button, to a session that is kept fresh all day, on one node or on many
/// that share a store.
///
/// It runs on tokio, with the timer turned on.
///
/// The four methods are what the four routes of an app do; each step uses up the one before.
///
/// ```no_run
/// use std::sync::Arc;
/// use smart_oidc::discovery::{Discovery, FhirBaseUrl, HttpClient, IssuerRegistry, SystemClock};
/// use smart_oidc::flow::{LaunchFlow, Registrations};
/// use smart_oidc::jose::CryptoProvider;
/// use smart_oidc::{ClientConfig, ClientId, MemoryStore, RedirectUri};
///
/// fn flow(http: Arc<dyn HttpClient>, provider: &CryptoProvider) -> LaunchFlow {
///     let base = FhirBaseUrl::parse("https://ehr.example/fhir").expect("an https URL");
///     let callback = RedirectUri::new("https://charts.example/callback");
///     let client = ClientConfig::public(ClientId::new("growth-chart"), callback);
///     let registered = Registrations::new().with(base, client).expect("one registration");
///     let clock = Arc::new(SystemClock::new());
///     let store = Arc::new(MemoryStore::new(clock.clone()));
///     let issuers = IssuerRegistry::new(Discovery::new(http.clone()), provider, clock.clone());
///     LaunchFlow::new(registered, issuers, http, provider, clock, store)
/// }
/// ```
#[derive(Clone)]
pub struct LaunchFlow {
    servers: Arc<Servers>,
    launches: Arc<dyn SessionStore>,
    keeper: Keeper,
    tasks: Tasks,
    session_life: Duration,
    witness: Option<Arc<dyn SignInWitness>>,
}

/// What a finished sign-in yields.
#[non_exhaustive]
pub struct SignedIn {
    /// For a cookie of the app (`__Host-`, `HttpOnly`, `Secure`): whoever has it is signed in.
    pub id: SessionId,
    /// The name of the launch, for the name of that cookie and the path of its pages: a browser may
    /// have more than one.
    pub tag: LaunchTag,
    /// The session.
    pub session: LaunchSession,
    /// Who is at the screen; `None` where `openid` was not granted.
    pub id_token: Option<IdToken>,
    /// What is odd about the answer of the token endpoint and was met all the same.
    pub findings: Vec<Finding>,
}

/// What became of the tokens of a session that has ended. The session is gone in any case.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SignedOut {
    /// Whether there was a session. A browser that signs out twice has none the second time.
    pub had_session: bool,
    /// Why the server could not be asked to revoke the tokens, if it could not.
    pub not_asked: Option<RenewalError>,
    /// What the server said instead of revoking a token; empty where it has revoked them, or
    /// offers no revocation and there is nothing to be done.
    pub not_revoked: Vec<RevocationError>,
}

impl LaunchFlow {
    /// The flow of an app with these registrations. Sessions and launches are kept in `store`: a
    /// [`crate::MemoryStore`] for one process, or one that many nodes share.
    #[must_use]
    pub fn new<S: SessionStore + RefreshLease + 'static>(
        registrations: Registrations,
        issuers: IssuerRegistry,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
        clock: Arc<dyn Clock>,
        store: Arc<S>,
    ) -> Self {
        let servers = Arc::new(Servers {
            registrations,
            issuers,
            http,
            provider: *provider,
            clock: Arc::clone(&clock),
            accepted: Algorithms::ID_TOKEN,
        });
        let (renewal, tasks) = (Arc::<Servers>::clone(&servers), Tasks::new());
        let (sessions, lease) = (store.clone(), store.clone());
        let keeper = Keeper::new(sessions, lease, renewal, clock, provider, tasks.clone());
        Self {
            servers,
            launches: store,
            keeper,
            tasks,
            session_life: SESSION_LIFE,
            witness: None,
        }
    }

    /// Ends sessions so long after their launch, whatever is refreshed; 12 hours unless set.
    #[must_use]
    pub const fn with_session_life(mut self, life: Duration) -> Self {
        self.session_life = life;
        self
    }

    /// Ends sessions that nobody has used for so long; unless set, nothing is too long. A use is
    /// written down eight times in that time, so a session may end an eighth of it too early.
    #[must_use]
    pub fn with_idle_life(mut self, life: Duration) -> Self {
        self.keeper = self.keeper.with_limits(|it| it.idle = Some(life));
        self
    }

    /// How old an access token is before [`LaunchFlow::session_after_rejection`] refreshes it; 30 s
    /// unless set. A FHIR server that refuses every token would otherwise cause a refresh with each
    /// request.
    #[must_use]
    pub fn with_rejection_pause(mut self, pause: Duration) -> Self {
        self.keeper = self.keeper.with_limits(|it| it.rejection_pause = pause);
        self
    }

    /// Keeps launches in another store than sessions. Anybody can begin launches, so that they may
    /// fill what they are kept in: where that is apart, the sessions of those who are signed in go
    /// on. A [`crate::MemoryStore`] is apart already.
    #[must_use]
    pub fn with_launch_store(mut self, launches: Arc<dyn SessionStore>) -> Self {
        self.launches = launches;
        self
    }

    /// Tells this witness of every check on the ID token of each sign-in, which is run once more for
    /// it; for operators and demonstrations.
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn SignInWitness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// With which FHIR servers the app is registered.
    #[must_use]
    pub fn registrations(&self) -> &Registrations {
        &self.servers.registrations
    }

    /// What is held of the servers that were asked so far: for an operator, and to have keys at hand
    /// before the first sign-in ([`smart_discovery::LiveIssuer::warm_up`]).
    #[must_use]
    pub fn issuers(&self) -> &IssuerRegistry {
        &self.servers.issuers
    }

    /// The client that its requests go through.
    #[must_use]
    pub fn http(&self) -> &Arc<dyn HttpClient> {
        &self.servers.http
    }

    /// The clock that it reads.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.servers.clock
    }

    /// Its provider of cryptography.
    #[must_use]
    pub fn provider(&self) -> &CryptoProvider {
        &self.servers.provider
    }

    /// Begins a launch from within an EHR: checks that the app is registered with the FHIR server
    /// that it names, before anything is sent there.
    ///
    /// Gives back where to send the browser, and what its cookie must hold for the callback.
    ///
    /// # Errors
    ///
    /// [`FlowError::NotRegistered`], [`FlowError::Discovery`], [`FlowError::Launch`] and
    /// [`FlowError::Store`].
    pub async fn begin_from_ehr(
        &self,
        launch: EhrLaunch,
    ) -> Result<(AuthorizationRequest, BrowserBinding), FlowError> {
        let registration = self.servers.registrations.find(&launch.iss)?;
        let trusted = self.servers.trusted(registration).await?;
        let client = &registration.client;
        let launch = Launch::from_ehr(&trusted, client, &launch.iss, launch.launch)?;
        self.begin(launch).await
    }

    /// Begins a launch from the app's own page, with one of the FHIR servers that it is registered
    /// with.
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::begin_from_ehr`].
    pub async fn begin_standalone(
        &self,
        fhir_base: &FhirBaseUrl,
    ) -> Result<(AuthorizationRequest, BrowserBinding), FlowError> {
        let registration = self.servers.registrations.find(fhir_base.as_str())?;
        let trusted = self.servers.trusted(registration).await?;
        self.begin(Launch::standalone(&trusted, &registration.client))
            .await
    }

    async fn begin(
        &self,
        launch: Launch<'_>,
    ) -> Result<(AuthorizationRequest, BrowserBinding), FlowError> {
        let (provider, clock) = (&self.servers.provider, &self.servers.clock);
        let begun = launch.begin(provider, clock.now())?;
        let key = StoreKey::of_launch(begun.pending.key());
        let value = begun.pending.write()?;
        self.launches.insert(&key, &value, LAUNCH_LIFE).await?;
        Ok((begun.request, begun.binding))
    }

    /// Finishes a launch: `query` is everything behind the `?` of the callback, and `binding` comes
    /// from the cookie of the browser that brought it.
    ///
    /// A callback in another browser finds nothing and uses nothing up. One that is genuine uses up
    /// the launch, whatever comes of it. It is finished by a task of its own: where nobody waits for
    /// it any more, since the browser has gone, the session is ended again.
    ///
    /// # Errors
    ///
    /// [`FlowError`]. There is no session then, and the server is asked to revoke the tokens that it
    /// had given. Only tokens in an answer that could not be read are left to their own end.
    pub async fn complete(
        &self,
        query: &str,
        binding: &BrowserBinding,
    ) -> Result<SignedIn, FlowError> {
        let key = LaunchKey::of_callback(query, binding, &self.servers.provider)?;
        let (flow, query, binding) = (self.clone(), query.to_owned(), binding.clone());
        let (tell, told) = oneshot::channel();
        self.tasks.spawn(async move {
            let result = flow.finish(&key, &query, &binding).await;
            // Where nobody takes it, it ends the session again.
            let _ = tell.send(result.map(|it| Unclaimed::new(flow, it)));
        });
        match told.await {
            Ok(result) => result?.claim(),
            Err(_) => Err(FlowError::Session(SessionError::Interrupted)),
        }
    }

    async fn finish(
        &self,
        key: &LaunchKey,
        query: &str,
        binding: &BrowserBinding,
    ) -> Result<SignedIn, FlowError> {
        let (provider, clock) = (&self.servers.provider, &self.servers.clock);
        let taken = self.launches.take(&StoreKey::of_launch(key)).await?;
        let pending = PendingLaunch::read(&taken.ok_or(FlowError::NoSuchLaunch)?)?;
        let launch = pending.authorize(query, binding, provider, clock.now())?;

        let fhir_base = launch.context().fhir_base.as_str().to_owned();
        let registration = self.servers.registrations.find(&fhir_base)?;
        let client = self.servers.token_client(registration);
        let (tag, identity) = (
            LaunchTag::of_callback(query, provider)?,
            launch.context().clone(),
        );
        let (tokens, launch) = match client.exchange(launch, clock.now()).await {
            Ok(exchanged) => exchanged,
            Err(error) => {
                if let Some(issued) = error.issued() {
                    self.servers.revoke_issued(&identity, issued).await;
                }
                return Err(error.into());
            }
        };
        let issued = IssuedTokens::of(&tokens);
        let signed_in = self.sign_in(registration, launch, tokens, tag).await;
        if signed_in.is_err() {
            self.servers.revoke_issued(&identity, &issued).await;
        }
        signed_in
    }

    /// Judges the tokens, and keeps the session that they make.
    async fn sign_in(
        &self,
        registration: &Registration,
        launch: ExchangedLaunch,
        tokens: TokenResponse,
        tag: LaunchTag,
    ) -> Result<SignedIn, FlowError> {
        let clock = &self.servers.clock;
        let id_token = match &tokens.id_token {
            Some(raw) => {
                let trusted = self.servers.trusted(registration).await?;
                let verifier = self.servers.verifier(registration, &trusted);
                if let Some(witness) = &self.witness {
                    let expected = Expected::of_launch(&launch, &tokens);
                    let report = verifier.explain(raw, &expected, clock.now());
                    witness.judged(&tag, report.await);
                }
                let verified = verifier.verify_launch(&launch, &tokens, clock.now());
                Some(verified.await?)
            }
            None => None,
        };
        let findings = tokens.findings.clone();
        let session = LaunchSession::new(launch, tokens, id_token.as_ref(), clock.now());
        let session = session
            .map_err(|_| IdTokenError::NoToken)?
            .with_life(self.session_life);
        let id = self.keeper.create(&session).await?;
        if let Some(witness) = &self.witness {
            let mut met = self.servers.chain_findings(registration);
            met.extend(findings.iter().cloned());
            witness.met(&tag, met);
        }
        Ok(SignedIn {
            id,
            tag,
            session,
            id_token,
            findings,
        })
    }

    /// The session of a browser, with an access token that serves. It is refreshed ahead of its
    /// end, once for all who ask and on all nodes, and nobody waits for that; who comes after its
    /// end waits for the refresh, at most 20 s.
    ///
    /// # Errors
    ///
    /// [`SessionError`]. Where [`SessionError::needs_launch`] says so, the user signs in again;
    /// otherwise the session stays, and a later try may succeed.
    pub async fn session(&self, id: &SessionId) -> Result<LaunchSession, SessionError> {
        self.keeper.open(id, None, None).await
    }

    /// The same after the FHIR server has refused this access token with status 401: the session
    /// is refreshed whatever its end, if it still has that token. A token that is new rests
    /// ([`SessionError::Resting`]), see [`LaunchFlow::with_rejection_pause`].
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::session`].
    pub async fn session_after_rejection(
        &self,
        id: &SessionId,
        rejected: &AccessToken,
    ) -> Result<LaunchSession, SessionError> {
        self.keeper.open(id, Some(rejected), None).await
    }

    /// The session, for a page that shows this patient (the id of a FHIR `Patient`): another one in
    /// context is an error, whether or not it was accepted elsewhere. Two windows of one launch share a
    /// session, and what one of them accepts is not what the other one shows.
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::session`], and [`SessionError::PatientChanged`].
    pub async fn session_showing(
        &self,
        id: &SessionId,
        shown: &str,
    ) -> Result<LaunchSession, SessionError> {
        self.keeper.open(id, None, Some(shown)).await
    }

    /// The same after the FHIR server has refused this access token with status 401.
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::session_showing`].
    pub async fn session_showing_after_rejection(
        &self,
        id: &SessionId,
        shown: &str,
        rejected: &AccessToken,
    ) -> Result<LaunchSession, SessionError> {
        self.keeper.open(id, Some(rejected), Some(shown)).await
    }

    /// A look at a session, for a list of a browser's sessions: nothing is refreshed, nobody waits for
    /// a server, and it does not count as a use, so a list that is shown again and again keeps no
    /// session from ending. Work with what [`LaunchFlow::session`] gives, which has a token that
    /// serves.
    ///
    /// # Errors
    ///
    /// [`SessionError::Lost`], [`SessionError::Over`] and [`SessionError::Store`].
    pub async fn peek(&self, id: &SessionId) -> Result<Peek, SessionError> {
        self.keeper.peek(id).await
    }

    /// Goes on after [`SessionError::PatientChanged`]: the app says whom it shows now (the id of a
    /// FHIR `Patient`), from the page itself and not from the error.
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::session`]: [`SessionError::PatientChanged`] where that is not the patient in
    /// context, be it a third one by now or the first one again. It then stays so, also for a session
    /// that nothing was wrong with before.
    pub async fn accept_patient(
        &self,
        id: &SessionId,
        shown: &str,
    ) -> Result<LaunchSession, SessionError> {
        self.keeper.accept_patient(id, shown).await
    }

    /// Ends the session of a browser, and asks the server to revoke its tokens. That goes on where
    /// nobody waits for it any more.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] where the store does not say that the session has ended. It may have;
    /// the server was asked to revoke its tokens if they could be read.
    pub async fn sign_out(&self, id: &SessionId) -> Result<SignedOut, SessionError> {
        let (flow, id) = (self.clone(), id.clone());
        let signed_out = self.tasks.spawn(async move { flow.end(&id).await });
        signed_out.await.unwrap_or(Err(SessionError::Interrupted))
    }

    /// Has work done that nobody waits for, and that [`LaunchFlow::drain`] waits for: the end of a
    /// session whose browser is answered already. It needs the runtime of tokio.
    pub fn in_background(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.tasks.spawn(work));
    }

    /// Waits until nothing goes on in the background: refreshes, sign-outs, revocations. Call it when
    /// the program ends, after the last request; what is cut off costs a session or leaves a token. An
    /// answer that the store does not take is waited for as well, so bound the time.
    pub async fn drain(&self) {
        self.tasks.all_ended().await;
    }

    async fn end(&self, id: &SessionId) -> Result<SignedOut, SessionError> {
        match self.keeper.close(id).await {
            Closed::None => Ok(SignedOut::default()),
            Closed::Ended(session) => Ok(self.revoke(&session).await),
            Closed::Unsure(error, session) => {
                if let Some(session) = session {
                    self.revoke(&session).await;
                }
                Err(error)
            }
        }
    }

    async fn revoke(&self, session: &LaunchSession) -> SignedOut {
        let had_session = true;
        match self.servers.revoke_session(session).await {
            Ok(not_revoked) => SignedOut {
                had_session,
                not_asked: None,
                not_revoked,
            },
            Err(error) => SignedOut {
                had_session,
                not_asked: Some(error),
                not_revoked: Vec::new(),
            },
        }
    }
}

/// A finished sign-in that nobody has taken yet. The browser may have gone; then nobody has the id,
/// and the session is ended again.
struct Unclaimed {
    flow: LaunchFlow,
    signed_in: Option<SignedIn>,
    runtime: Handle,
}

impl Unclaimed {
    fn new(flow: LaunchFlow, signed_in: SignedIn) -> Self {
        Self {
            flow,
            signed_in: Some(signed_in),
            runtime: Handle::current(),
        }
    }

    fn claim(mut self) -> Result<SignedIn, FlowError> {
        let interrupted = FlowError::Session(SessionError::Interrupted);
        self.signed_in.take().ok_or(interrupted)
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(nobodys) = self.signed_in.take() {
            let flow = self.flow.clone();
            self.flow.tasks.spawn_on(&self.runtime, async move {
                let session = match flow.keeper.close(&nobodys.id).await {
                    Closed::Ended(it) | Closed::Unsure(_, Some(it)) => *it,
                    Closed::None | Closed::Unsure(_, None) => nobodys.session,
                };
                Renewal::revoke(&*flow.servers, &session).await;
            });
        }
    }
}

impl fmt::Debug for LaunchFlow {
    /// Shows with which FHIR servers the app is registered; the rest is as large as the program.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchFlow")
            .field("registrations", &self.servers.registrations)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("session", &self.session)
            .field("id_token", &self.id_token)
            .finish_non_exhaustive()
    }
}
