//! A fetched document and its time: when it serves, when it is fetched anew, and when it is dead.
//!
//! Time and chance come in, a decision goes out: no clock, no network. Key sets and both metadata
//! documents live by these rules.

use core::time::Duration;
use std::sync::Arc;

use crate::conditional::Validators;
use crate::freshness::{Bounds, MAX_LIFE};
use crate::jitter::Jitter;

/// How soon after a fetch that a token forced, or that failed, a token may force the next one. A
/// flood of made-up tokens costs the issuer one request in this time.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// How soon after a first failure the next fetch may be tried. It doubles with each failure, up to
/// [`MAX_BACKOFF`], and varies by a fifth.
pub const BACKOFF: Duration = Duration::from_secs(10);
/// The longest rest after failures.
pub const MAX_BACKOFF: Duration = Duration::from_secs(300);
/// The first rest where nothing usable is held and people wait; it doubles up to
/// [`MAX_EMPTY_BACKOFF`].
pub const EMPTY_BACKOFF: Duration = Duration::from_secs(1);
/// The longest rest where nothing usable is held.
pub const MAX_EMPTY_BACKOFF: Duration = Duration::from_secs(30);
/// A server that asks to be left alone (`Retry-After`) is, up to this long.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(900);
/// How long what is held stays usable past its life while its server cannot be reached.
pub const STALE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What a document's owner and we agree on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The bounds of its life.
    pub(crate) bounds: Bounds,
    /// How long it serves past its life in an outage.
    pub(crate) stale_life: Duration,
}

impl Terms {
    /// An issuer's documents; this long where nothing is said.
    pub(crate) fn issuer(life: Duration) -> Self {
        Self {
            bounds: Bounds::with_default(life),
            stale_life: STALE_LIFE,
        }
    }

    /// The same with another life where nothing is said.
    pub(crate) fn with_default(mut self, life: Duration) -> Self {
        self.bounds.default = Bounds::with_default(life).default;
        self
    }

    /// The key set of a client, as a server keeps it: what the client says and not a second more.
    pub(crate) const fn client() -> Self {
        Self {
            bounds: Bounds::as_said(),
            stale_life: Duration::ZERO,
        }
    }
}

/// When something happens, and the chance that goes with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The monotonic clock.
    pub(crate) now: Duration,
    pub(crate) jitter: Jitter,
}

/// What is held of one document, and what is known of its server.
#[derive(Clone, Debug)]
pub(crate) struct Kept<T, E> {
    terms: Terms,
    held: Option<Held<T>>,
    failure: Option<Failure<E>>,
    /// The last failure, which is told also when it is over.
    last_error: Option<E>,
    /// When a token last made us fetch.
    forced_at: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Held<T> {
    value: Arc<T>,
    validators: Validators,
    /// When a fetch last brought this or said that it has not changed.
    confirmed_at: Duration,
    /// How old it was then: what comes from a snapshot has an age.
    age_then: Duration,
    life: Duration,
    /// The age from which on it is fetched anew while it still serves.
    ahead_from: Duration,
}

impl<T> Held<T> {
    const fn age(&self, now: Duration) -> Duration {
        let since = now.saturating_sub(self.confirmed_at);
        self.age_then.saturating_add(since)
    }
}

#[derive(Clone, Debug)]
struct Failure<E> {
    error: E,
    at: Duration,
    /// Nothing is tried before this.
    rest_until: Duration,
    /// How many there were in a row.
    count: u32,
}

/// What may be done with what is held.
#[derive(Debug)]
pub(crate) enum Ruling<'a, T, E> {
    /// It serves. If `ahead`, it is time to fetch it anew in the background.
    Serve { value: &'a Arc<T>, ahead: bool },
    /// Fetch it first.
    Fetch,
    /// There is nothing, and a fetch is not allowed now.
    Refuse(&'a E),
}

/// How a document stands, for an operator; durations from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) age: Option<Duration>,
    pub(crate) life: Option<Duration>,
    pub(crate) usable_for: Duration,
    pub(crate) next_refresh: Option<Duration>,
    pub(crate) rest: Option<Duration>,
    pub(crate) failures: u32,
}

impl<T, E: Clone> Kept<T, E> {
    /// Nothing yet.
    pub(crate) const fn new(terms: Terms) -> Self {
        Self {
            terms,
            held: None,
            failure: None,
            last_error: None,
            forced_at: None,
        }
    }

    /// What may be done at this moment, on the monotonic clock.
    pub(crate) fn ruling(&self, now: Duration) -> Ruling<'_, T, E> {
        let resting = self.resting(now);
        let Some(held) = &self.held else {
            return resting.map_or(Ruling::Fetch, |it| Ruling::Refuse(&it.error));
        };
        let (value, age) = (&held.value, held.age(now));
        if age < held.life {
            let ahead = age >= held.ahead_from && resting.is_none();
            return Ruling::Serve { value, ahead };
        }
        // Past its life it serves only where its server was asked and did not answer, and not for
        // ever.
        if age >= held.life.saturating_add(self.terms.stale_life) {
            return resting.map_or(Ruling::Fetch, |it| Ruling::Refuse(&it.error));
        }
        match (&self.failure, resting) {
            (_, Some(_)) => Ruling::Serve {
                value,
                ahead: false,
            },
            // The rest is over, and nobody need wait for a server that may still be down.
            (Some(it), None) if now < it.rest_until.saturating_add(MAX_BACKOFF) => {
                Ruling::Serve { value, ahead: true }
            }
            _ => Ruling::Fetch,
        }
    }

