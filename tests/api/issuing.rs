//! Issuing: what an ID token says, what is never issued, and keys that change while people sign in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, EndpointUrl, FhirBaseUrl, FixedClock, Issuer, KeySource, RemoteJwks,
};
use smart_oidc::id_token::{Continuity, hash_claim};
use smart_oidc::issue::{
    Grant, IdTokenIssuer, IssueError, KeyRing, PairwiseSubjects, PlannedKey, RegisteredClient,
    RotationSchedule, Signer,
};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, Algorithms, JwkSet, UnixTime, UnverifiedJws, danger};
use smart_oidc::{
    AccessToken, AuthorizationCode, ClientId, Expected, IdToken, IdTokenVerifier, Nonce, RawIdToken,
};
use smart_tests::fixture;
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://ehr.example/oidc";
const BASE: &str = "https://ehr.example/fhir";
const CLIENT: &str = "growth-chart-app-123";
const NONCE: &str = "n-0S6_WzA2Mj-nonce";
const CODE: &str = "code-SplxlOBeZQQYbYS6WxSbIA";
const ACCESS_TOKEN: &str = "access-token-SlAV32hkKG";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn after(seconds: u64) -> UnixTime {
    UnixTime::from_secs(NOW.as_secs() + seconds)
}

fn signer(kid: &str, key: &PrivateKey, algorithm: Algorithm) -> Signer {
    let key = provider().signing_key(key, algorithm).unwrap();
    Signer::new(kid, key, provider()).unwrap()
}

fn rsa(name: &str) -> Signer {
    let pem = fixture::text(&format!("keys/{name}-rsa-2048.pem"));
    let key = PrivateKey::from_pem(&pem, provider()).unwrap();
    signer(name, &key, Algorithm::RS256)
}

fn fresh(kid: &str, algorithm: Algorithm) -> Signer {
    let key = PrivateKey::generate(algorithm, provider()).unwrap();
    signer(kid, &key, algorithm)
}

/// A set that is served for two minutes, and tokens of five.
fn schedule() -> RotationSchedule {
    RotationSchedule::new(seconds(120), seconds(300)).unwrap()
}

fn keys() -> KeyRing {
    KeyRing::new(schedule(), rsa("issuer"), NOW).unwrap()
}

fn issuer() -> IdTokenIssuer {
    IdTokenIssuer::new(Issuer::parse(ISSUER).unwrap(), provider())
}

fn client() -> RegisteredClient {
    RegisteredClient::new(ClientId::new(CLIENT))
}

fn scopes(scopes: &[&str]) -> Vec<String> {
    words(scopes)
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|it| (*it).to_owned()).collect()
}

fn base() -> FhirBaseUrl {
    FhirBaseUrl::parse(BASE).unwrap()
}

