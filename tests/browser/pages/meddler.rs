//! Stands between the browser and the app and changes what the app answers, so that a test can show
//! that without one header the browser would do what must not be.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request as Asked, header};
use smart_oidc::discovery::{HttpClient as _, ReqwestClient};
use smart_sandbox::Sandbox;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::served::Served;

/// What is changed of an answer's headers.
pub(crate) type Change = fn(&mut HeaderMap);

/// It serves until it is dropped, and so does the app behind it.
pub(crate) struct Meddler {
    app: Served,
    task: JoinHandle<()>,
}

struct Between {
    http: ReqwestClient,
    /// The port of the app, once it is known.
    behind: OnceLock<u16>,
    change: Change,
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Meddler {
    /// Before `smart serve`, which has this EHR.
    pub(crate) async fn before(ehr: &Sandbox, change: Change) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let between = Arc::new(Between {
            http: patient_client(),
            behind: OnceLock::new(),
            change,
        });
        let router = Router::new().fallback(pass_on).with_state(between.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let (app, port) = Served::behind(ehr, &url);
        between.behind.set(port).unwrap();
        Self { app, task }
    }

    /// The app, as browsers find it.
    pub(crate) const fn app(&self) -> &Served {
        &self.app
    }
}

async fn pass_on(State(between): State<Arc<Between>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 16).await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |it| it.as_str());
    let mut asked = Asked::new(body);
    *asked.method_mut() = parts.method;
    *asked.uri_mut() = format!("http://127.0.0.1:{}{path}", between.behind.get().unwrap())
        .parse()
        .unwrap();
    *asked.headers_mut() = parts.headers;
    asked.headers_mut().remove(HOST);
    let answer = between.http.send(asked).await.unwrap();
    let mut answer = answer.map(|it: Bytes| Body::from(it));
    answer.headers_mut().remove(TRANSFER_ENCODING);
    (between.change)(answer.headers_mut());
    answer
}

/// Cookies as many apps write them: they are not sent where a page is in the frame of another site.
pub(crate) fn lax_cookies(headers: &mut HeaderMap) {
    rewrite_cookies(
        headers,
        &[("SameSite=None", "SameSite=Lax"), ("; Partitioned", "")],
    );
}

/// Cookies that one site could read in the frames of all others: browsers keep such out.
pub(crate) fn shared_cookies(headers: &mut HeaderMap) {
    rewrite_cookies(headers, &[("; Partitioned", "")]);
}

fn rewrite_cookies(headers: &mut HeaderMap, changes: &[(&str, &str)]) {
    let cookies: Vec<String> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|it| it.to_str().unwrap().to_owned())
        .collect();
    headers.remove(header::SET_COOKIE);
    for mut cookie in cookies {
        for (from, to) in changes {
            assert!(cookie.contains(from), "{cookie}");
            cookie = cookie.replace(from, to);
        }
        let cookie = HeaderValue::from_str(&cookie).unwrap();
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Whoever likes may frame the pages.
pub(crate) fn no_frame_rules(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_SECURITY_POLICY);
    headers.remove(header::X_FRAME_OPTIONS);
}

/// Pages that browsers may keep.
pub(crate) fn kept_pages(headers: &mut HeaderMap) {
    let kept = HeaderValue::from_static("private, max-age=600");
    headers.insert(header::CACHE_CONTROL, kept);
}

/// Nothing.
pub(crate) const fn nothing(_: &mut HeaderMap) {}

/// Machines that run tests are slow at times, and what is late here is no finding.
fn patient_client() -> ReqwestClient {
    let builder = ReqwestClient::builder().allow_loopback();
    builder
        .total_timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}
