//! How a record is written: a head of fixed width, and the sealed value.
//!
//! The head is plain, as scripts on the server read and count it; it says nothing of the session.
//! Its width is fixed so that a lease is written without touching the value or its life.

use core::time::Duration;

/// The form that is written, and the only one that is read.
const FORM: &[u8] = b"S1";

/// Each number of the head has so many digits, which is enough for every number that the server
/// can count to: its scripts count in doubles, exact up to 2⁵³.
pub(crate) const DIGITS: usize = 16;

/// How long the head is: the form, the revision, the fence, and until when the lease is held.
pub(crate) const HEAD_OCTETS: usize = 2 + 3 * DIGITS;

/// Longer than this nothing lives, so that every sum of times fits: a hundred years.
const LONGEST_LIFE: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// No lease is longer than this: several times what a refresh takes. One that seems to end later was
/// given out by a clock that has stepped back since.
const LONGEST_LEASE: Duration = Duration::from_secs(5 * 60);

/// A record that nobody has replaced or leased.
pub(crate) fn first(sealed: &[u8]) -> Vec<u8> {
    let head = format!("S1{:016}{:016}{:016}", 1, 0, 0);
    [head.as_bytes(), sealed].concat()
}

/// A number as the head holds it. None that a server gave out is greater than the greatest.
pub(crate) fn digits(number: u64) -> String {
    format!("{:016}", number.min(9_999_999_999_999_999))
}

/// A life in milliseconds, as the server counts it. Nothing lives for less than one.
pub(crate) fn milliseconds(life: Duration) -> String {
    let life = life.min(LONGEST_LIFE).as_millis().max(1);
    life.to_string()
}

/// How long a lease lasts, in milliseconds, and how long the longest does.
pub(crate) fn lease(life: Duration) -> (String, String) {
    let longest = milliseconds(LONGEST_LEASE);
    (milliseconds(life.min(LONGEST_LEASE)), longest)
}

/// The revision and the sealed value of a record.
pub(crate) fn parse(record: &[u8]) -> Option<(u64, &[u8])> {
    let (head, sealed) = record.split_at_checked(HEAD_OCTETS)?;
    let numbers = head.strip_prefix(FORM)?;
    if !numbers.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let revision = core::str::from_utf8(numbers.get(..DIGITS)?).ok()?;
    Some((revision.parse().ok()?, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let record = first(b"sealed\0\xff");
        assert_eq!(parse(&record), Some((1, &b"sealed\0\xff"[..])));
        assert_eq!(record.len(), HEAD_OCTETS + 8);
        assert_eq!(parse(&first(b"")), Some((1, &b""[..])));
    }

    #[test]
    fn anything_else_is_not_a_record() {
        let record = first(b"sealed");
        for at in 0..HEAD_OCTETS {
            assert_eq!(parse(&record[..at]), None, "cut at {at}");
            let mut other = record.clone();
            other[at] = b'x';
            assert_eq!(parse(&other), None, "changed at {at}");
        }
    }

    #[test]
    fn a_life_is_whole_milliseconds_and_has_both_ends() {
        for (life, expected) in [
            (Duration::ZERO, "1"),
            (Duration::from_micros(999), "1"),
            (Duration::from_micros(2999), "2"),
            (Duration::from_secs(600), "600000"),
            (Duration::MAX, "3153600000000"),
        ] {
            assert_eq!(milliseconds(life), expected, "{life:?}");
        }
    }

    #[test]
    fn no_lease_is_longer_than_the_longest() {
        let longest = "300000";
        for (life, expected) in [
            (Duration::from_secs(45), "45000"),
            (Duration::from_secs(300), longest),
            (Duration::MAX, longest),
        ] {
            let (life, bound) = lease(life);
            assert_eq!((life.as_str(), bound.as_str()), (expected, longest));
        }
    }

    #[test]
    fn every_number_has_sixteen_digits() {
        for number in [0, 1, 1 << 53, u64::MAX] {
            assert_eq!(digits(number).len(), DIGITS, "{number}");
        }
        assert_eq!(digits(42), "0000000000000042");
    }
}