fn claims_of(token: &RawIdToken) -> Value {
    let payload = danger::unverified_payload(token.expose_secret()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

fn verifier_of(keys: JwkSet) -> IdTokenVerifier {
    IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        provider().algorithms(),
        keys,
        provider(),
    )
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn verify(token: &RawIdToken, keys: &KeyRing, expected: &Expected<'_>) -> IdToken {
    let verifier = verifier_of(keys.jwks(NOW, provider()));
    block_on(verifier.verify(token, expected, NOW)).unwrap()
}

// covers: OIDC-IDT-1, OIDC-IDT-7, OIDC-IDT-9, OIDC-IDT-15, OIDC-HSH-1, OIDC-HSH-3, OIDC-HSH-4, OIDC-KEY-2, SMART-ID-1, SMART-ID-7, SMART-ID-10, SMART-ID-15, SMART-ID-17
#[test]
fn a_token_says_what_was_granted_with_the_right_types() {
    let (client, token, nonce) = (client(), AccessToken::new(ACCESS_TOKEN), Nonce::new(NONCE));
    let (scopes, base) = (scopes(&["openid", "fhirUser", "profile"]), base());
    let (code, amr) = (
        AuthorizationCode::new(CODE),
        ["pwd".to_owned(), "otp".to_owned()],
    );
    let grant = Grant::new(&client, "user-1", &scopes, &token)
        .with_nonce(&nonce)
        .with_code(&code)
        .with_auth_time(NOW)
        .with_acr("2")
        .with_amr(&amr)
        .with_name("Dr. Ada Smith")
        .with_claim("department", "cardiology")
        .with_claim("pager", Value::Null)
        .with_fhir_user("Practitioner/123", &base)
        .unwrap();
    let keys = keys();
    let issued = issuer().issue(&grant, &keys, NOW).unwrap();
    let hash = |value: &str| hash_claim(value, Algorithm::RS256, provider());
    assert_eq!(
        claims_of(&issued),
        json!({
            "iss": ISSUER, "sub": "user-1", "aud": CLIENT,
            "exp": NOW.as_secs() + 300, "iat": NOW.as_secs(), "auth_time": NOW.as_secs(),
            "nonce": NONCE, "acr": "2", "amr": ["pwd", "otp"],
            "at_hash": hash(ACCESS_TOKEN), "c_hash": hash(CODE),
            "fhirUser": "https://ehr.example/fhir/Practitioner/123",
            "name": "Dr. Ada Smith", "department": "cardiology",
        })
    );
    let header = UnverifiedJws::parse(issued.expose_secret(), Algorithms::ID_TOKEN).unwrap();
    assert_eq!(header.header().algorithm(), Algorithm::RS256);
    assert_eq!(header.header().kid(), Some("issuer"));
    // What has no value is left out.
    let scopes = ["openid".to_owned()];
    let plain = Grant::new(&client, "user-1", &scopes, &token);
    let issued = issuer().issue(&plain, &keys, NOW).unwrap();
    let claims = claims_of(&issued);
    let names: Vec<&String> = claims.as_object().unwrap().keys().collect();
    assert_eq!(names, ["at_hash", "aud", "exp", "iat", "iss", "sub"]);
    // The same issuer whose URL no token may have is not made at all.
    for url in [
        "http://ehr.example",
        "https://ehr.example?x",
        "https://ehr.example#x",
    ] {
        assert!(Issuer::parse(url).is_err(), "{url}");
    }
}

// covers: OIDC-KEY-1, OIDC-HSH-5
#[test]
fn each_client_gets_the_algorithm_that_it_is_registered_with() {
    let mut keys = keys();
    let token = AccessToken::new(ACCESS_TOKEN);
    let scopes = scopes(&["openid"]);
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let client = client().with_algorithm(algorithm);
        let grant = Grant::new(&client, "user-1", &scopes, &token);
        let none = issuer().issue(&grant, &keys, NOW).map(drop);
        assert_eq!(none, Err(IssueError::NoKey { algorithm }));
        // Readers may hold a set without the new key, so it waits.
        let from = keys.add(fresh(algorithm.name(), algorithm), NOW).unwrap();
        assert_eq!(from, after(180));
        assert!(issuer().issue(&grant, &keys, after(179)).is_err());
        let issued = issuer().issue(&grant, &keys, from).unwrap();
        let verifier = verifier_of(keys.jwks(from, provider()));
        let expected = Expected::no_nonce_sent().with_access_token(&token);
        let read = block_on(verifier.verify(&issued, &expected, from)).unwrap();
        assert_eq!(read.algorithm(), algorithm);
        assert!(claims_of(&issued)["at_hash"].is_string());
    }
    assert_eq!(keys.algorithms(NOW).len(), 1);
    assert_eq!(keys.algorithms(after(180)).len(), 4);
}

// covers: SMART-ID-1, SMART-ID-6, OIDC-IDT-2, OIDC-IDT-6, OIDC-IDT-13, OIDC-KEY-7, OIDC-VAL-8
#[test]
fn what_a_client_would_refuse_is_not_issued() {
    let (client, token) = (client(), AccessToken::new(ACCESS_TOKEN));
    let (with_user, openid) = (scopes(&["openid", "fhirUser"]), scopes(&["openid"]));
    let (none, base, keys) = (scopes(&["launch"]), base(), keys());
    let nonce = Nonce::new("");
    let refused = |grant: &Grant<'_>| {
        let error = issuer().issue(grant, &keys, NOW).map(drop).unwrap_err();
        let inner = match &error {
            IssueError::WouldBeRefused(inner) => inner.code(),
            _ => "",
        };
        (error.code(), inner)
    };
    let grant = |subject, scopes| Grant::new(&client, subject, scopes, &token);
    let long = "x".repeat(256);
    let max_age = seconds(60);
    let would = "issue-would-be-refused";
    let (twice, nobody) = (words(&["a", "a"]), words(&[""]));
    let itself = words(&[CLIENT]);
    for (grant, expected) in [
        (grant("user", &none), ("issue-no-openid", "")),
        (grant("user", &with_user), ("issue-fhir-user-missing", "")),
        (grant("", &openid), (would, "id-token-subject")),
        (grant(&long, &openid), (would, "id-token-subject")),
        (grant("Zoë", &openid), (would, "id-token-subject")),
        (
            grant("user", &openid).with_nonce(&nonce),
            (would, "id-token-nonce-mismatch"),
        ),
        (
            grant("user", &openid).with_max_age(max_age),
            ("issue-no-auth-time", ""),
        ),
        (
            grant("user", &openid)
                .with_max_age(max_age)
                .with_auth_time(UnixTime::from_secs(NOW.as_secs() - 66)),
            (would, "id-token-auth-time-too-old"),
        ),
        (
            grant("user", &openid).with_auth_time(after(6)),
            (would, "id-token-auth-time-in-future"),
        ),
        (
            grant("user", &openid).with_claim("nonce", "mine"),
            ("issue-reserved-claim", ""),
        ),
        (
            grant("user", &openid).with_claim("exp", 1),
            ("issue-reserved-claim", ""),
        ),
        // An app of SMART 1.0 would take it for the user.
        (
            grant("user", &openid).with_claim("profile", "Practitioner/999"),
            ("issue-reserved-claim", ""),
        ),
        (
            grant("user", &openid).with_audiences(&twice),
            ("issue-audience", ""),
        ),
        (
            grant("user", &openid).with_audiences(&nobody),
            ("issue-audience", ""),
        ),
        (
            grant("user", &openid).with_audiences(&itself),
            ("issue-audience", ""),
        ),
        (
            grant("user", &openid).with_claim("photo", "x".repeat(50_000)),
            (would, "jws-too-long"),
        ),
    ] {
        assert_eq!(refused(&grant), expected, "{grant:?}");
    }
    let user = |reference| grant("user", &with_user).with_fhir_user(reference, &base);
    for (reference, code) in [
        ("Device/1", "fhir-user-type"),
        ("Practitioner/../1", "fhir-user-form"),
        ("https://other.example/fhir/Patient/1", "fhir-user-off-base"),
    ] {
        assert_eq!(user(reference).map(drop).unwrap_err().code(), code);
    }
    // Without the scope the claim is left out, whatever is known of the user.
    let known = grant("user", &openid)
        .with_fhir_user("Patient/1", &base)
        .unwrap();
    let issued = issuer().issue(&known, &keys, NOW).unwrap();
    assert_eq!(claims_of(&issued).get("fhirUser"), None);
    // There is no way to say `none` or HS256: the type of an algorithm has no such values.
    assert_eq!(Algorithm::from_name("none"), None);
    assert_eq!(Algorithm::from_name("HS256"), None);
}

