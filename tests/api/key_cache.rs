//! How long keys live: by their answer's headers, ahead of their end, and through an outage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::jwks::{
    BACKOFF, CONFIRMED, COOL_DOWN, EMPTY_BACKOFF, LIFE, MAX_LIFE, MAX_RETRY_AFTER, MIN_LIFE,
    STALE_LIFE,
};
use smart_oidc::discovery::{
    Clock, Discovery, EndpointUrl, FhirBaseUrl, FixedClock, KeySource, RemoteJwks, TimeLimit,
    TrustedIssuer,
};
use smart_oidc::jose::{Algorithms, UnixTime, UnverifiedJws};
use smart_oidc::{ClientId, Expected, IdTokenVerifier, Nonce, RawIdToken};
use smart_tests::forge::{Forge, kid_of};

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const URL: &str = "https://login.example/oidc/jwks";
const ISSUER: &str = "https://login.example/oidc";
const NOW: u64 = 1_800_000_000;
const SECOND: Duration = Duration::from_secs(1);

struct World {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    keys: RemoteJwks,
}

impl World {
    fn over(http: Arc<FakeHttp>) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
        let uri = EndpointUrl::parse(URL).unwrap();
        let keys = RemoteJwks::new(uri, http.clone(), provider(), clock.clone());
        Self { http, clock, keys }
    }

    /// One whose issuer answers like this.
    fn answering(answer: Answer) -> Self {
        let world = Self::over(FakeHttp::new());
        world.http.answer(URL, answer);
        world
    }

    async fn judge(&self, token: &str) -> Result<(), &'static str> {
        let token = UnverifiedJws::parse(token, Algorithms::ID_TOKEN).unwrap();
        let keys = self.keys.candidates(token.header()).await;
        let keys = keys.map_err(|error| error.code())?;
        token.verify(&keys).map(drop).map_err(|error| error.code())
    }

    /// What is at hand, without waiting.
    fn has(&self, token: &str) -> bool {
        let token = UnverifiedJws::parse(token, Algorithms::ID_TOKEN).unwrap();
        self.keys.cached(token.header()).is_some()
    }

    /// Gives way until this many requests have left.
    async fn until_sent(&self, count: usize) {
        for _ in 0..1000 {
            if self.http.count() >= count {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("{} requests left, not {count}", self.http.count());
    }
}

fn jwks() -> Answer {
    Answer::json(&Forge::issuer().jwks())
}

/// The keys of somebody else under the same key ids.
fn changed() -> Answer {
    Answer::json(&Forge::other().jwks())
}

fn good() -> String {
    Forge::issuer().token("RS256", &json!({}))
}

fn good_with(claims: &Value, forge: &Forge) -> String {
    let header = json!({"alg": "RS256", "kid": kid_of("RS256")});
    forge.token_with("RS256", &header, claims)
}

// covers: CACHE-2, CACHE-5, CACHE-15
#[tokio::test]
async fn j1_the_answer_chooses_how_long_its_keys_live() {
    for (said, life) in [
        ("max-age=300", Duration::from_secs(300)),
        ("max-age=5", MIN_LIFE),
        ("no-store", MIN_LIFE),
        ("max-age=31536000", MAX_LIFE),
        ("public", LIFE),
    ] {
        let world = World::answering(jwks().with("cache-control", said));
        assert_eq!(world.judge(&good()).await, Ok(()));
        world.clock.advance(life - SECOND);
        assert!(world.has(&good()), "{said}");
        world.clock.advance(SECOND);
        assert!(!world.has(&good()), "{said}");
    }
}

// covers: CACHE-8, CACHE-9
#[tokio::test]
async fn j1_an_unchanged_set_is_confirmed_by_its_tag() {
    let tagged = jwks()
        .with("etag", "W/\"v1\"")
        .with("last-modified", "Wed, 15 Nov 2023 07:00:00 GMT");
    let world = World::answering(tagged);
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert!(world.http.sent()[0].headers.get("if-none-match").is_none());
    let unchanged = Answer::status(304).with("cache-control", "max-age=120");
    world.http.answer(URL, unchanged);
    world.clock.advance(LIFE);
    assert_eq!(world.judge(&good()).await, Ok(()));
    let headers = &world.http.sent()[1].headers;
    // The tag goes back as it came.
    assert_eq!(headers["if-none-match"], "W/\"v1\"");
    assert_eq!(
        headers["if-modified-since"],
        "Wed, 15 Nov 2023 07:00:00 GMT"
    );
    // The answer without a set has its own life, and the tag stays.
    world.clock.advance(Duration::from_secs(120) - SECOND);
    assert!(world.has(&good()));
    world.clock.advance(SECOND);
    assert!(!world.has(&good()));
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.http.sent()[2].headers["if-none-match"], "W/\"v1\"");
}

