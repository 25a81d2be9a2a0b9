//! Chance, handed in: what should not happen everywhere at once is spread by it.

use core::time::Duration;

use smart_jose::CryptoProvider;

/// A number from zero to one, both included, drawn once for one decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Jitter(f64);

impl Jitter {
    /// The middle: what happens without chance.
    pub(crate) const NONE: Self = Self(0.5);

    /// Draws one. Where the system gives no random octets nothing is spread, which does no harm.
    pub(crate) fn draw(provider: &CryptoProvider) -> Self {
        provider.random::<4>().map_or(Self::NONE, |octets| {
            Self::from_u32(u32::from_ne_bytes(octets))
        })
    }

    /// One out of 2³² that are equally far apart.
    pub(crate) fn from_u32(number: u32) -> Self {
        Self(f64::from(number) / f64::from(u32::MAX))
    }

    /// A time that is at most `spread` shorter or longer than `middle`.
    pub(crate) fn around(self, middle: Duration, spread: Duration) -> Duration {
        let spread = spread.min(middle);
        (middle - spread).saturating_add(spread.mul_f64(2.0 * self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_both_ends_and_nothing_beyond() {
        let around = |number, middle, spread| {
            let (middle, spread) = (Duration::from_secs(middle), Duration::from_secs(spread));
            Jitter::from_u32(number).around(middle, spread).as_secs()
        };
        assert_eq!(around(0, 100, 20), 80);
        assert_eq!(around(u32::MAX, 100, 20), 120);
        assert_eq!(around(0, 10, 20), 0);
        assert_eq!(around(u32::MAX, 10, 20), 20);
        let middle = Duration::from_secs(100);
        assert_eq!(Jitter::NONE.around(middle, Duration::from_secs(20)), middle);
    }
}
