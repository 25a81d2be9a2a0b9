//! An issuer that is kept up to date, and many of them: when which document is read again, what
//! an outage costs, and what one issuer does to another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use smart_oidc::discovery::jwks::{COOL_DOWN, LIFE, STALE_LIFE};
use smart_oidc::discovery::{
    Clock as _, Discovery, DocumentKind, Event, FhirBaseUrl, FhirBases, FixedClock, Happening,
    IDLE, Issuer, IssuerRegistry, IssuerSnapshot, KeySource, LiveIssuer, Observer, Phase,
    Smart10Fallback,
};
use smart_oidc::jose::{Algorithms, UnixTime, UnverifiedJws};
use smart_oidc::{
    ClientConfig, ClientId, Expected, IdTokenVerifier, Launch, LaunchHandle, RawIdToken,
    RedirectUri,
};
use smart_tests::forge::{Forge, kid_of};

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: u64 = 1_800_000_000;
const SECOND: Duration = Duration::from_secs(1);
const CLIENT: &str = "growth-chart-app-123";
const BASE: &str = "https://ehr.example/fhir";
const SMART: &str = "https://ehr.example/fhir/.well-known/smart-configuration";
const METADATA: &str = "https://ehr.example/fhir/metadata";
const ISSUER: &str = "https://login.example/oidc";
const OPENID: &str = "https://login.example/oidc/.well-known/openid-configuration";
const JWKS: &str = "https://login.example/oidc/jwks";
const MOVED: &str = "https://keys.example/set";

fn smart() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": JWKS,
        "token_endpoint": "https://login.example/oidc/token",
        "capabilities": ["sso-openid-connect"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code"],
    })
}

fn openid() -> Value {
    json!({
        "issuer": ISSUER,
        "jwks_uri": JWKS,
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

fn with(mut document: Value, name: &str, value: impl Into<Value>) -> Value {
    document[name] = value.into();
    document
}

fn keys() -> Answer {
    Answer::json(&Forge::issuer().jwks())
}

/// Keeps every event.
#[derive(Debug, Default)]
struct Diary(Mutex<Vec<Event>>);

impl Observer for Diary {
    fn observe(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Diary {
    /// What happened since the last look: the document and the code.
    fn read(&self) -> Vec<(&'static str, &'static str)> {
        let events = std::mem::take(&mut *self.0.lock().unwrap());
        let told = events.iter().map(|it| (it.document.name(), it.what.code()));
        told.collect()
    }
}

struct World {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    diary: Arc<Diary>,
    live: LiveIssuer,
}

impl World {
    fn over(http: Arc<FakeHttp>) -> Self {
        Self::with(http, |it| it)
    }

    fn with(http: Arc<FakeHttp>, settings: impl FnOnce(Discovery) -> Discovery) -> Self {
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
        let discovery = settings(Discovery::new(http.clone()));
        let base = FhirBaseUrl::parse(BASE).unwrap();
        let diary = Arc::new(Diary::default());
        let live = LiveIssuer::new(discovery, base, provider(), clock.clone())
            .with_observer(diary.clone());
        Self {
            http,
            clock,
            diary,
            live,
        }
    }

    /// One with which nothing is wrong.
    fn new() -> Self {
        let world = Self::over(FakeHttp::new());
        world.publish();
        world
    }

    fn publish(&self) {
        self.http.answer(SMART, Answer::json(&smart()));
        self.http.answer(OPENID, Answer::json(&openid()));
        self.http.answer(JWKS, keys());
    }

    /// The same server in a process that has just been started.
    fn restarted(&self) -> Self {
        Self::over(self.http.clone())
    }

    async fn verifier(&self) -> Result<IdTokenVerifier, &'static str> {
        let issuer = self.live.trusted().await.map_err(|it| it.code())?;
        Ok(IdTokenVerifier::new(
            &issuer,
            ClientId::new(CLIENT),
            Algorithms::ID_TOKEN,
            Arc::new(self.live.keys_of(&issuer)),
            provider(),
        ))
    }

    /// What somebody who signs in now is told.
    async fn sign_in(&self, token: &str) -> Result<(), &'static str> {
        judge(&self.verifier().await?, token).await
    }

    async fn drain(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
}

async fn judge(verifier: &IdTokenVerifier, token: &str) -> Result<(), &'static str> {
    let token = RawIdToken::new(token.to_owned());
    let now = UnixTime::from_secs(NOW);
    let expected = Expected::no_nonce_sent();
    let verified = verifier.verify(&token, &expected, now);
    verified.await.map(drop).map_err(|it| it.code())
}

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "1", "aud": CLIENT, "exp": NOW + 300, "iat": NOW})
}

fn token(alg: &str) -> String {
    Forge::issuer().token(alg, &claims())
}

fn token_under(kid: &str) -> String {
    let header = json!({"alg": "RS256", "kid": kid});
    Forge::issuer().token_with("RS256", &header, &claims())
}

/// The set of the forged issuer with its RSA key under another `kid`.
fn keys_under(kid: &str) -> Answer {
    let mut set = Forge::issuer().jwks();
    set["keys"][0]["kid"] = json!(kid);
    Answer::json(&set)
}

// covers: CACHE-13, SMART-DISC-2, DISC-1
#[tokio::test]
async fn ten_thousand_first_sign_ins_cost_one_request_of_each_document() {
    let world = World::over(FakeHttp::gated());
    world.publish();
    let token: Arc<str> = token("RS256").into();
    let mut everybody = tokio::task::JoinSet::new();
    let verdict = |live: LiveIssuer, token: Arc<str>| async move {
        let issuer = live.trusted().await.map_err(|it| it.code())?;
        let header = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let keys = live.keys_of(&issuer).candidates(header.header()).await;
        let keys = keys.map_err(|it| it.code())?;
        header.verify(&keys).map_err(|it| it.code())?;
        Ok::<_, &'static str>(issuer.issuer().as_str().to_owned())
    };
    for _ in 0..10_000 {
        everybody.spawn(verdict(world.live.clone(), token.clone()));
    }
    // All of them are waiting before the first answer comes.
    world.drain().await;
    world.http.open();
    let mut signed_in = 0;
    while let Some(joined) = everybody.join_next().await {
        assert_eq!(joined.unwrap().as_deref(), Ok(ISSUER));
        signed_in += 1;
    }
    assert_eq!(signed_in, 10_000);
    assert_eq!(world.http.urls(), [SMART, OPENID, JWKS]);
}

// covers: CACHE-13
#[tokio::test]
async fn j3_the_leading_caller_may_go_away_and_the_rest_sign_in() {
    let world = World::over(FakeHttp::gated());
    world.publish();
    let leader = {
        let live = world.live.clone();
        tokio::spawn(async move { live.trusted().await.map(drop) })
    };
    world.drain().await;
    assert_eq!(world.http.count(), 1);
    let follower = {
        let live = world.live.clone();
        tokio::spawn(async move { live.trusted().await.map(drop) })
    };
    world.drain().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    world.http.open();
    assert_eq!(follower.await.unwrap(), Ok(()));
    assert_eq!(world.http.urls(), [SMART, OPENID]);
}

