//! Faults of the store in the middle of a refresh.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use super::faulty::{Faulty, WriteFault};
use super::rig::*;
use super::*;

/// What comes of a refresh with these faults, of the mark, of the answer and so on.
async fn with_faults(faults: &[WriteFault]) -> (Rig, Result<String, &'static str>) {
    let (rig, _) = broken(faults).await;
    let result = rig.open().await;
    (rig, result)
}

/// A session whose access token has ended, in a store with these faults.
async fn broken(faults: &[WriteFault]) -> (Rig, Arc<Faulty>) {
    let mut rig = Rig::new().await;
    let faulty = Arc::new(Faulty {
        store: rig.store.clone(),
        writes: Mutex::new(faults.iter().copied().collect()),
        reads: AtomicUsize::new(0),
    });
    rig.keeper = keeper(faulty.clone(), rig.store.clone(), &rig.server, &rig.clock);
    rig.pass(HOUR);
    (rig, faulty)
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_that_was_not_written_down() {
    let (rig, faulty) = broken(&[WriteFault::Down; 1000]).await;
    assert_eq!(rig.open().await, Err("store-unavailable"));
    assert_eq!(rig.server.requests(), 0);
    // The lease was given back, so the next one goes on.
    faulty.writes.lock().unwrap().clear();
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
    // Whoever was overtaken waits for the one who holds the lease now.
    let (rig, result) = with_faults(&[WriteFault::Paused]).await;
    assert_eq!(result, Err("session-busy"));
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
    // A store that is down for minutes costs nothing either, while nobody else takes the lease.
    let mut faults = vec![Down; 1000];
    faults.insert(0, None);
    let (rig, _) = broken(&faults).await;
    let begin = time::Instant::now();
    while rig.open().await == Err("session-busy") {
        assert_eq!(rig.server.requests(), 1);
    }
    assert!(begin.elapsed() > Duration::from_secs(200));
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1);
    // It is not tried for ever; what was not written was not used, and the session is in doubt.
    let mut faults = vec![Down; 10_000];
    faults.insert(0, None);
    let (rig, faulty) = broken(&faults).await;
    let begin = time::Instant::now();
    while rig.open().await == Err("session-busy") {}
    let took = begin.elapsed();
    assert!((850..950).contains(&took.as_secs()), "{took:?}");
    faulty.writes.lock().unwrap().clear();
    assert!(rig.stored().await.unwrap().is_in_doubt());
    assert_eq!(rig.server.requests(), 1);
    assert_eq!(rig.open().await, Err("session-over"));
    assert_eq!(rig.server.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_was_not_heard_of_is_no_request() {
    let (rig, faulty) = broken(&[WriteFault::AnswerLost]).await;
    rig.server.state.lock().unwrap().keeps = true;
    rig.server.plan(&[Fault::Lost]);
    assert_eq!(rig.open().await, Err("http-connect"));
    assert!(faulty.writes.lock().unwrap().is_empty());
    // That was the first, whatever the record had to be told twice.
    rig.pass(Duration::from_secs(15));
    assert_eq!(rig.open().await, ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_paused_beyond_its_lease_writes_if_nobody_else_has_asked() {
    let (rig, result) = with_faults(&[WriteFault::None, WriteFault::Paused]).await;
    assert_eq!(result, Err("session-busy"));
    assert_eq!(
        rig.stored().await.unwrap().access_token().expose_secret(),
        "access-0"
    );
    // The other one has gone without a trace.
    rig.pass(LEASE);
    assert_eq!(rig.open().await, ok(1));
    assert_eq!(rig.server.requests(), 1);
    // Where the refresh token was sent meanwhile, its answer is the one that counts.
    let (rig, result) = with_faults(&[WriteFault::None, WriteFault::Overtaken]).await;
    assert_eq!(result, Err("session-busy"));
    rig.pass(LEASE);
    assert_eq!(rig.open().await, Err("session-in-doubt"));
    let stored = rig.stored().await.unwrap();
    assert_eq!(stored.access_token().expose_secret(), "access-0");
    assert_eq!(rig.server.requests(), 1);
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
