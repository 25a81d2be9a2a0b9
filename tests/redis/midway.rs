//! Faults in the middle of a launch and of a refresh, with an EHR that rotates refresh tokens and
//! ends a grant in which one is used twice.
//!
//! Whatever happens, a session lives on with tokens that the EHR takes, or the user is told to
//! launch again; nobody gets the session of another, and no refresh token is sent that was used.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use smart_oidc::discovery::Clock as _;
use smart_oidc::flow::{FlowError, LaunchFlow, SignedIn};
use smart_oidc::session::{LaunchSession, SessionError};
use smart_redis::RedisStore;
use smart_tests::ehr_world::{Kind, Launcher, World};
use smart_tests::redis_server::{Persistence, RedisServer};
use smart_tests::store_contract::eventually;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::proxy::{Fault, Proxy};
use crate::rig::{PATIENCE, hasty_store_at, provider};
use crate::witness::Witness;

/// How long a store waits. Longer than the server takes on a busy machine.
const RESPONSE: Duration = Duration::from_secs(1);
/// What comes as late as this is waited for by nobody.
const LATE: Fault = Fault::Late(Duration::from_millis(1300));
/// No refresh rests for longer.
const REST: Duration = Duration::from_secs(61);

/// What a script that replaces a record has in it, and no other command.
const REPLACE: &[u8] = b"'SET', KEYS[1]";

/// Two nodes of an app, with one Redis behind a proxy.
struct Scene {
    server: RedisServer,
    proxy: Proxy,
    world: World,
    witness: Arc<Witness>,
    stores: [Arc<RedisStore>; 2],
    nodes: [LaunchFlow; 2],
}

impl Scene {
    async fn set(persistence: Persistence) -> Option<Self> {
        let server = RedisServer::start(persistence).await?;
        let proxy = Proxy::before(server.port()).await;
        let world = World::new(Launcher::Ehr, Kind::Public, provider()).await;
        let mut witness = None;
        let world = world.through(|http| witness.insert(Witness::of(http)).clone());
        let stores = [(); 2].map(|()| hasty_store_at(&proxy.url(), RESPONSE));
        Some(Self {
            nodes: [0, 1].map(|number| world.node(Arc::clone(&stores[number]))),
            stores,
            server,
            proxy,
            world,
            witness: witness.unwrap(),
        })
    }

    async fn sign_in(&self, patient: &str) -> SignedIn {
        let [one, other] = &self.nodes;
        let (query, binding) = self.world.callback_for(one, patient).await;
        other.complete(&query, &binding).await.unwrap()
    }

    /// Lets the access token end.
    fn outlive(&self, session: &LaunchSession) {
        let life = session.access_ends_at().unwrap().as_secs() - self.world.clock.now().as_secs();
        self.world.clock.advance(Duration::from_secs(life));
    }

    /// Waits until a command has met the planned fault, and kills the server if that is the fault.
    async fn strike(&mut self, fault: Fault) {
        let struck = timeout(PATIENCE, self.proxy.struck()).await;
        assert!(struck.is_ok(), "no command has met {fault:?}");
        if matches!(fault, Fault::KilledBefore | Fault::KilledAfter) {
            self.server.kill();
            self.server.restart().await;
        }
    }

    /// Kills the server between two steps, and waits until both nodes have another connection.
    async fn kill(&mut self) {
        self.server.kill();
        self.server.restart().await;
        self.until_it_works().await;
    }

    async fn until_it_works(&self) {
        for store in &self.stores {
            eventually("it works again", async || store.check().await.is_ok()).await;
        }
    }
}

/// Asserts that a session is that of this patient and of the user who signed in.
fn check_whose(session: &LaunchSession, signed_in: &SignedIn, cell: &str) {
    let (found, first) = (session, &signed_in.session);
    assert_eq!(found.context().patient, first.context().patient, "{cell}");
    assert!(found.user_key() == first.user_key(), "{cell}");
}

