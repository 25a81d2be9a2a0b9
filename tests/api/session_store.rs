//! The store in memory: what every store promises, and its own bounds.

use std::sync::Arc;
use std::time::Duration;

use smart_oidc::discovery::FixedClock;
use smart_oidc::jose::{Secret, UnixTime};
use smart_oidc::session::{MemoryStore, SessionStore as _, StoreError, StoreKey};
use smart_tests::store_contract::{Bench, LONG, Time};

use super::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

async fn bench() -> Option<Bench> {
    Some(bench_of(usize::MAX).0)
}

fn bench_of(limit: usize) -> (Bench, Arc<MemoryStore>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    let store = Arc::new(MemoryStore::new(clock.clone()).with_limit(limit));
    let bench = Bench {
        store: store.clone(),
        time: Time::Told(clock.clone()),
        provider: provider(),
        keeps: None,
    };
    (bench, store, clock)
}

smart_tests::store_contract!(bench);

async fn insert(store: &MemoryStore, key: &StoreKey, life: Duration) -> Result<(), StoreError> {
    store.insert(key, &Secret::new(vec![1]), life).await
}

#[tokio::test]
async fn a_flood_of_launches_pushes_out_the_one_that_would_end_first() {
    let (bench, store, _) = bench_of(3);
    let session = bench.with_session(b"session").await;
    let launches: Vec<_> = (0..4).map(|_| bench.launch()).collect();
    // The second would end first, though it is not the first that came.
    for (launch, seconds) in launches.iter().zip([20, 10, 30, 40]) {
        let life = Duration::from_secs(seconds);
        assert_eq!(insert(&store, launch, life).await, Ok(()));
    }
    let mut there = Vec::new();
    for launch in &launches {
        there.push(bench.read(launch).await.is_some());
    }
    assert_eq!(there, [true, false, true, true]);
    assert!(bench.read(&session).await.is_some());
    assert_eq!(store.len(), 4);
}

#[tokio::test]
async fn a_launch_that_is_there_is_pushed_out_by_no_second_of_its_name() {
    let (bench, store, _) = bench_of(1);
    let launch = bench.launch();
    assert_eq!(insert(&store, &launch, LONG).await, Ok(()));
    let again = insert(&store, &launch, LONG).await;
    assert_eq!(again, Err(StoreError::Exists));
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn a_full_store_takes_no_session_and_drops_none() {
    let (bench, store, clock) = bench_of(2);
    let sessions = [bench.session(), bench.session()];
    for session in &sessions {
        let life = Duration::from_secs(60);
        assert_eq!(insert(&store, session, life).await, Ok(()));
    }
    let third = bench.session();
    let full = StoreError::Full { limit: 2 };
    assert_eq!(insert(&store, &third, LONG).await, Err(full));
    for session in &sessions {
        assert!(bench.read(session).await.is_some());
    }
    // Launches have room of their own.
    assert_eq!(insert(&store, &bench.launch(), LONG).await, Ok(()));

    clock.advance(Duration::from_secs(60));
    assert_eq!(insert(&store, &third, LONG).await, Ok(()));
}

#[tokio::test]
async fn what_is_held_is_counted_and_what_is_over_is_not() {
    let (bench, store, clock) = bench_of(10);
    assert!(store.is_empty());
    let (launch, session) = (bench.launch(), bench.session());
    insert(&store, &launch, Duration::from_secs(1))
        .await
        .unwrap();
    insert(&store, &session, Duration::from_secs(2))
        .await
        .unwrap();
    assert_eq!(store.len(), 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(store.len(), 1);
    store.remove(&session).await.unwrap();
    assert_eq!(store.len(), 0);
    assert!(store.is_empty());
}
