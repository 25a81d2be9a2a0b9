//! What this crate costs on top of what cannot be avoided.
//!
//! Each group holds `ours` and its `floor`, measured in the same run; `cargo xtask bench` prints
//! the ratio of the two. Machines are shared and noisy, so a time alone says nothing.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark should stop where something is wrong"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::{NO_PAD, URL_SAFE_NO_PAD};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use serde::{Deserialize, Serialize};
use smart_jose::crypto::{BadSignature, SigningFailed, SigningKey, VerifyingKey};
use smart_jose::jwt::{ClaimsPolicy, validate};
use smart_jose::key::{PrivateKey, PublicKey};
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, Jwk, JwkSet, UnixTime, UnverifiedJws, jws,
};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const HEADER: &str = r#"{"typ":"JWT","alg":"RS256","kid":"2024-08-15.rsa"}"#;

/// A key that answers at once, so that what is left is our own work.
#[derive(Debug)]
struct AtOnce(PublicKey);

impl VerifyingKey for AtOnce {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Ok(())
    }
}

impl SigningKey for AtOnce {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
    fn public_key(&self) -> &PublicKey {
        &self.0
    }
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        Ok(vec![7; 256])
    }
}

#[derive(Serialize, Deserialize)]
struct Header {
    typ: String,
    alg: String,
    kid: String,
}

#[derive(Serialize)]
struct Borrowed<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

#[derive(Serialize, Deserialize)]
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

fn claims() -> Claims {
    Claims {
        iss: "https://ehr.example/oidc".into(),
        sub: "7c9f2b1e-dr-smith".into(),
        aud: "growth-chart-app".into(),
        exp: 1_700_000_300,
        iat: 1_700_000_000,
        nonce: "n-0S6_WzA2MjAbCdEfGhIjKlMnOp".into(),
        fhir_user: "https://ehr.example/fhir/Practitioner/123".into(),
    }
}

fn token(signature: &[u8]) -> String {
    let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let payload = serde_json::to_vec(&claims()).unwrap();
    format!(
        "{}.{}.{}",
        encode(HEADER.as_bytes()),
        encode(&payload),
        encode(signature)
    )
}

fn any_public_key() -> PublicKey {
    PrivateKey::generate(Algorithm::ES256, provider())
        .unwrap()
        .public_key()
}

#[cfg(feature = "ring")]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::ring()
}

#[cfg(not(feature = "ring"))]
fn provider() -> &'static CryptoProvider {
    CryptoProvider::aws_lc_rs()
}

/// Many short samples, so that some of them fall into a quiet moment of a shared machine.
fn group<'c>(c: &'c mut Criterion, name: impl Into<String>) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat).sample_size(1000);
    group
}

/// Form, header, claims and policy, against decoding (with the same decoder) and reading the same
/// text without any rule.
fn verify_and_claims(c: &mut Criterion) {
    let token = token(&[7; 256]);
    let keys = Candidates::one(Arc::new(AtOnce(any_public_key())));
    let policy = ClaimsPolicy::new("https://ehr.example/oidc", "growth-chart-app");
    let engine = Simd::url_safe(NO_PAD);
    let mut group = group(c, "verify-and-claims");
    group.bench_function("ours", |b| {
        b.iter(|| {
            let token = UnverifiedJws::parse(black_box(&token), Algorithms::ID_TOKEN).unwrap();
            let token = token.verify(&keys).unwrap();
            validate::<Claims>(token, &policy, NOW).unwrap()
        });
    });
    group.bench_function("floor", |b| {
        b.iter(|| {
            let mut parts = black_box(&token).split('.');
            let mut decode = || engine.decode(parts.next().unwrap()).unwrap();
            let (header, payload, signature) = (decode(), decode(), decode());
            let header: Header = serde_json::from_slice(&header).unwrap();
            let claims: Claims = serde_json::from_slice(&payload).unwrap();
            (header, claims, signature)
        });
    });
    group.finish();
}

/// Writing a token, against serializing and encoding the same values.
fn sign(c: &mut Criterion) {
    let key = AtOnce(any_public_key());
    let claims = claims();
    let engine = Simd::url_safe(NO_PAD);
    let mut group = group(c, "sign");
    group.bench_function("ours", |b| {
        b.iter(|| {
            let payload = serde_json::to_vec(black_box(&claims)).unwrap();
            jws::sign(&payload, Some("2024-08-15.rsa"), &key).unwrap()
        });
    });
    group.bench_function("floor", |b| {
        b.iter(|| {
            let header = Borrowed {
                typ: "JWT",
                alg: "RS256",
                kid: black_box("2024-08-15.rsa"),
            };
            let payload = serde_json::to_vec(black_box(&claims)).unwrap();
            let mut token = String::with_capacity(1024);
            engine.encode_string(serde_json::to_vec(&header).unwrap(), &mut token);
            token.push('.');
            engine.encode_string(payload, &mut token);
            let signature = key.sign(token.as_bytes()).unwrap();
            token.push('.');
            engine.encode_string(signature, &mut token);
            token
        });
    });
    group.finish();
}

