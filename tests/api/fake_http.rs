//! HTTP clients for tests: one that answers from a script, and one that only listens in.
//!
//! Both keep the requests, since which requests leave, and where to, is half of what discovery
//! promises.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use serde_json::Value;
use smart_oidc::discovery::{HttpClient, TimeLimit, TransportError};
use smart_oidc::jose::Text;
use tokio::sync::Semaphore;

/// The parameters of a query or a form, each of which must stand there once.
pub(crate) fn parameters(text: &[u8]) -> BTreeMap<String, String> {
    let mut read = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text) {
        let before = read.insert(name.to_string(), value.into_owned());
        assert_eq!(before, None, "{name} occurs twice");
    }
    read
}

/// A request that left.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) limit: Option<TimeLimit>,
}

impl Sent {
    fn of(request: &Request<Bytes>) -> Self {
        Self {
            method: request.method().clone(),
            url: request.uri().to_string(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            limit: request.extensions().get().copied(),
        }
    }
}

/// What a URL answers.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Status 200 with this JSON.
    pub(crate) fn json(document: &Value) -> Self {
        Self::text("application/json", &document.to_string())
    }

    /// Status 200 with this text.
    pub(crate) fn text(content_type: &str, body: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// Nothing but a status.
    pub(crate) fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self {
            headers: vec![("location", to.to_owned())],
            ..Self::status(status)
        }
    }

    /// With another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With this header besides.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The answer as it arrives.
    pub(crate) fn response(&self) -> Response<Bytes> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        response.body(Bytes::from(self.body.clone())).unwrap()
    }
}

/// Answers from a script; what is not in it is not found.
#[derive(Debug)]
pub(crate) struct FakeHttp {
    answers: Mutex<BTreeMap<String, Answer>>,
    sent: Mutex<Vec<Sent>>,
    is_down: Mutex<bool>,
    hangs: Mutex<Option<String>>,
    gate: Semaphore,
    /// What has been answered goes through here on its way.
    way: Semaphore,
}

impl FakeHttp {
    /// A network that answers at once.
    pub(crate) fn new() -> Arc<Self> {
        let http = Self::gated();
        http.open();
        http
    }

    /// A network in which every answer waits until [`FakeHttp::open`] is called.
    pub(crate) fn gated() -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::default(),
            sent: Mutex::default(),
            is_down: Mutex::new(false),
            hangs: Mutex::default(),
            gate: Semaphore::new(0),
            way: Semaphore::new(1),
        })
    }

    /// Lets all answers through.
    pub(crate) fn open(&self) {
        self.gate.add_permits(1);
    }

    /// Lets no further answer through until [`FakeHttp::open`] is called again.
    pub(crate) fn close(&self) {
        self.gate.forget_permits(1);
    }

    /// Sets what a URL answers from now on.
    pub(crate) fn answer(&self, url: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer);
    }

    /// Cuts the network off, or mends it.
    pub(crate) fn set_down(&self, is_down: bool) {
        *self.is_down.lock().unwrap() = is_down;
    }

    /// Never answers under URLs that begin like this.
    pub(crate) fn hang(&self, begin: &str) {
        *self.hangs.lock().unwrap() = Some(begin.to_owned());
    }

    /// Answers at once and holds the answers back until [`FakeHttp::deliver`] is called.
    pub(crate) fn delay(&self) {
        self.way.forget_permits(1);
    }

    /// Lets the answers that are on their way arrive.
    pub(crate) fn deliver(&self) {
        self.way.add_permits(1);
    }

    /// The requests so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// Where the requests so far went.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.sent().into_iter().map(|it| it.url).collect()
    }

    /// How many requests have left so far.
    pub(crate) fn count(&self) -> usize {
        self.sent.lock().unwrap().len()
    }
}

#[async_trait]
impl HttpClient for FakeHttp {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.sent.lock().unwrap().push(Sent::of(&request));
        // The permit goes back at once, so an open gate stays open.
        drop(self.gate.acquire().await.unwrap());
        let url = request.uri().to_string();
        let hangs = self.hangs.lock().unwrap().clone();
        if hangs.is_some_and(|begin| url.starts_with(&begin)) {
            return std::future::pending().await;
        }
        if *self.is_down.lock().unwrap() {
            return Err(TransportError::Connect {
                host: Text::new(request.uri().host().unwrap_or_default()),
                problem: Text::new("the network of the test is down"),
            });
        }
        let answer = self.answers.lock().unwrap().get(&url).cloned();
        drop(self.way.acquire().await.unwrap());
        Ok(answer.unwrap_or_else(|| Answer::status(404)).response())
    }
}

/// Hands every request on to another client and keeps a copy.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Arc<dyn HttpClient>,
    sent: Mutex<Vec<Sent>>,
    answers: Mutex<Vec<String>>,
    /// What is written into answers instead of something else.
    rewritten: Mutex<Option<(String, String)>>,
}

impl Recorder {
    /// Listens in on this client.
    pub(crate) fn new(inner: Arc<dyn HttpClient>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            sent: Mutex::default(),
            answers: Mutex::default(),
            rewritten: Mutex::default(),
        })
    }

    /// The requests so far.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// Writes something else into the answers from now on.
    pub(crate) fn rewrite(&self, what: &str, instead: &str) {
        *self.rewritten.lock().unwrap() = Some((what.to_owned(), instead.to_owned()));
    }

    /// The bodies of the answers so far.
    pub(crate) fn answers(&self) -> Vec<String> {
        self.answers.lock().unwrap().clone()
    }
}

#[async_trait]
impl HttpClient for Recorder {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        self.sent.lock().unwrap().push(Sent::of(&request));
        let mut response = self.inner.send(request).await?;
        let mut body = String::from_utf8_lossy(response.body()).into_owned();
        if let Some((what, instead)) = &*self.rewritten.lock().unwrap() {
            body = body.replace(what, instead);
            *response.body_mut() = Bytes::from(body.clone());
        }
        self.answers.lock().unwrap().push(body);
        Ok(response)
    }
}
