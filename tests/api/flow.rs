//! The whole way of an app over a store: launches that begin and finish, and what is left behind
//! where they do not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp, ReqwestClient,
};
use smart_oidc::flow::{EhrLaunch, FlowError, LaunchFlow, Registrations};
use smart_oidc::jose::UnixTime;
use smart_oidc::{
    BrowserBinding, ClientConfig, ClientId, LAUNCH_LIFE, MemoryStore, RedirectUri, SessionId,
};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox};
use smart_tests::ehr_world::{COMBINATIONS, World as EhrWorld};

use super::provider;
use crate::fake_http::Recorder;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const REDIRECT_URI: &str = "http://127.0.0.1:8765/callback";

/// An EHR, an app that is registered with it, and the app's store.
pub(super) struct World {
    pub(super) ehr: Sandbox,
    pub(super) base: FhirBaseUrl,
    pub(super) clock: Arc<FixedClock>,
    pub(super) http: Arc<Recorder>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) flow: LaunchFlow,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_limit(1000).await
    }

    /// With a store that takes so many sessions.
    pub(super) async fn with_limit(limit: usize) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let ehr = builder.start().await.unwrap();
        let client = ReqwestClient::builder().allow_loopback().build().unwrap();
        let http = Recorder::new(Arc::new(client));
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let client = ClientConfig::public(
            ClientId::new(DEFAULT_CLIENT_ID),
            RedirectUri::new(REDIRECT_URI),
        );
        let client = client
            .with_scope("launch/patient")
            .with_scope("offline_access");
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(http.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()).with_limit(limit));
        let flow = LaunchFlow::new(
            registered,
            issuers,
            http.clone(),
            provider(),
            clock.clone(),
            store.clone(),
        );
        Self {
            ehr,
            base,
            clock,
            http,
            store,
            flow,
        }
    }

    /// Begins a launch and brings its genuine callback.
    pub(super) async fn callback(&self) -> (String, BrowserBinding) {
        let (request, binding) = self.flow.begin_standalone(&self.base).await.unwrap();
        (self.browse(&request.url()).await, binding)
    }

    /// Plays the browser: follows the authorization URL back to the app.
    pub(super) async fn browse(&self, url: &str) -> String {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let response = self.http.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(REDIRECT_URI).unwrap();
        query.strip_prefix('?').unwrap().to_owned()
    }

    async fn refused(&self, query: &str, binding: &BrowserBinding) -> &'static str {
        self.flow.complete(query, binding).await.unwrap_err().code()
    }
}

fn binding() -> BrowserBinding {
    BrowserBinding::generate(provider()).unwrap()
}

// covers: SMART-AUT-21, SBCP-3, SBCP-11
#[tokio::test]
async fn a_launch_ends_in_a_session_that_one_browser_has() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    let token = signed_in.id_token.unwrap();
    assert_eq!(signed_in.session.user_key().unwrap(), token.user_key());
    let session = world.flow.session(&signed_in.id).await.unwrap();
    assert_eq!(session.user_key().unwrap(), token.user_key());
    assert_eq!(session.name(), token.name());
    assert_eq!(session.fhir_base().as_str(), world.ehr.fhir_base());
    assert!(session.context().patient.is_some());
    assert!(session.scopes().has("openid"));
    let user = session.fhir_user(&smart_oidc::FhirUserPolicy::new(world.base.clone()));
    assert_eq!(user.unwrap(), token.fhir_user(&world.base).unwrap());
    let access = session.access_token().expose_secret();
    assert_eq!(access, signed_in.session.access_token().expose_secret());

    let nobody = SessionId::generate(provider()).unwrap();
    let error = world.flow.session(&nobody).await.unwrap_err();
    assert!(error.needs_launch() && error.code() == "session-lost");
    let signed_out = world.flow.sign_out(&signed_in.id).await.unwrap();
    assert!(signed_out.had_session && signed_out.not_asked.is_none());
    assert!(signed_out.not_revoked.is_empty());
    let again = world.flow.sign_out(&signed_in.id).await.unwrap();
    assert!(!again.had_session);
    let error = world.flow.session(&signed_in.id).await.unwrap_err();
    assert_eq!(error.code(), "session-lost");
    assert!(world.store.is_empty());
}