/// A whole verification, against the bare signature operation of the same backend.
fn whole(c: &mut Criterion) {
    let provider = provider();
    let policy = ClaimsPolicy::new("https://ehr.example/oidc", "growth-chart-app");
    let rsa = PrivateKey::from_pem(include_str!("../tests/data/rsa-2048.pem"), provider).unwrap();
    for algorithm in provider
        .algorithms()
        .iter()
        .filter(|it| *it != Algorithm::ES512)
    {
        let private = match rsa.public_key().fits(algorithm) {
            true => rsa.clone(),
            false => PrivateKey::generate(algorithm, provider).unwrap(),
        };
        let signer = provider.signing_key(&private, algorithm).unwrap();
        let payload = serde_json::to_vec(&claims()).unwrap();
        let token = jws::sign(&payload, Some("2024-08-15.rsa"), &*signer).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let verifier = provider.prepare(&private.public_key(), algorithm).unwrap();
        let keys = Candidates::one(Arc::clone(&verifier));
        let accepted = Algorithms::of(&[algorithm]);
        let mut group = group(c, format!("whole-{}-{algorithm}", provider.name));
        group.bench_function("ours", |b| {
            b.iter(|| {
                let token = UnverifiedJws::parse(black_box(&token), accepted).unwrap();
                validate::<Claims>(token.verify(&keys).unwrap(), &policy, NOW).unwrap()
            });
        });
        group.bench_function("floor", |b| {
            b.iter(|| {
                verifier
                    .verify(black_box(message).as_bytes(), &signature)
                    .unwrap()
            });
        });
        group.finish();
    }
}

/// Refusing what is hostile, against one RS256 check: it must cost less than a tenth.
fn refuse(c: &mut Criterion) {
    let provider = provider();
    let rsa = PrivateKey::from_pem(include_str!("../tests/data/rsa-2048.pem"), provider).unwrap();
    let verifier = provider
        .prepare(&rsa.public_key(), Algorithm::RS256)
        .unwrap();
    let none = token(&[7; 256]).replacen(
        &URL_SAFE_NO_PAD.encode(HEADER),
        &URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#),
        1,
    );
    for (name, token) in [
        ("no-dots", "x".repeat(60_000)),
        ("a-million-dots", ".".repeat(1_000_000)),
        (
            "ten-megabytes",
            format!("{}.e30.AA", "A".repeat(10_000_000)),
        ),
        ("alg-none", none),
    ] {
        let mut group = group(c, format!("refuse-{name}"));
        group.bench_function("ours", |b| {
            b.iter(|| UnverifiedJws::parse(black_box(&token), Algorithms::ID_TOKEN).is_err());
        });
        group.bench_function("floor", |b| {
            b.iter(|| verifier.verify(black_box(b"message"), &[7; 256]).is_err());
        });
        group.finish();
    }
}

/// Refusing headers that were made to be slow to read, as long as a header may be: many members,
/// and many of what costs most for each octet.
fn refuse_slow_headers(c: &mut Criterion) {
    let provider = provider();
    let rsa = PrivateKey::from_pem(include_str!("../tests/data/rsa-2048.pem"), provider).unwrap();
    let verifier = provider
        .prepare(&rsa.public_key(), Algorithm::RS256)
        .unwrap();
    let members: Vec<String> = (0..900).map(|n| format!("\"{n}\":1")).collect();
    let numbers = vec!["1.5e10"; 1100].join(",");
    for (name, rest) in [
        ("members", members.join(",")),
        ("numbers", format!("\"x\":[{numbers}]")),
        ("escapes", format!("\"x\":\"{}\"", "\\n".repeat(4000))),
    ] {
        let header = format!("{{\"alg\":\"none\",{rest}}}");
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        let mut group = group(c, format!("slow-header-{name}"));
        group.bench_function("ours", |b| {
            b.iter(|| {
                let refused = UnverifiedJws::parse(black_box(&token), Algorithms::ID_TOKEN);
                assert_eq!(refused.map(drop).unwrap_err().code(), "alg-unsupported");
            });
        });
        group.bench_function("floor", |b| {
            b.iter(|| verifier.verify(black_box(b"message"), &[7; 256]).is_err());
        });
        group.finish();
    }
}

/// Refusing a token whose key is not in a set of ten: what a flood of made-up ids costs.
fn refuse_unknown_kid(c: &mut Criterion) {
    let provider = provider();
    let rsa = PrivateKey::from_pem(include_str!("../tests/data/rsa-2048.pem"), provider).unwrap();
    let verifier = provider
        .prepare(&rsa.public_key(), Algorithm::RS256)
        .unwrap();
    let keys = (0..10)
        .map(|n| Jwk::new(rsa.public_key(), format!("key-{n}"), Algorithm::RS256).unwrap())
        .collect();
    let keys = JwkSet::from_keys(keys, provider);
    let token = token(&[7; 256]);
    let mut group = group(c, "refuse-unknown-kid");
    group.bench_function("ours", |b| {
        b.iter(|| {
            let token = UnverifiedJws::parse(black_box(&token), Algorithms::ID_TOKEN).unwrap();
            assert!(keys.candidates(token.header()).is_err());
        });
    });
    group.bench_function("floor", |b| {
        b.iter(|| verifier.verify(black_box(b"message"), &[7; 256]).is_err());
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .nresamples(1001)
        .without_plots();
    targets = verify_and_claims, sign, whole, refuse, refuse_slow_headers, refuse_unknown_kid
}
criterion_main!(benches);
