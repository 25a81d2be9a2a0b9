//! The steps of a sign-in in their order, over a store.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use smart_discovery::{Clock, FhirBaseUrl, Finding, HttpClient, IssuerRegistry};
use smart_jose::{Algorithms, CryptoProvider};

use super::error::FlowError;
use super::registrations::Registrations;
use super::request::EhrLaunch;
use super::servers::Servers;
use crate::authorization_request::AuthorizationRequest;
use crate::authorize::{LAUNCH_LIFE, Launch, LaunchKey, PendingLaunch};
use crate::id_token::{IdToken, IdTokenError};
use crate::session::{
    Keeper, LaunchSession, RefreshLease, RenewalError, SESSION_LIFE, SessionError, SessionId,
    SessionStore, StoreKey,
};
use crate::token::RevocationError;
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
    store: Arc<dyn SessionStore>,
    keeper: Keeper,
    session_life: Duration,
}

/// What a finished sign-in yields.
#[non_exhaustive]
pub struct SignedIn {
    /// For a cookie of the app (`__Host-`, `HttpOnly`, `Secure`): whoever has it is signed in.
    pub id: SessionId,
    /// The session.
    pub session: LaunchSession,
    /// Who is at the screen; `None` where `openid` was not granted.
    pub id_token: Option<IdToken>,
    /// What is odd about the answer of the token endpoint and was met all the same.
    pub findings: Vec<Finding>,
}

/// What became of the tokens of a session that has ended. The session is gone in any case.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedOut {
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
        let renewal = Arc::<Servers>::clone(&servers);
        let keeper = Keeper::new(store.clone(), store.clone(), renewal, clock, provider);
        Self {
            servers,
            store,
            keeper,
            session_life: SESSION_LIFE,
        }
    }

    /// Ends sessions so long after their launch, whatever is refreshed; 12 hours unless set.
    #[must_use]
    pub const fn with_session_life(mut self, life: Duration) -> Self {
        self.session_life = life;
        self
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
        self.store.insert(&key, &value, LAUNCH_LIFE).await?;
        Ok((begun.request, begun.binding))
    }

    /// Finishes a launch: `query` is everything behind the `?` of the callback, and `binding` comes
    /// from the cookie of the browser that brought it.
    ///
    /// A callback in another browser finds nothing and uses nothing up. One that is genuine uses up
    /// the launch, whatever comes of it.
    ///
    /// # Errors
    ///
    /// [`FlowError`]. There is no session then. Tokens that the server had given are dropped and not
    /// revoked; a write that the store did not answer may stand there until its time is over, under
    /// an id that nobody has.
    pub async fn complete(
        &self,
        query: &str,
        binding: &BrowserBinding,
    ) -> Result<SignedIn, FlowError> {
        let (provider, clock) = (&self.servers.provider, &self.servers.clock);
        let key = LaunchKey::of_callback(query, binding, provider)?;
        let taken = self.store.take(&StoreKey::of_launch(&key)).await?;
        let pending = PendingLaunch::read(&taken.ok_or(FlowError::NoSuchLaunch)?)?;
        let launch = pending.authorize(query, binding, provider, clock.now())?;

        let fhir_base = launch.context().fhir_base.as_str().to_owned();
        let registration = self.servers.registrations.find(&fhir_base)?;
        let client = self.servers.token_client(registration);
        let (tokens, launch) = client.exchange(launch, clock.now()).await?;
        let id_token = match &tokens.id_token {
            Some(_) => {
                let trusted = self.servers.trusted(registration).await?;
                let verifier = self.servers.verifier(registration, &trusted);
                Some(
                    verifier
                        .verify_launch(&launch, &tokens, clock.now())
                        .await?,
                )
            }
            None => None,
        };
        let findings = tokens.findings.clone();
        let session = LaunchSession::new(launch, tokens, id_token.as_ref(), clock.now());
        let session = session
            .map_err(|_| IdTokenError::NoToken)?
            .with_life(self.session_life);
        let id = self.keeper.create(&session).await?;
        Ok(SignedIn {
            id,
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
        self.keeper.open(id, None).await
    }

    /// The same after the FHIR server has refused this access token with status 401: the session
    /// is refreshed whatever its end, if it still has that token.
    ///
    /// # Errors
    ///
    /// As [`LaunchFlow::session`].
    pub async fn session_after_rejection(
        &self,
        id: &SessionId,
        rejected: &AccessToken,
    ) -> Result<LaunchSession, SessionError> {
        self.keeper.open(id, Some(rejected)).await
    }

    /// Ends the session of a browser, and asks the server to revoke its tokens.
    ///
    /// # Errors
    ///
    /// [`SessionError::Store`] where the session could not be ended.
    pub async fn sign_out(&self, id: &SessionId) -> Result<SignedOut, SessionError> {
        let revoked = match self.keeper.close(id).await? {
            Some(session) => self.servers.revoke(&session).await,
            None => Ok(Vec::new()),
        };
        Ok(match revoked {
            Ok(not_revoked) => SignedOut {
                not_asked: None,
                not_revoked,
            },
            Err(error) => SignedOut {
                not_asked: Some(error),
                not_revoked: Vec::new(),
            },
        })
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