/// So many callers ask for a session at the same time, taking turns between the nodes, and as many
/// for the session of somebody else. What the first hear.
async fn ask(
    scene: &mut Scene,
    (callers, fault): (usize, Option<Fault>),
    (ours, theirs): (&Arc<SignedIn>, &Arc<SignedIn>),
    cell: &str,
) -> Vec<Result<(), SessionError>> {
    let mut asking = JoinSet::new();
    for number in 0..callers {
        for signed_in in [ours, theirs] {
            let (node, cell) = (scene.nodes[number % 2].clone(), cell.to_owned());
            let (signed_in, is_ours) = (Arc::clone(signed_in), Arc::ptr_eq(signed_in, ours));
            asking.spawn(async move {
                let found = node.session(&signed_in.id).await;
                if let Ok(session) = &found {
                    check_whose(session, &signed_in, &cell);
                }
                is_ours.then(|| found.map(drop))
            });
        }
    }
    if let Some(fault) = fault {
        scene.strike(fault).await;
    }
    asking.join_all().await.into_iter().flatten().collect()
}

/// Asks until everybody is told something that lasts: here is your session, or launch again.
/// Whether it is the first.
async fn ask_until_settled(
    scene: &mut Scene,
    (callers, fault): (usize, Option<Fault>),
    (ours, theirs): (&Arc<SignedIn>, &Arc<SignedIn>),
    cell: &str,
) -> bool {
    let mut planned = fault;
    for round in 0.. {
        assert!(round < 5, "{cell}: they are told to try again, for ever");
        let task = (callers, planned.take());
        let heard = ask(scene, task, (ours, theirs), cell).await;
        scene.witness.check_refresh_tokens(cell);
        if heard.iter().all(Result::is_ok) {
            return true;
        }
        if heard
            .iter()
            .all(|it| it.as_ref().is_err_and(SessionError::needs_launch))
        {
            return false;
        }
        scene.world.clock.advance(REST);
    }
    false
}

/// Has the n-th write of a refresh meet a fault that the store is over soon, it alone or so many in a
/// row, and asserts that it costs nobody a session.
async fn check_a_refresh((nth, times): (usize, usize), fault: Fault, callers: usize) {
    let Some(mut scene) = Scene::set(Persistence::Always).await else {
        return;
    };
    let cell = format!("write {nth}, {times} times {fault:?}, {callers} callers");
    let ours = Arc::new(scene.sign_in("patient-a").await);
    scene.outlive(&ours.session);
    let theirs = Arc::new(scene.sign_in("patient-b").await);
    scene.proxy.plan_times(REPLACE, (nth, times), fault);
    let task = (callers, Some(fault));
    let lives = ask_until_settled(&mut scene, task, (&ours, &theirs), &cell).await;
    assert!(lives, "{cell}: the session is over");
    for node in &scene.nodes {
        let session = node.session(&ours.id).await.unwrap();
        check_whose(&session, &ours, &cell);
        assert_eq!(scene.world.fhir_status(&session).await, StatusCode::OK);
        // Had a used refresh token been kept, this would end the session.
        scene.outlive(&session);
        let next = node.session(&ours.id).await.unwrap();
        check_whose(&next, &ours, &cell);
        assert_eq!(scene.world.fhir_status(&next).await, StatusCode::OK);
    }
    scene.witness.check_refresh_tokens(&cell);
}

/// One caller, and eight on two nodes.
async fn check_both(writes: (usize, usize), fault: Fault) {
    let (alone, together) = (1, 8);
    tokio::join!(
        check_a_refresh(writes, fault, alone),
        check_a_refresh(writes, fault, together)
    );
}

/// A test for each write of a refresh and each fault.
macro_rules! matrix {
    ($($name:ident: $writes:expr, $fault:expr;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            check_both($writes, $fault).await;
        }
    )*};
}