// covers: SBCP-3
#[tokio::test]
async fn a_callback_in_another_browser_finds_nothing_and_uses_nothing_up() {
    let world = World::new().await;
    // An attacker's own callback, brought by the browser of the victim, and the other way round.
    let (query, of_attacker) = world.callback().await;
    let (other_query, of_victim) = world.callback().await;
    let requests = world.http.sent().len();
    assert_eq!(world.refused(&query, &of_victim).await, "launch-unknown");
    assert_eq!(
        world.refused(&other_query, &of_attacker).await,
        "launch-unknown"
    );
    assert_eq!(world.refused(&query, &binding()).await, "launch-unknown");
    assert_eq!(world.http.sent().len(), requests, "nothing was sent");
    assert_eq!(world.store.len(), 2);
    // Both are as good as before.
    assert!(world.flow.complete(&query, &of_attacker).await.is_ok());
    assert!(world.flow.complete(&other_query, &of_victim).await.is_ok());
}

// covers: SBCP-11
#[tokio::test]
async fn a_callback_counts_once() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    let both = tokio::join!(
        world.flow.complete(&query, &binding),
        world.flow.complete(&query, &binding)
    );
    let outcomes = [both.0, both.1].map(|it| it.map_err(|error| error.code()).map(drop));
    assert!(outcomes.contains(&Ok(())), "{outcomes:?}");
    assert!(outcomes.contains(&Err("launch-unknown")), "{outcomes:?}");
    assert_eq!(world.refused(&query, &binding).await, "launch-unknown");
}

// covers: SMART-LCH-7
#[tokio::test]
async fn nothing_is_sent_to_a_server_that_nobody_registered() {
    let world = World::new().await;
    for iss in [
        "https://169.254.169.254/",
        "https://evil.example/fhir",
        &format!("{}x", world.base.as_str()),
        &world.ehr.base_url(),
    ] {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", iss)
            .append_pair("launch", "x")
            .finish();
        let launch = EhrLaunch::parse(&query).unwrap();
        let error = world.flow.begin_from_ehr(launch).await.unwrap_err();
        assert_eq!(error.code(), "launch-not-registered", "{iss}");
    }
    let elsewhere = FhirBaseUrl::parse("https://evil.example/fhir").unwrap();
    let error = world.flow.begin_standalone(&elsewhere).await.unwrap_err();
    assert!(matches!(error, FlowError::NotRegistered { .. }));
    assert_eq!(world.http.sent().len(), 0);
    assert!(world.store.is_empty());
}

// covers: SMART-LCH-2, SMART-LCH-3, SMART-LCH-5
#[tokio::test]
async fn an_ehr_launch_sends_back_what_the_ehr_sent() {
    let world = World::new().await;
    for slash in ["", "/"] {
        let iss = format!("{}{slash}", world.base.as_str());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &iss)
            .append_pair("launch", "a+b/%3D")
            .finish();
        let launch = EhrLaunch::parse(&query).unwrap();
        let (request, _) = world.flow.begin_from_ehr(launch).await.unwrap();
        let fields = request.fields();
        let field = |name: &str| {
            let found: Vec<_> = fields.iter().filter(|it| it.0 == name).collect();
            assert_eq!(found.len(), 1, "{name}");
            found[0].1.clone()
        };
        assert_eq!(field("aud"), iss);
        assert_eq!(field("launch"), "a+b/%3D");
        assert!(field("scope").split(' ').any(|it| it == "launch"));
    }
}

// covers: SMART-AUT-1, SMART-AUT-5, SMART-AUT-18, PKCE-4, PKCE-7, SBCP-7, SBCP-13, SBCP-18
#[tokio::test]
async fn a_request_says_what_it_must_and_nothing_that_was_not_asked_for() {
    let world = World::new().await;
    let mut made = BTreeSet::new();
    for _ in 0..50 {
        let (request, _) = world.flow.begin_standalone(&world.base).await.unwrap();
        let announced = format!("{}/authorize", world.ehr.issuer());
        assert_eq!(request.endpoint().as_str(), announced);
        let fields = request.fields();
        let names: BTreeSet<_> = fields.iter().map(|it| it.0.as_str()).collect();
        let expected = "aud client_id code_challenge code_challenge_method nonce redirect_uri \
                        response_type scope state";
        assert_eq!(names, expected.split(' ').collect());
        assert_eq!(fields.len(), names.len());
        let field = |name: &str| &fields.iter().find(|it| it.0 == name).unwrap().1;
        assert_eq!(field("response_type"), "code");
        assert_eq!(field("code_challenge_method"), "S256");
        // Made at random for this launch, of 256 bits, and nothing is inside.
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(field(name).len(), 43, "{name}");
            assert!(made.insert(field(name).clone()), "{name} was there before");
        }
    }
}

