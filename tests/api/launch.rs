//! A whole sign-in against the sandbox over HTTP, and every way in which it must not succeed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, FixedClock, HttpClient, Issuer, PlainHttp, RemoteJwks,
    ReqwestClient, TrustedIssuer,
};
use smart_oidc::jose::{Algorithms, JwkSet, UnixTime};
use smart_oidc::profile::{FhirProfileSource, ProfileRequest};
use smart_oidc::{
    AccessToken, Begun, BrowserBinding, CallbackError, ClientConfig, ClientId, ExchangedLaunch,
    Expected, IdToken, IdTokenVerifier, LAUNCH_LIFE, Launch, LaunchHandle, LaunchKey, Nonce,
    RawIdToken, RedirectUri, Scopes, TokenClient, TokenError, TokenResponse, UserProfile, pkce,
};
use smart_sandbox::{DEFAULT_CLIENT_ID, Sandbox, SandboxBuilder, SandboxUser, UserType};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp, Recorder, Sent, parameters};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const REDIRECT_URI: &str = "http://127.0.0.1:8765/callback";

/// An EHR whose clock stands still, and an app that trusts it.
struct World {
    ehr: Sandbox,
    clock: Arc<FixedClock>,
    http: Arc<Recorder>,
    trusted: TrustedIssuer,
    client: ClientConfig,
}

fn query_of(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

/// A callback query with one parameter changed, or left out.
fn spoiled(query: &str, name: &str, value: Option<&str>) -> String {
    let mut parameters = parameters(query.as_bytes());
    match value {
        Some(value) => drop(parameters.insert(name.to_owned(), value.to_owned())),
        None => assert!(parameters.remove(name).is_some(), "{name} was not there"),
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish()
}

impl World {
    async fn new() -> Self {
        Self::of(|it| it).await
    }

    async fn of(choices: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let ehr = choices(builder).start().await.unwrap();
        let http = Recorder::new(Arc::new(
            ReqwestClient::builder().allow_loopback().build().unwrap(),
        ));
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let trusted = Discovery::new(http.clone())
            .allow_loopback_http()
            .discover(&base)
            .await
            .unwrap();
        let client = ClientConfig::public(
            ClientId::new(DEFAULT_CLIENT_ID),
            RedirectUri::new(REDIRECT_URI),
        )
        .with_scope("launch/patient");
        Self {
            ehr,
            clock,
            http,
            trusted,
            client,
        }
    }

    fn begin(&self) -> Begun {
        Launch::standalone(&self.trusted, &self.client)
            .begin(provider(), NOW)
            .unwrap()
    }

    /// Plays the browser: follows the authorization URL back to the app.
    async fn browse(&self, url: &str) -> String {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        let response = self.http.send(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FOUND);
        let location = response.headers()["location"].to_str().unwrap();
        let query = location.strip_prefix(REDIRECT_URI).unwrap();
        query.strip_prefix('?').unwrap().to_owned()
    }

    /// Begins a launch and brings its genuine callback.
    async fn callback(&self) -> (Begun, String) {
        let begun = self.begin();
        let query = self.browse(&begun.request.url()).await;
        (begun, query)
    }

    async fn exchange(&self) -> (TokenResponse, ExchangedLaunch) {
        let (begun, query) = self.callback().await;
        let launch = begun
            .pending
            .authorize(&query, &begun.binding, provider(), NOW)
            .unwrap();
        TokenClient::new(&self.client, self.http.clone(), provider())
            .exchange(launch, NOW)
            .await
            .unwrap()
    }

    fn verifier(&self) -> IdTokenVerifier {
        let keys = RemoteJwks::new(
            self.trusted.jwks_uri().clone(),
            self.http.clone(),
            provider(),
            self.clock.clone(),
        );
        IdTokenVerifier::new(
            &self.trusted,
            self.client.client_id.clone(),
            Algorithms::ID_TOKEN,
            Arc::new(keys),
            provider(),
        )
    }

    async fn sign_in(&self) -> (TokenResponse, IdToken) {
        let (tokens, launch) = self.exchange().await;
        let verifier = self.verifier();
        let token = verifier.verify_launch(&launch, &tokens, NOW).await.unwrap();
        (tokens, token)
    }

    fn sent_to(&self, path: &str) -> Vec<Sent> {
        let url = format!("{}{path}", self.ehr.base_url());
        let mut sent = self.http.sent();
        sent.retain(|it| it.url.split('?').next() == Some(&url));
        sent
    }
}

// covers: SMART-ID-1, SMART-ID-15, SMART-USR-1, SMART-USR-2, SMART-TOK-10, SMART-USR-15
#[tokio::test]
async fn a_sign_in_ends_with_the_clinician() {
    let world = World::new().await;
    let (tokens, token) = world.sign_in().await;
    assert_eq!(token.issuer(), world.ehr.issuer());
    assert!(tokens.has_scope("openid") && tokens.has_scope("fhirUser"));
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(3600)));

    let source = FhirProfileSource::new(world.http.clone());
    let base = world.trusted.fhir_base();
    let request = ProfileRequest::new(&token, base, &tokens.access_token).fhir_user_was_granted();
    let profile = UserProfile::load(&request, &source, NOW).await;
    assert_eq!(profile.practitioner_id(), Some("dr-smith"));
    assert_eq!(profile.key, token.user_key());
    assert!(profile.name.is_some());
    let card = profile.resource.unwrap();
    assert!(card.npi().is_some() && !card.qualifications.is_empty());
    // The patient in context is another fact than who the user is.
    assert_eq!(tokens.context.patient.as_deref(), Some("p-1"));

    let reads = world.sent_to("/fhir/Practitioner/dr-smith");
    assert_eq!(reads.len(), 1);
    let bearer = format!("Bearer {}", tokens.access_token.expose_secret());
    assert_eq!(reads[0].headers["authorization"], bearer.as_str());
    // The access token went to the FHIR server and nowhere else.
    let carriers = world.http.sent();
    let carriers = carriers
        .iter()
        .filter(|it| it.headers.contains_key("authorization"));
    assert_eq!(carriers.count(), 1);
}

