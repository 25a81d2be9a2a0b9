//! A server over TCP: how it stops, and whom it does not wait for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::{get, post};
use http::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::operations::Ears;
use super::rig::World;

/// Longer than all that the server waits for. It is over at once where time goes on by itself.
const LONG: Duration = Duration::from_secs(7_200);

struct Running {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<()>>,
}

async fn running(world: &World, router: Router) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = world.app.clone();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        smart_axum::serve(&app, listener, router, stopped).await
    });
    Running {
        address,
        stop,
        server,
    }
}

async fn send(stream: &mut TcpStream, path: &str, connection: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// The whole answer to one request.
async fn ask(running: &Running, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(running.address).await?;
    send(&mut stream, path, "close").await;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_node_that_stops_says_so_to_whoever_asks_before_it_hangs_up() {
    let hour = Duration::from_secs(3_600);
    let world = World::at("https://charts.example", |it| it.with_time_to_leave(hour)).await;
    let running = running(&world, world.router.clone()).await;
    assert!(ask(&running, "/healthz").await.unwrap().contains("200 OK"));
    let Running {
        address,
        stop,
        server,
    } = running;
    stop.send(()).unwrap();
    let (stop, _) = oneshot::channel();
    let running = Running {
        address,
        stop,
        server,
    };
    let stopping = async {
        loop {
            let answer = ask(&running, "/readyz").await.unwrap();
            if answer.contains("\"reason\":\"stopping\"") {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), stopping).await;
    assert!(answer.unwrap().starts_with("HTTP/1.1 503 "));
    // New requests are served until its time is over.
    assert!(ask(&running, "/healthz").await.unwrap().contains("200 OK"));
    tokio::time::pause();
    tokio::time::advance(hour).await;
    let ended = tokio::time::timeout(LONG, running.server).await.unwrap();
    ended.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn one_that_says_nothing_is_not_waited_for() {
    let world = World::new().await;
    let running = running(&world, world.router.clone()).await;
    let slow_form = "POST /logout HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\
                     content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n\r\na";
    for begun in [
        "",
        "GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
        slow_form,
    ] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        stream.write_all(begun.as_bytes()).await.unwrap();
        tokio::time::pause();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{begun:?}");
        tokio::time::resume();
    }
    running.stop.send(()).unwrap();
    tokio::time::pause();
    let ended = tokio::time::timeout(LONG, running.server).await.unwrap();
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn a_form_that_breaks_off_is_no_empty_form() {
    async fn note(State(log): State<Arc<Mutex<Vec<usize>>>>, body: Bytes) -> &'static str {
        log.lock().unwrap().push(body.len());
        "noted"
    }
    let world = World::new().await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let app = world.app.clone();
    let pages = Router::new()
        .route("/note", post(note))
        .with_state(log.clone());
    let running = running(&world, world.app.mount(pages).with_state(app)).await;
    let form = "POST /note HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\n\
                content-type: application/x-www-form-urlencoded\r\nconnection: close\r\n";
    for (octets, expected) in [("100", "HTTP/1.1 400 "), ("3", "HTTP/1.1 200 ")] {
        let mut stream = TcpStream::connect(running.address).await.unwrap();
        let begun = format!("{form}content-length: {octets}\r\n\r\na=b");
        stream.write_all(begun.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        // Nobody may be there to be answered.
        let is_as_expected = answer.is_empty() || answer.starts_with(expected);
        assert!(is_as_expected, "{octets}: {answer}");
    }
    running.stop.send(()).unwrap();
    tokio::time::pause();
    running.server.await.unwrap().unwrap();
    assert_eq!(*log.lock().unwrap(), [3]);
}

#[tokio::test]
async fn no_more_than_so_many_are_served_at_once() {
    async fn note(uri: Uri, State(log): State<Arc<Mutex<Vec<String>>>>) -> &'static str {
        log.lock().unwrap().push(uri.path().to_owned());
        "noted"
    }
    let world = World::at("https://charts.example", |it| {
        it.with_connections(1).with_time_to_leave(Duration::ZERO)
    });
    let world = world.await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let router = Router::new().fallback(get(note)).with_state(log.clone());
    let running = running(&world, router).await;
    let mut first = TcpStream::connect(running.address).await.unwrap();
    let mut second = None;
    for round in 0..10 {
        send(&mut first, "/first", "keep-alive").await;
        let mut answer = Vec::new();
        while !answer.ends_with(b"noted") {
            assert_ne!(first.read_buf(&mut answer).await.unwrap(), 0);
        }
        if round == 0 {
            let mut stream = TcpStream::connect(running.address).await.unwrap();
            send(&mut stream, "/second", "close").await;
            second = Some(stream);
        }
    }
    drop(first);
    let mut answer = String::new();
    let mut second = second.unwrap();
    second.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("noted"));
    let log = log.lock().unwrap().clone();
    assert_eq!(log.len(), 11);
    assert_eq!(log.last().unwrap(), "/second");
}

#[tokio::test]
async fn what_is_cut_off_is_told_and_keeps_no_token_from_being_revoked() {
    let ears = Ears::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(ears.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::at("https://charts.example", |it| {
        it.with_time_to_leave(Duration::ZERO)
    });
    let world = world.await;
    let (begun, has_begun) = oneshot::channel::<()>();
    let begun = Arc::new(Mutex::new(Some(begun)));
    let held = get(move || async move {
        begun.lock().unwrap().take().unwrap().send(()).unwrap();
        std::future::pending::<()>().await;
    });
    let running = running(&world, Router::new().route("/held", held)).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    send(&mut stream, "/held", "close").await;
    has_begun.await.unwrap();
    running.stop.send(()).unwrap();
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let ended = tokio::time::timeout(LONG, running.server).await.unwrap();
    ended.unwrap().unwrap();
    assert!(began.elapsed() <= smart_axum::TIME_TO_STOP + Duration::from_secs(1));
    let log = ears.heard();
    let line = log.lines().find(|it| it.contains("was cut off")).unwrap();
    assert!(line.contains("connections=1"), "{line}");
}
