//! A browser as far as a test needs one: it keeps cookies, and reads pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use smart_oidc::discovery::{Clock, FixedClock};
use tower::ServiceExt;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut all = self.headers.get_all(name).iter();
        let value = all.next().map_or("", |it| it.to_str().unwrap());
        assert!(all.next().is_none(), "{name} occurs twice");
        value
    }

    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.header(LOCATION.as_str())
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let all = self.headers.get_all(SET_COOKIE).iter();
        all.map(|it| it.to_str().unwrap().to_owned()).collect()
    }

    /// The value of a hidden field. Values of ours need no escapes.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// The reference that the page shows.
    pub(crate) fn reference(&self) -> String {
        let (_, rest) = self.body.split_once("Reference: <code>").unwrap();
        rest.split('<').next().unwrap().to_owned()
    }
}

/// A browser at one app.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) cookies: Vec<(String, String)>,
    /// When those end that do not last until it is closed.
    ends: BTreeMap<String, Duration>,
    clock: Option<Arc<FixedClock>>,
    router: Router,
}

impl Browser {
    pub(crate) fn new(router: Router) -> Self {
        Self {
            cookies: Vec::new(),
            ends: BTreeMap::new(),
            clock: None,
            router,
        }
    }

    /// One that drops cookies when their time is over.
    pub(crate) fn with_clock(mut self, clock: Arc<FixedClock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// All its windows are closed, and it is opened again.
    pub(crate) fn reopened(mut self) -> Self {
        self.cookies.retain(|it| self.ends.contains_key(&it.0));
        self
    }

    fn now(&self) -> Duration {
        self.clock
            .as_ref()
            .map_or(Duration::ZERO, |it| it.monotonic())
    }

    /// A request that nothing is added to but the cookies.
    pub(crate) async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let now = self.now();
        let ends = &self.ends;
        self.cookies
            .retain(|it| ends.get(&it.0).is_none_or(|end| now < *end));
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        if !cookies.is_empty() {
            let cookies = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, cookies);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        for cookie in answer.set_cookies() {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|it| it.0 != name);
            self.ends.remove(name);
            let mut attributes = attributes.split("; ");
            let age = attributes.find_map(|it| it.strip_prefix("Max-Age="));
            let age: Option<u64> = age.map(|it| it.parse().unwrap());
            if age != Some(0) {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
            if let Some(age) = age {
                self.ends
                    .insert(name.to_owned(), now + Duration::from_secs(age));
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// Posts a form as a page of the app does.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")])
            .await
    }

    /// Posts a form with these headers.
    pub(crate) async fn post_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut request =
            Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    /// The names of the cookies that it holds.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.cookies.iter().map(|it| it.0.as_str()).collect()
    }

    /// The values, by name.
    pub(crate) fn values(&self) -> BTreeMap<String, String> {
        self.cookies.iter().cloned().collect()
    }
}
