//! How often the crate asks the allocator, counted by a kept library that stands in for it.
//!
//! Keys that answer at once leave the allocations of a backend out.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
use std::sync::Arc;

use allocation_counter::measure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use smart_jose::crypto::{BadSignature, VerifyingKey};
use smart_jose::header::MAX_HEADER_OCTETS;
use smart_jose::jwt::{ClaimsPolicy, validate};
use smart_jose::key::PrivateKey;
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, Jwk, JwkSet, UnixTime, UnverifiedJws,
};

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const HEADER: &str =
    r#"{"typ":"JWT","alg":"ES256","kid":"9dPjwUuTbzcDvMhuC7dMdvBbBbBmSvAJTgY8VwfEyGk"}"#;
const CLAIMS: &str = r#"{"iss":"https://ehr.example/oidc","sub":"7c9f2b1e-dr-smith",
    "aud":"growth-chart-app","exp":1700000300,"iat":1700000000,
    "nonce":"n-0S6_WzA2MjAbCdEfGhIjKlMnOp","fhirUser":"Practitioner/123"}"#;

/// What a text costs to keep as an error shows it: one allocation.
const ONE_TEXT: u64 = 1;

#[derive(Debug)]
struct AtOnce;

impl VerifyingKey for AtOnce {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
    fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        Ok(())
    }
}

/// Claims of the caller that own nothing, so that what is counted is ours.
#[derive(serde::Deserialize)]
struct Flat {
    iat: u64,
}

fn provider() -> &'static CryptoProvider {
    #[cfg(feature = "ring")]
    return CryptoProvider::ring();
    #[cfg(not(feature = "ring"))]
    CryptoProvider::aws_lc_rs()
}

fn token(header: &str, payload: &str) -> String {
    let encode = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
    let (header, payload) = (encode(header.as_bytes()), encode(payload.as_bytes()));
    format!("{header}.{payload}.{}", encode(&[7; 64]))
}

fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

#[test]
fn reading_a_good_token_allocates_its_payload_and_nothing_else() {
    let token = token(HEADER, CLAIMS);
    let keys = Candidates::one(Arc::new(AtOnce));
    let policy = ClaimsPolicy::new("https://ehr.example/oidc", "growth-chart-app");
    let read = || {
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let token = token.verify(&keys).unwrap();
        let token = validate::<Flat>(token, &policy, NOW).unwrap();
        assert_eq!(token.claims().iat, 1_700_000_000);
    };
    // The first time the machine is asked which vector instructions it has.
    read();
    assert_eq!(allocations(read), 1);
}

#[test]
fn a_token_with_many_members_still_allocates_its_payload_only() {
    let members = |count: usize| -> String {
        let members: Vec<String> = (0..count).map(|i| format!("\"m{i}\":{i}")).collect();
        members.join(",")
    };
    let keys = Candidates::one(Arc::new(AtOnce));
    let policy = ClaimsPolicy::new("https://ehr.example/oidc", "growth-chart-app");
    let claims = CLAIMS.trim_end_matches('}');
    // Twenty places: three members here and seven there, and one for each object that is open.
    let header = HEADER.trim_end_matches('}');
    let header = format!("{header},{}}}", members(16));
    let claims = format!(
        r#"{claims},"address":{{{}}},{}}}"#,
        members(10),
        members(11)
    );
    let token = token(&header, &claims);
    let read = || {
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let token = token.verify(&keys).unwrap();
        validate::<Flat>(token, &policy, NOW).unwrap();
    };
    read();
    assert_eq!(allocations(read), 1);
}

#[test]
fn finding_a_key_in_a_set_allocates_nothing() {
    let keys = (0..10).map(|n| {
        let key = PrivateKey::generate(Algorithm::ES256, provider()).unwrap();
        Jwk::new(key.public_key(), format!("key-{n}"), Algorithm::ES256).unwrap()
    });
    let keys = JwkSet::from_keys(keys.collect(), provider());
    let token = token(r#"{"alg":"ES256","kid":"key-7"}"#, CLAIMS);
    let find = || {
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        assert_eq!(keys.candidates(token.header()).unwrap().iter().count(), 1);
    };
    find();
    assert_eq!(allocations(find), 0);
}

// covers: JWS-1
#[test]
fn adv_many_dots_and_other_hostile_tokens_cost_no_more_than_their_error() {
    let none = token(r#"{"alg":"none"}"#, CLAIMS);
    let foreign = token(r#"{"alg":"RS256"}"#, CLAIMS);
    let long = format!(
        r#"{{"alg":"none","x":"{}"}}"#,
        "x".repeat(MAX_HEADER_OCTETS)
    );
    let long = token(&long, CLAIMS);
    let cases = [
        ("no dots", "x".repeat(60_000), "jws-segment-count", 0),
        (
            "one dot",
            format!("{}.", "x".repeat(60_000)),
            "jws-segment-count",
            0,
        ),
        ("only dots", ".".repeat(60_000), "jws-segment-count", 0),
        ("a million dots", ".".repeat(1_000_000), "jws-too-long", 0),
        (
            "a long header",
            format!("{}.e30.AA", "A".repeat(10_000_000)),
            "jws-too-long",
            0,
        ),
        (
            "JSON form",
            format!("{{{}", "[".repeat(60_000)),
            "jws-json-serialization",
            0,
        ),
        ("five parts", "a.b.c.d.e".to_owned(), "jws-encrypted", 0),
        ("alg none", none, "alg-unsupported", ONE_TEXT),
        ("alg of another kind", foreign, "alg-not-accepted", 0),
        // Decoded it is too long to be kept in place, and not read.
        ("a header of 8 KiB and more", long, "header-json", 1),
    ];
    for (name, token, code, expected) in cases {
        let refuse = || {
            let error = UnverifiedJws::parse(&token, Algorithms::of(&[Algorithm::ES256]));
            assert_eq!(error.unwrap_err().code(), code, "{name}");
        };
        refuse();
        assert_eq!(allocations(refuse), expected, "{name}");
    }
}

#[test]
fn a_made_up_kid_costs_no_more_than_its_error() {
    let key = PrivateKey::generate(Algorithm::ES256, provider()).unwrap();
    let key = Jwk::new(key.public_key(), "key-1", Algorithm::ES256).unwrap();
    let keys = JwkSet::from_keys(vec![key], provider());
    let token = token(HEADER, CLAIMS);
    let refuse = || {
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let error = keys.candidates(token.header()).unwrap_err();
        assert_eq!(error.code(), "key-unknown");
    };
    refuse();
    assert_eq!(allocations(refuse), ONE_TEXT);
}