    /// How long until a token may force a fetch. Failures count, so that made-up tokens cost a
    /// server that is down no more requests than one that is up.
    pub(crate) fn cools_down(&self, now: Duration) -> Duration {
        let failed = self.failure.as_ref().map(|it| it.at);
        let cool_down = self.forced_at.max(failed).map_or(Duration::ZERO, |at| {
            COOL_DOWN.saturating_sub(now.saturating_sub(at))
        });
        let rest = self.resting(now).map(|it| it.rest_until);
        cool_down.max(rest.unwrap_or_default().saturating_sub(now))
    }

    /// Takes note that a token makes us fetch now.
    pub(crate) const fn force(&mut self, now: Duration) {
        self.forced_at = Some(now);
    }

    /// The failure after which nothing is tried yet.
    fn resting(&self, now: Duration) -> Option<&Failure<E>> {
        self.failure.as_ref().filter(|it| now < it.rest_until)
    }

    /// What the next request may be made conditional on.
    pub(crate) fn validators(&self) -> Option<&Validators> {
        self.held.as_ref().map(|it| &it.validators)
    }

    /// What was agreed on.
    pub(crate) const fn terms(&self) -> Terms {
        self.terms
    }

    /// The bounds of its life.
    pub(crate) const fn bounds(&self) -> Bounds {
        self.terms.bounds
    }

    /// What is held, whatever its age.
    pub(crate) fn value(&self) -> Option<&Arc<T>> {
        self.held.as_ref().map(|it| &it.value)
    }

    /// The last error, also of a failure that is over.
    pub(crate) const fn last_error(&self) -> Option<&E> {
        self.last_error.as_ref()
    }

    /// How long ago a fetch last confirmed what is held.
    pub(crate) fn confirmed_ago(&self, now: Duration) -> Option<Duration> {
        self.held.as_ref().map(|it| it.age(now))
    }

    /// Takes a new version in.
    pub(crate) fn keep(
        &mut self,
        value: Arc<T>,
        validators: Validators,
        life: Duration,
        moment: Moment,
    ) {
        self.restore(value, validators, life, Duration::ZERO, moment);
        self.failure = None;
    }

    /// Takes in what was kept elsewhere and is this old; what is known of the server stays.
    pub(crate) fn restore(
        &mut self,
        value: Arc<T>,
        validators: Validators,
        life: Duration,
        age: Duration,
        moment: Moment,
    ) {
        self.held = Some(Held {
            value,
            validators,
            confirmed_at: moment.now,
            age_then: age,
            life,
            // 80 % of the life, and up to a tenth of it to either side.
            ahead_from: moment.jitter.around(life * 8 / 10, life / 10),
        });
    }

    /// What is held goes on for this long. Says no where nobody asked whether it has changed.
    pub(crate) fn renew(&mut self, life: Duration, moment: Moment) -> bool {
        let Some(held) = self.held.take_if(|it| it.validators.ask()) else {
            return false;
        };
        self.keep(held.value, held.validators, life, moment);
        true
    }

    /// Takes note of a failed fetch; what is held stays.
    pub(crate) fn failed(&mut self, error: E, retry_after: Option<Duration>, moment: Moment) {
        let Moment { now, jitter } = moment;
        let before = self.failure.as_ref().map_or(0, |it| it.count);
        // What is dead serves nobody, and people wait as if nothing were held.
        let (first, most) = match self.standing(now).usable_for {
            Duration::ZERO => (EMPTY_BACKOFF, MAX_EMPTY_BACKOFF),
            _ => (BACKOFF, MAX_BACKOFF),
        };
        let doubled = first.saturating_mul(2_u32.saturating_pow(before)).min(most);
        let rest = jitter.around(doubled, doubled / 5);
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.last_error = Some(error.clone());
        self.failure = Some(Failure {
            error,
            at: now,
            rest_until: now.saturating_add(rest.max(asked)),
            count: before.saturating_add(1),
        });
    }

    /// Ends the life of what is held and makes the next request unconditional: the document has
    /// moved, and what is held serves only while its new place cannot be reached.
    pub(crate) fn expire(&mut self, now: Duration) {
        if let Some(held) = &mut self.held {
            held.life = held.life.min(held.age(now));
            held.validators = Validators::default();
        }
        // What the old place was asked for says nothing of the new one.
        self.failure = None;
        self.forced_at = None;
    }

    /// Forgets everything.
    pub(crate) fn purge(&mut self) {
        *self = Self::new(self.terms);
    }

    /// How it stands.
    pub(crate) fn standing(&self, now: Duration) -> Standing {
        let rest = self
            .resting(now)
            .map(|it| it.rest_until.saturating_sub(now));
        let held = self.held.as_ref();
        let age = held.map(|it| it.age(now));
        let last = held.map(|it| it.life.saturating_add(self.terms.stale_life));
        let due = held.map(|it| it.ahead_from.saturating_sub(it.age(now)));
        Standing {
            age,
            life: held.map(|it| it.life),
            usable_for: last
                .unwrap_or_default()
                .saturating_sub(age.unwrap_or_default()),
            next_refresh: rest.max(due),
            rest,
            failures: self.failure.as_ref().map_or(0, |it| it.count),
        }
    }

    /// What a snapshot needs: the value, its validators, life and age.
    pub(crate) fn parts(
        &self,
        now: Duration,
    ) -> Option<(&Arc<T>, &Validators, Duration, Duration)> {
        let held = self.held.as_ref()?;
        Some((&held.value, &held.validators, held.life, held.age(now)))
    }
}

// What is held dies at the latest this long after it was last confirmed.
const _: () = assert!(MAX_LIFE.as_secs() + STALE_LIFE.as_secs() == 48 * 60 * 60);