// covers: CACHE-2, CACHE-8, CACHE-9
#[tokio::test]
async fn j10_each_document_lives_as_its_own_answer_says() {
    let world = World::new();
    let short = Answer::json(&smart())
        .with("cache-control", "max-age=100")
        .with("etag", "\"smart\"");
    world.http.answer(SMART, short);
    let long = Answer::json(&openid()).with("cache-control", "max-age=1000");
    world.http.answer(OPENID, long);
    world.live.trusted().await.unwrap();
    assert_eq!(world.http.urls(), [SMART, OPENID]);
    world.http.answer(SMART, Answer::status(304));
    world.clock.advance(Duration::from_secs(100));
    world.live.trusted().await.unwrap();
    assert_eq!(world.http.urls(), [SMART, OPENID, SMART]);
    assert_eq!(world.http.sent()[2].headers["if-none-match"], "\"smart\"");
    // The confirmation lives by its own headers, which say nothing.
    world.clock.advance(LIFE * 69 / 100);
    assert!(world.live.at_hand().is_some());
    assert_eq!(world.http.count(), 3);
    let told = world.diary.read();
    assert_eq!(told[0], ("smart-configuration", "fetched"));
    assert_eq!(told[1], ("openid-configuration", "fetched"));
    assert_eq!(told[2], ("smart-configuration", "fetched"));
}

// covers: CACHE-9
#[tokio::test]
async fn j10_word_that_nothing_has_changed_is_refused_where_nobody_asked() {
    let world = World::new();
    world.live.trusted().await.unwrap();
    for (document, held) in [(OPENID, true), (SMART, true), (SMART, false)] {
        let world = if held {
            World::new()
        } else {
            World::over(FakeHttp::new())
        };
        if held {
            world.live.trusted().await.unwrap();
            world.clock.advance(LIFE);
        }
        world.http.answer(document, Answer::status(304));
        let found = world.live.trusted().await.map(drop);
        let state = world.live.state();
        let state = match document {
            SMART => state.smart_configuration,
            _ => state.openid_configuration,
        };
        assert_eq!(state.last_error, Some("document-not-modified"));
        assert_eq!(found.is_ok(), held);
    }
}

#[tokio::test]
async fn j10_documents_are_read_ahead_of_their_end_and_nobody_waits() {
    let world = World::new();
    world.live.trusted().await.unwrap();
    world.http.close();
    world.clock.advance(LIFE * 92 / 100);
    for _ in 0..10 {
        assert!(world.live.at_hand().is_some());
    }
    world.drain().await;
    assert_eq!(world.http.urls(), [SMART, OPENID, SMART]);
    assert!(world.live.state().smart_configuration.is_refreshing);
    assert!(world.live.at_hand().is_some());
    world.http.open();
    world.drain().await;
    assert_eq!(world.http.urls(), [SMART, OPENID, SMART, OPENID]);
    world.clock.advance(LIFE * 69 / 100);
    assert!(world.live.at_hand().is_some());
    world.drain().await;
    assert_eq!(world.http.count(), 4);
}

// covers: CACHE-10, CACHE-11
#[tokio::test]
async fn j10_an_outage_of_the_server_is_not_ours_and_has_an_end() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world.diary.read();
    world.http.set_down(true);
    world.clock.advance(LIFE + STALE_LIFE - SECOND);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let state = world.live.state();
    assert_eq!(state.smart_configuration.phase, Phase::Stale);
    assert_eq!(state.openid_configuration.phase, Phase::Stale);
    assert_eq!(state.smart_configuration.last_error, Some("http-connect"));
    assert_eq!(state.smart_configuration.failures, 1);
    assert!(state.smart_configuration.backing_off.is_some());
    let failed: Vec<_> = world.diary.read();
    assert_eq!(
        failed,
        [
            ("smart-configuration", "failed"),
            ("openid-configuration", "failed"),
            ("jwks", "failed")
        ]
    );
    world.clock.advance(SECOND);
    assert_eq!(world.sign_in(&token("RS256")).await, Err("http-connect"));
    assert_eq!(world.live.state().smart_configuration.phase, Phase::Expired);
    world.http.set_down(false);
    world.clock.advance(LIFE);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let state = world.live.state();
    assert_eq!(state.smart_configuration.phase, Phase::Fresh);
    assert_eq!(state.smart_configuration.failures, 0);
    // What went wrong last is told also when it is over.
    assert_eq!(state.smart_configuration.last_error, Some("http-connect"));
}

// covers: OIDC-KEY-4, CACHE-12
#[tokio::test]
async fn j10_a_kid_that_is_still_unknown_reads_the_metadata_again_and_finds_moved_keys() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    // The issuer moves its keys and rotates them; the old place still answers.
    world
        .http
        .answer(OPENID, Answer::json(&with(openid(), "jwks_uri", MOVED)));
    world.http.answer(MOVED, keys_under("next"));
    world.clock.advance(SECOND);
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
    assert_eq!(
        world.http.urls(),
        [SMART, OPENID, JWKS, JWKS, OPENID, MOVED]
    );
    // The withdrawn key is gone with the old place.
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("key-unknown-retry")
    );
    assert_eq!(
        world.live.trusted().await.unwrap().jwks_uri().as_str(),
        MOVED
    );
}

// covers: CACHE-12
#[tokio::test]
async fn j10_a_flood_of_made_up_kids_reads_the_metadata_once_in_a_cool_down() {
    let world = World::new();
    let good = token("RS256");
    assert_eq!(world.sign_in(&good).await, Ok(()));
    let mut elapsed = Duration::ZERO;
    while elapsed < Duration::from_secs(10) {
        for _ in 0..10 {
            let kid = smart_tests::forge::b64(provider().random::<16>().unwrap());
            let found = world.sign_in(&token_under(&kid)).await;
            assert_eq!(found, Err("key-unknown-retry"));
        }
        assert_eq!(world.sign_in(&good).await, Ok(()));
        world.clock.advance(Duration::from_millis(100));
        elapsed += Duration::from_millis(100);
    }
    // The metadata was as young as the flood at first, and is read in the next cool-down.
    let counted = |url: &str| world.http.urls().iter().filter(|it| *it == url).count();
    assert_eq!((counted(SMART), counted(JWKS)), (1, 2));
    assert!(counted(OPENID) <= 2, "{}", counted(OPENID));
    world.clock.advance(COOL_DOWN);
    for _ in 0..100 {
        let found = world.sign_in(&token_under("made-up")).await;
        assert_eq!(found, Err("key-unknown-retry"));
    }
    assert_eq!((counted(SMART), counted(JWKS)), (1, 3));
    assert!(counted(OPENID) <= 3, "{}", counted(OPENID));
}

// covers: CACHE-10
#[tokio::test]
async fn j10_keys_go_on_while_the_place_that_they_moved_to_cannot_be_reached() {
    let world = World::new();
    world.http.answer(JWKS, keys().with("etag", "\"old\""));
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let moved = with(openid(), "jwks_uri", MOVED);
    world.http.answer(OPENID, Answer::json(&moved));
    world.http.answer(MOVED, Answer::status(503));
    world.clock.advance(LIFE);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    assert_eq!(world.http.urls()[3..], [SMART, OPENID, MOVED]);
    assert_eq!(world.live.state().jwks.unwrap().phase, Phase::Stale);
    // Nothing of the old place is sent to the new one as a tag.
    assert!(world.http.sent()[5].headers.get("if-none-match").is_none());
    world.http.answer(MOVED, keys_under("next"));
    world.clock.advance(COOL_DOWN);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world.drain().await;
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("key-unknown-retry")
    );
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
}

