//! Every fault that the sandbox plays, against our own client over HTTP: what comes of it, and that
//! nothing is asked of anybody else on the way.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, FixedClock, HttpClient, Issuer, IssuerRegistry, PlainHttp,
    ReqwestClient, TransportError, TrustedIssuer,
};
use smart_oidc::flow::{EhrLaunch, LaunchFlow, Registrations, SignedIn};
use smart_oidc::id_token::Refreshed;
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, Algorithms, JwkSet, UnixTime};
use smart_oidc::profile::FhirProfileSource;
use smart_oidc::userinfo::UserInfoClient;
use smart_oidc::{
    AccessToken, AssertionSigner, ClientAuthentication, ClientConfig, ClientId, IdTokenVerifier,
    MemoryStore, ProfileRequest, RawIdToken, RedirectUri, UserProfile,
};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, LaunchContext, RedirectRule, Sandbox, StartError,
    Times,
};
use smart_tests::fixture;
use smart_tests::forge::Forge;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::provider;
use crate::wire::Wire;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CALLBACK: &str = "http://127.0.0.1:8765/callback";

/// What a client here waits for an answer in all: long enough for a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// And what it waits for an answer that will not have come by then, however fast the machine is: late
/// answers take ten seconds, and dripping ones have no end.
const SHORT_LIMIT: Duration = Duration::from_millis(200);

/// So many launches go on at a time.
const AT_ONCE: usize = 6;

/// Without an end, but counted.
const OFTEN: Times = Times::So(u32::MAX);

/// Faults that are about one algorithm.
const OF_ES256: [&str; 4] = [
    "psychic-signature",
    "psychic-signature-of-the-order",
    "signature-in-der",
    "key-off-the-curve",
];

/// Faults of each place, by how their names begin: the path, and what the request of it has in its body.
const PLACES: [(&str, &str, &str); 8] = [
    ("smart-configuration-", "smart-configuration", ""),
    ("openid-configuration-", "openid-configuration", ""),
    ("jwks-", "/oidc/jwks", ""),
    ("token-", "/oidc/token", "grant_type=authorization_code"),
    ("refresh-", "/oidc/token", "grant_type=refresh_token"),
    ("resource-", "/fhir/Practitioner/", ""),
    ("userinfo-", "/oidc/userinfo", ""),
    ("revocation-", "/oidc/revoke", ""),
];

/// The requests whose answers do not come in time.
#[derive(Clone, Copy)]
struct Slow {
    path: &'static str,
    body: &'static str,
}

impl Slow {
    fn of(fault: &str) -> Option<Self> {
        let is_slow = fault.ends_with("-late") || fault.ends_with("-dripping");
        let place = PLACES.iter().find(|it| is_slow && fault.starts_with(it.0));
        place.map(|(_, path, body)| Self { path, body })
    }

    fn is(self, request: &Request<Bytes>) -> bool {
        let body = std::str::from_utf8(request.body()).unwrap();
        request.uri().path().contains(self.path) && body.contains(self.body)
    }
}

/// What sends for all, since each takes a while to be made.
#[derive(Clone)]
struct Clients {
    patient: ReqwestClient,
    hasty: ReqwestClient,
}

impl Clients {
    fn new() -> Self {
        let client = |limit| {
            let client = ReqwestClient::builder().allow_loopback();
            client.total_timeout(limit).build().unwrap()
        };
        Self {
            patient: client(LIMIT),
            hasty: client(SHORT_LIMIT),
        }
    }
}

/// Whether the fault that is played often was. One that is not played at all is not waited for.
fn is_played(ehr: &Sandbox) -> bool {
    ehr.playing().first().is_none_or(|it| it.1 != OFTEN)
}

/// Sends, and keeps the names of all others who would have been asked.
struct Watched {
    clients: Clients,
    ehr: Arc<Sandbox>,
    slow: Option<Slow>,
    home: String,
    others: Mutex<BTreeSet<String>>,
    wire: Wire,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

#[async_trait]
impl HttpClient for Watched {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let authority = request.uri().authority().unwrap().to_string();
        if authority != self.home {
            assert!(request.headers().get("authorization").is_none());
            let mut others = self.others.lock().unwrap();
            others.insert(authority);
        }
        let name = self.wire.asked(&request);
        let answer = self.get(request).await;
        if let Ok(answer) = &answer {
            self.wire.answered(&name, answer);
        }
        answer
    }
}

impl Watched {
    async fn get(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        match self.slow {
            Some(slow) if slow.is(&request) => loop {
                let answer = self.clients.hasty.send(request.clone()).await;
                // On a busy machine the time may be over before the server has heard of it.
                if is_played(&self.ehr) {
                    break answer;
                }
            },
            _ => self.clients.patient.send(request).await,
        }
    }
}

/// An EHR that plays one fault, and an app that signs a user in.
struct World {
    ehr: Arc<Sandbox>,
    is_ehr_launch: bool,
    clock: Arc<FixedClock>,
    base: FhirBaseUrl,
    http: Arc<Watched>,
    flow: LaunchFlow,
    found: Vec<String>,
}

impl World {
    /// `name` is the one of the fault, and there is none in a launch as it usually goes.
    async fn new(
        name: &str,
        fault: Option<&'static Fault>,
        algorithm: Algorithm,
        clients: Clients,
    ) -> Result<Self, StartError> {
        let app = ClientRegistration::default();
        let authentication = ClientAuthentication::Public;
        Self::of(name, fault, algorithm, clients, (app, authentication)).await
    }

    /// With an app that authenticates.
    async fn of(
        name: &str,
        fault: Option<&'static Fault>,
        algorithm: Algorithm,
        clients: Clients,
        (app, authentication): (ClientRegistration, ClientAuthentication),
    ) -> Result<Self, StartError> {
        let clock = Arc::new(FixedClock::at(NOW));
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let mut builder = builder.algorithm(algorithm).register_client(app);
        if let Some(fault) = fault {
            builder = builder.fault(fault, OFTEN);
        }
        let ehr = Arc::new(builder.start().await?);
        let is_ehr_launch = name.starts_with("launch-");
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let http = Arc::new(Watched {
            clients,
            ehr: ehr.clone(),
            slow: Slow::of(name),
            home: ehr.local_addr().to_string(),
            others: Mutex::default(),
            wire: Wire::new(&ehr.local_addr().to_string()),
        });
        let (id, callback) = (ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(CALLBACK));
        let client = ClientConfig::confidential(id, callback, authentication)
            .with_scope("offline_access")
            .with_scope("patient/*.rs")
            .with_scope(match is_ehr_launch {
                true => "launch",
                false => "launch/patient",
            });
        let registered = Registrations::new().with(base.clone(), client).unwrap();
        let discovery = Discovery::new(http.clone()).allow_loopback_http();
        let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let flow = LaunchFlow::new(
            registered,
            issuers,
            http.clone(),
            provider(),
            clock.clone(),
            store,
        );
        Ok(Self {
            ehr,
            is_ehr_launch,
            clock,
            base,
            http,
            flow,
            found: Vec::new(),
        })
    }

    fn note(&mut self, step: &str, code: &str) {
        self.found.push(format!("{step}: {code}"));
    }

    /// Signs in, reads who it is, and refreshes: what is odd about each step, or where it ended.
    async fn live(mut self) -> Self {
        if let Some(signed_in) = self.sign_in().await {
            self.look(&signed_in).await;
            self.refresh(&signed_in).await;
            self.sign_out(&signed_in).await;
        }
        // A client that goes on has met it too.
        if !is_played(&self.ehr) {
            self.note("fault", "never played");
        }
        let others = self.http.others.lock().unwrap().clone();
        for other in others {
            self.note("asked", &other);
        }
        self
    }