// covers: SMART-AUT-1, SMART-AUT-2, SMART-AUT-3, SMART-AUT-4, SMART-AUT-6, SMART-AUT-9, SMART-AUT-10, SMART-AUT-11, SMART-AUT-17, SMART-LCH-5, SMART-LCH-3, PKCE-4
#[tokio::test]
async fn the_authorization_request_says_all_that_it_must_once() {
    let world = World::new().await;
    let begun = world.begin();
    let endpoint = format!("{}/authorize?", world.ehr.issuer());
    assert!(begun.request.url().starts_with(&endpoint));
    let sent = parameters(query_of(&begun.request.url()).as_bytes());
    let names: Vec<&str> = sent.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "aud",
            "client_id",
            "code_challenge",
            "code_challenge_method",
            "nonce",
            "redirect_uri",
            "response_type",
            "scope",
            "state"
        ]
    );
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["client_id"], DEFAULT_CLIENT_ID);
    assert_eq!(sent["redirect_uri"], REDIRECT_URI);
    assert_eq!(sent["scope"], "openid fhirUser launch/patient");
    assert_eq!(sent["aud"], world.ehr.fhir_base());
    assert_eq!(sent["code_challenge_method"], "S256");
}

// covers: SMART-AUT-5, OIDC-AUT-4, PKCE-2, PKCE-7, SBCP-6, JWS-20
#[tokio::test]
async fn no_secret_of_a_launch_is_ever_used_again() {
    let world = World::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let begun = world.begin();
        let sent = parameters(query_of(&begun.request.url()).as_bytes());
        let values = [
            &sent["state"],
            &sent["nonce"],
            &sent["code_challenge"],
            begun.binding.expose_secret(),
        ];
        for value in values {
            // 256 bits in base64url.
            assert_eq!(value.len(), 43, "{value}");
            assert!(seen.insert(value.to_owned()), "{value} came twice");
        }
    }
    assert_eq!(seen.len(), 200);
}

// covers: SMART-TOK-1, SMART-TOK-2, SMART-TOK-3, PKCE-1, PKCE-3
#[tokio::test]
async fn the_token_request_is_a_form_with_the_verifier_of_the_challenge() {
    let world = World::new().await;
    world.exchange().await;
    let authorization = &world.sent_to("/oidc/authorize")[0];
    let asked = parameters(query_of(&authorization.url).as_bytes());
    let [request] = &world.sent_to("/oidc/token")[..] else {
        panic!("one token request");
    };
    assert_eq!(request.method, Method::POST);
    assert_eq!(
        request.headers["content-type"],
        "application/x-www-form-urlencoded"
    );
    assert!(!request.headers.contains_key("authorization"));
    let form = parameters(&request.body);
    let names: Vec<&str> = form.keys().map(String::as_str).collect();
    let wanted = [
        "client_id",
        "code",
        "code_verifier",
        "grant_type",
        "redirect_uri",
    ];
    assert_eq!(names, wanted);
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], asked["redirect_uri"]);
    assert_eq!(form["client_id"], asked["client_id"]);
    assert!(pkce::is_well_formed(&form["code_verifier"]));
    let verifier = smart_oidc::CodeVerifier::new(form["code_verifier"].as_str());
    assert_eq!(
        pkce::challenge(&verifier, provider()),
        asked["code_challenge"]
    );
}

/// The error code of a callback.
fn refused(
    begun: Begun,
    query: &str,
    binding: Option<&BrowserBinding>,
    now: UnixTime,
) -> &'static str {
    let binding = binding.unwrap_or(&begun.binding).clone();
    let judged = begun.pending.authorize(query, &binding, provider(), now);
    judged.unwrap_err().code()
}

