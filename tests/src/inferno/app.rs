//! Our app, as each of the suite's types, at the sandbox and at the mock; what it sent is kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;
use smart_oidc::discovery::{
    Clock as _, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp,
};
use smart_oidc::flow::{EhrLaunch, LaunchFlow, Registrations};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, CryptoProvider, UnixTime};
use smart_oidc::profile::{FhirProfileSource, ProfileRequest};
use smart_oidc::session::LaunchSession;
use smart_oidc::token::BackendServices;
use smart_oidc::{
    AssertionSigner, AuthorizationServer, BrowserBinding, ClientAuthentication, ClientConfig,
    ClientId, ClientSecret, MemoryStore, PublishedKeys, RedirectUri, TokenClient, UserProfile,
};
use smart_sandbox::{ClientRegistration, LaunchContext, RedirectRule, Sandbox};

use super::Case;
use super::http::{self as plain, pairs};
use super::mock::{Mock, PATIENT};
use crate::fixture;
use crate::named::{Handled, check};
use crate::wire::{Sent, Wire};

pub(super) const CLIENT: &str = "our-app";
pub(super) const CALLBACK: &str = "https://app.example/callback";
pub(super) const LAUNCH: &str = "https://app.example/launch";
pub(super) const KID: &str = "of-our-app";
const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const SCOPE: &str = "system/Patient.rs";

/// The types of client that the suite knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Public, with App Launch.
    Alp,
    /// Confidential with a secret, with App Launch.
    Alcs,
    /// Confidential with a key, with App Launch.
    Alca(Algorithm),
    /// Confidential with a key, as a backend service.
    Bsca(Algorithm),
}

impl Kind {
    pub(super) const ALCA: [Self; 2] = [Self::Alca(Algorithm::RS384), Self::Alca(Algorithm::ES384)];
    pub(super) const BSCA: [Self; 2] = [Self::Bsca(Algorithm::RS384), Self::Bsca(Algorithm::ES384)];
}

/// Which server the app is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Sandbox,
    Mock,
}

impl Place {
    /// The mock takes id and secret as they are, so that a secret of odd characters shows it.
    pub(super) const fn secret(self) -> &'static str {
        match self {
            Self::Sandbox => "secret-of-our-app",
            Self::Mock => "50% of a secret + a slash /",
        }
    }
}

/// A server, of either kind.
enum Server {
    Sandbox(Box<Sandbox>),
    Mock(Mock),
}

/// A whole play, and what is known of it.
pub(super) struct Played {
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) base: String,
    pub(super) token_url: String,
    /// What the EHR gave, where it has started the app.
    pub(super) launch: Option<String>,
    /// The authorization requests, as the browser was sent there.
    pub(super) asked: Vec<Vec<(String, String)>>,
    /// What the app itself sent.
    pub(super) sent: Vec<Sent>,
    /// The keys that it publishes, as it serves them.
    pub(super) jwks: Option<String>,
}

impl Played {
    /// Its requests to the token endpoint.
    pub(super) fn token_requests(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|it| it.url == self.token_url)
    }
}

/// Plays apps of these kinds at either server, launched in either way, and looks at each play.
pub(super) async fn each(case: Case, kinds: &[Kind], look: impl Fn(&Played) -> Handled) -> Handled {
    for kind in kinds {
        for place in [Place::Sandbox, Place::Mock] {
            let by_ehr = match kind {
                Kind::Bsca(_) => &[false][..],
                _ => &[false, true],
            };
            for by_ehr in by_ehr {
                let (played, ended) = play(case.provider, *kind, place, *by_ehr).await;
                // What was sent is looked at whatever the server made of it.
                let looked = look(&played).and(ended);
                let by = if *by_ehr { "the EHR" } else { "itself" };
                looked.map_err(|it| format!("{kind:?} at {place:?}, started by {by}: {it}"))?;
            }
        }
    }
    Ok(())
}