matrix! {
    the_answer_to_the_mark_is_lost: (1, 1), Fault::Lost;
    the_answer_to_the_mark_is_late: (1, 1), LATE;
    the_server_is_killed_before_the_mark: (1, 1), Fault::KilledBefore;
    the_server_is_killed_after_the_mark: (1, 1), Fault::KilledAfter;
    the_answer_to_the_write_of_the_tokens_is_lost: (2, 1), Fault::Lost;
    the_answer_to_the_write_of_the_tokens_is_late: (2, 1), LATE;
    the_server_is_killed_before_the_write_of_the_tokens: (2, 1), Fault::KilledBefore;
    the_server_is_killed_after_the_write_of_the_tokens: (2, 1), Fault::KilledAfter;
    three_answers_in_a_row_are_lost_from_the_mark_on: (1, 3), Fault::Lost;
    three_answers_in_a_row_are_lost_after_the_mark: (2, 3), Fault::Lost;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_the_ehr_that_is_lost_costs_one_launch() {
    for callers in [1, 8] {
        let Some(mut scene) = Scene::set(Persistence::None).await else {
            return;
        };
        let cell = format!("{callers} callers");
        let ours = Arc::new(scene.sign_in("patient-a").await);
        scene.outlive(&ours.session);
        let theirs = Arc::new(scene.sign_in("patient-b").await);
        scene.witness.lose_the_next_answer();
        let both = (&ours, &theirs);
        let lives = ask_until_settled(&mut scene, (callers, None), both, &cell).await;
        // This EHR takes the second try for a theft; another might forgive it.
        assert!(!lives, "{cell}");
        assert_eq!(scene.witness.check_refresh_tokens(&cell), 2, "{cell}");
        for node in &scene.nodes {
            let error = node.session(&ours.id).await.unwrap_err();
            assert!(error.needs_launch(), "{cell}: {error}");
            let session = node.session(&theirs.id).await.unwrap();
            assert_eq!(scene.world.fhir_status(&session).await, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_launch_and_a_session_outlive_a_killed_server_that_keeps_them() {
    let Some(mut scene) = Scene::set(Persistence::Always).await else {
        return;
    };
    let [one, other] = scene.nodes.clone();
    let (query, binding) = scene.world.callback(&one).await;
    scene.kill().await;
    let signed_in = other.complete(&query, &binding).await.unwrap();
    scene.kill().await;
    let session = one.session(&signed_in.id).await.unwrap();
    check_whose(&session, &signed_in, "killed");
    assert_eq!(scene.world.fhir_status(&session).await, StatusCode::OK);
    scene.outlive(&session);
    let next = one.session(&signed_in.id).await.unwrap();
    assert_eq!(scene.world.fhir_status(&next).await, StatusCode::OK);
}

#[tokio::test]
async fn a_launch_and_a_session_that_a_killed_server_has_lost_begin_anew() {
    let Some(mut scene) = Scene::set(Persistence::None).await else {
        return;
    };
    let [one, other] = scene.nodes.clone();
    let signed_in = scene.sign_in("patient-a").await;
    let (query, binding) = scene.world.callback(&one).await;
    let codes = scene.witness.codes();
    scene.kill().await;
    let lost = one.session(&signed_in.id).await.unwrap_err();
    assert_eq!((lost.code(), lost.needs_launch()), ("session-lost", true));
    let unknown = other.complete(&query, &binding).await.unwrap_err();
    assert_eq!(unknown.code(), "launch-unknown");
    assert_eq!(scene.witness.codes(), codes, "a code was sent");
}

/// Has the answer to the command that takes a launch meet a fault; what comes of the callback then,
/// and of the same once more.
async fn callback_twice(fault: Fault) -> Option<(Scene, [Result<SignedIn, FlowError>; 2])> {
    let mut scene = Scene::set(Persistence::Always).await?;
    let [one, other] = scene.nodes.clone();
    let (query, binding) = scene.world.callback(&one).await;
    scene.proxy.plan(b"GETDEL", 1, fault);
    let (first, ()) = tokio::join!(one.complete(&query, &binding), scene.strike(fault));
    scene.until_it_works().await;
    let again = other.complete(&query, &binding).await;
    Some((scene, [first, again]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_whose_answer_was_lost_is_over_and_leaves_nothing() {
    for fault in [Fault::Lost, LATE, Fault::KilledAfter] {
        let Some((scene, [first, again])) = callback_twice(fault).await else {
            return;
        };
        assert_eq!(first.unwrap_err().code(), "store-unavailable", "{fault:?}");
        assert_eq!(again.unwrap_err().code(), "launch-unknown", "{fault:?}");
        assert_eq!(scene.witness.codes(), 0, "{fault:?}: a code was sent");
        assert_eq!(scene.server.ask(&[b"DBSIZE"]), b"0", "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launch_that_was_not_taken_can_be_finished() {
    let Some((scene, [first, again])) = callback_twice(Fault::KilledBefore).await else {
        return;
    };
    assert_eq!(first.unwrap_err().code(), "store-unavailable");
    let session = again.unwrap().session;
    assert_eq!(scene.world.fhir_status(&session).await, StatusCode::OK);
    assert_eq!(scene.witness.codes(), 1);
}