#[tokio::test]
async fn j10_an_algorithm_that_was_narrowed_away_reads_the_metadata_again() {
    let world = World::new();
    let verifier = world.verifier().await.unwrap();
    assert_eq!(judge(&verifier, &token("RS256")).await, Ok(()));
    let before = world.http.count();
    world.clock.advance(SECOND);
    assert_eq!(
        judge(&verifier, &token("ES384")).await,
        Err("alg-not-accepted")
    );
    assert_eq!(world.http.urls()[before..], [OPENID]);
    // The issuer begins to use it; within the cool-down nobody looks.
    let both = json!(["RS256", "ES384"]);
    let both = with(openid(), "id_token_signing_alg_values_supported", both);
    world.http.answer(OPENID, Answer::json(&both));
    world.clock.advance(COOL_DOWN - SECOND);
    assert_eq!(
        judge(&verifier, &token("ES384")).await,
        Err("alg-not-accepted")
    );
    world.clock.advance(SECOND);
    assert_eq!(judge(&verifier, &token("ES384")).await, Ok(()));
    assert_eq!(world.http.urls()[before..], [OPENID, OPENID]);
    // What the caller does not accept asks nobody.
    world.clock.advance(COOL_DOWN);
    for alg in ["PS256", "RS512"] {
        let found = judge(&verifier, &token(alg)).await;
        assert_eq!(found, Err("alg-not-accepted"), "{alg}");
    }
    assert_eq!(world.http.urls()[before..], [OPENID, OPENID]);
    // And what the issuer no longer announces is refused by the same verifier.
    world.http.answer(OPENID, Answer::json(&openid()));
    world.clock.advance(LIFE);
    world.live.trusted().await.unwrap();
    assert_eq!(
        judge(&verifier, &token("ES384")).await,
        Err("alg-not-accepted")
    );
    assert_eq!(judge(&verifier, &token("RS256")).await, Ok(()));
}

// covers: DISC-4, ASM-4, SMART-DISC-25
#[tokio::test]
async fn j10_a_changed_issuer_is_refused_and_what_was_trusted_stays() {
    const OTHER: &str = "https://evil.example/oidc";
    let evil = "https://evil.example/oidc/.well-known/openid-configuration";
    let cases = [
        (SMART, with(smart(), "issuer", OTHER), "issuer-changed"),
        (OPENID, with(openid(), "issuer", OTHER), "issuer-mismatch"),
        (
            OPENID,
            with(openid(), "issuer", format!("{ISSUER}/")),
            "issuer-changed",
        ),
    ];
    for (url, document, code) in cases {
        let world = World::new();
        assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
        world.http.answer(url, Answer::json(&document));
        let theirs = with(with(openid(), "issuer", OTHER), "jwks_uri", MOVED);
        world.http.answer(evil, Answer::json(&theirs));
        world.clock.advance(LIFE);
        assert_eq!(world.sign_in(&token("RS256")).await, Ok(()), "{code}");
        let issuer = world.live.trusted().await.unwrap();
        assert_eq!(issuer.issuer().as_str(), ISSUER);
        let state = world.live.state();
        let last = match url {
            SMART => state.smart_configuration.last_error,
            _ => state.openid_configuration.last_error,
        };
        assert_eq!(last, Some(code));
        assert!(!world.http.urls().iter().any(|it| it == evil));
        // It has an end as an outage has.
        world.clock.advance(STALE_LIFE + LIFE);
        assert_eq!(world.sign_in(&token("RS256")).await, Err(code));
    }
}

// covers: DISC-4
#[tokio::test]
async fn d4_a_pinned_issuer_is_asked_for_with_its_slash() {
    let pinned = Issuer::parse(ISSUER).unwrap();
    let world = World::with(FakeHttp::new(), |it| it.pin_issuer(pinned));
    world.publish();
    let slash = with(openid(), "issuer", format!("{ISSUER}/"));
    world.http.answer(OPENID, Answer::json(&slash));
    let found = world.live.trusted().await.map(drop);
    assert_eq!(found.map_err(|it| it.code()), Err("issuer-not-pinned"));
    world.http.answer(OPENID, Answer::json(&openid()));
    world.clock.advance(LIFE);
    assert!(world.live.trusted().await.is_ok());
}

#[tokio::test]
async fn a_change_of_issuer_that_is_meant_is_accepted_after_a_purge() {
    const OTHER: &str = "https://login2.example";
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world
        .http
        .answer(SMART, Answer::json(&with(smart(), "issuer", OTHER)));
    world.http.answer(
        "https://login2.example/.well-known/openid-configuration",
        Answer::json(&with(openid(), "issuer", OTHER)),
    );
    world.live.purge();
    assert_eq!(world.live.state().smart_configuration.phase, Phase::Empty);
    assert!(world.live.at_hand().is_none());
    let issuer = world.live.trusted().await.unwrap();
    assert_eq!(issuer.issuer().as_str(), OTHER);
    // A token of the issuer before is none of this one's.
    assert_eq!(world.sign_in(&token("RS256")).await, Err("claim-issuer"));
}

// covers: CACHE-18
#[tokio::test]
async fn j8_a_verifier_takes_no_keys_of_the_issuer_that_came_after_its_own() {
    const OTHER: &str = "https://login2.example";
    let world = World::new();
    let before = world.verifier().await.unwrap();
    assert_eq!(judge(&before, &token("RS256")).await, Ok(()));
    let foreign = world.live.export().unwrap();
    // The server leads to another issuer, whose keys are others under the same `kid`s.
    world
        .http
        .answer(SMART, Answer::json(&with(smart(), "issuer", OTHER)));
    let theirs = with(with(openid(), "issuer", OTHER), "jwks_uri", MOVED);
    world.http.answer(
        "https://login2.example/.well-known/openid-configuration",
        Answer::json(&theirs),
    );
    world
        .http
        .answer(MOVED, Answer::json(&Forge::other().jwks()));
    world.live.purge();
    let issuer = world.live.trusted().await.unwrap();
    assert_eq!(issuer.issuer().as_str(), OTHER);
    // The keys of the other issuer are at hand, for its own tokens.
    let header = json!({"alg": "RS256", "kid": kid_of("RS256")});
    let own = with(claims(), "iss", OTHER);
    let own = Forge::other().token_with("RS256", &header, &own);
    let after = world.verifier().await.unwrap();
    assert_eq!(judge(&after, &own).await, Ok(()));
    let forged = Forge::other().token_with("RS256", &header, &claims());
    for _ in 0..2 {
        assert_eq!(judge(&before, &forged).await, Err("issuer-changed"));
        assert_eq!(judge(&before, &token("RS256")).await, Err("issuer-changed"));
        world.clock.advance(LIFE);
    }
    // What was written down of the one before is refused while another one is trusted.
    let error = world.live.import(&foreign).unwrap_err();
    assert_eq!(error.code(), "snapshot-other-issuer");
    let issuer = world.live.trusted().await.unwrap();
    assert_eq!(issuer.issuer().as_str(), OTHER);
}