// covers: SMART-AUT-21, SMART-AUT-24, SBCP-3, SBCP-11, OAUTH-3, OIDC-VAL-15
#[tokio::test]
async fn a_callback_that_is_not_genuine_ends_the_launch() {
    let world = World::new().await;
    let another = world.begin();
    let its_state = parameters(query_of(&another.request.url()).as_bytes())["state"].clone();
    let twice = |name: &'static str, value: &'static str| {
        move |query: &str| format!("{query}&{name}={value}")
    };
    type Change<'a> = Box<dyn Fn(&str) -> String + 'a>;
    let cases: Vec<(Change<'_>, &str)> = vec![
        (
            Box::new(|it| spoiled(it, "state", Some(&its_state))),
            "callback-state",
        ),
        (
            Box::new(|it| spoiled(it, "state", Some("guessed"))),
            "callback-state",
        ),
        (
            Box::new(|it| spoiled(it, "state", None)),
            "callback-missing",
        ),
        (
            Box::new(|it| spoiled(it, "state", Some(""))),
            "callback-missing",
        ),
        (Box::new(|it| spoiled(it, "code", None)), "callback-missing"),
        (
            Box::new(|it| spoiled(it, "code", Some(""))),
            "callback-missing",
        ),
        (Box::new(|_| String::new()), "callback-missing"),
        (Box::new(twice("state", "x")), "callback-duplicate"),
        (Box::new(twice("code", "x")), "callback-duplicate"),
        (Box::new(twice("iss", "x")), "callback-duplicate"),
        (Box::new(twice("c%6fde", "x")), "callback-duplicate"),
        (
            Box::new(|it| format!("{it}&error=a&error=b")),
            "callback-duplicate",
        ),
    ];
    for (change, code) in cases {
        let (begun, query) = world.callback().await;
        let query = change(&query);
        assert_eq!(refused(begun, &query, None, NOW), code, "{query}");
    }
    // Nothing has been sent to the token endpoint, and a genuine callback still passes.
    assert_eq!(world.sent_to("/oidc/token").len(), 0);
    let (begun, query) = world.callback().await;
    let query = format!("{query}&session_state=x&session_state=y");
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), NOW);
    assert!(launch.is_ok());
}

// covers: SBCP-3, SMART-AUT-21
#[tokio::test]
async fn another_browser_cannot_finish_the_launch() {
    let world = World::new().await;
    let (begun, query) = world.callback().await;
    let other = world.begin().binding;
    assert_eq!(refused(begun, &query, Some(&other), NOW), "callback-state");
    let (begun, query) = world.callback().await;
    let empty = BrowserBinding::new("");
    assert_eq!(refused(begun, &query, Some(&empty), NOW), "callback-state");
}

#[tokio::test]
async fn a_launch_ends_after_ten_minutes() {
    let world = World::new().await;
    let (begun, query) = world.callback().await;
    let end = NOW.saturating_add(LAUNCH_LIFE);
    assert_eq!(refused(begun, &query, None, end), "callback-expired");
    let (begun, query) = world.callback().await;
    let before = UnixTime::from_secs(end.as_secs() - 1);
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), before);
    assert!(launch.is_ok());
}

// covers: ISSP-3, ISSP-4, ISSP-5, ISSP-9, SBCP-4
#[tokio::test]
async fn the_issuer_of_a_callback_is_checked_on_errors_too() {
    let world = World::new().await;
    let slashed = format!("{}/", world.ehr.issuer());
    let base = world.ehr.fhir_base();
    for iss in [
        Some("https://evil.example"),
        Some(&slashed),
        Some(&base),
        Some(""),
        None,
    ] {
        let (begun, query) = world.callback().await;
        let query = spoiled(&query, "iss", iss);
        assert_eq!(refused(begun, &query, None, NOW), "callback-issuer");

        // On an error as well: otherwise the wrong server would be blamed.
        let (begun, query) = world.callback().await;
        let query = spoiled(&query, "iss", iss);
        let query = spoiled(&query, "code", None);
        let query = spoiled(&query, "error", Some("access_denied"));
        assert_eq!(refused(begun, &query, None, NOW), "callback-issuer");
    }
}

// covers: SMART-AUT-22, OIDC-AUT-7, OAUTH-9
#[tokio::test]
async fn what_the_server_denies_is_reported_in_its_words_but_harmless() {
    let world = World::new().await;
    for error in ["access_denied", "temporarily_unavailable", "odd\u{1b}[31m"] {
        let (begun, query) = world.callback().await;
        let query = spoiled(&query, "code", None);
        let query = spoiled(&query, "error", Some(error));
        let query = spoiled(
            &query,
            "error_description",
            Some("no\r\nSet-Cookie: a=hidden"),
        );
        let judged = begun
            .pending
            .authorize(&query, &begun.binding, provider(), NOW);
        let refused = judged.unwrap_err();
        let CallbackError::Denied {
            error: found,
            description,
            ..
        } = &refused
        else {
            panic!("{refused:?}");
        };
        assert_eq!(found.as_str(), error);
        let shown = refused.to_string();
        assert!(!shown.contains(['\r', '\n', '\u{1b}']), "{shown:?}");
        // Prose can name a person or quote a secret: it is there for who asks for it.
        assert!(!format!("{shown}{refused:?}").contains("hidden"), "{shown}");
        let prose = description.as_ref().unwrap().expose_untrusted().to_string();
        assert!(prose.contains("hidden") && !prose.contains('\n'), "{prose}");
    }
    // The sandbox's own words: an EHR refuses to sign in for another FHIR server.
    let begun = world.begin();
    let url = begun
        .request
        .url()
        .replace("aud=http", "aud=https%3A%2F%2Fother.example%2F");
    let query = world.browse(&url).await;
    let code = refused(begun, &query, None, NOW);
    assert_eq!(code, "callback-denied");
}

