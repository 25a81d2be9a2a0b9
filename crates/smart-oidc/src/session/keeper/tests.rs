//! Sessions under load, under faults, and in doubt.

mod faulty;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use smart_discovery::{FhirBaseUrl, FixedClock, Issuer, TransportError};
use smart_jose::{Text, UnixTime};

use self::faulty::{Faulty, WriteFault};
use super::*;
use crate::id_token::{Continuity, IdTokenError};
use crate::launch_context::LaunchContext;
use crate::scope::Scopes;
use crate::session::any_provider;
use crate::session::launch_session::Identity;
use crate::session::memory::MemoryStore;
use crate::session::tokens::Tokens;
use crate::token::{TokenError, TokenResponse};
use crate::value::{ClientId, RawIdToken, RefreshToken};

const BEGIN: UnixTime = UnixTime::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// A token endpoint that rotates refresh tokens, and ends a session in which one is sent twice.
#[derive(Debug, Default)]
struct Server {
    state: Mutex<ServerState>,
    requests: AtomicUsize,
    judged: AtomicUsize,
}

#[derive(Debug, Default)]
struct ServerState {
    /// The refresh token that is good.
    good: String,
    used: BTreeSet<String>,
    count: usize,
    is_revoked: bool,
    /// What happens to the next requests, before the usual.
    plan: VecDeque<Fault>,
    /// What judging the next ID tokens gives; an ID token comes while there is something.
    verdicts: VecDeque<Verdict>,
    /// Answers without a new refresh token.
    keeps: bool,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The server does as ever, and its answer is lost.
    Lost,
    NotSent,
    Refused,
    GrantRefused,
}

#[derive(Clone, Copy, Debug)]
enum Verdict {
    SameUser,
    OtherUser,
    Undecided,
}

fn down() -> RenewalError {
    let error = TransportError::Connect {
        host: Text::new("ehr.example"),
        problem: Text::new("refused"),
    };
    TokenError::from(error).into()
}

fn refused(error: &str) -> RenewalError {
    let response = Response::builder().status(400);
    let body = Bytes::from(format!(r#"{{"error":"{error}"}}"#));
    let error = TokenResponse::of_refresh(&response.body(body).unwrap(), &Scopes::parse(""));
    TokenError::from(error.unwrap_err()).into()
}

impl Server {
    fn plan(&self, faults: &[Fault]) {
        self.state.lock().unwrap().plan.extend(faults);
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Renewal for Server {
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
            Some(Fault::GrantRefused) => return Answer::GrantRefused(refused("invalid_grant")),
            Some(Fault::Lost) | None => {}
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
        if fault.is_some() {
            return Answer::Lost(down());
        }
        let id_token = state.verdicts.front().map(|_| RawIdToken::new("id-token"));
        Answer::Tokens(Box::new(response(state.count, refresh_token, id_token)))
    }

    async fn judge(
        &self,
        _: &LaunchSession,
        _: &Continuity,
        _: &RawIdToken,
        _: &AccessToken,
    ) -> Result<(), RefreshError> {
        self.judged.fetch_add(1, Ordering::SeqCst);
        let verdict = self.state.lock().unwrap().verdicts.pop_front();
        let error = IdTokenError::NoToken;
        match verdict.unwrap() {
            Verdict::SameUser => Ok(()),
            Verdict::OtherUser => Err(RefreshError::IdentityChanged(error)),
            Verdict::Undecided => Err(RefreshError::Undecided(error)),
        }
    }
}

fn response(
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
fn session() -> LaunchSession {
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
        began_at: BEGIN,
        ends_at: BEGIN.saturating_add(12 * HOUR),
    }
}

/// One process with a session in its store.
struct Rig {
    clock: Arc<FixedClock>,
    server: Arc<Server>,
    store: Arc<MemoryStore>,
    keeper: Keeper,
    id: SessionId,
    key: StoreKey,
}

impl Rig {
    async fn new() -> Self {
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
    async fn open(&self) -> Result<String, &'static str> {
        access(self.keeper.open(&self.id, None).await)
    }

    fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// What the store holds.
    async fn stored(&self) -> Option<LaunchSession> {
        let stored = self.store.read(&self.key).await.unwrap()?;
        Some(LaunchSession::read(&stored.value).unwrap())
    }

    /// Waits for a refresh in the background.
    async fn settled(&self) {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
    }
}

fn keeper(
    store: Arc<dyn SessionStore>,
    lease: Arc<dyn RefreshLease>,
    server: &Arc<Server>,
    clock: &Arc<FixedClock>,
) -> Keeper {
    Keeper::new(store, lease, server.clone(), clock.clone(), any_provider())
}

fn access(result: Result<LaunchSession, SessionError>) -> Result<String, &'static str> {
    result
        .map(|it| it.access_token().expose_secret().to_owned())
        .map_err(|it| it.code())
}

fn ok(count: usize) -> Result<String, &'static str> {
    Ok(format!("access-{count}"))
}

#[tokio::test]
async fn a_session_is_refreshed_ahead_of_its_end_and_nobody_waits() {
    let rig = Rig::new().await;
    assert_eq!(rig.open().await, ok(0));
    rig.pass(Duration::from_secs(3299));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.server.requests(), 0);
    rig.pass(Duration::from_secs(1));
    // Those who come meanwhile go on with what there is.
    for _ in 0..50 {
        assert_eq!(rig.open().await, ok(0));
    }
    rig.settled().await;
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1);
    let stored = rig.stored().await.unwrap();
    assert_eq!(stored.tokens.refresh.unwrap().expose_secret(), "refresh-1");
    assert_eq!(
        stored.tokens.ends_at,
        Some(rig.clock.now().saturating_add(HOUR))
    );
}

