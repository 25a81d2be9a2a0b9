//! The cache of an issuer's keys: when it fetches, when it does not, and what an outage costs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::jwks::{BACKOFF, COOL_DOWN, EMPTY_BACKOFF, LIFE, MAX_LIFE, MIN_LIFE};
use smart_oidc::discovery::{EndpointUrl, FixedClock, KeySource, KeySourceError, RemoteJwks};
use smart_oidc::jose::{Algorithms, ErrorClass, UnixTime, UnverifiedJws};
use smart_tests::forge::{Forge, b64, kid_of};

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const URL: &str = "https://login.example/oidc/jwks?set=1";
const SECOND: Duration = Duration::from_secs(1);

/// A cache over a scripted network, with a clock that moves only when it is told to.
struct World {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    keys: RemoteJwks,
}

impl World {
    fn over(http: Arc<FakeHttp>) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(1_800_000_000)));
        let keys = RemoteJwks::new(
            EndpointUrl::parse(URL).unwrap(),
            http.clone(),
            provider(),
            clock.clone(),
        );
        Self { http, clock, keys }
    }

    /// One that serves the keys of the forged issuer.
    fn new() -> Self {
        let world = Self::over(FakeHttp::new());
        world.publish(&Forge::issuer().jwks());
        world
    }

    fn publish(&self, set: &Value) {
        self.http.answer(URL, Answer::json(set));
    }

    /// Verifies a token with the keys of the cache.
    async fn judge(&self, token: &str) -> Result<(), &'static str> {
        let token = UnverifiedJws::parse(token, Algorithms::ID_TOKEN).unwrap();
        let keys = self
            .keys
            .candidates(token.header())
            .await
            .map_err(|error| error.code())?;
        token.verify(&keys).map(drop).map_err(|error| error.code())
    }
}

fn good() -> String {
    Forge::issuer().token("RS256", &json!({"sub": "alice"}))
}

/// A token with this `kid` that nobody signed: enough to ask for a key.
fn unsigned(kid: &str) -> String {
    let header = json!({"alg": "RS256", "kid": kid});
    format!("{}.e30.AA", b64(header.to_string()))
}

/// The forged issuer's set with its RSA key under another `kid`.
fn rotated(kid: &str) -> Value {
    let mut set = Forge::issuer().jwks();
    set["keys"][0]["kid"] = json!(kid);
    set
}

fn signed_under(kid: &str) -> String {
    let header = json!({"alg": "RS256", "kid": kid});
    Forge::issuer().token_with("RS256", &header, &json!({}))
}

// covers: CACHE-2, CACHE-15, OIDC-VAL-6
#[tokio::test]
async fn one_fetch_serves_many_tokens_until_its_life_ends() {
    let world = World::new();
    for alg in ["RS256", "ES256", "ES384"] {
        for _ in 0..20 {
            let token = Forge::issuer().token(alg, &json!({}));
            assert_eq!(world.judge(&token).await, Ok(()), "{}", kid_of(alg));
        }
    }
    assert_eq!(world.http.urls(), [URL]);
    world.clock.advance(LIFE - SECOND);
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.http.count(), 1);
    world.clock.advance(SECOND);
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.http.count(), 2);
}

#[tokio::test]
async fn cached_never_fetches() {
    let world = World::new();
    let token = good();
    let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    assert!(world.keys.cached(token.header()).is_none());
    assert_eq!(world.http.count(), 0);
    assert!(world.keys.held().is_none());
    world.keys.refresh().await.unwrap();
    assert!(world.keys.cached(token.header()).is_some());
    assert_eq!(world.keys.held().unwrap().keys().len(), 3);
    // What has gone stale is not handed out without a look at the issuer.
    world.clock.advance(LIFE);
    assert!(world.keys.cached(token.header()).is_none());
    assert_eq!(world.http.count(), 1);
}

// covers: OIDC-KEY-4, CACHE-12
#[tokio::test]
async fn an_unknown_kid_fetches_once_in_the_cool_down() {
    let world = World::new();
    assert_eq!(world.judge(&good()).await, Ok(()));
    // A set that came by itself says nothing of a key that was published since.
    let unknown = unsigned("unknown");
    assert_eq!(world.judge(&unknown).await, Err("key-unknown-retry"));
    assert_eq!(world.http.count(), 2);
    world.clock.advance(COOL_DOWN - SECOND);
    let other = unsigned("another");
    let parsed = UnverifiedJws::parse(&other, Algorithms::ID_TOKEN).unwrap();
    let error = world.keys.candidates(parsed.header()).await.unwrap_err();
    let KeySourceError::UnknownRetry { retry_after, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, SECOND);
    assert_eq!(world.http.count(), 2);
    world.clock.advance(retry_after);
    assert_eq!(world.judge(&other).await, Err("key-unknown-retry"));
    assert_eq!(world.http.count(), 3);
    // The fetch that found nothing counts as well, for every `kid`.
    for kid in [&unknown, &other] {
        world.clock.advance(SECOND);
        assert_eq!(world.judge(kid).await, Err("key-unknown-retry"));
    }
    assert_eq!(world.http.count(), 3);
}

