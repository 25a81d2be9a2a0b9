//! TLS and proxies: which servers are believed, who we are to them, and what is kept quiet.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use smart_oidc::discovery::{HttpClient, ReqwestClient, ReqwestClientBuilder, TransportError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for this name and its key.
struct Identity {
    certificate: Certificate,
    key: KeyPair,
}

impl Identity {
    fn of(name: &str, authority: &Authority) -> Self {
        Self::with(name, authority, |_| {})
    }

    fn with(name: &str, authority: &Authority, set: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        set(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Self { certificate, key }
    }

    fn self_signed(name: &str) -> Self {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key }
    }

    fn der(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        (vec![self.certificate.der().clone()], key.into())
    }
}

/// What a server saw of a client.
#[derive(Clone, Debug, Default)]
struct Seen {
    protocol: Option<Vec<u8>>,
    certificate: Option<CertificateDer<'static>>,
    /// Requests over h2.
    requests: usize,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A server with this certificate; where `clients` is given it asks for one of theirs.
    async fn start(identity: &Identity, clients: Option<&Authority>) -> Self {
        Self::with(identity, clients, &[&version::TLS12, &version::TLS13]).await
    }

    async fn with(
        identity: &Identity,
        clients: Option<&Authority>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (chain, key) = identity.der();
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&server.seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let (_, session) = stream.get_ref();
                    let certificates = session.peer_certificates().unwrap_or_default();
                    let index = {
                        let mut seen = seen.lock().unwrap();
                        seen.push(Seen {
                            protocol: session.alpn_protocol().map(<[u8]>::to_vec),
                            certificate: certificates.first().map(|it| it.clone().into_owned()),
                            requests: 0,
                        });
                        seen.len() - 1
                    };
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        seen.lock().unwrap()[index].requests += 1;
                        let answer = Response::builder()
                            .header("content-type", "application/json")
                            .body(())
                            .unwrap();
                        let mut body = respond.send_response(answer, false).unwrap();
                        body.send_data(Bytes::from_static(b"{}"), true).unwrap();
                    }
                });
            }
        });
        server
    }

    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}/jwks", self.address.port())
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn builder() -> ReqwestClientBuilder {
    ReqwestClient::builder()
        .allow_loopback()
        .total_timeout(PATIENCE)
}

fn trusting(authority: &Authority) -> ReqwestClientBuilder {
    builder().roots_pem(authority.pem().as_bytes()).unwrap()
}

async fn get(client: &ReqwestClient, url: &str) -> Result<Bytes, TransportError> {
    let request = Request::get(url).body(Bytes::new()).unwrap();
    Ok(client.send(request).await?.into_body())
}

async fn code(builder: ReqwestClientBuilder, url: &str) -> Result<(), &'static str> {
    let client = builder.build().unwrap();
    get(&client, url).await.map(drop).map_err(|it| it.code())
}

// covers: DISC-6, ASM-8, OIDC-UI-6
#[tokio::test]
async fn d3_a_server_is_believed_by_its_certificate_alone() {
    let (ours, theirs) = (authority(), authority());
    let good = Server::start(&Identity::of("localhost", &ours), None).await;
    assert_eq!(code(trusting(&ours), &good.url("localhost")).await, Ok(()));

    let long_ago = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    };
    let not_yet = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2090, 1, 1);
        params.not_after = rcgen::date_time_ymd(2099, 1, 1);
    };
    for (what, identity) in [
        ("self-signed", Identity::self_signed("localhost")),
        ("of another root", Identity::of("localhost", &theirs)),
        ("expired", Identity::with("localhost", &ours, long_ago)),
        ("not valid yet", Identity::with("localhost", &ours, not_yet)),
        ("of another host", Identity::of("ehr.example", &ours)),
    ] {
        let server = Server::start(&identity, None).await;
        let url = server.url("localhost");
        assert_eq!(code(trusting(&ours), &url).await, Err("http-tls"), "{what}");
        // The platform knows neither of our roots.
        assert_eq!(code(builder(), &url).await, Err("http-tls"), "{what}");
        assert_eq!(server.seen().iter().map(|it| it.requests).sum::<usize>(), 0);
    }
    // A certificate for a name is none for the address.
    let url = good.url("127.0.0.1");
    assert_eq!(code(trusting(&ours), &url).await, Err("http-tls"));
    // What is wrong is said in words.
    let server = Server::start(&Identity::of("ehr.example", &ours), None).await;
    let client = trusting(&ours).build().unwrap();
    let error = get(&client, &server.url("localhost")).await.unwrap_err();
    assert!(error.to_string().contains("ehr.example"), "{error}");
    assert!(error.remedy().contains("certificate"));
    assert!(error.is_not_sent());
}