#[test]
fn tokens_live_as_long_as_their_keys_were_planned_for() {
    assert_eq!(
        issuer().with_lifetime(Duration::ZERO).unwrap_err().code(),
        "issue-lifetime"
    );
    assert!(issuer().with_lifetime(seconds(24 * 3600 + 1)).is_err());
    let (client, token) = (client(), AccessToken::new(ACCESS_TOKEN));
    let scopes = scopes(&["openid"]);
    let grant = Grant::new(&client, "user", &scopes, &token);
    let longer = issuer().with_lifetime(seconds(301)).unwrap();
    let error = longer.issue(&grant, &keys(), NOW).map(drop).unwrap_err();
    assert_eq!(error.code(), "issue-outlives-key");
    let shorter = issuer().with_lifetime(seconds(1)).unwrap();
    let issued = shorter.issue(&grant, &keys(), NOW).unwrap();
    assert_eq!(claims_of(&issued)["exp"], NOW.as_secs() + 1);
}

// covers: OIDC-RFR-2, OIDC-RFR-3, OIDC-RFR-4, OIDC-RFR-5, OIDC-RFR-6, OIDC-RFR-7
#[test]
fn a_refreshed_token_continues_the_first_or_is_not_issued() {
    let (client, token, nonce) = (client(), AccessToken::new(ACCESS_TOKEN), Nonce::new(NONCE));
    let scopes = scopes(&["openid"]);
    let first = Grant::new(&client, "user", &scopes, &token).with_auth_time(NOW);
    let keys = keys();
    let issued = issuer()
        .issue(&first.clone().with_nonce(&nonce), &keys, NOW)
        .unwrap();
    let continuity = verify(&issued, &keys, &Expected::nonce(&nonce)).continuity();

    let later = after(3600);
    let renewed = AccessToken::new("another-access-token");
    let again = Grant::new(&client, "user", &scopes, &renewed)
        .with_auth_time(NOW)
        .refreshing(&continuity);
    let issued = issuer().issue(&again, &keys, later).unwrap();
    let claims = claims_of(&issued);
    assert_eq!(
        (&claims["iat"], claims.get("nonce")),
        (&json!(later.as_secs()), None)
    );
    assert_eq!(claims["auth_time"], json!(NOW.as_secs()));

    let refused = |grant: &Grant<'_>, now| {
        let error = issuer().issue(grant, &keys, now).map(drop).unwrap_err();
        match error {
            IssueError::WouldBeRefused(inner) => inner.code(),
            other => other.code(),
        }
    };
    let other = Grant::new(&client, "somebody", &scopes, &renewed).refreshing(&continuity);
    assert_eq!(refused(&other, later), "id-token-changed");
    let moved = again.clone().with_auth_time(later);
    assert_eq!(refused(&moved, later), "id-token-changed");
    let with_nonce = again.clone().with_nonce(&nonce);
    assert_eq!(refused(&with_nonce, later), "issue-nonce-on-refresh");
    // In the same second, or with a clock behind it, the answer goes without an ID token.
    assert_eq!(refused(&again, NOW), "issue-refresh-too-soon");
    let earlier = UnixTime::from_secs(NOW.as_secs() - 1);
    assert_eq!(refused(&again, earlier), "issue-refresh-too-soon");
    // A server keeps what it compares with, and any node can read it.
    let stored = continuity.export();
    let read = Continuity::import(stored.expose_secret()).unwrap();
    let again = Grant::new(&client, "user", &scopes, &renewed)
        .with_auth_time(NOW)
        .refreshing(&read);
    assert!(issuer().issue(&again, &keys, later).is_ok());
}

