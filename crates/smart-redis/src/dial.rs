//! How a connection is made: TCP, TLS where it is asked for, and the login.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use smart_oidc::session::StoreError;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::server::Server;
use crate::trouble::{refused, unavailable};

/// An idle connection is tried so often: a firewall forgets it otherwise, and a server that is gone
/// without a word is found out before somebody needs it.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Makes connections to one server.
pub(crate) struct Dial {
    server: Server,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsConnector>,
}

/// A connection, and the task that moves its octets. All who use it hold it, and when the last one
/// lets go the task ends, whatever the server still owes.
pub(crate) struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    /// How many answers have come in time, refusals aside: a server that takes no more clients says
    /// so and hangs up.
    answers: AtomicU64,
}

impl Link {
    /// A handle to send one command with.
    pub(crate) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Whether either side has ended it.
    pub(crate) fn has_ended(&self) -> bool {
        self.driver.is_finished()
    }

    /// Counts an answer that came in time.
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// How many answers have come in time.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Dial {
    pub(crate) const fn new(
        server: Server,
        #[cfg(feature = "tls")] tls: Option<tokio_rustls::TlsConnector>,
    ) -> Self {
        Self {
            server,
            #[cfg(feature = "tls")]
            tls,
        }
    }

    /// Makes a connection. The time for it is for the caller to bound.
    pub(crate) async fn connect(&self) -> Result<Link, StoreError> {
        let fail = |error: std::io::Error| self.no_connection(&error.to_string());
        let address = (self.server.host.as_str(), self.server.port);
        let stream = TcpStream::connect(address).await.map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE);
        SockRef::from(&stream)
            .set_tcp_keepalive(&keepalive)
            .map_err(fail)?;
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let name = self.server.host.clone().try_into();
            let name = name.map_err(|_| self.no_connection("the host is no name for TLS"))?;
            let stream = tls.connect(name, stream).await.map_err(fail)?;
            return self.login(stream).await;
        }
        self.login(stream).await
    }

    async fn login(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Link, StoreError> {
        // The time is bounded by who calls.
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&self.server.login, stream, config).await;
        let (connection, driver) = made.map_err(|error| refused("the login", &error))?;
        Ok(Link {
            connection,
            driver: tokio::spawn(driver),
            answers: AtomicU64::new(0),
        })
    }

    pub(crate) fn no_connection(&self, problem: &str) -> StoreError {
        let Server { host, port, .. } = &self.server;
        unavailable(&format!("no connection to {host}:{port}: {problem}"))
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.server.fmt(f)
    }
}
