//! The whole shell against servers that misbehave, over real sockets: what each fault is called,
//! and that it takes away nothing that was at hand before.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, FixedClock, KeySource as _, LiveIssuer, PlainHttp,
    RemoteJwks, ReqwestClient,
};
use smart_oidc::jose::{Algorithms, UnixTime, UnverifiedJws};
use smart_tests::forge::Forge;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::provider;

/// What a client here waits for an answer in all; long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(4);

/// What a server does with one request.
#[derive(Clone, Debug)]
enum Does {
    /// Writes this, and closes.
    Answers(Vec<u8>),
    /// Writes this, and then nothing.
    HangsAfter(Vec<u8>),
    /// Writes this, and then an octet in each of these.
    Drips(Vec<u8>, Duration),
    /// Writes this, and then octets without end.
    Pours(Vec<u8>),
    /// Takes the request and closes.
    Slams,
}

fn raw(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

fn says(head: &str, body: &[u8]) -> Does {
    let head = format!(
        "{head}\r\nconnection: close\r\ncontent-length: {}",
        body.len()
    );
    Does::Answers(raw(&head, body))
}

fn json_says(document: &Value) -> Does {
    json_text(&document.to_string())
}

fn json_text(document: &str) -> Does {
    says(
        "200 OK\r\ncontent-type: application/json",
        document.as_bytes(),
    )
}

type Script = Arc<Mutex<Does>>;

/// A server that does the same with every request, until told otherwise.
struct Server {
    address: SocketAddr,
    does: Script,
    requests: Arc<AtomicUsize>,
    poured: Arc<AtomicUsize>,
}

impl Server {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            does: Arc::new(Mutex::new(does)),
            requests: Arc::default(),
            poured: Arc::default(),
        };
        let (does, requests) = (Arc::clone(&server.does), Arc::clone(&server.requests));
        let poured = Arc::clone(&server.poured);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                requests.fetch_add(1, Ordering::SeqCst);
                let does = does.lock().unwrap().clone();
                tokio::spawn(misbehave(stream, does, Arc::clone(&poured)));
            }
        });
        server
    }

    fn now(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn url(&self) -> EndpointUrl {
        let url = format!("http://{}/jwks", self.address);
        EndpointUrl::parse_with(&url, PlainHttp::LoopbackOnly).unwrap()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn misbehave(mut stream: TcpStream, does: Does, poured: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    let (begin, then) = match &does {
        Does::Slams => return,
        Does::Answers(begin) | Does::HangsAfter(begin) | Does::Pours(begin) => (begin, None),
        Does::Drips(begin, pause) => (begin, Some(*pause)),
    };
    if stream.write_all(begin).await.is_err() {
        return;
    }
    if let Some(pause) = then {
        // Slowness is what this server does; nobody waits here for something to happen.
        let mut ticks = tokio::time::interval(pause);
        while stream.write_all(b" ").await.is_ok() {
            ticks.tick().await;
        }
    } else if let Does::Pours(_) = does {
        let octets = [b' '; 64 * 1024];
        while stream.write_all(&octets).await.is_ok() {
            poured.fetch_add(octets.len(), Ordering::SeqCst);
        }
    } else if let Does::HangsAfter(_) = does {
        let _ = stream.read_u8().await;
    } else {
        // Both sides close in good order.
        let _ = stream.shutdown().await;
    }
}

fn client() -> Arc<ReqwestClient> {
    let builder = ReqwestClient::builder().allow_loopback();
    Arc::new(builder.total_timeout(LIMIT).build().unwrap())
}

struct World {
    server: Server,
    clock: Arc<FixedClock>,
    keys: RemoteJwks,
}

impl World {
    async fn new(does: Does) -> Self {
        let server = Server::start(does).await;
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let keys = RemoteJwks::new(server.url(), client(), provider(), clock.clone());
        Self {
            server,
            clock,
            keys,
        }
    }

    async fn judge(&self) -> Result<(), &'static str> {
        let token = Forge::issuer().token("RS256", &json!({}));
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let keys = self.keys.candidates(token.header()).await;
        let keys = keys.map_err(|error| error.code())?;
        token.verify(&keys).map(drop).map_err(|error| error.code())
    }
}

fn good() -> Does {
    json_says(&Forge::issuer().jwks())
}

const OK: &str = "200 OK\r\ncontent-type: application/json";

/// A few megabytes of nothing, compressed to a few thousand octets.
fn bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&vec![b' '; 16 * 1024 * 1024]).unwrap();
    packer.finish().unwrap()
}

