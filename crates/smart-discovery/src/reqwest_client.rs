//! An HTTP client on reqwest, with every bound set and nothing picked up from the environment.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;
use std::error::Error as _;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use smart_jose::Text;

use crate::address::Networks;
use crate::document::MAX_DOCUMENT_OCTETS;
use crate::http_client::{HttpClient, TimeLimit, TransportError};
use crate::resolver::{GuardedResolver, Refused};
use crate::tls::{self, TlsOptions};

/// How long a connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a whole exchange may take, from the connection to the last octet.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The default [`HttpClient`].
///
/// 2 s to connect, 5 s for all, 256 KiB of body counted while it arrives, no redirects, no
/// cookies, no referer, no proxy from the environment, no compression, TLS 1.2 and up with the
/// platform's roots, and no address that is not of the public internet. Cloning shares the
/// connections.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: reqwest::Client,
    has_proxy: bool,
    total_timeout: Duration,
    body_limit: usize,
    networks: Arc<Networks>,
}

/// The client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the HTTP client could not be made: {problem}")]
#[non_exhaustive]
pub struct ClientError {
    /// What went wrong.
    pub problem: Text,
}

impl ClientError {
    fn new(problem: &str) -> Self {
        Self {
            problem: Text::new(problem),
        }
    }

    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "http-client"
    }
}

/// Makes a [`ReqwestClient`] with other bounds.
///
/// ```
/// use smart_discovery::{ClientError, Networks, ReqwestClient};
/// # fn hospital() -> Result<ReqwestClient, Box<dyn std::error::Error>> {
/// // The EHR is in our own network.
/// let networks: Networks = "10.20.0.0/16".parse()?;
/// let client = ReqwestClient::builder().allow_networks(networks).build()?;
/// # Ok(client)
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ReqwestClientBuilder {
    total_timeout: Duration,
    body_limit: usize,
    networks: Networks,
    tls: TlsOptions,
    proxy: Option<Proxy>,
}

/// A proxy, whose URL may hold credentials and is not shown.
#[derive(Clone)]
struct Proxy(reqwest::Proxy);

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxy(..)")
    }
}

impl ReqwestClientBuilder {
    /// Lets the client connect to these networks beside the public internet.
    #[must_use]
    pub fn allow_networks(mut self, networks: Networks) -> Self {
        self.networks = networks;
        self
    }

    /// Lets the client connect to this machine too: for sandboxes and tests.
    #[must_use]
    pub fn allow_loopback(mut self) -> Self {
        self.networks = self.networks.and_loopback();
        self
    }

    /// How long a whole exchange may take, 5 s unless set.
    #[must_use]
    pub const fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = timeout;
        self
    }

    /// How long a body may be in octets, 256 KiB unless set.
    #[must_use]
    pub const fn body_limit(mut self, octets: usize) -> Self {
        self.body_limit = octets;
        self
    }

    /// Trusts the certificates of this PEM text and no others, in the place of the platform's: for
    /// an EHR with a root of its own.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where the text holds no certificate.
    pub fn roots_pem(mut self, pem: &[u8]) -> Result<Self, ClientError> {
        self.tls.trust_pem(pem).map_err(ClientError::new)?;
        Ok(self)
    }

    /// Shows this certificate to servers that ask for one (mutual TLS): the chain, the client's
    /// own certificate first, and its private key, both PEM.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where a text holds none. Whether the two fit is found by
    /// [`ReqwestClientBuilder::build`].
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, ClientError> {
        self.tls.show_pem(chain, key).map_err(ClientError::new)?;
        Ok(self)
    }

    /// Sends everything through this proxy; its URL may hold credentials. None is ever taken from
    /// the environment. The proxy connects in our place, so it must refuse addresses of your own
    /// network itself: beside addresses that stand in a URL, nothing is checked here.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where this is no URL of a proxy.
    pub fn proxy_that_checks_addresses(mut self, url: &str) -> Result<Self, ClientError> {
        // The error of the library may show the URL and with it the credentials.
        let proxy = reqwest::Proxy::all(url);
        let proxy = proxy.map_err(|_| ClientError::new("the proxy is no URL"))?;
        self.proxy = Some(Proxy(proxy));
        Ok(self)
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where neither the feature `ring` nor `aws-lc-rs` is on, as TLS needs one, or
    /// where a client certificate and its key do not fit.
    pub fn build(self) -> Result<ReqwestClient, ClientError> {
        self.build_with(|builder| builder)
    }

    fn build_with(
        self,
        last: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<ReqwestClient, ClientError> {
        let Self {
            total_timeout,
            body_limit,
            networks,
            tls,
            proxy,
        } = self;
        let networks = Arc::new(networks);
        let tls = tls::client_config(&tls).map_err(ClientError::new)?;
        // Each of these is said and not left to a feature's absence: another crate in the graph
        // can turn a feature of reqwest on.
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT.min(total_timeout))
            .timeout(total_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_hickory_dns()
            .retry(reqwest::retry::never())
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("smart-discovery/", env!("CARGO_PKG_VERSION")));
        let has_proxy = proxy.is_some();
        let builder = match proxy {
            // The one name that is looked up here is then the proxy's, which the caller gave.
            Some(Proxy(proxy)) => builder.proxy(proxy),
            None => builder.dns_resolver(Arc::new(GuardedResolver::new(Arc::clone(&networks)))),
        };
        let client = last(builder)
            .build()
            .map_err(|error| ClientError::new(&deepest(&error)))?;
        Ok(ReqwestClient {
            client,
            has_proxy,
            total_timeout,
            body_limit,
            networks,
        })
    }
}