#[tokio::test]
async fn keys_that_were_purged_verify_nothing_for_those_who_wait_and_do_not_come_back() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    // Their life is over, the issuer hangs, and somebody waits.
    world.http.close();
    world.clock.advance(LIFE);
    let (verifier, issuer) = {
        world.http.open();
        (world.verifier().await.unwrap(), world.live.trusted().await)
    };
    assert!(issuer.is_ok());
    world.http.close();
    let waiting = tokio::spawn(async move { judge(&verifier, &token("RS256")).await });
    let before = world.http.count();
    while world.http.count() == before {
        tokio::task::yield_now().await;
    }
    // The key is stolen: it is purged here and withdrawn there, where the old set is on its way.
    world.live.purge();
    world.http.answer(JWKS, keys_under("next"));
    world.http.open();
    let found = waiting.await.unwrap();
    assert_eq!(found, Err("key-unknown-retry"));
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("key-unknown-retry")
    );
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
}

#[tokio::test]
async fn an_answer_that_was_given_before_a_purge_is_not_taken_in_after_it() {
    let world = World::new();
    world.live.trusted().await.unwrap();
    // The answer is made at once and arrives late.
    world.http.delay();
    let waiting = {
        let live = world.live.clone();
        tokio::spawn(async move {
            let issuer = live.trusted().await.unwrap();
            let token = token("RS256");
            let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
            let keys = live.keys_of(&issuer).candidates(token.header()).await;
            keys.map(drop).map_err(|it| it.code())
        })
    };
    let before = world.http.count();
    while world.http.count() == before {
        tokio::task::yield_now().await;
    }
    world.drain().await;
    world.http.answer(JWKS, keys_under("next"));
    world.live.purge();
    world.http.deliver();
    // Whoever waited has what is published now, and not what was on its way.
    assert_eq!(waiting.await.unwrap(), Err("key-unknown-retry"));
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
}

#[tokio::test]
async fn j4_whoever_comes_while_a_rotated_key_is_fetched_waits_for_it() {
    for without_a_new_kid in [false, true] {
        let world = World::new();
        let verifier = world.verifier().await.unwrap();
        assert_eq!(judge(&verifier, &token("RS256")).await, Ok(()));
        world.clock.advance(Duration::from_secs(90));
        let next: Arc<str> = match without_a_new_kid {
            true => {
                let others = Answer::json(&Forge::other().jwks());
                world.http.answer(JWKS, others);
                let header = json!({"alg": "RS256", "kid": kid_of("RS256")});
                Forge::other()
                    .token_with("RS256", &header, &claims())
                    .into()
            }
            false => {
                world.http.answer(JWKS, keys_under("next"));
                token_under("next").into()
            }
        };
        world.http.close();
        let mut everybody = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (verifier, next) = (verifier.clone(), Arc::clone(&next));
            everybody.spawn(async move { judge(&verifier, &next).await });
        }
        world.drain().await;
        let before = world.http.count();
        world.http.open();
        while let Some(found) = everybody.join_next().await {
            assert_eq!(found.unwrap(), Ok(()), "{without_a_new_kid}");
        }
        assert_eq!(world.http.count(), before);
    }
}

#[tokio::test]
async fn j10_everybody_finds_keys_that_have_moved_and_not_only_the_first() {
    let world = World::new();
    let verifier = world.verifier().await.unwrap();
    assert_eq!(judge(&verifier, &token("RS256")).await, Ok(()));
    world
        .http
        .answer(OPENID, Answer::json(&with(openid(), "jwks_uri", MOVED)));
    world.http.answer(MOVED, keys_under("next"));
    world.clock.advance(SECOND);
    world.http.close();
    let mut everybody = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let verifier = verifier.clone();
        everybody.spawn(async move { judge(&verifier, &token_under("next")).await });
    }
    world.drain().await;
    world.http.open();
    while let Some(found) = everybody.join_next().await {
        assert_eq!(found.unwrap(), Ok(()));
    }
    assert_eq!(world.http.urls()[3..], [JWKS, OPENID, MOVED]);
}

#[tokio::test]
async fn j10_keys_that_moved_before_they_were_ever_fetched_are_found() {
    let world = World::new();
    let long = Answer::json(&openid()).with("cache-control", "max-age=86400");
    world.http.answer(OPENID, long);
    let verifier = world.verifier().await.unwrap();
    world.http.answer(JWKS, Answer::status(404));
    world
        .http
        .answer(OPENID, Answer::json(&with(openid(), "jwks_uri", MOVED)));
    world.http.answer(MOVED, keys());
    world.clock.advance(SECOND);
    assert_eq!(judge(&verifier, &token("RS256")).await, Ok(()));
    assert_eq!(world.http.urls(), [SMART, OPENID, JWKS, OPENID, MOVED]);
}

#[tokio::test]
async fn j10_what_the_metadata_says_when_the_keys_are_fetched_counts() {
    let world = World::new();
    let both = json!(["RS256", "ES384"]);
    let both = with(openid(), "id_token_signing_alg_values_supported", both);
    world.http.answer(OPENID, Answer::json(&both));
    let verifier = world.verifier().await.unwrap();
    assert_eq!(judge(&verifier, &token("ES384")).await, Ok(()));
    // An algorithm is withdrawn while nobody signs in: the first token after that is refused.
    world.http.answer(OPENID, Answer::json(&openid()));
    world.clock.advance(LIFE);
    assert_eq!(
        judge(&verifier, &token("ES384")).await,
        Err("alg-not-accepted")
    );
    // And one that is announced while nobody signs in is accepted with the first token.
    world.http.answer(OPENID, Answer::json(&both));
    world.clock.advance(LIFE);
    assert_eq!(judge(&verifier, &token("ES384")).await, Ok(()));
}

#[tokio::test]
async fn a_wrong_issuer_that_was_never_trusted_is_corrected_at_once_and_a_slash_may_come_and_go() {
    let world = World::new();
    let wrong = with(smart(), "issuer", "https://wrong.example");
    world.http.answer(SMART, Answer::json(&wrong));
    let found = world.live.trusted().await.map(drop);
    assert_eq!(found.map_err(|it| it.code()), Err("document-status"));
    world.http.answer(SMART, Answer::json(&smart()));
    world.clock.advance(LIFE);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let slash = with(smart(), "issuer", format!("{ISSUER}/"));
    world.http.answer(SMART, Answer::json(&slash));
    for _ in 0..200 {
        world.clock.advance(LIFE);
        assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    }
    let state = world.live.state().smart_configuration;
    assert_eq!((state.failures, state.phase), (0, Phase::Fresh));
    // One slash and not two.
    let slashes = with(smart(), "issuer", format!("{ISSUER}//"));
    world.http.answer(SMART, Answer::json(&slashes));
    world.clock.advance(LIFE);
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let state = world.live.state().smart_configuration;
    assert_eq!(state.last_error, Some("issuer-changed"));
}

/// A network whose client panics instead of answering.
#[derive(Debug)]
struct Panics;

#[async_trait::async_trait]
impl smart_oidc::discovery::HttpClient for Panics {
    async fn send(
        &self,
        _: http::Request<bytes::Bytes>,
    ) -> Result<http::Response<bytes::Bytes>, smart_oidc::discovery::TransportError> {
        panic!("the client of the test has a defect");
    }
}

