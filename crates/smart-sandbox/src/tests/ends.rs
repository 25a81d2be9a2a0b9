//! Many at once, and each ends with all that belongs to it.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeSet;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::flow::{builder, sign_in};
use crate::{Fault, Sandbox, Times};

/// A connection with something sent, and what came back to it first.
async fn connection(address: SocketAddr, sent: &str, reads: bool) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    if reads {
        let mut octets = [0; 12];
        stream.read_exact(&mut octets).await.unwrap();
        assert_eq!(octets, *b"HTTP/1.1 200");
    }
    stream
}

fn request(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
}

/// What is open: a connection that says nothing, one that has said half of a request, one that is kept
/// alive, one to whom an answer drips, one that waits for a late answer.
async fn open(sandbox: &Sandbox) -> Vec<TcpStream> {
    for fault in ["jwks-dripping", "smart-configuration-late"] {
        sandbox
            .play(Fault::named(fault).unwrap(), Times::UntilTakenBack)
            .unwrap();
    }
    let address = sandbox.local_addr();
    let late = request("/fhir/.well-known/smart-configuration");
    vec![
        connection(address, "", false).await,
        connection(address, "GET / HTTP/1.1\r\nhost: 12", false).await,
        connection(address, &request("/fhir/metadata"), true).await,
        connection(address, &request("/oidc/jwks"), true).await,
        connection(address, &late, false).await,
    ]
}

async fn are_closed(connections: Vec<TcpStream>) {
    for mut stream in connections {
        let mut octets = Vec::new();
        // Closed or reset: either ends the wait.
        let _ = stream.read_to_end(&mut octets).await;
    }
}

/// Nothing of it runs any more.
async fn all_ended(before: usize) {
    let ended = async {
        while Handle::current().metrics().num_alive_tasks() > before {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), ended).await.unwrap();
}

#[tokio::test]
async fn fifty_run_at_once_and_end_without_a_trace() {
    let before = Handle::current().metrics().num_alive_tasks();
    let mut starting = JoinSet::new();
    for _ in 0..50 {
        starting.spawn(async {
            let sandbox = builder().start().await.unwrap();
            let tokens = sign_in(&sandbox, "openid").await;
            (sandbox, tokens["access_token"].as_str().unwrap().to_owned())
        });
    }
    let all = starting.join_all().await;
    let ports: BTreeSet<u16> = all.iter().map(|it| it.0.local_addr().port()).collect();
    let tokens: BTreeSet<&String> = all.iter().map(|it| &it.1).collect();
    assert_eq!((ports.len(), tokens.len()), (50, 50));
    drop(all);
    all_ended(before).await;
    for port in ports {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        assert!(TcpStream::connect(address).await.is_err());
    }
}

#[tokio::test]
async fn dropping_the_handle_ends_every_connection() {
    let before = Handle::current().metrics().num_alive_tasks();
    let sandbox = builder().start().await.unwrap();
    let address = sandbox.local_addr();
    let connections = open(&sandbox).await;
    let since = Instant::now();
    drop(sandbox);
    timeout(Duration::from_secs(20), are_closed(connections))
        .await
        .unwrap();
    all_ended(before).await;
    assert!(TcpStream::connect(address).await.is_err());
    // The late answer takes ten seconds, and the one that drips ten minutes.
    assert!(since.elapsed() < Duration::from_secs(8));
}

/// The clock of the runtime stands still, and jumps to the next deadline when all wait.
#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_nobody_longer_than_it_says() {
    let before = Handle::current().metrics().num_alive_tasks();
    let sandbox = builder().start().await.unwrap();
    let address = sandbox.local_addr();
    let connections = open(&sandbox).await;
    let since = Instant::now();
    sandbox.shutdown().await;
    let took = since.elapsed();
    assert!(took < Duration::from_secs(7), "{took:?}");
    assert!(TcpStream::connect(address).await.is_err());
    are_closed(connections).await;
    all_ended(before).await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_kept_connections() {
    let sandbox = builder().start().await.unwrap();
    let address = sandbox.local_addr();
    let connections = vec![
        connection(address, "", false).await,
        connection(address, &request("/fhir/metadata"), true).await,
    ];
    let since = Instant::now();
    sandbox.shutdown().await;
    assert!(
        since.elapsed() < Duration::from_secs(4),
        "it waited in vain"
    );
    are_closed(connections).await;
}

#[tokio::test]
async fn long_requests_are_refused_and_not_held() {
    let sandbox = builder().start().await.unwrap();
    let of = |count: usize| "a".repeat(count);
    let headers = |count: usize| {
        (0..count)
            .map(|it| format!("x-{it}: a\r\n"))
            .collect::<String>()
    };
    let head = "GET /fhir/metadata HTTP/1.1\r\nhost: a\r\nconnection: close\r\n";
    let address = |count| {
        format!(
            "GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            of(count)
        )
    };
    for (what, sent, expected) in [
        ("an address", address(60_000), &["404"][..]),
        ("a long address", address(70_000), &["414"]),
        ("headers", format!("{head}{}\r\n", headers(98)), &["200"]),
        (
            "many headers",
            format!("{head}{}\r\n", headers(99)),
            &["431"],
        ),
        (
            "a header",
            format!("{head}x: {}\r\n\r\n", of(380_000)),
            &["200"],
        ),
        // The server hangs up before it has read all, which may take its answer along.
        (
            "a header without an end",
            format!("{head}x: {}", of(1_000_000)),
            &["431", ""],
        ),
    ] {
        let mut stream = TcpStream::connect(sandbox.local_addr()).await.unwrap();
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut octets = Vec::new();
        let read = stream.read_to_end(&mut octets);
        let _ = timeout(Duration::from_secs(20), read).await.unwrap();
        let answer = String::from_utf8_lossy(&octets);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(expected.contains(&status), "{what}: {status}");
    }
    sign_in(&sandbox, "openid").await;
}