// covers: SBCP-10, OIDC-AUT-9
#[tokio::test]
async fn a_code_is_good_for_one_exchange() {
    let world = World::new().await;
    let (tokens, token) = world.sign_in().await;
    let spent = world.sent_to("/oidc/token").remove(0);
    let again = Request::post(&spent.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(spent.body)
        .unwrap();
    let response = world.http.send(again).await.unwrap();
    let refused = TokenResponse::of_launch(&response, &Scopes::default()).unwrap_err();
    assert_eq!(refused.code(), "token-refused");
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    // Since nobody knows who was first, the first token is revoked; the identity stays.
    let source = FhirProfileSource::new(world.http.clone());
    let base = world.trusted.fhir_base();
    let request = ProfileRequest::new(&token, base, &tokens.access_token).fhir_user_was_granted();
    let profile = UserProfile::load(&request, &source, NOW).await;
    let error = profile.resource.unwrap_err();
    assert_eq!(error.code(), "profile-unauthorized");
    assert!(error.refresh_is_due());
    assert_eq!(profile.key, token.user_key());
}

// covers: SMART-AUT-20, SMART-AUT-12
#[tokio::test]
async fn a_code_that_came_too_late_or_to_another_launch_is_refused() {
    let world = World::new().await;
    let (begun, query) = world.callback().await;
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), NOW)
        .unwrap();
    world.clock.advance(Duration::from_secs(61));
    let client = TokenClient::new(&world.client, world.http.clone(), provider());
    let late = client.exchange(launch, NOW).await.unwrap_err();
    assert_eq!(late.code(), "token-refused");

    // A code that was put into another launch does not fit that launch's verifier.
    let (_, stolen) = world.callback().await;
    let stolen = parameters(stolen.as_bytes())["code"].clone();
    let (begun, query) = world.callback().await;
    let query = spoiled(&query, "code", Some(&stolen));
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), NOW)
        .unwrap();
    let injected = client.exchange(launch, NOW).await.unwrap_err();
    assert_eq!(injected.code(), "token-refused");
    assert!(matches!(injected, TokenError::Response(_)));
}

// covers: OIDC-VAL-11, OIDC-IDT-7, SBCP-9
#[tokio::test]
async fn adv_nonce_of_another_launch_is_refused() {
    let world = World::new().await;
    let (first, first_launch) = world.exchange().await;
    let (second, second_launch) = world.exchange().await;
    let verifier = world.verifier();
    for (tokens, launch, code) in [
        (&first, &first_launch, Ok(())),
        (&second, &second_launch, Ok(())),
        (&first, &second_launch, Err("id-token-nonce-mismatch")),
        (&second, &first_launch, Err("id-token-nonce-mismatch")),
    ] {
        let expected = Expected::nonce(launch.nonce().unwrap());
        let raw = tokens.id_token.as_ref().unwrap();
        let judged = verifier.verify(raw, &expected, NOW).await;
        assert_eq!(judged.map(drop).map_err(|it| it.code()), code);
    }
    // The ID token belongs to the access token that it came with.
    let expected =
        Expected::nonce(first_launch.nonce().unwrap()).with_access_token(&second.access_token);
    let raw = first.id_token.as_ref().unwrap();
    let judged = verifier.verify(raw, &expected, NOW).await;
    assert_eq!(
        judged.map(drop).map_err(|it| it.code()),
        Err("id-token-at-hash")
    );
}

// covers: OIDC-VAL-11, OIDC-VAL-14, SMART-ID-2, SBCP-9
#[tokio::test]
async fn the_token_of_a_launch_is_judged_by_that_launch_alone() {
    let world = World::new().await;
    let (first, first_launch) = world.exchange().await;
    let (mut second, second_launch) = world.exchange().await;
    let verifier = world.verifier();
    let judge =
        async |verifier: &IdTokenVerifier, launch: &ExchangedLaunch, tokens: &TokenResponse| {
            let judged = verifier.verify_launch(launch, tokens, NOW).await;
            judged.map(drop).map_err(|error| error.code())
        };
    assert_eq!(judge(&verifier, &first_launch, &first).await, Ok(()));
    assert_eq!(judge(&verifier, &second_launch, &second).await, Ok(()));
    let mixed = judge(&verifier, &second_launch, &first).await;
    assert_eq!(mixed, Err("id-token-nonce-mismatch"));
    // An access token that was put in the place of the one that came with the ID token.
    second.access_token = first.access_token.clone();
    let mixed = judge(&verifier, &second_launch, &second).await;
    assert_eq!(mixed, Err("id-token-at-hash"));
    second.id_token = None;
    let missing = judge(&verifier, &second_launch, &second).await;
    assert_eq!(missing, Err("id-token-missing"));

    // A verifier for another app or another issuer does not get as far as the token.
    let keys = Forge::issuer().jwks().to_string();
    for (issuer, client_id) in [
        (world.ehr.issuer(), "another-app"),
        (world.ehr.fhir_base(), DEFAULT_CLIENT_ID),
    ] {
        let other = IdTokenVerifier::with_static_keys(
            &Issuer::parse_with(&issuer, PlainHttp::LoopbackOnly).unwrap(),
            ClientId::new(client_id),
            Algorithms::ID_TOKEN,
            JwkSet::parse(keys.as_bytes(), provider()).unwrap(),
            provider(),
        );
        let judged = judge(&other, &first_launch, &first).await;
        assert_eq!(judged, Err("id-token-other-launch"));
    }
}

