//! A fleet of two processes with eight tasks each, an EHR that rotates refresh tokens and ends a
//! grant in which one is used twice, and sessions that all of them refresh.

use std::collections::BTreeSet;
use std::process::Stdio;

use smart_oidc::discovery::{Clock, SystemClock};
use smart_oidc::jose::base64url;
use smart_tests::ehr_world::{Kind, Launcher, World};
use smart_tests::redis_server::{Persistence, RedisServer};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::rig::{provider, store_at};

const PROCESSES: usize = 2;
const TASKS: usize = 8;
/// Each process lives through so many refreshes, its own or the other's.
const TIMES: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_all_refresh_is_not_lost() {
    let Some(server) = RedisServer::start(Persistence::None).await else {
        return;
    };
    // The clocks of other processes cannot be told.
    let now = SystemClock::new().now();
    let world = World::at(now, Launcher::Standalone, Kind::Public, provider()).await;
    let node = world.node(store_at(&server.url()));
    let (query, binding) = world.callback(&node).await;
    let signed_in = node.complete(&query, &binding).await.unwrap();
    let first = signed_in.session.access_token().expose_secret().to_owned();
    // All at once, as one whose output nobody reads stands still, and with it the lease that it may
    // hold.
    let workers: JoinSet<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_redis-worker"))
                .args(["refresh", &server.url(), &base64url::encode([7; 32])])
                .args([signed_in.id.expose_secret(), &TASKS.to_string()])
                .args([&TIMES.to_string(), world.base.as_str()])
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .kill_on_drop(true)
                .spawn()
                .unwrap()
                .wait_with_output()
        })
        .collect();
    let mut tokens = BTreeSet::new();
    for output in workers.join_all().await {
        let output = output.unwrap();
        assert!(output.status.success(), "{:?}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        tokens.extend(text.lines().map(str::to_owned));
    }
    // Nobody was turned away, and nobody got the token that was refused at the beginning.
    assert!(tokens.len() >= TIMES, "{} refreshes", tokens.len());
    assert!(!tokens.contains(&first));
    // Had one refresh token been sent twice, the grant would be gone.
    let session = node.session(&signed_in.id).await.unwrap();
    assert!(!session.is_in_doubt());
    let last = session.access_token().clone();
    assert!(tokens.contains(last.expose_secret()));
    let session = node.session_after_rejection(&signed_in.id, &last).await;
    assert!(
        !session
            .unwrap()
            .access_token()
            .matches(last.expose_secret())
    );
}