/// The key that the app signs with.
pub(super) fn signer(algorithm: Algorithm, provider: &CryptoProvider) -> AssertionSigner {
    let name = match algorithm {
        Algorithm::ES384 => "keys/other-p384.pem",
        _ => "keys/other-rsa-2048.pem",
    };
    let key = PrivateKey::from_pem(&fixture::text(name), provider).unwrap();
    let key = provider.signing_key(&key, algorithm).unwrap();
    AssertionSigner::new(KID, key, provider).unwrap()
}

/// How the app authenticates, and the keys that it publishes.
pub(super) fn authentication(
    kind: Kind,
    place: Place,
    provider: &CryptoProvider,
) -> (ClientAuthentication, Option<String>) {
    match kind {
        Kind::Alp => (ClientAuthentication::Public, None),
        Kind::Alcs => {
            let secret = ClientSecret::new(place.secret());
            (ClientAuthentication::ClientSecretBasic(secret), None)
        }
        Kind::Alca(algorithm) | Kind::Bsca(algorithm) => {
            let signer = signer(algorithm, provider);
            let jwks = PublishedKeys::new([&signer])
                .unwrap()
                .document(provider)
                .body;
            (ClientAuthentication::PrivateKeyJwt(signer), Some(jwks))
        }
    }
}

/// What the app is, to this server.
pub(super) fn config(
    authentication: ClientAuthentication,
    place: Place,
    redirect_uri: &str,
) -> ClientConfig {
    let (id, back) = (ClientId::new(CLIENT), RedirectUri::new(redirect_uri));
    let mut client = ClientConfig::confidential(id, back, authentication);
    if place == Place::Mock {
        // It never puts the nonce into the ID token.
        client.quirks.send_no_nonce = true;
        client.quirks.raw_basic_credentials = true;
    }
    client
        .with_scope("offline_access")
        .with_scope("patient/*.rs")
}

impl Server {
    async fn start(
        place: Place,
        kind: Kind,
        jwks: Option<&str>,
        clock: &Arc<FixedClock>,
        provider: &CryptoProvider,
    ) -> Self {
        if place == Place::Mock {
            return Self::Mock(Mock::start(clock.clone()).await);
        }
        let rules = vec![RedirectRule::Exact(CALLBACK.to_owned())];
        let app = match kind {
            Kind::Bsca(_) => ClientRegistration::backend_service(CLIENT, "system/*.rs"),
            _ => ClientRegistration::new(CLIENT, rules),
        };
        let app = match (kind, jwks) {
            (Kind::Alcs, _) => app.with_secret_basic(place.secret()),
            (_, Some(jwks)) => app.with_jwks(jwks),
            (_, None) => app,
        };
        let ehr = Sandbox::builder(provider).clock(clock.clone());
        let ehr = ehr.register_client(app).start().await.unwrap();
        Self::Sandbox(Box::new(ehr))
    }

    fn base(&self) -> String {
        match self {
            Self::Sandbox(ehr) => ehr.fhir_base(),
            Self::Mock(mock) => mock.base.clone(),
        }
    }

    /// Where it says that tokens are asked for.
    async fn token_url(&self) -> String {
        let url = format!("{}/.well-known/smart-configuration", self.base());
        let metadata = plain::get(&url).await.unwrap().json().unwrap();
        metadata["token_endpoint"].as_str().unwrap().to_owned()
    }

    /// A launch, and the patient who is open.
    fn launch(&self) -> (String, String) {
        match self {
            Self::Mock(mock) => (mock.launch.clone(), PATIENT.to_owned()),
            Self::Sandbox(ehr) => {
                let patient = ehr.patients().swap_remove(0).0;
                let open = LaunchContext::new().patient(patient.as_str());
                (ehr.ehr_launch(CLIENT, open).unwrap().launch, patient)
            }
        }
    }
}