// covers: SMART-ID-18
#[test]
fn introspection_repeats_who_the_user_is() {
    let (client, token, base) = (client(), AccessToken::new(ACCESS_TOKEN), base());
    let members = |scopes: &[String]| {
        let grant = Grant::new(&client, "user-1", scopes, &token);
        let grant = grant.with_fhir_user("Practitioner/123", &base).unwrap();
        Value::Object(issuer().introspection_members(&grant))
    };
    assert_eq!(
        members(&scopes(&["openid", "fhirUser"])),
        json!({
            "iss": ISSUER, "sub": "user-1",
            "fhirUser": "https://ehr.example/fhir/Practitioner/123",
        })
    );
    let openid = members(&scopes(&["openid"]));
    assert_eq!(openid, json!({"iss": ISSUER, "sub": "user-1"}));
    assert_eq!(members(&scopes(&["launch"])), json!({}));
}

// covers: SMART-ID-5
#[test]
fn a_person_is_named_only_with_a_finding() {
    let (client, token, base) = (client(), AccessToken::new(ACCESS_TOKEN), base());
    let scopes = scopes(&["openid", "fhirUser"]);
    let findings = |reference| {
        let grant = Grant::new(&client, "user-1", &scopes, &token);
        let grant = grant.with_fhir_user(reference, &base).unwrap();
        // It is legal all the same: sometimes no other type fits.
        assert!(issuer().issue(&grant, &keys(), NOW).is_ok());
        let findings = grant.findings();
        findings.into_iter().map(|it| it.code).collect::<Vec<_>>()
    };
    assert_eq!(findings("Person/1"), ["fhir-user-person"]);
    for reference in [
        "Patient/1",
        "Practitioner/1",
        "PractitionerRole/1",
        "RelatedPerson/1",
    ] {
        assert!(findings(reference).is_empty(), "{reference}");
    }
}

// covers: OIDC-IDT-16
#[test]
fn pairwise_subjects_differ_by_sector_and_stay() {
    let subjects = PairwiseSubjects::new([7; 32], provider());
    let one = subjects.subject("a.example", "user-1");
    assert_eq!(one, subjects.subject("a.example", "user-1"));
    assert_eq!(one.len(), 43);
    let others = [
        subjects.subject("b.example", "user-1"),
        subjects.subject("a.example", "user-2"),
        subjects.subject("a.exampleu", "ser-1"),
        PairwiseSubjects::new([8; 32], provider()).subject("a.example", "user-1"),
    ];
    assert!(others.iter().all(|it| *it != one));
    assert!(!format!("{subjects:?}").contains('7'));
}

/// A text that a claim may hold.
fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ -~\u{e0}-\u{17f}\u{1f600}]{1,40}").unwrap()
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // covers: OIDC-IDT-11
    #[test]
    fn whatever_is_issued_is_read_back_the_same(
        subject in "[ -~]{1,255}",
        nonce in proptest::option::of("[!-~]{1,60}"),
        code in proptest::option::of("[!-~]{1,60}"),
        name in proptest::option::of(text()),
        acr in proptest::option::of(text()),
        amr in proptest::collection::vec(text(), 0..3),
        own in proptest::collection::btree_map("x[a-z]{1,9}", text(), 0..4),
        audiences in proptest::collection::btree_set("[a-z]{3,9}", 0..3),
        auth_time in proptest::option::of(0_u64..=1_800_000_000),
        lifetime in 1_u64..=300,
        kind in 0_usize..5,
        id in "[A-Za-z0-9][A-Za-z0-9.-]{0,63}",
        with_user in any::<bool>(),
        ec in any::<bool>(),
    ) {
        let algorithm = if ec { Algorithm::ES256 } else { Algorithm::RS256 };
        let client = client().with_algorithm(algorithm);
        let keys = if ec {
            KeyRing::without_rs256(schedule(), fresh("ec", algorithm), NOW)
        } else {
            keys()
        };
        let (token, base) = (AccessToken::new(ACCESS_TOKEN), base());
        let scopes = scopes(if with_user { &["openid", "fhirUser"] } else { &["openid"] });
        let kinds = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"];
        let reference = format!("{}/{id}", kinds[kind]);
        let nonce = nonce.map(Nonce::new);
        let code = code.map(AuthorizationCode::new);
        let audiences: Vec<String> = audiences.into_iter().collect();
        let mut grant = Grant::new(&client, &subject, &scopes, &token)
            .with_amr(&amr)
            .with_audiences(&audiences)
            .with_fhir_user(&reference, &base)
            .unwrap();
        for (name, value) in &own {
            grant = grant.with_claim(name.clone(), value.clone());
        }
        let mut expected = Expected::no_nonce_sent();
        if let Some(nonce) = &nonce {
            grant = grant.with_nonce(nonce);
            expected = Expected::nonce(nonce);
        }
        if let Some(code) = &code {
            grant = grant.with_code(code);
            expected = expected.with_code(code);
        }
        if let Some(name) = &name {
            grant = grant.with_name(name);
        }
        if let Some(acr) = &acr {
            grant = grant.with_acr(acr);
        }
        if let Some(seconds) = auth_time {
            grant = grant.with_auth_time(UnixTime::from_secs(seconds));
        }
        let issuer = issuer().with_lifetime(seconds(lifetime)).unwrap();
        let issued = issuer.issue(&grant, &keys, NOW).unwrap();

        let mut verifier = verifier_of(keys.jwks(NOW, provider()));
        for audience in &audiences {
            verifier = verifier.trust_audience(audience);
        }
        let expected = expected.with_access_token(&token);
        let read = block_on(verifier.verify(&issued, &expected, NOW)).unwrap();
        prop_assert_eq!(read.issuer(), ISSUER);
        prop_assert_eq!(read.subject(), &subject);
        prop_assert_eq!(read.name(), name.as_deref());
        prop_assert_eq!(read.acr(), acr.as_deref());
        prop_assert_eq!(read.issued_at(), NOW);
        prop_assert_eq!(read.expires_at(), after(lifetime));
        prop_assert_eq!(read.auth_time().map(UnixTime::as_secs), auth_time);
        let user = read.fhir_user(&base).unwrap().map(|it| it.reference());
        prop_assert_eq!(user, with_user.then_some(reference));
        let claims: BTreeMap<String, Value> = read.claims().unwrap();
        for (name, value) in &own {
            prop_assert_eq!(&claims[name], &json!(value));
        }
        let said = (!amr.is_empty()).then(|| json!(amr));
        prop_assert_eq!(claims.get("amr"), said.as_ref());
        prop_assert!(read.findings().iter().all(|it| it.code == "acr-empty"));
    }
}

