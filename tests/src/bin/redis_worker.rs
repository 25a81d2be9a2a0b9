//! One of several processes that work on one session in one Redis.
//!
//! In the mode `refresh` it is one node of a fleet, whose sessions are real ones. In the others the
//! value of the session is a number in text. Each task adds one to it, so many times, and prints
//! the number that it found: what an app would send as the refresh token.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a worker that meets something unexpected ends, and the test that started it fails"
)]

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use smart_oidc::jose::CryptoProvider;
use smart_oidc::seal::{SealingKey, SealingKeys};
use smart_oidc::session::{
    Fence, RefreshLease as _, SessionId, SessionStore as _, StoreError, StoreKey, Write,
};
use smart_redis::RedisStore;
use smart_tests::ehr_world::public_node;
use tokio::task::JoinSet;
use tokio::time::interval;

const LIFE: Duration = Duration::from_secs(600);
/// Longer than a task holds it, even on a machine that is busy.
const LEASE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, url, key, session, tasks, times, fhir_base] = arguments.as_slice()
        && mode == "refresh"
    {
        let (tasks, times) = (tasks.parse().unwrap(), times.parse().unwrap());
        return refresh(store_at(url, key), session, fhir_base, tasks, times).await;
    }
    let [mode, url, key, session, tasks, times] = arguments.as_slice() else {
        unreachable!("six arguments: mode, URL, key, session, tasks, times");
    };
    let (provider, store) = (provider(), store_at(url, key));
    let session = StoreKey::of_session(&SessionId::new(session.as_str()), provider);
    let (tasks, times): (usize, usize) = (tasks.parse().unwrap(), times.parse().unwrap());
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (store, session) = (Arc::clone(&store), session.clone());
        let is_leased = mode == "lease";
        running.spawn(async move {
            for _ in 0..times {
                let found = if is_leased {
                    add_under_lease(&store, &session).await
                } else {
                    add_by_revision(&store, &session).await
                };
                println!("{found}");
            }
        });
    }
    running.join_all().await;
}

fn provider() -> &'static CryptoProvider {
    smart_tests::backend::all().first().unwrap()
}

fn store_at(url: &str, key: &str) -> Arc<RedisStore> {
    let key = SealingKey::from_base64url("test", key, provider()).unwrap();
    let store = RedisStore::builder(url, SealingKeys::new(key)).unwrap();
    // The machine that runs the tests may be busy.
    let store = store.response_timeout(Duration::from_secs(20)).build();
    Arc::new(store.unwrap())
}

/// One node of a fleet: its tasks find again and again that the FHIR server refuses their access
/// token, and print the one that they get instead, until all of them together have had so many.
async fn refresh(
    store: Arc<RedisStore>,
    session: &str,
    fhir_base: &str,
    tasks: usize,
    times: usize,
) {
    let node = public_node(fhir_base, provider(), store);
    let had = Arc::new(Mutex::new(BTreeSet::new()));
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let (node, id, had) = (node.clone(), SessionId::new(session), Arc::clone(&had));
        running.spawn(async move {
            let mut session = node.session(&id).await.unwrap();
            while had.lock().unwrap().len() < times {
                let refused = session.access_token().clone();
                session = node.session_after_rejection(&id, &refused).await.unwrap();
                let token = session.access_token().expose_secret();
                assert!(!refused.matches(token));
                println!("{token}");
                had.lock().unwrap().insert(token.to_owned());
            }
        });
    }
    running.join_all().await;
}

/// Waits for the lease, and is then alone.
async fn add_under_lease(store: &RedisStore, session: &StoreKey) -> u64 {
    let mut ticks = interval(Duration::from_millis(2));
    let lease = loop {
        if let Some(lease) = store.acquire(session, LEASE).await.unwrap() {
            break lease;
        }
        ticks.tick().await;
    };
    let found = add(store, session, lease.fence).await.unwrap();
    store.release(session, &lease).await.unwrap();
    found
}

/// Tries until nobody else was faster.
async fn add_by_revision(store: &RedisStore, session: &StoreKey) -> u64 {
    loop {
        match add(store, session, Fence(0)).await {
            Ok(found) => return found,
            Err(error) => assert_eq!(error.code(), "store-changed", "{error}"),
        }
    }
}

async fn add(store: &RedisStore, session: &StoreKey, fence: Fence) -> Result<u64, StoreError> {
    let stored = store.read(session).await?.unwrap();
    let text = core::str::from_utf8(stored.value.expose_secret()).unwrap();
    let found: u64 = text.parse().unwrap();
    let write = Write {
        value: &(found + 1).to_string().into_bytes().into(),
        expected: stored.revision,
        fence,
        life: LIFE,
    };
    store.replace(session, write).await?;
    Ok(found)
}
