//! An EHR, an app that is registered with it, and what lies between them.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use smart_axum::web::{ReportsFor, SignInReports};
use smart_axum::{BrowserSession, CsrfForm, Profile, SmartAxum, WebSettings};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp, ReqwestClient,
    TransportError,
};
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_oidc::jose::{Text, UnixTime};
use smart_oidc::{ClientConfig, ClientId, LaunchTag, MemoryStore, RedirectUri};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, LaunchContext, RedirectRule, Sandbox, SandboxUser,
};
use tokio::sync::watch;

use super::provider;
use crate::browser::{Answer, Browser};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// What lies between the app and the EHR.
#[derive(Debug)]
pub(super) struct Wire {
    inner: ReqwestClient,
    is_down: AtomicBool,
    has_no_keys: AtomicBool,
    /// Whether the person unticks `openid`.
    is_unnamed: AtomicBool,
    /// So many reads of a resource are still answered with 401.
    refused_reads: AtomicU32,
    /// Whether revocations come through; they wait until they do.
    has_revocation: watch::Sender<bool>,
    /// The patient whom every refresh brings.
    patient: Mutex<Option<String>>,
    /// Where requests went, and what was answered.
    sent: Mutex<Vec<(String, String)>>,
}

impl Wire {
    pub(super) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Cuts off the keys alone.
    pub(super) fn set_without_keys(&self) {
        self.has_no_keys.store(true, Ordering::Relaxed);
    }

    /// From now on nobody lets the app know who they are.
    pub(super) fn leave_out_openid(&self) {
        self.is_unnamed.store(true, Ordering::Relaxed);
    }

    /// Refuses the token of so many reads of a resource.
    pub(super) fn refuse_reads(&self, count: u32) {
        self.refused_reads.store(count, Ordering::Relaxed);
    }

    /// Holds revocations up, or lets them through.
    pub(super) fn hold_revocations(&self, is_held: bool) {
        self.has_revocation.send_replace(!is_held);
    }

    /// From now on every refresh brings this patient.
    pub(super) fn turn_to(&self, patient: &str) {
        *self.patient.lock().unwrap() = Some(patient.to_owned());
    }

    pub(super) fn urls(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        sent.iter().map(|it| it.0.clone()).collect()
    }

    /// Every token that the EHR has given.
    pub(super) fn tokens(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let mut tokens = Vec::new();
        for body in sent.iter().map(|it| &it.1) {
            let Ok(body) = serde_json::from_str::<Value>(body) else {
                continue;
            };
            for name in ["access_token", "refresh_token", "id_token"] {
                tokens.extend(body[name].as_str().map(str::to_owned));
            }
        }
        tokens
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let url = request.uri().to_string();
        if url.ends_with("/revoke") {
            let mut open = self.has_revocation.subscribe();
            open.wait_for(|it| *it).await.unwrap();
        }
        let is_cut_off = url.ends_with("/jwks") && self.has_no_keys.load(Ordering::Relaxed);
        if is_cut_off || self.is_down.load(Ordering::Relaxed) {
            self.sent.lock().unwrap().push((url, String::new()));
            return Err(TransportError::Connect {
                host: Text::new("ehr"),
                problem: Text::new("the network of the test is down"),
            });
        }
        let refused = || {
            let one_less = |it: u32| it.checked_sub(1);
            self.refused_reads
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
                .is_ok()
        };
        if url.contains("/Practitioner/") && refused() {
            self.sent.lock().unwrap().push((url, String::new()));
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            return Ok(response);
        }
        let form = String::from_utf8_lossy(request.body()).into_owned();
        let mut response = match self.inner.send(request).await {
            Ok(response) => response,
            Err(error) => {
                self.sent.lock().unwrap().push((url, String::new()));
                return Err(error);
            }
        };
        let patient = self.patient.lock().unwrap().clone();
        if let Some(patient) = patient
            && form.contains("grant_type=refresh_token")
        {
            let mut body: Value = serde_json::from_slice(response.body()).unwrap();
            body["patient"] = Value::from(patient);
            *response.body_mut() = Bytes::from(body.to_string());
        }
        if form.contains("grant_type=authorization_code") && self.is_unnamed.load(Ordering::Relaxed)
        {
            let mut body: Value = serde_json::from_slice(response.body()).unwrap();
            let scope = body["scope"].as_str().unwrap().replace("openid", "");
            body["scope"] = Value::from(scope.replace("fhirUser", "").trim());
            body.as_object_mut().unwrap().remove("id_token");
            *response.body_mut() = Bytes::from(body.to_string());
        }
        let body = String::from_utf8_lossy(response.body()).into_owned();
        self.sent.lock().unwrap().push((url, body));
        Ok(response)
    }
}