#[test]
fn a_schedule_that_cannot_hold_is_refused() {
    let schedule = RotationSchedule::new(seconds(120), seconds(300)).unwrap();
    assert_eq!(
        (schedule.lead(), schedule.tail()),
        (seconds(180), seconds(600))
    );
    // Readers keep a set for a minute even where it says less.
    let short = RotationSchedule::new(seconds(5), seconds(300)).unwrap();
    assert_eq!(short.lead(), seconds(120));
    assert_eq!(
        schedule.with_lead(seconds(179)).unwrap_err().code(),
        "key-ring-lead"
    );
    assert_eq!(schedule.with_lead(seconds(180)).unwrap(), schedule);
    assert_eq!(
        schedule.with_period(seconds(180)).unwrap_err().code(),
        "key-ring-period"
    );
    let period = seconds(90 * 24 * 3600);
    assert!(RotationSchedule::new(period, seconds(300)).is_err());
    let ring = KeyRing::new(schedule, fresh("ec", Algorithm::ES256), NOW);
    assert_eq!(ring.unwrap_err().code(), "key-ring-not-rs256");
}

fn kids(keys: &KeyRing, now: UnixTime) -> Vec<String> {
    let set = keys.jwks(now, provider());
    let kids = set
        .keys()
        .iter()
        .filter_map(|it| it.kid().map(str::to_owned));
    kids.collect()
}

fn signing(keys: &KeyRing, algorithm: Algorithm, now: UnixTime) -> Option<&str> {
    keys.signer(algorithm, now).map(Signer::kid)
}

// covers: OIDC-KEY-5, OIDC-KEY-6, SMART-ID-8, SMART-ID-9
#[test]
fn a_key_is_published_before_it_signs_and_stays_after() {
    let rs256 = Algorithm::RS256;
    let mut keys = keys();
    assert_eq!(signing(&keys, rs256, NOW), Some("issuer"));
    let period = seconds(90 * 24 * 3600);
    let due = UnixTime::from_secs(NOW.as_secs() + period.as_secs() - 180);
    assert_eq!(keys.next_key_due(rs256, NOW), Some(due));

    assert_eq!(keys.add(rsa("other"), after(10)).unwrap(), after(190));
    assert_eq!(keys.next_key_due(rs256, after(10)), None);
    for (now, signs, published) in [
        (9, "issuer", vec!["issuer"]),
        (10, "issuer", vec!["issuer", "other"]),
        (189, "issuer", vec!["issuer", "other"]),
        (190, "other", vec!["issuer", "other"]),
        // A token of 300 s that was signed at 189 is accepted with 300 s of leeway until 789.
        (789, "other", vec!["issuer", "other"]),
        (790, "other", vec!["other"]),
    ] {
        assert_eq!(signing(&keys, rs256, after(now)), Some(signs), "{now}");
        assert_eq!(kids(&keys, after(now)), published, "{now}");
    }
    // Tidying changes nothing that anybody sees.
    for now in [189, 190, 789] {
        let mut tidied = keys.clone();
        tidied.tidy(after(now));
        assert_eq!(tidied.times(), keys.times());
        assert_eq!(kids(&tidied, after(now)), kids(&keys, after(now)));
    }
    // A clock that is set back after that locks nobody out.
    let mut tidied = keys.clone();
    tidied.tidy(after(190));
    assert_eq!(signing(&tidied, rs256, after(189)), Some("other"));
    keys.tidy(after(790));
    assert_eq!(keys.times().len(), 1);
    let served = keys.document(after(790), provider());
    assert_eq!(served.cache_control, "public, max-age=120");
    assert_eq!(served, keys.document(after(791), provider()));
    let json: Value = serde_json::from_str(&served.body).unwrap();
    let key = json["keys"][0].as_object().unwrap();
    let members: Vec<&String> = key.keys().collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
}

