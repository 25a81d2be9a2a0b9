//! A token endpoint with faults, and a session that is refreshed there.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use smart_discovery::{FhirBaseUrl, FixedClock, Issuer, TransportError};
use smart_jose::{Text, UnixTime};

use crate::id_token::{Continuity, IdTokenError, RefreshError};
use crate::launch_context::LaunchContext;
use crate::scope::Scopes;
use crate::session::any_provider;
use crate::session::keeper::Keeper;
use crate::session::key::{SessionId, StoreKey};
use crate::session::launch_session::{Identity, LaunchSession};
use crate::session::memory::MemoryStore;
use crate::session::renewal::{Answer, Renewal};
use crate::session::renewal_error::RenewalError;
use crate::session::session_error::SessionError;
use crate::session::store::{RefreshLease, SessionStore};
use crate::session::tasks::Tasks;
use crate::session::tokens::Tokens;
use crate::token::{TokenError, TokenResponse};
use crate::value::{AccessToken, ClientId, RawIdToken, RefreshToken};

pub(super) const BEGIN: UnixTime = UnixTime::from_secs(1_800_000_000);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// A token endpoint that rotates refresh tokens, and ends a session in which one is sent twice.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) state: Mutex<ServerState>,
    pub(super) requests: AtomicUsize,
    pub(super) judged: AtomicUsize,
    pub(super) checks: AtomicUsize,
}

#[derive(Debug, Default)]
pub(super) struct ServerState {
    /// The refresh token that is good.
    pub(super) good: String,
    pub(super) used: BTreeSet<String>,
    pub(super) count: usize,
    pub(super) is_revoked: bool,
    /// What happens to the next requests, before the usual.
    pub(super) plan: VecDeque<Fault>,
    /// What judging the next ID tokens gives; an ID token comes while there is something.
    pub(super) verdicts: VecDeque<Verdict>,
    /// Answers without a new refresh token.
    pub(super) keeps: bool,
    /// Why nothing can be asked.
    pub(super) unreachable: Option<RenewalError>,
    /// The patient of the next answers.
    pub(super) patient: Option<String>,
    /// How long the next access tokens live, in seconds.
    pub(super) life: Option<u64>,
    pub(super) revoked: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The server does as ever, and its answer is lost.
    Lost,
    NotSent,
    Refused,
    /// Status 429, and to come back in ten minutes.
    Busy,
    GrantRefused,
    /// Tokens come that are not accepted.
    Spent,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    SameUser,
    OtherUser,
    Undecided,
}

pub(super) fn down() -> RenewalError {
    let error = TransportError::Connect {
        host: Text::new("ehr.example"),
        problem: Text::new("refused"),
    };
    TokenError::from(error).into()
}

fn busy() -> RenewalError {
    let response = Response::builder().status(429).header("retry-after", "600");
    let response = response.body(Bytes::new()).unwrap();
    let error = TokenResponse::of_refresh(&response, &Scopes::parse(""));
    TokenError::from(error.unwrap_err()).into()
}