// covers: SBCP-3, SBCP-4, SMART-AUT-21
#[tokio::test]
async fn a_store_finds_a_launch_by_state_and_browser_only() {
    let world = World::new().await;
    let (begun, query) = world.callback().await;
    let other = world.begin();
    let key = |query: &str, binding: &BrowserBinding| {
        LaunchKey::of_callback(query, binding, provider()).map_err(|error| error.code())
    };
    let own = begun.pending.key().clone();
    assert_eq!(key(&query, &begun.binding), Ok(own.clone()));
    assert_ne!(key(&query, &other.binding).unwrap(), own);
    let foreign = spoiled(&query, "state", Some("guessed"));
    assert_ne!(key(&foreign, &begun.binding).unwrap(), own);
    assert_ne!(*other.pending.key(), own);
    let stateless = spoiled(&query, "state", None);
    assert_eq!(key(&stateless, &begun.binding), Err("callback-missing"));
    let twice = format!("{query}&state=x");
    assert_eq!(key(&twice, &begun.binding), Err("callback-duplicate"));
    // What names a launch in a store tells neither secret.
    let sent = parameters(query_of(&begun.request.url()).as_bytes());
    assert_hidden(
        own.as_str(),
        &[&sent["state"], begun.binding.expose_secret()],
    );
}

// covers: OIDC-KEY-4, OIDC-KEY-5
#[tokio::test]
async fn a_sign_in_survives_the_rotation_of_keys() {
    let world = World::new().await;
    let verifier = world.verifier();
    let (old, old_launch) = world.exchange().await;
    let judge = async |tokens: &TokenResponse, launch: &ExchangedLaunch, now| {
        let expected = Expected::nonce(launch.nonce().unwrap());
        let raw = tokens.id_token.as_ref().unwrap();
        let judged = verifier.verify(raw, &expected, now).await;
        judged.map(drop).map_err(|it| it.code())
    };
    assert_eq!(judge(&old, &old_launch, NOW).await, Ok(()));
    let kid = world.ehr.kid();
    assert_ne!(world.ehr.rotate_keys().unwrap(), kid);
    world.clock.advance(Duration::from_secs(30));
    let now = UnixTime::from_secs(NOW.as_secs() + 30);
    let (new, new_launch) = world.exchange().await;
    assert_eq!(judge(&new, &new_launch, now).await, Ok(()));
    assert_eq!(judge(&old, &old_launch, now).await, Ok(()));
    assert_eq!(world.sent_to("/oidc/jwks").len(), 2);
}

// covers: SMART-LCH-2, SMART-LCH-3, SMART-LCH-4, SMART-LCH-5, SMART-LCH-7, ISSP-10
#[tokio::test]
async fn an_ehr_launch_is_for_the_configured_server_only() {
    let world = World::new().await;
    let base = world.ehr.fhir_base();
    let from_ehr = |iss: &str| {
        let handle = LaunchHandle::new("opaque launch+value/%41");
        Launch::from_ehr(&world.trusted, &world.client, iss, handle)
            .map_err(|error| error.code())
            .map(|it| it.begin(provider(), NOW).unwrap().request.url())
    };
    // One final slash is met, and `aud` is what the EHR wrote.
    for iss in [base.clone(), format!("{base}/")] {
        let url = from_ehr(&iss).unwrap();
        let sent = parameters(query_of(&url).as_bytes());
        assert_eq!(sent["aud"], iss);
        assert_eq!(sent["launch"], "opaque launch+value/%41");
        assert_eq!(sent["scope"], "openid fhirUser launch/patient launch");
    }
    let long = LaunchHandle::new("x".repeat(5000));
    let refused = Launch::from_ehr(&world.trusted, &world.client, &base, long);
    assert_eq!(
        refused.map(drop).map_err(|error| error.code()),
        Err("launch-handle-too-long")
    );
    let before = world.http.sent().len();
    for iss in [
        "https://evil.example/fhir".to_owned(),
        format!("{base}.evil.example"),
        format!("{base}//"),
        format!("{base}/x"),
        format!("{base}?x"),
        base.to_ascii_uppercase(),
        base.replace("http://", "https://"),
        base.replace("http://", "http://user@"),
        base.replace("/fhir", ""),
        world.ehr.issuer(),
        format!(" {base}"),
        String::new(),
    ] {
        assert_eq!(from_ehr(&iss), Err("launch-unknown-fhir-base"), "{iss}");
    }
    assert_eq!(world.http.sent().len(), before);
}

/// What comes with a launch or a callback chooses neither where a browser goes nor where a code
/// does: these addresses are the server's and the registration's.
// covers: SBCP-2, SMART-SEC-2, SMART-AUT-3
#[tokio::test]
async fn adv_nobody_is_sent_to_an_address_that_came_with_a_request() {
    const EVIL: &str = "redirect_uri=https%3A%2F%2Fevil.example%2Fcb&authorization_endpoint=https%3A%2F%2Fevil.example&token_endpoint=https%3A%2F%2Fevil.example%2Ftoken&next=https%3A%2F%2Fevil.example&client_id=evil";
    let world = World::new().await;
    let endpoint = format!("{}/authorize?", world.ehr.issuer());
    for handle in [
        "x&redirect_uri=https://evil.example/cb",
        "x#https://evil.example",
        "\r\nLocation: https://evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "<script>fetch('https://evil.example')</script>",
    ] {
        let base = world.ehr.fhir_base();
        let launch = LaunchHandle::new(handle);
        let launch = Launch::from_ehr(&world.trusted, &world.client, &base, launch).unwrap();
        let url = launch.begin(provider(), NOW).unwrap().request.url();
        assert!(url.starts_with(&endpoint), "{url}");
        assert!(!url.contains(['#', '<', '\r', '\n']), "{url}");
        let pairs: Vec<_> = form_urlencoded::parse(query_of(&url).as_bytes()).collect();
        let of = |name: &str| {
            let found = pairs.iter().filter(|it| it.0 == name);
            found.map(|it| it.1.as_ref()).collect::<Vec<_>>()
        };
        assert_eq!(of("redirect_uri"), [REDIRECT_URI]);
        assert_eq!(of("launch"), [handle]);
    }

    let (begun, query) = world.callback().await;
    let query = format!("{query}&{EVIL}");
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), NOW)
        .unwrap();
    let client = TokenClient::new(&world.client, world.http.clone(), provider());
    client.exchange(launch, NOW).await.unwrap();
    let [request] = &world.sent_to("/oidc/token")[..] else {
        panic!("one token request");
    };
    let form = parameters(&request.body);
    assert_eq!(form["redirect_uri"], REDIRECT_URI);
    assert_eq!(form["client_id"], DEFAULT_CLIENT_ID);
    assert!(world.http.sent().iter().all(|it| !it.url.contains("evil")));
}