// covers: CACHE-10
#[tokio::test]
async fn a_fetch_that_ends_without_a_result_serves_nothing_that_is_dead() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let snapshot = world.live.export().unwrap();
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let discovery = Discovery::new(Arc::new(Panics));
    let live = LiveIssuer::new(discovery, base, provider(), clock.clone());
    live.import(&snapshot).unwrap();
    let issuer = live.trusted().await.unwrap();
    clock.advance(Duration::from_secs(30 * 86_400));
    assert!(live.trusted().await.is_err());
    assert!(live.state().smart_configuration.failures > 0);

    // One that is lost in the background is followed by a rest as any that fails.
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
    let discovery = Discovery::new(Arc::new(Panics));
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let ahead = LiveIssuer::new(discovery, base, provider(), clock.clone());
    ahead.import(&snapshot).unwrap();
    clock.advance(LIFE * 92 / 100);
    assert!(ahead.at_hand().is_some());
    world.drain().await;
    let state = ahead.state().smart_configuration;
    assert_eq!((state.failures, state.phase), (1, Phase::Fresh));
    assert!(state.backing_off.is_some() && !state.is_refreshing);

    let token = token("RS256");
    let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
    let keys = live.keys_of(&issuer).candidates(token.header()).await;
    assert!(keys.is_err());
}

#[tokio::test]
async fn j7_an_import_brings_back_nothing_that_was_withdrawn_since() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let old = world.live.export().unwrap();
    world.http.answer(JWKS, keys_under("next"));
    world.clock.advance(LIFE);
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
    world.live.import(&old).unwrap();
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("key-unknown-retry")
    );
}

#[tokio::test]
async fn j7_nothing_grows_younger_by_being_written_down_again_and_again() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let mut snapshot = world.live.export().unwrap();
    let mut node = world.restarted();
    for _ in 0..100 {
        // Each process lives for a little less than two seconds.
        let now = node.clock.now();
        let next = Arc::new(FixedClock::at(now));
        let discovery = Discovery::new(world.http.clone());
        let base = FhirBaseUrl::parse(BASE).unwrap();
        node.live = LiveIssuer::new(discovery, base, provider(), next.clone());
        node.clock = next;
        node.live.import(&snapshot).unwrap();
        node.clock.advance(Duration::from_millis(1999));
        snapshot = stored(&node.live.export().unwrap());
    }
    let age = node.live.state().jwks.unwrap().age.unwrap();
    assert!(age >= Duration::from_millis(100 * 1999), "{age:?}");
}

/// Looks, when it is told something, whether anybody still waits for it.
#[derive(Debug, Default)]
struct Slow(Mutex<Option<LiveIssuer>>, Mutex<Vec<bool>>);

impl Observer for Slow {
    fn observe(&self, _: &Event) {
        if let Some(live) = &*self.0.lock().unwrap() {
            let is_waiting = live.state().smart_configuration.is_refreshing;
            self.1.lock().unwrap().push(is_waiting);
        }
    }
}

#[tokio::test]
async fn an_observer_that_takes_long_keeps_nobody_waiting() {
    let world = World::new();
    let slow = Arc::new(Slow::default());
    let live = world.live.clone().with_observer(slow.clone());
    *slow.0.lock().unwrap() = Some(live.clone());
    live.trusted().await.unwrap();
    world.drain().await;
    assert_eq!(*slow.1.lock().unwrap(), [false, false]);
}

#[tokio::test]
async fn j7_younger_metadata_bring_no_older_keys_along() {
    let world = World::new();
    let long = keys().with("cache-control", "max-age=86400");
    world.http.answer(JWKS, long);
    let node = world.restarted();
    assert_eq!(node.sign_in(&token("RS256")).await, Ok(()));
    // Here the keys were fetched after a rotation, and there only the metadata were read again.
    world.clock.advance(Duration::from_secs(60));
    node.clock.advance(Duration::from_secs(60));
    world.http.answer(JWKS, keys_under("next"));
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
    for at in [&world, &node] {
        at.clock.advance(LIFE - Duration::from_secs(60));
    }
    node.live.trusted().await.unwrap();
    let snapshot = stored(&node.live.export().unwrap());
    world.live.import(&snapshot).unwrap();
    let state = world.live.state();
    assert_eq!(state.openid_configuration.age, Some(Duration::ZERO));
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("key-unknown-retry")
    );
    assert_eq!(world.sign_in(&token_under("next")).await, Ok(()));
}

#[tokio::test]
async fn j7_keys_at_the_end_of_their_life_are_no_younger_after_an_import() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    // The keys move five seconds later, and their new place is down.
    let moved = with(openid(), "jwks_uri", MOVED);
    world.http.answer(OPENID, Answer::json(&moved));
    world.http.answer(MOVED, Answer::status(503));
    world.clock.advance(Duration::from_secs(5));
    assert!(world.sign_in(&token_under("made-up")).await.is_err());
    assert_eq!(world.live.state().jwks.unwrap().phase, Phase::Stale);
    let snapshot = stored(&world.live.export().unwrap());
    let node = world.restarted();
    node.clock.advance(Duration::from_secs(5));
    node.live.import(&snapshot).unwrap();
    assert_eq!(node.live.state().jwks.unwrap().phase, Phase::Stale);
}

#[tokio::test]
async fn d4b_a_server_of_smart_1_0_is_one_after_an_import_too() {
    let http = FakeHttp::new();
    let at_base = format!("{BASE}/.well-known/openid-configuration");
    http.answer(METADATA, Answer::json(&statement()));
    http.answer(&at_base, Answer::json(&with(openid(), "issuer", BASE)));
    let world = || {
        World::with(http.clone(), |it| {
            it.smart_1_0_fallback(Smart10Fallback::CapabilityStatement)
        })
    };
    let first = world();
    first.live.trusted().await.unwrap();
    let snapshot = stored(&first.live.export().unwrap());
    let node = world();
    node.live.import(&snapshot).unwrap();
    node.clock.advance(STALE_LIFE + LIFE);
    assert!(node.live.trusted().await.is_ok());
}

#[tokio::test]
async fn a_purge_while_documents_are_fetched_leaves_no_half_of_a_chain() {
    const OTHER: &str = "https://login2.example";
    let world = World::new();
    world.live.trusted().await.unwrap();
    world.http.close();
    world.clock.advance(LIFE);
    let waiting = {
        let live = world.live.clone();
        tokio::spawn(async move { live.trusted().await })
    };
    world.drain().await;
    world.live.purge();
    world
        .http
        .answer(SMART, Answer::json(&with(smart(), "issuer", OTHER)));
    world.http.answer(
        "https://login2.example/.well-known/openid-configuration",
        Answer::json(&with(openid(), "issuer", OTHER)),
    );
    world.http.open();
    let issuer = waiting.await.unwrap().unwrap();
    assert_eq!(issuer.issuer().as_str(), OTHER);
    let smart = issuer.smart_configuration().issuer.as_deref();
    assert_eq!(smart, Some(OTHER));
}

