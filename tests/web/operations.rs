//! What whoever runs the app asks of it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::Value;
use smart_axum::web::ClientKeys;
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, JwkSet};
use smart_oidc::{AssertionSigner, PublishedKeys};
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use super::provider;
use super::rig::World;

/// Asks until the answer has this status; what goes on in the background has its time.
async fn until(world: &World, status: StatusCode) -> Value {
    let asking = async {
        loop {
            let answer = world.browser().get("/readyz").await;
            if answer.status == status {
                return serde_json::from_str(&answer.body).unwrap();
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking)
        .await
        .unwrap()
}

/// Asks until the answer says what has failed.
async fn until_told(world: &World) -> Value {
    let asking = async {
        loop {
            let body = until(world, StatusCode::SERVICE_UNAVAILABLE).await;
            if !body["errors"].as_array().unwrap().is_empty() {
                return body;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_node_becomes_ready_by_itself_and_says_why_it_is_not() {
    let world = World::new().await;
    world.wire.set_down(true);
    assert_eq!(world.browser().get("/healthz").await.body, "ok\n");
    assert_eq!(
        world.browser().get("/readyz").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let asked = async {
        while world.wire.urls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked)
        .await
        .unwrap();
    let body = until_told(&world).await;
    assert_eq!(body["ready"], false);
    assert_eq!(body["reason"], "no-keys");
    assert_eq!(
        (&body["registered"], &body["with_keys"]),
        (&Value::from(1), &Value::from(0))
    );
    assert_eq!(body["errors"], serde_json::json!(["http-connect"]));
    assert_eq!(world.browser().get("/healthz").await.status, StatusCode::OK);
    // Asking often asks the EHR no more often.
    let asked = world.wire.urls().len();
    for _ in 0..50 {
        let _ = until(&world, StatusCode::SERVICE_UNAVAILABLE).await;
    }
    assert_eq!(world.wire.urls().len(), asked);

    world.wire.set_down(false);
    world.clock.advance(Duration::from_secs(60));
    let body = until(&world, StatusCode::OK).await;
    assert_eq!(
        (&body["ready"], &body["with_keys"]),
        (&Value::from(true), &Value::from(1))
    );
    // An EHR that goes away now leaves the keys, and the node is ready for as long as they serve.
    world.wire.set_down(true);
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.browser().get("/readyz").await.status, StatusCode::OK);
    world.app.stop();
    let body = until(&world, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(body["reason"], "stopping");
}

#[tokio::test]
async fn documents_without_keys_sign_nobody_in() {
    let world = World::new().await;
    world.wire.set_without_keys();
    let body = until_told(&world).await;
    assert!(world.wire.urls().iter().any(|it| it.ends_with("/jwks")));
    assert_eq!(body["with_keys"], 0);
    let text = world.browser().get("/metrics").await.body;
    assert!(
        text.contains("smart_axum_key_sets{phase=\"empty\"} 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn counters_are_text_and_name_nobody() {
    let world = World::new().await;
    let mut browser = world.browser();
    let text = browser.get("/metrics").await;
    assert_eq!(
        text.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(
        text.body
            .contains("smart_axum_key_sets{phase=\"empty\"} 1\n"),
        "{}",
        text.body
    );
    let _ = world.sign_in(&mut browser, "patient-a").await;
    let _ = browser.get("/callback?state=x&code=evil%22label").await;
    let _ = browser.get("/s/AAAAAAAAAAAAAAAA/").await;
    let text = browser.get("/metrics").await.body;
    for line in [
        "# TYPE smart_axum_launches_total counter",
        "smart_axum_launches_total 1",
        "smart_axum_sign_ins_total 1",
        "smart_axum_refusals_total{code=\"launch-unknown\"} 1",
        "smart_axum_refusals_total{code=\"web-not-signed-in\"} 1",
        "smart_axum_key_sets{phase=\"fresh\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
    for word in ["evil", "patient", "Smith", "127.0.0.1"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            value.parse::<u64>().is_ok() && name.starts_with("smart_"),
            "{line}"
        );
    }
}

#[cfg(feature = "tracing")]
#[tokio::test]
async fn what_the_libraries_count_is_there_too() {
    use tracing_subscriber::layer::SubscriberExt;

    heard_everywhere();
    let metrics = smart_axum::Metrics::new();
    let subscriber = tracing_subscriber::registry().with(metrics.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::at("https://charts.example", |it| it.with_metrics(metrics)).await;
    let mut browser = world.browser();
    let _ = world.sign_in(&mut browser, "patient-a").await;
    let text = browser.get("/metrics").await.body;
    for line in [
        "smart_discovery_fetches_total{document=\"jwks\"} 1",
        "smart_oidc_accepted_total{what=\"id-token\"} 1",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} in {text}");
    }
}

/// With one subscriber alone `tracing` asks nobody but the thread that comes to an event first, and a
/// test beside this one, which listens to nothing, would turn the event off for all. With two it asks
/// both.
fn heard_everywhere() {
    static SECOND: OnceLock<Dispatch> = OnceLock::new();
    SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
}

/// Everything that was logged.
#[derive(Clone, Default)]
pub(super) struct Ears(Arc<Mutex<Vec<u8>>>);

impl Ears {
    pub(super) fn heard(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Ears {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Ears {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_reference_on_the_page_is_in_the_log_with_the_code() {
    heard_everywhere();
    let ears = Ears::default();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(ears.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-4711").await;
    let answer = browser
        .get("/launch?iss=https%3A%2F%2Fevil.example%0Aforged&launch=handle")
        .await;
    let wrong = browser
        .post(&format!("{page}note"), &[("csrf_token", "guessed-token")])
        .await;
    let log = String::from_utf8(ears.0.lock().unwrap().clone()).unwrap();
    for (answer, code) in [(answer, "launch-not-registered"), (wrong, "csrf-wrong")] {
        let reference = answer.reference();
        let line = log.lines().find(|it| it.contains(&reference)).unwrap();
        assert!(line.contains(&format!("code=\"{code}\"")), "{line}");
    }
    let line = log.lines().find(|it| it.contains("evil.example")).unwrap();
    assert!(line.contains("forged"), "it cannot begin a line: {line}");
    for secret in world
        .wire
        .tokens()
        .into_iter()
        .chain(browser.values().into_values())
    {
        assert!(!log.contains(&secret), "{secret}");
    }
    for word in ["patient-4711", "Smith", "guessed-token"] {
        assert!(!log.contains(word), "{word} in {log}");
    }
}

fn signer(kid: &str) -> AssertionSigner {
    let key = PrivateKey::generate(Algorithm::ES384, provider()).unwrap();
    let key = provider().signing_key(&key, Algorithm::ES384).unwrap();
    AssertionSigner::new(kid, key, provider()).unwrap()
}

// covers: SMART-CAS-2
#[tokio::test]
async fn the_apps_keys_are_served_to_anybody_and_change_while_it_runs() {
    let (first, second) = (signer("first"), signer("second"));
    let keys = ClientKeys::new(PublishedKeys::new([&first]).unwrap());
    let world = World::at("https://charts.example", |it| it.with_keys(keys.clone())).await;
    let path = "/.well-known/jwks.json";
    let answer = world.browser().get(path).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=600");
    assert!(!answer.body.contains("\"d\""));
    let set = JwkSet::parse(answer.body.as_bytes(), provider()).unwrap();
    assert_eq!(set.keys().len(), 1);
    let etag = answer.header("etag").to_owned();
    let again = |etag: String| async {
        let request = Request::get(path).header("if-none-match", etag);
        world
            .browser()
            .send(request.body(Body::empty()).unwrap())
            .await
    };
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let answer = again(known).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::NOT_MODIFIED, "")
        );
        assert_eq!(answer.header("etag"), etag);
        assert_eq!(answer.header("cache-control"), "public, max-age=600");
    }
    keys.publish(PublishedKeys::new([&first, &second]).unwrap());
    let answer = again(etag.clone()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_ne!(answer.header("etag"), etag);
    let set = JwkSet::parse(answer.body.as_bytes(), provider()).unwrap();
    assert_eq!(set.keys().len(), 2);
    let without = World::new().await;
    assert_eq!(
        without.browser().get(path).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_answers_what_has_begun() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::oneshot;

    let zero = Duration::ZERO;
    let world = World::at("https://charts.example", |it| it.with_time_to_leave(zero)).await;
    let (begun, has_begun) = oneshot::channel::<()>();
    let (go, gone) = oneshot::channel::<()>();
    let once = Arc::new(Mutex::new(Some((begun, gone))));
    let slow = axum::routing::get(move || async move {
        let (begun, gone) = once.lock().unwrap().take().unwrap();
        begun.send(()).unwrap();
        gone.await.unwrap();
        "answered"
    });
    let router = axum::Router::new().route("/slow", slow);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = world.app.clone();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        smart_axum::serve(&app, listener, router, stopped).await
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    has_begun.await.unwrap();
    stop.send(()).unwrap();
    // It says so at once, and goes on with what has begun.
    let body = until(&world, StatusCode::SERVICE_UNAVAILABLE).await;
    let stopping = async {
        while until(&world, StatusCode::SERVICE_UNAVAILABLE).await["reason"] != "stopping" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), stopping)
        .await
        .unwrap();
    assert_eq!(body["ready"], false);
    go.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("answered"), "{answer}");
    server.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn of_many_servers_that_do_not_answer_the_one_that_does_is_found() {
    let world = World::new().await;
    // Asked in the order of their addresses, so the one that answers comes last.
    let away: Vec<String> = (0..20)
        .map(|it| format!("http://127.0.0.1:1/fhir-{it:02}"))
        .collect();
    let router = world.sharing("https://charts.example", "a-client", &away);
    let mut browser = crate::browser::Browser::new(router);
    let ready = async {
        while browser.get("/readyz").await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ready)
        .await
        .unwrap();
    let asked = world.wire.urls();
    for base in &away {
        assert!(asked.iter().any(|it| it.starts_with(base)), "{base}");
    }
}

#[test]
fn a_new_key_waits_for_as_long_as_any_set_before_it_may_be_kept() {
    let (first, second) = (signer("first"), signer("second"));
    let set = |secs: u64| {
        let keys = PublishedKeys::new([&first]).unwrap();
        keys.with_max_age(Duration::from_secs(secs)).unwrap()
    };
    let keys = ClientKeys::new(set(86_400));
    // The key is not new yet, and whoever has the first set keeps it for a day.
    assert_eq!(keys.publish(set(300)), Duration::from_secs(86_460));
    let with_both = PublishedKeys::new([&first, &second]).unwrap();
    assert_eq!(with_both.lead(), Duration::from_secs(660));
    assert_eq!(with_both.lead_after(&set(3_600)).as_secs(), 3_660);
    assert_eq!(set(3_600).lead_after(&with_both).as_secs(), 3_660);
    assert_eq!(keys.publish(with_both), Duration::from_secs(86_460));
    let short = ClientKeys::new(set(60));
    assert_eq!(short.publish(set(600)), Duration::from_secs(660));
}