/// All of it.
pub(super) struct World {
    pub(super) ehr: Sandbox,
    pub(super) clock: Arc<FixedClock>,
    pub(super) wire: Arc<Wire>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) app: SmartAxum,
    pub(super) router: Router,
}

#[derive(Deserialize)]
struct Note {
    text: String,
}

/// Pages of an app: one that reads, two that write, one without a tag, and one for visitors too.
fn pages() -> Router<SmartAxum> {
    async fn home(session: BrowserSession, Profile(user): Profile) -> String {
        let patient = session.launch().context().patient.clone();
        let (name, token) = (user.name.clone().unwrap(), session.csrf_token().to_owned());
        format!(
            "{name}|{}|{token}|{}|{}",
            patient.unwrap_or_default(),
            session.path("note"),
            session.sign_out_token()
        )
    }
    async fn note(CsrfForm { session, form }: CsrfForm<Note>) -> String {
        let patient = session.launch().context().patient.clone();
        format!("{}|{}", patient.unwrap_or_default(), form.text)
    }
    async fn touch(session: BrowserSession) -> String {
        session
            .launch()
            .context()
            .patient
            .clone()
            .unwrap_or_default()
    }
    async fn visitor(session: Option<BrowserSession>) -> String {
        session.map_or_else(|| "nobody".to_owned(), |it| it.tag().as_str().to_owned())
    }
    Router::new()
        .route("/s/{tag}/", get(home))
        .route("/s/{tag}/note", post(note))
        .route("/s/{tag}/touch", post(touch))
        .route("/touch", get(touch).put(touch))
        .route("/", get(visitor))
}

impl World {
    /// An app at its usual address.
    pub(super) async fn new() -> Self {
        Self::at("https://charts.example", |it| it).await
    }

    /// An app at this address, with these settings.
    pub(super) async fn at(url: &str, set: impl FnOnce(WebSettings) -> WebSettings) -> Self {
        let settings = WebSettings::new(url).unwrap().with_name("Growth Chart");
        let settings = set(settings.with_help("Help desk: 4711"));
        Self::with(url, settings, pages(), 1000).await
    }

    /// The same with other pages, and a store of this size.
    pub(super) async fn with(
        url: &str,
        settings: WebSettings,
        pages: Router<SmartAxum>,
        limit: usize,
    ) -> Self {
        Self::of(SandboxUser::default(), url, settings, pages, limit).await
    }

    /// The usual app, for this user.
    pub(super) async fn of_user(user: SandboxUser) -> Self {
        let url = "https://charts.example";
        let settings = WebSettings::new(url).unwrap();
        Self::of(user, url, settings, pages(), 1000).await
    }

    /// The usual app, that asks for these scopes besides.
    pub(super) async fn asking(scopes: &[String]) -> Self {
        let url = "https://charts.example";
        let settings = WebSettings::new(url).unwrap();
        let (user, none) = (SandboxUser::default(), SignInReports::new());
        Self::of_scopes(user, url, settings, pages(), 9, scopes, none).await
    }

    /// The usual app, which tells how each check on an ID token went.
    pub(super) async fn reporting(readers: ReportsFor) -> Self {
        let (url, reports) = ("https://charts.example", SignInReports::new());
        let settings = WebSettings::new(url).unwrap();
        let settings = settings.with_reports(reports.clone(), readers);
        let user = SandboxUser::default();
        Self::of_scopes(user, url, settings, pages(), 9, &[], reports).await
    }

    async fn of(
        user: SandboxUser,
        url: &str,
        settings: WebSettings,
        pages: Router<SmartAxum>,
        limit: usize,
    ) -> Self {
        let none = SignInReports::new();
        Self::of_scopes(user, url, settings, pages, limit, &[], none).await
    }

    async fn of_scopes(
        user: SandboxUser,
        url: &str,
        settings: WebSettings,
        pages: Router<SmartAxum>,
        limit: usize,
        scopes: &[String],
        reports: SignInReports,
    ) -> Self {
        Self::of_flow(user, url, settings, pages, limit, scopes, |it| {
            it.with_witness(Arc::new(reports))
        })
        .await
    }

    /// The usual app, whose flow has other settings.
    pub(super) async fn flowing(set: impl FnOnce(LaunchFlow) -> LaunchFlow) -> Self {
        let url = "https://charts.example";
        let settings = WebSettings::new(url).unwrap();
        Self::of_flow(SandboxUser::default(), url, settings, pages(), 99, &[], set).await
    }