#[tokio::test]
async fn j6_new_material_under_a_known_kid_is_taken_and_told() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world.diary.read();
    let mut changed = Forge::other().jwks();
    changed["keys"][1]["kid"] = json!("added");
    world.http.answer(JWKS, Answer::json(&changed));
    world.clock.advance(LIFE);
    let header = json!({"alg": "RS256", "kid": kid_of("RS256")});
    let new = Forge::other().token_with("RS256", &header, &claims());
    assert_eq!(world.sign_in(&new).await, Ok(()));
    assert_eq!(
        world.sign_in(&token("RS256")).await,
        Err("jws-bad-signature")
    );
    let events = std::mem::take(&mut *world.diary.0.lock().unwrap());
    let about_keys: Vec<_> = events
        .iter()
        .filter(|it| it.document == DocumentKind::Jwks)
        .map(|it| (&it.what, it.url.as_str()))
        .collect();
    assert_eq!(about_keys.len(), 5, "{about_keys:?}");
    let kid = |alg: &str| smart_oidc::jose::Text::new(kid_of(alg));
    let replaced = |alg| Happening::KeyReplaced { kid: kid(alg) };
    let set = changed["keys"].as_array().unwrap();
    let untouched = set[2]["kid"].as_str().unwrap();
    assert!(about_keys.contains(&(&replaced("RS256"), JWKS)));
    assert!(about_keys.iter().any(|(what, _)| matches!(
        what,
        Happening::KeyReplaced { kid } if kid.as_str() == untouched
    )));
    let codes: Vec<_> = about_keys.iter().map(|it| it.0.code()).collect();
    assert!(codes.contains(&"key-added") && codes.contains(&"key-withdrawn"));
    assert_eq!(codes[0], "fetched");
}

/// A copy that went through a file.
fn stored(snapshot: &IssuerSnapshot) -> IssuerSnapshot {
    serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap()
}

// covers: CACHE-10
#[tokio::test]
async fn j7_a_node_starts_with_what_was_written_down_for_a_bounded_time() {
    let world = World::new();
    let tagged = keys().with("etag", "\"v1\"");
    world.http.answer(JWKS, tagged);
    assert!(world.live.export().is_none());
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world.clock.advance(LIFE / 2);
    let snapshot = stored(&world.live.export().unwrap());
    assert_eq!(snapshot.fhir_base(), BASE);

    // Started at once, within the life of what was written, without a network.
    let node = world.restarted();
    node.clock.advance(LIFE / 2);
    node.http.set_down(true);
    let before = node.http.count();
    node.live.import(&snapshot).unwrap();
    assert_eq!(node.sign_in(&token("RS256")).await, Ok(()));
    assert_eq!(node.http.count(), before);
    assert!(node.diary.read().contains(&("jwks", "restored")));
    // It is as old as it is: half of its life is over.
    let state = node.live.state();
    assert_eq!(state.openid_configuration.age, Some(LIFE / 2));
    assert_eq!(state.jwks.unwrap().age, Some(LIFE / 2));
    node.clock.advance(LIFE / 2);
    assert_eq!(node.sign_in(&token("RS256")).await, Ok(()));
    assert!(node.http.count() > before);
    // In a total outage it dies when it would have died anyway.
    node.clock.advance(STALE_LIFE);
    assert_eq!(node.sign_in(&token("RS256")).await, Err("http-connect"));

    // Started after it has outlived itself, it serves nobody and the network is asked.
    let node = world.restarted();
    node.clock.advance(LIFE + STALE_LIFE);
    node.live.import(&snapshot).unwrap();
    assert_eq!(node.sign_in(&token("RS256")).await, Err("http-connect"));
    assert_eq!(node.live.state().jwks.unwrap().phase, Phase::Expired);

    // With a network the tag saves the body.
    let node = world.restarted();
    node.http.set_down(false);
    node.clock.advance(LIFE + SECOND);
    node.live.import(&snapshot).unwrap();
    let before = node.http.count();
    assert_eq!(node.sign_in(&token("RS256")).await, Ok(()));
    let sent = node.http.sent();
    let asked = sent[before..].iter().find(|it| it.url == JWKS).unwrap();
    assert_eq!(asked.headers["if-none-match"], "\"v1\"");
}

// covers: CACHE-10
#[tokio::test]
async fn j7_a_snapshot_from_the_future_is_stale_and_a_clock_that_jumps_costs_one_refetch() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    world.clock.advance(LIFE / 2);
    world.live.trusted().await.unwrap();
    let snapshot = world.live.export().unwrap();
    // This node's wall clock is ten minutes behind.
    let node = world.restarted();
    let before = node.http.count();
    node.live.import(&snapshot).unwrap();
    // The documents were confirmed half a life ago there, and now here: no age at all.
    assert_eq!(node.live.state().jwks.unwrap().phase, Phase::Fresh);
    assert_eq!(node.http.count(), before);
    let node = World::over(world.http.clone());
    let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW - 86_400)));
    let discovery = Discovery::new(node.http.clone());
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let live = LiveIssuer::new(discovery, base, provider(), clock);
    live.import(&snapshot).unwrap();
    let state = live.state();
    assert_eq!(state.smart_configuration.phase, Phase::Stale);
    assert_eq!(state.openid_configuration.phase, Phase::Stale);
    assert_eq!(state.jwks.unwrap().phase, Phase::Stale);
    let before = node.http.count();
    live.trusted().await.unwrap();
    assert_eq!(node.http.count(), before + 2);
    assert_eq!(live.state().smart_configuration.phase, Phase::Fresh);
}

#[tokio::test]
async fn a_snapshot_goes_through_every_check_of_the_chain() {
    let world = World::new();
    assert_eq!(world.sign_in(&token("RS256")).await, Ok(()));
    let good = serde_json::to_value(world.live.export().unwrap()).unwrap();
    let cases: [(&str, Value, &str); 7] = [
        ("/version", json!(2), "snapshot-version"),
        (
            "/fhir_base",
            json!("https://other.example/fhir"),
            "snapshot-other-place",
        ),
        (
            "/openid_configuration/document/issuer",
            json!("https://evil.example"),
            "snapshot-content",
        ),
        (
            "/smart_configuration/document/issuer",
            json!("http://evil.example"),
            "snapshot-content",
        ),
        (
            "/openid_configuration/document/jwks_uri",
            json!("https://evil.example/jwks"),
            "snapshot-other-place",
        ),
        ("/jwks/jwks", json!({"keys": 1}), "jwks-no-keys"),
        ("/jwks/version", json!(0), "snapshot-version"),
    ];
    for (at, value, code) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(at).unwrap() = value;
        let bad: IssuerSnapshot = serde_json::from_value(bad).unwrap();
        let node = world.restarted();
        let error = node.live.import(&bad).unwrap_err();
        assert_eq!(error.code(), code, "{at}");
        assert_eq!(node.live.state().smart_configuration.phase, Phase::Empty);
        assert!(node.live.at_hand().is_none());
    }
    // A pinned issuer is asked for in a snapshot too.
    let pinned = Issuer::parse("https://pinned.example").unwrap();
    let node = World::with(world.http.clone(), |it| it.pin_issuer(pinned));
    let good: IssuerSnapshot = serde_json::from_value(good).unwrap();
    let error = node.live.import(&good).unwrap_err();
    assert_eq!(error.code(), "snapshot-content");
}

fn statement() -> Value {
    let uri = |url: &str, value: &str| json!({"url": url, "valueUri": value});
    json!({
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": "server", "security": {"extension": [
            {"url": "http://example.org/other", "valueString": "x"},
            {
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [
                    uri("authorize", "https://ehr.example/authorize"),
                    uri("token", "https://ehr.example/token"),
                ],
            },
        ]}}],
    })
}

