//! Sees what an app sends to the EHR and what comes back, and loses answers when it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use smart_oidc::discovery::{HttpClient, TransportError};
use smart_oidc::jose::Text;
use tokio::time::{Instant, sleep_until};

/// So long a refresh takes at the EHR: others come meanwhile.
const REFRESH: Duration = Duration::from_millis(150);

/// An HTTP client that remembers refresh tokens and codes.
#[derive(Debug)]
pub(crate) struct Witness {
    inner: Arc<dyn HttpClient>,
    seen: Mutex<Seen>,
    /// So many of the next answers with refresh tokens are lost.
    to_lose: AtomicUsize,
}

#[derive(Debug, Default)]
struct Seen {
    /// How often each refresh token was sent.
    sent: BTreeMap<String, usize>,
    /// Those for which new tokens have come.
    used: BTreeSet<String>,
    /// How many were sent although new tokens had come.
    sent_when_used: usize,
    /// How many codes were sent.
    codes: usize,
}

impl Witness {
    pub(crate) fn of(inner: Arc<dyn HttpClient>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            seen: Mutex::default(),
            to_lose: AtomicUsize::new(0),
        })
    }

    /// Has the next answer to a refresh token not come.
    pub(crate) fn lose_the_next_answer(&self) {
        self.to_lose.fetch_add(1, SeqCst);
    }

    /// Asserts that no refresh token was sent after the answer to it was received, nor more than
    /// twice at all; how often all of them together.
    pub(crate) fn check_refresh_tokens(&self, cell: &str) -> usize {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.sent_when_used, 0, "{cell}: a used token was sent");
        let most = seen.sent.values().max().copied().unwrap_or_default();
        assert!(most <= 2, "{cell}: a token was sent {most} times");
        seen.sent.values().sum()
    }

    /// How many codes were sent.
    pub(crate) fn codes(&self) -> usize {
        self.seen.lock().unwrap().codes
    }
}

#[async_trait]
impl HttpClient for Witness {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let form: BTreeMap<_, _> = form_urlencoded::parse(request.body()).collect();
        let token = form.get("refresh_token").map(|it| it.to_string());
        {
            let mut seen = self.seen.lock().unwrap();
            seen.codes += usize::from(form.contains_key("code"));
            if let Some(token) = &token {
                *seen.sent.entry(token.clone()).or_default() += 1;
                seen.sent_when_used += usize::from(seen.used.contains(token));
            }
        }
        let host = Text::new(request.uri().host().unwrap_or_default());
        let response = self.inner.send(request).await?;
        if token.is_some() {
            sleep_until(Instant::now() + REFRESH).await;
        }
        let less = |it: usize| it.checked_sub(1);
        if token.is_some() && self.to_lose.fetch_update(SeqCst, SeqCst, less).is_ok() {
            let problem = Text::new("the test has lost it");
            return Err(TransportError::Exchange { host, problem });
        }
        if response.status() == StatusCode::OK {
            self.seen.lock().unwrap().used.extend(token);
        }
        Ok(response)
    }
}
