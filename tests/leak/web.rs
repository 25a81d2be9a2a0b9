//! The same sign-in as a browser makes it at an app in axum: its routes, its pages, its log.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use smart_axum::web::{ReportsFor, SignInReports};
use smart_axum::{BrowserSession, Profile, SmartAxum, WebSettings};
use smart_oidc::MemoryStore;
use smart_oidc::discovery::IssuerRegistry;
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_sandbox::{Fault, Times};
use tower::ServiceExt;

use super::*;

/// Where browsers find the app.
const URL: &str = "http://127.0.0.1:8765";

/// What a handler has, as it would log it, and the access token apart.
async fn page(session: BrowserSession, profile: Profile) -> String {
    let token = session.launch().access_token().expose_secret();
    format!("{session:?} {profile:?}\n{token}")
}

fn app(world: &World, provider: &CryptoProvider, ledger: &mut Ledger) -> Router {
    let base = world.trusted.fhir_base().as_str();
    let base = FhirBaseUrl::parse_with(base, PlainHttp::LoopbackOnly).unwrap();
    let registered = Registrations::new()
        .with(base, world.client.clone())
        .unwrap();
    let clock = Arc::new(FixedClock::at(NOW));
    let discovery = Discovery::new(world.http.clone()).allow_loopback_http();
    let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let http = world.http.clone();
    let reports = SignInReports::new();
    let flow = LaunchFlow::new(registered, issuers, http, provider, clock, store);
    let flow = flow.with_witness(Arc::new(reports.clone()));
    let settings = WebSettings::new(URL).unwrap().with_standalone_launch();
    let settings = settings.with_reports(reports.clone(), ReportsFor::Everybody);
    ledger.debug(&settings);
    ledger.debug(&reports);
    let app = SmartAxum::new(settings, flow).unwrap();
    ledger.debug(&app);
    let pages = Router::new().route("/s/{tag}/", get(page));
    app.mount(pages).merge(app.operations()).with_state(app)
}

/// A browser at the app.
struct Browser<'l> {
    router: Router,
    cookies: BTreeMap<String, String>,
    ledger: &'l mut Ledger,
}

impl Browser<'_> {
    async fn send(&mut self, path: &str, form: Option<String>) -> (StatusCode, HeaderMap, String) {
        let cookies = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let method = if form.is_some() { "POST" } else { "GET" };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, cookies)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.unwrap_or_default()));
        let answer = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if !value.is_empty() {
                self.ledger.secret("the value of a cookie", value);
            }
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (
            parts.status,
            parts.headers,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    /// Goes as far as the callback, and gives its path.
    async fn launch(&mut self, world: &World) -> String {
        let (_, headers, _) = self.send("/launch", None).await;
        let url = headers[LOCATION].to_str().unwrap();
        let sent = parameters(url.split_once('?').unwrap().1.as_bytes());
        self.ledger.secret("the state", &sent["state"]);
        self.ledger.secret("the nonce", &sent["nonce"]);
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let answer = world.http.send(request).await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        let query = location.split_once('?').unwrap().1;
        self.ledger
            .secret("the code", &parameters(query.as_bytes())["code"]);
        location.strip_prefix(URL).unwrap().to_owned()
    }
}

/// One that succeeds and is ended, and one whose ID token is refused and explained.
pub(super) async fn sign_in(provider: &CryptoProvider, ledger: &mut Ledger) {
    let world = World::new(provider).await;
    let router = app(&world, provider, ledger);
    let cookies = BTreeMap::new();
    let mut browser = Browser {
        router,
        cookies,
        ledger,
    };
    let callback = browser.launch(&world).await;
    let (status, headers, _) = browser.send(&callback, None).await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let page = headers[LOCATION].to_str().unwrap().to_owned();
    let (_, _, shown) = browser.send(&page, None).await;
    let (shown, token) = shown.split_once('\n').unwrap();
    browser.ledger.secret("the access token", token);
    browser.ledger.shown.push(shown.to_owned());

    let fault = Fault::named("wrong-audience").unwrap();
    world.ehr.play(fault, Times::UntilTakenBack).unwrap();
    let callback = browser.launch(&world).await;
    let (status, _, refused) = browser.send(&callback, None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(refused.contains("What was checked"), "{refused}");
    browser.ledger.shown.push(refused);

    let (_, _, leaving) = browser.send("/logout", None).await;
    let field = |name: &str| {
        let (_, rest) = leaving
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let (tag, token) = (field("tag"), field("csrf_token"));
    browser.ledger.secret("the CSRF token", &token);
    let forged = format!("tag={tag}&csrf_token={token}x");
    let (status, _, refused) = browser.send("/logout", Some(forged)).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    browser.ledger.shown.push(refused);
    let form = format!("tag={tag}&csrf_token={token}");
    let (_, _, left) = browser.send("/logout", Some(form)).await;
    assert!(left.contains("You are signed out"), "{left}");
    browser.ledger.shown.push(left);
    for path in ["/metrics", "/readyz", page.as_str()] {
        let (_, _, body) = browser.send(path, None).await;
        browser.ledger.shown.push(body);
    }
}
