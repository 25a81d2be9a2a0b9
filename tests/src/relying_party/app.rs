//! An app and the EHR at which it signs in, with an eye on what goes between them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Clock as _, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp,
    ReqwestClient, TransportError,
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

const CALLBACK: &str = "http://127.0.0.1:8765/callback";
const SECRET: &str = "a secret of the app";

/// Without an end, but counted.
const OFTEN: Times = Times::So(u32::MAX);

/// Nothing, or what was wrong.
pub(super) type Handled = Result<(), String>;

/// Says what is wrong, unless it holds.
pub(super) fn check(holds: bool, otherwise: &str) -> Handled {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

/// An endpoint at another path than everywhere else, which openid-configuration alone names.
struct Moved {
    member: &'static str,
    from: &'static str,
    to: String,
}

impl Moved {
    /// The request as the EHR understands it. Where the endpoint was, there is nothing any more.
    fn found(&self, request: &mut Request<Bytes>) {
        let path = request.uri().path();
        let path = match path {
            _ if path == self.to => self.from,
            _ if path == self.from => "/nowhere",
            _ => return,
        };
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path.parse().unwrap());
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
    }

    /// Rewrites the two documents.
    fn told(&self, path: &str, response: &mut Response<Bytes>) {
        let names_it = path.ends_with("/openid-configuration");
        if !names_it && !path.ends_with("/smart-configuration") {
            return;
        }
        let mut document: Value = serde_json::from_slice(response.body()).unwrap();
        let members = document.as_object_mut().unwrap();
        let before = members.remove(self.member);
        if names_it {
            let before = before.unwrap();
            let root = before.as_str().unwrap().strip_suffix(self.from).unwrap();
            members.insert(self.member.to_owned(), json!(format!("{root}{}", self.to)));
        }
        *response.body_mut() = document.to_string().into();
    }
}

/// Keeps the path, the header `Authorization` and the body of each request, and the algorithm of the
/// ID tokens that come.
struct Wire {
    inner: ReqwestClient,
    moved: Option<Moved>,
    sent: Mutex<Vec<(String, String, String)>>,
    algorithms: Mutex<Vec<String>>,
}

/// What the header of the answer's ID token says; nothing of what is no answer with one.
fn algorithm(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let (header, _) = answer["id_token"].as_str()?.split_once('.')?;
    let header: Value = serde_json::from_slice(&base64url::decode(header).ok()?).ok()?;
    header["alg"].as_str().map(str::to_owned)
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

#[async_trait]
impl HttpClient for Wire {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        let header = request.headers().get("authorization");
        let header = header.map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let kept = (path.clone(), header.unwrap_or_default(), body);
        self.sent.lock().unwrap().push(kept);
        if let Some(moved) = &self.moved {
            moved.found(&mut request);
        }
        let mut response = self.inner.send(request).await?;
        if let Some(moved) = &self.moved {
            moved.told(&path, &mut response);
        }
        let algorithm = algorithm(response.body());
        self.algorithms.lock().unwrap().extend(algorithm);
        Ok(response)
    }
}

pub(super) struct App {
    pub(super) ehr: Sandbox,
    clock: Arc<FixedClock>,
    base: FhirBaseUrl,
    wire: Arc<Wire>,
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

    /// A public app, and an EHR that has this endpoint at a path that is new each time. Gives the path.
    pub(super) async fn with_moved(
        provider: &'static CryptoProvider,
        member: &'static str,
        from: &'static str,
    ) -> (Self, String) {
        let suffix = base64url::encode(provider.random::<12>().unwrap());
        let to = format!("{from}-{suffix}");
        let moved = Moved {
            member,
            from,
            to: to.clone(),
        };
        let public = ClientAuthentication::Public;
        let app = Self::of(provider, |it| it, &[], public, Some(moved));
        (app.await, to)
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
        let wire = Arc::new(Wire {
            inner: ReqwestClient::builder().allow_loopback().build().unwrap(),
            moved,
            sent: Mutex::default(),
            algorithms: Mutex::default(),
        });
        let (id, callback) = (ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(CALLBACK));
        let client = ClientConfig::confidential(id, callback, authentication);
        let client = client.with_scope("launch/patient");
        let client = scopes
            .iter()
            .fold(client, |it, scope| it.with_scope(*scope));
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(wire.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let http = wire.clone();
        let flow = LaunchFlow::new(registered, issuers, http, provider, clock.clone(), store);
        Self {
            ehr,
            clock,
            base,
            wire,
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
        check(found == code, &format!("refused with {found}, not {code}"))?;
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
        let request = Request::get(request.url()).body(Bytes::new()).unwrap();
        let response = self.wire.inner.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(CALLBACK).unwrap();
        let query = query.strip_prefix('?').unwrap();
        let signed_in = self.flow.complete(query, &binding).await;
        signed_in.map_err(|error| error.code().to_owned())
    }

    /// What UserInfo says of the user.
    pub(super) async fn userinfo(&self, signed_in: &SignedIn) -> Result<UserInfo, String> {
        let discovery = Discovery::new(self.wire.clone()).allow_loopback_http();
        let trusted = discovery.trace(&self.base).await.outcome;
        let trusted = trusted.map_err(|error| error.to_string())?;
        let verifier = IdTokenVerifier::with_static_keys(
            trusted.issuer(),
            ClientId::new(DEFAULT_CLIENT_ID),
            Algorithms::ID_TOKEN,
            JwkSet::from_keys(Vec::new(), self.provider),
            self.provider,
        );
        let client = UserInfoClient::new(self.wire.clone(), &trusted, verifier);
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
        check(found == code, &format!("refused with {found}, not {code}"))?;
        app.was_played()
    }

    /// Whether the user's browser was sent to the EHR.
    pub(super) fn has_sent_user_off(&self) -> bool {
        self.has_sent_user_off.load(Ordering::Relaxed)
    }

    /// The algorithm that each ID token was said to be signed with.
    pub(super) fn algorithms(&self) -> Vec<String> {
        self.wire.algorithms.lock().unwrap().clone()
    }

    /// The published keys.
    pub(super) async fn published_keys(&self) -> Vec<Value> {
        let url = format!("{}/jwks", self.ehr.issuer());
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let response = self.wire.inner.send(request).await.unwrap();
        let set: Value = serde_json::from_slice(response.body()).unwrap();
        set["keys"].as_array().unwrap().clone()
    }

    /// The header `Authorization` and the body of each request of the app to this path.
    pub(super) fn sent_to(&self, path: &str) -> Vec<(String, String)> {
        let sent = self.wire.sent.lock().unwrap();
        let sent = sent.iter().filter(|it| it.0 == path);
        sent.map(|it| (it.1.clone(), it.2.clone())).collect()
    }
}
