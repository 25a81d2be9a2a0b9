//! Client assertions at a token endpoint: what is accepted, once, and what never is.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use smart_oidc::discovery::{EndpointUrl, FixedClock};
use smart_oidc::jose::{Algorithm, Algorithms, ErrorClass, JwkSet, UnixTime};
use smart_oidc::server::{
    ASSERTION_TYPE, AssertionAudience, AssertionError, AssertionUse, AuthenticationMethod,
    ClientAssertion, ClientAssertionVerifier, ClientKeys, ClientRegistration, Credentials,
    MAX_ASSERTION_OCTETS, MemoryReplayStore, Parameters, Refusal, ReplayStore, ReplayStoreError,
    Use,
};
use smart_oidc::token::Fate;
use smart_oidc::{ClientId, Scopes, TokenError, TokenResponse};
use smart_tests::forge::{Forge, b64, hs256, kid_of};

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: u64 = 1_800_000_000;
const TOKEN_URL: &str = "https://ehr.example/oidc/token";
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "backend-service-1";
const JWKS: &str = "https://client.example/jwks.json";

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

fn client() -> ClientId {
    ClientId::new(CLIENT)
}

fn token_endpoint() -> AssertionAudience {
    AssertionAudience::token_endpoint(TOKEN_URL)
}

fn verifier_for(audience: AssertionAudience) -> ClientAssertionVerifier {
    let replay = Arc::new(MemoryReplayStore::default());
    ClientAssertionVerifier::new(audience, replay, provider())
}

fn verifier() -> ClientAssertionVerifier {
    verifier_for(token_endpoint())
}

fn set(json: &Value) -> JwkSet {
    JwkSet::parse(json.to_string().as_bytes(), provider()).unwrap()
}

fn inline() -> ClientKeys {
    ClientKeys::inline(set(&Forge::issuer().jwks()))
}

/// What a good client says.
fn claims() -> Value {
    json!({
        "iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "exp": NOW + 240, "jti": "random-1"
    })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(claims: &Value) -> String {
    Forge::issuer().token("ES384", claims)
}

fn with_header(alg: &str, header: &Value) -> String {
    Forge::issuer().token_with(alg, header, &claims())
}

fn read(jwt: &str) -> Result<ClientAssertion, AssertionError> {
    ClientAssertion::read(Some(ASSERTION_TYPE), Some(jwt), None)
}

async fn judge(
    verifier: &ClientAssertionVerifier,
    jwt: &str,
    keys: &ClientKeys,
    now: u64,
) -> Result<(), &'static str> {
    // Named by the form, so that no claim has to be read first.
    let assertion =
        ClientAssertion::read(Some(ASSERTION_TYPE), Some(jwt), Some(&client())).unwrap();
    let result = verifier.verify(&assertion, &client(), keys, at(now)).await;
    result.map(drop).map_err(|error| {
        assert_eq!(error.refusal(), Refusal::InvalidClient, "{error}");
        assert_eq!(error.refusal().as_str(), "invalid_client");
        error.code()
    })
}

/// Presents what nobody is able to judge, as a token endpoint would take it.
async fn unjudged(verifier: &ClientAssertionVerifier, jwt: &str, keys: &ClientKeys) -> String {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_assertion_type", ASSERTION_TYPE)
        .append_pair("client_assertion", jwt)
        .finish();
    let form = Parameters::parse(form.as_bytes()).unwrap();
    let credentials = Credentials::read(&http::HeaderMap::new(), &form).unwrap();
    let registration = ClientRegistration::PrivateKeyJwt(keys.clone());
    let verdict = credentials.authenticate(Some(&registration), verifier, at(NOW));
    let error = verdict.await.unwrap_err();
    let refusal = error.refusal();
    assert_eq!(
        (refusal.as_str(), refusal.status()),
        ("temporarily_unavailable", 503)
    );
    error.code().to_owned()
}

/// The verdict of a verifier that has seen nothing yet.
async fn fresh(jwt: &str) -> Result<(), &'static str> {
    judge(&verifier(), jwt, &inline(), NOW).await
}

// covers: SMART-CAS-6, SMART-CAS-7, SMART-CAS-9, SMART-CAS-10, SMART-CAS-16, CAS-1, CAS-3
#[tokio::test]
async fn a_good_assertion_proves_the_client() {
    for alg in ["RS384", "ES384"] {
        let jwt = Forge::issuer().token(alg, &claims());
        let assertion = read(&jwt).unwrap();
        assert_eq!(assertion.claimed_client_id(), &client());
        let (keys, id) = (inline(), client());
        let proven = verifier()
            .verify(&assertion, &id, &keys, at(NOW))
            .await
            .unwrap();
        assert_eq!(proven.client_id(), &id);
        assert_eq!(proven.method(), AuthenticationMethod::PrivateKeyJwt);
        assert!(!proven.is_public());
    }
}

