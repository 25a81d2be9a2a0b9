//! How a verifier and its source of keys work together: what the issuer announces, what is fetched
//! for a token that is worth nothing, and keys that change under one name.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, FixedClock, Issuer, KeySource, KeySourceError, RemoteJwks,
    TrustedIssuer,
};
use smart_oidc::id_token::CheckResult;
use smart_oidc::jose::{
    Algorithm, Algorithms, Candidates, JwkSet, ProtectedHeader, UnixTime, UnverifiedJws,
};
use smart_oidc::{ClientId, Expected, IdTokenVerifier, RawIdToken};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://ehr.example/oidc";
const BASE: &str = "https://ehr.example/fhir";
const JWKS: &str = "https://ehr.example/oidc/jwks";
const CLIENT: &str = "growth-chart-app-123";

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "user-1", "aud": CLIENT,
        "exp": NOW.as_secs() + 300, "iat": NOW.as_secs(),
    })
}

fn keys_of(forge: &Forge) -> JwkSet {
    JwkSet::parse(forge.jwks().to_string().as_bytes(), provider()).unwrap()
}

/// An issuer that announces these algorithms, and its network.
async fn announcing(algorithms: &[&str]) -> (Arc<FakeHttp>, TrustedIssuer) {
    let http = FakeHttp::new();
    let document = json!({
        "issuer": ISSUER, "jwks_uri": JWKS, "token_endpoint": format!("{ISSUER}/token"),
        "capabilities": ["sso-openid-connect"], "grant_types_supported": ["authorization_code"],
        "id_token_signing_alg_values_supported": algorithms,
    });
    for url in [
        format!("{BASE}/.well-known/smart-configuration"),
        format!("{ISSUER}/.well-known/openid-configuration"),
    ] {
        http.answer(&url, Answer::json(&document));
    }
    http.answer(JWKS, Answer::json(&Forge::issuer().jwks()));
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let trusted = Discovery::new(http.clone()).discover(&base).await.unwrap();
    (http, trusted)
}

fn verifier_with(
    trusted: &TrustedIssuer,
    accepted: Algorithms,
    keys: Arc<dyn KeySource>,
) -> IdTokenVerifier {
    IdTokenVerifier::new(trusted, ClientId::new(CLIENT), accepted, keys, provider())
}

/// The code of a token, by `verify` and by `explain`.
async fn judge(verifier: &IdTokenVerifier, token: &str) -> &'static str {
    let token = RawIdToken::new(token);
    let expected = Expected::no_nonce_sent();
    let verified = verifier.verify(&token, &expected, NOW).await;
    let report = verifier.explain(&token, &expected, NOW).await;
    assert_eq!(verified.is_ok(), report.valid);
    assert_eq!(verified.as_ref().err(), report.error.as_ref());
    verified.map_or_else(|error| error.code(), |_| "ok")
}

// covers: OIDC-VAL-7
#[tokio::test]
async fn the_announcement_narrows_also_where_the_source_does_not_follow_it() {
    let (http, trusted) = announcing(&["RS256", "ES256"]).await;
    let clock = Arc::new(FixedClock::at(NOW));
    let keys = RemoteJwks::new(trusted.jwks_uri().clone(), http, provider(), clock);
    let verifier = verifier_with(&trusted, Algorithms::ID_TOKEN, Arc::new(keys));
    let forge = Forge::issuer();
    // Cold, and then with the key set at hand.
    for _ in 0..2 {
        for (alg, code) in [
            ("RS384", "alg-not-accepted"),
            ("RS256", "ok"),
            ("ES256", "ok"),
            ("ES384", "alg-not-accepted"),
            ("PS256", "alg-not-accepted"),
        ] {
            assert_eq!(
                judge(&verifier, &forge.token(alg, &claims())).await,
                code,
                "{alg}"
            );
        }
    }
}

