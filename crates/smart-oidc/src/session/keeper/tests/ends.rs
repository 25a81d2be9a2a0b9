//! How sessions end, and what is left behind.

use super::faulty::{Faulty, WriteFault};
use super::rig::*;
use super::*;
use crate::session::error::StoreError;
use crate::session::renewal_error::RenewalError;

#[tokio::test]
async fn tokens_that_are_not_accepted_use_the_refresh_token_up() {
    let rig = Rig::new().await;
    rig.server.plan(&[Fault::Spent]);
    rig.pass(HOUR - Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    // The access token serves until its end, and nothing is sent again.
    rig.pass(Duration::from_secs(59));
    assert_eq!(rig.open().await, ok(0));
    assert!(!rig.stored().await.unwrap().can_refresh());
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 1);
    // Who waits for it hears that.
    let rig = Rig::new().await;
    rig.server.plan(&[Fault::Spent]);
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 1);
    // It is kept to be revoked: the server may know it still.
    let stored = rig.stored().await.unwrap();
    assert!(!stored.can_refresh() && !stored.is_in_doubt());
    assert_eq!(stored.all_tokens().0[0].expose_secret(), "refresh-0");
}

/// The patients of a change: whom the app shows, and who is in context.
fn change(result: Result<LaunchSession, SessionError>) -> (String, Option<String>) {
    match result {
        Err(SessionError::PatientChanged(it)) => {
            (it.before().to_owned(), it.now().map(str::to_owned))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn another_patient_is_told_before_anything_is_done_for_him() {
    let rig = Rig::new().await;
    let patient = |id: &str| rig.server.state.lock().unwrap().patient = Some(id.to_owned());
    let told = |before: &str, now: &str| (before.to_owned(), Some(now.to_owned()));
    let open = || rig.keeper.open(&rig.id, None);
    // One for whom there was none before is no other one.
    patient("one");
    rig.pass(HOUR);
    assert_eq!(rig.open().await, ok(1));
    patient("two");
    rig.pass(HOUR - Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(1));
    rig.settled().await;
    let error = open().await.unwrap_err();
    assert_eq!(
        (error.code(), error.needs_launch()),
        ("session-patient-changed", true)
    );
    for shown in [format!("{error:?}"), error.to_string()] {
        assert!(!shown.contains("one") && !shown.contains("two"), "{shown}");
    }
    assert_eq!(change(Err(error)), told("one", "two"));
    // It stays so until the app says that it shows the one who is in context then.
    patient("three");
    rig.pass(HOUR);
    assert_eq!(change(open().await), told("one", "three"));
    let accepted = rig.keeper.accept_patient(&rig.id, "two").await;
    assert_eq!(change(accepted), told("two", "three"));
    assert_eq!(change(open().await), told("two", "three"));
    let session = rig.keeper.accept_patient(&rig.id, "three").await.unwrap();
    assert_eq!(session.context().patient.as_deref(), Some("three"));
    assert_eq!(rig.open().await, ok(3));
    // The one whom the app shows may come back.
    patient("four");
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("session-patient-changed"));
    patient("three");
    rig.pass(HOUR);
    assert_eq!(rig.open().await, ok(5));
    // But not while the page of another one is drawn: that page must not work with him.
    let accepted = rig.keeper.accept_patient(&rig.id, "four").await;
    assert_eq!(change(accepted), told("four", "three"));
    assert_eq!(change(open().await), told("four", "three"));
    assert_eq!(
        access(rig.keeper.accept_patient(&rig.id, "three").await),
        ok(5)
    );
}

#[tokio::test]
async fn who_signs_out_during_a_refresh_leaves_no_tokens_behind() {
    let rig = Rig::new().await;
    rig.pass(HOUR);
    let (keeper, id) = (rig.keeper.clone(), rig.id.clone());
    let opening = tokio::spawn(async move { access(keeper.open(&id, None).await) });
    while rig.server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(rig.keeper.close(&rig.id).await, Closed::Ended(_)));
    assert_eq!(opening.await.unwrap(), Err("session-lost"));
    let revoked = rig.server.state.lock().unwrap().revoked.clone();
    assert_eq!(revoked, ["refresh-1", "access-1"]);
    assert!(rig.store.is_empty());
}

#[tokio::test]
async fn tokens_that_wait_to_be_judged_are_among_those_to_revoke() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().verdicts = [Verdict::Undecided].into();
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("refresh-undecided"));
    let Closed::Ended(closed) = rig.keeper.close(&rig.id).await else {
        panic!("there was a session");
    };
    let (refresh, access) = closed.all_tokens();
    let refresh: Vec<_> = refresh.iter().map(|it| it.expose_secret()).collect();
    let access: Vec<_> = access.iter().map(|it| it.expose_secret()).collect();
    assert_eq!(
        (refresh, access),
        (vec!["refresh-1"], vec!["access-0", "access-1"])
    );
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_puts_no_session_to_rest() {
    let rig = Rig::new().await;
    let reason = |error: Option<RenewalError>| rig.server.state.lock().unwrap().unreachable = error;
    let other = RenewalError::OtherIssuer {
        expected: smart_jose::Text::new("https://ehr.example"),
        found: smart_jose::Text::new("https://other.example"),
    };
    reason(Some(other));
    rig.pass(HOUR - Duration::from_secs(60));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    rig.pass(Duration::from_secs(60));
    for _ in 0..3 {
        let error = rig.keeper.open(&rig.id, None).await.unwrap_err();
        assert_eq!(
            (error.code(), error.needs_launch()),
            ("session-other-issuer", true)
        );
    }
    reason(Some(down()));
    let error = rig.keeper.open(&rig.id, None).await.unwrap_err();
    assert_eq!(
        (error.code(), error.needs_launch()),
        ("http-connect", false)
    );
    assert_eq!(rig.server.requests(), 0);
    // Nothing was written, so nothing has to be waited for.
    reason(None);
    assert_eq!(rig.open().await, ok(1));
}

