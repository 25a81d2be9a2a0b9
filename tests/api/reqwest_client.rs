//! The default HTTP client against a tiny server on loopback: its bounds hold on the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use smart_oidc::discovery::document::MAX_DOCUMENT_OCTETS;
use smart_oidc::discovery::{HttpClient, ReqwestClient, TimeLimit, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Mutex;

/// No exchange here may take longer, whatever breaks.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that answers each connection with the same octets, and then closes it or hangs.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Close,
    Hang,
    /// Writes the answer over and over, until the client has had enough.
    Repeat,
}

impl Server {
    async fn start(answer: Vec<u8>, end: End) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::default());
        let server = Self {
            address,
            connections: Arc::clone(&connections),
            requests: Arc::clone(&requests),
        };
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (answer, requests) = (answer.clone(), Arc::clone(&requests));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match stream.read_u8().await {
                            Ok(octet) => head.push(octet),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8(head).unwrap();
                    requests.lock().await.push(head);
                    while stream.write_all(&answer).await.is_ok() && end == End::Repeat {}
                    if end == End::Hang {
                        // Until the client goes away.
                        let _ = stream.read_u8().await;
                    }
                });
            }
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The requests, each in lower case.
    async fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock().await;
        requests.iter().map(|it| it.to_ascii_lowercase()).collect()
    }
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    [
        format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").as_bytes(),
        body,
    ]
    .concat()
}

fn sized(octets: usize) -> Vec<u8> {
    answer(
        &format!("200 OK\r\ncontent-length: {octets}"),
        &vec![b'x'; octets],
    )
}

async fn get_with(client: &ReqwestClient, url: &str) -> Result<Response<Bytes>, TransportError> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    tokio::time::timeout(PATIENCE, client.send(request))
        .await
        .expect("every exchange is bounded")
}

async fn get(url: &str) -> Result<Response<Bytes>, TransportError> {
    get_with(
        &ReqwestClient::builder().allow_loopback().build().unwrap(),
        url,
    )
    .await
}

fn code<T>(result: Result<T, TransportError>) -> Result<T, &'static str> {
    result.map_err(|error| error.code())
}

#[tokio::test]
async fn d3_a_client_connects_to_the_public_internet_unless_told_otherwise() {
    let server = Server::start(sized(2), End::Close).await;
    let port = server.address.port();
    let cautious = ReqwestClient::new().unwrap();
    for (host, address, kind) in [
        ("127.0.0.1", "127.0.0.1", "a loopback address"),
        ("localhost", "", "a loopback address"),
        ("[::1]", "::1", "a loopback address"),
        (
            "[::ffff:127.0.0.1]",
            "::ffff:127.0.0.1",
            "a loopback address",
        ),
        ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1", "a loopback address"),
        ("0.0.0.0", "0.0.0.0", "a loopback address"),
        ("10.1.2.3", "10.1.2.3", "a private address"),
        (
            "169.254.169.254",
            "169.254.169.254",
            "the metadata service of a cloud",
        ),
        ("[fe80::1]", "fe80::1", "a link-local address"),
    ] {
        let error = get_with(&cautious, &format!("http://{host}:{port}/"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "http-address", "{host}: {error}");
        assert!(error.to_string().contains(address), "{error}");
        assert!(error.to_string().contains(kind), "{error}");
        assert!(error.remedy().contains("--allow-network"));
    }
    assert_eq!(server.connections(), 0);
    // What is allowed is allowed by its network, and nothing else with it.
    let networks = "127.0.0.0/8".parse().unwrap();
    let told = ReqwestClient::builder()
        .allow_networks(networks)
        .build()
        .unwrap();
    let url = server.url("/");
    assert_eq!(
        code(get_with(&told, &url).await).map(|it| it.status().as_u16()),
        Ok(200)
    );
    let other = get_with(&told, &format!("http://[::1]:{port}/")).await;
    assert_eq!(code(other).map(drop), Err("http-address"));
}

// covers: SMART-USR-12, CACHE-16, OAUTH-5
#[tokio::test]
async fn d3_a_redirect_is_handed_back_and_not_followed() {
    let target = Server::start(sized(2), End::Close).await;
    for status in [301, 302, 303, 307, 308] {
        let location = target.url("/elsewhere");
        let head = format!("{status} Moved\r\nlocation: {location}\r\ncontent-length: 0");
        let server = Server::start(answer(&head, b""), End::Close).await;
        let response = get(&server.url("/")).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["location"], location.as_str());
    }
    assert_eq!(target.connections(), 0);
}

// covers: CACHE-16
#[tokio::test]
async fn d6_a_body_is_read_up_to_the_limit_and_no_further() {
    let fits = Server::start(sized(MAX_DOCUMENT_OCTETS), End::Close).await;
    let response = get(&fits.url("/")).await.unwrap();
    assert_eq!(response.body().len(), MAX_DOCUMENT_OCTETS);
    let long = Server::start(sized(MAX_DOCUMENT_OCTETS + 1), End::Close).await;
    let error = get(&long.url("/")).await.unwrap_err();
    assert_eq!(error.code(), "http-body-too-long");
    // A body that announces no length and has no end.
    let chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = Server::start([head.as_slice(), &chunk.repeat(65)].concat(), End::Hang).await;
    let error = get(&endless.url("/")).await.unwrap_err();
    assert_eq!(error.code(), "http-body-too-long");
    let unbounded = Server::start(answer("200 OK", &[b'x'; 4096]), End::Repeat).await;
    let error = get(&unbounded.url("/")).await.unwrap_err();
    assert_eq!(error.code(), "http-body-too-long");

    let small = ReqwestClient::builder()
        .allow_loopback()
        .total_timeout(PATIENCE)
        .body_limit(10)
        .build()
        .unwrap();
    let ten = Server::start(sized(10), End::Close).await;
    let eleven = Server::start(sized(11), End::Close).await;
    assert!(get_with(&small, &ten.url("/")).await.is_ok());
    let error = get_with(&small, &eleven.url("/")).await.unwrap_err();
    assert_eq!(error.code(), "http-body-too-long");
}

