//! One connection for all, made when it is needed and made anew when it fails.

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisError};
use smart_oidc::jose::Text;
use smart_oidc::session::StoreError;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::server::Server;

/// An idle connection is tried so often: a firewall forgets it otherwise, and a server that is gone
/// without a word is found out before somebody needs it.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// After these answers another connection may lead to a server that does it: a failover has moved
/// the address, or the server has begun to ask for a password.
const BEGIN_ANEW: [&str; 4] = ["READONLY", "MASTERDOWN", "NOAUTH", "LOADING"];

/// Runs commands on a server, each once and within a bounded time.
pub(crate) struct Wire {
    server: Server,
    #[cfg(feature = "tls")]
    tls: Option<tokio_rustls::TlsConnector>,
    connect_timeout: Duration,
    response_timeout: Duration,
    link: Mutex<Option<Arc<Link>>>,
    /// Whoever holds it connects, and the others wait for that one.
    connecting: tokio::sync::Mutex<()>,
}

/// A connection, and the task that moves its octets. All who use it hold it, and when the last one
/// lets go the task ends, whatever the server still owes.
struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Wire {
    pub(crate) fn new(
        server: Server,
        connect_timeout: Duration,
        response_timeout: Duration,
        #[cfg(feature = "tls")] tls: Option<tokio_rustls::TlsConnector>,
    ) -> Self {
        Self {
            server,
            #[cfg(feature = "tls")]
            tls,
            connect_timeout,
            response_timeout,
            link: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        }
    }

    /// Runs a command, once. Where the answer is missing, nobody knows whether it was done.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        name: &'static str,
        command: Cmd,
    ) -> Result<T, StoreError> {
        let link = timeout(self.connect_timeout, self.link()).await;
        let link = link.map_err(|_| self.no_connection("none within the time for it"))??;
        let mut connection = link.connection.clone();
        let answer = timeout(self.response_timeout, command.query_async(&mut connection)).await;
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let code = error.code();
                if code.is_none_or(|it| BEGIN_ANEW.contains(&it)) {
                    self.forget(&link);
                }
                Err(refused(name, &error))
            }
            Err(_) => {
                // A peer that vanished would otherwise be waited for by every later call.
                self.forget(&link);
                let limit = self.response_timeout.as_millis();
                Err(unavailable(&format!(
                    "no answer to {name} within {limit} ms"
                )))
            }
        }
    }

    /// The connection that is there, or a new one.
    async fn link(&self) -> Result<Arc<Link>, StoreError> {
        if let Some(link) = self.usable() {
            return Ok(link);
        }
        let _alone = self.connecting.lock().await;
        if let Some(link) = self.usable() {
            return Ok(link);
        }
        let link = Arc::new(self.connect().await?);
        *self.slot() = Some(Arc::clone(&link));
        Ok(link)
    }

    fn usable(&self) -> Option<Arc<Link>> {
        let link = self.slot().clone()?;
        (!link.driver.is_finished()).then_some(link)
    }

    /// Later calls connect anew; those that wait for an answer on this one go on.
    fn forget(&self, link: &Arc<Link>) {
        let mut slot = self.slot();
        // Somebody else may have connected since.
        if slot.as_ref().is_some_and(|it| Arc::ptr_eq(it, link)) {
            *slot = None;
        }
    }

    /// Nothing is half done under the lock.
    fn slot(&self) -> MutexGuard<'_, Option<Arc<Link>>> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Link, StoreError> {
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
        })
    }

    fn no_connection(&self, problem: &str) -> StoreError {
        let Server { host, port, .. } = &self.server;
        unavailable(&format!("no connection to {host}:{port}: {problem}"))
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("server", &self.server)
            .field("connect_timeout", &self.connect_timeout)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

pub(crate) fn unavailable(problem: &str) -> StoreError {
    StoreError::Unavailable {
        problem: Text::new(problem),
    }
}

/// Of what a server says only the code is kept: the rest may repeat what was sent.
fn refused(name: &str, error: &RedisError) -> StoreError {
    match error.code() {
        Some("WRONGTYPE") => StoreError::Unreadable {
            problem: Text::new("under this name there is no string"),
        },
        Some(code) => unavailable(&format!("the server answered {name} with {code}")),
        None => unavailable(&format!("{name} failed: {}", error.category())),
    }
}