#[test]
fn a_ring_refuses_what_readers_could_not_tell_apart() {
    let mut keys = keys();
    let code = |result: Result<UnixTime, _>| -> &'static str {
        match result {
            Ok(_) => "ok",
            Err(error) => smart_oidc::issue::KeyRingError::code(&error),
        }
    };
    let same_kid = fresh("issuer", Algorithm::ES256);
    assert_eq!(code(keys.add(same_kid, NOW)), "key-ring-duplicate-kid");
    let pem = fixture::text("keys/issuer-rsa-2048.pem");
    let key = PrivateKey::from_pem(&pem, provider()).unwrap();
    let same_key = signer("again", &key, Algorithm::RS384);
    assert_eq!(code(keys.add(same_key, NOW)), "key-ring-duplicate-key");
    for number in 1..32 {
        let key = fresh(&number.to_string(), Algorithm::ES256);
        assert_eq!(code(keys.add(key, NOW)), "ok");
    }
    let one_more = fresh("32", Algorithm::ES256);
    assert_eq!(code(keys.add(one_more, NOW)), "key-ring-full");
    let key = provider().signing_key(&key, Algorithm::RS256).unwrap();
    for kid in ["", &"x".repeat(256)] {
        let error = Signer::new(kid, key.clone(), provider()).unwrap_err();
        assert_eq!(error.code(), "key-ring-kid");
    }
}

#[test]
fn every_node_with_the_same_keys_and_times_says_the_same() {
    let (one, two) = (rsa("issuer"), rsa("other"));
    let planned = |first: bool| {
        let mut keys = vec![
            PlannedKey::new(one.clone(), NOW, NOW),
            PlannedKey::new(two.clone(), after(10), after(190)),
        ];
        if !first {
            keys.reverse();
        }
        KeyRing::restore(schedule(), keys).unwrap()
    };
    let mut grown = KeyRing::new(schedule(), one.clone(), NOW).unwrap();
    grown.add(two.clone(), after(10)).unwrap();
    for now in [0, 10, 190, 790] {
        let documents =
            [&planned(true), &planned(false), &grown].map(|it| it.document(after(now), provider()));
        assert!(documents.iter().all(|it| *it == documents[0]), "{now}");
    }
    let hasty = [
        PlannedKey::new(one.clone(), NOW, NOW),
        PlannedKey::new(two.clone(), after(10), after(189)),
    ];
    let error = KeyRing::restore(schedule(), hasty).unwrap_err();
    assert_eq!(error.code(), "key-ring-lead");
    let ec = PlannedKey::new(fresh("ec", Algorithm::ES256), NOW, NOW);
    let error = KeyRing::restore(schedule(), [ec]).unwrap_err();
    assert_eq!(error.code(), "key-ring-not-rs256");
}

#[test]
fn a_revoked_key_is_gone_at_once_and_the_next_one_steps_in() {
    let mut keys = keys();
    keys.add(rsa("other"), NOW).unwrap();
    assert_eq!(
        keys.revoke("stranger", NOW).unwrap_err().code(),
        "key-ring-unknown-kid"
    );
    keys.revoke("issuer", after(1)).unwrap();
    assert_eq!(signing(&keys, Algorithm::RS256, after(1)), Some("other"));
    assert_eq!(kids(&keys, after(1)), ["other"]);
    keys.revoke("other", after(2)).unwrap();
    assert_eq!(signing(&keys, Algorithm::RS256, after(2)), None);
    assert!(kids(&keys, after(2)).is_empty());
}

/// What a ring says to everybody at these moments.
fn said(keys: &KeyRing, moments: &[u64]) -> Vec<(Option<String>, Vec<String>)> {
    let said = moments.iter().map(|at| {
        let signs = signing(keys, Algorithm::RS256, after(*at)).map(str::to_owned);
        (signs, kids(keys, after(*at)))
    });
    said.collect()
}

#[test]
fn what_is_written_down_makes_the_same_ring_at_every_moment() {
    let moments = [0, 9, 10, 189, 190, 369, 370, 400, 789, 790, 969, 970, 2000];
    // Two keys that are added in one second sign one after the other, whatever their names.
    for names in [["z", "a"], ["a", "z"]] {
        let mut ring = keys();
        let ec = |kid| fresh(kid, Algorithm::ES256);
        assert_eq!(ring.add(ec(names[0]), after(10)).unwrap(), after(190));
        assert_eq!(ring.add(ec(names[1]), after(10)).unwrap(), after(370));
        for (at, kid) in [(190, names[0]), (369, names[0]), (370, names[1])] {
            assert_eq!(signing(&ring, Algorithm::ES256, after(at)), Some(kid));
            let copy = KeyRing::restore(schedule(), ring.plan(after(10))).unwrap();
            assert_eq!(signing(&copy, Algorithm::ES256, after(at)), Some(kid));
        }
    }
    let mut ring = keys();
    ring.add(rsa("other"), after(10)).unwrap();
    for at in [0, 10, 190, 500, 789] {
        let mut plan = ring.plan(after(at));
        plan.reverse();
        // The private half of a key that has stopped signing is not written down.
        let private: Vec<bool> = plan.iter().rev().map(|it| it.signer.is_some()).collect();
        assert_eq!(private, [at < 190, true], "{at}");
        let later: Vec<u64> = moments.into_iter().filter(|it| *it >= at).collect();
        let restored = KeyRing::restore(schedule(), plan).unwrap();
        assert_eq!(said(&restored, &later), said(&ring, &later), "{at}");
    }
}

