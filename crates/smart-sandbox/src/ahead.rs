//! A clock that can be set ahead, so that a program without a clock of its own lets tokens expire.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use smart_discovery::Clock;
use smart_jose::UnixTime;

/// So far ahead at most, in seconds: a hundred years, so that no sum leaves its range.
const MOST: u64 = 3_155_760_000;

/// Another clock, and how far this one is ahead of it.
#[derive(Debug)]
pub(crate) struct AheadClock {
    inner: Arc<dyn Clock>,
    /// In seconds.
    ahead: AtomicU64,
}

impl AheadClock {
    pub(crate) fn new(inner: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            ahead: AtomicU64::new(0),
        }
    }

    /// Goes ahead by whole seconds. There is no way back, as there is none for a real clock.
    pub(crate) fn advance(&self, by: Duration) {
        let later = |it: u64| Some(it.saturating_add(by.as_secs()).min(MOST));
        // The closure always has a value, so this always succeeds.
        let _ = self
            .ahead
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, later);
    }

    fn ahead(&self) -> u64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// The time of day.
    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.inner.now().as_secs().saturating_add(self.ahead()))
    }

    /// The time since some moment.
    pub(crate) fn monotonic(&self) -> Duration {
        let ahead = Duration::from_secs(self.ahead());
        self.inner.monotonic().saturating_add(ahead)
    }
}

impl Clock for AheadClock {
    fn now(&self) -> UnixTime {
        Self::now(self)
    }

    fn monotonic(&self) -> Duration {
        Self::monotonic(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smart_discovery::FixedClock;

    #[test]
    fn both_times_go_ahead_and_no_further_than_a_century() {
        let inner = Arc::new(FixedClock::at(UnixTime::from_secs(1_000)));
        let clock = AheadClock::new(inner.clone());
        let begin = clock.monotonic();
        clock.advance(Duration::from_secs(60));
        inner.advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_secs(), 1_065);
        assert_eq!(clock.monotonic() - begin, Duration::from_secs(65));
        clock.advance(Duration::MAX);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now().as_secs(), 1_005 + MOST);
    }
}