// covers: SMART-AUT-14
#[tokio::test]
async fn a_form_does_what_the_url_does() {
    let world = World::new().await;
    let (request, binding) = world.flow.begin_standalone(&world.base).await.unwrap();
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(request.fields())
        .finish();
    let posted = Request::post(request.endpoint().as_str())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form));
    let response = world.http.send(posted.unwrap()).await.unwrap();
    let location = response.headers()["location"].to_str().unwrap();
    let query = location.strip_prefix(REDIRECT_URI).unwrap();
    let query = query.strip_prefix('?').unwrap();
    assert!(world.flow.complete(query, &binding).await.is_ok());
}

// covers: SMART-AUT-22, ISSP-3, ISSP-4, OAUTH-3, PKCE-6
#[tokio::test]
async fn each_bad_callback_has_its_own_error_and_leaves_nothing_behind() {
    let world = World::new().await;
    let issuer = world.ehr.issuer();
    for (spoil, code) in [
        ("error=access_denied", "callback-denied"),
        ("error=access_denied&code=x", "callback-denied"),
        ("", "callback-missing"),
        ("code=", "callback-missing"),
        ("code=x&iss=https%3A%2F%2Fother.example", "callback-issuer"),
        ("error=x&iss=https%3A%2F%2Fother.example", "callback-issuer"),
        ("code=made-up", "token-refused"),
    ] {
        let (query, binding) = world.callback().await;
        let state = query
            .split('&')
            .find(|it| it.starts_with("state="))
            .unwrap();
        let iss = match spoil.contains("iss=") {
            true => String::new(),
            false => format!("&iss={}", issuer.replace(':', "%3A").replace('/', "%2F")),
        };
        let spoiled = format!("{spoil}&{state}{iss}");
        let requests = world.http.sent().len();
        assert_eq!(world.refused(&spoiled, &binding).await, code, "{spoiled}");
        // Only a code is ever sent, once; nothing is tried in a weaker way.
        let sent = world.http.sent().len() - requests;
        assert_eq!(sent, usize::from(code == "token-refused"), "{spoiled}");
        // The launch is used up.
        assert_eq!(
            world.refused(&query, &binding).await,
            "launch-unknown",
            "{spoiled}"
        );
        assert!(world.store.is_empty());
    }
    // Without one state no launch can be named, so none is used up.
    let (query, binding) = world.callback().await;
    for (query, code) in [
        (String::new(), "callback-missing"),
        ("state=&code=x".to_owned(), "callback-missing"),
        (format!("{query}&state=x"), "callback-duplicate"),
        (format!("{query}&code=x"), "callback-duplicate"),
        ("state=made-up&code=x".to_owned(), "launch-unknown"),
    ] {
        assert_eq!(world.refused(&query, &binding).await, code, "{query}");
    }
    assert!(world.flow.complete(&query, &binding).await.is_ok());
}

#[tokio::test]
async fn a_launch_that_took_too_long_is_gone() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    world.clock.advance(LAUNCH_LIFE);
    assert_eq!(world.refused(&query, &binding).await, "launch-unknown");
    let (query, binding) = world.callback().await;
    world.clock.advance(LAUNCH_LIFE - Duration::from_secs(1));
    // The code of the sandbox lives shorter than that.
    assert_eq!(world.refused(&query, &binding).await, "token-refused");
    assert!(world.store.is_empty());
}

// covers: SMART-TOK-16
#[tokio::test]
async fn nothing_that_is_shown_holds_a_secret() {
    let world = World::new().await;
    let (request, binding) = world.flow.begin_standalone(&world.base).await.unwrap();
    let query = world.browse(&request.url()).await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    let session = &signed_in.session;
    let shown = format!(
        "{request:?} {binding:?} {signed_in:?} {session:?} {:?} {:?}",
        world.flow, world.store
    );
    let mut secrets: Vec<String> = request.fields().into_iter().map(|it| it.1).collect();
    secrets.retain(|it| it.len() == 43);
    assert_eq!(secrets.len(), 3, "state, nonce and challenge");
    secrets.extend([
        binding.expose_secret().to_owned(),
        signed_in.id.expose_secret().to_owned(),
        session.access_token().expose_secret().to_owned(),
        session.user_key().unwrap().subject,
        format!("{:?}", session.context().patient.as_ref().unwrap()),
    ]);
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
    assert_eq!(world.clock.now(), NOW);
}

#[tokio::test]
async fn every_kind_of_app_lives_a_day() {
    for (launcher, kind) in COMBINATIONS {
        let world = EhrWorld::new(launcher, kind, provider()).await;
        let store = Arc::new(MemoryStore::new(world.clock.clone()));
        world.live_a_day(store.clone()).await;
        assert!(store.is_empty(), "{launcher:?} {kind:?}");
    }
}
