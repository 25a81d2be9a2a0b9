//! What the cache decides. Time and chance come in, a decision goes out: no clock, no network.

use core::time::Duration;
use std::sync::Arc;

use smart_jose::jwk::KeySelectionError;
use smart_jose::{Candidates, JwkSet, ProtectedHeader};

use super::document::{Fetched, JwksError, Validators};
use super::source::KeySourceError;
use crate::freshness::{Bounds, MAX_LIFE};
use crate::jitter::Jitter;

/// How soon after a fetch an unknown `kid` or a bad signature may cause the next one. A flood of
/// made-up tokens costs the issuer one request in this time.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// A set confirmed less long ago than this is not fetched again because of a bad signature.
pub const CONFIRMED: Duration = Duration::from_secs(60);
/// How soon after a first failure the next fetch may be tried. It doubles with each failure, up to
/// [`MAX_BACKOFF`], and varies by a fifth.
pub const BACKOFF: Duration = Duration::from_secs(10);
/// The longest rest after failures.
pub const MAX_BACKOFF: Duration = Duration::from_secs(300);
/// The first rest where no keys are held yet and people wait; it doubles up to
/// [`MAX_EMPTY_BACKOFF`].
pub const EMPTY_BACKOFF: Duration = Duration::from_secs(1);
/// The longest rest where no keys are held yet.
pub const MAX_EMPTY_BACKOFF: Duration = Duration::from_secs(30);
/// A server that asks to be left alone (`Retry-After`) is, up to this long.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(900);
/// How long keys stay usable past their life while the issuer cannot be reached.
pub const STALE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// What is held for one issuer.
#[derive(Clone, Debug)]
pub(super) struct Cache {
    bounds: Bounds,
    held: Option<Held>,
    failure: Option<Failure>,
}

#[derive(Clone, Debug)]
struct Held {
    set: Arc<JwkSet>,
    validators: Validators,
    /// When a fetch last brought this set or said that it has not changed.
    confirmed_at: Duration,
    life: Duration,
    /// The age from which on the set is fetched anew while it still serves.
    ahead_from: Duration,
}

#[derive(Clone, Debug)]
struct Failure {
    error: JwksError,
    at: Duration,
    /// Nothing is tried before this.
    rest_until: Duration,
    /// How many there were in a row.
    count: u32,
}

/// What to do for a token.
#[derive(Debug)]
pub(super) enum Decision {
    /// These keys are good. If `ahead`, it is time to fetch the set anew in the background.
    Use { keys: Candidates, ahead: bool },
    /// Fetch the set first.
    Fetch,
    /// There is no key, and a fetch is not allowed now.
    Refuse(KeySourceError),
}

