//! Whole sign-ins with everything logged that anybody logs, at the finest level: nothing that is
//! secret, and nothing that names a person, is in any of it, nor in what our values and errors show.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

mod web;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, FixedClock, HttpClient, Issuer, IssuerKeys, LiveIssuer, PlainHttp,
    ReqwestClient, TransportError, TrustedIssuer,
};
use smart_oidc::id_token::Refreshed;
use smart_oidc::issue::{
    Grant, IdTokenIssuer, KeyRing, RegisteredClient, RotationSchedule, Signer,
};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, Algorithms, CryptoProvider, JwkSet, UnixTime};
use smart_oidc::profile::{FhirProfileSource, MAX_RESOURCE_OCTETS, ProfileRequest};
use smart_oidc::token::RefreshRequest;
use smart_oidc::userinfo::UserInfoClient;
use smart_oidc::{
    AccessToken, AssertionSigner, AuthorizationServer, Begun, ClientAuthentication, ClientConfig,
    ClientId, ClientSecret, Error, Expected, FhirUser, IdTokenVerifier, Launch, LaunchHandle,
    LaunchKey, Nonce, RawIdToken, RedirectUri, RefreshToken, Scopes, TokenClient, UserProfile,
};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox, SandboxUser, UserType};
use smart_tests::forge::Forge;
use smart_tests::{backend, fixture};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const REDIRECT_URI: &str = "http://127.0.0.1:8765/callback";
const USER_ID: &str = "patient-4711-kowalski";
const SUBJECT: &str = "subject-of-ada-kowalski";
const NAME: &str = "Ada Kowalski-Zimmermann";
const HANDLE: &str = "launch-handle-of-the-ehr-session";

/// Everything that was logged, by whichever crate and through whichever of the two facades.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct Ears;

impl io::Write for Ears {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn listen() {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(|| Ears)
        .init();
}

/// What must not show, and what was shown.
#[derive(Default)]
struct Ledger {
    secrets: BTreeMap<String, &'static str>,
    shown: Vec<String>,
}

impl Ledger {
    fn secret(&mut self, what: &'static str, value: &str) {
        assert!(value.len() > 7, "{what} is too short to be looked for");
        self.secrets.insert(value.to_owned(), what);
    }

    fn token(&mut self, what: &'static str, token: &str) {
        for part in token.split('.') {
            self.secret(what, part);
        }
    }

    fn debug(&mut self, value: &dyn Debug) {
        self.shown.push(format!("{value:?}"));
        self.shown.push(format!("{value:#?}"));
    }

    /// An error: both of its forms, its sources, and what the union of all errors makes of it.
    fn error(&mut self, error: impl Into<Error>) {
        let error = error.into();
        self.debug(&error);
        let mut source: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = source {
            self.shown.push(error.to_string());
            source = error.source();
        }
        self.shown.push(error.code().to_owned());
    }

    fn settle(&self) {
        let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
        let texts = self.shown.iter().chain([&log]);
        for text in texts {
            for (secret, what) in &self.secrets {
                if let Some(at) = text.find(secret) {
                    let begin = at.saturating_sub(300);
                    let near: String = text[begin..].chars().take(400).collect();
                    panic!("{what} shows in: {near}");
                }
            }
        }
        assert!(self.shown.len() > 100, "{}", self.shown.len());
    }
}

/// Keeps what the browser and the endpoints got, as an eavesdropper would have to.
struct Tap {
    inner: ReqwestClient,
    bodies: Mutex<Vec<(String, Bytes)>>,
}

impl Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl HttpClient for Tap {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let path = request.uri().path().to_owned();
        self.bodies
            .lock()
            .unwrap()
            .push((path, request.body().clone()));
        self.inner.send(request).await
    }
}