#[test]
fn a_plan_that_no_reader_could_follow_is_refused() {
    let restore = |keys: Vec<PlannedKey>| KeyRing::restore(schedule(), keys).unwrap_err().code();
    assert_eq!(restore(Vec::new()), "key-ring-empty");
    let (one, two) = (rsa("issuer"), rsa("other"));
    let late = PlannedKey::new(one.clone(), after(10), NOW);
    assert_eq!(restore(vec![late]), "key-ring-lead");
    let first = PlannedKey::new(one, NOW, NOW);
    let hasty = PlannedKey::new(two, after(10), after(10));
    assert_eq!(restore(vec![first, hasty]), "key-ring-lead");
    let ec = PlannedKey::new(fresh("ec", Algorithm::ES256), NOW, NOW);
    assert_eq!(restore(vec![ec.clone()]), "key-ring-not-rs256");
    assert!(KeyRing::restore_without_rs256(schedule(), [ec]).is_ok());
    let nameless = smart_oidc::jose::Jwk::without_kid(rsa("issuer").jwk().key().clone());
    let nameless = PlannedKey::retired(nameless, NOW, NOW, after(1));
    assert_eq!(restore(vec![nameless]), "key-ring-kid");
}

#[test]
fn a_key_that_has_stopped_signing_never_does_again() {
    let pem = fixture::text("keys/issuer-rsa-2048.pem");
    let key = PrivateKey::from_pem(&pem, provider()).unwrap();
    for is_tidied in [false, true] {
        let mut ring = keys();
        ring.add(rsa("other"), NOW).unwrap();
        ring.add(signer_384(&key), NOW).unwrap_err();
        if is_tidied {
            ring.tidy(after(900_000));
        }
        ring.revoke("other", after(900_000)).unwrap();
        let silent = (None, Vec::<String>::new());
        assert_eq!(said(&ring, &[900_000, 900_001]), [silent.clone(), silent]);
    }
    for is_tidied in [false, true] {
        let mut ring = KeyRing::new(schedule(), rsa("issuer"), NOW).unwrap();
        ring.add(rsa("other"), NOW).unwrap();
        // One that waits steps in, and the plan of the ring says so to the other nodes.
        let third = third();
        assert_eq!(ring.add(third, after(1000)).unwrap(), after(1180));
        if is_tidied {
            ring.tidy(after(1001));
        }
        ring.revoke("other", after(1001)).unwrap();
        assert_eq!(signing(&ring, Algorithm::RS256, after(1001)), Some("third"));
        let restored = KeyRing::restore(schedule(), ring.plan(after(1001))).unwrap();
        assert_eq!(
            signing(&restored, Algorithm::RS256, after(1001)),
            Some("third")
        );
        assert_eq!(kids(&restored, after(1001)), ["third"]);
    }
    // A key that waits and is revoked leaves the one before it where it is.
    let mut ring = keys();
    ring.add(rsa("other"), NOW).unwrap();
    ring.revoke("other", after(1)).unwrap();
    assert_eq!(
        signing(&ring, Algorithm::RS256, after(5000)),
        Some("issuer")
    );
}

/// The first key once more under another algorithm, which a ring does not take.
fn signer_384(key: &PrivateKey) -> Signer {
    signer("again", key, Algorithm::RS384)
}

/// A third RSA key.
fn third() -> Signer {
    let pem = include_str!("../../crates/smart-jose/tests/data/rsa-2048.pem");
    let key = PrivateKey::from_pem(pem, provider()).unwrap();
    signer("third", &key, Algorithm::RS256)
}

#[test]
fn a_clock_that_was_set_back_locks_nobody_out() {
    let before = UnixTime::from_secs(NOW.as_secs() - 3600);
    let mut ring = keys();
    assert_eq!(signing(&ring, Algorithm::RS256, before), Some("issuer"));
    assert_eq!(kids(&ring, before), ["issuer"]);
    ring.add(rsa("other"), after(1000)).unwrap();
    ring.tidy(after(1180));
    // The first key has no private half any more: what signs is published too.
    for at in [0, 999, 1179] {
        assert_eq!(
            signing(&ring, Algorithm::RS256, after(at)),
            Some("other"),
            "{at}"
        );
        assert_eq!(kids(&ring, after(at)), ["issuer", "other"], "{at}");
    }
    // A key that only waits is neither.
    let mut ring = keys();
    ring.add(rsa("other"), after(1000)).unwrap();
    assert_eq!(
        said(&ring, &[999]),
        [(Some("issuer".into()), vec!["issuer".into()])]
    );
}