// covers: CACHE-12
#[tokio::test]
async fn j4_a_kid_that_a_fetch_did_not_find_is_remembered_until_the_next() {
    let world = World::new();
    // The fetch that brings the first set is made for this one, and so says that it is unknown.
    let first = unsigned("first");
    assert_eq!(world.judge(&first).await, Err("key-unknown-retry"));
    for _ in 0..10 {
        world.clock.advance(SECOND);
        assert_eq!(world.judge(&first).await, Err("key-unknown-retry"));
    }
    assert_eq!(world.http.count(), 1);
    // A fetch that succeeds empties the memory, whatever it was made for.
    world.keys.refresh().await.unwrap();
    assert_eq!(world.judge(&first).await, Err("key-unknown-retry"));
    assert_eq!(world.http.count(), 3);

    let world = World::new();
    assert_eq!(world.judge(&first).await, Err("key-unknown-retry"));
    // Of another one it says nothing. Its fetch succeeds and empties the memory, and both wait for
    // the cool-down.
    world.publish(&rotated("second"));
    assert_eq!(world.judge(&signed_under("second")).await, Ok(()));
    assert_eq!(world.http.count(), 2);
    world.clock.advance(COOL_DOWN - SECOND);
    assert_eq!(world.judge(&first).await, Err("key-unknown-retry"));
    assert_eq!(world.http.count(), 2);
    world.publish(&rotated("first"));
    world.clock.advance(SECOND);
    assert_eq!(world.judge(&signed_under("first")).await, Ok(()));
    assert_eq!(world.http.count(), 3);
}

// covers: CACHE-12, BISX-5
#[tokio::test]
async fn adv_kid_flood() {
    // A flood at one moment, before anything is held, costs the first fetch and a forced one.
    let world = World::new();
    for i in 0..1000 {
        let verdict = world.judge(&unsigned(&format!("flood-{i}"))).await;
        assert_eq!(verdict, Err("key-unknown-retry"));
    }
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.http.count(), 2);

    // A flood that lasts costs one fetch in each cool-down, and good tokens go on verifying.
    let world = World::new();
    let good = good();
    assert_eq!(world.judge(&good).await, Ok(()));
    let step = Duration::from_millis(100);
    let mut elapsed = Duration::ZERO;
    for _ in 0..1000 {
        let kid = provider().random::<16>().unwrap();
        let verdict = world.judge(&unsigned(&b64(kid))).await;
        assert_eq!(verdict, Err("key-unknown-retry"));
        assert_eq!(world.judge(&good).await, Ok(()));
        world.clock.advance(step);
        elapsed += step;
    }
    assert!(elapsed < LIFE);
    assert_eq!(world.http.count(), 1 + fetches_in(elapsed));
}

/// How many fetches a flood of this length may cost: one in each cool-down that it touches.
fn fetches_in(elapsed: Duration) -> usize {
    usize::try_from(elapsed.as_secs().div_ceil(COOL_DOWN.as_secs())).unwrap()
}

// covers: CACHE-12
#[tokio::test]
async fn adv_kid_flood_while_fetches_fail() {
    let world = World::new();
    let good = good();
    assert_eq!(world.judge(&good).await, Ok(()));
    world.http.set_down(true);
    let mut elapsed = Duration::ZERO;
    for i in 0..100 {
        assert!(world.judge(&unsigned(&format!("flood-{i}"))).await.is_err());
        assert_eq!(world.judge(&good).await, Ok(()));
        world.clock.advance(SECOND);
        elapsed += SECOND;
    }
    // Failures count too.
    let (found, allowed) = (world.http.count(), 1 + fetches_in(elapsed));
    assert!(found <= allowed, "{found} fetches, {allowed} are allowed");
    assert!(found > 2, "{found}");
}