// covers: SMART-DISC-26
#[tokio::test]
async fn d4b_the_statement_is_read_only_after_not_found_and_only_when_chosen() {
    let fallback = Smart10Fallback::CapabilityStatement;
    let own = with(openid(), "issuer", BASE);
    let at_base = format!("{BASE}/.well-known/openid-configuration");
    let world = |answer: Answer, fallback: Smart10Fallback| {
        let http = FakeHttp::new();
        http.answer(SMART, answer);
        http.answer(METADATA, Answer::json(&statement()));
        http.answer(&at_base, Answer::json(&own));
        http.answer(JWKS, keys());
        World::with(http, |it| it.smart_1_0_fallback(fallback))
    };
    for status in [404, 410] {
        let found = world(Answer::status(status), fallback);
        let issuer = found.live.trusted().await.unwrap();
        assert_eq!(issuer.issuer().as_str(), BASE);
        let smart = issuer.smart_configuration();
        assert!(smart.is_from_capability_statement() && smart.is_smart_1_0());
        assert_eq!(smart.token_endpoint.as_str(), "https://ehr.example/token");
        assert!(smart.findings.iter().any(|it| it.code == "smart-1.0"));
        assert_eq!(found.http.urls(), [SMART, METADATA, at_base.as_str()]);
        assert!(
            found.http.sent()[1].headers["accept"]
                .to_str()
                .unwrap()
                .contains("application/fhir+json")
        );
        // The chain that is followed once says the same, step by step.
        let discovery = Discovery::new(found.http.clone()).smart_1_0_fallback(fallback);
        let trace = discovery.trace(&FhirBaseUrl::parse(BASE).unwrap()).await;
        let names: Vec<_> = trace.steps.iter().map(|it| it.name).collect();
        assert_eq!(
            names,
            [
                "smart-configuration",
                "capability-statement",
                "openid-configuration"
            ]
        );
        assert_eq!(trace.outcome.unwrap().issuer().as_str(), BASE);
    }
    for answer in [
        Answer::status(500),
        Answer::status(503),
        Answer::status(403),
        Answer::redirect(302, METADATA),
        Answer::text("text/html", "<html>"),
        Answer::text("application/json", "{"),
    ] {
        let found = world(answer.clone(), fallback);
        assert!(found.live.trusted().await.is_err());
        assert!(
            !found.http.urls().iter().any(|it| it == METADATA),
            "{answer:?}"
        );
    }
    let down = world(Answer::status(404), fallback);
    down.http.set_down(true);
    assert_eq!(
        down.live.trusted().await.map(drop).map_err(|it| it.code()),
        Err("http-connect")
    );
    assert_eq!(down.http.urls(), [SMART]);
    let refused = world(Answer::status(404), Smart10Fallback::Refused);
    assert_eq!(
        refused
            .live
            .trusted()
            .await
            .map(drop)
            .map_err(|it| it.code()),
        Err("document-status")
    );
    assert_eq!(refused.http.urls(), [SMART]);
}

// covers: SMART-DISC-26
#[tokio::test]
async fn d4b_a_server_that_has_had_smart_configuration_does_not_fall_back() {
    let http = FakeHttp::new();
    let world = World::with(http, |it| {
        it.smart_1_0_fallback(Smart10Fallback::CapabilityStatement)
    });
    world.publish();
    world.http.answer(METADATA, Answer::json(&statement()));
    world.live.trusted().await.unwrap();
    world.http.answer(SMART, Answer::status(404));
    world.clock.advance(LIFE);
    let issuer = world.live.trusted().await.unwrap();
    assert!(!issuer.smart_configuration().is_from_capability_statement());
    assert!(!world.http.urls().iter().any(|it| it == METADATA));
    let last = world.live.state().smart_configuration.last_error;
    assert_eq!(last, Some("document-status"));
}

// covers: SMART-DISC-26
#[tokio::test]
async fn d4b_a_statement_without_endpoints_or_with_bad_ones_is_refused() {
    let mut bad_url = statement();
    *bad_url
        .pointer_mut("/rest/0/security/extension/1/extension/1/valueUri")
        .unwrap() = json!("http://ehr.example/token");
    for (document, code) in [
        (
            json!({"resourceType": "CapabilityStatement"}),
            "document-missing-member",
        ),
        (json!({"rest": [{}]}), "document-missing-member"),
        (json!({"rest": {}}), "document-json"),
        (bad_url, "document-url"),
    ] {
        let http = FakeHttp::new();
        http.answer(METADATA, Answer::json(&document));
        let world = World::with(http, |it| {
            it.smart_1_0_fallback(Smart10Fallback::CapabilityStatement)
        });
        let found = world.live.trusted().await.map(drop);
        assert_eq!(found.map_err(|it| it.code()), Err(code), "{document}");
    }
}

struct Fleet {
    http: Arc<FakeHttp>,
    clock: Arc<FixedClock>,
    registry: IssuerRegistry,
}

fn hospital(number: usize) -> FhirBaseUrl {
    FhirBaseUrl::parse(&format!("https://h{number}.example/fhir")).unwrap()
}

impl Fleet {
    fn new() -> Self {
        let http = FakeHttp::new();
        let clock = Arc::new(FixedClock::at(UnixTime::from_secs(NOW)));
        let registry = IssuerRegistry::new(Discovery::new(http.clone()), provider(), clock.clone());
        Self {
            http,
            clock,
            registry,
        }
    }

    fn open(&self, number: usize, keys: &Value) -> FhirBaseUrl {
        open(&self.http, number, keys)
    }
}

/// A hospital whose issuer is its FHIR base, with these keys.
fn open(http: &FakeHttp, number: usize, keys: &Value) -> FhirBaseUrl {
    let base = hospital(number);
    let jwks = format!("{base}/jwks");
    let smart = json!({
        "issuer": base.as_str(),
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
    });
    let openid = json!({"issuer": base.as_str(), "jwks_uri": jwks});
    let at = |path: &str| format!("{base}/.well-known/{path}");
    http.answer(&at("smart-configuration"), Answer::json(&smart));
    http.answer(&at("openid-configuration"), Answer::json(&openid));
    http.answer(&jwks, Answer::json(keys));
    base
}

// covers: CACHE-18
#[tokio::test]
async fn j8_keys_of_one_issuer_verify_nothing_of_another() {
    let fleet = Fleet::new();
    let (a, b) = (
        fleet.open(1, &Forge::issuer().jwks()),
        fleet.open(2, &Forge::other().jwks()),
    );
    let (a, b) = (fleet.registry.issuer(&a), fleet.registry.issuer(&b));
    let judge = async |live: &LiveIssuer, forge: &Forge| {
        let token = forge.token_with(
            "RS256",
            &json!({"alg": "RS256", "kid": kid_of("RS256")}),
            &json!({}),
        );
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let issuer = live.trusted().await.unwrap();
        let keys = live
            .keys_of(&issuer)
            .candidates(token.header())
            .await
            .unwrap();
        token.verify(&keys).is_ok()
    };
    assert!(judge(&a, &Forge::issuer()).await && judge(&b, &Forge::other()).await);
    assert!(!judge(&a, &Forge::other()).await && !judge(&b, &Forge::issuer()).await);
    assert_eq!(fleet.registry.len(), 2);
}

#[tokio::test]
async fn an_issuer_that_hangs_slows_no_other() {
    let fleet = Fleet::new();
    let (hanging, well) = (
        fleet.open(1, &Forge::issuer().jwks()),
        fleet.open(2, &Forge::issuer().jwks()),
    );
    fleet.registry.issuer(&well).trusted().await.unwrap();
    fleet.http.hang("https://h1.example/");
    let stuck = {
        let live = fleet.registry.issuer(&hanging);
        tokio::spawn(async move { live.trusted().await })
    };
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!stuck.is_finished());
    // The other one is at hand, is fetched, is found and is reported on.
    assert!(fleet.registry.issuer(&well).at_hand().is_some());
    fleet.clock.advance(LIFE);
    fleet.registry.issuer(&well).trusted().await.unwrap();
    let states = fleet.registry.states();
    assert_eq!(states.len(), 2);
    assert!(states[0].smart_configuration.is_refreshing);
    assert_eq!(states[1].smart_configuration.phase, Phase::Fresh);
    stuck.abort();
}

