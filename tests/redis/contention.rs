//! Two processes, many tasks, one session.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use smart_oidc::jose::base64url;
use smart_oidc::session::{Fence, SessionId, StoreKey};
use smart_tests::store_contract::LONG;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::rig::{provider, rig};

const PROCESSES: u64 = 2;
const TASKS: u64 = 8;
const TIMES: u64 = 125;
const ALL: u64 = PROCESSES * TASKS * TIMES;

/// Lets the processes add one to a session, and asserts that each number was found by one of them
/// and none was lost.
async fn check_that_nothing_is_lost(mode: &str) {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let id = SessionId::generate(provider()).unwrap();
    let session = StoreKey::of_session(&id, provider());
    bench.insert(&session, b"0", LONG).await.unwrap();
    let workers: JoinSet<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_redis-worker"))
                .args([mode, &server.url(), &base64url::encode([7; 32])])
                .args([id.expose_secret(), &TASKS.to_string(), &TIMES.to_string()])
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
                .wait_with_output()
        })
        .collect();
    let mut found = BTreeMap::new();
    for output in workers.join_all().await {
        let output = output.unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        for line in text.lines() {
            let number: u64 = line.parse().unwrap();
            *found.entry(number).or_insert(0) += 1;
        }
    }
    let once: BTreeMap<_, _> = (0..ALL).map(|number| (number, 1)).collect();
    assert!(found == once, "a number was found twice, or never");
    let last = (ALL.to_string().into_bytes(), ALL + 1);
    assert_eq!(bench.read(&session).await, Some(last));
}

#[tokio::test]
async fn under_leases_every_number_is_used_once() {
    check_that_nothing_is_lost("lease").await;
}

#[tokio::test]
async fn by_revisions_no_write_is_lost() {
    check_that_nothing_is_lost("revision").await;
}

#[tokio::test]
async fn a_failover_that_loses_a_lease_lets_nobody_write_with_it() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    let name = crate::rig::name(&session);
    let replicated = server.ask(&[b"GET", &name]);
    let lost = bench.acquire(&session, LONG).await.unwrap();
    // The server that takes over has not heard of the lease.
    server.tell(&[b"SET", &name, &replicated, b"KEEPTTL"]);
    let next = bench.acquire(&session, LONG).await.unwrap();
    assert!(next.fence > lost.fence, "{:?} {:?}", next.fence, lost.fence);
    let refused = bench.replace(&session, b"x", 1, lost.fence, LONG).await;
    assert_eq!(refused.unwrap_err().code(), "store-fenced");
    bench.store.release(&session, &lost).await.unwrap();
    assert!(bench.acquire(&session, LONG).await.is_none());
    let written = bench.replace(&session, b"2", 1, next.fence, LONG).await;
    assert_eq!(written, Ok(2));
    assert_ne!(next.fence, Fence(1));
}

/// What is written into the head as the time until which a lease is held.
fn with_lease_until(record: &[u8], milliseconds: u64) -> Vec<u8> {
    let mut record = record.to_vec();
    record[34..50].copy_from_slice(format!("{milliseconds:016}").as_bytes());
    record
}

#[tokio::test]
async fn a_clock_that_steps_back_keeps_no_lease_beyond_the_longest() {
    let Some((server, bench)) = rig().await else {
        return;
    };
    let session = bench.with_session(b"1").await;
    let name = crate::rig::name(&session);
    let held = bench.acquire(&session, LONG).await.unwrap();
    let record = server.ask(&[b"GET", &name]);
    let until: u64 = core::str::from_utf8(&record[34..50])
        .unwrap()
        .parse()
        .unwrap();

    // Before the step the clock was ahead by so much.
    let minute = 60_000;
    let ahead = with_lease_until(&record, until + minute);
    server.tell(&[b"SET", &name, &ahead, b"KEEPTTL"]);
    let next = bench.acquire(&session, Duration::from_secs(45)).await;
    let next = next.unwrap();
    assert!(next.fence > held.fence, "{:?} {:?}", next.fence, held.fence);
    // What its holder writes is refused, and so is the next who asks.
    let refused = bench.replace(&session, b"x", 1, held.fence, LONG).await;
    assert_eq!(refused.unwrap_err().code(), "store-fenced");
    assert!(bench.acquire(&session, LONG).await.is_none());

    // Within the longest there is no telling, and it is held.
    let within = with_lease_until(&record, until - minute);
    server.tell(&[b"SET", &name, &within, b"KEEPTTL"]);
    assert!(bench.acquire(&session, LONG).await.is_none());
    let over = with_lease_until(&record, until - 10 * minute);
    server.tell(&[b"SET", &name, &over, b"KEEPTTL"]);
    assert!(bench.acquire(&session, LONG).await.is_some());
}