impl ReqwestClient {
    /// A client with the defaults.
    ///
    /// # Errors
    ///
    /// As [`ReqwestClientBuilder::build`].
    pub fn new() -> Result<Self, ClientError> {
        Self::builder().build()
    }

    /// A client with other bounds.
    #[must_use]
    pub fn builder() -> ReqwestClientBuilder {
        ReqwestClientBuilder {
            total_timeout: TOTAL_TIMEOUT,
            body_limit: MAX_DOCUMENT_OCTETS,
            networks: Networks::public(),
            tls: TlsOptions::default(),
            proxy: None,
        }
    }

    /// Refuses an address that may not be connected to.
    fn check(&self, host: &Text, address: IpAddr) -> Result<(), TransportError> {
        match self.networks.refusal(address) {
            None => Ok(()),
            Some(kind) => Err(TransportError::Address {
                host: host.clone(),
                address,
                kind,
            }),
        }
    }
}

/// Where a request goes, without the user and password that a URL may hold.
fn host_and_port(uri: &http::Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The address that a URL holds in the place of a name.
fn literal(url: &reqwest::Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let host = Text::new(&host_and_port(request.uri()));
        let asked = request.extensions().get::<TimeLimit>();
        let limit = asked.map_or(self.total_timeout, |it| it.0.min(self.total_timeout));
        let fail = |error| transport_error(&host, limit, self.has_proxy, error);
        let mut request = reqwest::Request::try_from(request).map_err(fail)?;
        // No resolver is asked for an address in the URL, so it is judged here: as it is after
        // parsing, which reads decimal and octal forms as the addresses that they stand for.
        if let Some(address) = literal(request.url()) {
            self.check(&host, address)?;
        }
        *request.timeout_mut() = Some(limit);
        let mut answer = self.client.execute(request).await.map_err(fail)?;
        // Whatever the name stood for a moment ago, this is where the answer comes from.
        if let Some(peer) = answer.remote_addr().filter(|_| !self.has_proxy) {
            self.check(&host, peer.ip())?;
        }
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(fail)? {
            // Counted while it arrives: an endless body ends here and not in memory.
            if body.len() + chunk.len() > self.body_limit {
                return Err(TransportError::BodyTooLong {
                    host,
                    limit: self.body_limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        *response.body_mut() = body.freeze();
        Ok(response)
    }
}

fn transport_error(
    host: &Text,
    limit: Duration,
    has_proxy: bool,
    error: reqwest::Error,
) -> TransportError {
    let host = host.clone();
    let error = error.without_url();
    if let Some(Refused { address, kind }) = refused(&error) {
        let (address, kind) = (*address, *kind);
        return TransportError::Address {
            host,
            address,
            kind,
        };
    }
    if let Some(tls) = of_tls(&error) {
        let problem = Text::new(&tls.to_string());
        // A server of TLS 1.3 looks at a client certificate when the request may have been written.
        return match error.is_connect() {
            true => TransportError::Tls { host, problem },
            false => TransportError::Exchange { host, problem },
        };
    }
    let mut problem = deepest(&error);
    if has_proxy && error.is_connect() {
        // Else an operator looks for the fault at the server.
        problem.insert_str(0, "through the proxy: ");
    }
    let problem = Text::new(&problem);
    // The time for a connection is shorter than that for the exchange, so this one comes first:
    // it is certain then that nothing was sent.
    if error.is_connect() {
        TransportError::Connect { host, problem }
    } else if error.is_timeout() {
        TransportError::Timeout { host, limit }
    } else if error.is_builder() {
        TransportError::Request { problem }
    } else {
        TransportError::Exchange { host, problem }
    }
}

/// The refusal of the resolver, if that is what is behind an error.
fn refused(error: &reqwest::Error) -> Option<&Refused> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref() {
            return Some(refused);
        }
        cause = inner.source();
    }
    None
}

/// What TLS says, if that is what is behind an error.
fn of_tls<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref() {
            return Some(found);
        }
        // An I/O error leaves out what it was made of when it is asked for its source.
        let wrapped = inner.downcast_ref::<std::io::Error>();
        cause = match wrapped.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    None
}

/// The innermost cause, which is the one that says something: "connection refused".
fn deepest(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}

#[cfg(all(test, any(feature = "ring", feature = "aws-lc-rs")))]
mod tests {
    use core::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A name that meant another address when it was looked up.
    #[tokio::test]
    async fn d3_the_address_that_answered_is_judged_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                let _ = stream.read(&mut head).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
            }
        });
        let ask = |builder: ReqwestClientBuilder| async move {
            let client = builder
                .build_with(|it| it.resolve("rebound.example", address))
                .unwrap();
            let url = format!("http://rebound.example:{}/", address.port());
            client
                .send(Request::get(url).body(Bytes::new()).unwrap())
                .await
        };
        let error = ask(ReqwestClient::builder()).await.unwrap_err();
        assert_eq!(error.code(), "http-address");
        let allowed = ask(ReqwestClient::builder().allow_loopback()).await;
        assert_eq!(allowed.unwrap().body(), "{}");
    }
}