/// Every fault in what a server sends, and what it is called.
fn faults() -> Vec<(&'static str, Does, &'static str)> {
    let head = |rest: &str| raw(&format!("{OK}{rest}"), b"");
    let set = Forge::issuer().jwks().to_string();
    let deep = format!(r#"{{"keys":[{}{}]}}"#, "[".repeat(500), "]".repeat(500));
    let twice = format!(r#"{{"keys":[],"k\u0065ys":{}}}"#, &set[8..set.len() - 1]);
    let many = json!({"keys": vec![json!({}); 10_000]});
    let status = |status: &str| says(status, b"{}");
    vec![
        (
            "hangs before its headers",
            Does::HangsAfter(Vec::new()),
            "http-timeout",
        ),
        (
            "hangs within its headers",
            Does::HangsAfter(b"HTTP/1.1 200 OK\r\ncontent-".to_vec()),
            "http-timeout",
        ),
        (
            "hangs after its headers",
            Does::HangsAfter(head("\r\ncontent-length: 100")),
            "http-timeout",
        ),
        (
            "an octet every two seconds",
            Does::Drips(head("\r\ncontent-length: 1000"), Duration::from_secs(2)),
            "http-timeout",
        ),
        (
            "an octet ten times a second",
            Does::Drips(head("\r\ncontent-length: 1000"), Duration::from_millis(100)),
            "http-timeout",
        ),
        (
            "headers ten times a second",
            Does::Drips(
                b"HTTP/1.1 200 OK\r\nx: ".to_vec(),
                Duration::from_millis(100),
            ),
            "http-timeout",
        ),
        (
            "a body cut short",
            Does::Answers(raw(
                &format!("{OK}\r\ncontent-length: 4000"),
                set.as_bytes(),
            )),
            "http-exchange",
        ),
        (
            "chunks cut short",
            Does::Answers(raw(
                &format!("{OK}\r\ntransfer-encoding: chunked"),
                b"1000\r\n{\"keys\":",
            )),
            "http-exchange",
        ),
        ("closes at once", Does::Slams, "http-exchange"),
        (
            "no HTTP",
            Does::Answers(b"SSH-2.0-x\r\n\r\n".to_vec()),
            "http-exchange",
        ),
        (
            "a body without end",
            Does::Pours(head("")),
            "http-body-too-long",
        ),
        (
            "50 MB, announced",
            Does::Pours(head("\r\ncontent-length: 52428800")),
            "http-body-too-long",
        ),
        (
            "a gzip bomb",
            says(&format!("{OK}\r\ncontent-encoding: gzip"), &bomb()),
            "document-encoding",
        ),
        (
            "a bomb that is not announced",
            says(OK, &bomb()),
            "jwks-json",
        ),
        (
            "a page with 200",
            says("200 OK\r\ncontent-type: text/html", b"<html>Sign in</html>"),
            "document-html",
        ),
        (
            "301",
            status("301 Moved\r\nlocation: /jwks"),
            "document-redirect",
        ),
        (
            "302 to another host",
            status("302 Found\r\nlocation: https://evil.example/jwks"),
            "document-redirect",
        ),
        (
            "303",
            status("303 See Other\r\nlocation: /jwks"),
            "document-redirect",
        ),
        (
            "307 to metadata",
            status("307 Temporary Redirect\r\nlocation: http://169.254.169.254/"),
            "document-redirect",
        ),
        (
            "308 down to http",
            status("308 Permanent Redirect\r\nlocation: http://127.0.0.1/"),
            "document-redirect",
        ),
        ("300", status("300 Multiple Choices"), "document-redirect"),
        ("404", status("404 Not Found"), "document-status"),
        ("429", status("429 Too Many Requests"), "document-status"),
        (
            "429 for a while",
            status("429 Too Many Requests\r\nretry-after: 120"),
            "document-status",
        ),
        (
            "500",
            status("500 Internal Server Error"),
            "document-status",
        ),
        ("503", status("503 Service Unavailable"), "document-status"),
        (
            "503 for a while",
            status("503 Service Unavailable\r\nretry-after: 120"),
            "document-status",
        ),
        ("206", status("206 Partial Content"), "document-status"),
        (
            "304 that nobody asked for",
            Does::Answers(raw("304 Not Modified\r\nconnection: close", b"")),
            "document-not-modified",
        ),
        ("no JSON", json_text("keys: none"), "jwks-json"),
        ("half a JSON", json_text(&set[..set.len() / 2]), "jwks-json"),
        (
            "two members of one name",
            json_text(&twice),
            "jwks-duplicate-member",
        ),
        ("too deep", json_text(&deep), "jwks-no-usable-key"),
        ("no key set", json_text("{}"), "jwks-no-keys"),
        ("a list", json_text("[]"), "jwks-json"),
        ("10,000 keys", json_says(&many), "jwks-too-many"),
        ("no keys", json_text(r#"{"keys":[]}"#), "jwks-no-usable-key"),
    ]
}

// covers: CACHE-10, CACHE-11, CACHE-16, DISC-3
#[tokio::test]
async fn each_fault_has_its_name_and_takes_no_keys_away() {
    let mut judged = tokio::task::JoinSet::new();
    for (name, does, code) in faults() {
        judged.spawn(async move {
            let world = World::new(good()).await;
            assert_eq!(world.judge().await, Ok(()), "{name}");
            world.server.now(does);
            let error = world.keys.refresh().await.unwrap_err();
            assert_eq!(error.code(), code, "{name}: {error}");
            assert_eq!(world.judge().await, Ok(()), "{name}");
            // Past its life too, and its server is not asked again before it has had its rest.
            world.clock.advance(Duration::from_secs(700));
            assert_eq!(world.judge().await, Ok(()), "{name}");
            let before = world.server.requests();
            for _ in 0..5 {
                assert_eq!(world.judge().await, Ok(()), "{name}");
            }
            assert_eq!(world.server.requests(), before, "{name}");
            let poured = world.server.poured.load(Ordering::SeqCst);
            // What was under way when the client had had enough is in the system's buffers.
            assert!(poured < 16 * 1024 * 1024, "{name}: {poured}");
        });
    }
    let mut count = 0;
    while let Some(joined) = judged.join_next().await {
        joined.unwrap();
        count += 1;
    }
    assert_eq!(count, faults().len());
}

// covers: CACHE-16, DISC-3
#[tokio::test]
async fn each_fault_at_the_first_sign_in_is_said_at_once_and_to_everybody() {
    let mut judged = tokio::task::JoinSet::new();
    for (name, does, code) in faults() {
        judged.spawn(async move {
            let world = World::new(does).await;
            let code = match code {
                // With nothing to compare it with, a set without keys is a set.
                "jwks-no-usable-key" => "key-unknown-retry",
                other => other,
            };
            let (a, b, c) = tokio::join!(world.judge(), world.judge(), world.judge());
            assert_eq!([a, b, c], [Err(code); 3], "{name}");
            // One request; two where a server stumbled while people wait.
            assert!(world.server.requests() <= 2, "{name}");
        });
    }
    while let Some(joined) = judged.join_next().await {
        joined.unwrap();
    }
}

// covers: CACHE-1
#[tokio::test]
async fn an_odd_content_type_is_met_with_a_finding() {
    let set = Forge::issuer().jwks().to_string();
    for (content_type, findings) in [
        ("application/jwk-set+json", 0),
        ("application/json; charset=utf-8", 0),
        ("text/plain", 1),
        ("application/octet-stream", 1),
    ] {
        let head = format!("200 OK\r\ncontent-type: {content_type}");
        let world = World::new(says(&head, set.as_bytes())).await;
        assert_eq!(world.judge().await, Ok(()), "{content_type}");
        let found = world.keys.findings();
        assert_eq!(found.len(), findings, "{content_type}");
        assert!(found.iter().all(|it| it.code == "content-type"));
    }
}

#[tokio::test]
async fn an_issuer_that_rotates_on_every_request_is_followed_within_the_budget() {
    let world = World::new(good()).await;
    assert_eq!(world.judge().await, Ok(()));
    for round in 0..5_u32 {
        let mut set = Forge::issuer().jwks();
        set["keys"][0]["kid"] = json!(format!("round-{round}"));
        world.server.now(json_says(&set));
        let header = json!({"alg": "RS256", "kid": format!("round-{round}")});
        let token = Forge::issuer().token_with("RS256", &header, &json!({}));
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let keys = world.keys.candidates(token.header()).await.unwrap();
        token.verify(&keys).unwrap();
        world.clock.advance(Duration::from_secs(30));
    }
    assert_eq!(world.server.requests(), 6);
}

// covers: CACHE-10
#[tokio::test]
async fn a_server_that_is_gone_after_the_first_fetch_keeps_nobody_out() {
    let world = World::new(good()).await;
    assert_eq!(world.judge().await, Ok(()));
    let taken = world.server.url();
    world.server.now(Does::Slams);
    world.clock.advance(Duration::from_secs(3600));
    for _ in 0..10 {
        assert_eq!(world.judge().await, Ok(()));
    }
    assert_eq!(world.server.requests(), 2);
    assert_eq!(world.keys.uri().as_str(), taken.as_str());
    let state = world.keys.state();
    assert_eq!(state.last_error, Some("http-exchange"));
}

/// A FHIR server and an issuer in one, whose documents are as given.
async fn chain(openid: impl FnOnce(&str) -> Value) -> Result<String, (&'static str, usize)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let smart = json!({"issuer": base, "token_endpoint": format!("{base}/token")});
    let openid = openid(&base);
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 2048];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let asked = String::from_utf8_lossy(&head[..read]).into_owned();
            let document = match asked.contains("smart-configuration") {
                true => &smart,
                false => &openid,
            };
            if let Does::Answers(octets) = json_says(document) {
                let _ = stream.write_all(&octets).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    let discovery = Discovery::new(client()).allow_loopback_http();
    let base = FhirBaseUrl::parse_with(&base, PlainHttp::LoopbackOnly).unwrap();
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
    let live = LiveIssuer::new(discovery, base, provider(), clock);
    let count = || requests.load(Ordering::SeqCst);
    let failed = |code| (code, count());
    let issuer = live.trusted().await.map_err(|it| failed(it.code()))?;
    let token = Forge::issuer().token("RS256", &json!({}));
    let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    let keys = live.keys_of(&issuer).candidates(token.header()).await;
    keys.map_err(|it| failed(it.code()))?;
    Ok(issuer.issuer().as_str().to_owned())
}

// covers: DISC-4, DISC-10, BISX-6, SMART-DISC-25
#[tokio::test]
async fn d3_where_keys_may_be_and_where_not() {
    let named =
        |jwks_uri: &'static str| chain(move |base| json!({"issuer": base, "jwks_uri": jwks_uri}));
    for (jwks_uri, code) in [
        // Other schemes, and http elsewhere than on this machine.
        ("http://login.example/jwks", "document-url"),
        ("ftp://login.example/jwks", "document-url"),
        ("file:///etc/passwd", "document-url"),
        ("data:application/json,{}", "document-url"),
        ("//login.example/jwks", "document-url"),
        ("/jwks", "document-url"),
        ("", "document-url"),
        ("https://user:secret@login.example/jwks", "document-url"),
        ("https://login.example/jwks#keys", "document-url"),
        // Addresses that are not of the public internet, in every way to write them.
        ("https://10.0.0.1/jwks", "http-address"),
        ("https://192.168.1.1/jwks", "http-address"),
        ("https://169.254.169.254/latest/meta-data", "http-address"),
        ("https://[fe80::1]/jwks", "http-address"),
        ("https://[fd00:ec2::254]/jwks", "http-address"),
        ("https://[::ffff:10.0.0.1]/jwks", "http-address"),
        ("https://[64:ff9b::a00:1]/jwks", "http-address"),
        ("https://0.0.0.0/jwks", "http-address"),
        ("https://255.255.255.255/jwks", "http-address"),
        ("https://[ff02::1]/jwks", "http-address"),
    ] {
        let (found, requests) = named(jwks_uri).await.unwrap_err();
        assert_eq!(found, code, "{jwks_uri}");
        assert_eq!(requests, 2, "{jwks_uri}");
    }
    // Forms of an address that a browser understands: as a URL they are refused, or they are
    // looked up as the names that they look like and refused then.
    for jwks_uri in [
        "https://2130706433/jwks",
        "https://0x7f000001/jwks",
        "https://0177.0.0.1/jwks",
        "https://127.1/jwks",
        "https://0xa000001/jwks",
    ] {
        let (found, _) = named(jwks_uri).await.unwrap_err();
        assert!(
            ["document-url", "http-address", "http-connect"].contains(&found),
            "{jwks_uri}: {found}"
        );
    }
    let other =
        chain(|_| json!({"issuer": "https://evil.example", "jwks_uri": "https://a.example"}));
    assert_eq!(other.await, Err(("issuer-mismatch", 2)));
}
