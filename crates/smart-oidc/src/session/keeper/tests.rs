//! Sessions under load, under faults, and in doubt.

mod ends;
mod faults;
mod faulty;
mod rig;

use std::sync::atomic::Ordering;

use self::rig::*;
use super::turn::LEASE;
use super::*;

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
    let life = session.life(rig.clock.now(), None);
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
    rig.pass(Duration::from_secs(15));
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.server.requests(), 2);
    assert_eq!(rig.open().await, ok(0));
    rig.pass(Duration::from_secs(45));
    for _ in 0..3 {
        assert_eq!(rig.open().await, Err("session-over"));
    }
    assert_eq!(rig.server.requests(), 2);
    // The store, by its own clock, leaves nothing behind.
    rig.pass(Duration::from_secs(300));
    assert!(rig.store.is_empty());
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
    rig.pass(Duration::from_secs(15));
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
    rig.pass(Duration::from_secs(15));
    let (first, id) = (rig.keeper.clone(), rig.id.clone());
    let first = tokio::spawn(async move { access(first.open(&id, None).await) });
    for _ in 0..1000 {
        if rig.server.requests() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.server.requests(), 2);
    // The record says by now that the refresh token was sent twice. It is not for those who come
    // to another node or to this one to say that all is lost.
    let (store, lease) = (rig.store.clone(), rig.store.clone());
    let other = keeper(store, lease, &rig.server, &rig.clock);
    let (there, here) = tokio::join!(other.open(&rig.id, None), rig.keeper.open(&rig.id, None));
    assert_eq!((access(there), access(here)), (ok(2), ok(2)));
    assert_eq!(first.await.unwrap(), ok(2));
    assert_eq!(rig.server.requests(), 2);
}

#[tokio::test]
async fn an_outage_of_seconds_does_not_use_up_both_requests() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost]);
    rig.pass(HOUR - Duration::from_secs(300));
    for _ in 0..240 {
        assert_eq!(rig.open().await, ok(0));
        rig.settled().await;
        assert_eq!(rig.server.requests(), 1);
        rig.pass(Duration::from_secs(1));
    }
    assert_eq!(rig.open().await, ok(0));
    rig.settled().await;
    assert_eq!(rig.open().await, ok(2));
    assert_eq!(rig.server.requests(), 2);
}

#[tokio::test]
async fn a_refusal_does_not_end_the_doubt_of_the_request_before() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost, Fault::Refused, Fault::Lost]);
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("http-connect"));
    rig.pass(Duration::from_secs(15));
    assert_eq!(rig.open().await, Err("token-refused"));
    assert!(rig.stored().await.unwrap().is_in_doubt());
    rig.pass(Duration::from_secs(15));
    assert_eq!(rig.open().await, Err("session-in-doubt"));
    rig.pass(Duration::from_secs(60));
    assert_eq!(rig.open().await, Err("session-in-doubt"));
    assert_eq!(rig.server.requests(), 3);
}

#[tokio::test]
async fn a_server_that_asks_to_be_left_alone_is_left_alone() {
    let rig = Rig::new().await;
    rig.server.plan(&[Fault::Busy]);
    rig.pass(HOUR);
    assert_eq!(rig.open().await, Err("token-status"));
    rig.pass(Duration::from_secs(599));
    assert_eq!(rig.open().await, Err("session-resting"));
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.open().await, ok(1));
}

#[tokio::test]
async fn two_lost_answers_leave_the_session_in_doubt_and_nothing_is_sent_again() {
    let rig = Rig::new().await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost, Fault::Lost]);
    rig.pass(HOUR - Duration::from_secs(300));
    for _ in 0..29 {
        assert_eq!(rig.open().await, ok(0));
        rig.settled().await;
        rig.pass(Duration::from_secs(10));
    }
    assert_eq!(rig.server.requests(), 2);
    assert!(rig.stored().await.unwrap().is_in_doubt());
    rig.pass(Duration::from_secs(10));
    for _ in 0..3 {
        assert_eq!(rig.open().await, Err("session-in-doubt"));
    }
    assert_eq!(rig.server.requests(), 2);
    rig.pass(Duration::from_secs(300));
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
    let rig = &Rig::new().await;
    let reject = |token: &str| {
        let rejected = AccessToken::new(token);
        async move { access(rig.keeper.open(&rig.id, Some(&rejected)).await) }
    };
    // A FHIR server that refuses every token must not cause a refresh with each request.
    assert_eq!(reject("access-0").await, Err("session-resting"));
    rig.pass(Duration::from_secs(30));
    for _ in 0..3 {
        // The second time it is no longer the one that was rejected.
        assert_eq!(reject("access-0").await, ok(1));
    }
    for _ in 0..3 {
        assert_eq!(reject("access-1").await, Err("session-resting"));
        rig.pass(Duration::from_secs(10));
    }
    assert_eq!(rig.server.requests(), 1);
    assert_eq!(reject("access-1").await, ok(2));
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
    let Closed::Ended(closed) = rig.keeper.close(&rig.id).await else {
        panic!("there was a session");
    };
    assert_eq!(closed.access_token().expose_secret(), "access-0");
    assert!(matches!(rig.keeper.close(&rig.id).await, Closed::None));
    assert_eq!(rig.open().await, Err("session-lost"));
    let other = SessionId::new("made up");
    assert_eq!(
        access(rig.keeper.open(&other, None).await),
        Err("session-lost")
    );
}