    async fn sign_in(&mut self) -> Option<SignedIn> {
        let begun = match self.is_ehr_launch {
            true => {
                let open = LaunchContext::new().patient("p-2");
                let launch = self.ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
                self.http.wire.said("iss of the launch", &launch.iss);
                let url = launch.url("https://app.example/launch");
                let launch = EhrLaunch::parse(url.split_once('?').unwrap().1).unwrap();
                self.flow.begin_from_ehr(launch).await
            }
            false => self.flow.begin_standalone(&self.base).await,
        };
        let (request, binding) = begun
            .map_err(|error| self.note("begin", error.code()))
            .ok()?;
        let request = Request::get(request.url()).body(Bytes::new()).unwrap();
        let response = self.http.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(CALLBACK).unwrap();
        let query = query.strip_prefix('?').unwrap();
        let signed_in = self.flow.complete(query, &binding).await;
        signed_in
            .map_err(|error| self.note("complete", error.code()))
            .ok()
    }

    async fn look(&mut self, signed_in: &SignedIn) {
        let discovery = Discovery::new(self.http.clone()).allow_loopback_http();
        let trace = discovery.trace(&self.base).await;
        let findings = trace.steps.iter().flat_map(|it| &it.findings);
        for finding in findings {
            self.note("discovery", finding.code);
        }
        for finding in &signed_in.findings {
            self.note("tokens", finding.code);
        }
        if signed_in.session.context().patient.is_none() {
            self.note("patient", "none");
        }
        let id_token = signed_in.id_token.as_ref().unwrap();
        for finding in id_token.findings() {
            self.note("id token", finding.code);
        }
        for (_, finding) in self.keys().await.findings() {
            self.note("keys", &format!("{finding:?}"));
        }
        let access_token = signed_in.session.access_token();
        let request = ProfileRequest::new(id_token, &self.base, access_token);
        let request = request.fhir_user_was_granted();
        let source = FhirProfileSource::new(self.http.clone());
        let profile = UserProfile::load(&request, &source, self.clock.now()).await;
        if let Err(error) = &profile.resource {
            self.note("profile", error.code());
        }
        let trusted = trace.outcome.unwrap();
        if let Some(code) = self.userinfo(&trusted, signed_in).await {
            self.note("userinfo", code);
        }
    }

    async fn userinfo(
        &self,
        trusted: &TrustedIssuer,
        signed_in: &SignedIn,
    ) -> Option<&'static str> {
        let id_token = signed_in.id_token.as_ref().unwrap();
        let verifier = self.verifier(trusted.issuer()).await;
        let client = UserInfoClient::new(self.http.clone(), trusted, verifier).unwrap();
        let access_token = signed_in.session.access_token();
        let told = client.fetch(id_token, access_token, self.clock.now()).await;
        told.err().map(|it| it.code())
    }

    async fn verifier(&self, issuer: &Issuer) -> IdTokenVerifier {
        IdTokenVerifier::with_static_keys(
            issuer,
            ClientId::new(DEFAULT_CLIENT_ID),
            Algorithms::ID_TOKEN,
            self.keys().await,
            provider(),
        )
    }

    /// What the EHR publishes, if it does.
    async fn keys(&self) -> JwkSet {
        let url = format!("{}/jwks", self.ehr.issuer());
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let answer = self.http.send(request).await;
        answer.map_or_else(
            |_| JwkSet::from_keys(Vec::new(), provider()),
            |it| JwkSet::parse(it.body(), provider()).unwrap(),
        )
    }

    /// Asks for the session when its access token is over, and once more: then when the next one is
    /// over too, where there is a next one.
    async fn refresh(&mut self, before: &SignedIn) {
        let Some(end) = before.session.access_ends_at() else {
            return self.note("access", "without end");
        };
        let life = Duration::from_secs(end.as_secs() - self.clock.now().as_secs());
        self.clock.advance(life);
        let mut former = before.session.access_token().expose_secret().to_owned();
        for again in ["refresh", "refresh again"] {
            match self.flow.session(&before.id).await {
                Ok(session) => {
                    assert_eq!(session.user_key(), before.session.user_key());
                    let access_token = session.access_token().expose_secret().to_owned();
                    assert_ne!(access_token, former);
                    former = access_token;
                    self.judge_refreshed(again, before).await;
                    self.clock.advance(life);
                }
                Err(error) => self.note(again, error.code()),
            }
        }
    }

    /// What a verifier says of the ID token that a refresh brought: the session goes on without it
    /// where it is refused.
    async fn judge_refreshed(&mut self, again: &str, before: &SignedIn) {
        let told = self.http.wire.refreshed();
        let Some(id_token) = told["id_token"].as_str() else {
            return;
        };
        let access_token = AccessToken::new(told["access_token"].as_str().unwrap());
        let first = before.id_token.as_ref().unwrap();
        let verifier = self.verifier(before.session.issuer()).await;
        let (id_token, first) = (RawIdToken::new(id_token), first.continuity());
        let judged = verifier.verify_refreshed(&id_token, &first, &access_token, self.clock.now());
        match judged.await.unwrap() {
            Refreshed::Renewed(_) => {}
            Refreshed::SameUser { error, .. } => {
                self.note(&format!("ID token of the {again}"), error.code());
            }
            other => panic!("{other:?}"),
        }
    }

    /// Signs out, whatever became of the session: it is over then in any case.
    async fn sign_out(&mut self, before: &SignedIn) {
        let signed_out = self.flow.sign_out(&before.id).await.unwrap();
        let failed: BTreeSet<&str> = signed_out.not_revoked.iter().map(|it| it.code()).collect();
        for code in failed {
            self.note("sign-out", code);
        }
        assert!(self.flow.session(&before.id).await.is_err());
    }
}

