//! An EHR that runs, an app of each kind that is registered with it, and whole days of theirs,
//! whatever the app keeps its sessions in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::json;
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp,
    ReqwestClient, SystemClock,
};
use smart_oidc::flow::{EhrLaunch, LaunchFlow, Registrations};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, CryptoProvider, Jwk, JwkSet, UnixTime};
use smart_oidc::session::LaunchSession;
use smart_oidc::{
    AssertionSigner, BrowserBinding, ClientAuthentication, ClientConfig, ClientId, ClientSecret,
    RedirectUri,
};
use smart_sandbox::{ClientRegistration, LaunchContext, RedirectRule, Sandbox};

use crate::fixture;
use crate::store_contract::Store;

/// When all days begin.
pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

const CALLBACK: &str = "http://127.0.0.1:8765/callback";
const SECRET: &str = "a secret: with ~ 50% odd characters + a slash /";

/// Who launches the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launcher {
    /// The EHR, with a patient open.
    Ehr,
    /// The app itself.
    Standalone,
}

/// How the app authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does not.
    Public,
    /// By a secret in the header.
    Basic,
    /// By a secret in the body.
    Post,
    /// By assertions with RS384.
    Rs384,
    /// By assertions with ES384.
    Es384,
}

/// Every combination.
pub const COMBINATIONS: [(Launcher, Kind); 10] = [
    (Launcher::Ehr, Kind::Public),
    (Launcher::Ehr, Kind::Basic),
    (Launcher::Ehr, Kind::Post),
    (Launcher::Ehr, Kind::Rs384),
    (Launcher::Ehr, Kind::Es384),
    (Launcher::Standalone, Kind::Public),
    (Launcher::Standalone, Kind::Basic),
    (Launcher::Standalone, Kind::Post),
    (Launcher::Standalone, Kind::Rs384),
    (Launcher::Standalone, Kind::Es384),
];

/// An EHR whose clock is told to move, and an app that is registered with it.
pub struct World {
    /// The EHR.
    pub ehr: Sandbox,
    /// The clock of both.
    pub clock: Arc<FixedClock>,
    /// The FHIR server.
    pub base: FhirBaseUrl,
    http: Arc<dyn HttpClient>,
    client: ClientConfig,
    launcher: Launcher,
    provider: &'static CryptoProvider,
}

/// A node of the public app of an EHR that runs on this machine, in real time: what another process
/// makes to be one of the fleet.
pub fn public_node<S: Store + 'static>(
    fhir_base: &str,
    provider: &CryptoProvider,
    store: Arc<S>,
) -> LaunchFlow {
    let base = FhirBaseUrl::parse_with(fhir_base, PlainHttp::LoopbackOnly).unwrap();
    let client = ClientConfig::public(ClientId::new("app-Public"), RedirectUri::new(CALLBACK));
    let registered = Registrations::new().with(base, client).unwrap();
    let http = ReqwestClient::builder().allow_loopback().build().unwrap();
    let (http, clock): (Arc<dyn HttpClient>, _) = (Arc::new(http), Arc::new(SystemClock::new()));
    let discovery = Discovery::new(http.clone()).allow_loopback_http();
    let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
    // The tests reject tokens as fast as they come.
    LaunchFlow::new(registered, issuers, http, provider, clock, store)
        .with_rejection_pause(Duration::ZERO)
}

/// The key that the app signs with.
fn signer(algorithm: Algorithm, provider: &CryptoProvider) -> (AssertionSigner, String) {
    let name = match algorithm {
        Algorithm::ES384 => "keys/other-p384.pem",
        _ => "keys/other-rsa-2048.pem",
    };
    let key = PrivateKey::from_pem(&fixture::text(name), provider).unwrap();
    let key = provider.signing_key(&key, algorithm).unwrap();
    let jwk = Jwk::new(key.public_key().clone(), "of-the-app".to_owned(), algorithm).unwrap();
    let jwks = serde_json::to_string(&JwkSet::from_keys(vec![jwk], provider)).unwrap();
    (
        AssertionSigner::new("of-the-app", key, provider).unwrap(),
        jwks,
    )
}

impl World {
    /// Starts the EHR.
    pub async fn new(launcher: Launcher, kind: Kind, provider: &'static CryptoProvider) -> Self {
        Self::at(NOW, launcher, kind, provider).await
    }

    /// The same at another time.
    pub async fn at(
        now: UnixTime,
        launcher: Launcher,
        kind: Kind,
        provider: &'static CryptoProvider,
    ) -> Self {
        let id = format!("app-{kind:?}");
        let registered = ClientRegistration::new(&id, vec![RedirectRule::Exact(CALLBACK.into())]);
        let secret = || ClientSecret::new(SECRET);
        let (registered, authentication) = match kind {
            Kind::Public => (registered, ClientAuthentication::Public),
            Kind::Basic => (
                registered.with_secret_basic(SECRET),
                ClientAuthentication::ClientSecretBasic(secret()),
            ),
            Kind::Post => (
                registered.with_secret_post(SECRET),
                ClientAuthentication::ClientSecretPost(secret()),
            ),
            Kind::Rs384 | Kind::Es384 => {
                let is_rsa = kind == Kind::Rs384;
                let algorithm = if is_rsa {
                    Algorithm::RS384
                } else {
                    Algorithm::ES384
                };
                let (signer, jwks) = signer(algorithm, provider);
                (
                    registered.with_jwks(jwks),
                    ClientAuthentication::PrivateKeyJwt(signer),
                )
            }
        };
        let clock = Arc::new(FixedClock::at(now));
        let builder = Sandbox::builder(provider).clock(clock.clone());
        let ehr = builder.register_client(registered).start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let (id, callback) = (ClientId::new(id), RedirectUri::new(CALLBACK));
        let client = ClientConfig::confidential(id, callback, authentication);
        let client = client
            .with_scope("offline_access")
            .with_scope("patient/*.rs");
        let client = match launcher {
            Launcher::Ehr => client.with_scope("launch"),
            Launcher::Standalone => client.with_scope("launch/patient"),
        };
        let http = ReqwestClient::builder().allow_loopback().build().unwrap();
        Self {
            ehr,
            clock,
            base,
            http: Arc::new(http),
            client,
            launcher,
            provider,
        }
    }