fn parameters(text: &[u8]) -> BTreeMap<String, String> {
    form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

struct World {
    ehr: Sandbox,
    http: Arc<Tap>,
    live: LiveIssuer,
    trusted: Arc<TrustedIssuer>,
    client: ClientConfig,
}

impl World {
    async fn new(provider: &CryptoProvider) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let resource = json!({
            "resourceType": "Patient", "id": USER_ID, "name": [{"text": NAME}],
            "telecom": [{"system": "phone", "value": "+49 30 1234567"}],
            "identifier": [{"system": "urn:mrn", "value": "MRN-4711-4711"}],
        });
        let user = SandboxUser::new(UserType::Patient, USER_ID, SUBJECT, NAME);
        let ehr = Sandbox::builder(provider)
            .clock(clock.clone())
            .user(user.with_resource(resource))
            .start()
            .await
            .unwrap();
        let inner = ReqwestClient::builder()
            .allow_loopback()
            .body_limit(MAX_RESOURCE_OCTETS)
            .build()
            .unwrap();
        let http = Arc::new(Tap {
            inner,
            bodies: Mutex::default(),
        });
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let discovery = Discovery::new(http.clone()).allow_loopback_http();
        let live = LiveIssuer::new(discovery, base, provider, clock);
        let trusted = live.trusted().await.unwrap();
        let client = ClientConfig::public(
            ClientId::new(DEFAULT_CLIENT_ID),
            RedirectUri::new(REDIRECT_URI),
        )
        .with_scope("launch/patient")
        .with_scope("profile");
        Self {
            ehr,
            http,
            live,
            trusted,
            client,
        }
    }

    fn verifier(&self, provider: &CryptoProvider) -> IdTokenVerifier {
        let keys: Arc<IssuerKeys> = Arc::new(self.live.keys_of(&self.trusted));
        let client_id = self.client.client_id.clone();
        IdTokenVerifier::new(
            &self.trusted,
            client_id,
            Algorithms::ID_TOKEN,
            keys,
            provider,
        )
    }

    /// Begins a launch and plays the browser.
    async fn callback(&self, provider: &CryptoProvider, ledger: &mut Ledger) -> (Begun, String) {
        let handle = LaunchHandle::new(HANDLE);
        ledger.secret("the launch handle", HANDLE);
        ledger.debug(&handle);
        let base = self.trusted.fhir_base().as_str().to_owned();
        let launch = Launch::from_ehr(&self.trusted, &self.client, &base, handle).unwrap();
        ledger.debug(&launch);
        let standalone = Launch::standalone(&self.trusted, &self.client);
        let begun = standalone.begin(provider, NOW).unwrap();
        ledger.debug(&begun);
        ledger.debug(&begun.pending);
        ledger.debug(&begun.binding);
        let url = begun.request.url();
        let query = url.split_once('?').unwrap().1;
        let sent = parameters(query.as_bytes());
        ledger.secret("the state", &sent["state"]);
        ledger.secret("the nonce", &sent["nonce"]);
        ledger.secret("the binding", begun.binding.expose_secret());
        let request = Request::get(begun.request.url()).body(Bytes::new());
        let response = self.http.send(request.unwrap()).await.unwrap();
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.split_once('?').unwrap().1.to_owned();
        ledger.secret("the code", &parameters(query.as_bytes())["code"]);
        (begun, query)
    }
}