/// What comes of each fault: where the sign-in ends and with which code or, where it goes on, what is
/// odd about it. Nothing at all means that a client goes on and need not notice.
const ROWS: &[(&str, &[&str])] = &[
    (
        "launch-of-another-server",
        &["begin: launch-not-registered"],
    ),
    ("launch-of-a-twin", &["begin: launch-not-registered"]),
    ("launch-inside", &["begin: launch-not-registered"]),
    ("launch-of-a-file", &["begin: launch-not-registered"]),
    ("launch-with-slash", &[]),
    ("smart-configuration-absent", &["begin: document-status"]),
    ("smart-configuration-failing", &["begin: document-status"]),
    ("smart-configuration-page", &["begin: document-html"]),
    ("smart-configuration-broken", &["begin: document-json"]),
    ("smart-configuration-huge", &["begin: http-body-too-long"]),
    ("smart-configuration-deep", &["begin: document-json"]),
    ("smart-configuration-moved", &["begin: document-redirect"]),
    ("smart-configuration-late", &["begin: http-timeout"]),
    ("openid-configuration-absent", &["begin: document-status"]),
    ("openid-configuration-page", &["begin: document-html"]),
    ("openid-configuration-moved", &["begin: document-redirect"]),
    ("openid-issuer-differs", &["begin: issuer-mismatch"]),
    ("openid-issuer-one-longer", &["begin: issuer-mismatch"]),
    ("openid-issuer-with-slash", &["complete: callback-issuer"]),
    ("openid-issuer-template", &["begin: issuer-template"]),
    ("smart-without-issuer", &["begin: document-status"]),
    ("smart-issuer-nowhere", &["begin: document-status"]),
    (
        "smart-issuer-inside",
        &["begin: http-address", "asked: 169.254.169.254"],
    ),
    ("smart-issuer-not-https", &["begin: url-not-https"]),
    ("token-endpoint-not-https", &["begin: document-url"]),
    ("authorization-endpoint-script", &["begin: document-url"]),
    ("no-token-endpoint", &["begin: document-json"]),
    ("jwks-uri-file", &["begin: document-url"]),
    (
        "jwks-uri-inside",
        &["complete: http-address", "asked: 169.254.169.254"],
    ),
    ("jwks-uris-disagree", &["discovery: jwks-uri-differs"]),
    ("algorithms-narrowed", &["complete: alg-not-accepted"]),
    ("algorithms-widened", &["discovery: algorithms-unknown"]),
    ("algorithms-missing", &["discovery: algorithms-missing"]),
    ("callback-other-state", &["complete: launch-unknown"]),
    ("callback-without-state", &["complete: callback-missing"]),
    ("callback-of-another-issuer", &["complete: callback-issuer"]),
    ("callback-without-issuer", &["complete: callback-issuer"]),
    ("callback-two-codes", &["complete: callback-duplicate"]),
    ("callback-without-code", &["complete: callback-missing"]),
    ("callback-other-code", &["complete: token-refused"]),
    ("callback-denied", &["complete: callback-denied"]),
    ("token-failing", &["complete: token-status"]),
    ("token-busy", &["complete: token-status"]),
    ("token-page", &["complete: token-html"]),
    ("token-broken", &["complete: token-json"]),
    ("token-huge", &["complete: http-body-too-long"]),
    ("token-deep", &["complete: token-json"]),
    ("token-moved", &["complete: token-status"]),
    ("token-late", &["complete: http-timeout"]),
    ("token-invalid-client", &["complete: token-refused"]),
    ("token-invalid-grant", &["complete: token-refused"]),
    ("token-error-as-success", &["complete: token-member"]),
    ("token-without-access-token", &["complete: token-member"]),
    ("token-with-line-break", &["complete: token-member"]),
    ("token-type-mac", &["complete: token-type"]),
    ("token-type-lower-case", &[]),
    ("token-without-id-token", &["complete: token-no-id-token"]),
    ("token-life-as-text", &["tokens: expires-in-string"]),
    (
        "token-without-life",
        &["tokens: expires-in-missing", "access: without end"],
    ),
    ("token-without-scope", &["tokens: scope-missing"]),
    ("token-of-more-scope", &["tokens: scope-unasked"]),
    ("patient-as-number", &["complete: context-type"]),
    (
        "patient-missing",
        &["tokens: patient-missing", "patient: none"],
    ),
    ("patient-of-a-path", &["complete: context-id"]),
    ("encrypted", &["complete: jws-encrypted"]),
    ("json-serialisation", &["complete: jws-json-serialization"]),
    ("many-dots", &["complete: jws-segment-count"]),
    ("long-token", &["complete: jws-too-long"]),
    ("no-token-at-all", &["complete: jws-segment-count"]),
    ("alg-none", &["complete: jws-empty-segment"]),
    ("alg-none-odd-case", &["complete: jws-empty-segment"]),
    ("alg-none-with-signature", &["complete: alg-unsupported"]),
    ("alg-missing", &["complete: alg-missing"]),
    ("hs256-public-pem", &["complete: alg-unsupported"]),
    ("hs256-public-der", &["complete: alg-unsupported"]),
    ("hs256-public-jwk", &["complete: alg-unsupported"]),
    ("hs256-empty-secret", &["complete: alg-unsupported"]),
    ("wrong-signature", &["complete: jws-bad-signature"]),
    ("wrong-payload", &["complete: jws-bad-signature"]),
    (
        "wrong-signature-and-expired",
        &["complete: jws-bad-signature"],
    ),
    ("empty-signature", &["complete: jws-empty-segment"]),
    ("psychic-signature", &["complete: jws-bad-signature"]),
    ("another-algorithm", &["complete: alg-not-accepted"]),
    ("unknown-kid", &["complete: key-unknown-retry"]),
    ("kid-of-a-path", &["complete: key-unknown-retry"]),
    ("no-kid", &[]),
    ("embedded-key", &["complete: key-unknown-retry"]),
    ("embedded-key-url", &["complete: key-unknown-retry"]),
    ("kid-of-an-attacker", &["complete: jws-bad-signature"]),
    ("short-signature", &["complete: jws-bad-signature"]),
    ("long-signature", &["complete: jws-bad-signature"]),
    ("signature-in-der", &["complete: jws-bad-signature"]),
    ("unknown-crit", &["complete: header-crit"]),
    ("empty-crit", &["complete: header-crit"]),
    ("crit-of-a-usual-name", &["complete: header-crit"]),
    ("unencoded-payload", &["complete: header-b64"]),
    ("compressed", &["complete: header-zip"]),
    ("typ-access-token", &["complete: id-token-type"]),
    ("typ-logout-token", &["complete: id-token-type"]),
    ("nested", &["complete: header-nested"]),
    ("header-twice", &["complete: header-json"]),
    ("claim-twice", &["complete: claims-json"]),
    ("padded-signature", &["complete: jws-base64"]),
    ("white-space", &["complete: jws-base64"]),
    ("wrong-issuer", &["complete: claim-issuer"]),
    ("issuer-one-longer", &["complete: claim-issuer"]),
    ("issuer-with-slash", &["complete: claim-issuer"]),
    ("issuer-upper-case", &["complete: claim-issuer"]),
    ("issuer-prefix-twin", &["complete: claim-issuer"]),
    ("issuer-array", &["complete: claim-type"]),
    ("no-issuer", &["complete: claim-missing"]),
    ("wrong-audience", &["complete: claim-audience"]),
    ("audience-one-longer", &["complete: claim-audience"]),
    ("further-audience", &["complete: claim-audience-untrusted"]),
    ("empty-audience", &["complete: claim-audience"]),
    ("no-audience", &["complete: claim-missing"]),
    ("null-audience", &["complete: claim-type"]),
    ("wrong-authorized-party", &["complete: id-token-azp"]),
    ("no-nonce", &["complete: claim-missing"]),
    ("other-nonce", &["complete: id-token-nonce-mismatch"]),
    ("nonce-one-longer", &["complete: id-token-nonce-mismatch"]),
    ("empty-nonce", &["complete: id-token-nonce-mismatch"]),
    ("nonce-declared-off", &["complete: claim-missing"]),
    ("expired", &["complete: claim-expired"]),
    ("expired-just-now", &[]),
    ("issued-in-future", &["complete: claim-issued-in-future"]),
    ("not-yet-valid", &["complete: claim-not-yet-valid"]),
    ("no-expiry", &["complete: claim-missing"]),
    ("expiry-as-text", &["complete: claim-type"]),
    ("expiry-in-milliseconds", &["complete: claim-date-range"]),
    ("expiry-without-bound", &["complete: claim-date-range"]),
    ("expiry-negative", &["complete: claim-date-range"]),
    ("no-issue-time", &["complete: claim-missing"]),
    ("no-subject", &["complete: claim-missing"]),
    ("empty-subject", &["complete: id-token-subject"]),
    ("long-subject", &["complete: id-token-subject"]),
    ("numeric-subject", &["complete: claim-type"]),
    ("wrong-access-token-hash", &["complete: id-token-at-hash"]),
    (
        "access-token-hash-one-longer",
        &["complete: id-token-at-hash"],
    ),
    ("deep-claim", &["complete: claims-json"]),
    ("unknown-claim", &[]),
    (
        "fhir-user-on-another-host",
        &["profile: fhir-user-off-base"],
    ),
    ("fhir-user-on-a-twin-host", &["profile: fhir-user-off-base"]),
    (
        "fhir-user-with-user-information",
        &["profile: fhir-user-form"],
    ),
    ("fhir-user-with-dot-segments", &["profile: fhir-user-form"]),
    ("fhir-user-with-a-query", &["profile: fhir-user-form"]),
    ("fhir-user-of-another-type", &["profile: fhir-user-type"]),
    ("fhir-user-relative", &[]),
    ("fhir-user-number", &["profile: fhir-user-wrong-type"]),
    ("no-fhir-user", &["profile: fhir-user-missing"]),
    ("rotation-before-signing", &[]),
    ("replacement-before-signing", &[]),
    ("key-withdrawn", &["complete: key-unknown-retry"]),
    (
        "key-changed-under-its-name",
        &["complete: jws-bad-signature"],
    ),
    ("keys-without-names", &["complete: key-unknown-retry"]),
    (
        "nameless-key-of-each-kind",
        &["complete: key-unknown-retry"],
    ),
    (
        "nameless-keys-of-each-kind",
        &["complete: key-unknown-retry"],
    ),
    ("keys-of-unknown-types-beside", &[]),
    ("jwks-late", &["complete: http-timeout"]),
    ("jwks-huge", &["complete: http-body-too-long"]),
    ("jwks-many-keys", &["complete: jwks-too-many"]),
    ("jwks-deep", &["complete: key-unknown-retry"]),
    ("jwks-broken", &["complete: jwks-json"]),
    ("jwks-page", &["complete: document-html"]),
    ("jwks-failing", &["complete: document-status"]),
    ("jwks-moved", &["complete: document-redirect"]),
    ("jwks-moved-inside", &["complete: document-redirect"]),
    ("jwks-empty", &["complete: key-unknown-retry"]),
    ("jwks-single-key", &["complete: jwks-bare-jwk"]),
    ("jwks-of-certificates", &["complete: jwks-certificate-map"]),
    ("key-for-encryption", &["complete: key-unknown-retry"]),
    ("key-for-signing-only", &["complete: key-unknown-retry"]),
    ("key-of-another-algorithm", &["complete: key-unknown-retry"]),
    ("key-with-private-half", &["complete: key-unknown-retry"]),
    ("key-too-short", &["complete: key-unknown-retry"]),
    ("key-too-long", &["complete: key-unknown-retry"]),
    ("key-of-giant-exponent", &["complete: key-unknown-retry"]),
    ("keys-of-one-name", &["complete: key-ambiguous"]),
    ("symmetric-key", &["complete: key-unknown-retry"]),
    ("padded-key", &["keys: PaddedBase64"]),
    (
        "refresh-token-reused",
        &["refresh: session-over", "refresh again: session-over"],
    ),
    (
        "refresh-failing",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-moved",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-of-another-subject",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-of-another-issuer",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-subject-one-longer",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-issuer-one-longer",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-wrong-signature",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-other-nonce",
        &[
            "refresh: refresh-identity-changed",
            "refresh again: session-lost",
        ],
    ),
    (
        "refresh-without-audience",
        &[
            "ID token of the refresh: claim-missing",
            "ID token of the refresh again: claim-missing",
        ],
    ),
    ("refresh-not-rotated", &[]),
    ("refresh-without-id-token", &[]),
    (
        "refresh-of-another-patient",
        &[
            "refresh: session-patient-changed",
            "refresh again: session-patient-changed",
        ],
    ),
    ("resource-refused", &["profile: profile-unauthorized"]),
    ("resource-forbidden", &["profile: profile-forbidden"]),
    ("resource-absent", &["profile: profile-not-found"]),
    ("resource-moved", &["profile: profile-redirect"]),
    ("resource-page", &["profile: profile-content-type"]),
    ("resource-broken", &["profile: profile-json"]),
    ("resource-huge", &["profile: http-body-too-long"]),
    ("resource-deep", &["profile: profile-json"]),
    ("resource-late", &["profile: http-timeout"]),
    (
        "resource-of-somebody-else",
        &["profile: profile-other-resource"],
    ),
    (
        "resource-of-another-type",
        &["profile: profile-other-resource"],
    ),
    (
        "userinfo-of-somebody-else",
        &["userinfo: userinfo-other-subject"],
    ),
    (
        "userinfo-subject-one-longer",
        &["userinfo: userinfo-other-subject"],
    ),
    ("userinfo-without-subject", &["userinfo: claim-missing"]),
    ("userinfo-page", &["userinfo: userinfo-content-type"]),
    ("userinfo-moved", &["userinfo: userinfo-status"]),
    ("access-token-hash-number", &["complete: claim-type"]),
    ("alg-empty", &["complete: alg-unsupported"]),
    ("alg-list", &["complete: header-type"]),
    ("alg-lower-case", &["complete: alg-unsupported"]),
    ("alg-none-with-a-space", &["complete: alg-unsupported"]),
    ("alg-null", &["complete: header-type"]),
    ("alg-number", &["complete: header-type"]),
    (
        "algorithm-of-another-key-type",
        &["complete: alg-not-accepted"],
    ),
    ("audience-object", &["complete: claim-type"]),
    ("audience-of-a-part", &["complete: claim-audience"]),
    ("audience-of-lists", &["complete: claim-type"]),
    (
        "authentication-methods-emptied",
        &["discovery: auth-methods-empty"],
    ),
    ("callback-code-and-error", &["complete: callback-denied"]),
    ("callback-error-of-markup", &["complete: callback-denied"]),
    ("callback-two-states", &["complete: callback-duplicate"]),
    ("claims-with-a-lone-surrogate", &["complete: claims-json"]),
    ("claims-with-nan", &["complete: claims-json"]),
    ("crit-not-a-list", &["complete: header-crit"]),
    ("crit-with-its-extension", &["complete: header-crit"]),
    ("deep-header", &["complete: header-json"]),
    ("embedded-certificate", &["complete: key-unknown-retry"]),
    ("encrypted-with-a-password", &["complete: jws-encrypted"]),
    (
        "expiry-in-year-ten-thousand",
        &["complete: claim-date-range"],
    ),
    ("expiry-largest", &["complete: claim-date-range"]),
    ("expiry-null", &["complete: claim-type"]),
    ("expiry-tiny", &["complete: claim-expired"]),
    ("expiry-true", &["complete: claim-type"]),
    ("expiry-zero", &["complete: claim-expired"]),
    (
        "fhir-user-in-percent-encoding",
        &["profile: fhir-user-form"],
    ),
    ("fhir-user-of-history", &["profile: fhir-user-form"]),
    (
        "fhir-user-on-another-port",
        &["profile: fhir-user-off-base"],
    ),
    ("fhir-user-script", &["profile: fhir-user-form"]),
    ("header-with-a-mark", &["complete: header-json"]),
    ("hs256-modulus", &["complete: alg-unsupported"]),
    (
        "hs256-public-pem-after-a-space",
        &["complete: alg-unsupported"],
    ),
    ("hs256-public-pem-crlf", &["complete: alg-unsupported"]),
    ("id-token-as-object", &["complete: token-member"]),
    ("issue-time-as-text", &["complete: claim-type"]),
    ("issuer-null", &["complete: claim-type"]),
    ("issuer-with-a-query", &["complete: claim-issuer"]),
    ("issuer-with-user-information", &["complete: claim-issuer"]),
    (
        "json-serialisation-unprotected",
        &["complete: jws-json-serialization"],
    ),
    (
        "json-serialisation-without-signatures",
        &["complete: jws-json-serialization"],
    ),
    ("jwks-already-old", &[]),
    ("jwks-as-text", &[]),
    ("jwks-beside-nonsense", &[]),
    ("jwks-busy-for-ever", &["complete: document-status"]),
    ("jwks-cut-off", &["complete: http-exchange"]),
    ("jwks-dripping", &["complete: http-timeout"]),
    ("jwks-endless", &["complete: http-body-too-long"]),
    ("jwks-in-utf-16", &["complete: jwks-json"]),
    ("jwks-member-twice", &["complete: jwks-duplicate-member"]),
    ("jwks-moved-in-a-circle", &["complete: document-redirect"]),
    ("jwks-moved-to-loopback", &["complete: document-redirect"]),
    ("jwks-nothing", &["complete: document-status"]),
    ("jwks-of-many-headers", &["complete: http-exchange"]),
    ("jwks-of-nothing-usable", &["complete: key-unknown-retry"]),
    ("jwks-packed", &["complete: document-encoding"]),
    ("jwks-uri-data", &["begin: document-url"]),
    ("jwks-uri-inside-in-decimal", &["begin: document-url"]),
    ("jwks-uri-not-https", &["begin: document-url"]),
    ("jwks-uri-with-user-information", &["begin: document-url"]),
    ("jwks-with-a-giant-number", &[]),
    ("jwks-with-a-mark", &["complete: jwks-json"]),
    ("jwks-with-a-tail", &["complete: jwks-json"]),
    ("jwks-with-nan", &["complete: jwks-json"]),
    ("key-of-even-exponent", &["complete: key-unknown-retry"]),
    ("key-of-even-modulus", &["complete: key-unknown-retry"]),
    ("key-of-exponent-one", &["complete: key-unknown-retry"]),
    ("key-off-the-curve", &["complete: key-unknown-retry"]),
    ("key-without-algorithm", &[]),
    ("long-kid", &["complete: header-json"]),
    ("name-of-markup", &[]),
    ("no-jwks-uri", &["begin: document-json"]),
    ("nonce-list", &["complete: claim-type"]),
    ("nonce-null", &["complete: claim-type"]),
    ("nonce-number", &["complete: claim-type"]),
    ("not-before-as-text", &["complete: claim-type"]),
    ("openid-configuration-as-text", &["discovery: content-type"]),
    ("openid-configuration-broken", &["begin: document-json"]),
    (
        "openid-configuration-busy-for-ever",
        &["begin: document-status"],
    ),
    ("openid-configuration-cut-off", &["begin: http-exchange"]),
    ("openid-configuration-deep", &["begin: document-json"]),
    ("openid-configuration-dripping", &["begin: http-timeout"]),
    (
        "openid-configuration-endless",
        &["begin: http-body-too-long"],
    ),
    ("openid-configuration-failing", &["begin: document-status"]),
    ("openid-configuration-huge", &["begin: http-body-too-long"]),
    ("openid-configuration-in-utf-16", &["begin: document-json"]),
    ("openid-configuration-late", &["begin: http-timeout"]),
    (
        "openid-configuration-member-twice",
        &["begin: document-json"],
    ),
    (
        "openid-configuration-moved-in-a-circle",
        &["begin: document-redirect"],
    ),
    (
        "openid-configuration-moved-to-loopback",
        &["begin: document-redirect"],
    ),
    ("openid-configuration-nothing", &["begin: document-status"]),
    (
        "openid-configuration-of-many-headers",
        &["begin: http-exchange"],
    ),
    ("openid-configuration-packed", &["begin: document-encoding"]),
    (
        "openid-configuration-with-a-giant-number",
        &["begin: document-json"],
    ),
    (
        "openid-configuration-with-a-mark",
        &["begin: document-json"],
    ),
    (
        "openid-configuration-with-a-tail",
        &["begin: document-json"],
    ),
    ("openid-configuration-with-nan", &["begin: document-json"]),
    ("pkce-plain-only", &["discovery: pkce-without-s256"]),
    (
        "psychic-signature-of-the-order",
        &["complete: jws-bad-signature"],
    ),
    ("refresh-as-text", &[]),
    (
        "refresh-broken",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-busy-for-ever",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-cut-off",
        &["refresh: http-exchange", "refresh again: session-resting"],
    ),
    (
        "refresh-deep",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-dripping",
        &["refresh: http-timeout", "refresh again: session-resting"],
    ),
    (
        "refresh-endless",
        &[
            "refresh: http-body-too-long",
            "refresh again: session-resting",
        ],
    ),
    (
        "refresh-huge",
        &[
            "refresh: http-body-too-long",
            "refresh again: session-resting",
        ],
    ),
    (
        "refresh-in-utf-16",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-late",
        &["refresh: http-timeout", "refresh again: session-resting"],
    ),
    (
        "refresh-member-twice",
        &["refresh: session-over", "refresh again: session-over"],
    ),
    (
        "refresh-moved-in-a-circle",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-moved-to-loopback",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-nothing",
        &["refresh: token-status", "refresh again: session-resting"],
    ),
    (
        "refresh-of-many-headers",
        &["refresh: http-exchange", "refresh again: session-resting"],
    ),
    (
        "refresh-packed",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-page",
        &["refresh: token-html", "refresh again: session-resting"],
    ),
    (
        "refresh-with-a-giant-number",
        &["refresh: session-over", "refresh again: session-over"],
    ),
    (
        "refresh-with-a-mark",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-with-a-tail",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    (
        "refresh-with-nan",
        &["refresh: token-json", "refresh again: session-resting"],
    ),
    ("resource-as-text", &[]),
    ("resource-busy-for-ever", &["profile: profile-status"]),
    ("resource-cut-off", &["profile: http-exchange"]),
    ("resource-dripping", &["profile: http-timeout"]),
    ("resource-endless", &["profile: http-body-too-long"]),
    ("resource-in-utf-16", &["profile: profile-json"]),
    ("resource-member-twice", &["profile: profile-json"]),
    ("resource-moved-in-a-circle", &["profile: profile-redirect"]),
    ("resource-moved-to-loopback", &["profile: profile-redirect"]),
    ("resource-nothing", &["profile: profile-status"]),
    ("resource-of-hostile-links", &[]),
    ("resource-of-hostile-text", &[]),
    ("resource-of-many-headers", &["profile: http-exchange"]),
    ("resource-packed", &["profile: profile-json"]),
    ("resource-with-a-giant-number", &["profile: profile-json"]),
    ("resource-with-a-mark", &["profile: profile-json"]),
    ("resource-with-a-tail", &["profile: profile-json"]),
    ("resource-with-nan", &["profile: profile-json"]),
    ("smart-configuration-as-text", &["discovery: content-type"]),
    (
        "smart-configuration-busy-for-ever",
        &["begin: document-status"],
    ),
    ("smart-configuration-cut-off", &["begin: http-exchange"]),
    ("smart-configuration-dripping", &["begin: http-timeout"]),
    (
        "smart-configuration-endless",
        &["begin: http-body-too-long"],
    ),
    ("smart-configuration-in-utf-16", &["begin: document-json"]),
    (
        "smart-configuration-member-twice",
        &["begin: document-json"],
    ),
    (
        "smart-configuration-moved-in-a-circle",
        &["begin: document-redirect"],
    ),
    (
        "smart-configuration-moved-to-loopback",
        &["begin: document-redirect"],
    ),
    ("smart-configuration-nothing", &["begin: document-status"]),
    (
        "smart-configuration-of-many-headers",
        &["begin: http-exchange"],
    ),
    ("smart-configuration-packed", &["begin: document-encoding"]),
    (
        "smart-configuration-with-a-giant-number",
        &["begin: document-json"],
    ),
    ("smart-configuration-with-a-mark", &["begin: document-json"]),
    ("smart-configuration-with-a-tail", &["begin: document-json"]),
    ("smart-configuration-with-nan", &["begin: document-json"]),
    (
        "smart-issuer-inside-mapped",
        &["begin: http-address", "asked: [::ffff:169.254.169.254]"],
    ),
    ("smart-issuer-list", &["begin: document-status"]),
    ("smart-issuer-null", &["begin: document-status"]),
    ("spare-bits", &["complete: jws-base64"]),
    ("standard-base64", &["complete: jws-base64"]),
    ("subject-beyond-ascii", &["complete: id-token-subject"]),
    ("subject-null", &["complete: claim-type"]),
    ("symmetric-key-of-nothing", &["complete: key-unknown-retry"]),
    ("token-as-number", &["complete: token-member"]),
    ("token-as-text", &["tokens: content-type"]),
    ("token-busy-for-ever", &["complete: token-status"]),
    ("token-cut-off", &["complete: http-exchange"]),
    ("token-dripping", &["complete: http-timeout"]),
    ("token-endless", &["complete: http-body-too-long"]),
    (
        "token-endpoint-inside",
        &["complete: http-address", "asked: 169.254.169.254"],
    ),
    ("token-endpoints-disagree", &[]),
    ("token-error-of-markup", &["complete: token-refused"]),
    ("token-in-utf-16", &["complete: token-json"]),
    ("token-life-negative", &["complete: token-member"]),
    (
        "token-life-without-bound",
        &["tokens: expires-in-large", "access: without end"],
    ),
    ("token-member-twice", &["complete: token-json"]),
    ("token-moved-in-a-circle", &["complete: token-status"]),
    ("token-moved-to-loopback", &["complete: token-status"]),
    ("token-nothing", &["complete: token-status"]),
    ("token-of-many-headers", &["complete: http-exchange"]),
    ("token-packed", &["complete: token-json"]),
    ("token-with-a-giant-number", &["complete: token-json"]),
    ("token-with-a-mark", &["complete: token-json"]),
    ("token-with-a-tail", &["complete: token-json"]),
    ("token-with-nan", &["complete: token-json"]),
    ("two-hundred-keys-of-one-name", &["complete: key-ambiguous"]),
    ("unencoded-payload-in-crit", &["complete: header-crit"]),
    ("unknown-kid-each-time", &["complete: key-unknown-retry"]),
    ("userinfo-as-text", &["userinfo: userinfo-content-type"]),
    ("userinfo-broken", &["userinfo: userinfo-json"]),
    ("userinfo-busy-for-ever", &["userinfo: userinfo-status"]),
    ("userinfo-cut-off", &["userinfo: http-exchange"]),
    ("userinfo-deep", &["userinfo: userinfo-json"]),
    ("userinfo-dripping", &["userinfo: http-timeout"]),
    ("userinfo-endless", &["userinfo: http-body-too-long"]),
    ("userinfo-failing", &["userinfo: userinfo-status"]),
    ("userinfo-huge", &["userinfo: http-body-too-long"]),
    ("userinfo-in-utf-16", &["userinfo: userinfo-json"]),
    ("userinfo-late", &["userinfo: http-timeout"]),
    ("userinfo-member-twice", &["userinfo: userinfo-json"]),
    ("userinfo-moved-in-a-circle", &["userinfo: userinfo-status"]),
    ("userinfo-moved-to-loopback", &["userinfo: userinfo-status"]),
    ("userinfo-nothing", &["userinfo: userinfo-status"]),
    ("userinfo-of-many-headers", &["userinfo: http-exchange"]),
    ("userinfo-packed", &["userinfo: userinfo-json"]),
    ("userinfo-signed", &[]),
    (
        "userinfo-signed-as-access-token",
        &["userinfo: id-token-type"],
    ),
    (
        "userinfo-signed-by-an-attacker",
        &["userinfo: jws-bad-signature"],
    ),
    (
        "userinfo-signed-by-another-issuer",
        &["userinfo: claim-issuer"],
    ),
    (
        "userinfo-signed-by-nobody",
        &["userinfo: jws-empty-segment"],
    ),
    (
        "userinfo-signed-for-another-app",
        &["userinfo: claim-audience"],
    ),
    ("userinfo-signed-for-nobody", &["userinfo: claim-missing"]),
    (
        "userinfo-signed-of-somebody-else",
        &["userinfo: userinfo-other-subject"],
    ),
    ("userinfo-with-a-giant-number", &["userinfo: userinfo-json"]),
    ("userinfo-with-a-mark", &["userinfo: userinfo-json"]),
    ("userinfo-with-a-tail", &["userinfo: userinfo-json"]),
    ("userinfo-with-nan", &["userinfo: userinfo-json"]),
    ("revocation-absent", &["sign-out: revocation-refused"]),
    (
        "revocation-busy-for-ever",
        &["sign-out: revocation-refused"],
    ),
    ("revocation-cut-off", &["sign-out: http-exchange"]),
    ("revocation-dripping", &["sign-out: http-timeout"]),
    ("revocation-endless", &["sign-out: http-body-too-long"]),
    ("revocation-failing", &["sign-out: revocation-refused"]),
    ("revocation-late", &["sign-out: http-timeout"]),
    ("revocation-moved", &["sign-out: revocation-refused"]),
    (
        "revocation-moved-to-loopback",
        &["sign-out: revocation-refused"],
    ),
    ("revocation-unsupported", &["sign-out: revocation-refused"]),
];