const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://login.example/oidc";

/// An issuer whose endpoints the test chooses.
async fn trusted(authorization_endpoint: Option<&str>) -> TrustedIssuer {
    let http = FakeHttp::new();
    let mut smart = json!({
        "issuer": ISSUER,
        "token_endpoint": "https://login.example/token",
        "capabilities": [],
    });
    if let Some(endpoint) = authorization_endpoint {
        smart["authorization_endpoint"] = json!(endpoint);
    }
    let openid = json!({"issuer": ISSUER, "jwks_uri": "https://login.example/jwks"});
    let document = |base: &str, name: &str| format!("{base}/.well-known/{name}");
    http.answer(&document(BASE, "smart-configuration"), Answer::json(&smart));
    http.answer(
        &document(ISSUER, "openid-configuration"),
        Answer::json(&openid),
    );
    let base = FhirBaseUrl::parse(BASE).unwrap();
    Discovery::new(http).discover(&base).await.unwrap()
}

fn client(scopes: &[&str]) -> ClientConfig {
    let mut client = ClientConfig::public(
        ClientId::new("app"),
        RedirectUri::new("https://app.example/cb"),
    );
    client.scopes = scopes.iter().collect();
    client
}

// covers: SMART-AUT-23
#[tokio::test]
async fn the_query_of_the_endpoint_is_kept() {
    for (endpoint, beginning) in [
        (
            "https://login.example/authorize",
            "https://login.example/authorize?response_type=",
        ),
        (
            "https://login.example/authorize?tenant=a%20b&x",
            "https://login.example/authorize?tenant=a%20b&x&response_type=",
        ),
    ] {
        let trusted = trusted(Some(endpoint)).await;
        let begun = Launch::standalone(&trusted, &client(&["openid"]))
            .begin(provider(), NOW)
            .unwrap();
        let url = begun.request.url();
        assert!(url.starts_with(beginning), "{url}");
        assert!(EndpointUrl::parse(&url).is_ok(), "{url}");
    }
}

// covers: SMART-AUT-4, SMART-AUT-17, SMART-SCP-14, SMART-SCP-15, SMART-CTX-15, OIDC-AUT-1
#[tokio::test]
async fn a_launch_that_cannot_work_does_not_begin() {
    let good = trusted(Some("https://login.example/authorize")).await;
    let silent = trusted(None).await;
    let begin = |trusted: &TrustedIssuer, scopes: &[&str]| {
        Launch::standalone(trusted, &client(scopes))
            .begin(provider(), NOW)
            .map(drop)
            .map_err(|error| error.code())
    };
    assert_eq!(begin(&good, &["openid", "fhirUser"]), Ok(()));
    assert_eq!(
        begin(&silent, &["openid"]),
        Err("launch-no-authorization-endpoint")
    );
    assert_eq!(begin(&good, &[]), Err("launch-no-scope"));
    for scopes in [&["fhirUser"][..], &["fhirUser", "OpenID"]] {
        assert_eq!(
            begin(&good, scopes),
            Err("launch-fhir-user-without-openid"),
            "{scopes:?}"
        );
    }
    for scope in ["a\"b", "a\\b", "é", "a\u{b}b", "launch/task?role=a&role=b"] {
        assert_eq!(
            begin(&good, &["openid", scope]),
            Err("launch-scope"),
            "{scope:?}"
        );
    }
}

#[test]
fn scopes_of_a_client_are_words() {
    let both = client(&["openid"]).with_scope(" launch/patient  openid\tpatient/*.rs ");
    assert_eq!(both.scopes.as_str(), "openid launch/patient patient/*.rs");
}

/// The scopes that a launch asks for, and the codes of what is odd about them.
fn asked(begun: &Begun) -> (String, Vec<&'static str>) {
    let mut sent = parameters(query_of(&begun.request.url()).as_bytes());
    let scope = sent.remove("scope").unwrap();
    assert_eq!(begun.pending.context().scopes.as_str(), scope);
    (scope, begun.findings.iter().map(|it| it.code).collect())
}

