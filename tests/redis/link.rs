//! The one connection of a store: who makes it, when it is given up, and how often.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use smart_redis::RedisStore;
use smart_tests::redis_server::{Persistence, RedisServer};
use smart_tests::store_contract::eventually;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::proxy::Proxy;
use crate::rig::{hasty_store_at, rig, store_at};

const HASTE: Duration = Duration::from_millis(500);
/// What a far server with TLS takes for a handshake.
const LATE: Duration = Duration::from_millis(50);

/// A server with a password, so that the login waits for an answer, behind a proxy that is in no
/// hurry with the first one.
async fn far_away() -> Option<(RedisServer, Proxy, String)> {
    let arguments = vec!["--requirepass".to_owned(), "s3cret".to_owned()];
    let server = RedisServer::start_with(Persistence::None, |_| arguments).await?;
    let proxy = Proxy::before(server.port()).await;
    proxy.delay_first_answers(LATE);
    let url = proxy.url_with(":s3cret@");
    Some((server, proxy, url))
}

/// Calls a store a hundred times a second.
struct Load {
    well: Arc<AtomicUsize>,
    ill: Arc<AtomicUsize>,
    _callers: JoinSet<()>,
}

impl Load {
    fn on(store: &Arc<RedisStore>) -> Self {
        let (well, ill) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let mut callers = JoinSet::new();
        callers.spawn({
            let (store, well, ill) = (Arc::clone(store), Arc::clone(&well), Arc::clone(&ill));
            async move {
                let mut ticks = interval(Duration::from_millis(10));
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                let mut callers = JoinSet::new();
                loop {
                    ticks.tick().await;
                    let (store, well, ill) = (store.clone(), well.clone(), ill.clone());
                    callers.spawn(async move {
                        let count = if store.check().await.is_ok() {
                            well
                        } else {
                            ill
                        };
                        count.fetch_add(1, Ordering::SeqCst);
                    });
                    while callers.try_join_next().is_some() {}
                }
            }
        });
        Self {
            well,
            ill,
            _callers: callers,
        }
    }

    /// Waits until so many more calls have ended well.
    async fn until_well(&self, more: usize) {
        let enough = self.well.load(Ordering::SeqCst) + more;
        let is_well = async || self.well.load(Ordering::SeqCst) >= enough;
        eventually("it works under load", is_well).await;
    }

    async fn until_ill(&self, more: usize) {
        let enough = self.ill.load(Ordering::SeqCst) + more;
        let is_ill = async || self.ill.load(Ordering::SeqCst) >= enough;
        eventually("calls fail", is_ill).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_node_connects_again_after_a_server_that_hung() {
    let Some((_server, proxy, url)) = far_away().await else {
        return;
    };
    proxy.hang();
    let load = Load::on(&hasty_store_at(&url, HASTE));
    // By then callers of every age are waiting.
    load.until_ill(100).await;
    proxy.go_dead();
    let before = proxy.connections();
    load.until_well(100).await;
    let made = proxy.connections() - before;
    assert!((1..=2).contains(&made), "{made} connections");

    // Once more, with a connection that was good.
    proxy.hang();
    load.until_ill(100).await;
    proxy.go_dead();
    load.until_well(100).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_node_connects_again_after_a_server_that_was_away() {
    let Some((mut server, proxy, url)) = far_away().await else {
        return;
    };
    let load = Load::on(&hasty_store_at(&url, HASTE));
    load.until_well(20).await;
    server.kill();
    load.until_ill(20).await;
    let before = proxy.connections();
    load.until_ill(100).await;
    // Each call alone would have made one, and then another.
    let made = proxy.connections() - before;
    assert!(made <= 50, "{made} connections for a hundred calls");
    server.restart().await;
    load.until_well(100).await;
    assert!(load.ill.load(Ordering::SeqCst) >= 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_the_attempt_to_the_others() {
    let Some((_server, proxy, url)) = far_away().await else {
        return;
    };
    proxy.delay_first_answers(2 * HASTE);
    let store = store_at(&url);
    for _ in 0..20 {
        let left = timeout(Duration::from_millis(5), store.check()).await;
        assert!(left.is_err());
    }
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_answer_does_not_end_a_connection_that_others_use() {
    let Some((server, _)) = rig().await else {
        return;
    };
    let proxy = Proxy::before(server.port()).await;
    let (patient, hasty) = (store_at(&proxy.url()), hasty_store_at(&proxy.url(), HASTE));
    assert_eq!(patient.check().await, Ok(()));
    eventually("a connection is made", async || hasty.check().await.is_ok()).await;
    let connections = proxy.connections();

    // Of two answers the first comes, which has five octets: "there is nothing".
    proxy.hold_answers_after(0);
    let call = || {
        let hasty = Arc::clone(&hasty);
        tokio::spawn(async move { hasty.check().await })
    };
    let commands = proxy.commands();
    let first = call();
    let sent = async || proxy.commands() > commands;
    eventually("the first is sent", sent).await;
    let second = call();
    let sent = async || proxy.commands() > commands + 1;
    eventually("the second is sent", sent).await;
    proxy.hold_answers_after(5);
    assert_eq!(first.await.unwrap(), Ok(()));
    let late = second.await.unwrap().unwrap_err();
    assert!(late.to_string().contains("no answer"), "{late}");

    proxy.let_answers_pass();
    eventually("it works", async || hasty.check().await.is_ok()).await;
    assert_eq!(proxy.connections(), connections);
}

#[tokio::test]
async fn a_server_that_hangs_up_is_not_called_without_pause() {
    for says in ["", "-ERR max number of clients reached\r\n"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let connections = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                // A refusal is the answer to a command.
                let read = client.read(&mut [0; 1024]).await.unwrap();
                assert!(read > 0);
                client.write_all(says.as_bytes()).await.unwrap();
            }
        });
        let store = store_at(&url);
        let began = Instant::now();
        for _ in 0..5 {
            let error = store.check().await.unwrap_err();
            assert_eq!(error.code(), "store-unavailable");
        }
        let made = connections.load(Ordering::SeqCst);
        assert!((1..=5).contains(&made), "{made} connections");
        let pauses = u32::try_from(made).unwrap() - 1;
        assert!(began.elapsed() >= pauses * Duration::from_millis(50));
    }
}

#[test]
fn an_attempt_whose_runtime_stands_still_is_given_up() {
    let running = Builder::new_multi_thread().enable_all().build().unwrap();
    let Some((_server, proxy, url)) = running.block_on(far_away()) else {
        return;
    };
    proxy.delay_first_answers(HASTE / 2);
    let store = hasty_store_at(&url, HASTE);
    let still = Builder::new_current_thread().enable_all().build().unwrap();
    let begun = still.block_on(async { timeout(LATE, store.check()).await });
    assert!(begun.is_err(), "{begun:?}");
    running.block_on(eventually("another attempt is made", async || {
        store.check().await.is_ok()
    }));
    drop(still);
}