// covers: CAS-1, SMART-CAS-15
#[test]
fn an_assertion_comes_with_its_type_and_nothing_else() {
    let jwt = signed(&claims());
    let read = |kind: Option<&str>, jwt: Option<&str>| {
        ClientAssertion::read(kind, jwt, None)
            .map_err(|it| (it.code(), it.refusal()))
            .err()
    };
    assert_eq!(read(Some(ASSERTION_TYPE), Some(&jwt)), None);
    let refused = |code| Some((code, Refusal::InvalidClient));
    assert_eq!(read(None, Some(&jwt)), refused("assertion-incomplete"));
    assert_eq!(
        read(Some(ASSERTION_TYPE), None),
        refused("assertion-incomplete")
    );
    for other in [
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "URN:IETF:PARAMS:OAUTH:CLIENT-ASSERTION-TYPE:JWT-BEARER",
    ] {
        assert_eq!(read(Some(other), Some(&jwt)), refused("assertion-type"));
    }
    let two = format!("{jwt} {jwt}");
    assert!(read(Some(ASSERTION_TYPE), Some(&two)).is_some());
    assert!(read(Some(ASSERTION_TYPE), Some("")).is_some());
    // Without a name of its own it names nobody.
    let nameless = signed(&without("iss"));
    assert_eq!(
        read(Some(ASSERTION_TYPE), Some(&nameless)),
        refused("claim-missing")
    );
}

// covers: SMART-CAS-7, CAS-13
#[tokio::test]
async fn a_header_has_a_kid_and_the_type_of_an_assertion() {
    let header = |typ: Value, kid: Value| {
        let mut header = json!({"alg": "ES384"});
        for (name, value) in [("typ", typ), ("kid", kid)] {
            if !value.is_null() {
                header[name] = value;
            }
        }
        with_header("ES384", &header)
    };
    for typ in [
        "JWT",
        "jwt",
        "client-authentication+jwt",
        "application/client-authentication+jwt",
    ] {
        assert_eq!(
            fresh(&header(json!(typ), json!("p384"))).await,
            Ok(()),
            "{typ}"
        );
    }
    for typ in ["at+jwt", "logout+jwt", "JOSE", "", "dpop+jwt"] {
        let found = fresh(&header(json!(typ), json!("p384"))).await;
        assert_eq!(found, Err("assertion-typ"), "{typ}");
    }
    assert_eq!(
        fresh(&header(Value::Null, json!("p384"))).await,
        Err("assertion-typ")
    );
    assert_eq!(
        fresh(&header(json!("JWT"), Value::Null)).await,
        Err("assertion-no-kid")
    );
    assert_eq!(
        fresh(&header(json!("JWT"), json!(7))).await,
        Err("header-type")
    );
}

// covers: SMART-CAS-6, CAS-7
#[tokio::test]
async fn only_named_algorithms_and_good_signatures_count() {
    let forge = Forge::issuer();
    for alg in ["RS256", "RS512", "PS384", "ES256"] {
        assert_eq!(
            fresh(&forge.token(alg, &claims())).await,
            Err("alg-not-accepted"),
            "{alg}"
        );
    }
    let wider = verifier().with_algorithms(Algorithms::of(&[Algorithm::RS256, Algorithm::ES384]));
    let rs256 = forge.token("RS256", &claims());
    assert_eq!(judge(&wider, &rs256, &inline(), NOW).await, Ok(()));
    let rs384 = forge.token("RS384", &claims());
    assert_eq!(
        judge(&wider, &rs384, &inline(), NOW).await,
        Err("alg-not-accepted")
    );
    // No signature, a shared secret, and that of somebody else.
    let input = |alg: &str| {
        let header = json!({"alg": alg, "kid": "p384", "typ": "JWT"});
        format!("{}.{}", b64(header.to_string()), b64(claims().to_string()))
    };
    let none = format!("{}.", input("none"));
    assert!(fresh(&none).await.is_err());
    let secret = forge.jwks()["keys"][2].to_string();
    let hmac = input("HS256");
    let hmac = format!("{hmac}.{}", b64(hs256(secret.as_bytes(), hmac.as_bytes())));
    assert_eq!(fresh(&hmac).await, Err("alg-unsupported"));
    let stranger = Forge::other().token("ES384", &claims());
    assert_eq!(fresh(&stranger).await, Err("jws-bad-signature"));
    let (head, signature) = signed(&claims())
        .rsplit_once('.')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let head = head.replace(
        &b64(claims().to_string()),
        &b64(with("sub", "admin").to_string()),
    );
    assert_eq!(
        fresh(&format!("{head}.{signature}")).await,
        Err("jws-bad-signature")
    );
    let long = with("padding", "x".repeat(MAX_ASSERTION_OCTETS));
    assert_eq!(fresh(&signed(&long)).await, Err("jws-too-long"));
}

