//! What the validation of an ID token costs: on top of reading it at all, and of its signature.
//!
//! Each group holds `ours` and its `floor`, measured in the same run; `cargo xtask bench` prints
//! the ratio of the two.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark should stop where something is wrong"
)]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::NO_PAD;
use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use http::{Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, HttpClient, KeySource, LiveIssuer, RemoteJwks, SystemClock,
    TransportError,
};
use smart_oidc::jose::crypto::{BadSignature, PrepareError, VerificationAlgorithm, VerifyingKey};
use smart_oidc::jose::key::PublicKey;
use smart_oidc::jose::{Algorithm, Algorithms, CryptoProvider, Jwk, UnixTime};
use smart_oidc::{ClientId, Expected, IdToken, IdTokenVerifier, Nonce, RawIdToken};
use smart_tests::forge::Forge;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart-app";
const NONCE: &str = "n-0S6_WzA2MjAbCdEfGhIjKlMnOp";

/// A key that answers at once, so that what is left is our own work.
#[derive(Debug)]
struct AtOnce;

impl VerificationAlgorithm for AtOnce {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
    fn prepare(&self, _: &PublicKey) -> Result<Arc<dyn VerifyingKey>, PrepareError> {
        Ok(Arc::new(Self))
    }
}

impl VerifyingKey for AtOnce {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Ok(())
    }
}

/// An issuer with three keys, on a network that answers at once.
#[derive(Debug)]
struct Issuer(Value);

#[async_trait]
impl HttpClient for Issuer {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let body = if request.uri().path().ends_with("/jwks") {
            self.0.clone()
        } else {
            json!({
                "issuer": ISSUER,
                "jwks_uri": format!("{ISSUER}/jwks"),
                "token_endpoint": format!("{ISSUER}/token"),
                "capabilities": ["sso-openid-connect"],
                "grant_types_supported": ["authorization_code"],
                "id_token_signing_alg_values_supported": ["RS256", "RS384", "ES256", "ES384"],
            })
        };
        Ok(Response::new(Bytes::from(body.to_string())))
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is there to be read into")]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is there to be read into")]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: u64,
    iat: u64,
    nonce: String,
    #[serde(rename = "fhirUser")]
    fhir_user: String,
}

fn token(algorithm: &str) -> String {
    Forge::issuer().token(
        algorithm,
        &json!({
            "iss": ISSUER,
            "sub": "7c9f2b1e-dr-smith",
            "aud": CLIENT,
            "exp": NOW.as_secs() + 300,
            "iat": NOW.as_secs(),
            "nonce": NONCE,
            "fhirUser": "https://ehr.example/fhir/Practitioner/123",
        }),
    )
}

#[cfg(feature = "ring")]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A future that has nothing to wait for, as a validation with a key at hand.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the key is at hand"),
    }
}

/// Where a verifier finds its keys.
#[derive(Clone, Copy)]
enum Keys {
    /// In the cache of the key set.
    Cached,
    /// At an issuer that is kept up to date, whose documents are looked at too.
    Live,
}

/// A verifier with all documents and keys at hand.
fn verifier(provider: &CryptoProvider, keys: Keys) -> IdTokenVerifier {
    let http = Arc::new(Issuer(Forge::issuer().jwks()));
    let clock = Arc::new(SystemClock::new());
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let live = LiveIssuer::new(Discovery::new(http.clone()), base, provider, clock.clone());
    block_on(async {
        let trusted = live.trusted().await.unwrap();
        let keys: Arc<dyn KeySource> = match keys {
            Keys::Live => Arc::new(live.keys_of(&trusted)),
            Keys::Cached => {
                let uri = trusted.jwks_uri().clone();
                Arc::new(RemoteJwks::new(uri, http, provider, clock))
            }
        };
        let client = ClientId::new(CLIENT);
        let verifier = IdTokenVerifier::new(&trusted, client, Algorithms::ID_TOKEN, keys, provider);
        let raw = RawIdToken::new(token("RS256"));
        let nonce = Nonce::new(NONCE);
        let expected = Expected::nonce(&nonce);
        verifier.verify(&raw, &expected, NOW).await.unwrap();
        verifier
    })
}

/// Many short samples, so that some of them fall into a quiet moment of a shared machine.
fn group<'c>(c: &'c mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(1000);
    group
}

fn validate(verifier: &IdTokenVerifier, token: &RawIdToken, nonce: &Nonce) -> (IdToken, Claims) {
    let token = now(verifier.verify(black_box(token), &Expected::nonce(nonce), NOW)).unwrap();
    let claims = token.claims().unwrap();
    (token, claims)
}

/// Everything but the signature, against decoding and reading the same text without any rule.
fn at_once(c: &mut Criterion) {
    let at_once = CryptoProvider {
        verification: &[&AtOnce],
        ..*provider()
    };
    let cached = verifier(&at_once, Keys::Cached);
    let live = verifier(&at_once, Keys::Live);
    let (text, nonce) = (token("RS256"), Nonce::new(NONCE));
    let raw = RawIdToken::new(text.clone());
    let engine = Simd::url_safe(NO_PAD);
    let floor = || {
        let mut parts = black_box(&text).split('.');
        let mut decode = || engine.decode(parts.next().unwrap()).unwrap();
        let (header, payload, signature) = (decode(), decode(), decode());
        let header: Header = serde_json::from_slice(&header).unwrap();
        let claims: Claims = serde_json::from_slice(&payload).unwrap();
        (header, claims, signature)
    };
    for (name, verifier) in [("id-token", &cached), ("id-token-live", &live)] {
        let mut group = group(c, name);
        group.bench_function("ours", |b| b.iter(|| validate(verifier, &raw, &nonce)));
        group.bench_function("floor", |b| b.iter(floor));
        group.finish();
    }
    let mut group = group(c, "id-token-explain");
    group.bench_function("ours", |b| {
        b.iter(|| now(live.explain(black_box(&raw), &Expected::nonce(&nonce), NOW)));
    });
    group.bench_function("floor", |b| b.iter(floor));
    group.finish();
}

/// A whole validation, against the bare signature check of the same backend.
fn whole(c: &mut Criterion) {
    let provider = provider();
    let cached = verifier(provider, Keys::Cached);
    let live = verifier(provider, Keys::Live);
    let nonce = Nonce::new(NONCE);
    let jwks = Forge::issuer().jwks();
    for (name, verifier, at, algorithm) in [
        ("id-token", &cached, 0, Algorithm::RS256),
        ("id-token", &cached, 1, Algorithm::ES256),
        ("id-token", &cached, 2, Algorithm::ES384),
        ("id-token-live", &live, 0, Algorithm::RS256),
    ] {
        let text = token(algorithm.name());
        let raw = RawIdToken::new(text.clone());
        let (message, signature) = text.rsplit_once('.').unwrap();
        let signature = Simd::url_safe(NO_PAD).decode(signature).unwrap();
        let jwk = jwks["keys"][at].to_string();
        let key = Jwk::parse(jwk.as_bytes()).unwrap().0;
        let key = provider.prepare(key.key(), algorithm).unwrap();
        let mut group = group(c, format!("{name}-{}-{algorithm}", provider.name));
        group.bench_function("ours", |b| b.iter(|| validate(verifier, &raw, &nonce)));
        group.bench_function("floor", |b| {
            b.iter(|| {
                key.verify(black_box(message).as_bytes(), &signature)
                    .unwrap()
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .nresamples(1001)
        .without_plots();
    targets = at_once, whole
}
criterion_main!(benches);
