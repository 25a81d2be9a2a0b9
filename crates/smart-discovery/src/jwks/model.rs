//! The cache against random schedules: tokens, rotations, outages, and any time in between.

#![cfg(feature = "ring")]

use core::time::Duration;
use std::sync::Arc;

use proptest::prelude::*;
use smart_jose::{Algorithms, Candidates, CryptoProvider, JwkSet, Text, UnixTime, UnverifiedJws};

use super::cache::{CONFIRMED, Cache, Decision};
use super::document::{Fetched, JwksError, KeySet};
use super::snapshot::JwksSnapshot;
use super::source::KeySourceError;
use crate::conditional::Validators;
use crate::document::DocumentError;
use crate::freshness::{LIFE, MAX_LIFE, MIN_LIFE};
use crate::jitter::Jitter;
use crate::kept::{
    BACKOFF, COOL_DOWN, EMPTY_BACKOFF, MAX_BACKOFF, MAX_EMPTY_BACKOFF, Moment, STALE_LIFE, Terms,
};
use crate::url::EndpointUrl;

/// The public key of RFC 7515 A.3, which stands for every key: the cache looks at the `kid`.
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

#[derive(Clone, Debug)]
enum Step {
    /// Time passes, in seconds.
    Wait(u64),
    /// The issuer publishes this key and no other.
    Rotate(u8),
    /// The issuer goes down, or comes back.
    Down(bool),
    /// A token under this key comes.
    Token(u8),
    /// A token under a made-up `kid` comes.
    MadeUp(u16),
    /// The signature of a token is bad.
    BadSignature,
    /// The process is started again with what it had written down; the monotonic clock goes on as
    /// another one would, from any moment.
    Restart,
    /// The wall clock jumps ahead by so many seconds before the process is started again.
    RestartLate(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![0..3_u64, 0..60_u64, 0..1200_u64, 0..200_000_u64];
    let step = prop_oneof![
        4 => wait.prop_map(Step::Wait),
        1 => (0..3_u8).prop_map(Step::Rotate),
        1 => any::<bool>().prop_map(Step::Down),
        4 => (0..3_u8).prop_map(Step::Token),
        2 => any::<u16>().prop_map(Step::MadeUp),
        2 => Just(Step::BadSignature),
        1 => Just(Step::Restart),
        1 => (0..200_000_u64).prop_map(Step::RestartLate),
    ];
    prop::collection::vec(step, 1..120)
}

struct World {
    cache: Cache,
    now: Duration,
    published: u8,
    published_at: Duration,
    is_down: bool,
    life: Duration,
    chance: u32,
    fetches: Vec<Fetch>,
    /// The key that the last successful fetch brought, and when.
    brought: Option<(u8, Duration)>,
    /// How much older it was made since then by a wall clock that jumped ahead.
    skew: Duration,
}

/// One request.
#[derive(Clone, Copy, Debug)]
struct Fetch {
    at: Duration,
    /// Whether keys were held that could serve.
    held: bool,
    succeeded: bool,
    /// Whether a token made us fetch, and not the age of what was held.
    forced: bool,
}

impl World {
    fn moment(&mut self) -> Moment {
        self.chance = self
            .chance
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        Moment {
            now: self.now,
            jitter: Jitter::from_u32(self.chance),
        }
    }

    fn fetch(&mut self, forced: bool) {
        if forced {
            self.cache.force(self.now);
        }
        let held = !self.cache.standing(self.now).0.usable_for.is_zero();
        let moment = self.moment();
        let kid = self.published;
        let result = if self.is_down {
            let status = 503;
            let url = Text::new("https://a.example/jwks");
            Err(JwksError::from(DocumentError::Status { url, status }))
        } else {
            let jwk = format!(
                r#"{{"keys":[{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}","kid":"key-{kid}"}}]}}"#
            );
            let set = JwkSet::parse(jwk.as_bytes(), CryptoProvider::ring()).unwrap();
            let answer = Fetched::Set {
                set: KeySet {
                    keys: Arc::new(set),
                    findings: Vec::new(),
                },
                validators: Validators::default(),
                life: self.life,
            };
            let uri = EndpointUrl::parse("https://a.example/jwks").unwrap();
            self.cache.fetched(&uri, answer, moment).map(drop)
        };
        self.fetches.push(Fetch {
            at: self.now,
            held,
            succeeded: result.is_ok(),
            forced,
        });
        match result {
            Ok(()) => {
                self.brought = Some((kid, self.now));
                self.skew = Duration::ZERO;
            }
            Err(error) => self.cache.failed(error, None, moment),
        }
    }

    /// The end of the longest rest that the failures since the last success may ask for.
    fn rest_until(&self) -> Duration {
        let failures = self.fetches.iter().rev();
        let failures: Vec<_> = failures.take_while(|it| !it.succeeded).collect();
        let last = failures[0];
        let (first, most) = match last.held {
            true => (BACKOFF, MAX_BACKOFF),
            false => (EMPTY_BACKOFF, MAX_EMPTY_BACKOFF),
        };
        let doublings = u32::try_from(failures.len() - 1).unwrap();
        let rest = first
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(most);
        // An unknown `kid` waits for the cool-down besides.
        last.at + (rest * 6 / 5).max(COOL_DOWN)
    }