async fn sign_in(provider: &CryptoProvider, ledger: &mut Ledger) {
    let world = World::new(provider).await;
    for (what, value) in [
        ("the user's id", USER_ID),
        ("the subject", SUBJECT),
        ("the name", NAME),
        ("the telephone number", "+49 30 1234567"),
        ("the record number", "MRN-4711-4711"),
    ] {
        ledger.secret(what, value);
    }
    let (begun, query) = world.callback(provider, ledger).await;
    let key = LaunchKey::of_callback(&query, &begun.binding, provider).unwrap();
    ledger.debug(&key);
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider, NOW);
    let launch = launch.unwrap();
    ledger.debug(&launch);
    let client = TokenClient::new(&world.client, world.http.clone(), provider);
    ledger.debug(&client);
    let (tokens, launch) = client.exchange(launch, NOW).await.unwrap();
    for (path, body) in world.http.bodies.lock().unwrap().iter() {
        if path.ends_with("/token") {
            ledger.secret("the verifier", &parameters(body)["code_verifier"]);
        }
    }
    let raw = tokens.id_token.clone().unwrap();
    ledger.secret("the access token", tokens.access_token.expose_secret());
    ledger.token("the ID token", raw.expose_secret());
    assert_eq!(tokens.context.patient.as_deref(), Some(USER_ID));
    let values: [&dyn Debug; 4] = [&tokens, &launch, &raw, &tokens.access_token];
    for value in values {
        ledger.debug(value);
    }
    let verifier = world.verifier(provider);
    ledger.debug(&verifier);
    let expected = Expected::of_launch(&launch, &tokens);
    ledger.debug(&expected);
    let report = verifier.explain(&raw, &expected, NOW).await;
    ledger.debug(&report);
    ledger.shown.push(serde_json::to_string(&report).unwrap());
    let token = verifier.verify_launch(&launch, &tokens, NOW).await.unwrap();
    ledger.debug(&token);
    ledger.debug(&token.user_key());
    ledger.debug(&token.continuity());

    let source = FhirProfileSource::new(world.http.clone());
    ledger.debug(&source);
    let request = ProfileRequest::of_launch(&token, &launch, &tokens);
    ledger.debug(&request);
    let profile = UserProfile::load(&request, &source, NOW).await;
    assert_eq!(profile.name.as_deref(), Some(NAME));
    let card = profile.resource.as_ref().unwrap();
    let values: [&dyn Debug; 4] = [&profile, &profile.fhir_user, card, &card.telecoms];
    for value in values {
        ledger.debug(value);
    }
    ledger.debug(&card.identifiers);
    let user: &FhirUser = profile.fhir_user.as_ref().unwrap();
    ledger.debug(&user.read(&tokens.access_token));
    failures(&world, provider, ledger).await;
    credentials(&world, provider, ledger).await;
    refused_tokens(&world, provider, ledger).await;
    refreshes(&world, provider, ledger).await;

    // No profile, since the access token is no longer good.
    let stale = AccessToken::new("another-access-token-4711");
    ledger.secret("another access token", "another-access-token-4711");
    let request = ProfileRequest::new(&token, world.trusted.fhir_base(), &stale);
    let profile = UserProfile::load(&request, &source, NOW).await;
    ledger.debug(&profile);
    ledger.error(profile.resource.unwrap_err());
    let userinfo = UserInfoClient::new(world.http.clone(), &world.trusted, verifier).unwrap();
    ledger.debug(&userinfo);
    ledger.error(userinfo.fetch(&token, &stale, NOW).await.unwrap_err());
    let told = userinfo.fetch(&token, &tokens.access_token, NOW).await;
    ledger.debug(&told.unwrap());
    ledger.debug(&world.live);
    ledger.debug(&world.trusted);
    ledger.debug(&world.ehr);
}

