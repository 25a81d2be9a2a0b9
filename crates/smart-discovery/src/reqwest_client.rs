//! An HTTP client on reqwest, with every bound set and nothing picked up from the environment.

use core::time::Duration;
use std::error::Error as _;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use smart_jose::Text;

use crate::document::MAX_DOCUMENT_OCTETS;
use crate::http_client::{HttpClient, TransportError};
use crate::tls;

/// How long a connection may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a whole exchange may take, from the connection to the last octet.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The default [`HttpClient`].
///
/// 2 s to connect, 5 s for all, 256 KiB of body counted while it arrives, no redirects, no
/// cookies, no referer, no proxy from the environment, no compression, TLS 1.2 and up with the
/// platform's roots. Cloning shares the connections.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: reqwest::Client,
    total_timeout: Duration,
    body_limit: usize,
}

/// The client could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the HTTP client could not be made: {problem}")]
#[non_exhaustive]
pub struct ClientError {
    /// What went wrong.
    pub problem: Text,
}

impl ReqwestClient {
    /// A client with the defaults.
    ///
    /// # Errors
    ///
    /// [`ClientError`] where neither the feature `ring` nor `aws-lc-rs` is on, as TLS needs one.
    pub fn new() -> Result<Self, ClientError> {
        Self::with_limits(TOTAL_TIMEOUT, MAX_DOCUMENT_OCTETS)
    }

    /// A client with another deadline for a whole exchange, and another limit on the body in
    /// octets.
    ///
    /// # Errors
    ///
    /// As [`ReqwestClient::new`].
    pub fn with_limits(total_timeout: Duration, body_limit: usize) -> Result<Self, ClientError> {
        let problem = |problem: &str| ClientError {
            problem: Text::new(problem),
        };
        let tls = tls::client_config().ok_or_else(|| problem("no TLS backend is compiled in"))?;
        // Each of these is said and not left to a feature's absence: another crate in the graph
        // can turn a feature of reqwest on.
        let client = reqwest::Client::builder()
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
            .user_agent(concat!("smart-discovery/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| problem(&deepest(&error)))?;
        Ok(Self {
            client,
            total_timeout,
            body_limit,
        })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.send_within(request, self.total_timeout).await
    }

    async fn send_within(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, TransportError> {
        let host = Text::new(request.uri().authority().map_or("", |it| it.as_str()));
        let limit = limit.min(self.total_timeout);
        let fail = |error| transport_error(&host, limit, error);
        let mut request = reqwest::Request::try_from(request).map_err(fail)?;
        *request.timeout_mut() = Some(limit);
        let mut answer = self.client.execute(request).await.map_err(fail)?;
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

fn transport_error(host: &Text, limit: Duration, error: reqwest::Error) -> TransportError {
    let host = host.clone();
    let error = error.without_url();
    let problem = Text::new(&deepest(&error));
    if error.is_timeout() {
        TransportError::Timeout { host, limit }
    } else if error.is_connect() {
        TransportError::Connect { host, problem }
    } else if error.is_builder() {
        TransportError::Request { problem }
    } else {
        TransportError::Exchange { host, problem }
    }
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