#[tokio::test]
async fn a_token_that_ends_at_once_does_not_cause_a_request_each_time() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().life = Some(0);
    rig.pass(HOUR);
    let mut pause = 2;
    for round in 1..=3 {
        for _ in 0..20 {
            assert_eq!(rig.open().await, Err("session-resting"));
        }
        assert_eq!(rig.server.requests(), round);
        rig.pass(Duration::from_secs(pause));
        pause *= 2;
    }
    rig.server.state.lock().unwrap().life = None;
    assert_eq!(rig.open().await, ok(4));
    assert_eq!(rig.stored().await.unwrap().tokens.rest.failures, 0);
}

#[tokio::test]
async fn a_node_whose_clock_is_fast_ends_no_session() {
    let rig = Rig::new().await;
    let fast = Arc::new(smart_discovery::FixedClock::at(
        BEGIN.saturating_add(48 * HOUR),
    ));
    let other = keeper(rig.store.clone(), rig.store.clone(), &rig.server, &fast);
    assert_eq!(access(other.open(&rig.id, None).await), Err("session-lost"));
    assert_eq!(rig.open().await, ok(0));
    let mut ended = rig.stored().await.unwrap();
    ended.tokens.refresh = None;
    rewrite(&rig, &ended).await;
    let fast = Arc::new(smart_discovery::FixedClock::at(
        BEGIN.saturating_add(2 * HOUR),
    ));
    let other = keeper(rig.store.clone(), rig.store.clone(), &rig.server, &fast);
    assert_eq!(access(other.open(&rig.id, None).await), Err("session-over"));
    assert_eq!(rig.open().await, ok(0));
}

#[tokio::test]
async fn a_last_request_finds_its_record_however_long_the_access_token_has_ended() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost]);
    rig.pass(3 * HOUR);
    assert_eq!(rig.open().await, Err("http-connect"));
    rig.pass(Duration::from_secs(15));
    assert_eq!(rig.open().await, ok(2));
}

#[tokio::test(start_paused = true)]
async fn who_waits_asks_the_store_seldom_and_who_need_not_wait_asks_once() {
    let rig = Rig::new().await;
    let counting = Arc::new(Faulty {
        store: rig.store.clone(),
        writes: std::sync::Mutex::default(),
        reads: std::sync::atomic::AtomicUsize::new(0),
    });
    let waiting = keeper(counting.clone(), rig.store.clone(), &rig.server, &rig.clock);
    rig.pass(HOUR - Duration::from_secs(60));
    let held = rig
        .store
        .acquire(&rig.key, 2 * HOUR)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(access(waiting.open(&rig.id, None).await), ok(0));
    rig.settled().await;
    assert_eq!(counting.reads.load(Ordering::SeqCst), 2);
    rig.pass(Duration::from_secs(60));
    assert_eq!(
        access(waiting.open(&rig.id, None).await),
        Err("session-busy")
    );
    // Twenty seconds have passed: that is some 25 looks, where one every 50 ms would be 400.
    let reads = counting.reads.load(Ordering::SeqCst);
    assert!((10..60).contains(&reads), "{reads}");
    rig.store.release(&rig.key, &held).await.unwrap();
    assert_eq!(access(waiting.open(&rig.id, None).await), ok(1));
}