// covers: SMART-REF-6, SMART-REF-8, OAUTH-8
#[tokio::test]
async fn fifty_callers_at_once_cause_one_request() {
    let rig = Rig::new().await;
    for round in 1..=3 {
        rig.pass(HOUR);
        let callers: Vec<_> = (0..50)
            .map(|_| {
                let (keeper, id) = (rig.keeper.clone(), rig.id.clone());
                tokio::spawn(async move { access(keeper.open(&id, None).await) })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), ok(round));
        }
        assert_eq!(rig.server.requests(), round);
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_not_replaced_is_kept() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    for round in 1..=3 {
        rig.pass(HOUR);
        assert_eq!(rig.open().await, ok(round));
        let stored = rig.stored().await.unwrap();
        assert_eq!(stored.tokens.refresh.unwrap().expose_secret(), "refresh-0");
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_refresh_one_session_a_thousand_times() {
    let rig = Rig::new().await;
    let other = keeper(
        rig.store.clone(),
        rig.store.clone(),
        &rig.server,
        &rig.clock,
    );
    for round in 1..=1000 {
        rig.pass(HOUR);
        // The session would end of itself.
        let mut stored = rig.stored().await.unwrap();
        stored.ends_at = rig.clock.now().saturating_add(12 * HOUR);
        rewrite(&rig, &stored).await;
        let callers: Vec<_> = (0..4)
            .map(|it| {
                let keeper = if it % 2 == 0 { &rig.keeper } else { &other };
                let (keeper, id) = (keeper.clone(), rig.id.clone());
                tokio::spawn(async move { access(keeper.open(&id, None).await) })
            })
            .collect();
        for caller in callers {
            assert_eq!(caller.await.unwrap(), ok(round));
        }
    }
    assert_eq!(rig.server.requests(), 1000);
    assert!(!rig.server.state.lock().unwrap().is_revoked);
}

/// Writes a session past all leases, as no program does.
async fn rewrite(rig: &Rig, session: &LaunchSession) {
    rig.store.remove(&rig.key).await.unwrap();
    let value = session.write().unwrap();
    let life = session.life(rig.clock.now());
    rig.store.insert(&rig.key, &value, life).await.unwrap();
}

#[tokio::test]
async fn after_a_lost_answer_the_old_refresh_token_is_tried_once_more() {
    // The server has rotated, so the second try tells that the first arrived.
    let rig = Rig::new().await;
    rig.server.plan(&[Fault::Lost]);
    rig.pass(HOUR - Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert!(rig.stored().await.unwrap().is_in_doubt());
    // It lives until its access token ends.
    assert_eq!(rig.open().await, ok(0));
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.server.requests(), 2);
    assert_eq!(rig.open().await, ok(0));
    rig.pass(Duration::from_secs(58));
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 2);
    assert!(rig.store.is_empty(), "nothing is left behind");
    assert_eq!(rig.open().await, Err("session-lost"));
}

#[tokio::test]
async fn a_request_that_was_lost_on_its_way_is_made_good_by_the_second() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost]);
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("http-connect"));
    assert_eq!(rig.open().await, Err("session-resting"));
    rig.pass(Duration::from_secs(2));
    assert_eq!(rig.open().await, ok(2));
    assert!(!rig.stored().await.unwrap().is_in_doubt());
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_second_request_is_under_way_waits_for_it() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost]);
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("http-connect"));
    rig.pass(Duration::from_secs(2));
    let (first, id) = (rig.keeper.clone(), rig.id.clone());
    let first = tokio::spawn(async move { access(first.open(&id, None).await) });
    while rig.server.requests() < 2 {
        tokio::task::yield_now().await;
    }
    // The record says by now that the refresh token was sent twice. It is not for those who come
    // to this node or to another to say that all is lost.
    let other = keeper(
        rig.store.clone(),
        rig.store.clone(),
        &rig.server,
        &rig.clock,
    );
    for keeper in [&rig.keeper, &other] {
        let opened = access(keeper.open(&rig.id, None).await);
        assert_eq!(opened, ok(2));
    }
    assert_eq!(first.await.unwrap(), ok(2));
    assert_eq!(rig.server.requests(), 2);
}