// covers: SMART-LCH-4, SMART-CTX-15, SMART-AUT-16, SMART-SCP-11, SMART-SCP-14
#[tokio::test]
async fn scopes_are_asked_for_once_and_as_the_standard_writes_them() {
    let trusted = trusted(Some("https://login.example/authorize")).await;
    let cases: [(&[&str], bool, &str, &[&str]); 8] = [
        (&["openid"], false, "openid", &[]),
        (&["openid"], true, "openid launch", &[]),
        (&["launch", "openid"], true, "launch openid", &[]),
        (&["openid", "a", "openid"], false, "openid a", &[]),
        (
            &["launch/DiagnosticReport?role=https://X.example/R"],
            false,
            "launch/diagnosticreport?role=https://X.example/R",
            &[],
        ),
        (
            &["launch", "online_access", "user/*.cruds"],
            false,
            "launch online_access user/*.cruds",
            &[
                "scope-everything",
                "scope-online-access-standalone",
                "scope-launch-standalone",
            ],
        ),
        (&["online_access"], true, "online_access launch", &[]),
        // What a server may have made up is asked for as it is written.
        (
            &["user/Patient.sr"],
            false,
            "user/Patient.sr",
            &["scope-invalid"],
        ),
    ];
    for (scopes, is_ehr, expected, codes) in cases {
        let client = client(scopes);
        let launch = if is_ehr {
            Launch::from_ehr(&trusted, &client, BASE, LaunchHandle::new("h")).unwrap()
        } else {
            Launch::standalone(&trusted, &client)
        };
        let begun = launch.begin(provider(), NOW).unwrap();
        let expected = (expected.to_owned(), codes.to_vec());
        assert_eq!(asked(&begun), expected, "{scopes:?}");
    }
}

// covers: ISSP-3, ISSP-5, ISSP-6
#[tokio::test]
async fn without_the_announcement_the_issuer_may_be_missing_but_not_wrong() {
    let trusted = trusted(Some("https://login.example/authorize")).await;
    let client = client(&["openid"]);
    for (iss, is_genuine) in [
        (None, true),
        (Some(ISSUER), true),
        (Some("https://evil.example"), false),
    ] {
        let begun = Launch::standalone(&trusted, &client)
            .begin(provider(), NOW)
            .unwrap();
        let sent = parameters(query_of(&begun.request.url()).as_bytes());
        let mut query = format!("code=c&state={}", sent["state"]);
        if let Some(iss) = iss {
            query.push_str(&format!("&iss={iss}"));
        }
        let launch = begun
            .pending
            .authorize(&query, &begun.binding, provider(), NOW);
        assert_eq!(launch.is_ok(), is_genuine, "{iss:?}");
    }
}

/// A valid token of the forged issuer with this `fhirUser`.
async fn token_with(fhir_user: Option<Value>) -> IdToken {
    let mut claims = json!({
        "iss": ISSUER,
        "sub": "alice",
        "aud": "app",
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
        "nonce": "n",
        "name": "Ada from the token",
    });
    if let Some(fhir_user) = fhir_user {
        claims["fhirUser"] = fhir_user;
    }
    let token = RawIdToken::new(Forge::issuer().token("RS256", &claims));
    let keys = Forge::issuer().jwks().to_string();
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new("app"),
        Algorithms::ID_TOKEN,
        JwkSet::parse(keys.as_bytes(), provider()).unwrap(),
        provider(),
    );
    let nonce = Nonce::new("n");
    verifier
        .verify(&token, &Expected::nonce(&nonce), NOW)
        .await
        .unwrap()
}

async fn load(http: &Arc<FakeHttp>, token: &IdToken, granted: bool) -> UserProfile {
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let access_token = AccessToken::new("at");
    let source = FhirProfileSource::new(http.clone());
    let mut request = ProfileRequest::new(token, &base, &access_token);
    if granted {
        request = request.fhir_user_was_granted();
    }
    UserProfile::load(&request, &source, NOW).await
}

// covers: SMART-USR-7, SMART-USR-5, SMART-USR-12
#[tokio::test]
async fn a_server_that_hides_the_resource_leaves_a_usable_profile() {
    let url = format!("{BASE}/Practitioner/1");
    let token = token_with(Some(json!("Practitioner/1"))).await;
    let other = json!({"resourceType": "Practitioner", "id": "2"});
    let cases = [
        (Answer::status(401), "profile-unauthorized"),
        (Answer::status(403), "profile-forbidden"),
        (Answer::status(404), "profile-not-found"),
        (Answer::status(500), "profile-status"),
        (
            Answer::redirect(302, "https://evil.example/fhir/Practitioner/1"),
            "profile-redirect",
        ),
        (Answer::text("text/html", "<html>"), "profile-content-type"),
        (Answer::json(&other), "profile-other-resource"),
    ];
    for (answer, code) in cases {
        let http = FakeHttp::new();
        http.answer(&url, answer.clone());
        let profile = load(&http, &token, true).await;
        assert_eq!(
            profile.resource.as_ref().unwrap_err().code(),
            code,
            "{answer:?}"
        );
        assert_eq!(profile.key, token.user_key());
        assert_eq!(profile.name.as_deref(), Some("Ada from the token"));
        assert_eq!(profile.practitioner_id(), Some("1"));
        assert_eq!(http.urls(), [url.as_str()]);
    }
    let http = FakeHttp::new();
    http.set_down(true);
    let profile = load(&http, &token, true).await;
    assert_eq!(profile.resource.unwrap_err().code(), "http-connect");
}