// covers: SMART-CAS-10, SMART-CAS-16, CAS-2, CAS-3
#[tokio::test]
async fn issuer_subject_and_parameter_are_the_client() {
    for name in ["iss", "sub"] {
        assert_eq!(
            fresh(&signed(&without(name))).await,
            Err("claim-missing"),
            "{name}"
        );
        assert_eq!(
            fresh(&signed(&with(name, "other"))).await,
            Err("assertion-client")
        );
        assert_eq!(
            fresh(&signed(&with(name, format!("{CLIENT} ")))).await,
            Err("assertion-client")
        );
        for wrong in [json!(null), json!(7), json!([CLIENT])] {
            assert_eq!(
                fresh(&signed(&with(name, wrong))).await,
                Err("claim-type"),
                "{name}"
            );
        }
    }
    // The form names another client than the one whose registration was taken.
    let jwt = signed(&claims());
    let other = ClientId::new("other");
    let assertion = ClientAssertion::read(Some(ASSERTION_TYPE), Some(&jwt), Some(&other)).unwrap();
    let keys = inline();
    for registered in [client(), ClientId::new("third")] {
        let error = verifier()
            .verify(&assertion, &registered, &keys, at(NOW))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "assertion-client");
    }
    // And where registration and form agree, the assertion does not.
    let error = verifier()
        .verify(&assertion, &other, &keys, at(NOW))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "assertion-client");
}

// covers: SMART-CAS-11, CAS-4, CAS-11, CAS-12
#[tokio::test]
async fn adv_assertion_aud_is_this_server_and_nobody_else() {
    let modes = [
        (token_endpoint(), [true, false]),
        (AssertionAudience::issuer(ISSUER), [false, true]),
        (AssertionAudience::either(TOKEN_URL, ISSUER), [true, true]),
    ];
    for (audience, expected) in modes {
        for (aud, is_ours) in [TOKEN_URL, ISSUER].into_iter().zip(expected) {
            let found = |aud: Value| {
                let verifier = verifier_for(audience.clone());
                async move { judge(&verifier, &signed(&with("aud", aud)), &inline(), NOW).await }
            };
            let verdict = if is_ours {
                Ok(())
            } else {
                Err("assertion-audience")
            };
            assert_eq!(found(json!(aud)).await, verdict, "{aud}");
            assert_eq!(found(json!([aud])).await, verdict, "{aud}");
            // Good here and somewhere else is good nowhere.
            for more in [
                json!([aud, "https://evil.example/token"]),
                json!([aud, aud]),
            ] {
                assert_eq!(found(more).await, Err("assertion-audience"));
            }
        }
    }
    // A server can know itself by the address of another endpoint too.
    let revoke = "https://ehr.example/oidc/revoke";
    for (audience, expected) in [
        (token_endpoint().or_endpoint(revoke), Ok(())),
        (token_endpoint(), Err("assertion-audience")),
    ] {
        let jwt = signed(&with("aud", revoke));
        let found = judge(&verifier_for(audience.clone()), &jwt, &inline(), NOW).await;
        assert_eq!(found, expected);
        let both = signed(&with("aud", json!([TOKEN_URL, revoke])));
        let found = judge(&verifier_for(audience), &both, &inline(), NOW).await;
        assert_eq!(found, Err("assertion-audience"));
    }
    for other in [
        json!(format!("{TOKEN_URL}/")),
        json!("https://ehr.example/oidc/Token"),
        json!("https://ehr.example:443/oidc/token"),
        json!("https://ehr.example"),
        json!(format!("{TOKEN_URL}?x=1")),
        json!(""),
        json!([]),
    ] {
        assert_eq!(
            fresh(&signed(&with("aud", other))).await,
            Err("assertion-audience")
        );
    }
    assert_eq!(fresh(&signed(&without("aud"))).await, Err("claim-missing"));
    assert_eq!(
        fresh(&signed(&with("aud", json!({"a": TOKEN_URL})))).await,
        Err("claim-type")
    );
}

