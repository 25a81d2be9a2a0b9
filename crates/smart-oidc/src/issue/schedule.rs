//! How long keys wait before they sign, and stay after.

use core::time::Duration;

use smart_jose::jwt::check::MAX_LEEWAY;

use super::error::KeyRingError;

/// What is added to the longest time for which a reader may hold an older set: the fetch itself,
/// and clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);

/// Readers keep a set for a minute even where it says less, so that they cannot be made to ask at
/// every sign-in.
const LEAST_MAX_AGE: Duration = Duration::from_secs(60);

/// Short enough that a key which was lost unnoticed ends, long enough to be no burden.
const USUAL_PERIOD: Duration = Duration::from_secs(90 * 24 * 3600);

/// When keys are published, used and withdrawn.
///
/// ```text
/// published ──lead──▶ signs ──until its successor signs──▶ signs no more ──token life + 300 s──▶ withdrawn
/// ```
///
/// The lead is at least `max-age` of the served set and 60 s, so that every reader has fetched the
/// key before it meets its first token. After its last signature a key stays for as long as a
/// token lives and 300 s, the longest leeway of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationSchedule {
    max_age: Duration,
    token_life: Duration,
    lead: Duration,
    period: Duration,
}

impl RotationSchedule {
    /// A schedule for a key set that is served with this `max-age`, and for tokens that live so
    /// long. The lead is the shortest that is safe, and a new key is due every 90 days.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Period`] where `max_age` is so long that 90 days are too short; then
    /// there is nothing to do but to choose a shorter one.
    pub fn new(max_age: Duration, token_life: Duration) -> Result<Self, KeyRingError> {
        let schedule = Self {
            max_age,
            token_life,
            lead: max_age.max(LEAST_MAX_AGE).saturating_add(MARGIN),
            period: USUAL_PERIOD,
        };
        schedule.checked()
    }

    /// Waits longer between publication and the first signature: some readers keep a set for an
    /// hour or a day, whatever it says.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Lead`] where it is shorter than `max-age` and 60 s,
    /// [`KeyRingError::Period`] where new keys would then be due too soon.
    pub fn with_lead(mut self, lead: Duration) -> Result<Self, KeyRingError> {
        let least = self.max_age.max(LEAST_MAX_AGE).saturating_add(MARGIN);
        if lead < least {
            return Err(KeyRingError::Lead { least, found: lead });
        }
        self.lead = lead;
        self.checked()
    }

    /// Has a new key due this often.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Period`] where that is not longer than the lead.
    pub fn with_period(mut self, period: Duration) -> Result<Self, KeyRingError> {
        self.period = period;
        self.checked()
    }

    fn checked(self) -> Result<Self, KeyRingError> {
        if self.period <= self.lead {
            return Err(KeyRingError::Period {
                period: self.period,
                lead: self.lead,
            });
        }
        Ok(self)
    }

    /// The `max-age` of the served key set.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// How long a token may live.
    #[must_use]
    pub const fn token_life(&self) -> Duration {
        self.token_life
    }

    /// From publication to the first signature.
    #[must_use]
    pub const fn lead(&self) -> Duration {
        self.lead
    }

    /// From one key's first signature to the next one's.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// From a key's last signature to its withdrawal.
    #[must_use]
    pub const fn tail(&self) -> Duration {
        self.token_life.saturating_add(MAX_LEEWAY)
    }
}