    /// Starts anew with what was written down, on a wall clock that is ahead by so much.
    fn restart(&mut self, ahead: u64) {
        let provider = CryptoProvider::ring();
        let uri = EndpointUrl::parse("https://a.example/jwks").unwrap();
        let wall = |seconds| UnixTime::from_secs(self.now.as_secs() + seconds);
        let mut cache = Cache::new(Terms::issuer(LIFE));
        if let Some((set, validators, life, age)) = self.cache.parts(self.now) {
            let written = JwksSnapshot::new(&uri, &set.keys, validators, life, age, wall(0));
            let bounds = cache.bounds();
            let opened = written.open(&uri, bounds, wall(ahead), provider).unwrap();
            let (set, validators, life, age) = opened;
            let moment = self.moment();
            cache.restore(set, validators, life, age, moment);
        }
        self.cache = cache;
        self.skew += Duration::from_secs(ahead);
    }

    /// Does for a token what the shell does.
    fn token(&mut self, kid: &str) -> Result<Candidates, KeySourceError> {
        let header = smart_jose::base64url::encode(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#));
        let token = format!("{header}.e30.AA");
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let header = token.header();
        match self.cache.decide(header, self.now) {
            Decision::Use { keys, ahead } => {
                if ahead {
                    self.fetch(false);
                }
                return if ahead {
                    self.cache.settle(header, self.now, self.now)
                } else {
                    Ok(keys)
                };
            }
            Decision::Refuse(error) => return Err(error),
            Decision::Fetch => self.fetch(false),
            Decision::Force => self.fetch(true),
        }
        let settled = self.cache.settle(header, self.now, self.now);
        if let Err(KeySourceError::UnknownRetry { .. }) = settled {
            self.cache.miss(header, self.now);
            return self.cache.settle(header, self.now, self.now);
        }
        settled
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_promises_hold(
        steps in steps(),
        life in prop_oneof![Just(MIN_LIFE), Just(LIFE), Just(MAX_LIFE)],
        chance: u32,
    ) {
        let mut world = World {
            cache: Cache::new(Terms::issuer(LIFE)),
            now: Duration::ZERO,
            published: 0,
            published_at: Duration::ZERO,
            is_down: false,
            life,
            chance,
            fetches: Vec::new(),
            brought: None,
            skew: Duration::ZERO,
        };
        for step in steps {
            match step {
                Step::Wait(seconds) => world.now += Duration::from_secs(seconds),
                Step::Rotate(key) => {
                    (world.published, world.published_at) = (key, world.now);
                }
                Step::Down(is_down) => world.is_down = is_down,
                Step::Restart | Step::RestartLate(_) => {
                    check(&world.fetches)?;
                    world.fetches.clear();
                    let ahead = if let Step::RestartLate(ahead) = step { ahead } else { 0 };
                    world.restart(ahead);
                }
                Step::BadSignature => {
                    if world.cache.may_refetch_for_signature(world.now) {
                        let (_, at) = world.brought.unwrap();
                        prop_assert!(world.now + world.skew - at >= CONFIRMED);
                        world.fetch(true);
                    }
                }
                Step::MadeUp(number) => {
                    let before = world.fetches.len();
                    let found = world.token(&format!("made-up-{number}"));
                    prop_assert!(found.is_err());
                    prop_assert!(world.fetches.len() <= before + 1);
                    // Where a set is held, what a made-up `kid` costs is drawn from the budget.
                    if let Some(made) = world.fetches.get(before) {
                        prop_assert!(made.forced || !made.held, "{:?}", made);
                    }
                }
                Step::Token(key) => match world.token(&format!("key-{key}")) {
                    Ok(_) => {
                        // J5: what verifies is what the last successful fetch brought, and not
                        // for longer than its life and a day.
                        let (brought, at) = world.brought.unwrap();
                        prop_assert_eq!(brought, key);
                        prop_assert!(world.now - at < world.life + STALE_LIFE);
                    }
                    Err(error) if !world.is_down && key == world.published => {
                        // J4: a good token is refused for one cool-down at most, and only after a
                        // fetch that came before its key was published, or for the rest that a
                        // failure asked for.
                        let last = *world.fetches.last().unwrap();
                        if last.succeeded {
                            prop_assert!(last.at <= world.published_at, "{:?}", error);
                            prop_assert!(world.now - world.published_at < COOL_DOWN);
                            let KeySourceError::UnknownRetry { retry_after, .. } = error else {
                                return Err(TestCaseError::fail(error.code()));
                            };
                            prop_assert!(retry_after <= COOL_DOWN);
                        } else {
                            prop_assert!(world.now <= world.rest_until());
                        }
                    }
                    Err(_) => {}
                },
            }
        }
        check(&world.fetches)?;
    }
}

/// Fetches between two starts are bounded, whatever asked for them.
fn check(fetches: &[Fetch]) -> Result<(), TestCaseError> {
    for pair in fetches.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let least = match before {
            // One fetch may be forced right after any that succeeded.
            _ if before.succeeded && after.forced => Duration::ZERO,
            Fetch {
                succeeded: true, ..
            } => MIN_LIFE * 7 / 10,
            Fetch { held: true, .. } => BACKOFF * 4 / 5,
            _ => EMPTY_BACKOFF * 4 / 5,
        };
        let gap = after.at - before.at;
        prop_assert!(gap >= least, "{:?} after {:?}", gap, before);
    }
    // J4: tokens force one fetch in a cool-down, and failures that are not over count.
    let mut forced_at: Option<Duration> = None;
    let mut before: Option<Fetch> = None;
    for fetch in fetches {
        if fetch.forced {
            let failed_at = before.filter(|it| !it.succeeded).map(|it| it.at);
            let drawn_at = forced_at.max(failed_at);
            prop_assert!(
                drawn_at.is_none_or(|at| fetch.at - at >= COOL_DOWN),
                "{:?}",
                fetch
            );
            forced_at = Some(fetch.at);
        }
        before = Some(*fetch);
    }
    Ok(())
}