/// A reader with its own cache, that looks at tokens at its own pace.
struct Reader {
    verifier: IdTokenVerifier,
    keys: Arc<RemoteJwks>,
    every: u64,
    /// Whether somebody sends made-up key ids all the time, which uses up every extra fetch.
    is_flooded: bool,
}

const JWKS: &str = "https://ehr.example/oidc/jwks";

async fn reader(
    http: &Arc<FakeHttp>,
    clock: &Arc<FixedClock>,
    every: u64,
    is_flooded: bool,
) -> Reader {
    let trusted = Discovery::new(http.clone())
        .discover(&base())
        .await
        .unwrap();
    let uri = EndpointUrl::parse(JWKS).unwrap();
    let keys = Arc::new(RemoteJwks::new(
        uri,
        http.clone(),
        provider(),
        clock.clone(),
    ));
    let verifier = IdTokenVerifier::new(
        &trusted,
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        keys.clone(),
        provider(),
    );
    Reader {
        verifier,
        keys,
        every,
        is_flooded,
    }
}

// covers: OIDC-KEY-4, OIDC-KEY-5, OIDC-KEY-6
#[tokio::test]
async fn no_reader_refuses_a_good_token_at_any_moment_of_a_rotation() {
    const STEP: u64 = 7;
    let http = FakeHttp::new();
    let document = json!({
        "issuer": ISSUER, "jwks_uri": JWKS, "token_endpoint": format!("{ISSUER}/token"),
        "capabilities": ["sso-openid-connect"], "grant_types_supported": ["authorization_code"],
    });
    for url in [
        format!("{BASE}/.well-known/smart-configuration"),
        format!("{ISSUER}/.well-known/openid-configuration"),
    ] {
        http.answer(&url, Answer::json(&document));
    }
    let mut ring = keys();
    let clock = Arc::new(FixedClock::at(NOW));
    let mut readers = Vec::new();
    for every in [1, 2, 5, 13, 40] {
        for is_flooded in [false, true] {
            readers.push(reader(&http, &clock, every, is_flooded).await);
        }
    }
    let (client, access_token) = (client(), AccessToken::new(ACCESS_TOKEN));
    let scopes = scopes(&["openid"]);
    let mut alive: Vec<(u64, RawIdToken)> = Vec::new();
    let mut waits = BTreeMap::<(u64, bool), u32>::new();
    let mut signed_by = BTreeMap::<String, usize>::new();
    for step in 0..400_u64 {
        let at = step * STEP;
        let now = after(at);
        // Two rotations.
        match step {
            60 => {
                ring.add(rsa("other"), now).unwrap();
            }
            // The first key has been withdrawn by now, and comes back under another name.
            250 => {
                let pem = fixture::text("keys/issuer-rsa-2048.pem");
                let key = PrivateKey::from_pem(&pem, provider()).unwrap();
                let key = signer("third", &key, Algorithm::RS256);
                ring.add(key, now).unwrap();
            }
            _ => ring.tidy(now),
        }
        let served = ring.document(now, provider());
        let served = Answer::text("application/json", &served.body)
            .with("cache-control", &served.cache_control)
            .with("etag", &served.etag);
        http.answer(JWKS, served);
        let grant = Grant::new(&client, "user", &scopes, &access_token);
        alive.push((at, issuer().issue(&grant, &ring, now).unwrap()));
        *signed_by
            .entry(signing(&ring, Algorithm::RS256, now).unwrap().to_owned())
            .or_default() += 1;
        // A token is good until its end, and then for the leeway of the reader.
        alive.retain(|(issued, _)| at < issued + 300 + 60);
        for reader in readers.iter().filter(|it| step % it.every == 0) {
            if reader.is_flooded {
                let header = json!({"alg": "RS256", "kid": format!("made-up-{step}")});
                let token = Forge::other().token_with("RS256", &header, &json!({}));
                let token = RawIdToken::new(token);
                let expected = Expected::no_nonce_sent();
                assert!(
                    reader
                        .verifier
                        .verify(&token, &expected, now)
                        .await
                        .is_err()
                );
            }
            // The oldest, one between, and the newest.
            for place in [0, alive.len() / 2, alive.len() - 1] {
                let (issued, token) = &alive[place];
                let text = token.expose_secret();
                let header = UnverifiedJws::parse(text, Algorithms::ID_TOKEN).unwrap();
                let waits = waits.entry((reader.every, reader.is_flooded)).or_default();
                *waits += u32::from(reader.keys.cached(header.header()).is_none());
                let expected = Expected::no_nonce_sent();
                let read = reader.verifier.verify(token, &expected, now).await;
                let context = (at, *issued, reader.every, reader.is_flooded);
                assert_eq!(read.map(drop), Ok(()), "{context:?}");
            }
            // What was begun ahead of the end of a set's life gets its turn.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        clock.advance(seconds(STEP));
    }
    assert_eq!(signed_by.len(), 3, "{signed_by:?}");
    // Whoever looks at tokens all the time waited for the first set, and never again.
    assert_eq!(waits[&(1, false)], 1, "{waits:?}");
    // Those who come seldom have been through more than one set each.
    assert!(waits[&(40, false)] > 5, "{waits:?}");
}
