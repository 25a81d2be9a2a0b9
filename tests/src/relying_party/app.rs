//! An app and the EHR at which it signs in, with an eye on what goes between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Clock as _, Discovery, FhirBaseUrl, FixedClock, IssuerRegistry, PlainHttp,
};
use smart_oidc::flow::{LaunchFlow, Registrations, SignedIn};
use smart_oidc::jose::{Algorithms, CryptoProvider, JwkSet, UnixTime, base64url};
use smart_oidc::session::LaunchSession;
use smart_oidc::userinfo::{UserInfo, UserInfoClient};
use smart_oidc::{
    ClientAuthentication, ClientConfig, ClientId, ClientSecret, IdTokenVerifier, MemoryStore,
    RedirectUri,
};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, RedirectRule, Sandbox, SandboxBuilder, Times,
};

use super::moved::{Map, Moved};
pub(super) use crate::named::{Handled, check};
use crate::wire::Wire;

const CALLBACK: &str = "http://127.0.0.1:8765/callback";
const SECRET: &str = "a secret of the app";

/// Without an end, but counted.
const OFTEN: Times = Times::So(u32::MAX);

pub(super) struct App {
    pub(super) ehr: Sandbox,
    clock: Arc<FixedClock>,
    base: FhirBaseUrl,
    wire: Arc<Wire>,
    http: Arc<Map>,
    flow: LaunchFlow,
    has_sent_user_off: AtomicBool,
    provider: &'static CryptoProvider,
}

impl App {
    /// A public app, that asks for these scopes besides.
    pub(super) async fn new(
        provider: &'static CryptoProvider,
        set: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
        scopes: &[&str],
    ) -> Self {
        Self::of(provider, set, scopes, ClientAuthentication::Public, None).await
    }

    /// A public app, and an EHR that has this endpoint at a path that is new each time. What is sent to
    /// the new path counts as sent to the old one, and what is sent to the old one goes nowhere.
    pub(super) async fn with_moved(
        provider: &'static CryptoProvider,
        member: &'static str,
        path: &'static str,
    ) -> Self {
        let moved = Moved::to_random(member, path, provider);
        let public = ClientAuthentication::Public;
        Self::of(provider, |it| it, &[], public, Some(moved)).await
    }

    /// An app that authenticates in the header.
    pub(super) async fn with_secret(provider: &'static CryptoProvider) -> Self {
        let rules = vec![RedirectRule::Exact(CALLBACK.to_owned())];
        let registered = ClientRegistration::new(DEFAULT_CLIENT_ID, rules);
        let registered = registered.with_secret_basic(SECRET);
        let secret = ClientAuthentication::ClientSecretBasic(ClientSecret::new(SECRET));
        let set = |it: SandboxBuilder| it.register_client(registered);
        Self::of(provider, set, &[], secret, None).await
    }

    /// For the builder of a sandbox: it plays these faults.
    pub(super) fn playing<const N: usize>(
        faults: [&str; N],
    ) -> impl FnOnce(SandboxBuilder) -> SandboxBuilder {
        let faults = faults.map(|it| Fault::named(it).unwrap());
        move |it| faults.iter().fold(it, |it, fault| it.fault(fault, OFTEN))
    }