#[tokio::test]
async fn a_client_certificate_arrives_and_h2_is_negotiated() {
    let (servers, clients) = (authority(), authority());
    let ours = Identity::of("app.example", &clients);
    let server = Server::start(&Identity::of("localhost", &servers), Some(&clients)).await;
    let url = server.url("localhost");
    // Without one the server turns us away.
    let without = trusting(&servers).build().unwrap();
    let refused = get(&without, &url).await.unwrap_err();
    // TLS 1.3 is done by then, and the request may have been written.
    assert_eq!(refused.code(), "http-exchange");
    assert!(!refused.is_not_sent());
    assert!(server.seen().iter().all(|it| it.requests == 0));

    let (chain, key) = (ours.certificate.pem(), ours.key.serialize_pem());
    let shown = trusting(&servers)
        .client_certificate_pem(chain.as_bytes(), key.as_bytes())
        .unwrap();
    // Neither the builder nor the client shows the key.
    let octets = format!("{:?}", ours.key.serialize_der());
    let lines: Vec<_> = key.lines().filter(|it| !it.starts_with('-')).collect();
    let client = shown.clone().build().unwrap();
    for text in [format!("{shown:?}"), format!("{client:?}")] {
        assert!(!text.contains(&octets[1..60]), "{text}");
        assert!(lines.iter().all(|it| !text.contains(it)), "{text}");
    }
    assert_eq!(get(&client, &url).await.unwrap(), "{}");
    assert_eq!(get(&client, &url).await.unwrap(), "{}");
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.protocol.as_deref(), Some(b"h2".as_slice()));
    assert_eq!(seen.certificate.as_ref(), Some(ours.certificate.der()));
    assert_eq!(seen.requests, 2, "both over one connection");
}

#[tokio::test]
async fn both_versions_that_are_safe_are_spoken() {
    let ours = authority();
    for version in [&version::TLS12, &version::TLS13] {
        let identity = Identity::of("localhost", &ours);
        let server = Server::with(&identity, None, &[version]).await;
        assert_eq!(
            code(trusting(&ours), &server.url("localhost")).await,
            Ok(())
        );
    }
}

/// A server of a time before TLS 1.2: it answers each greeting with a choice of 1.1.
// covers: SMART-CAS-21
#[tokio::test]
async fn older_versions_are_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut greeting = [0; 4096];
            let _ = stream.read(&mut greeting).await;
            // ServerHello: version 3.2, 32 octets of chance, no session, a cipher of that time.
            let mut hello = vec![0x02, 0, 0, 38, 0x03, 0x02];
            hello.extend([7; 32]);
            hello.extend([0, 0x00, 0x2f, 0]);
            let mut record = vec![0x16, 0x03, 0x02, 0, u8::try_from(hello.len()).unwrap()];
            record.extend(hello);
            let _ = stream.write_all(&record).await;
            let _ = stream.read(&mut greeting).await;
        }
    });
    assert_eq!(code(builder(), &url).await, Err("http-tls"));
}

#[test]
fn what_is_no_certificate_and_no_proxy_is_refused_without_showing_it() {
    let ours = authority();
    let identity = Identity::of("app.example", &ours);
    let (pem, key) = (identity.certificate.pem(), identity.key.serialize_pem());
    let other = Identity::of("app.example", &ours).key.serialize_pem();
    let problem = |result: Result<ReqwestClientBuilder, _>| {
        let error: smart_oidc::discovery::ClientError = result.unwrap_err();
        assert_eq!(error.code(), "http-client");
        error.to_string()
    };
    assert!(problem(builder().roots_pem(b"")).contains("no certificate"));
    assert!(problem(builder().roots_pem(key.as_bytes())).contains("no certificate"));
    let no_key = builder().client_certificate_pem(pem.as_bytes(), pem.as_bytes());
    assert!(problem(no_key).contains("no private key"));
    let unfit = builder().client_certificate_pem(pem.as_bytes(), other.as_bytes());
    let error = unfit.unwrap().build().unwrap_err();
    assert!(error.to_string().contains("do not fit"), "{error}");
    let secret = "http://user:hunter2@[proxy";
    let text = problem(builder().proxy_that_checks_addresses(secret));
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn d3_a_proxy_is_used_when_it_is_named_and_its_credentials_stay_quiet() {
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(octet) => head.push(octet),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let answer: &[u8] = match head.starts_with("CONNECT") {
                true => b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
                false => b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}",
            };
            seen.lock().unwrap().push(head);
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    // The proxy is on this machine, which is not allowed as a place of a server.
    let by_proxy = |url: &str| {
        let builder = ReqwestClient::builder().total_timeout(PATIENCE);
        builder.proxy_that_checks_addresses(url).unwrap()
    };
    let secret = format!("http://user:hunter2@{address}");
    let client = by_proxy(&secret).build().unwrap();
    let found = get(&client, "http://ehr.example/jwks").await.unwrap();
    assert_eq!(found, "{}");
    let asked = requests.lock().unwrap().pop().unwrap();
    assert!(asked.starts_with("GET http://ehr.example/jwks"), "{asked}");
    assert!(asked.to_lowercase().contains("proxy-authorization: basic"));

    // https goes through a tunnel, and a refusal shows no credentials; nor does a dead proxy.
    let refused = get(&client, "https://ehr.example/jwks").await.unwrap_err();
    assert!(
        requests
            .lock()
            .unwrap()
            .pop()
            .unwrap()
            .starts_with("CONNECT ehr.example:443")
    );
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let dead = format!("http://user:hunter2@{}", closed.local_addr().unwrap());
    let dead = by_proxy(&dead).build().unwrap();
    let unreachable = get(&dead, "https://ehr.example/jwks").await.unwrap_err();
    assert_eq!(unreachable.code(), "http-connect");
    assert!(unreachable.to_string().contains("through the proxy: "));
    for text in [
        format!("{refused} {refused:?}"),
        format!("{unreachable} {unreachable:?}"),
        format!("{client:?} {dead:?} {:?}", by_proxy(&secret)),
    ] {
        // The word itself, and user and word in base64.
        assert!(
            !text.contains("hunter2") && !text.contains("dXNlcjpodW50ZXIy"),
            "{text}"
        );
    }
    // An address that stands in the URL is refused here all the same.
    let found = get(&client, "http://169.254.169.254/").await.unwrap_err();
    assert_eq!(found.code(), "http-address");
}