// covers: SMART-CAS-12, CAS-5, CAS-6, CAS-15
#[tokio::test]
async fn an_assertion_lives_for_minutes() {
    let minute = 60;
    let cases = [
        ("exp", NOW + 1, Ok(())),
        ("exp", NOW + 300, Ok(())),
        // The leeway.
        ("exp", NOW + 300 + minute, Ok(())),
        ("exp", NOW + 301 + minute, Err("assertion-lifetime")),
        ("exp", NOW + 86_400, Err("assertion-lifetime")),
        ("exp", NOW, Ok(())),
        ("exp", NOW - minute + 1, Ok(())),
        ("exp", NOW - minute, Err("claim-expired")),
        ("nbf", NOW - 5, Ok(())),
        ("nbf", NOW + 10, Ok(())),
        ("nbf", NOW + minute + 1, Err("claim-not-yet-valid")),
        ("iat", NOW - 86_400, Ok(())),
        ("iat", NOW + 10, Ok(())),
        ("iat", NOW + minute + 1, Err("claim-issued-in-future")),
        // Milliseconds.
        ("exp", NOW * 1000, Err("claim-date-range")),
    ];
    for (name, value, expected) in cases {
        assert_eq!(
            fresh(&signed(&with(name, value))).await,
            expected,
            "{name} {value}"
        );
    }
    assert_eq!(fresh(&signed(&without("exp"))).await, Err("claim-missing"));
    for name in ["exp", "nbf", "iat"] {
        for wrong in [json!(null), json!(NOW.to_string()), json!([NOW])] {
            assert_eq!(
                fresh(&signed(&with(name, wrong))).await,
                Err("claim-type"),
                "{name}"
            );
        }
    }
    let strict = verifier().with_leeway(Duration::ZERO);
    let late = signed(&with("exp", NOW + 301));
    assert_eq!(
        judge(&strict, &late, &inline(), NOW).await,
        Err("assertion-lifetime")
    );
    let fraction = signed(&with("exp", 1_800_000_300.5));
    assert_eq!(
        judge(&strict, &fraction, &inline(), NOW).await,
        Err("assertion-lifetime")
    );
}

// covers: SMART-CAS-13, SMART-CAS-14, CAS-10
#[tokio::test]
async fn an_assertion_is_good_once_until_it_has_expired() {
    let replay = Arc::new(MemoryReplayStore::default());
    let verifier = ClientAssertionVerifier::new(token_endpoint(), replay.clone(), provider());
    // Two nodes that note in one store.
    let other_node = ClientAssertionVerifier::new(token_endpoint(), replay.clone(), provider());
    let jwt = signed(&with("exp", NOW + 300));
    let keys = inline();
    assert_eq!(judge(&verifier, &jwt, &keys, NOW).await, Ok(()));
    for later in [0, 1, 60, 299, 300, 359] {
        for node in [&verifier, &other_node] {
            assert_eq!(
                judge(node, &jwt, &keys, NOW + later).await,
                Err("assertion-replayed")
            );
        }
    }
    assert_eq!(
        judge(&verifier, &jwt, &keys, NOW + 360).await,
        Err("claim-expired")
    );
    // The same `jti` in another token, with another algorithm: it is the `jti` that counts.
    let again = Forge::issuer().token("RS384", &with("exp", NOW + 100));
    assert_eq!(
        judge(&verifier, &again, &keys, NOW).await,
        Err("assertion-replayed")
    );
    // A new one is good, and another client's `jti` is another one.
    assert_eq!(
        judge(&verifier, &signed(&with("jti", "random-2")), &keys, NOW).await,
        Ok(())
    );
    let theirs = ClientId::new("backend-service-2");
    let mut claims = claims();
    claims["iss"] = json!("backend-service-2");
    claims["sub"] = json!("backend-service-2");
    let assertion = read(&signed(&claims)).unwrap();
    assert!(
        verifier
            .verify(&assertion, &theirs, &keys, at(NOW))
            .await
            .is_ok()
    );
    // What has expired is forgotten.
    assert_eq!(replay.len(), 3);
    let later = signed(&json!({
        "iss": CLIENT, "sub": CLIENT, "aud": TOKEN_URL, "exp": NOW + 1000, "jti": "random-3"
    }));
    assert_eq!(judge(&verifier, &later, &keys, NOW + 800).await, Ok(()));
    assert_eq!(replay.len(), 1);
}

#[tokio::test]
async fn without_a_name_of_its_own_an_assertion_is_none() {
    assert_eq!(fresh(&signed(&without("jti"))).await, Err("claim-missing"));
    assert_eq!(
        fresh(&signed(&with("jti", ""))).await,
        Err("assertion-jti-blank")
    );
    assert_eq!(fresh(&signed(&with("jti", 7))).await, Err("claim-type"));
}