    /// The same, with something in the app's way to the EHR.
    #[must_use]
    pub fn through(
        mut self,
        wrap: impl FnOnce(Arc<dyn HttpClient>) -> Arc<dyn HttpClient>,
    ) -> Self {
        self.http = wrap(self.http);
        self
    }

    /// A node of the app, that keeps its sessions here.
    pub fn node<S: Store + 'static>(&self, store: Arc<S>) -> LaunchFlow {
        let registered = Registrations::new().with(self.base.clone(), self.client.clone());
        let discovery = Discovery::new(self.http.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, self.provider, self.clock.clone());
        LaunchFlow::new(
            registered.unwrap(),
            issuers,
            self.http.clone(),
            self.provider,
            self.clock.clone(),
            store,
        )
        .with_rejection_pause(Duration::ZERO)
    }

    /// Begins a launch at this node and brings its genuine callback.
    pub async fn callback(&self, node: &LaunchFlow) -> (String, BrowserBinding) {
        self.callback_for(node, "patient-of-the-ehr").await
    }

    /// The same where the EHR, if it is the one that launches, has this patient open.
    pub async fn callback_for(&self, node: &LaunchFlow, patient: &str) -> (String, BrowserBinding) {
        let (request, binding) = match self.launcher {
            Launcher::Standalone => node.begin_standalone(&self.base).await.unwrap(),
            Launcher::Ehr => {
                let chart = json!({ "resourceType": "Patient", "id": patient });
                self.ehr.add_resource(chart).unwrap();
                let open = LaunchContext::new().patient(patient);
                let id = self.client.client_id.as_str();
                let launch = self.ehr.ehr_launch(id, open).unwrap();
                let url = launch.url("https://app.example/launch");
                let launch = EhrLaunch::parse(url.split_once('?').unwrap().1).unwrap();
                node.begin_from_ehr(launch).await.unwrap()
            }
        };
        let request = Request::get(request.url()).body(Bytes::new()).unwrap();
        let response = self.http.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(CALLBACK).unwrap();
        (query.strip_prefix('?').unwrap().to_owned(), binding)
    }

    /// What the FHIR server says to an access token about the user's own resource.
    pub async fn fhir_status(&self, session: &LaunchSession) -> StatusCode {
        let policy = smart_oidc::FhirUserPolicy::new(self.base.clone());
        let user = session.fhir_user(&policy).unwrap().unwrap();
        let bearer = format!("Bearer {}", session.access_token().expose_secret());
        let request = Request::get(user.url()).header("authorization", bearer);
        let request = request.body(Bytes::new()).unwrap();
        self.http.send(request).await.unwrap().status()
    }

    /// A day: the launch at one node, the work at another, three refreshes and the sign-out.
    pub async fn live_a_day<S: Store + 'static>(&self, store: Arc<S>) {
        let (one, other) = (self.node(store.clone()), self.node(store));
        let (query, binding) = self.callback(&one).await;
        let signed_in = other.complete(&query, &binding).await.unwrap();
        let error = one.complete(&query, &binding).await.unwrap_err();
        assert_eq!(error.code(), "launch-unknown", "a callback counts once");
        let id = signed_in.id;
        let patient = signed_in.session.context().patient.clone();
        match self.launcher {
            Launcher::Ehr => assert_eq!(patient.as_deref(), Some("patient-of-the-ehr")),
            Launcher::Standalone => assert!(patient.is_some()),
        }
        let mut before = signed_in.session;
        assert_eq!(self.fhir_status(&before).await, StatusCode::OK);
        for refresh in 1..=3 {
            let life = before.access_ends_at().unwrap().as_secs() - self.clock.now().as_secs();
            self.clock.advance(Duration::from_secs(life));
            assert_eq!(self.fhir_status(&before).await, StatusCode::UNAUTHORIZED);
            let node = if refresh % 2 == 0 { &one } else { &other };
            let session = node.session(&id).await.unwrap();
            let (new, old) = (session.access_token(), before.access_token());
            assert_ne!(new.expose_secret(), old.expose_secret());
            assert_eq!(session.user_key(), before.user_key());
            assert_eq!(session.context().patient, patient);
            assert_eq!(self.fhir_status(&session).await, StatusCode::OK);
            before = session;
        }
        let signed_out = one.sign_out(&id).await.unwrap();
        assert!(signed_out.not_asked.is_none(), "{signed_out:?}");
        assert!(signed_out.not_revoked.is_empty(), "{signed_out:?}");
        assert_eq!(self.fhir_status(&before).await, StatusCode::UNAUTHORIZED);
        let error = other.session(&id).await.unwrap_err();
        assert_eq!(error.code(), "session-lost");
    }
}
