//! When a token of a program's own serves, when it is asked for anew, and when nobody is asked.
//!
//! Time and chance come in, a decision goes out: no clock, no network.

use core::time::Duration;
use std::sync::Arc;

use smart_discovery::jwks::{EMPTY_BACKOFF, MAX_EMPTY_BACKOFF};
use smart_jose::UnixTime;

/// How long a token is used whose life the server does not name: long enough for a burst of
/// requests, and shorter than any life that servers give.
pub(super) const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is asked for anew so long before its end, or in the last quarter of a short life.
const LEAD: Duration = Duration::from_secs(60);
/// A token is not used any more so long before its end, or in the last tenth of a short life: a
/// request takes its time to arrive.
const TRAVEL: Duration = Duration::from_secs(5);
/// A token that was got so recently is not thrown away for being refused: it is not its age.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// Both clocks at one moment: the monotonic one cannot be set back, and the wall clock goes on while
/// a machine sleeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) monotonic: Duration,
    pub(super) wall: UnixTime,
}

impl Moment {
    fn after(self, time: Duration) -> Self {
        Self {
            monotonic: self.monotonic.saturating_add(time),
            wall: self.wall.saturating_add(time),
        }
    }

    /// Whether one of the clocks has reached this moment.
    fn is_reached(self, now: Self) -> bool {
        now.monotonic >= self.monotonic || now.wall >= self.wall
    }
}

/// What is held, and what is known of the server.
#[derive(Debug)]
pub(super) struct Held<T, E> {
    token: Option<Token<T>>,
    failure: Option<Failure<E>>,
}

#[derive(Debug)]
struct Token<T> {
    value: Arc<T>,
    got_at: Moment,
    due_at: Moment,
    unusable_at: Moment,
}

#[derive(Debug)]
struct Failure<E> {
    error: E,
    count: u32,
    rest_until: Duration,
}

/// What to do for whoever needs a token.
#[derive(Debug, PartialEq)]
pub(super) enum Ruling<T, E> {
    /// Use this one.
    Use(Arc<T>),
    /// Use this one, and get another in the background.
    UseAndRenew(Arc<T>),
    /// Get one first.
    Get,
    /// Nobody is asked before this time is over.
    Rest { error: E, left: Duration },
}

impl<T, E> Default for Held<T, E> {
    fn default() -> Self {
        Self {
            token: None,
            failure: None,
        }
    }
}

impl<T, E: Clone> Held<T, E> {
    pub(super) fn rule(&self, now: Moment) -> Ruling<T, E> {
        let resting = self
            .failure
            .as_ref()
            .and_then(|it| Some((it, it.rest_until.checked_sub(now.monotonic)?)))
            .filter(|(_, left)| !left.is_zero());
        let usable = self
            .token
            .as_ref()
            .filter(|it| !it.unusable_at.is_reached(now));
        match (usable, resting) {
            (Some(token), None) if token.due_at.is_reached(now) => {
                Ruling::UseAndRenew(Arc::clone(&token.value))
            }
            (Some(token), _) => Ruling::Use(Arc::clone(&token.value)),
            (None, Some((failure, left))) => Ruling::Rest {
                error: failure.error.clone(),
                left,
            },
            (None, None) => Ruling::Get,
        }
    }

    /// Takes in a token that was asked for at this time. Its life is counted from then, not from
    /// its arrival. Says whether it still serves; one that does not is not kept.
    pub(super) fn got(&mut self, value: T, asked_at: Moment, now: Moment, life: Duration) -> bool {
        let unusable_after = life.saturating_sub(TRAVEL.min(life / 10));
        let due_after = life.saturating_sub(LEAD.min(life / 4)).min(unusable_after);
        let unusable_at = asked_at.after(unusable_after);
        if unusable_at.is_reached(now) {
            return false;
        }
        self.failure = None;
        self.token = Some(Token {
            value: Arc::new(value),
            got_at: asked_at,
            due_at: asked_at.after(due_after),
            unusable_at,
        });
        true
    }