#[tokio::test]
async fn two_lost_answers_leave_the_session_in_doubt_and_nothing_is_sent_again() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost, Fault::Lost]);
    rig.pass(HOUR - Duration::from_secs(300));
    for _ in 0..10 {
        assert_eq!(rig.open().await, ok(0));
        rig.settled().await;
        rig.pass(Duration::from_secs(20));
    }
    assert_eq!(rig.server.requests(), 2);
    assert!(rig.stored().await.unwrap().is_in_doubt());
    rig.pass(Duration::from_secs(100));
    assert_eq!(rig.open().await, Err("session-in-doubt"));
    assert_eq!(rig.server.requests(), 2);
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn refusals_and_requests_that_never_left_leave_no_doubt() {
    for (fault, code) in [
        (Fault::NotSent, "http-connect"),
        (Fault::Refused, "token-refused"),
    ] {
        let rig = Rig::new().await;
        rig.server.plan(&[fault, fault, fault]);
        rig.pass(HOUR);
        let mut pause = 2;
        for _ in 0..3 {
            assert_eq!(rig.open().await, Err(code), "{fault:?}");
            assert!(!rig.stored().await.unwrap().is_in_doubt());
            rig.pass(Duration::from_secs(pause - 1));
            assert_eq!(rig.open().await, Err("session-resting"));
            rig.pass(Duration::from_secs(1));
            pause *= 2;
        }
        assert_eq!(rig.open().await, ok(1));
    }
    // A refresh token that is worth nothing is not sent again, and the access token serves on.
    let rig = Rig::new().await;
    rig.server.plan(&[Fault::GrantRefused]);
    rig.pass(HOUR - Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.open().await, ok(0));
    assert!(!rig.stored().await.unwrap().can_refresh());
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 1);
}

#[tokio::test]
async fn a_rejected_access_token_is_refreshed_whatever_its_end() {
    let rig = Rig::new().await;
    let rejected = AccessToken::new("access-0");
    for _ in 0..3 {
        // The second time it is no longer the one that was rejected.
        let opened = rig.keeper.open(&rig.id, Some(&rejected)).await;
        assert_eq!(access(opened), ok(1));
    }
    assert_eq!(rig.server.requests(), 1);
}

// covers: OIDC-RFR-1
#[tokio::test]
async fn another_user_ends_the_session_before_anything_of_the_answer_is_used() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().verdicts = [Verdict::OtherUser].into();
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("refresh-identity-changed"));
    assert!(rig.store.is_empty());
    assert_eq!(rig.open().await, Err("session-lost"));
}

#[tokio::test]
async fn an_answer_that_cannot_be_judged_is_kept_unused_and_judged_again() {
    let rig = Rig::new().await;
    let verdicts = [Verdict::Undecided, Verdict::Undecided, Verdict::SameUser];
    rig.server.state.lock().unwrap().verdicts = verdicts.into();
    rig.pass(HOUR - Duration::from_secs(30));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.open().await, ok(0));
    let stored = rig.stored().await.unwrap();
    assert_eq!(
        stored.unjudged.unwrap().tokens.access.expose_secret(),
        "access-1"
    );
    // The refresh token that was answered is used up.
    assert!(stored.tokens.refresh.is_none());
    rig.pass(Duration::from_secs(30));
    assert_eq!(rig.open().await, Err("refresh-undecided"));
    assert_eq!(rig.open().await, Err("session-resting"));
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1, "the same answer is judged");
    assert_eq!(rig.server.judged.load(Ordering::SeqCst), 3);
    let stored = rig.stored().await.unwrap();
    assert_eq!(stored.tokens.refresh.unwrap().expose_secret(), "refresh-1");
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_take_the_answer_with_him() {
    let rig = Rig::new().await;
    rig.pass(HOUR);
    {
        let opening = rig.keeper.open(&rig.id, None);
        let mut opening = std::pin::pin!(opening);
        // Until the request has left, and no further.
        while rig.server.requests() == 0 {
            let polled = futures_poll(opening.as_mut()).await;
            assert!(polled.is_none());
        }
    }
    rig.settled().await;
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1);
}

