//! The clock: the only place in the libraries that reads one.

use core::fmt::Debug;
use core::time::Duration;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use smart_jose::UnixTime;

/// Tells the time, twice: the wall clock judges tokens, and the monotonic one measures ages, so
/// that a clock that is set back cannot freeze a cache.
pub trait Clock: Debug + Send + Sync {
    /// The wall clock.
    fn now(&self) -> UnixTime;
    /// Time since some fixed moment; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// Reads the machine's clocks.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> UnixTime {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixTime::from_secs(since.as_secs())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn monotonic(&self) -> Duration {
        Instant::now().saturating_duration_since(self.began)
    }
}

/// A clock that moves only when it is told to: for tests, and for judging a token as of another
/// day.
#[derive(Debug)]
pub struct FixedClock {
    at: Mutex<(UnixTime, Duration)>,
}

impl FixedClock {
    /// A clock that stands at this time.
    #[must_use]
    pub const fn at(now: UnixTime) -> Self {
        Self {
            at: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Moves both clocks on.
    pub fn advance(&self, by: Duration) {
        let mut at = self
            .at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *at = (at.0.saturating_add(by), at.1.saturating_add(by));
    }

    fn read(&self) -> (UnixTime, Duration) {
        *self
            .at
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for FixedClock {
    fn now(&self) -> UnixTime {
        self.read().0
    }

    fn monotonic(&self) -> Duration {
        self.read().1
    }
}