// covers: CACHE-16
#[tokio::test]
async fn d6_a_server_that_hangs_is_given_up() {
    // Long enough for a busy machine to get as far as the connection.
    let limit = Duration::from_secs(1);
    let client = ReqwestClient::builder()
        .allow_loopback()
        .total_timeout(limit)
        .body_limit(1024)
        .build()
        .unwrap();
    let silent = Server::start(Vec::new(), End::Hang).await;
    let half = Server::start(answer("200 OK\r\ncontent-length: 9", b"half"), End::Hang).await;
    for server in [silent, half] {
        let error = get_with(&client, &server.url("/")).await.unwrap_err();
        let TransportError::Timeout { limit: found, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(found, limit);
        assert!(!error.is_not_sent());
        assert_eq!(server.connections(), 1);
    }
}

#[tokio::test]
async fn a_connection_that_takes_too_long_has_sent_nothing() {
    // It takes the connection and never answers the beginning of TLS.
    let silent = Server::start(Vec::new(), End::Hang).await;
    let url = silent.url("/").replace("http://", "https://");
    let client = ReqwestClient::builder().allow_loopback().build().unwrap();
    let error = get_with(&client, &url).await.unwrap_err();
    assert_eq!(error.code(), "http-connect");
    assert!(error.is_not_sent());
}

#[tokio::test]
async fn d6_a_second_try_has_only_what_the_first_has_left() {
    let silent = Server::start(Vec::new(), End::Hang).await;
    let left = Duration::from_millis(200);
    let client = ReqwestClient::builder().allow_loopback().build().unwrap();
    let mut request = Request::get(silent.url("/")).body(Bytes::new()).unwrap();
    request.extensions_mut().insert(TimeLimit(left));
    let error = client.send(request).await.unwrap_err();
    let TransportError::Timeout { limit, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(limit, left);
}

// covers: BISX-6
#[tokio::test]
async fn d3_other_ways_to_write_an_address_reach_nobody() {
    let server = Server::start(answer("200 OK\r\ncontent-length: 2", b"{}"), End::Close).await;
    let port = server.address.port();
    let client = ReqwestClient::new().unwrap();
    for host in [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
    ] {
        let url = format!("http://user:hunter2@{host}:{port}/");
        let error = get_with(&client, &url).await.unwrap_err();
        assert_eq!(error.code(), "http-address", "{host}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_closed_port_and_a_broken_answer_are_told_apart() {
    // A socket that is bound and does not listen: the port refuses, and no other test can be
    // given it while this one looks.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();
    let refused = get(&format!("http://{address}/a-path?a=query")).await;
    let error = refused.unwrap_err();
    assert_eq!(error.code(), "http-connect");
    assert!(error.is_not_sent());
    // The host helps an operator; a path or a query may hold what must not be logged.
    let text = format!("{error} {error:?}");
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(
        !text.contains("a-path") && !text.contains("query"),
        "{text}"
    );

    for broken in [
        b"no HTTP at all\r\n\r\n".to_vec(),
        Vec::new(),
        answer("200 OK\r\ncontent-length: 9", b"half"),
    ] {
        let server = Server::start(broken, End::Close).await;
        let error = get(&server.url("/")).await.unwrap_err();
        assert_eq!(error.code(), "http-exchange");
        assert!(!error.is_not_sent());
        assert_eq!(server.connections(), 1, "nothing is sent twice");
    }
}

// covers: SMART-USR-12
#[tokio::test]
async fn a_request_carries_what_was_asked_for_and_nothing_else() {
    let cookie = "200 OK\r\nset-cookie: session=1; Path=/\r\ncontent-length: 0";
    let server = Server::start(answer(cookie, b""), End::Close).await;
    let client = ReqwestClient::builder().allow_loopback().build().unwrap();
    for _ in 0..2 {
        assert!(get_with(&client, &server.url("/a?b=c")).await.is_ok());
    }
    let requests = server.requests().await;
    assert_eq!(requests.len(), 2);
    for request in requests {
        assert!(request.starts_with("get /a?b=c http/1.1\r\n"), "{request}");
        for header in [
            "cookie:",
            "accept-encoding:",
            "referer:",
            "authorization:",
            "proxy-",
        ] {
            assert!(!request.contains(header), "{request}");
        }
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    let head = "200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4";
    let server = Server::start(answer(head, b"\x1f\x8b\x08\x00"), End::Close).await;
    let response = get(&server.url("/")).await.unwrap();
    assert_eq!(response.body().as_ref(), b"\x1f\x8b\x08\x00");
}
