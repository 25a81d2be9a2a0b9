//! Servers that die, hang, lose answers or are not what they were.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use smart_oidc::session::{Fence, StoreError};
use smart_redis::RedisStore;
use smart_tests::redis_server::{Persistence, RedisServer, free_port};
use smart_tests::store_contract::{Bench, LONG, eventually};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::proxy::Proxy;
use crate::rig::{PATIENCE, bench_of, hasty_store_at, keys, name, provider, rig, store_at};

const HASTE: Duration = Duration::from_millis(500);

fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable { .. }))
}

/// Waits until the store works again, which it must without being told.
async fn until_it_works(store: &RedisStore) {
    eventually("it works again", async || store.check().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_a_killed_server() {
    let Some(mut server) = RedisServer::start(Persistence::Always).await else {
        return;
    };
    let store = store_at(&server.url());
    let bench = Arc::new(bench_of(store.clone()));
    let session = bench.with_session(b"1").await;
    let lease = bench.acquire(&session, LONG).await.unwrap();
    let (waiting, taken) = (bench.launch(), bench.launch());
    bench.insert(&waiting, b"waits", LONG).await.unwrap();
    bench.insert(&taken, b"taken", LONG).await.unwrap();
    assert_eq!(bench.take(&taken).await, Some(b"taken".to_vec()));

    // Somebody writes all the time, and remembers what was acknowledged.
    let writer = tokio::spawn({
        let (bench, session, fence) = (Arc::clone(&bench), session.clone(), lease.fence);
        async move {
            for revision in 1.. {
                let value = (revision + 1).to_string().into_bytes();
                let written = bench.replace(&session, &value, revision, fence, LONG).await;
                if written != Ok(revision + 1) {
                    assert!(is_unavailable(&written), "{written:?}");
                    return revision;
                }
            }
            0
        }
    });
    let has_written = async || bench.read(&session).await.is_some_and(|it| it.1 > 20);
    eventually("something is written", has_written).await;
    server.kill();
    let acknowledged = writer.await.unwrap();
    assert!(is_unavailable(&store.check().await));
    server.restart().await;

    until_it_works(&store).await;
    let (value, revision) = bench.read(&session).await.unwrap();
    assert_eq!(value, revision.to_string().into_bytes());
    // The one write whose answer was lost may have been done.
    assert!(
        revision == acknowledged || revision == acknowledged + 1,
        "{revision}, acknowledged {acknowledged}"
    );
    assert!(bench.acquire(&session, LONG).await.is_none());
    bench.store.release(&session, &lease).await.unwrap();
    let next = bench.acquire(&session, LONG).await.unwrap();
    assert!(next.fence > lease.fence);
    assert_eq!(bench.take(&waiting).await, Some(b"waits".to_vec()));
    assert_eq!(bench.take(&taken).await, None);
}

#[tokio::test]
async fn what_was_lost_reads_as_nothing() {
    let Some((mut server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    let lease = bench.acquire(&session, LONG).await.unwrap();
    let launch = bench.launch();
    bench.insert(&launch, b"waits", LONG).await.unwrap();
    server.kill();
    server.restart().await;

    let works = async || bench.store.read(&session).await.is_ok();
    eventually("it works again", works).await;
    assert_eq!(bench.read(&session).await, None);
    assert_eq!(bench.take(&launch).await, None);
    let written = bench.replace(&session, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Err(StoreError::Gone));
    let acquired = bench.store.acquire(&session, LONG).await;
    assert_eq!(acquired.unwrap_err(), StoreError::Gone);
    assert_eq!(bench.store.release(&session, &lease).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_holds_nobody_up() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    let store = hasty_store_at(&server.url(), HASTE);
    let hasty = Arc::new(bench_of(store.clone()));
    // Even this may take longer, on a machine that is busy.
    until_it_works(&store).await;
    server.pause();
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for number in 0..300_u32 {
        let (hasty, session) = (Arc::clone(&hasty), session.clone());
        callers.spawn(async move {
            let store = &hasty.store;
            match number % 6 {
                0 => is_unavailable(&store.read(&session).await),
                1 => is_unavailable(&store.take(&hasty.launch()).await),
                2 => is_unavailable(&store.acquire(&session, LONG).await),
                3 => is_unavailable(&store.remove(&hasty.session()).await),
                4 => is_unavailable(&hasty.insert(&hasty.launch(), b"x", LONG).await),
                _ => is_unavailable(&hasty.replace(&session, b"x", 9, Fence(0), LONG).await),
            }
        });
    }
    let outcomes = callers.join_all().await;
    let spent = began.elapsed();
    assert!(outcomes.iter().all(|it| *it));
    assert!(spent >= HASTE, "{spent:?}");
    assert!(spent < PATIENCE, "{spent:?}");
    server.resume();
    until_it_works(&store).await;
    assert_eq!(bench.read(&session).await, Some((b"1".to_vec(), 1)));
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    server.tell(&[b"CLIENT", b"PAUSE", b"300", b"ALL"]);
    assert_eq!(bench.read(&session).await, Some((b"1".to_vec(), 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_takes_no_answer_of_another() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let (one, other) = (
        bench.with_session(b"1").await,
        bench.with_session(b"2").await,
    );
    server.pause();
    for _ in 0..20 {
        let left = timeout(Duration::from_millis(5), bench.read(&one)).await;
        assert!(left.is_err());
    }
    server.resume();
    assert_eq!(bench.read(&other).await, Some((b"2".to_vec(), 1)));
    assert_eq!(bench.read(&one).await, Some((b"1".to_vec(), 1)));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_at_once_and_used_when_it_comes() {
    let Some((mut server, bench)) = rig().await else {
        return;
    };
    server.kill();
    let refused = bench.store.read(&bench.session()).await.unwrap_err();
    assert_eq!(refused.code(), "store-unavailable");
    assert!(refused.to_string().contains("127.0.0.1"), "{refused}");
    server.restart().await;
    // No call in between has told it.
    assert_eq!(bench.insert(&bench.session(), b"1", LONG).await, Ok(()));
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    for (url, time) in [
        (format!("redis://{address}"), 2 * HASTE),
        // With a password the login waits for an answer.
        (format!("redis://:s3cret@{address}"), 2 * HASTE),
        (format!("rediss://{address}"), 2 * HASTE),
    ] {
        let store = hasty_store_at(&url, HASTE);
        let began = Instant::now();
        let result = store.check().await;
        assert!(is_unavailable(&result), "{result:?}");
        assert!(began.elapsed() >= HASTE && began.elapsed() < time + PATIENCE);
        assert!(!format!("{result:?}").contains("s3cret"));
    }
}

/// A store behind a proxy, and the bench of another store that is not.
async fn behind_a_proxy() -> Option<(RedisServer, Proxy, Bench, Bench)> {
    let (server, direct) = rig().await?;
    let proxy = Proxy::before(server.port()).await;
    let behind = bench_of(store_at(&proxy.url()));
    // The connection is made, so that the next command is the only one.
    assert_eq!(behind.take(&behind.launch()).await, None);
    Some((server, proxy, behind, direct))
}

#[tokio::test]
async fn a_launch_whose_answer_was_lost_is_not_taken_again() {
    for kept in [0, 1, 40] {
        let Some((_server, proxy, behind, direct)) = behind_a_proxy().await else {
            return;
        };
        let launch = direct.launch();
        direct.insert(&launch, b"once", LONG).await.unwrap();
        let before = proxy.commands();
        proxy.lose_the_next_answer_after(kept);
        let taken = behind.store.take(&launch).await;
        assert!(is_unavailable(&taken), "{kept}: {taken:?}");
        assert_eq!(proxy.commands(), before + 1, "it was sent once");
        assert_eq!(behind.take(&launch).await, None);
        assert_eq!(direct.take(&launch).await, None);
    }
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_written_again() {
    let Some((_server, proxy, behind, direct)) = behind_a_proxy().await else {
        return;
    };
    let session = direct.with_session(b"1").await;
    let before = proxy.commands();
    proxy.lose_the_next_answer_after(0);
    let written = behind.replace(&session, b"2", 1, Fence(0), LONG).await;
    assert!(is_unavailable(&written), "{written:?}");
    assert_eq!(proxy.commands(), before + 1, "it was sent once");
    // It was done, and whoever asks again is told that somebody has written.
    assert_eq!(direct.read(&session).await, Some((b"2".to_vec(), 2)));
    let again = behind.replace(&session, b"2", 1, Fence(0), LONG).await;
    assert_eq!(again.unwrap_err().code(), "store-changed");

    proxy.lose_the_next_answer_after(0);
    let lease = behind.store.acquire(&session, LONG).await;
    assert!(is_unavailable(&lease), "{lease:?}");
    assert!(direct.acquire(&session, LONG).await.is_none());

    let other = direct.session();
    proxy.lose_the_next_answer_after(2);
    let inserted = behind.insert(&other, b"1", LONG).await;
    assert!(is_unavailable(&inserted), "{inserted:?}");
    let again = behind.insert(&other, b"1", LONG).await;
    assert_eq!(again, Err(StoreError::Exists));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_went_dead_costs_one_time_out() {
    let Some((server, direct)) = rig().await else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let behind = bench_of(hasty_store_at(&proxy.url(), HASTE));
    let session = direct.with_session(b"1").await;
    eventually("a connection is made", async || {
        behind.store.read(&session).await.is_ok()
    })
    .await;
    proxy.go_dead();
    let began = Instant::now();
    assert!(is_unavailable(&behind.store.read(&session).await));
    assert!(began.elapsed() >= HASTE);
    // Later calls do not wait for it: they connect anew, and all of them together once.
    let before = proxy.connections();
    let works = async || behind.store.read(&session).await.is_ok();
    eventually("it works again", works).await;
    assert!(proxy.connections() > before);
    let made = proxy.connections();
    for _ in 0..10 {
        assert_eq!(behind.read(&session).await, Some((b"1".to_vec(), 1)));
    }
    assert_eq!(proxy.connections(), made);
}

#[tokio::test]
async fn many_callers_make_one_connection() {
    let Some((server, _)) = rig().await else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let store = store_at(&proxy.url());
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let store = Arc::clone(&store);
        callers.spawn(async move { store.check().await });
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_wrong_password_is_said_and_never_shown() {
    let arguments = vec!["--requirepass".to_owned(), "s3cret".to_owned()];
    let Some(server) = RedisServer::start_with(Persistence::None, |_| arguments).await else {
        return;
    };
    let address = format!("127.0.0.1:{}", server.port());
    let right = bench_of(store_at(&format!("redis://:s3cret@{address}")));
    assert_eq!(right.insert(&right.session(), b"1", LONG).await, Ok(()));
    for url in [
        format!("redis://:wr0ng@{address}"),
        format!("redis://nobody:wr0ng@{address}"),
        format!("redis://{address}"),
    ] {
        let store = store_at(&url);
        let error = store.check().await.unwrap_err();
        let shown = format!("{error} {error:?} {store:?}");
        assert_eq!(error.code(), "store-unavailable");
        let is_said = ["authentication failed", "NOAUTH"].map(|it| shown.contains(it));
        assert!(is_said.contains(&true), "{shown}");
        for secret in ["wr0ng", "s3cret", "nobody"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn of_what_a_server_says_only_the_code_is_told() {
    // Such a server repeats what it does not know.
    let arguments = ["--rename-command", "EVAL", ""].map(str::to_owned).to_vec();
    let Some(server) = RedisServer::start_with(Persistence::None, |_| arguments).await else {
        return;
    };
    let bench = bench_of(store_at(&server.url()));
    let session = bench.with_session(b"1").await;
    let written = bench.replace(&session, b"2", 1, Fence(0), LONG).await;
    let shown = written.unwrap_err().to_string();
    assert!(
        shown.ends_with("\"the server answered replace with ERR\""),
        "{shown}"
    );
}

#[tokio::test]
async fn a_demoted_server_is_neither_read_nor_written() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    let launch = bench.launch();
    bench.insert(&launch, b"1", LONG).await.unwrap();
    let nobody = free_port().to_string();
    server.tell(&[b"REPLICAOF", b"127.0.0.1", nobody.as_bytes()]);
    // It still holds what it held, which may be older than what its successor has.
    assert!(!server.ask(&[b"GET", &name(&session)]).is_empty());
    assert!(is_unavailable(&bench.store.read(&session).await));
    assert!(is_unavailable(&bench.store.take(&launch).await));
    assert!(is_unavailable(&bench.store.acquire(&session, LONG).await));
    assert!(is_unavailable(&bench.store.remove(&session).await));
    let written = bench.replace(&session, b"2", 1, Fence(0), LONG).await;
    assert!(is_unavailable(&written), "{written:?}");
    let store = store_at(&server.url());
    assert!(is_unavailable(&store.check().await));
    server.tell(&[b"REPLICAOF", b"NO", b"ONE"]);
    until_it_works(&store).await;
    assert_eq!(bench.read(&session).await, Some((b"1".to_vec(), 1)));
}

#[tokio::test]
async fn a_server_that_lost_its_replicas_is_not_read_if_it_must_have_some() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    server.tell(&[b"CONFIG", b"SET", b"min-replicas-to-write", b"1"]);
    assert!(is_unavailable(&bench.store.read(&session).await));
    server.tell(&[b"CONFIG", b"SET", b"min-replicas-to-write", b"0"]);
    assert_eq!(bench.read(&session).await, Some((b"1".to_vec(), 1)));
}

#[tokio::test]
async fn the_rights_that_the_page_lists_are_enough() {
    let Some((server, _)) = rig().await else {
        return;
    };
    let page = include_str!("../../docs/running-many-nodes.md");
    let line = page
        .lines()
        .find(|it| it.starts_with("ACL SETUSER"))
        .unwrap();
    let line = line.replace("~growth-chart:*", "~smart:*");
    let words: Vec<_> = line.split(' ').map(str::as_bytes).collect();
    server.tell(&words);
    let url = format!("redis://app:password@127.0.0.1:{}/1", server.port());
    let store = store_at(&url);
    assert_eq!(store.check().await, Ok(()));
    let bench = bench_of(store);
    let session = bench.with_session(b"1").await;
    let lease = bench.acquire(&session, LONG).await.unwrap();
    let written = bench.replace(&session, b"2", 1, lease.fence, LONG).await;
    assert_eq!(written, Ok(2));
    assert_eq!(bench.store.release(&session, &lease).await, Ok(()));
    assert_eq!(bench.read(&session).await, Some((b"2".to_vec(), 2)));
    assert_eq!(bench.take(&session).await, Some(b"2".to_vec()));
    assert_eq!(bench.store.remove(&session).await, Ok(()));
}

#[tokio::test]
async fn a_server_without_room_says_so_and_keeps_what_it_has() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    server.tell(&[b"CONFIG", b"SET", b"maxmemory", b"1"]);
    let full = bench.insert(&bench.session(), b"1", LONG).await;
    assert!(is_unavailable(&full), "{full:?}");
    assert!(full.unwrap_err().to_string().contains("OOM"));
    assert_eq!(bench.read(&session).await, Some((b"1".to_vec(), 1)));
    let launch = bench.launch();
    server.tell(&[b"CONFIG", b"SET", b"maxmemory", b"0"]);
    assert_eq!(bench.insert(&launch, b"1", LONG).await, Ok(()));
}

#[test]
fn a_store_goes_on_in_another_runtime() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let first = runtime();
    let Some((_server, bench)) = first.block_on(rig()) else {
        return;
    };
    let session = first.block_on(bench.with_session(b"1"));
    drop(first);
    let read = runtime().block_on(bench.read(&session));
    assert_eq!(read, Some((b"1".to_vec(), 1)));
    assert_eq!(keys(provider()).newest().id(), "test");
}