/// What the wire carries otherwise than usual with the faults of which a client need not notice
/// anything: they would pass if they did nothing.
const QUIET: &[(&str, &[&str])] = &[
    (
        "expired-just-now",
        &["POST /oidc/token authorization_code id_token claim exp: 1800000000, usually 1800000300"],
    ),
    (
        "fhir-user-relative",
        &[
            "POST /oidc/token authorization_code id_token claim fhirUser: Practitioner/dr-smith, usually http://EHR/fhir/Practitioner/dr-smith",
        ],
    ),
    (
        "jwks-already-old",
        &[
            "GET /oidc/jwks: 5 times, usually 7",
            "GET /oidc/jwks header age: 3153600000, usually nothing",
            "GET /oidc/jwks header cache-control: …536000000, s-maxage=99999999999999999999, usually max-age=300",
        ],
    ),
    (
        "jwks-as-text",
        &[
            "GET /oidc/jwks header content-type: text/plain; charset=utf-8, usually application/json",
        ],
    ),
    (
        "jwks-beside-nonsense",
        &[
            "GET /oidc/jwks keys 1 kid: <1>, usually nothing",
            "GET /oidc/jwks keys 1 kty: PQC, usually nothing",
            "GET /oidc/jwks keys 2: key, usually nothing",
            "GET /oidc/jwks keys 3: null, usually nothing",
        ],
    ),
    (
        "key-without-algorithm",
        &["GET /oidc/jwks keys 0 alg: nothing, usually RS256"],
    ),
    (
        "launch-with-slash",
        &["iss of the launch is: http://EHR/fhir/, usually http://EHR/fhir"],
    ),
    (
        "name-of-markup",
        &[
            "POST /oidc/token authorization_code id_token claim name: <script>alert(1)</script>, usually Dr. Jordan Smith, MD",
        ],
    ),
    (
        "no-kid",
        &[
            "POST /oidc/token authorization_code id_token header kid: nothing, usually <10>",
            "POST /oidc/token authorization_code id_token header typ: nothing, usually JWT",
        ],
    ),
    (
        "padded-key",
        &["GET /oidc/jwks keys 0 n: <342>==, usually <342>"],
    ),
    (
        "refresh-as-text",
        &[
            "POST /oidc/token refresh_token header content-type: text/plain; charset=utf-8, usually application/json",
        ],
    ),
    (
        "refresh-not-rotated",
        &[
            "POST /oidc/token refresh_token refresh_token: nothing, usually <64>",
            "sent refresh_token: number 1, usually number 1, then number 2",
        ],
    ),
    (
        "refresh-without-audience",
        &[
            "POST /oidc/token refresh_token id_token claim aud: nothing, usually growth-chart-app-123",
        ],
    ),
    (
        "refresh-without-id-token",
        &[
            "GET /oidc/jwks: 3 times, usually 7",
            "POST /oidc/token refresh_token id_token claim at_hash: nothing, usually <22>",
            "POST /oidc/token refresh_token id_token claim aud: nothing, usually growth-chart-app-123",
            "POST /oidc/token refresh_token id_token claim exp: nothing, usually 1800003900, then 1800007500",
            "POST /oidc/token refresh_token id_token claim fhirUser: nothing, usually http://EHR/fhir/Practitioner/dr-smith",
            "POST /oidc/token refresh_token id_token claim iat: nothing, usually 1800003600, then 1800007200",
            "POST /oidc/token refresh_token id_token claim iss: nothing, usually http://EHR/oidc",
            "POST /oidc/token refresh_token id_token claim name: nothing, usually Dr. Jordan Smith, MD",
            "POST /oidc/token refresh_token id_token claim sub: nothing, usually 7c9f2b1e-dr-smith",
            "POST /oidc/token refresh_token id_token header alg: nothing, usually RS256",
            "POST /oidc/token refresh_token id_token header kid: nothing, usually <10>",
            "POST /oidc/token refresh_token id_token header typ: nothing, usually JWT",
            "POST /oidc/token refresh_token id_token signature: nothing, usually <342>",
        ],
    ),
    (
        "resource-as-text",
        &[
            "GET /fhir/Practitioner/dr-smith header content-type: text/plain; charset=utf-8, usually application/fhir+json",
        ],
    ),
    (
        "rotation-before-signing",
        &[
            "GET /oidc/jwks keys 1 alg: RS256, usually nothing",
            "GET /oidc/jwks keys 1 e: AQAB, usually nothing",
            "GET /oidc/jwks keys 1 kid: <10>, usually nothing",
            "GET /oidc/jwks keys 1 kty: RSA, usually nothing",
            "GET /oidc/jwks keys 1 n: <342>, usually nothing",
            "GET /oidc/jwks keys 1 use: sig, usually nothing",
        ],
    ),
    (
        "token-endpoints-disagree",
        &[
            "GET /oidc/.well-known/openid-configuration token_endpoint: https://attacker.example/token, usually http://EHR/oidc/token",
        ],
    ),
    (
        "token-type-lower-case",
        &["POST /oidc/token authorization_code token_type: bearer, usually Bearer"],
    ),
    (
        "unknown-claim",
        &[
            "POST /oidc/token authorization_code id_token claim urn:example:shoe-size eu: 41.5, usually nothing",
        ],
    ),
    (
        "userinfo-signed",
        &[
            "GET /oidc/userinfo body claim aud: growth-chart-app-123, usually nothing",
            "GET /oidc/userinfo body claim fhirUser: http://EHR/fhir/Practitioner/dr-smith, usually nothing",
            "GET /oidc/userinfo body claim iss: http://EHR/oidc, usually nothing",
            "GET /oidc/userinfo body claim name: Dr. Jordan Smith, MD, usually nothing",
            "GET /oidc/userinfo body claim sub: 7c9f2b1e-dr-smith, usually nothing",
            "GET /oidc/userinfo body header alg: RS256, usually nothing",
            "GET /oidc/userinfo body header kid: <10>, usually nothing",
            "GET /oidc/userinfo body header typ: JWT, usually nothing",
            "GET /oidc/userinfo body signature: <342>, usually nothing",
            "GET /oidc/userinfo fhirUser: nothing, usually http://EHR/fhir/Practitioner/dr-smith",
            "GET /oidc/userinfo header content-type: application/jwt, usually application/json",
            "GET /oidc/userinfo name: nothing, usually Dr. Jordan Smith, MD",
            "GET /oidc/userinfo sub: nothing, usually 7c9f2b1e-dr-smith",
        ],
    ),
];