/// One play from its start to a request with a token that was refreshed, and how it ended.
async fn play(
    provider: &'static CryptoProvider,
    kind: Kind,
    place: Place,
    by_ehr: bool,
) -> (Played, Handled) {
    let clock = Arc::new(FixedClock::at(NOW));
    let (authentication, jwks) = authentication(kind, place, provider);
    let server = Server::start(place, kind, jwks.as_deref(), &clock, provider).await;
    let mut played = Played {
        kind,
        place,
        base: server.base(),
        token_url: server.token_url().await,
        launch: None,
        asked: Vec::new(),
        sent: Vec::new(),
        jwks,
    };
    let base = FhirBaseUrl::parse_with(&played.base, PlainHttp::LoopbackOnly).unwrap();
    let wire = Wire::new();
    let ended = if let Kind::Bsca(_) = kind {
        serve(&wire, &base, authentication, &clock, provider).await
    } else {
        let client = config(authentication, place, CALLBACK);
        let flow = flow(&wire, &base, client, &clock, provider);
        let launched = by_ehr.then(|| server.launch());
        played.launch = launched.as_ref().map(|it| it.0.clone());
        let patient = launched.map(|it| it.1);
        live(&flow, &base, &mut played, patient, &wire, &clock).await
    };
    played.sent = wire.sent();
    (played, ended)
}

/// A sign-in, and two more hours.
async fn live(
    flow: &LaunchFlow,
    base: &FhirBaseUrl,
    played: &mut Played,
    patient: Option<String>,
    wire: &Arc<Wire>,
    clock: &FixedClock,
) -> Handled {
    let launch = played.launch.as_deref();
    let (query, binding) = begin(flow, base, launch, &mut played.asked).await?;
    // A second launch, which nobody goes on with, shows what is new each time.
    ask(flow, base, launch, &mut played.asked).await?;
    let signed_in = flow.complete(&query, &binding).await;
    let signed_in = signed_in.map_err(|it| it.code().to_owned())?;
    let found = signed_in.session.context().patient.clone();
    let is_right = found.is_some() && (patient.is_none() || found == patient);
    check(is_right, "another patient")?;
    uses(wire, &signed_in.session, clock).await?;
    // Each time that the access token is over.
    for _ in 0..2 {
        clock.advance(Duration::from_secs(3600));
        let session = flow.session(&signed_in.id).await;
        let session = session.map_err(|it| it.code().to_owned())?;
        let (new, old) = (session.access_token(), signed_in.session.access_token());
        check(new.expose_secret() != old.expose_secret(), "the old token")?;
        let same = session.user_key() == signed_in.session.user_key();
        check(same, "another user after the refresh")?;
        uses(wire, &session, clock).await?;
    }
    Ok(())
}

/// A node of the app.
pub(super) fn flow(
    wire: &Arc<Wire>,
    base: &FhirBaseUrl,
    client: ClientConfig,
    clock: &Arc<FixedClock>,
    provider: &CryptoProvider,
) -> LaunchFlow {
    let registered = Registrations::new().with(base.clone(), client).unwrap();
    let discovery = Discovery::new(wire.clone()).allow_loopback_http();
    let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let (http, clock) = (wire.clone(), clock.clone());
    LaunchFlow::new(registered, issuers, http, provider, clock, store)
}

/// Begins a launch, and keeps what is asked of the server.
async fn ask(
    flow: &LaunchFlow,
    base: &FhirBaseUrl,
    launch: Option<&str>,
    asked: &mut Vec<Vec<(String, String)>>,
) -> Result<(String, BrowserBinding), String> {
    let begun = match launch {
        None => flow.begin_standalone(base).await,
        Some(launch) => {
            let query = plain::encoded([("iss", base.as_str()), ("launch", launch)]);
            let launch = EhrLaunch::parse(&query).map_err(|it| it.code().to_owned())?;
            flow.begin_from_ehr(launch).await
        }
    };
    let (request, binding) = begun.map_err(|it| it.code().to_owned())?;
    let url = request.url();
    asked.push(pairs(url.split_once('?').ok_or("no query")?.1));
    Ok((url, binding))
}