#[tokio::test]
async fn a_session_that_the_store_may_have_kept_is_removed() {
    let rig = Rig::new().await;
    rig.store.remove(&rig.key).await.unwrap();
    let faulty = Arc::new(Faulty {
        store: rig.store.clone(),
        writes: std::sync::Mutex::new([WriteFault::AnswerLost].into()),
        reads: std::sync::atomic::AtomicUsize::new(0),
    });
    let keeper = keeper(faulty, rig.store.clone(), &rig.server, &rig.clock);
    let error = keeper.create(&session()).await.unwrap_err();
    assert_eq!(error.code(), "store-unavailable");
    assert!(rig.store.is_empty());
}

#[test]
fn what_only_a_new_launch_ends_says_so() {
    let text = || smart_jose::Text::new("x");
    let from = SessionError::from;
    for (error, needs_launch) in [
        (from(StoreError::Gone), true),
        (from(StoreError::Unreadable { problem: text() }), true),
        (from(StoreError::Unavailable { problem: text() }), false),
        (from(StoreError::Full { limit: 1 }), false),
        (
            SessionError::Refresh(RenewalError::NotRegistered { fhir_base: text() }),
            true,
        ),
        (SessionError::Refresh(down()), false),
        (SessionError::Interrupted, false),
        (SessionError::Busy, false),
    ] {
        assert_eq!(error.needs_launch(), needs_launch, "{error:?}");
    }
    assert_eq!(from(StoreError::Gone), SessionError::Lost);
}

#[tokio::test]
async fn a_session_that_lies_idle_ends_and_one_that_is_used_does_not() {
    const MINUTE: Duration = Duration::from_secs(60);
    let rig = Rig::new().await;
    let keeper = rig.keeper.with_limits(|it| it.idle = Some(40 * MINUTE));
    let open = || async { access(keeper.open(&rig.id, None).await) };
    // A use in each half hour is enough, and is written down once in five minutes.
    for round in 1..=10 {
        let before = rig.store.read(&rig.key).await.unwrap().unwrap().revision;
        rig.pass(4 * MINUTE);
        for _ in 0..10 {
            assert_eq!(open().await, ok(0));
        }
        rig.settled().await;
        rig.pass(MINUTE);
        for _ in 0..10 {
            assert_eq!(open().await, ok(0));
            rig.settled().await;
        }
        let after = rig.store.read(&rig.key).await.unwrap().unwrap().revision;
        assert_eq!(after.0, before.0 + 1, "{round}");
    }
    let seen = rig.stored().await.unwrap().seen_at;
    assert_eq!(seen, rig.clock.now());
    // A refresh is a use.
    rig.pass(30 * MINUTE);
    assert_eq!(open().await, ok(1));
    assert_eq!(rig.stored().await.unwrap().seen_at, rig.clock.now());
    rig.pass(40 * MINUTE - Duration::from_secs(1));
    assert_eq!(open().await, ok(1));
    rig.settled().await;
    rig.pass(40 * MINUTE);
    assert!(rig.store.is_empty(), "the store ends it");
    assert_eq!(open().await, Err("session-lost"));
}

#[tokio::test]
async fn a_sign_out_whose_answer_is_lost_still_knows_what_to_revoke() {
    let rig = Rig::new().await;
    let faulty = Arc::new(Faulty {
        store: rig.store.clone(),
        writes: std::sync::Mutex::new([WriteFault::AnswerLost].into()),
        reads: std::sync::atomic::AtomicUsize::new(0),
    });
    let keeper = keeper(faulty, rig.store.clone(), &rig.server, &rig.clock);
    let Closed::Unsure(error, Some(session)) = keeper.close(&rig.id).await else {
        panic!("nobody knows whether it has ended");
    };
    assert_eq!(error.code(), "store-unavailable");
    assert_eq!(session.all_tokens().0[0].expose_secret(), "refresh-0");
    assert!(rig.store.is_empty());
}
