//! The cache against random schedules: tokens, rotations, outages, and any time in between.

#![cfg(feature = "ring")]

use core::time::Duration;
use std::sync::Arc;

use proptest::prelude::*;
use smart_jose::{Algorithms, CryptoProvider, JwkSet, Text, UnverifiedJws};

use super::cache::{
    BACKOFF, CONFIRMED, COOL_DOWN, Cache, Decision, EMPTY_BACKOFF, MAX_BACKOFF, MAX_EMPTY_BACKOFF,
    STALE_LIFE,
};
use super::document::{Fetched, JwksError, Validators};
use super::source::KeySourceError;
use crate::document::DocumentError;
use crate::freshness::{Bounds, LIFE, MAX_LIFE, MIN_LIFE};
use crate::jitter::Jitter;

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
    ];
    prop::collection::vec(step, 1..120)
}

struct World {
    cache: Cache,
    now: Duration,
    published: u8,
    is_down: bool,
    life: Duration,
    chance: u32,
    /// When each fetch was made, and whether keys were held and whether it succeeded.
    fetches: Vec<(Duration, bool, bool)>,
    /// The key that the last successful fetch brought, and when.
    brought: Option<(u8, Duration)>,
}

impl World {
    fn jitter(&mut self) -> Jitter {
        self.chance = self
            .chance
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        Jitter::from_u32(self.chance)
    }

    fn fetch(&mut self) {
        let held = self.cache.set().is_some();
        let jitter = self.jitter();
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
                set: Arc::new(set),
                validators: Validators::default(),
                life: self.life,
            };
            self.cache.fetched(answer, self.now, jitter)
        };
        self.fetches.push((self.now, held, result.is_ok()));
        match result {
            Ok(()) => self.brought = Some((kid, self.now)),
            Err(error) => self.cache.failed(error, None, self.now, jitter),
        }
    }

    /// The end of the longest rest that the failures since the last success may ask for.
    fn rest_until(&self) -> Duration {
        let failures: Vec<_> = self.fetches.iter().rev().take_while(|it| !it.2).collect();
        let (at, held, _) = *failures[0];
        let (first, most) = match held {
            true => (BACKOFF, MAX_BACKOFF),
            false => (EMPTY_BACKOFF, MAX_EMPTY_BACKOFF),
        };
        let doublings = u32::try_from(failures.len() - 1).unwrap();
        let rest = first
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(most);
        // An unknown `kid` waits for the cool-down besides.
        at + (rest * 6 / 5).max(COOL_DOWN)
    }

    /// Does for a token what the shell does; gives the last decision.
    fn token(&mut self, kid: &str) -> Decision {
        let header = smart_jose::base64url::encode(format!(r#"{{"alg":"ES256","kid":"{kid}"}}"#));
        let token = format!("{header}.e30.AA");
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        match self.cache.decide(token.header(), self.now) {
            Decision::Use { ahead: true, .. } | Decision::Fetch => {
                self.fetch();
                self.cache.decide(token.header(), self.now)
            }
            decision => decision,
        }
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
            cache: Cache::new(Bounds::with_default(LIFE)),
            now: Duration::ZERO,
            published: 0,
            is_down: false,
            life,
            chance,
            fetches: Vec::new(),
            brought: None,
        };
        for step in steps {
            match step {
                Step::Wait(seconds) => world.now += Duration::from_secs(seconds),
                Step::Rotate(key) => world.published = key,
                Step::Down(is_down) => world.is_down = is_down,
                Step::BadSignature => {
                    if world.cache.may_refetch_for_signature(world.now) {
                        let (_, at) = world.brought.unwrap();
                        prop_assert!(world.now - at >= CONFIRMED);
                        world.fetch();
                    }
                }
                Step::MadeUp(number) => {
                    let before = world.fetches.len();
                    let is_fresh = world.brought.is_some_and(|(_, at)| world.now - at < world.life);
                    let decision = world.token(&format!("made-up-{number}"));
                    prop_assert!(matches!(decision, Decision::Refuse(_)), "{:?}", decision);
                    // J4: while a set is fresh, only the cool-down lets a made-up `kid` fetch, and
                    // failures count.
                    if let Some(last) = before.checked_sub(1).filter(|_| is_fresh)
                        && world.fetches.len() > before
                    {
                        prop_assert!(world.now - world.fetches[last].0 >= COOL_DOWN);
                    }
                }
                Step::Token(key) => {
                    let decision = world.token(&format!("key-{key}"));
                    match decision {
                        Decision::Use { .. } => {
                            // J5: what verifies is what the last successful fetch brought, and not
                            // for longer than its life and a day.
                            let (brought, at) = world.brought.unwrap();
                            prop_assert_eq!(brought, key);
                            prop_assert!(world.now - at < world.life + STALE_LIFE);
                        }
                        Decision::Refuse(error) if !world.is_down && key == world.published => {
                            // J4: a good token is refused for one cool-down at most, or for the
                            // rest that a failure asked for.
                            let resting = world.fetches.last().is_some_and(|it| !it.2);
                            if resting {
                                prop_assert!(world.now <= world.rest_until());
                            }
                            if let KeySourceError::UnknownRetry { retry_after, .. } = error {
                                prop_assert!(resting || retry_after <= COOL_DOWN);
                            } else {
                                prop_assert!(resting, "{:?}", error);
                            }
                        }
                        Decision::Refuse(_) => {}
                        Decision::Fetch => prop_assert!(false, "a fetch was just made"),
                    }
                }
            }
        }
        // Fetches are bounded, whatever asked for them.
        for pair in world.fetches.windows(2) {
            let ((before, held_before, succeeded), (after, ..)) = (pair[0], pair[1]);
            let gap = after - before;
            let least = match (succeeded, held_before) {
                (true, _) => COOL_DOWN,
                (false, true) => Duration::from_secs(8),
                (false, false) => Duration::from_millis(800),
            };
            prop_assert!(gap >= least, "{:?} after {:?}", gap, pair[0]);
        }
    }
}
