//! What the cache decides. Time comes in, a decision goes out: no clock, no network.

use core::time::Duration;
use std::sync::Arc;

use smart_jose::jwk::KeySelectionError;
use smart_jose::{Candidates, JwkSet, ProtectedHeader};

use super::document::JwksError;
use super::source::KeySourceError;

/// How long a fetched set is fresh, unless set otherwise.
pub const LIFE: Duration = Duration::from_secs(600);
/// The shortest life that can be set.
pub const MIN_LIFE: Duration = Duration::from_secs(60);
/// The longest life that can be set: a key that is withdrawn must die one day.
pub const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How soon after a fetch an unknown `kid` may cause the next one. A flood of made-up `kid`s
/// costs the issuer one request in this time.
pub const COOL_DOWN: Duration = Duration::from_secs(30);
/// How soon after a failed fetch the next one may be tried.
pub const BACKOFF: Duration = Duration::from_secs(10);

/// What is held for one issuer.
#[derive(Debug)]
pub(super) struct Cache {
    life: Duration,
    held: Option<Held>,
    last_failure: Option<(Duration, JwksError)>,
}

#[derive(Debug)]
struct Held {
    set: Arc<JwkSet>,
    fetched_at: Duration,
}

/// What to do for a token.
#[derive(Debug)]
pub(super) enum Decision {
    /// These keys are fresh.
    Use(Candidates),
    /// Fetch the set first.
    Fetch,
    /// There is no key, and a fetch is not allowed now.
    Refuse(KeySourceError),
}

impl Cache {
    /// An empty cache whose sets live this long.
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life: life.clamp(MIN_LIFE, MAX_LIFE),
            held: None,
            last_failure: None,
        }
    }

    /// Keys that are fresh, for the path without waiting.
    pub(super) fn fresh(&self, header: &ProtectedHeader, now: Duration) -> Option<Candidates> {
        let held = self
            .held
            .as_ref()
            .filter(|held| now.saturating_sub(held.fetched_at) < self.life)?;
        held.set.candidates(header).ok()
    }

    /// What to do for a token at this moment, on the monotonic clock.
    pub(super) fn decide(&self, header: &ProtectedHeader, now: Duration) -> Decision {
        if let Some(keys) = self.fresh(header, now) {
            return Decision::Use(keys);
        }
        let failure = self.last_failure.as_ref();
        let failed_at = failure.map(|(at, _)| *at);
        let resting = failure.filter(|(at, _)| now.saturating_sub(*at) < BACKOFF);
        let Some(held) = &self.held else {
            return match resting {
                Some((_, error)) => Decision::Refuse(error.clone().into()),
                None => Decision::Fetch,
            };
        };
        match held.set.candidates(header) {
            // Keys that have gone stale while the issuer is down still verify.
            Ok(keys) if resting.is_some() => Decision::Use(keys),
            Ok(_) => Decision::Fetch,
            Err(problem) => {
                // Failures count: made-up `kid`s cost an issuer that is down no more requests
                // than one that is up.
                let tried_at = failed_at.map_or(held.fetched_at, |at| at.max(held.fetched_at));
                let waited = now.saturating_sub(tried_at);
                if waited >= COOL_DOWN {
                    return Decision::Fetch;
                }
                // Too many keys stay too many; an unknown or unfit one may be rotated in.
                Decision::Refuse(match problem {
                    KeySelectionError::Ambiguous { .. } => problem.into(),
                    _ => KeySourceError::UnknownRetry {
                        problem,
                        retry_after: COOL_DOWN - waited,
                    },
                })
            }
        }
    }

    /// Takes in a fetched set.
    pub(super) fn fetched(&mut self, set: JwkSet, now: Duration) {
        self.held = Some(Held {
            set: Arc::new(set),
            fetched_at: now,
        });
        self.last_failure = None;
    }

    /// Takes note of a failed fetch; what is held stays.
    pub(super) fn failed(&mut self, error: JwksError, now: Duration) {
        self.last_failure = Some((now, error));
    }

    /// The set that is held, fresh or not.
    pub(super) fn set(&self) -> Option<Arc<JwkSet>> {
        self.held.as_ref().map(|held| Arc::clone(&held.set))
    }
}