/// Sends the browser away and takes what it comes back with.
async fn begin(
    flow: &LaunchFlow,
    base: &FhirBaseUrl,
    launch: Option<&str>,
    asked: &mut Vec<Vec<(String, String)>>,
) -> Result<(String, BrowserBinding), String> {
    let (url, binding) = ask(flow, base, launch, asked).await?;
    let answer = plain::get(&url).await?;
    let location = answer.is(&[302, 303])?.header("location");
    let location = location.ok_or("a redirect without a place")?;
    let query = location
        .strip_prefix(CALLBACK)
        .ok_or("not sent to the app")?;
    let query = query.strip_prefix('?').ok_or("no query")?.to_owned();
    Ok((query, binding))
}

/// Reads who the user is, which is a request with the access token.
async fn uses(wire: &Arc<Wire>, session: &LaunchSession, clock: &FixedClock) -> Handled {
    let request = ProfileRequest::of_session(session).ok_or("nobody has signed in")?;
    let source = FhirProfileSource::new(wire.clone());
    let profile = UserProfile::load(&request, &source, clock.now()).await;
    match &profile.resource {
        Ok(_) => Ok(()),
        Err(error) => Err(error.code().to_owned()),
    }
}

/// A service that reads with a token, and with another one when that is over.
async fn serve(
    wire: &Arc<Wire>,
    base: &FhirBaseUrl,
    authentication: ClientAuthentication,
    clock: &Arc<FixedClock>,
    provider: &CryptoProvider,
) -> Handled {
    let discovery = Discovery::new(wire.clone()).allow_loopback_http();
    let smart = discovery.smart_configuration(base).await;
    let smart = smart.map_err(|it| it.to_string())?;
    let id = ClientId::new(CLIENT);
    let client = TokenClient::without_launch(id, authentication, wire.clone(), provider);
    let server = AuthorizationServer::of_fhir_server(&smart);
    let services = BackendServices::new(client, server, [SCOPE].iter().collect(), clock.clone());
    let services = services.map_err(|it| it.code().to_owned())?;
    for _ in 0..2 {
        let token = services.token().await.map_err(|it| it.code().to_owned())?;
        let url = format!("{}/Patient", base.as_str());
        let bearer = token.authorization_for(&url).map_err(|it| it.to_string())?;
        let request = Request::get(url).header("authorization", bearer);
        let request = request.body(Bytes::new());
        let response = wire
            .send(request.unwrap())
            .await
            .map_err(|it| it.to_string())?;
        let status = response.status();
        check(
            status == StatusCode::OK,
            format!("the service got {status}"),
        )?;
        clock.advance(Duration::from_secs(3600));
    }
    Ok(())
}

/// The member of a JSON text.
pub(super) fn member(text: &str, name: &str) -> Value {
    let value: Option<Value> = serde_json::from_str(text).ok();
    value.map_or(Value::Null, |it| it[name].clone())
}

/// A sign-in at the mock of an app that does not spare it the nonce.
pub(super) async fn sign_in_with_nonce(provider: &CryptoProvider) -> Result<(), String> {
    let clock = Arc::new(FixedClock::at(NOW));
    let mock = Mock::start(clock.clone()).await;
    let base = FhirBaseUrl::parse_with(&mock.base, PlainHttp::LoopbackOnly).unwrap();
    let mut client = config(ClientAuthentication::Public, Place::Mock, CALLBACK);
    client.quirks.send_no_nonce = false;
    let flow = flow(&Wire::new(), &base, client, &clock, provider);
    let (query, binding) = begin(&flow, &base, None, &mut Vec::new()).await?;
    let ended = flow.complete(&query, &binding).await;
    ended.map(drop).map_err(|it| it.code().to_owned())
}