// covers: BISX-5, BCP-10, JWS-11
#[tokio::test]
async fn adv_kid_is_opaque() {
    let world = World::new();
    let long = "k".repeat(8_000);
    for kid in [
        "../../keys",
        "%2e%2e%2f",
        "a\u{0}b",
        "a\r\nHost: evil.example",
        "?set=2",
        "https://evil.example/jwks",
        &long,
    ] {
        world.clock.advance(COOL_DOWN);
        assert_eq!(
            world.judge(&unsigned(kid)).await,
            Err("key-unknown-retry"),
            "{kid:?}"
        );
    }
    assert_eq!(world.http.urls(), [URL; 7]);
    for sent in world.http.sent() {
        let names: Vec<_> = sent.headers.keys().collect();
        assert_eq!(names, ["accept"]);
    }
}

// covers: OIDC-KEY-4, CACHE-12
#[tokio::test]
async fn a_rotation_is_followed_and_a_withdrawn_key_dies() {
    let world = World::new();
    assert_eq!(world.judge(&good()).await, Ok(()));
    world.publish(&rotated("next"));
    // Until somebody asks for a key that is not held, the withdrawn one may go on.
    assert_eq!(world.judge(&good()).await, Ok(()));
    assert_eq!(world.judge(&signed_under("next")).await, Ok(()));
    assert_eq!(world.http.count(), 2);
    // The set that came replaces the one that was held.
    assert_eq!(world.judge(&good()).await, Err("key-unknown-retry"));
}

// covers: CACHE-10, CACHE-11
#[tokio::test]
async fn adv_outage_keeps_keys() {
    let answers = [
        Answer::status(500),
        Answer::status(404),
        Answer::redirect(302, "https://evil.example/jwks"),
        Answer::text("text/html", "<html>"),
        Answer::text("application/json", "{"),
        Answer::text("application/json", "[]"),
        Answer::text("application/json", "{}"),
        Answer::json(&json!({"kty": "RSA"})),
    ];
    for answer in answers {
        let world = World::new();
        let good = good();
        assert_eq!(world.judge(&good).await, Ok(()));
        world.http.answer(URL, answer.clone());
        world.clock.advance(LIFE);
        assert_eq!(world.judge(&good).await, Ok(()), "{answer:?}");
        assert_eq!(world.http.count(), 2);
    }

    let world = World::new();
    let good = good();
    assert_eq!(world.judge(&good).await, Ok(()));
    world.http.set_down(true);
    world.clock.advance(LIFE);
    // Each rest costs one request, however many tokens come; each is twice as long as the one
    // before, give or take a fifth.
    for (round, doubled) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
        let rest = BACKOFF * doubled;
        for _ in 0..10 {
            assert_eq!(world.judge(&good).await, Ok(()));
            // Only the first try is waited for; all later ones are made in the background.
            drain().await;
        }
        world.clock.advance(rest * 4 / 5 - SECOND);
        assert_eq!(world.judge(&good).await, Ok(()));
        drain().await;
        assert_eq!(world.http.count(), 2 + round);
        world.clock.advance(rest * 2 / 5 + SECOND);
    }
    // What the issuer withdrew in the meantime is gone as soon as it is back.
    world.http.set_down(false);
    world.publish(&rotated("next"));
    assert_eq!(world.judge(&good).await, Ok(()));
    drain().await;
    assert_eq!(world.judge(&good).await, Err("key-unknown-retry"));
    assert_eq!(world.judge(&signed_under("next")).await, Ok(()));
}

/// Lets what runs in the background go on.
async fn drain() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

// covers: CACHE-11
#[tokio::test]
async fn a_failure_is_followed_by_a_rest() {
    let world = World::new();
    world.http.set_down(true);
    let good = good();
    let parsed = UnverifiedJws::parse(&good, Algorithms::ID_TOKEN).unwrap();
    for _ in 0..10 {
        let error = world.keys.candidates(parsed.header()).await.unwrap_err();
        assert_eq!(error.code(), "http-connect");
        assert_eq!(error.class(), ErrorClass::Upstream);
    }
    assert_eq!(world.http.count(), 1);
    // With nothing held the rest is short: people wait.
    world.clock.advance(EMPTY_BACKOFF * 3 / 4);
    world.http.set_down(false);
    assert_eq!(world.judge(&good).await, Err("http-connect"));
    assert_eq!(world.http.count(), 1);
    world.clock.advance(EMPTY_BACKOFF / 2);
    assert_eq!(world.judge(&good).await, Ok(()));
    assert_eq!(world.http.count(), 2);
}