/// A verifier remembers the header that has verified; it must not remember more than that.
#[tokio::test]
async fn what_a_verifier_has_seen_decides_nothing() {
    let (forge, other) = (Forge::issuer(), Forge::other());
    let issuer = Issuer::parse(ISSUER).unwrap();
    let fresh = || {
        let (client, accepted) = (ClientId::new(CLIENT), Algorithms::ID_TOKEN);
        IdTokenVerifier::with_static_keys(&issuer, client, accepted, keys_of(&forge), provider())
    };
    let usual = forge.token("RS256", &claims());
    let (header, rest) = usual.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    let expired = json!({ "iss": ISSUER, "sub": "user-1", "aud": CLIENT, "exp": 1, "iat": 0 });
    let with = |header: Value| forge.token_with("RS256", &header, &claims());
    let cases = [
        (usual.clone(), "ok"),
        (forge.token("ES256", &claims()), "ok"),
        (other.token("RS256", &claims()), "jws-bad-signature"),
        (forge.token("RS256", &expired), "claim-expired"),
        (format!("{header}.{payload}.{signature}="), "jws-base64"),
        (format!("{header}.{payload}."), "jws-empty-segment"),
        (format!("{header}.{rest}.AA"), "jws-segment-count"),
        (format!("{header}=.{rest}"), "jws-base64"),
        (format!(" {usual}"), "jws-base64"),
        (
            format!("{header}.{header}.{signature}"),
            "jws-bad-signature",
        ),
        (
            with(json!({ "alg": "RS256", "kid": "another" })),
            "key-unknown",
        ),
        (with(json!({ "alg": "none" })), "alg-unsupported"),
        (
            with(json!({ "alg": "RS256", "crit": ["exp"] })),
            "header-crit",
        ),
    ];
    let seasoned = fresh();
    for (before, _) in &cases {
        for (token, code) in &cases {
            judge(&seasoned, before).await;
            judge(&seasoned, &usual).await;
            assert_eq!(judge(&seasoned, token).await, *code, "{before} {token}");
            assert_eq!(judge(&fresh(), token).await, *code, "{token}");
        }
    }
    // A clone shares what was seen and may have been made stricter.
    let short = seasoned.clone().with_max_octets(usual.len() - 1);
    assert_eq!(judge(&short, &usual).await, "jws-too-long");
}

/// A source that says more than it was asked.
#[derive(Debug)]
struct Boastful(JwkSet);

#[async_trait]
impl KeySource for Boastful {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        self.0.candidates(header).ok()
    }
    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        Ok(self.0.candidates(header)?)
    }
    fn narrow(&self, _: Algorithms) -> Option<Algorithms> {
        Some(provider().algorithms())
    }
    async fn narrow_anew(&self, _: Algorithms) -> Option<Algorithms> {
        Some(provider().algorithms())
    }
}

#[tokio::test]
async fn a_source_cannot_widen_what_the_caller_accepts() {
    let (_, trusted) = announcing(&["RS256", "PS256"]).await;
    let keys = Arc::new(Boastful(keys_of(&Forge::issuer())));
    let verifier = verifier_with(&trusted, Algorithms::of(&[Algorithm::RS256]), keys);
    let forge = Forge::issuer();
    assert_eq!(
        judge(&verifier, &forge.token("RS256", &claims())).await,
        "ok"
    );
    for alg in ["PS256", "ES256", "RS512"] {
        let token = forge.token(alg, &claims());
        assert_eq!(judge(&verifier, &token).await, "alg-not-accepted", "{alg}");
    }
}

/// Counts what it is asked, and gives other keys after a bad signature.
#[derive(Debug)]
struct Counting {
    keys: JwkSet,
    fresh: Mutex<Option<JwkSet>>,
    is_at_hand: bool,
    asked: AtomicUsize,
}

impl Counting {
    fn new(keys: JwkSet, fresh: Option<JwkSet>, is_at_hand: bool) -> Arc<Self> {
        Arc::new(Self {
            keys,
            fresh: Mutex::new(fresh),
            is_at_hand,
            asked: AtomicUsize::new(0),
        })
    }

