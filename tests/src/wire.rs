//! The wire between an app and its servers, and what went over it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use smart_oidc::discovery::{HttpClient, ReqwestClient, TransportError};

/// One request of the app, and what it was answered.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: String,
    headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) status: Option<StatusCode>,
    pub(crate) answer: String,
}

impl Sent {
    /// The header `Authorization`, or nothing.
    pub(crate) fn authorization(&self) -> String {
        let header = self.headers.get("authorization");
        let header = header.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        header.unwrap_or_default()
    }
}

/// Keeps each request.
pub(crate) struct Wire {
    inner: ReqwestClient,
    sent: Mutex<Vec<Sent>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            // Machines that run tests are slow at times, and what is late here is no finding.
            inner: ReqwestClient::builder()
                .allow_loopback()
                .total_timeout(Duration::from_secs(30))
                .build()
                .unwrap(),
            sent: Mutex::default(),
        })
    }

    /// Sends what is not the app's, so that it is not kept.
    pub(crate) async fn aside(&self, url: &str) -> Response<Bytes> {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        self.inner.send(request).await.unwrap()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sent>> {
        self.sent.lock().unwrap()
    }

    /// The requests so far, in their order.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().clone()
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let place = {
            let mut sent = self.lock();
            sent.push(Sent {
                method: request.method().clone(),
                url: request.uri().to_string(),
                headers: request.headers().clone(),
                body: String::from_utf8_lossy(request.body()).into_owned(),
                status: None,
                answer: String::new(),
            });
            sent.len() - 1
        };
        let response = self.inner.send(request).await?;
        let kept = &mut self.lock()[place];
        kept.status = Some(response.status());
        kept.answer = String::from_utf8_lossy(response.body()).into_owned();
        Ok(response)
    }
}