    /// Takes note of a failure, after which the server asks to be left alone for at least so long.
    /// `chance` is from 0 to 1 and moves our own rest by up to a fifth.
    pub(super) fn failed(&mut self, error: E, now: Moment, at_least: Duration, chance: f64) {
        let before = self.failure.as_ref().map_or(0, |it| it.count);
        let doubled = EMPTY_BACKOFF
            .saturating_mul(2_u32.saturating_pow(before))
            .min(MAX_EMPTY_BACKOFF);
        let rest = doubled.mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0));
        let rest = rest.max(at_least);
        self.failure = Some(Failure {
            error,
            count: before.saturating_add(1),
            rest_until: now.monotonic.saturating_add(rest),
        });
    }

    /// Lets go of a token that a FHIR server refuses, unless another is held by now or it was got a
    /// moment ago. Says whether it was let go.
    pub(super) fn discard(&mut self, value: &T, now: Moment) -> bool {
        let is_it = self.token.as_ref().is_some_and(|it| {
            core::ptr::eq(&raw const *it.value, value) && it.got_at.after(COOL_DOWN).is_reached(now)
        });
        if is_it {
            self.token = None;
        }
        is_it
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_WISH: Duration = Duration::ZERO;

    type World = Held<&'static str, &'static str>;

    fn at(seconds: u64) -> Moment {
        let time = Duration::from_secs(seconds);
        Moment {
            monotonic: time,
            wall: UnixTime::from_secs(1_800_000_000).saturating_add(time),
        }
    }

    fn held(life: u64) -> World {
        let mut held = World::default();
        assert!(held.got("one", at(0), at(0), Duration::from_secs(life)));
        held
    }

    fn shown(ruling: Ruling<&'static str, &'static str>) -> String {
        match ruling {
            Ruling::Use(token) => (*token).to_owned(),
            Ruling::UseAndRenew(token) => format!("{token}, renew"),
            Ruling::Get => "get".to_owned(),
            Ruling::Rest { error, left } => format!("{error}, {} ms", left.as_millis()),
        }
    }

    // covers: SMART-BS-9
    #[test]
    fn a_token_serves_until_shortly_before_its_end_and_not_a_second_longer() {
        for (life, due, end) in [(300, 240, 295), (3600, 3540, 3595), (20, 15, 18), (2, 1, 1)] {
            let held = held(life);
            for second in 0..=life + 1 {
                let expected = match second {
                    it if it >= end => "get",
                    it if it >= due => "one, renew",
                    _ => "one",
                };
                assert_eq!(shown(held.rule(at(second))), expected, "{second} of {life}");
            }
        }
    }

    #[test]
    fn a_token_that_has_ended_on_its_way_is_not_kept() {
        let mut held = held(300);
        for (life, arrived, serves) in [(0, 0, false), (1, 0, false), (10, 9, false), (10, 8, true)]
        {
            let life = Duration::from_secs(life);
            assert_eq!(held.got("two", at(0), at(arrived), life), serves);
            let kept = if serves { "two, renew" } else { "one" };
            assert_eq!(shown(held.rule(at(arrived))), kept);
        }
    }

    #[test]
    fn either_clock_ends_a_token() {
        let held = held(300);
        let slept = Moment {
            monotonic: Duration::from_secs(10),
            ..at(400)
        };
        assert_eq!(shown(held.rule(slept)), "get");
        let set_back = Moment {
            wall: UnixTime::from_secs(1_700_000_000),
            ..at(400)
        };
        assert_eq!(shown(held.rule(set_back)), "get");
        let set_back_early = Moment {
            wall: UnixTime::from_secs(1_700_000_000),
            ..at(10)
        };
        assert_eq!(shown(held.rule(set_back_early)), "one");
    }

    #[test]
    fn a_server_that_is_down_is_asked_less_and_less_often() {
        let mut held = World::default();
        let (mut second, mut rests) = (0, Vec::new());
        for _ in 0..8 {
            held.failed("down", at(second), NO_WISH, 0.5);
            let Ruling::Rest { left, .. } = held.rule(at(second)) else {
                panic!("it rests");
            };
            rests.push(left.as_secs());
            second += left.as_secs();
            assert_eq!(shown(held.rule(at(second))), "get");
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 30, 30, 30]);
        // A success ends the series.
        held.got("one", at(second), at(second), Duration::from_secs(300));
        held.failed("down", at(second + 400), NO_WISH, 0.0);
        assert_eq!(shown(held.rule(at(second + 400))), "down, 800 ms");
        held.failed("down", at(second + 400), NO_WISH, 1.0);
        assert_eq!(shown(held.rule(at(second + 400))), "down, 2400 ms");
    }

    #[test]
    fn a_server_that_asks_for_a_rest_gets_it() {
        let mut held = World::default();
        let asked = Duration::from_secs(900);
        held.failed("busy", at(0), asked, 0.5);
        assert_eq!(shown(held.rule(at(0))), "busy, 900000 ms");
        assert_eq!(shown(held.rule(at(899))), "busy, 1000 ms");
        assert_eq!(shown(held.rule(at(900))), "get");
        // One that asks for less than we rest anyway is not asked earlier.
        held.failed("busy", at(900), Duration::from_secs(1), 0.5);
        assert_eq!(shown(held.rule(at(900))), "busy, 2000 ms");
    }

    #[test]
    fn a_failure_to_renew_changes_nothing_while_the_token_serves() {
        let mut held = held(300);
        held.failed("down", at(250), NO_WISH, 0.5);
        assert_eq!(shown(held.rule(at(250))), "one");
        assert_eq!(shown(held.rule(at(251))), "one, renew");
        assert_eq!(shown(held.rule(at(295))), "get");
        held.failed("down", at(295), NO_WISH, 0.5);
        assert_eq!(shown(held.rule(at(295))), "down, 2000 ms");
    }

    #[test]
    fn a_refused_token_is_let_go_once_and_not_at_once() {
        let mut held = held(300);
        let Ruling::Use(token) = held.rule(at(0)) else {
            panic!("it serves");
        };
        assert!(!held.discard(&token, at(29)));
        assert_eq!(shown(held.rule(at(29))), "one");
        assert!(held.discard(&token, at(30)));
        assert_eq!(shown(held.rule(at(30))), "get");
        held.got("two", at(31), at(31), Duration::from_secs(300));
        // It is not the one that was refused.
        assert!(!held.discard(&token, at(100)));
        assert_eq!(shown(held.rule(at(100))), "two");
    }
}