/// Launches that do not succeed.
async fn failures(world: &World, provider: &CryptoProvider, ledger: &mut Ledger) {
    let (begun, query) = world.callback(provider, ledger).await;
    let (other, _) = world.callback(provider, ledger).await;
    // Another browser, and another issuer's answer.
    let stolen = begun
        .pending
        .authorize(&query, &other.binding, provider, NOW);
    ledger.error(stolen.unwrap_err());
    let (begun, query) = world.callback(provider, ledger).await;
    let twice = format!("{query}&state=another-state-of-somebody");
    ledger.secret("another state", "another-state-of-somebody");
    let refused = begun
        .pending
        .authorize(&twice, &begun.binding, provider, NOW);
    ledger.error(refused.unwrap_err());
    // A code that was used before.
    let (begun, query) = world.callback(provider, ledger).await;
    let client = TokenClient::new(&world.client, world.http.clone(), provider);
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider, NOW);
    client.exchange(launch.unwrap(), NOW).await.unwrap();
    for (path, body) in world.http.bodies.lock().unwrap().iter() {
        if path.ends_with("/token") {
            ledger.secret("the verifier", &parameters(body)["code_verifier"]);
        }
    }
    let (begun, other_query) = world.callback(provider, ledger).await;
    let used = parameters(query.as_bytes())["code"].clone();
    let fresh = parameters(other_query.as_bytes())["code"].clone();
    let query = other_query.replace(&fresh, &used);
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider, NOW);
    let refused = client.exchange(launch.unwrap(), NOW).await;
    ledger.error(refused.map(drop).unwrap_err());
    for (path, body) in world.http.bodies.lock().unwrap().iter() {
        if path.ends_with("/token") {
            ledger.secret("the verifier", &parameters(body)["code_verifier"]);
        }
    }
}

/// A client that authenticates, at a server that does not know it.
async fn credentials(world: &World, provider: &CryptoProvider, ledger: &mut Ledger) {
    let (secret, token) = ("the/secret+of the client", "the-refresh-token-of-before");
    for (what, value) in [
        ("the client secret", secret),
        ("the encoded client secret", "the%2Fsecret%2Bof+the+client"),
        ("the refresh token", token),
    ] {
        ledger.secret(what, value);
    }
    let pem = fixture::text("keys/issuer-p384.pem");
    let key = PrivateKey::from_pem(&pem, provider).unwrap();
    let key = provider.signing_key(&key, Algorithm::ES384).unwrap();
    let signer = AssertionSigner::new("p384", key, provider).unwrap();
    ledger.debug(&signer);
    let server = AuthorizationServer::of(&world.trusted);
    ledger.debug(&server);
    let granted = Scopes::parse("openid");
    for authentication in [
        ClientAuthentication::ClientSecretBasic(ClientSecret::new(secret)),
        ClientAuthentication::ClientSecretPost(ClientSecret::new(secret)),
        ClientAuthentication::PrivateKeyJwt(signer),
    ] {
        let mut client = world.client.clone();
        client.authentication = authentication;
        client.quirks.raw_basic_credentials = true;
        client.quirks.client_id_with_basic = true;
        ledger.debug(&client);
        let tokens = TokenClient::new(&client, world.http.clone(), provider);
        ledger.debug(&tokens);
        let token = RefreshToken::new(token);
        let request = RefreshRequest::new(&token, &granted);
        ledger.debug(&request);
        // Not announced, refused or unknown: whatever it is, it tells nothing.
        if let Err(error) = tokens.refresh(&server, &request, NOW).await {
            ledger.error(error);
        }
        if let Err(error) = tokens.refresh(&unannounced(world), &request, NOW).await {
            ledger.error(error);
        }
        let revoked = tokens.revoke_refresh_token(&server, &token, NOW).await;
        if let Err(error) = revoked {
            ledger.error(error);
        }
    }
    for (_, body) in world.http.bodies.lock().unwrap().iter() {
        if let Some(assertion) = parameters(body).get("client_assertion") {
            ledger.token("the client assertion", assertion);
        }
    }
}

/// The same server, of which nobody knows how clients authenticate there.
fn unannounced(world: &World) -> AuthorizationServer {
    let client = ClientConfig::public(
        ClientId::new(DEFAULT_CLIENT_ID),
        RedirectUri::new(REDIRECT_URI),
    );
    let launch = Launch::standalone(&world.trusted, &client).begin(backend::all()[0], NOW);
    launch.unwrap().pending.context().authorization_server()
}

