//! An app and the EHR at which it signs in, with an eye on what goes between them.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use smart_oidc::discovery::{
    Clock as _, Discovery, FhirBaseUrl, FixedClock, IssuerRegistry, PlainHttp,
};
use smart_oidc::flow::{LaunchFlow, Registrations, SignedIn};
use smart_oidc::jose::{Algorithms, CryptoProvider, JwkSet, UnixTime};
use smart_oidc::session::LaunchSession;
use smart_oidc::userinfo::{UserInfo, UserInfoClient};
use smart_oidc::{
    ClientAuthentication, ClientConfig, ClientId, ClientSecret, IdTokenVerifier, MemoryStore,
    RedirectUri,
};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, RedirectRule, Sandbox, SandboxBuilder, Times,
};

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
    flow: LaunchFlow,
    provider: &'static CryptoProvider,
}

impl App {
    /// A public app, that asks for these scopes besides.
    pub(super) async fn new(
        provider: &'static CryptoProvider,
        set: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
        scopes: &[&str],
    ) -> Self {
        Self::of(provider, set, scopes, ClientAuthentication::Public).await
    }

    /// An app that authenticates in the header.
    pub(super) async fn with_secret(provider: &'static CryptoProvider) -> Self {
        let rules = vec![RedirectRule::Exact(CALLBACK.to_owned())];
        let registered = ClientRegistration::new(DEFAULT_CLIENT_ID, rules);
        let registered = registered.with_secret_basic(SECRET);
        let secret = ClientAuthentication::ClientSecretBasic(ClientSecret::new(SECRET));
        Self::of(provider, |it| it.register_client(registered), &[], secret).await
    }

    /// For the builder of a sandbox: it plays this fault.
    pub(super) fn playing(fault: &str) -> impl FnOnce(SandboxBuilder) -> SandboxBuilder {
        let fault = Fault::named(fault).unwrap();
        move |it| it.fault(fault, OFTEN)
    }

    async fn of(
        provider: &'static CryptoProvider,
        set: impl FnOnce(SandboxBuilder) -> SandboxBuilder,
        scopes: &[&str],
        authentication: ClientAuthentication,
    ) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let builder = set(Sandbox::builder(provider).clock(clock.clone()));
        let ehr = builder.start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let wire = Wire::new();
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
            provider,
        }
    }

    /// A public app refuses this fault, with this code.
    pub(super) async fn refuses(
        provider: &'static CryptoProvider,
        fault: &str,
        code: &str,
    ) -> Handled {
        let app = Self::new(provider, Self::playing(fault), &[]).await;
        app.is_refused(code).await
    }

    /// The sign-in ends with this code, and nobody is asked who the user is.
    pub(super) async fn is_refused(&self, code: &str) -> Handled {
        match self.sign_in().await {
            Ok(_) => return Err("accepted".to_owned()),
            Err(found) => check(found == code, format!("refused with {found}, not {code}"))?,
        }
        check(
            self.sent_to("/oidc/userinfo").is_empty(),
            "UserInfo was asked",
        )
    }

    /// A whole sign-in that takes no offence at the fault, which was there.
    pub(super) async fn is_accepted(&self) -> Handled {
        self.sign_in().await?;
        let was_played = self.ehr.playing().iter().all(|it| it.1 != OFTEN);
        check(was_played, "the fault was not played")
    }

    /// A whole sign-in, or the code of the error with which it ends.
    pub(super) async fn sign_in(&self) -> Result<SignedIn, String> {
        let begun = self.flow.begin_standalone(&self.base).await;
        let (request, binding) = begun.map_err(|error| error.code().to_owned())?;
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

    /// The session when its access token is over.
    pub(super) async fn refresh(&self, signed_in: &SignedIn) -> Result<LaunchSession, String> {
        self.clock.advance(Duration::from_secs(3600));
        let session = self.flow.session(&signed_in.id).await;
        session.map_err(|error| error.code().to_owned())
    }

    /// How many keys the EHR publishes.
    pub(super) async fn published_keys(&self) -> usize {
        let url = format!("{}/jwks", self.ehr.issuer());
        let response = self.wire.aside(&url).await;
        let set: Value = serde_json::from_slice(response.body()).unwrap();
        set["keys"].as_array().unwrap().len()
    }

    /// The header `Authorization` and the body of each request of the app to this path.
    pub(super) fn sent_to(&self, path: &str) -> Vec<(String, String)> {
        let url = format!("{}{path}", self.ehr.base_url());
        let sent = self.wire.sent().into_iter().filter(|it| it.url == url);
        sent.map(|it| (it.authorization(), it.body)).collect()
    }
}