/// An attacker who can send, and not sign, must not use up the assertion of somebody else.
#[tokio::test]
async fn what_fails_has_not_been_used() {
    let verifier = verifier();
    let keys = inline();
    let good = signed(&claims());
    let forged = Forge::other().token("ES384", &claims());
    let elsewhere = signed(&with("aud", "https://other.example/token"));
    let early = signed(&with("nbf", NOW + 1000));
    for bad in [forged, elsewhere, early] {
        assert!(judge(&verifier, &bad, &keys, NOW).await.is_err());
    }
    assert_eq!(judge(&verifier, &good, &keys, NOW).await, Ok(()));
}

fn used(client: &str, n: u32, until: u64) -> AssertionUse {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    // The type is the library's own, so a good assertion lends one.
    static LENT: OnceLock<AssertionUse> = OnceLock::new();
    let mut used = LENT.get_or_init(lent).clone();
    used.client_id = ClientId::new(client);
    used.id = id;
    used.until = at(until);
    used
}

/// A store that hands out what it was given.
#[derive(Debug, Default)]
struct Lender(std::sync::Mutex<Option<AssertionUse>>);

#[async_trait::async_trait]
impl ReplayStore for Lender {
    async fn note(&self, used: &AssertionUse, _: UnixTime) -> Result<Use, ReplayStoreError> {
        *self.0.lock().unwrap() = Some(used.clone());
        Ok(Use::First)
    }
}

fn lent() -> AssertionUse {
    let lender = Arc::new(Lender::default());
    let verifier = ClientAssertionVerifier::new(token_endpoint(), lender.clone(), provider());
    let assertion = read(&signed(&claims())).unwrap();
    let (keys, id) = (inline(), client());
    let verdict = verifier.verify(&assertion, &id, &keys, at(NOW));
    futures_block_on(verdict).unwrap();
    let used = lender.0.lock().unwrap().take();
    used.unwrap()
}

/// Nothing here waits, so one poll is enough.
fn futures_block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

/// A use is kept at least until the last moment at which its token is accepted.
#[test]
fn a_use_is_kept_longer_than_any_token_lives() {
    let used = lent();
    assert_eq!(used.client_id, client());
    // `exp` may be 360 s ahead, and is granted 60 s more.
    assert_eq!(used.until, at(NOW + 300 + 120 + 1));
}

#[tokio::test]
async fn a_full_store_refuses_and_forgets_nothing() {
    let store = MemoryReplayStore::new(8);
    let note = |client: &'static str, n: u32, until: u64, now: u64| {
        let used = used(client, n, until);
        let store = &store;
        async move { store.note(&used, at(now)).await }
    };
    assert_eq!(note("a", 1, 100, 0).await, Ok(Use::First));
    assert_eq!(note("a", 2, 100, 0).await, Ok(Use::First));
    // A quarter is the most of one client, and what it did use it cannot use again.
    let full = |limit| Err(ReplayStoreError::Full { limit });
    assert_eq!(note("a", 3, 100, 0).await, full(2));
    assert_eq!(note("a", 1, 100, 0).await, Ok(Use::Again));
    for (client, n) in [("b", 4), ("b", 5), ("c", 6), ("c", 7), ("d", 8), ("d", 9)] {
        assert_eq!(note(client, n, 200, 0).await, Ok(Use::First));
    }
    assert_eq!(note("e", 10, 200, 100).await, full(8));
    assert_eq!(note("b", 4, 200, 100).await, Ok(Use::Again));
    assert_eq!(store.len(), 8);
    // Those of the first client have expired now.
    assert_eq!(note("e", 10, 300, 101).await, Ok(Use::First));
    assert_eq!(note("a", 3, 300, 101).await, Ok(Use::First));
    assert_eq!(store.len(), 8);
}

#[test]
fn of_two_at_once_one_is_the_first() {
    let store = Arc::new(MemoryReplayStore::new(100_000));
    let uses: Vec<AssertionUse> = (0..500).map(|n| used("a", n, NOW)).collect();
    let uses = Arc::new(uses);
    let start = Arc::new(std::sync::Barrier::new(4));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (store, uses, start) = (store.clone(), uses.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                uses.iter()
                    .filter(|it| futures_block_on(store.note(it, at(0))) == Ok(Use::First))
                    .count()
            })
        })
        .collect();
    let firsts: usize = threads.into_iter().map(|it| it.join().unwrap()).sum();
    assert_eq!(firsts, 500);
}