fn forged(world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let mut claims = json!({
        "iss": world.ehr.issuer(), "sub": SUBJECT, "aud": DEFAULT_CLIENT_ID,
        "exp": NOW.as_secs() + 300, "iat": NOW.as_secs() + 1, "nonce": "nonce-of-the-forger",
        "name": NAME, "fhirUser": format!("{}/Patient/{USER_ID}", world.ehr.fhir_base()),
    });
    change(&mut claims);
    claims
}

/// A verifier that trusts the forged issuer.
fn forge_verifier(world: &World, provider: &CryptoProvider) -> IdTokenVerifier {
    let issuer = Issuer::parse_with(world.ehr.issuer().as_str(), PlainHttp::LoopbackOnly);
    let jwks = Forge::issuer().jwks().to_string();
    let keys = JwkSet::parse(jwks.as_bytes(), provider).unwrap();
    let client_id = ClientId::new(DEFAULT_CLIENT_ID);
    let accepted = Algorithms::ID_TOKEN;
    IdTokenVerifier::with_static_keys(&issuer.unwrap(), client_id, accepted, keys, provider)
}

/// Tokens with everything wrong that can be: each error and each report is looked at.
async fn refused_tokens(world: &World, provider: &CryptoProvider, ledger: &mut Ledger) {
    let verifier = forge_verifier(world, provider);
    let nonce = Nonce::new("nonce-that-was-sent");
    ledger.secret("a nonce", "nonce-that-was-sent");
    ledger.secret("a nonce", "nonce-of-the-forger");
    let access_token = AccessToken::new("access-token-of-a-forged-launch");
    ledger.secret("an access token", "access-token-of-a-forged-launch");
    let changes: [fn(&mut Value); 12] = [
        |_| {},
        |it| it["nonce"] = json!("nonce-that-was-sent"),
        |it| it["sub"] = json!(format!("{SUBJECT}-Zoë")),
        |it| it["sub"] = json!([SUBJECT]),
        |it| it["nonce"] = json!({"nonce": "nonce-of-the-forger"}),
        |it| it["at_hash"] = json!("hash-of-somebody-elses-token"),
        |it| it["exp"] = json!(1),
        |it| it["fhirUser"] = json!(format!("https://evil.example/Patient/{USER_ID}")),
        |it| it["fhirUser"] = json!(format!("Patient/{USER_ID}/_history/1")),
        |it| it["fhirUser"] = json!([USER_ID]),
        |it| it["name"] = json!({"name": NAME}),
        |it| *it = json!([SUBJECT, NAME]),
    ];
    for change in changes {
        let claims = forged(world, change);
        let text = Forge::issuer().token("RS256", &claims);
        ledger.token("a forged token", &text);
        let raw = RawIdToken::new(text);
        for expected in [
            Expected::nonce(&nonce).with_access_token(&access_token),
            Expected::no_nonce_sent(),
        ] {
            let report = verifier.explain(&raw, &expected, NOW).await;
            ledger.debug(&report);
            ledger.shown.push(serde_json::to_string(&report).unwrap());
            match verifier.verify(&raw, &expected, NOW).await {
                Err(error) => ledger.error(error),
                Ok(token) => {
                    ledger.debug(&token);
                    if let Err(error) = token.fhir_user(world.trusted.fhir_base()) {
                        ledger.error(error);
                    }
                }
            }
        }
    }
}