/// All launches at once: what comes of each fault, and what the wire carried.
async fn played(
    faults: &[&'static Fault],
    algorithm: Option<Algorithm>,
) -> BTreeMap<&'static str, (Vec<String>, Vec<String>)> {
    let clients = Clients::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let usual = |name: &'static str, algorithm| {
        let clients = clients.clone();
        async move {
            let world = World::new(name, None, algorithm, clients).await.unwrap();
            let world = world.live().await;
            assert!(world.found.is_empty(), "{name}: {:?}", world.found);
            Arc::clone(&world.http)
        }
    };
    let of = |fault: &Fault| {
        let is_of_es256 = OF_ES256.contains(&fault.name());
        algorithm.unwrap_or(match is_of_es256 {
            true => Algorithm::ES256,
            false => Algorithm::RS256,
        })
    };
    let mut usually = BTreeMap::new();
    for algorithm in faults.iter().copied().map(of) {
        for name in ["launch-", ""] {
            let key = (algorithm, name);
            if let Entry::Vacant(place) = usually.entry(key) {
                place.insert(usual(name, algorithm).await);
            }
        }
    }
    let mut running = JoinSet::new();
    for fault in faults.iter().copied() {
        let (places, clients, algorithm) = (places.clone(), clients.clone(), of(fault));
        let kind = if fault.name().starts_with("launch-") {
            "launch-"
        } else {
            ""
        };
        let usual = Arc::clone(&usually[&(algorithm, kind)]);
        running.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            let world = World::new(fault.name(), Some(fault), algorithm, clients).await;
            let found = match world {
                Ok(world) => {
                    let world = world.live().await;
                    let differences = world.http.wire.differences(&usual.wire);
                    (world.found, differences)
                }
                Err(error) => (vec![format!("start: {}", error.code())], Vec::new()),
            };
            (fault.name(), found)
        });
    }
    running.join_all().await.into_iter().collect()
}

