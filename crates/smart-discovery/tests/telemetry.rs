//! What a program's `tracing` subscriber sees: names, codes and counts, and nothing of a token.

#![cfg(all(feature = "tracing", any(feature = "ring", feature = "aws-lc-rs")))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

#[path = "../benches/common/mod.rs"]
#[expect(dead_code, reason = "the benchmarks use the rest of it")]
mod common;

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use smart_discovery::{
    Discovery, EndpointUrl, HttpClient, KeySource as _, LiveIssuer, RemoteJwks, SystemClock,
    TransportError,
};
use smart_jose::Text;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use common::{base, key_set, provider, snapshot, with_header};

/// Writes every span and event down as one line.
#[derive(Debug, Default)]
struct Notebook {
    lines: Mutex<Vec<String>>,
    spans: AtomicU64,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Notebook {
    fn note(&self, what: &str, metadata: &Metadata<'_>, fields: impl FnOnce(&mut Line)) {
        let mut line = Line(format!("{what} {} {}", metadata.target(), metadata.level()));
        fields(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }
}

impl Subscriber for Notebook {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.note(span.metadata().name(), span.metadata(), |it| {
            span.record(it)
        });
        Id::from_u64(self.spans.fetch_add(1, Ordering::SeqCst) + 1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        self.note("event", event.metadata(), |it| event.record(it));
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A server that answers with this set, or not at all.
#[derive(Debug)]
struct Server(Mutex<Option<String>>);

#[async_trait]
impl HttpClient for Server {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let body = self.0.lock().unwrap().clone();
        let host = Text::new(request.uri().host().unwrap_or_default());
        let problem = Text::new("the test is over");
        let answer = body.map(|it| Response::new(Bytes::from(it)));
        answer.ok_or(TransportError::Connect { host, problem })
    }
}

#[test]
fn names_codes_and_counts_are_told_and_nothing_of_a_token() {
    let notebook = Arc::new(Notebook::default());
    let set = key_set();
    let mut rotated = set.clone();
    rotated["keys"][1]["kid"] = set["keys"][2]["kid"].clone();
    rotated["keys"][2]["kid"] = set["keys"][1]["kid"].clone();
    tracing::subscriber::with_default(Arc::clone(&notebook), || {
        let server = Arc::new(Server(Mutex::new(Some(set.to_string()))));
        let uri = EndpointUrl::parse("https://ehr.example/jwks?secret=query").unwrap();
        let clock = Arc::new(SystemClock::new());
        let keys = RemoteJwks::new(uri, server.clone(), provider(), clock.clone());
        // Without a runtime everything happens on this thread.
        let ask = |kid: &str| {
            with_header(kid, "RS256", |header| {
                let mut asking = keys.candidates(header);
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                let polled = asking.as_mut().poll(&mut context);
                assert!(polled.is_ready());
            });
        };
        ask("2024-08-15.rsa");
        *server.0.lock().unwrap() = Some(rotated.to_string());
        ask("made-up-by-a-stranger");
        *server.0.lock().unwrap() = None;
        keys.purge();
        ask("made-up-by-a-stranger");
        let base = base(0);
        let discovery = Discovery::new(server);
        let live = LiveIssuer::new(discovery, base.clone(), provider(), clock);
        live.import(&snapshot(&base, &set)).unwrap();
    });
    let lines = notebook.lines.lock().unwrap().clone();
    let expect = [
        "fetch smart_discovery INFO document=\"jwks\"",
        "event smart_discovery INFO message=fetched monotonic_counter.smart_discovery_fetches=1 \
         document=\"jwks\" host=\"ehr.example\" with_body=true life=600",
        "message=key-replaced monotonic_counter.smart_discovery_keys_replaced=1 \
         document=\"jwks\" host=\"ehr.example\" kid=\"2024-08-15.p256\"",
        "message=purged document=\"jwks\" host=\"ehr.example\"",
        "message=failed monotonic_counter.smart_discovery_failures=1 document=\"jwks\" \
         host=\"ehr.example\" code=\"http-connect\" failures=1",
        "message=restored document=\"smart-configuration\" \
         host=\"ehr-000000.example\" age=0",
    ];
    for line in expect {
        assert!(
            lines.iter().any(|it| it.contains(line)),
            "{line}: {lines:#?}"
        );
    }
    let all = lines.join("\n");
    for secret in ["stranger", "secret", "query", "https://"] {
        assert!(!all.contains(secret), "{all}");
    }
}