#[tokio::test]
async fn what_is_no_key_set_is_said_as_what_it_is() {
    for (document, code) in [
        (
            json!({"kty": "RSA", "n": "AQ", "e": "AQAB"}),
            "jwks-bare-jwk",
        ),
        (
            json!({"1": "-----BEGIN CERTIFICATE-----\nMII"}),
            "jwks-certificate-map",
        ),
        (json!({}), "jwks-no-keys"),
        (json!({"keys": {}}), "jwks-no-keys"),
    ] {
        let world = World::new();
        world.publish(&document);
        assert_eq!(world.judge(&good()).await, Err(code), "{document}");
        let error = world.keys.refresh().await.unwrap_err();
        assert_eq!(error.code(), code);
    }
}

/// Gives way until a request has left; a fetch may be a task of its own.
async fn until_sent(http: &FakeHttp) {
    for _ in 0..1000 {
        if http.count() > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("no request left");
}

// covers: CACHE-13
#[tokio::test]
async fn whoever_waits_shares_one_fetch() {
    let world = World::over(FakeHttp::gated());
    world.publish(&Forge::issuer().jwks());
    let token = good();
    let other = Forge::issuer().token("ES256", &json!({}));
    let opener = async {
        // Everybody is waiting by now: they were polled first, and the fetch has begun.
        until_sent(&world.http).await;
        world.http.open();
    };
    let (a, b, c, d, ()) = tokio::join!(
        world.judge(&token),
        world.judge(&other),
        world.judge(&token),
        world.judge(&token),
        opener,
    );
    assert_eq!([a, b, c, d], [Ok(()); 4]);
    assert_eq!(world.http.count(), 1);
}

// covers: CACHE-13
#[tokio::test]
async fn whoever_waits_for_a_fetch_that_fails_does_not_try_again() {
    let world = World::over(FakeHttp::gated());
    world.http.set_down(true);
    let token = good();
    let opener = async {
        until_sent(&world.http).await;
        world.http.open();
    };
    let (a, b, c, ()) = tokio::join!(
        world.judge(&token),
        world.judge(&token),
        world.judge(&token),
        opener,
    );
    assert_eq!([a, b, c], [Err("http-connect"); 3]);
    assert_eq!(world.http.count(), 1);
}

// covers: CACHE-13
#[tokio::test]
async fn a_waiter_that_goes_away_does_not_end_the_fetch() {
    let world = World::over(FakeHttp::gated());
    world.publish(&Forge::issuer().jwks());
    let token = good();
    {
        let impatient = world.judge(&token);
        let mut impatient = std::pin::pin!(impatient);
        let is_pending = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(impatient.as_mut().poll(cx).is_pending())
        });
        assert!(is_pending.await);
        until_sent(&world.http).await;
    }
    world.http.open();
    // The next one finds what that fetch has brought.
    assert_eq!(world.judge(&token).await, Ok(()));
    assert_eq!(world.http.count(), 1);
}

// covers: CACHE-15
#[tokio::test]
async fn the_life_of_a_set_can_be_chosen_within_bounds() {
    for (chosen, life) in [
        (Duration::ZERO, MIN_LIFE),
        (MIN_LIFE, MIN_LIFE),
        (Duration::from_secs(3600), Duration::from_secs(3600)),
        (Duration::MAX, MAX_LIFE),
    ] {
        let mut world = World::new();
        world.keys = world.keys.with_life(chosen);
        let good = good();
        assert_eq!(world.judge(&good).await, Ok(()));
        world.clock.advance(life - SECOND);
        assert_eq!(world.judge(&good).await, Ok(()));
        assert_eq!(world.http.count(), 1, "{chosen:?}");
        world.clock.advance(SECOND);
        assert_eq!(world.judge(&good).await, Ok(()));
        assert_eq!(world.http.count(), 2, "{chosen:?}");
    }
}

// covers: CACHE-18, BCP-8
#[tokio::test]
async fn the_keys_of_one_issuer_verify_nothing_of_another() {
    let (one, other) = (World::new(), World::new());
    other.publish(&Forge::other().jwks());
    let (token, stranger) = (good(), Forge::other().token("RS256", &json!({})));
    assert_eq!(one.judge(&token).await, Ok(()));
    assert_eq!(other.judge(&stranger).await, Ok(()));
    assert_eq!(one.judge(&stranger).await, Err("jws-bad-signature"));
    assert_eq!(other.judge(&token).await, Err("jws-bad-signature"));
    // A bad signature by a known key is no reason to fetch.
    assert_eq!((one.http.count(), other.http.count()), (1, 1));
}