/// Refreshes that renew, that slip, and that change the user.
async fn refreshes(world: &World, provider: &CryptoProvider, ledger: &mut Ledger) {
    let verifier = forge_verifier(world, provider);
    let first = forged(world, |it| {
        it["iat"] = json!(NOW.as_secs() - 100);
        it["nonce"] = Value::Null;
    });
    let raw = |ledger: &mut Ledger, claims: &Value| {
        let text = Forge::issuer().token("RS256", claims);
        ledger.token("a token", &text);
        RawIdToken::new(text)
    };
    let first = raw(ledger, &first);
    let first = verifier
        .verify(&first, &Expected::no_nonce_sent(), NOW)
        .await;
    let first = first.unwrap().continuity();
    ledger.debug(&first);
    let access_token = AccessToken::new("access-token-of-the-refresh");
    ledger.secret("an access token", "access-token-of-the-refresh");
    ledger.secret("another subject", "subject-of-somebody-else");
    let changes: [fn(&mut Value); 3] = [
        |it| it["nonce"] = Value::Null,
        |it| {
            it["nonce"] = Value::Null;
            it["exp"] = json!(1);
        },
        |it| it["sub"] = json!("subject-of-somebody-else"),
    ];
    let mut outcomes = Vec::new();
    for change in changes {
        let token = raw(ledger, &forged(world, change));
        let judged = verifier
            .verify_refreshed(&token, &first, &access_token, NOW)
            .await;
        outcomes.push(match &judged {
            Ok(Refreshed::Renewed(_)) => "renewed",
            Ok(_) => "same user",
            Err(_) => "refused",
        });
        match judged {
            Ok(refreshed) => ledger.debug(&refreshed),
            Err(error) => ledger.error(error),
        }
    }
    assert_eq!(outcomes, ["renewed", "same user", "refused"]);
}

/// The server's side: what it grants, and what it refuses to issue.
fn issuing(provider: &CryptoProvider, ledger: &mut Ledger) {
    let pem = fixture::text("keys/issuer-rsa-2048.pem");
    for line in pem.lines().filter(|it| !it.starts_with('-')) {
        ledger.secret("a private key", line);
    }
    let key = PrivateKey::from_pem(&pem, provider).unwrap();
    ledger.debug(&key);
    let key = provider.signing_key(&key, Algorithm::RS256).unwrap();
    let signer = Signer::new("key", key, provider).unwrap();
    ledger.debug(&signer);
    let minutes = std::time::Duration::from_secs(300);
    let schedule = RotationSchedule::new(minutes, minutes).unwrap();
    let keys = KeyRing::new(schedule, signer, NOW).unwrap();
    ledger.debug(&keys);
    let issuer = Issuer::parse("https://ehr.example").unwrap();
    let issuer = IdTokenIssuer::new(issuer, provider);
    let client = RegisteredClient::new(ClientId::new("app"));
    let (token, nonce) = (
        AccessToken::new("access-token-of-a-grant"),
        Nonce::new("nonce-of-a-grant"),
    );
    ledger.secret("an access token", "access-token-of-a-grant");
    ledger.secret("a nonce", "nonce-of-a-grant");
    let scopes = ["openid".to_owned()];
    let grant = Grant::new(&client, SUBJECT, &scopes, &token)
        .with_nonce(&nonce)
        .with_name(NAME);
    ledger.debug(&grant);
    let issued = issuer.issue(&grant, &keys, NOW).unwrap();
    ledger.token("an issued token", issued.expose_secret());
    ledger.debug(&issued);
    let unnamed = format!("{SUBJECT}-Zoë");
    let refused = Grant::new(&client, &unnamed, &scopes, &token).with_nonce(&nonce);
    ledger.error(issuer.issue(&refused, &keys, NOW).map(drop).unwrap_err());
}

// covers: OIDC-KEY-8, SMART-TOK-16
#[test]
fn adv_no_secret_in_debug_nor_in_any_log_of_a_whole_sign_in() {
    listen();
    for provider in backend::all() {
        let mut ledger = Ledger::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(sign_in(provider, &mut ledger));
        runtime.block_on(web::sign_in(provider, &mut ledger));
        issuing(provider, &mut ledger);
        ledger.settle();
    }
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    // It did listen: to ours, and to the crates below.
    for heard in [
        "smart_discovery",
        "smart_oidc",
        "smart_axum",
        "hyper",
        "id-token",
        "refused",
    ] {
        assert!(log.contains(heard), "{heard} was not heard");
    }
}
