//! Every fault that the sandbox plays, against our own client over HTTP: what comes of it, and that
//! nothing is asked of anybody else on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, FixedClock, HttpClient, IssuerRegistry, PlainHttp,
    ReqwestClient, TransportError, TrustedIssuer,
};
use smart_oidc::flow::{EhrLaunch, LaunchFlow, Registrations, SignedIn};
use smart_oidc::jose::{Algorithm, Algorithms, JwkSet, UnixTime};
use smart_oidc::profile::FhirProfileSource;
use smart_oidc::userinfo::UserInfoClient;
use smart_oidc::{
    ClientConfig, ClientId, IdTokenVerifier, MemoryStore, ProfileRequest, RedirectUri, UserProfile,
};
use smart_sandbox::{DEFAULT_CLIENT_ID, Fault, LaunchContext, Sandbox, Times};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const CALLBACK: &str = "http://127.0.0.1:8765/callback";

/// What a client here waits for an answer in all: long enough for a busy machine, and less than what
/// a late answer takes.
const LIMIT: Duration = Duration::from_secs(6);

/// So many launches go on at a time.
const AT_ONCE: usize = 6;

/// Without an end, but counted.
const OFTEN: Times = Times::So(u32::MAX);

/// Faults that are about one algorithm.
const OF_ES256: [&str; 2] = ["psychic-signature", "signature-in-der"];

/// Sends, and keeps the names of all others who would have been asked.
struct Watched {
    inner: ReqwestClient,
    home: String,
    others: Mutex<BTreeSet<String>>,
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
        self.inner.send(request).await
    }
}

/// An EHR that plays one fault, and an app that signs a user in.
struct World {
    ehr: Sandbox,
    is_ehr_launch: bool,
    clock: Arc<FixedClock>,
    base: FhirBaseUrl,
    http: Arc<Watched>,
    flow: LaunchFlow,
    found: Vec<String>,
}

impl World {
    async fn new(fault: &'static Fault) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let mut builder = builder.fault(fault, OFTEN);
        if OF_ES256.contains(&fault.name()) {
            builder = builder.algorithm(Algorithm::ES256);
        }
        let ehr = builder.start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let inner = ReqwestClient::builder().allow_loopback();
        let http = Arc::new(Watched {
            inner: inner.total_timeout(LIMIT).build().unwrap(),
            home: ehr.local_addr().to_string(),
            others: Mutex::default(),
        });
        let (id, callback) = (ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(CALLBACK));
        let client = ClientConfig::public(id, callback)
            .with_scope("offline_access")
            .with_scope("patient/*.rs")
            .with_scope(match fault.name().starts_with("launch-") {
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
        Self {
            ehr,
            is_ehr_launch: fault.name().starts_with("launch-"),
            clock,
            base,
            http,
            flow,
            found: Vec::new(),
        }
    }

    fn note(&mut self, step: &str, code: &str) {
        self.found.push(format!("{step}: {code}"));
    }

    /// Signs in, reads who it is, and refreshes: what is odd about each step, or where it ended.
    async fn live(mut self) -> Vec<String> {
        if let Some(signed_in) = self.sign_in().await {
            self.look(&signed_in).await;
            self.refresh(&signed_in).await;
        }
        // A client that goes on has met it too.
        let playing = self.ehr.playing();
        assert_ne!(playing[0].1, OFTEN, "{:?} was never played", playing[0].0);
        let others = self.http.others.lock().unwrap().clone();
        for other in others {
            self.note("asked", &other);
        }
        self.found
    }

    async fn sign_in(&mut self) -> Option<SignedIn> {
        let begun = match self.is_ehr_launch {
            true => {
                let open = LaunchContext::new().patient("p-2");
                let launch = self.ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
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
        let verifier = IdTokenVerifier::with_static_keys(
            trusted.issuer(),
            ClientId::new(DEFAULT_CLIENT_ID),
            Algorithms::ID_TOKEN,
            JwkSet::from_keys(Vec::new(), provider()),
            provider(),
        );
        let client = UserInfoClient::new(self.http.clone(), trusted, verifier).unwrap();
        let access_token = signed_in.session.access_token();
        let told = client.fetch(id_token, access_token, self.clock.now()).await;
        told.err().map(|it| it.code())
    }

    /// Asks for the session when its access token has a minute left, and once more when it is over.
    async fn refresh(&mut self, before: &SignedIn) {
        let Some(end) = before.session.access_ends_at() else {
            return self.note("access", "without end");
        };
        let life = end.as_secs() - self.clock.now().as_secs();
        self.clock.advance(Duration::from_secs(life));
        for again in ["refresh", "refresh again"] {
            match self.flow.session(&before.id).await {
                Ok(session) => {
                    assert_eq!(session.user_key(), before.session.user_key());
                    let (new, old) = (session.access_token(), before.session.access_token());
                    assert_ne!(new.expose_secret(), old.expose_secret());
                }
                Err(error) => self.note(again, error.code()),
            }
        }
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
    ("padded-key", &[]),
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
    ("refresh-without-audience", &[]),
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
];

// covers: OIDC-VAL-2, OIDC-VAL-3, OIDC-VAL-6, OIDC-VAL-9, OIDC-VAL-11, OIDC-VAL-14, OIDC-VAL-15
// covers: OIDC-RFR-2, OIDC-RFR-3, OIDC-RFR-7, OIDC-RFR-9, ISSP-3, ISSP-5, SMART-DISC-25
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_met_as_it_must_be() {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for fault in Fault::all() {
        let places = places.clone();
        running.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            (fault.name(), World::new(fault).await.live().await)
        });
    }
    let found: BTreeMap<&str, Vec<String>> = running.join_all().await.into_iter().collect();
    let mut rows: BTreeMap<&str, &[&str]> = ROWS.iter().copied().collect();
    assert_eq!(rows.len(), ROWS.len(), "a row is there twice");
    let mut wrong = Vec::new();
    for (name, found) in found {
        let expected = rows.remove(name);
        if expected.is_none_or(|it| *it != *found) {
            wrong.push(format!("{name}: {found:?} and not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rows.is_empty(), "there are no such faults: {rows:?}");
}
