//! The seam to the network: one method, over the types of the `http` crate.

use core::fmt::Debug;
use core::net::IpAddr;
use core::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use smart_jose::{ErrorClass, Text};

use crate::address::AddressKind;

/// Sends one request and gives back the whole response.
///
/// An implementation must not follow redirects, send cookies, or read a body beyond its limit;
/// it must give up after a bounded time. A response with any status is a success here: judging
/// it is the caller's work. Wrongly failing is safe; wrongly following a redirect can carry a
/// bearer token to another host.
#[async_trait]
pub trait HttpClient: Debug + Send + Sync {
    /// Sends one request.
    ///
    /// # Errors
    ///
    /// [`TransportError`] where no whole response came back.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

/// How long an exchange may take, in the extensions of a request: for a second try that has only
/// what the first has left. A client that does not look for it takes its own time, which is safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is a duration with a name")]
pub struct TimeLimit(pub Duration);

/// Why no response came back. It names the host and never a path or a query, which may hold
/// what must not be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The host is at an address that may not be connected to.
    #[error("{host} is at {address}, {kind}, and such addresses are refused")]
    Address {
        /// The host.
        host: Text,
        /// The address.
        address: IpAddr,
        /// What it is.
        kind: AddressKind,
    },
    /// The body is longer than the limit.
    #[error("the answer of {host} is longer than {limit} octets")]
    BodyTooLong {
        /// The host.
        host: Text,
        /// The limit in octets.
        limit: usize,
    },
    /// No connection could be made. It promises that nothing of the request has left: a client that
    /// cannot tell says [`TransportError::Exchange`] or [`TransportError::Timeout`].
    #[error("no connection to {host}: {problem}")]
    Connect {
        /// The host.
        host: Text,
        /// What the network said.
        problem: Text,
    },
    /// The connection broke, or what came was no HTTP.
    #[error("the exchange with {host} failed: {problem}")]
    Exchange {
        /// The host.
        host: Text,
        /// What the network said.
        problem: Text,
    },
    /// The request could not be made, so nothing of it has left.
    #[error("the request could not be made: {problem}")]
    Request {
        /// What is wrong with it.
        problem: Text,
    },
    /// No secure connection could be made: most often the certificate of the server. Nothing of
    /// the request has left; one that breaks later is [`TransportError::Exchange`].
    #[error("no secure connection to {host}: {problem}")]
    Tls {
        /// The host.
        host: Text,
        /// What is wrong.
        problem: Text,
    },
    /// The time was up.
    #[error("{host} did not answer within {} s", .limit.as_secs_f32())]
    Timeout {
        /// The host.
        host: Text,
        /// The time that was given.
        limit: Duration,
    },
}

impl TransportError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "http-address",
            Self::BodyTooLong { .. } => "http-body-too-long",
            Self::Connect { .. } => "http-connect",
            Self::Exchange { .. } => "http-exchange",
            Self::Request { .. } => "http-request",
            Self::Timeout { .. } => "http-timeout",
            Self::Tls { .. } => "http-tls",
        }
    }

    /// Whether it is certain that nothing of the request has left, so that one which must not be
    /// sent twice may be sent again. Where this is false nobody knows: the server may have acted
    /// on the request, and its answer was lost.
    ///
    /// The address of a connection is judged once more when an answer has come, so
    /// [`TransportError::Address`] is not certain.
    #[must_use]
    pub const fn is_not_sent(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Request { .. } | Self::Tls { .. } => true,
            Self::Address { .. }
            | Self::BodyTooLong { .. }
            | Self::Exchange { .. }
            | Self::Timeout { .. } => false,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Address { .. } => {
                "if the server is really there, allow its network (allow_networks, --allow-network)"
            }
            Self::BodyTooLong { .. } => "ask the server's operator why the answer is so long",
            Self::Connect { .. } => {
                "check the address, name resolution and firewall, then try again"
            }
            Self::Exchange { .. } => "see whether this is the right port and an HTTP server",
            Self::Request { .. } => "check the URL",
            Self::Tls { .. } => {
                "look at the server's certificate: its names, dates and issuer; give its root (roots_pem) if it is your own"
            }
            Self::Timeout { .. } => "try again; if it stays, the server or the way to it is slow",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Address { .. } | Self::Request { .. } => ErrorClass::Configuration,
            _ => ErrorClass::Upstream,
        }
    }
}

/// A GET request for JSON.
pub(crate) fn get_json(url: &str) -> Request<Bytes> {
    // The URL types have checked the text, so it parses; an empty request would be refused by
    // every client.
    Request::get(url)
        .header(http::header::ACCEPT, "application/json")
        .body(Bytes::new())
        .unwrap_or_default()
}