    fn count(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl KeySource for Counting {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        let keys = self.is_at_hand.then_some(&self.keys)?;
        keys.candidates(header).ok()
    }
    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.keys.candidates(header)?)
    }
    async fn candidates_after_bad_signature(&self, header: &ProtectedHeader) -> Option<Candidates> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.fresh.lock().unwrap().take()?.candidates(header).ok()
    }
    async fn narrow_anew(&self, accepted: Algorithms) -> Option<Algorithms> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Some(accepted)
    }
}

fn malformed(token: &str) -> [String; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    [
        format!("{header}.{payload}=.{signature}"),
        format!("{header}.{payload}.{signature}*"),
        format!("{header}.*{payload}.{signature}"),
    ]
}

#[tokio::test]
async fn a_malformed_token_is_told_by_its_form_and_asks_for_nothing() {
    let (_, trusted) = announcing(&["RS256"]).await;
    let forge = Forge::issuer();
    for is_at_hand in [false, true] {
        let source = Counting::new(keys_of(&forge), None, is_at_hand);
        let verifier = verifier_with(&trusted, Algorithms::ID_TOKEN, source.clone());
        // An algorithm that is accepted, one that is not announced, and some that are neither.
        let none = json!({"alg": "none"});
        for token in [
            forge.token("RS256", &claims()),
            forge.token("RS384", &claims()),
            forge.token("PS256", &claims()),
            forge.token_with("RS256", &none, &claims()),
            forge.token_with("RS256", &json!({"alg": "RS256", "crit": ["x"]}), &claims()),
        ] {
            for token in malformed(&token) {
                assert_eq!(judge(&verifier, &token).await, "jws-base64", "{is_at_hand}");
                let expected = Expected::no_nonce_sent();
                let report = verifier
                    .explain(&RawIdToken::new(token), &expected, NOW)
                    .await;
                assert_eq!(report.check("form").unwrap().result, CheckResult::Failed);
            }
        }
        assert_eq!(source.count(), 0, "{is_at_hand}");
    }
}

// covers: OIDC-KEY-4
#[tokio::test]
async fn keys_that_changed_under_one_name_are_tried_once_more_and_no_more() {
    let (_, trusted) = announcing(&["RS256", "RS384"]).await;
    let (old, new) = (Forge::other(), Forge::issuer());
    let token = new.token("RS256", &claims());
    for is_at_hand in [false, true] {
        let source = Counting::new(keys_of(&old), Some(keys_of(&new)), is_at_hand);
        let verifier = verifier_with(&trusted, Algorithms::ID_TOKEN, source.clone());
        let raw = RawIdToken::new(token.clone());
        let expected = Expected::no_nonce_sent();
        assert!(
            verifier.verify(&raw, &expected, NOW).await.is_ok(),
            "{is_at_hand}"
        );
        assert_eq!(source.count(), if is_at_hand { 1 } else { 2 });
        // The source has nothing new any more.
        let error = verifier
            .verify(&raw, &expected, NOW)
            .await
            .map(drop)
            .unwrap_err();
        assert_eq!(error.code(), "jws-bad-signature");
        assert_eq!(source.count(), if is_at_hand { 2 } else { 4 });
    }
    let header = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    assert_eq!(header.header().kid(), Some("rsa"));
}

#[tokio::test]
async fn no_leeway_is_longer_than_five_minutes() {
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        keys_of(&Forge::issuer()),
        provider(),
    )
    .with_leeway(Duration::from_secs(3600));
    let expired = |ago: u64| {
        let mut claims = claims();
        claims["exp"] = json!(NOW.as_secs() - ago);
        Forge::issuer().token("RS256", &claims)
    };
    assert_eq!(judge(&verifier, &expired(299)).await, "ok");
    assert_eq!(judge(&verifier, &expired(300)).await, "claim-expired");
}