    async fn of(
        provider: &'static CryptoProvider,
        set: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
        scopes: &[&str],
        authentication: ClientAuthentication,
        moved: Option<Moved>,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let builder = set(Sandbox::builder(provider).clock(clock.clone()));
        let ehr = builder.start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let wire = Wire::new();
        let http = Arc::new(Map::new(wire.clone(), moved));
        let (id, callback) = (ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(CALLBACK));
        let client = ClientConfig::confidential(id, callback, authentication);
        let client = client.with_scope("launch/patient");
        let client = scopes
            .iter()
            .fold(client, |it, scope| it.with_scope(*scope));
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(http.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let app = http.clone();
        let flow = LaunchFlow::new(registered, issuers, app, provider, clock.clone(), store);
        Self {
            ehr,
            clock,
            base,
            wire,
            http,
            flow,
            has_sent_user_off: AtomicBool::new(false),
            provider,
        }
    }

    /// A public app refuses the ID token that has this fault, with this code.
    pub(super) async fn refuses(
        provider: &'static CryptoProvider,
        fault: &str,
        code: &str,
    ) -> Handled {
        let app = Self::new(provider, Self::playing([fault]), &[]).await;
        app.is_refused(code).await
    }

    /// The app redeems its code and ends with this code of an error. What counts is what the suite
    /// sees of an app: whether it goes on to UserInfo.
    pub(super) async fn is_refused(&self, code: &str) -> Handled {
        let lived = self.live().await;
        check(
            self.sent_to("/oidc/userinfo").is_empty(),
            "UserInfo was asked",
        )?;
        let code_was_redeemed = self.sent_to("/oidc/token").len() == 1;
        check(code_was_redeemed, "not one request to the token endpoint")?;
        let found = lived.err().ok_or("accepted")?;
        check(found == code, format!("refused with {found}, not {code}"))?;
        self.was_played()
    }

    /// An app that takes no offence at the faults, which were there, and goes on to UserInfo.
    pub(super) async fn is_accepted(&self) -> Handled {
        self.live().await?;
        self.was_played()
    }

    /// Each fault was met.
    pub(super) fn was_played(&self) -> Handled {
        let playing = self.ehr.playing();
        let was_played = !playing.is_empty() && playing.iter().all(|it| it.1 != OFTEN);
        check(was_played, "a fault was not played")
    }

    /// What an app does in the suite: it signs the user in and, unless that fails, asks UserInfo.
    pub(super) async fn live(&self) -> Result<(SignedIn, UserInfo), String> {
        let signed_in = self.sign_in().await?;
        let told = self.userinfo(&signed_in).await?;
        Ok((signed_in, told))
    }

    /// A whole sign-in, or the code of the error with which it ends.
    pub(super) async fn sign_in(&self) -> Result<SignedIn, String> {
        let begun = self.flow.begin_standalone(&self.base).await;
        let (request, binding) = begun.map_err(|error| error.code().to_owned())?;
        self.has_sent_user_off.store(true, Ordering::Relaxed);
        // The browser's, which is not the app's.
        let response = self.wire.aside(&request.url()).await;
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(CALLBACK).unwrap();
        let query = query.strip_prefix('?').unwrap();
        let signed_in = self.flow.complete(query, &binding).await;
        signed_in.map_err(|error| error.code().to_owned())
    }

    /// What UserInfo says of the user.
    pub(super) async fn userinfo(&self, signed_in: &SignedIn) -> Result<UserInfo, String> {
        let discovery = Discovery::new(self.http.clone()).allow_loopback_http();
        let trusted = discovery.trace(&self.base).await.outcome;
        let trusted = trusted.map_err(|error| error.to_string())?;
        let verifier = IdTokenVerifier::with_static_keys(
            trusted.issuer(),
            ClientId::new(DEFAULT_CLIENT_ID),
            Algorithms::ID_TOKEN,
            self.keys().await,
            self.provider,
        );
        let client = UserInfoClient::new(self.http.clone(), &trusted, verifier);
        let client = client.map_err(|error| error.code().to_owned())?;
        let id_token = signed_in.id_token.as_ref().ok_or("no ID token")?;
        let access_token = signed_in.session.access_token();
        let told = client.fetch(id_token, access_token, self.clock.now()).await;
        told.map_err(|error| error.code().to_owned())
    }

    /// The same app when its access token is over: it refreshes its session and, unless that fails,
    /// asks UserInfo with the new token.
    pub(super) async fn live_on(&self, signed_in: &mut SignedIn) -> Result<UserInfo, String> {
        signed_in.session = self.refresh(signed_in).await?;
        self.userinfo(signed_in).await
    }

    async fn refresh(&self, signed_in: &SignedIn) -> Result<LaunchSession, String> {
        self.clock.advance(Duration::from_secs(3600));
        let session = self.flow.session(&signed_in.id).await;
        session.map_err(|error| error.code().to_owned())
    }

    /// An app whose refresh has this fault ends with this code, and uses no token of the answer.
    pub(super) async fn refuses_refresh(
        provider: &'static CryptoProvider,
        fault: &str,
        code: &str,
    ) -> Handled {
        let app = Self::new(provider, Self::playing([fault]), &["offline_access"]).await;
        let (mut signed_in, _) = app.live().await?;
        let before = app.sent_to("/oidc/userinfo").len();
        let lived = app.live_on(&mut signed_in).await;
        let after = app.sent_to("/oidc/userinfo").len();
        check(after == before, "UserInfo was asked with the new token")?;
        let found = lived.err().ok_or("accepted")?;
        check(found == code, format!("refused with {found}, not {code}"))?;
        app.was_played()
    }

    /// Whether the user's browser was sent to the EHR.
    pub(super) fn has_sent_user_off(&self) -> bool {
        self.has_sent_user_off.load(Ordering::Relaxed)
    }

    /// The algorithm that the header of each ID token names.
    pub(super) fn algorithms(&self) -> Vec<String> {
        let sent = self.wire.sent();
        sent.iter().filter_map(|it| algorithm(&it.answer)).collect()
    }

    /// The keys that the EHR publishes, as our own client reads them.
    async fn keys(&self) -> JwkSet {
        let set = json!({ "keys": self.published_keys().await }).to_string();
        JwkSet::parse(set.as_bytes(), self.provider).unwrap()
    }

    /// The published keys.
    pub(super) async fn published_keys(&self) -> Vec<Value> {
        let url = format!("{}/jwks", self.ehr.issuer());
        let response = self.wire.aside(&url).await;
        let set: Value = serde_json::from_slice(response.body()).unwrap();
        set["keys"].as_array().unwrap().clone()
    }

    /// The header `Authorization` and the body of each request of the app to this path.
    pub(super) fn sent_to(&self, path: &str) -> Vec<(String, String)> {
        let url = format!("{}{path}", self.ehr.base_url());
        let sent = self.wire.sent().into_iter().filter(|it| it.url == url);
        sent.map(|it| (it.authorization(), it.body)).collect()
    }
}

/// What the header of the answer's ID token says; nothing of what is no answer with one.
fn algorithm(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let (header, _) = answer["id_token"].as_str()?.split_once('.')?;
    let header: Value = serde_json::from_slice(&base64url::decode(header).ok()?).ok()?;
    header["alg"].as_str().map(str::to_owned)
}