/// Cannot be reached.
#[derive(Debug)]
struct Away;

#[async_trait::async_trait]
impl ReplayStore for Away {
    async fn note(&self, _: &AssertionUse, _: UnixTime) -> Result<Use, ReplayStoreError> {
        Err(ReplayStoreError::Unavailable {
            problem: "connection refused".into(),
        })
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_refuses() {
    let verifier = ClientAssertionVerifier::new(token_endpoint(), Arc::new(Away), provider());
    let found = unjudged(&verifier, &signed(&claims()), &inline()).await;
    assert_eq!(found, "replay-store-unavailable");
    let full = Arc::new(MemoryReplayStore::new(0));
    let verifier = ClientAssertionVerifier::new(token_endpoint(), full, provider());
    let found = unjudged(&verifier, &signed(&claims()), &inline()).await;
    assert_eq!(found, "replay-store-full");
    // What is judged before the store is asked is the client's own fault all the same.
    let found = judge(&verifier, &with_bad_signature(), &inline(), NOW).await;
    assert_eq!(found, Err("jws-bad-signature"));
}

fn with_bad_signature() -> String {
    Forge::other().token("ES384", &claims())
}

/// The client hears that nobody could judge, and not that its registration is wrong.
#[tokio::test]
async fn a_key_url_that_is_down_is_no_fault_of_the_assertion() {
    let jwt = signed(&claims());
    let down = Remote::serving(jwks());
    down.http.set_down(true);
    let away = unjudged(&verifier(), &jwt, &down.keys).await;
    let page = Remote::serving(Answer::json(&json!({"error": "maintenance"})));
    let odd = unjudged(&verifier(), &jwt, &page.keys).await;
    assert_ne!(away, odd);
    // It passes with the outage.
    down.http.set_down(false);
    down.clock.advance(Duration::from_secs(60));
    assert_eq!(judge(&verifier(), &jwt, &down.keys, NOW).await, Ok(()));
    // A set that was read is an answer, also where it has no key at all.
    let empty = Remote::serving(Answer::json(&json!({"keys": []})));
    let found = judge(&verifier(), &jwt, &empty.keys, NOW).await;
    assert_eq!(found, Err("key-unknown-retry"));
}

/// The keys of a client behind a URL, over a scripted network.
struct Remote {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    keys: ClientKeys,
}

impl Remote {
    fn serving(answer: Answer) -> Self {
        let (http, clock) = (FakeHttp::new(), Arc::new(FixedClock::at(at(NOW))));
        http.answer(JWKS, answer);
        let url = EndpointUrl::parse(JWKS).unwrap();
        let keys = ClientKeys::at(url, http.clone(), provider(), clock.clone());
        Self { http, clock, keys }
    }
}

fn jwks() -> Answer {
    Answer::json(&Forge::issuer().jwks())
}

// covers: SMART-CAS-1, SMART-CAS-9, SMART-CAS-18, SMART-CAS-19
#[tokio::test]
async fn a_registered_url_is_read_and_kept_as_the_client_says() {
    let verifier = verifier();
    let one = |n: u32| signed(&with("jti", format!("jti-{n}")));
    let remote = Remote::serving(jwks().with("cache-control", "max-age=90"));
    for n in 0..3 {
        assert_eq!(judge(&verifier, &one(n), &remote.keys, NOW).await, Ok(()));
    }
    assert_eq!(remote.http.urls(), [JWKS]);
    let sent = &remote.http.sent()[0];
    assert_eq!(sent.method, http::Method::GET);
    assert_eq!(sent.headers["accept"], "application/json");
    assert!(!sent.headers.contains_key("authorization"));
    remote.clock.advance(Duration::from_secs(90));
    assert_eq!(judge(&verifier, &one(3), &remote.keys, NOW).await, Ok(()));
    assert_eq!(remote.http.count(), 2);
    let remote = Remote::serving(jwks().with("cache-control", "no-store"));
    for n in 10..13 {
        assert_eq!(judge(&verifier, &one(n), &remote.keys, NOW).await, Ok(()));
    }
    assert_eq!(remote.http.count(), 3);
    // A server that is down gives no keys, and old ones do not come back.
    remote.http.set_down(true);
    let found = unjudged(&verifier, &one(13), &remote.keys).await;
    assert!(found.starts_with("http-"), "{found}");
}

/// Some clients change their key and keep its name; anybody can send a bad signature.
#[tokio::test]
async fn a_bad_signature_has_the_keys_read_once_more_and_no_more() {
    let verifier = verifier();
    let one = |forge: &Forge, n: u32| forge.token("ES384", &with("jti", format!("jti-{n}")));
    let old = Answer::json(&Forge::other().jwks());
    let remote = Remote::serving(old.with("cache-control", "max-age=3600"));
    let keys = &remote.keys;
    let other = Forge::other();
    assert_eq!(judge(&verifier, &one(&other, 1), keys, NOW).await, Ok(()));
    remote
        .http
        .answer(JWKS, jwks().with("cache-control", "max-age=3600"));
    remote.clock.advance(Duration::from_secs(120));
    let issuer = Forge::issuer();
    assert_eq!(judge(&verifier, &one(&issuer, 2), keys, NOW).await, Ok(()));
    assert_eq!(remote.http.count(), 2);
    for n in 3..20 {
        let found = judge(&verifier, &one(&other, n), keys, NOW).await;
        assert_eq!(found, Err("jws-bad-signature"));
    }
    assert_eq!(remote.http.count(), 2);
    assert_eq!(judge(&verifier, &one(&issuer, 30), keys, NOW).await, Ok(()));
}

// covers: SMART-CAS-8
#[tokio::test]
async fn a_jku_is_the_registered_one_and_never_leads_anywhere() {
    let header = |jku: Value| json!({"alg": "ES384", "kid": "p384", "typ": "JWT", "jku": jku});
    let remote = Remote::serving(jwks());
    for evil in [
        json!("https://evil.example/jwks.json"),
        json!(format!("{JWKS}/")),
        json!("https://client.example/jwks.json?x"),
        json!("HTTPS://client.example/jwks.json"),
        json!("file:///etc/passwd"),
        json!(""),
        json!(null),
        json!([JWKS]),
    ] {
        let jwt = with_header("ES384", &header(evil.clone()));
        let found = judge(&verifier(), &jwt, &remote.keys, NOW).await;
        assert_eq!(found, Err("assertion-jku"), "{evil}");
        // A client that registered its keys has no URL that could be equal.
        assert_eq!(fresh(&jwt).await, Err("assertion-jku"), "{evil}");
    }
    assert_eq!(remote.http.count(), 0);
    let good = with_header("ES384", &header(json!(JWKS)));
    assert_eq!(judge(&verifier(), &good, &remote.keys, NOW).await, Ok(()));
    assert_eq!(remote.http.urls(), [JWKS]);
    assert_eq!(fresh(&good).await, Err("assertion-jku"));
}

/// Nothing is fetched for a token that is refused by what can be seen without a key.
#[tokio::test]
async fn a_bad_header_costs_no_fetch() {
    let remote = Remote::serving(jwks());
    let no_kid = with_header("ES384", &json!({"alg": "ES384", "typ": "JWT"}));
    let typ = with_header(
        "ES384",
        &json!({"alg": "ES384", "kid": "p384", "typ": "at+jwt"}),
    );
    let alg = Forge::issuer().token("RS256", &claims());
    for (jwt, expected) in [
        (no_kid, "assertion-no-kid"),
        (typ, "assertion-typ"),
        (alg, "alg-not-accepted"),
        ("a.b".to_owned(), "jws-segment-count"),
    ] {
        assert_eq!(
            judge(&verifier(), &jwt, &remote.keys, NOW).await,
            Err(expected)
        );
    }
    assert_eq!(remote.http.count(), 0);
}

// covers: SMART-CAS-17
#[tokio::test]
async fn no_key_and_several_keys_both_fail() {
    let mut doubled = Forge::issuer().jwks();
    // Another key of the same type under the same name.
    let mut second = Forge::other().jwks()["keys"][2].clone();
    second["kid"] = json!(kid_of("ES384"));
    doubled["keys"].as_array_mut().unwrap().push(second);
    // Another type under that name is no second match.
    let mut mixed = Forge::issuer().jwks();
    mixed["keys"][0]["kid"] = json!(kid_of("ES384"));
    let renamed = json!({"keys": [mixed["keys"][0], {"kty": "EC", "kid": "p384"}]});
    let cases = [
        (&doubled, Err("key-ambiguous")),
        (&mixed, Ok(())),
        (&renamed, Err("key-unfit")),
    ];
    for (keys, expected) in cases {
        let jwt = signed(&claims());
        let inline = ClientKeys::inline(set(keys));
        assert_eq!(
            judge(&verifier(), &jwt, &inline, NOW).await,
            expected,
            "{keys}"
        );
        let remote = Remote::serving(Answer::json(keys));
        let found = judge(&verifier(), &jwt, &remote.keys, NOW).await;
        match expected {
            // What a fetch may yet mend has its own name.
            Err("key-unfit") => assert_eq!(found, Err("key-unknown-retry")),
            expected => assert_eq!(found, expected, "{keys}"),
        }
    }
    let unknown = json!({"alg": "ES384", "kid": "other", "typ": "JWT"});
    assert_eq!(
        fresh(&with_header("ES384", &unknown)).await,
        Err("key-unknown")
    );
    let nothing = ClientKeys::inline(set(&json!({"keys": []})));
    let found = judge(&verifier(), &signed(&claims()), &nothing, NOW).await;
    assert_eq!(found, Err("key-unknown"));
}

// covers: SMART-CAS-20, CAS-8
#[tokio::test]
async fn the_client_learns_one_word_and_the_operator_the_reason() {
    let verifier = verifier();
    let assertion = read(&Forge::other().token("ES384", &claims())).unwrap();
    let (keys, id) = (inline(), client());
    let error = verifier
        .verify(&assertion, &id, &keys, at(NOW))
        .await
        .unwrap_err();
    assert_eq!(error.refusal().as_str(), "invalid_client");
    assert_eq!(error.refusal().status(), 401);
    assert_eq!(
        (error.code(), error.class()),
        ("jws-bad-signature", ErrorClass::InvalidToken)
    );
    let remote = Remote::serving(Answer::status(500));
    let error = verifier
        .verify(&assertion, &id, &remote.keys, at(NOW))
        .await
        .unwrap_err();
    // Nobody has judged this one.
    assert_eq!(error.refusal(), Refusal::TemporarilyUnavailable);
    assert_eq!(error.class(), ErrorClass::Upstream);
}

/// What a server of ours answers is what a client of ours makes of it.
#[tokio::test]
async fn client_and_server_mean_the_same_by_each_refusal() {
    let assertion = read(&signed(&claims())).unwrap();
    let remote = Remote::serving(Answer::status(500));
    let (verifier, id) = (verifier(), client());
    let outage = verifier.verify(&assertion, &id, &remote.keys, at(NOW));
    let outage = outage.await.unwrap_err().refusal();
    let read = |refusal: Refusal| {
        let mut answer = Response::builder().status(refusal.status());
        if let Some(pause) = refusal.retry_after() {
            answer = answer.header("retry-after", pause.as_secs());
        }
        let body = json!({ "error": refusal.as_str() }).to_string();
        let answer = answer.body(Bytes::from(body)).unwrap();
        let error = TokenResponse::of_refresh(&answer, &Scopes::default()).unwrap_err();
        TokenError::from(error)
    };
    let told = read(outage);
    // Nothing came of it, and the same refresh token may be sent again a little later.
    assert_eq!(told.fate(), Fate::Refused);
    assert!(!told.needs_launch());
    assert_eq!(told.retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(told.class(), ErrorClass::Upstream);
    for (refusal, fate, class) in [
        (
            Refusal::InvalidClient,
            Fate::Refused,
            ErrorClass::Configuration,
        ),
        (
            Refusal::InvalidGrant,
            Fate::Refused,
            ErrorClass::InvalidRequest,
        ),
        (
            Refusal::InvalidRequest,
            Fate::Refused,
            ErrorClass::InvalidRequest,
        ),
        (
            Refusal::InvalidScope,
            Fate::Refused,
            ErrorClass::Configuration,
        ),
        (Refusal::ServerError, Fate::InDoubt, ErrorClass::Upstream),
        (
            Refusal::UnauthorizedClient,
            Fate::Refused,
            ErrorClass::Configuration,
        ),
        (
            Refusal::UnsupportedGrantType,
            Fate::Refused,
            ErrorClass::Configuration,
        ),
    ] {
        let told = read(refusal);
        assert_eq!((told.fate(), told.class()), (fate, class), "{refusal}");
        assert_eq!(told.needs_launch(), refusal == Refusal::InvalidGrant);
        assert_eq!(told.retry_after(), None);
    }
}

#[tokio::test]
async fn nothing_that_could_be_presented_again_is_printed() {
    let jwt = signed(&claims());
    let assertion = read(&jwt).unwrap();
    let verifier = verifier();
    let (keys, id) = (inline(), client());
    verifier
        .verify(&assertion, &id, &keys, at(NOW))
        .await
        .unwrap();
    let error = verifier
        .verify(&assertion, &id, &keys, at(NOW))
        .await
        .unwrap_err();
    let shown = format!("{assertion:?} {verifier:?} {error:?} {error}");
    for part in jwt.split('.').chain(["random-1"]) {
        assert!(!shown.contains(part), "{shown}");
    }
}