impl Cache {
    /// An empty cache.
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: None,
            failure: None,
        }
    }

    /// What to do for a token at this moment, on the monotonic clock.
    pub(super) fn decide(&self, header: &ProtectedHeader, now: Duration) -> Decision {
        let resting = self.resting(now);
        let Some(held) = &self.held else {
            return resting.map_or(Decision::Fetch, |failure| {
                Decision::Refuse(failure.error.clone().into())
            });
        };
        let age = now.saturating_sub(held.confirmed_at);
        let fits = held.set.candidates(header);
        if age < held.life {
            return match fits {
                Ok(keys) => Decision::Use {
                    keys,
                    ahead: age >= held.ahead_from && resting.is_none(),
                },
                Err(problem) => self.without_key(problem, now),
            };
        }
        // Past its life a set serves only where the issuer was asked and did not answer, and not
        // for ever.
        match (resting, fits) {
            (None, _) => Decision::Fetch,
            (Some(failure), _) if age >= held.life + STALE_LIFE => {
                Decision::Refuse(failure.error.clone().into())
            }
            (Some(_), Ok(keys)) => Decision::Use { keys, ahead: false },
            (Some(_), Err(problem)) => self.without_key(problem, now),
        }
    }

    /// What to do where the set that is held has no key for a token.
    fn without_key(&self, problem: KeySelectionError, now: Duration) -> Decision {
        let rest = self.resting(now);
        let rest = rest.map(|it| it.rest_until.saturating_sub(now));
        match self.cools_down(now).max(rest.unwrap_or_default()) {
            Duration::ZERO => Decision::Fetch,
            // Too many keys stay too many; an unknown or unfit one may be rotated in.
            _ if matches!(problem, KeySelectionError::Ambiguous { .. }) => {
                Decision::Refuse(problem.into())
            }
            retry_after => Decision::Refuse(KeySourceError::UnknownRetry {
                problem,
                retry_after,
            }),
        }
    }

    /// Whether a bad signature is worth a fetch: some issuers rotate without a new `kid`. It draws
    /// on the same budget as an unknown `kid`, and not soon after the set was confirmed.
    pub(super) fn may_refetch_for_signature(&self, now: Duration) -> bool {
        let confirmed = self.held.as_ref().map(|it| it.confirmed_at);
        confirmed.is_some_and(|at| now.saturating_sub(at) >= CONFIRMED)
            && self.resting(now).is_none()
            && self.cools_down(now).is_zero()
    }

    /// How long until a token may cause a fetch. Failures count, so that made-up `kid`s cost an
    /// issuer that is down no more requests than one that is up.
    fn cools_down(&self, now: Duration) -> Duration {
        let confirmed = self.held.as_ref().map(|it| it.confirmed_at);
        let failed = self.failure.as_ref().map(|it| it.at);
        confirmed.max(failed).map_or(Duration::ZERO, |at| {
            COOL_DOWN.saturating_sub(now.saturating_sub(at))
        })
    }

    /// The failure after which nothing is tried yet.
    fn resting(&self, now: Duration) -> Option<&Failure> {
        self.failure.as_ref().filter(|it| now < it.rest_until)
    }

    /// What the next request may be made conditional on.
    pub(super) fn validators(&self) -> Option<&Validators> {
        self.held.as_ref().map(|it| &it.validators)
    }

    /// The bounds of the life of a set.
    pub(super) const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Takes in an answer. The error says why an answer is none, and what was held stays.
    pub(super) fn fetched(
        &mut self,
        answer: Fetched,
        now: Duration,
        jitter: Jitter,
    ) -> Result<(), JwksError> {
        let (set, validators, life) = match (answer, self.held.take()) {
            (
                Fetched::Set {
                    set,
                    validators,
                    life,
                },
                None,
            ) => (set, validators, life),
            (
                Fetched::Set {
                    set,
                    validators,
                    life,
                },
                Some(held),
            ) => {
                if let Some(error) = JwksError::without_keys(&set) {
                    // A set that has lost all its keys is a mistake far more often than a wish.
                    self.held = Some(held);
                    return Err(error);
                }
                (set, validators, life)
            }
            (Fetched::NotModified { life, .. }, Some(held)) if held.validators.ask() => {
                (held.set, held.validators, life)
            }
            (Fetched::NotModified { url, .. }, held) => {
                self.held = held;
                return Err(JwksError::NotModified { url });
            }
        };
        self.held = Some(Held {
            set,
            validators,
            confirmed_at: now,
            life,
            // 80 % of the life, and up to a tenth of it to either side.
            ahead_from: jitter.around(life * 8 / 10, life / 10),
        });
        self.failure = None;
        Ok(())
    }

    /// Takes note of a failed fetch; what is held stays.
    pub(super) fn failed(
        &mut self,
        error: JwksError,
        retry_after: Option<Duration>,
        now: Duration,
        jitter: Jitter,
    ) {
        let before = self.failure.as_ref().map_or(0, |it| it.count);
        let (first, most) = match self.held {
            Some(_) => (BACKOFF, MAX_BACKOFF),
            None => (EMPTY_BACKOFF, MAX_EMPTY_BACKOFF),
        };
        let doubled = first.saturating_mul(2_u32.saturating_pow(before)).min(most);
        let rest = jitter.around(doubled, doubled / 5);
        let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.failure = Some(Failure {
            error,
            at: now,
            rest_until: now.saturating_add(rest.max(asked)),
            count: before.saturating_add(1),
        });
    }

    /// The set that is held, fresh or not.
    pub(super) fn set(&self) -> Option<Arc<JwkSet>> {
        self.held.as_ref().map(|held| Arc::clone(&held.set))
    }

    /// Forgets everything: the next token fetches.
    pub(super) fn purge(&mut self) {
        *self = Self::new(self.bounds);
    }
}

// A set dies at the latest this long after it was last confirmed.
const _: () = assert!(MAX_LIFE.as_secs() + STALE_LIFE.as_secs() == 48 * 60 * 60);