pub(super) fn refused(error: &str) -> RenewalError {
    let response = Response::builder().status(400);
    let body = Bytes::from(format!(r#"{{"error":"{error}"}}"#));
    let error = TokenResponse::of_refresh(&response.body(body).unwrap(), &Scopes::parse(""));
    TokenError::from(error.unwrap_err()).into()
}

impl Server {
    pub(super) fn plan(&self, faults: &[Fault]) {
        self.state.lock().unwrap().plan.extend(faults);
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Renewal for Server {
    async fn check(&self, _: &LaunchSession) -> Result<(), RenewalError> {
        self.checks.fetch_add(1, Ordering::SeqCst);
        match &self.state.lock().unwrap().unreachable {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    async fn revoke(&self, session: &LaunchSession) {
        let (refresh, access) = session.all_tokens();
        let refresh = refresh.into_iter().map(RefreshToken::expose_secret);
        let access = access.into_iter().map(AccessToken::expose_secret);
        let revoked = refresh.chain(access).map(str::to_owned);
        self.state.lock().unwrap().revoked.extend(revoked);
    }

    async fn refresh(&self, _: &LaunchSession, token: &RefreshToken) -> Answer {
        self.requests.fetch_add(1, Ordering::SeqCst);
        // Others have their turn while this is under way.
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
        let mut state = self.state.lock().unwrap();
        let fault = state.plan.pop_front();
        match fault {
            Some(Fault::NotSent) => return Answer::NotSent(down()),
            Some(Fault::Refused) => return Answer::Refused(refused("temporarily_unavailable")),
            Some(Fault::Busy) => return Answer::Refused(busy()),
            Some(Fault::GrantRefused) => return Answer::GrantRefused(refused("invalid_grant")),
            Some(Fault::Lost | Fault::Spent) | None => {}
        }
        let sent = token.expose_secret().to_owned();
        if state.used.contains(&sent) {
            state.is_revoked = true;
        }
        if state.is_revoked || sent != state.good {
            return Answer::GrantRefused(refused("invalid_grant"));
        }
        state.count += 1;
        let next = format!("refresh-{}", state.count);
        let refresh_token = (!state.keeps).then(|| {
            state.used.insert(sent);
            state.good.clone_from(&next);
            RefreshToken::new(next)
        });
        match fault {
            Some(Fault::Spent) => return Answer::Spent(refused("odd")),
            Some(_) => return Answer::Lost(down()),
            None => {}
        }
        let id_token = state.verdicts.front().map(|_| RawIdToken::new("id-token"));
        let mut response = response(state.count, refresh_token, id_token);
        response.context.patient.clone_from(&state.patient);
        response.expires_in = state
            .life
            .map_or(response.expires_in, |it| Some(Duration::from_secs(it)));
        Answer::Tokens(Box::new(response))
    }

    async fn judge(
        &self,
        _: &LaunchSession,
        _: &Continuity,
        _: &RawIdToken,
        _: &AccessToken,
    ) -> Result<(), SessionError> {
        self.judged.fetch_add(1, Ordering::SeqCst);
        let verdict = self.state.lock().unwrap().verdicts.pop_front();
        let error = IdTokenError::NoToken;
        match verdict.unwrap() {
            Verdict::SameUser => Ok(()),
            Verdict::OtherUser => Err(SessionError::Identity(RefreshError::IdentityChanged(error))),
            Verdict::Undecided => Err(SessionError::Undecided(RefreshError::Undecided(error))),
        }
    }
}

pub(super) fn response(
    count: usize,
    refresh_token: Option<RefreshToken>,
    id_token: Option<RawIdToken>,
) -> TokenResponse {
    let json = format!(
        r#"{{"access_token":"access-{count}","token_type":"Bearer","expires_in":3600,"scope":"fhirUser"}}"#
    );
    let response = Response::new(Bytes::from(json));
    let mut tokens = TokenResponse::of_refresh(&response, &Scopes::parse("fhirUser")).unwrap();
    tokens.refresh_token = refresh_token;
    tokens.id_token = id_token;
    tokens
}

/// A session of one user that has just begun, with an access token for an hour.
pub(super) fn session() -> LaunchSession {
    let continuity = r#"{"version":1,"iss":"https://ehr.example","sub":"user-1","aud":["app"],"azp":null,"auth_time":null,"iat":1799999999,"nonce":null}"#;
    LaunchSession {
        issuer: Issuer::parse("https://ehr.example").unwrap(),
        fhir_base: FhirBaseUrl::parse("https://ehr.example/fhir").unwrap(),
        client_id: ClientId::new("app"),
        identity: Some(Identity {
            continuity: Continuity::import(continuity).unwrap(),
            name: Some("A Name".to_owned()),
            fhir_user: None,
            acr: None,
            auth_time: None,
        }),
        scopes: Scopes::parse("openid fhirUser"),
        context: LaunchContext::default(),
        tokens: Tokens::received(
            &response(0, Some(RefreshToken::new("refresh-0")), None),
            BEGIN,
        ),
        unjudged: None,
        patient_before: None,
        began_at: BEGIN,
        seen_at: BEGIN,
        ends_at: BEGIN.saturating_add(12 * HOUR),
    }
}

/// One process with a session in its store.
pub(super) struct Rig {
    pub(super) clock: Arc<FixedClock>,
    pub(super) server: Arc<Server>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) keeper: Keeper,
    pub(super) id: SessionId,
    pub(super) key: StoreKey,
}

impl Rig {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(FixedClock::at(BEGIN));
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let server = Arc::new(Server::default());
        server.state.lock().unwrap().good = "refresh-0".to_owned();
        let keeper = keeper(store.clone(), store.clone(), &server, &clock);
        let id = keeper.create(&session()).await.unwrap();
        let key = StoreKey::of_session(&id, any_provider());
        Self {
            clock,
            server,
            store,
            keeper,
            id,
            key,
        }
    }

    /// The access token that the session has, or why it has none.
    pub(super) async fn open(&self) -> Result<String, &'static str> {
        access(self.keeper.open(&self.id, None).await)
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// What the store holds.
    pub(super) async fn stored(&self) -> Option<LaunchSession> {
        let stored = self.store.read(&self.key).await.unwrap()?;
        Some(LaunchSession::read(&stored.value).unwrap())
    }

    /// Waits for a refresh in the background.
    pub(super) async fn settled(&self) {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) fn keeper(
    store: Arc<dyn SessionStore>,
    lease: Arc<dyn RefreshLease>,
    server: &Arc<Server>,
    clock: &Arc<FixedClock>,
) -> Keeper {
    let (server, clock, tasks) = (server.clone(), clock.clone(), Tasks::new());
    Keeper::new(store, lease, server, clock, any_provider(), tasks)
}

pub(super) fn access(result: Result<LaunchSession, SessionError>) -> Result<String, &'static str> {
    result
        .map(|it| it.access_token().expose_secret().to_owned())
        .map_err(|it| it.code())
}

pub(super) fn ok(count: usize) -> Result<String, &'static str> {
    Ok(format!("access-{count}"))
}