    async fn of_flow(
        user: SandboxUser,
        url: &str,
        settings: WebSettings,
        pages: Router<SmartAxum>,
        limit: usize,
        scopes: &[String],
        set: impl FnOnce(LaunchFlow) -> LaunchFlow,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let callback = format!("{url}/callback");
        let registered = ClientRegistration::new(
            DEFAULT_CLIENT_ID,
            vec![RedirectRule::Exact(callback.clone())],
        );
        let builder = Sandbox::builder(provider()).clock(clock.clone()).user(user);
        let ehr = builder.register_client(registered).start().await.unwrap();
        let wire = Arc::new(Wire {
            inner: ReqwestClient::builder().allow_loopback().build().unwrap(),
            is_down: AtomicBool::new(false),
            has_no_keys: AtomicBool::new(false),
            is_unnamed: AtomicBool::new(false),
            refused_reads: AtomicU32::new(0),
            has_revocation: watch::Sender::new(true),
            patient: Mutex::default(),
            sent: Mutex::default(),
        });
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let client =
            ClientConfig::public(ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(callback));
        let client = ["launch/patient", "offline_access"]
            .into_iter()
            .chain(scopes.iter().map(String::as_str))
            .fold(client, |it, scope| it.with_scope(scope));
        let registered = Registrations::new().with(base, client).unwrap();
        let discovery = Discovery::new(wire.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()).with_limit(limit));
        let flow = LaunchFlow::new(
            registered,
            issuers,
            wire.clone(),
            provider(),
            clock.clone(),
            store.clone(),
        );
        let flow = set(flow);
        let app = SmartAxum::new(settings, flow).unwrap();
        let router = app.mount(pages).merge(app.operations());
        let router = router.with_state(app.clone());
        Self {
            ehr,
            clock,
            wire,
            store,
            app,
            router,
        }
    }

    /// Another app at this address, over the same store and the same wire: registered under this name,
    /// with these FHIR servers besides.
    pub(super) fn sharing(&self, url: &str, client: &str, more: &[String]) -> Router {
        let callback = format!("{url}/callback");
        let client = ClientConfig::public(ClientId::new(client), RedirectUri::new(callback));
        let bases = more.iter().cloned().chain([self.ehr.fhir_base()]);
        let registered = bases.fold(Registrations::new(), |it, base| {
            let base = FhirBaseUrl::parse_with(&base, PlainHttp::LoopbackOnly).unwrap();
            it.with(base, client.clone()).unwrap()
        });
        let discovery = Discovery::new(self.wire.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider(), self.clock.clone());
        let (wire, clock) = (self.wire.clone(), self.clock.clone());
        let store = self.store.clone();
        let flow = LaunchFlow::new(registered, issuers, wire, provider(), clock, store);
        let app = SmartAxum::new(WebSettings::new(url).unwrap(), flow).unwrap();
        let router = app.mount(pages()).merge(app.operations());
        router.with_state(app)
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.router.clone()).with_clock(self.clock.clone())
    }

    /// The path and query of a launch from the EHR, with this patient open.
    pub(super) fn launch_path(&self, patient: &str) -> String {
        let chart = json!({ "resourceType": "Patient", "id": patient });
        self.ehr.add_resource(chart).unwrap();
        let open = LaunchContext::new().patient(patient);
        let launch = self.ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        launch.url("/launch")
    }

    /// Follows a redirect to the EHR, and gives the path and query of the callback.
    pub(super) async fn authorize(&self, url: &str) -> String {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let response = self.wire.inner.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let prefix = self.app.url().join("");
        location.strip_prefix(&prefix).unwrap().to_owned()
    }

    /// A launch as far as its callback.
    pub(super) async fn callback_path(&self, browser: &mut Browser, patient: &str) -> String {
        let answer = browser.get(&self.launch_path(patient)).await;
        self.authorize(answer.location()).await
    }

    /// A whole sign-in; gives the address of the first page, behind the prefix.
    pub(super) async fn sign_in(&self, browser: &mut Browser, patient: &str) -> String {
        let callback = self.callback_path(browser, patient).await;
        let answer = browser.get(&callback).await;
        let page = answer.location();
        let page = page.strip_prefix(self.app.url().prefix()).unwrap();
        assert!(page.starts_with("/s/") && page.ends_with('/'), "{page}");
        page.to_owned()
    }
}

/// The tag in the address of a page.
pub(super) fn tag_of(page: &str) -> LaunchTag {
    let tag = page.strip_prefix("/s/").unwrap();
    LaunchTag::parse(tag.split('/').next().unwrap()).unwrap()
}

/// Name, patient, token, a path and the token of the sign-out, as the first page says them.
pub(super) fn told(answer: &Answer) -> [String; 5] {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let mut parts = answer.body.split('|').map(str::to_owned);
    [(); 5].map(|()| parts.next().unwrap())
}