#[tokio::test]
async fn a_registry_hands_out_one_and_the_same_issuer() {
    let fleet = Fleet::new();
    let base = fleet.open(1, &Forge::issuer().jwks());
    fleet.registry.issuer(&base).trusted().await.unwrap();
    assert!(fleet.registry.issuer(&base).at_hand().is_some());
    assert!(fleet.registry.find(&base).is_some());
    assert!(fleet.registry.find(&hospital(2)).is_none());
    assert_eq!(fleet.registry.len(), 1);
    // One with settings of its own takes its place.
    let pinned = Discovery::new(fleet.http.clone()).pin_issuer(Issuer::parse(ISSUER).unwrap());
    let own = LiveIssuer::new(pinned, base.clone(), provider(), fleet.clock.clone());
    fleet.registry.add(own);
    let error = fleet.registry.issuer(&base).trusted().await.unwrap_err();
    assert_eq!(error.code(), "issuer-not-pinned");
    assert!(fleet.registry.remove(&base).is_some());
    assert!(fleet.registry.is_empty());
}

#[tokio::test]
async fn a_registry_lets_go_of_idle_issuers_and_is_never_larger_than_its_limit() {
    let fleet = Fleet::new();
    let registry = fleet.registry;
    for number in 0..10 {
        let _ = registry.issuer(&hospital(number));
    }
    fleet.clock.advance(IDLE - SECOND);
    let _ = registry.issuer(&hospital(3));
    fleet.clock.advance(SECOND);
    // Those that were not used in all that time go when the next one comes.
    let _ = registry.issuer(&hospital(10));
    assert!(registry.find(&hospital(3)).is_some());
    assert!(registry.find(&hospital(4)).is_none());
    assert_eq!(registry.len(), 2);

    // A verifier uses its issuer, whether or not anybody asks the registry for it.
    let used = Fleet::new();
    let base = used.open(1, &Forge::issuer().jwks());
    let live = used.registry.issuer(&base);
    let idle = used.registry.issuer(&hospital(2));
    live.trusted().await.unwrap();
    for hour in 0..72 {
        used.clock.advance(Duration::from_secs(3600));
        live.trusted().await.unwrap();
        let _ = used.registry.issuer(&hospital(100 + hour));
    }
    assert!(used.registry.find(&base).is_some());
    assert!(used.registry.find(idle.fhir_base()).is_none());

    let registry = IssuerRegistry::new(
        Discovery::new(fleet.http.clone()),
        provider(),
        fleet.clock.clone(),
    )
    .with_limit(32);
    let base = open(&fleet.http, 0, &Forge::issuer().jwks());
    registry.issuer(&base).trusted().await.unwrap();
    for number in 1..400 {
        fleet.clock.advance(SECOND);
        let _ = registry.issuer(&hospital(number));
        // One that is in use stays with all that it holds, whatever comes.
        assert!(registry.issuer(&base).at_hand().is_some());
        assert!(registry.len() <= 32);
    }
    assert!(registry.len() >= 30);
    assert!(registry.find(&hospital(399)).is_some());
    assert!(registry.find(&hospital(390)).is_some());
    assert!(registry.find(&hospital(300)).is_none());
}

#[tokio::test]
async fn a_registry_is_written_down_and_read_for_what_is_still_configured() {
    let fleet = Fleet::new();
    for number in 0..3 {
        let base = fleet.open(number, &Forge::issuer().jwks());
        let live = fleet.registry.issuer(&base);
        let issuer = live.trusted().await.unwrap();
        let token = token("RS256");
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        live.keys_of(&issuer)
            .candidates(token.header())
            .await
            .unwrap();
    }
    // One that was never reached has nothing to write.
    let _ = fleet.registry.issuer(&hospital(9));
    let written = serde_json::to_string(&fleet.registry.export()).unwrap();
    let mut read: Vec<IssuerSnapshot> = serde_json::from_str(&written).unwrap();
    assert_eq!(read.len(), 3);
    let mut broken = serde_json::to_value(&read[0]).unwrap();
    broken["fhir_base"] = json!(hospital(3).as_str());
    broken["version"] = json!(9);
    read.push(serde_json::from_value(broken).unwrap());

    let node = Fleet::new();
    let configured: FhirBases = [0, 1, 3].into_iter().map(hospital).collect();
    let refused = node.registry.import(&read, &configured);
    let refused: Vec<_> = refused.iter().map(|it| (&it.0, it.1.code())).collect();
    assert_eq!(refused, [(&hospital(3), "snapshot-version")]);
    assert!(node.registry.issuer(&hospital(0)).at_hand().is_some());
    assert!(node.registry.issuer(&hospital(1)).at_hand().is_some());
    assert!(node.registry.find(&hospital(2)).is_none());
    assert_eq!(node.http.count(), 0);
}

// covers: SMART-LCH-2, SMART-LCH-3
#[test]
fn adv_launch_iss_ssrf() {
    let fleet = Fleet::new();
    let base = fleet.open(1, &Forge::issuer().jwks());
    let bases: FhirBases = [base].into_iter().collect();
    for iss in [
        "https://evil.example/fhir",
        "https://h1.example.evil.example/fhir",
        "https://h1.example@evil.example/fhir",
        "https://h1.example:8443/fhir",
        "https://h1.example/fhir/../admin",
        "https://h1.example/fhir//",
        "https://h1.example/fhir?x",
        "https://h1.example/FHIR",
        "https://H1.example/fhir",
        "http://h1.example/fhir",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "",
        "/",
    ] {
        assert!(bases.find(iss).is_none(), "{iss}");
    }
    assert_eq!(fleet.http.count(), 0);
}

// covers: SMART-LCH-2, SMART-LCH-3
#[tokio::test]
async fn d2_a_launch_names_one_of_the_configured_bases_and_aud_is_what_came() {
    let fleet = Fleet::new();
    let base = fleet.open(1, &Forge::issuer().jwks());
    let bases: FhirBases = [base.clone()].into_iter().collect();
    for iss in ["https://h1.example/fhir", "https://h1.example/fhir/"] {
        let found = bases.find(iss).unwrap();
        assert_eq!(found, &base);
        let issuer = fleet.registry.issuer(found).trusted().await.unwrap();
        let redirect_uri = RedirectUri::new("https://app.example/callback");
        let client = ClientConfig::public(ClientId::new(CLIENT), redirect_uri);
        // What came is what is sent back.
        let handle = LaunchHandle::new("xyz");
        let launch = Launch::from_ehr(&issuer, &client, iss, handle).unwrap();
        let begun = launch.begin(provider(), UnixTime::from_secs(NOW)).unwrap();
        let aud = form_urlencoded::byte_serialize(iss.as_bytes()).collect::<String>();
        let url = begun.request.url().to_string();
        assert!(
            url.ends_with(&format!("aud={aud}")) || url.contains(&format!("aud={aud}&")),
            "{url}"
        );
    }
    assert_eq!(bases.iter().count(), 1);
}