/// Polls once, and lets others have their turn.
async fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut future = Some(future);
    let polled = std::future::poll_fn(|context| {
        let future = future.take().unwrap();
        std::task::Poll::Ready(match future.poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    });
    let polled = polled.await;
    tokio::task::yield_now().await;
    polled
}

/// What comes of a refresh with these faults, of the mark, of the answer and so on.
async fn with_faults(faults: &[WriteFault]) -> (Rig, Result<String, &'static str>) {
    let mut rig = Rig::new().await;
    let faulty = Arc::new(Faulty {
        store: rig.store.clone(),
        writes: Mutex::new(faults.iter().copied().collect()),
    });
    rig.keeper = keeper(faulty, rig.store.clone(), &rig.server, &rig.clock);
    rig.pass(HOUR);
    let result = rig.open().await;
    (rig, result)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_was_not_written_down() {
    let (rig, result) = with_faults(&[WriteFault::Down; 6]).await;
    assert_eq!(result, Err("store-unavailable"));
    assert_eq!(rig.server.requests(), 0);
    // The lease was given back, so the next one goes on.
    assert_eq!(rig.open().await, ok(1));
    // A mark that was written and not heard of does not count as a request.
    for faults in [
        &[WriteFault::AnswerLost][..],
        &[WriteFault::AnswerLost, WriteFault::Down],
        &[WriteFault::Down, WriteFault::Down],
    ] {
        let (rig, result) = with_faults(faults).await;
        assert_eq!(result, ok(1), "{faults:?}");
        assert_eq!(rig.server.requests(), 1);
    }
    let (rig, result) = with_faults(&[WriteFault::Paused]).await;
    assert_eq!(result, Err("store-fenced"));
    assert_eq!(rig.server.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_received_is_written_again_and_not_used_before() {
    use WriteFault::{AnswerLost, Down, None};
    for faults in [
        &[None, Down, Down, Down][..],
        &[None, AnswerLost],
        &[None, Down, AnswerLost, Down],
    ] {
        let (rig, result) = with_faults(faults).await;
        assert_eq!(result, ok(1), "{faults:?}");
        assert_eq!(rig.server.requests(), 1);
        assert_eq!(rig.open().await, ok(1));
    }
    // What cannot be written is not used, and the session is in doubt.
    let (rig, result) = with_faults(&[None, Down, Down, Down, Down, Down, Down]).await;
    assert_eq!(result, Err("store-unavailable"));
    assert!(rig.stored().await.unwrap().is_in_doubt());
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_paused_beyond_its_lease_writes_nothing() {
    let (rig, result) = with_faults(&[WriteFault::None, WriteFault::Paused]).await;
    assert_eq!(result, Err("store-fenced"));
    let stored = rig.stored().await.unwrap();
    assert_eq!(stored.access_token().expose_secret(), "access-0");
    assert!(stored.is_in_doubt());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_held_elsewhere_is_waited_for_and_not_for_ever() {
    let rig = Rig::new().await;
    rig.pass(HOUR - Duration::from_secs(60));
    let lease = rig.store.acquire(&rig.key, LEASE).await.unwrap().unwrap();
    assert_eq!(rig.open().await, ok(0));
    rig.pass(Duration::from_secs(60));
    // That took longer than the lease by the store's clock, so another one is taken.
    let held = rig.store.acquire(&rig.key, LEASE).await.unwrap().unwrap();
    assert!(held.fence > lease.fence);
    assert_eq!(rig.open().await, Err("session-busy"));
    rig.store.release(&rig.key, &held).await.unwrap();
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1);
}

#[tokio::test]
async fn a_session_ends_when_its_time_is_over_whatever_is_refreshed() {
    let rig = Rig::new().await;
    for round in 1..12 {
        rig.pass(HOUR);
        assert_eq!(rig.open().await, ok(round));
    }
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("session-lost"));
    assert!(rig.store.is_empty());
    assert_eq!(rig.server.requests(), 11);
}

#[tokio::test]
async fn a_closed_session_is_given_back_once() {
    let rig = Rig::new().await;
    let closed = rig.keeper.close(&rig.id).await.unwrap().unwrap();
    assert_eq!(closed.access_token().expose_secret(), "access-0");
    assert!(rig.keeper.close(&rig.id).await.unwrap().is_none());
    assert_eq!(rig.open().await, Err("session-lost"));
    let other = SessionId::new("made up");
    assert_eq!(
        access(rig.keeper.open(&other, None).await),
        Err("session-lost")
    );
}