// covers: CACHE-9
#[tokio::test]
async fn j1_an_answer_that_nothing_has_changed_is_refused_where_nobody_asked() {
    let world = World::answering(Answer::status(304));
    assert_eq!(world.judge(&good()).await, Err("document-not-modified"));
    // With keys at hand but without a tag nobody asked either; the keys go on as in an outage.
    let world = World::answering(jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.http.answer(URL, Answer::status(304));
    let error = world.keys.refresh().await.unwrap_err();
    assert_eq!(error.code(), "document-not-modified");
    assert_eq!(world.judge(&good()).await, Ok(()));
}

#[tokio::test]
async fn j2_nobody_waits_for_a_set_that_is_fetched_ahead_of_its_end() {
    let world = World::over(FakeHttp::new());
    world.http.answer(URL, jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    // Before 70 % of the life nothing leaves.
    world.clock.advance(LIFE * 69 / 100);
    for _ in 0..10 {
        assert!(world.has(&good()));
        assert_eq!(world.judge(&good()).await, Ok(()));
    }
    tokio::task::yield_now().await;
    assert_eq!(world.http.count(), 1);
    // From 90 % on a fetch leaves, one, and keys are at hand all the same.
    world.http.close();
    world.clock.advance(LIFE * 22 / 100);
    for _ in 0..10 {
        assert!(world.has(&good()));
        assert_eq!(world.judge(&good()).await, Ok(()));
    }
    world.until_sent(2).await;
    assert!(world.has(&good()));
    world.http.open();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.http.count(), 2);
    // What it brought lives from then on.
    world.clock.advance(LIFE * 69 / 100);
    assert!(world.has(&good()));
    assert_eq!(world.http.count(), 2);
}

#[tokio::test]
async fn j2_an_issuer_that_is_not_used_is_not_asked() {
    let world = World::answering(jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    for _ in 0..48 {
        world.clock.advance(Duration::from_secs(3600));
        tokio::task::yield_now().await;
    }
    assert_eq!(world.http.count(), 1);
}

/// The issuer of these keys, by the chain of trust over another network.
async fn trusted(world: &World) -> TrustedIssuer {
    let http = FakeHttp::new();
    let base = "https://fhir.example/r4";
    let smart = json!({"issuer": ISSUER, "token_endpoint": "https://login.example/token"});
    http.answer(
        &format!("{base}/.well-known/smart-configuration"),
        Answer::json(&smart),
    );
    let provider = json!({"issuer": ISSUER, "jwks_uri": world.keys.uri().as_str()});
    let at = format!("{ISSUER}/.well-known/openid-configuration");
    http.answer(&at, Answer::json(&provider));
    let base = FhirBaseUrl::parse(base).unwrap();
    Discovery::new(http).discover(&base).await.unwrap()
}

/// What the verifier says of a token of this forge.
async fn verify(verifier: &IdTokenVerifier, forge: &Forge) -> Result<(), &'static str> {
    let nonce = Nonce::new("n-0S6_WzA2Mj");
    let claims = json!({
        "iss": ISSUER, "sub": "1", "aud": "app", "nonce": "n-0S6_WzA2Mj",
        "exp": NOW + 300, "iat": NOW,
    });
    let token = RawIdToken::new(good_with(&claims, forge));
    let expected = Expected::nonce(&nonce);
    let verified = verifier
        .verify(&token, &expected, UnixTime::from_secs(NOW))
        .await;
    verified.map(drop).map_err(|it| it.code())
}

// covers: CACHE-14
#[tokio::test]
async fn j4_a_bad_signature_asks_once_in_the_cool_down_and_is_tried_again() {
    let world = World::answering(jwks());
    let issuer = trusted(&world).await;
    let verifier = IdTokenVerifier::new(
        &issuer,
        ClientId::new("app"),
        Algorithms::ID_TOKEN,
        Arc::new(world.keys.clone()),
        provider(),
    );
    let (before, after) = (Forge::issuer(), Forge::other());
    assert_eq!(verify(&verifier, &before).await, Ok(()));
    // The issuer puts another key under the same `kid`. A set that was just confirmed is believed.
    world.http.answer(URL, changed());
    world.clock.advance(CONFIRMED - SECOND);
    for _ in 0..10 {
        assert_eq!(verify(&verifier, &after).await, Err("jws-bad-signature"));
    }
    assert_eq!(world.http.count(), 1);
    world.clock.advance(SECOND);
    assert_eq!(verify(&verifier, &after).await, Ok(()));
    assert_eq!(world.http.count(), 2);
    // A flood of bad signatures costs one request for each cool-down at most, and here, where each
    // of them confirms the set, one a minute.
    let mut elapsed = Duration::ZERO;
    while elapsed < Duration::from_secs(300) {
        assert_eq!(verify(&verifier, &before).await, Err("jws-bad-signature"));
        assert_eq!(verify(&verifier, &after).await, Ok(()));
        world.clock.advance(SECOND);
        elapsed += SECOND;
    }
    assert!(world.http.count() <= 2 + 5, "{}", world.http.count());
}

// covers: CACHE-10
#[tokio::test]
async fn j5_keys_last_a_day_past_their_life_in_an_outage_and_no_longer() {
    let world = World::answering(jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.http.set_down(true);
    world.clock.advance(LIFE + STALE_LIFE - SECOND);
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert!(world.has(&good()));
    world.clock.advance(SECOND);
    assert_eq!(world.judge(&good()).await, Err("http-connect"));
    assert!(!world.has(&good()));
    // An unknown `kid` says nothing else.
    let foreign =
        Forge::issuer().token_with("RS256", &json!({"alg": "RS256", "kid": "x"}), &json!({}));
    assert_eq!(world.judge(&foreign).await, Err("http-connect"));
    world.http.set_down(false);
    world.clock.advance(BACKOFF * 2);
    assert_eq!(world.judge(&good()).await, Ok(()));
}

// covers: CACHE-10
#[tokio::test]
async fn j2_nobody_waits_for_a_server_that_was_down_a_moment_ago() {
    let world = World::over(FakeHttp::new());
    world.http.answer(URL, jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.http.set_down(true);
    world.clock.advance(LIFE);
    assert_eq!(world.judge(&good()).await, Ok(()));
    // Its rest is over, and it hangs now: the keys are at hand all the same.
    world.http.close();
    world.clock.advance(BACKOFF * 2);
    for _ in 0..10 {
        assert!(world.has(&good()));
        assert_eq!(world.judge(&good()).await, Ok(()));
    }
    world.until_sent(3).await;
    assert_eq!(world.http.count(), 3);
    world.http.open();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // Long after its rest nothing is known of it, and it is asked before anything serves.
    world.http.set_down(false);
    world.http.answer(URL, changed());
    world.clock.advance(Duration::from_secs(3600));
    assert!(!world.has(&good()));
    assert_eq!(world.judge(&good()).await, Err("jws-bad-signature"));
}

#[tokio::test]
async fn j5_a_server_that_asks_to_be_left_alone_is_for_a_quarter_of_an_hour_at_most() {
    for (said, rest) in [
        ("120", Duration::from_secs(120)),
        ("86400", MAX_RETRY_AFTER),
        ("99999999999999999999", MAX_RETRY_AFTER),
        // Two minutes from now, as a date.
        ("Fri, 15 Jan 2027 08:12:00 GMT", Duration::from_secs(120)),
        // Shorter than our own rest, or not to be read.
        ("1", BACKOFF),
        ("soon", BACKOFF),
    ] {
        let world = World::answering(jwks());
        assert_eq!(world.judge(&good()).await, Ok(()));
        world
            .http
            .answer(URL, Answer::status(503).with("retry-after", said));
        world.clock.advance(LIFE);
        assert_eq!(world.judge(&good()).await, Ok(()));
        assert_eq!(world.http.count(), 2);
        world.clock.advance(rest * 4 / 5 - SECOND);
        assert_eq!(world.judge(&good()).await, Ok(()));
        assert_eq!(world.http.count(), 2, "{said}");
        world.clock.advance(rest * 2 / 5 + SECOND);
        assert_eq!(world.judge(&good()).await, Ok(()));
        // Nobody waits for the next try, so it is made in the background.
        world.until_sent(3).await;
        assert_eq!(world.http.count(), 3, "{said}");
    }
}

#[tokio::test]
async fn j5_a_server_that_stumbles_while_people_wait_is_asked_once_more() {
    let world = World::answering(Answer::status(502));
    assert_eq!(world.judge(&good()).await, Err("document-status"));
    assert_eq!(world.http.count(), 2);
    // The second try has what the first has left of five seconds; here that is all of it.
    let limits: Vec<_> = world.http.sent().iter().map(|it| it.limit).collect();
    assert_eq!(limits, [None, Some(TimeLimit(Duration::from_secs(5)))]);
    // What is wrong for good is not asked twice.
    let world = World::answering(Answer::status(404));
    assert_eq!(world.judge(&good()).await, Err("document-status"));
    assert_eq!(world.http.count(), 1);
    // With keys at hand nobody waits, and one try is enough.
    let world = World::answering(jwks());
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.http.answer(URL, Answer::status(502));
    world.clock.advance(LIFE);
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.http.count(), 2);
}

// covers: CACHE-11
#[tokio::test]
async fn j5_a_set_that_lost_all_its_keys_does_not_replace_one_that_has_some() {
    for empty in [
        json!({"keys": []}),
        json!({"keys": [{"kty": "oct", "k": "AA"}]}),
    ] {
        let world = World::answering(jwks());
        assert_eq!(world.judge(&good()).await, Ok(()));
        world.http.answer(URL, Answer::json(&empty));
        world.clock.advance(LIFE);
        assert_eq!(world.judge(&good()).await, Ok(()));
        let error = world.keys.refresh().await.unwrap_err();
        assert_eq!(error.code(), "jwks-no-usable-key");
        // Whoever knows better forgets them.
        world.keys.purge();
        assert_eq!(world.judge(&good()).await, Err("key-unknown-retry"));
    }
}

// covers: CACHE-12
#[tokio::test]
async fn j4_the_cool_down_counts_empty_sets_and_says_when_to_come_back() {
    let world = World::answering(Answer::json(&json!({"keys": []})));
    assert_eq!(world.judge(&good()).await, Err("key-unknown-retry"));
    world.clock.advance(COOL_DOWN - SECOND);
    assert_eq!(world.judge(&good()).await, Err("key-unknown-retry"));
    assert_eq!(world.http.count(), 1);
    world.http.answer(URL, jwks());
    world.clock.advance(SECOND);
    assert_eq!(world.judge(&good()).await, Ok(()));
}

/// A cache of a client's keys, as a server keeps them.
fn of_client(answer: Answer) -> World {
    let http = FakeHttp::new();
    http.answer(URL, answer);
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
    let uri = EndpointUrl::parse(URL).unwrap();
    let keys = RemoteJwks::of_client(uri, http.clone(), provider(), clock.clone());
    World { http, clock, keys }
}

// covers: SMART-CAS-18, CACHE-1, CACHE-6
#[tokio::test]
async fn j9_keys_of_a_client_live_exactly_as_long_as_the_client_says() {
    for (said, life) in [
        ("max-age=5", Duration::from_secs(5)),
        ("max-age=60", Duration::from_secs(60)),
        ("max-age=31536000", MAX_LIFE),
        ("public", MIN_LIFE),
    ] {
        let world = of_client(jwks().with("cache-control", said));
        assert_eq!(world.judge(&good()).await, Ok(()));
        world.clock.advance(life - SECOND);
        assert!(world.has(&good()), "{said}");
        world.clock.advance(SECOND);
        assert!(!world.has(&good()), "{said}");
    }
    // What may not be kept at all is fetched for each token, and serves the one it came for.
    for said in ["no-store", "no-cache", "max-age=0"] {
        let world = of_client(jwks().with("cache-control", said));
        for count in 1..=3 {
            assert_eq!(world.judge(&good()).await, Ok(()), "{said}");
            assert_eq!(world.http.count(), count);
            assert!(!world.has(&good()));
        }
    }
}

// covers: SMART-CAS-18
#[tokio::test]
async fn j9_another_life_where_nothing_is_said_makes_a_client_no_issuer() {
    let world = of_client(jwks());
    let keys = world.keys.clone().with_life(Duration::from_secs(120));
    let token = good();
    let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    assert!(keys.candidates(token.header()).await.is_ok());
    world.clock.advance(Duration::from_secs(120) - SECOND);
    assert!(keys.cached(token.header()).is_some());
    world.http.set_down(true);
    world.clock.advance(SECOND);
    assert!(keys.candidates(token.header()).await.is_err());
    // What the client does say has no floor.
    world.http.set_down(false);
    let short = jwks().with("cache-control", "max-age=5");
    world.http.answer(URL, short);
    world.clock.advance(EMPTY_BACKOFF * 2);
    assert!(keys.candidates(token.header()).await.is_ok());
    world.clock.advance(Duration::from_secs(5));
    assert!(keys.cached(token.header()).is_none());
}

// covers: SMART-CAS-18
#[tokio::test]
async fn j9_keys_of_a_client_do_not_outlive_their_life_in_an_outage() {
    let world = of_client(jwks().with("cache-control", "max-age=100"));
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.http.set_down(true);
    world.clock.advance(Duration::from_secs(99));
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.clock.advance(SECOND);
    for _ in 0..10 {
        assert_eq!(world.judge(&good()).await, Err("http-connect"));
    }
    // A client that is down is not asked for each token.
    let after = world.http.count();
    assert!(after <= 3, "{after}");
    world.http.set_down(false);
    world.clock.advance(BACKOFF * 2);
    assert_eq!(world.judge(&good()).await, Ok(()));
}

// covers: CACHE-12
#[tokio::test]
async fn j9_an_unknown_kid_cools_down_with_clients_too() {
    for said in ["no-store", "max-age=1000"] {
        let world = of_client(jwks().with("cache-control", said));
        assert_eq!(world.judge(&good()).await, Ok(()));
        let before = world.http.count();
        for number in 0..100 {
            let header = json!({"alg": "RS256", "kid": format!("made-up-{number}")});
            let made_up = Forge::issuer().token_with("RS256", &header, &json!({}));
            assert_eq!(world.judge(&made_up).await, Err("key-unknown-retry"));
        }
        assert_eq!(world.http.count() - before, 1, "{said}");
        assert_eq!(world.judge(&good()).await, Ok(()));
        world.clock.advance(COOL_DOWN);
        let before = world.http.count();
        let rotated = json!({"alg": "RS256", "kid": "made-up-7"});
        let rotated = Forge::issuer().token_with("RS256", &rotated, &json!({}));
        let mut set = Forge::issuer().jwks();
        set["keys"][0]["kid"] = json!("made-up-7");
        let answer = Answer::json(&set).with("cache-control", said);
        world.http.answer(URL, answer);
        assert_eq!(world.judge(&rotated).await, Ok(()));
        assert_eq!(world.http.count() - before, 1, "{said}");
    }
}

/// A clock of which either hand can be moved alone.
#[derive(Debug)]
struct TwoHands {
    wall: AtomicU64,
    monotonic: AtomicU64,
}

impl Clock for TwoHands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.monotonic.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn j7_a_wall_clock_that_jumps_costs_nothing_and_ages_go_on() {
    let http = FakeHttp::new();
    // The end of life is said as a date, which only the moment of the answer is compared with.
    let answer = jwks()
        .with("date", "Fri, 15 Jan 2027 08:00:00 GMT")
        .with("expires", "Fri, 15 Jan 2027 08:05:00 GMT");
    http.answer(URL, answer);
    let clock = Arc::new(TwoHands {
        wall: AtomicU64::new(NOW),
        monotonic: AtomicU64::new(1000),
    });
    let uri = EndpointUrl::parse(URL).unwrap();
    let keys = RemoteJwks::new(uri, http.clone(), provider(), clock.clone());
    let token = good();
    let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    let header = token.header();
    assert!(keys.candidates(header).await.is_ok());
    for wall in [0, NOW - 86_400, NOW + 10 * 365 * 86_400, u64::MAX, NOW] {
        clock.wall.store(wall, Ordering::SeqCst);
        assert!(keys.cached(header).is_some(), "{wall}");
        assert!(keys.candidates(header).await.is_ok());
    }
    assert_eq!(http.count(), 1);
    clock.monotonic.store(1000 + 299, Ordering::SeqCst);
    assert!(keys.cached(header).is_some());
    clock.monotonic.store(1000 + 300, Ordering::SeqCst);
    assert!(keys.cached(header).is_none());
    // A monotonic clock that goes back all the same costs no more than a set that lives longer.
    clock.monotonic.store(0, Ordering::SeqCst);
    assert!(keys.candidates(header).await.is_ok());
    clock.monotonic.store(u64::MAX, Ordering::SeqCst);
    assert!(keys.candidates(header).await.is_ok());
    assert!(http.count() <= 3, "{}", http.count());
}