// covers: SMART-USR-3, SMART-USR-4, SMART-ID-3, SMART-ID-4, SMART-ID-16
#[tokio::test]
async fn adv_bearer_origin() {
    let bad = [
        (
            "https://evil.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example.evil.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example@evil.example/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://user@ehr.example/fhir/Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example:8443/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "http://ehr.example/fhir/Practitioner/1",
            "fhir-user-off-base",
        ),
        (
            "https://ehr.example/fhirX/Practitioner/1",
            "fhir-user-off-base",
        ),
        ("https://ehr.example/Practitioner/1", "fhir-user-off-base"),
        ("//evil.example/fhir/Practitioner/1", "fhir-user-form"),
        (
            "https://ehr.example/fhir/../Practitioner/1",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/Practitioner/1?x",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/Practitioner/1#x",
            "fhir-user-form",
        ),
        (
            "https://ehr.example/fhir/Practitioner/1/_history/2",
            "fhir-user-form",
        ),
        ("Practitioner/..", "fhir-user-form"),
        ("Practitioner/%2e", "fhir-user-form"),
        ("Practitioner/", "fhir-user-form"),
        ("Practitioner", "fhir-user-form"),
        ("", "fhir-user-form"),
        ("Organization/1", "fhir-user-type"),
        ("practitioner/1", "fhir-user-type"),
    ];
    for (claim, code) in bad {
        let http = FakeHttp::new();
        let token = token_with(Some(json!(claim))).await;
        let profile = load(&http, &token, true).await;
        assert_eq!(profile.resource.unwrap_err().code(), code, "{claim}");
        assert_eq!(profile.key, token.user_key());
        assert!(http.sent().is_empty(), "{claim}");
    }
    for (granted, code) in [(true, "fhir-user-missing"), (false, "profile-no-fhir-user")] {
        let http = FakeHttp::new();
        let profile = load(&http, &token_with(None).await, granted).await;
        assert_eq!(profile.resource.unwrap_err().code(), code);
        assert!(http.sent().is_empty());
    }
    // The absolute form of a reference that is ours is read where the base is.
    for claim in [
        "https://ehr.example/fhir/Practitioner/1",
        "HTTPS://EHR.example:443/fhir/Practitioner/1",
    ] {
        let http = FakeHttp::new();
        let token = token_with(Some(json!(claim))).await;
        load(&http, &token, true).await;
        assert_eq!(http.urls(), [format!("{BASE}/Practitioner/1")], "{claim}");
    }
}

/// Fails where a text holds one of these.
fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} shows in {text}");
    }
}

// covers: SMART-TOK-16
#[tokio::test]
async fn adv_no_secret_in_debug_of_a_whole_flow() {
    let user = SandboxUser::new(
        UserType::Patient,
        "hidden-id",
        "hidden-subject",
        "Ada Hidden",
    );
    let world = World::of(|it| it.user(user)).await;
    let begun = world.begin();
    let sent = parameters(query_of(&begun.request.url()).as_bytes());
    let (state, nonce) = (sent["state"].clone(), sent["nonce"].clone());
    let query = world.browse(&begun.request.url()).await;
    let code = parameters(query.as_bytes())["code"].clone();
    let binding = begun.binding.expose_secret().to_owned();
    let mut shown = vec![
        format!("{:?}", begun.binding),
        format!("{:?}", begun.pending),
    ];
    let launch = begun
        .pending
        .authorize(&query, &begun.binding, provider(), NOW)
        .unwrap();
    shown.push(format!("{launch:?}"));
    let (tokens, launch) = TokenClient::new(&world.client, world.http.clone(), provider())
        .exchange(launch, NOW)
        .await
        .unwrap();
    shown.extend([format!("{tokens:?}"), format!("{launch:?}")]);
    let raw = tokens.id_token.clone().unwrap();
    let expected = Expected::nonce(launch.nonce().unwrap())
        .with_access_token(&tokens.access_token)
        .with_code(launch.code());
    let token = world.verifier().verify(&raw, &expected, NOW).await.unwrap();
    let source = FhirProfileSource::new(world.http.clone());
    let request = ProfileRequest::of_launch(&token, &launch, &tokens);
    shown.push(format!("{request:?}"));
    let profile = UserProfile::load(&request, &source, NOW).await;
    shown.extend([
        format!("{expected:?}"),
        format!("{token:?}"),
        format!("{profile:?}"),
        format!("{:?}", profile.key),
        format!("{:?}", profile.fhir_user),
    ]);
    let form = parameters(&world.sent_to("/oidc/token")[0].body);
    let secrets = [
        state.as_str(),
        &nonce,
        &binding,
        &code,
        &form["code_verifier"],
        tokens.access_token.expose_secret(),
        raw.expose_secret(),
        "hidden",
        "Hidden",
    ];
    // There is something to hide, and the flow has come to its end.
    assert_eq!(tokens.context.patient.as_deref(), Some("hidden-id"));
    assert_eq!(token.subject(), "hidden-subject");
    assert_eq!(profile.name.as_deref(), Some("Ada Hidden"));
    assert!(profile.resource.is_ok());
    for text in shown {
        assert_hidden(&text, &secrets);
    }
}

// covers: SMART-TOK-16
#[tokio::test]
async fn adv_no_secret_in_debug_of_a_launch_that_began() {
    let world = World::new().await;
    let begun = world.begin();
    let sent = parameters(query_of(&begun.request.url()).as_bytes());
    assert_hidden(
        &format!("{begun:?}"),
        &[
            &sent["state"],
            &sent["nonce"],
            begun.binding.expose_secret(),
        ],
    );
}