// covers: OIDC-VAL-2, OIDC-VAL-3, OIDC-VAL-6, OIDC-VAL-9, OIDC-VAL-11, OIDC-VAL-14, OIDC-VAL-15
// covers: OIDC-UI-2, OIDC-UI-4, OIDC-RFR-2, OIDC-RFR-3, OIDC-RFR-7, OIDC-RFR-9, ISSP-3, ISSP-5, SMART-DISC-25
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_met_as_it_must_be() {
    let faults: Vec<&Fault> = Fault::all().collect();
    let mut rows: BTreeMap<&str, &[&str]> = ROWS.iter().copied().collect();
    assert_eq!(rows.len(), ROWS.len(), "a row is there twice");
    let mut quiet: BTreeMap<&str, &[&str]> = QUIET.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, (found, differences)) in played(&faults, None).await {
        let expected = rows.remove(name);
        if expected.is_none_or(|it| *it != *found) {
            wrong.push(format!("{name}: {found:?} and not {expected:?}"));
        }
        if differences.is_empty() != LATER.contains(&name) {
            wrong.push(format!("{name}: the wire carries what it usually does"));
        }
        if quiet.remove(name).is_some_and(|it| *it != *differences) {
            wrong.push(format!("({name:?}, &{differences:?}),"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.is_empty(), "there are no such faults: {rows:?}");
    assert!(quiet.is_empty(), "there are no such faults: {quiet:?}");
}

/// What shows only to an app that has signed somebody in before: other keys than it holds.
/// [`keys_that_change_are_looked_for_once`] plays it to one.
const LATER: [&str; 1] = ["replacement-before-signing"];

/// How the names of faults begin that have nothing to do with keys.
const ELSEWHERE: [&str; 10] = [
    "jwks-",
    "refresh-",
    "smart-",
    "openid-",
    "launch-",
    "callback-",
    "token-",
    "resource-",
    "userinfo-",
    "revocation-",
];

/// What comes of a fault otherwise with keys of another type than with RSA.
const OTHERWISE: &[(Algorithm, &str, &[&str])] = &[
    (
        Algorithm::ES256,
        "algorithm-of-another-key-type",
        &["complete: key-unknown-retry"],
    ),
    (
        Algorithm::ES256,
        "hs256-modulus",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES256,
        "key-of-even-exponent",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES256,
        "key-of-even-modulus",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES256,
        "key-of-exponent-one",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES256,
        "key-of-giant-exponent",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES256,
        "padded-key",
        &["keys: PaddedBase64", "keys: PaddedBase64"],
    ),
    (
        Algorithm::ES384,
        "algorithm-of-another-key-type",
        &["complete: key-unknown-retry"],
    ),
    (
        Algorithm::ES384,
        "hs256-modulus",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "key-of-even-exponent",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "key-of-even-modulus",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "key-of-exponent-one",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "key-of-giant-exponent",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "padded-key",
        &["start: sandbox-fault-key"],
    ),
    (
        Algorithm::ES384,
        "psychic-signature-of-the-order",
        &["start: sandbox-fault-key"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_met_with_keys_of_other_types_too() {
    let rows: BTreeMap<&str, &[&str]> = ROWS.iter().copied().collect();
    let is_elsewhere = |it: &&Fault| ELSEWHERE.iter().any(|begin| it.name().starts_with(begin));
    let faults: Vec<&Fault> = Fault::all().filter(|it| !is_elsewhere(it)).collect();
    for algorithm in [Algorithm::ES256, Algorithm::ES384] {
        let mut wrong = Vec::new();
        let otherwise = OTHERWISE.iter().filter(|it| it.0 == algorithm);
        let mut otherwise: BTreeMap<&str, &[&str]> = otherwise.map(|it| (it.1, it.2)).collect();
        for (name, (found, differences)) in played(&faults, Some(algorithm)).await {
            let expected = otherwise.remove(name).or_else(|| rows.get(name).copied());
            if expected.is_none_or(|it| *it != *found) {
                wrong.push(format!(
                    "(Algorithm::{}, {name:?}, &{found:?}),",
                    algorithm.name()
                ));
            }
            let is_refused = found == ["start: sandbox-fault-key"];
            if differences.is_empty() != (is_refused || LATER.contains(&name)) {
                wrong.push(format!("{name}: the wire carries what it usually does"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(otherwise.is_empty(), "no difference: {otherwise:?}");
    }
}

/// Keys that are held are used, and looked for once where a token names another; the next token does
/// not make the client look again at once.
// covers: OIDC-KEY-5
#[tokio::test]
async fn keys_that_change_are_looked_for_once() {
    const SET: &str = "GET /oidc/jwks";
    for (fault, expected) in [
        (None, [(0, ""), (0, "")]),
        (
            Some("rotation-before-signing"),
            [(1, ""), (0, "complete: key-unknown-retry")],
        ),
        (
            Some("replacement-before-signing"),
            [(1, ""), (0, "complete: key-unknown-retry")],
        ),
        (
            Some("unknown-kid"),
            [
                (1, "complete: key-unknown-retry"),
                (0, "complete: key-unknown-retry"),
            ],
        ),
        (
            Some("kid-of-a-path"),
            [
                (1, "complete: key-unknown-retry"),
                (0, "complete: key-unknown-retry"),
            ],
        ),
        (
            Some("key-withdrawn"),
            [
                (1, "complete: key-unknown-retry"),
                (0, "complete: key-unknown-retry"),
            ],
        ),
    ] {
        let name = fault.unwrap_or_default();
        let world = World::new(name, None, Algorithm::RS256, Clients::new()).await;
        let mut world = world.unwrap();
        assert!(world.sign_in().await.is_some());
        assert_eq!(world.http.wire.count(SET), 1, "{name}");
        // Longer than a client waits before it looks again, and shorter than the set may be kept.
        world.clock.advance(Duration::from_secs(60));
        if let Some(name) = fault {
            let fault = Fault::named(name).unwrap();
            world.ehr.play(fault, OFTEN).unwrap();
        }
        if name == "key-withdrawn" {
            world.ehr.rotate_keys().unwrap();
        }
        for (looks, outcome) in expected {
            world.http.wire.clear();
            world.found.clear();
            let signed_in = world.sign_in().await;
            assert_eq!(world.found.concat(), outcome, "{name}");
            assert_eq!(signed_in.is_some(), outcome.is_empty(), "{name}");
            assert_eq!(world.http.wire.count(SET), looks, "{name}");
        }
        assert!(is_played(&world.ehr), "{name}");
    }
}

/// An app with a key: whatever the metadata say, its assertion is for the endpoint that gets it, which
/// the sandbox checks, and reaches no other.
#[tokio::test(flavor = "multi_thread")]
async fn adv_assertion_aud_of_hostile_metadata() {
    let clients = Clients::new();
    for (fault, expected) in [
        ("token-endpoints-disagree", &[][..]),
        (
            "token-endpoint-inside",
            &["complete: http-address", "asked: 169.254.169.254"],
        ),
        ("smart-issuer-nowhere", &["begin: document-status"]),
        ("openid-issuer-differs", &["begin: issuer-mismatch"]),
        ("token-moved", &["complete: token-status"]),
        ("token-moved-to-loopback", &["complete: token-status"]),
        (
            "refresh-moved",
            &["refresh: token-status", "refresh again: session-resting"],
        ),
        ("revocation-moved", &["sign-out: revocation-refused"]),
    ] {
        let key = PrivateKey::from_pem(&fixture::text("keys/issuer-p384.pem"), provider()).unwrap();
        let key = provider().signing_key(&key, Algorithm::ES384).unwrap();
        let signer = AssertionSigner::new("p384", key, provider()).unwrap();
        let rules = vec![RedirectRule::Exact(CALLBACK.to_owned())];
        let app = ClientRegistration::new(DEFAULT_CLIENT_ID, rules);
        let app = app.with_jwks(Forge::issuer().jwks().to_string());
        let authentication = ClientAuthentication::PrivateKeyJwt(signer);
        let played = Fault::named(fault).unwrap();
        let (clients, algorithm) = (clients.clone(), Algorithm::RS256);
        let app = (app, authentication);
        let world = World::of(fault, Some(played), algorithm, clients, app).await;
        let world = world.unwrap().live().await;
        assert_eq!(world.found, expected, "{fault}");
    }
}
