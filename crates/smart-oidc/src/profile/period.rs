//! Whether a period covers a moment. FHIR's dates may be partial (R4 Data Types, dateTime): a year
//! stands for all of it, from its first second to its last.
//!
//! A date without a time has no time zone either, and nobody says where it was written. It counts
//! for as long as it is that date anywhere on earth: from 14 hours before its midnight in UTC, when
//! it begins on the Line Islands, to 12 hours after its end in UTC, when it ends at the date line.
//! So nothing that is current is hidden, and what is over is shown for 26 hours too long at most.
//!
//! Where only the time cannot be read, or lacks its zone, the date counts alone. A date that cannot
//! be read counts as absent, and an absent one means that the period is open there.

use serde::Deserialize;
use smart_jose::UnixTime;
use smart_jose::member::Member;

/// A Period as it is written.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Period {
    start: Member<String>,
    end: Member<String>,
}

/// How a period lies to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It covers the moment.
    Current,
    /// It is over.
    Ended,
    /// It has not begun.
    NotYet,
}

impl Period {
    /// How the period lies to this moment. Both of its ends belong to it.
    pub(super) fn standing(&self, now: UnixTime) -> Standing {
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let date = |it: &Member<String>| it.value().and_then(|it| seconds(it));
        if date(&self.end).is_some_and(|(_, last)| last < now) {
            return Standing::Ended;
        }
        if date(&self.start).is_some_and(|(first, _)| first > now) {
            return Standing::NotYet;
        }
        Standing::Current
    }
}

/// The same for a period that may be missing.
pub(super) fn standing(period: Option<&Period>, now: UnixTime) -> Standing {
    period.map_or(Standing::Current, |it| it.standing(now))
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The first and the last second that a date stands for, since 1970-01-01T00:00:00Z.
fn seconds(text: &str) -> Option<(i64, i64)> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = number(parts.next()?, 4, 1, 9999)?;
    let month = parts.next().map(|it| number(it, 2, 1, 12));
    let day = parts.next().map(|it| number(it, 2, 1, 31));
    if parts.next().is_some() {
        return None;
    }
    let (first, end) = match (month, day) {
        (None, _) => (days(year, 1, 1), days(year + 1, 1, 1)),
        (Some(month), None) => month_of(year, month?),
        (Some(month), Some(day)) => {
            let (first, end) = month_of(year, month?);
            let day = first + day? - 1;
            // The 31st of a month of 30 days.
            (day < end).then_some((day, day + 1))?
        }
    };
    // A time belongs to a whole date.
    let time = time.filter(|_| day.is_some()).and_then(time_of_day);
    Some(match time {
        Some(time) => (first * DAY + time, first * DAY + time),
        None => (first * DAY - 14 * HOUR, end * DAY - 1 + 12 * HOUR),
    })
}

/// The days on which a month and the one after it begin.
fn month_of(year: i64, month: i64) -> (i64, i64) {
    let (next_year, next_month) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    (days(year, month, 1), days(next_year, next_month, 1))
}

/// `hh:mm:ss`, with or without a fraction, then `Z` or an offset, which is taken off.
fn time_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let at = text.rfind(['+', '-'])?;
            let (clock, offset) = text.split_at_checked(at)?;
            let (sign, offset) = offset.split_at_checked(1)?;
            let (hours, minutes) = offset.split_once(':')?;
            let minutes = number(hours, 2, 0, 14)? * 60 + number(minutes, 2, 0, 59)?;
            (clock, if sign == "-" { -minutes } else { minutes })
        }
    };
    let (clock, fraction) = match clock.split_once('.') {
        Some((clock, fraction)) => (clock, fraction),
        None => (clock, "0"),
    };
    if fraction.is_empty() || !fraction.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':');
    let hours = number(parts.next()?, 2, 0, 23)?;
    let minutes = number(parts.next()?, 2, 0, 59)?;
    // The 60th second of a leap second counts as the one before it.
    let seconds = number(parts.next()?, 2, 0, 60)?.min(59);
    if parts.next().is_some() {
        return None;
    }
    Some((hours * 60 + minutes - offset) * 60 + seconds)
}

/// A number of so many digits between two others.
fn number(text: &str, digits: usize, least: i64, most: i64) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|it| it.is_ascii_digit());
    let number = is_number.then(|| text.parse().ok()).flatten()?;
    (least..=most).contains(&number).then_some(number)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last of its year; 719468 days lie between 0000-03-01 and 1970-01-01.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(1, 1, 1), -719_162);
        assert_eq!(days(9999, 12, 31), 2_932_896);
        // Each day follows the one before it, over two leap centuries.
        let mut expected = days(1899, 1, 1);
        for year in 1899..=2101_i64 {
            for month in 1..=12 {
                let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
                let length = match month {
                    2 if is_leap => 29,
                    2 => 28,
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                assert_eq!(days(year, month, 1), expected, "{year}-{month}");
                expected += length;
            }
        }
    }

    #[test]
    fn partial_dates_stand_for_all_of_it() {
        for (text, first, end) in [
            ("1970", 0, 365),
            ("1970-01", 0, 31),
            ("1970-12", 334, 365),
            ("1970-01-01", 0, 1),
            ("1972-02", days(1972, 2, 1), days(1972, 3, 1)),
            ("1972-02-29", days(1972, 2, 29), days(1972, 3, 1)),
            // The date counts alone where the time is none, lacks its zone or has no day.
            ("1970T00:00:00Z", 0, 365),
            ("1970-01T00:00:00Z", 0, 31),
            ("1970-01-01T", 0, 1),
            ("1970-01-01T00:00", 0, 1),
            ("1970-01-01T00:00Z", 0, 1),
            ("1970-01-01T00:00:00", 0, 1),
            ("1970-01-01 00:00:00", 0, 1),
            ("1970-01-01t00:00:00z", 0, 1),
            ("1970-01-01T24:00:00Z", 0, 1),
            ("1970-01-01T00:60:00Z", 0, 1),
            ("1970-01-01T00:00:00.Z", 0, 1),
            ("1970-01-01T00:00:00+0200", 0, 1),
            ("1970-01-01T00:00:00+15:00", 0, 1),
            ("1970-01-01T00:00:00Zx", 0, 1),
            ("1970-01-01T00:00:00é", 0, 1),
        ] {
            // From the east of the earth, 14 hours ahead, to its west, 12 hours behind.
            let expected = (first * DAY - 50_400, end * DAY - 1 + 43_200);
            assert_eq!(seconds(text), Some(expected), "{text:?}");
        }
        for (text, at) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t00:00:00Z", 0),
            ("1970-01-01 00:00:00Z", 0),
            ("1970-01-01T00:00:01.999Z", 1),
            ("1970-01-01T02:00:00+02:00", 0),
            ("1969-12-31T19:00:00-05:00", 0),
            ("1970-01-01T00:00:60Z", 59),
            (
                "2026-06-30T00:00:00+05:45",
                days(2026, 6, 30) * DAY - 20_700,
            ),
        ] {
            assert_eq!(seconds(text), Some((at, at)), "{text:?}");
        }
        for text in [
            "1970-02-29",
            "1900-02-29",
            "1970-04-31",
            "1970-13",
            "1970-00",
            "1970-01-00",
            "1970-01-32T00:00:00Z",
            "0000",
            "70",
            "19700101",
            "+970",
            "1970-1-1",
            "1970-01-01-01",
            "T00:00:00Z",
            "\u{ff11}970",
            "yesterday",
            "",
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_period_covers_both_of_its_ends() {
        let at = |text: &str| UnixTime::from_secs(seconds(text).unwrap().0.unsigned_abs());
        let standing = |json: &str, now: &str| {
            let period: Period = serde_json::from_str(json).unwrap();
            period.standing(at(now))
        };
        for (json, now, expected) in [
            ("{}", "2026-01-01T00:00:00Z", Standing::Current),
            // In the west it is still the last day of it at noon in UTC, and no longer.
            (
                r#"{"end":"2025"}"#,
                "2026-01-01T11:59:59Z",
                Standing::Current,
            ),
            (r#"{"end":"2025"}"#, "2026-01-01T12:00:00Z", Standing::Ended),
            (
                r#"{"end":"2026-03"}"#,
                "2026-03-31T23:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"end":"2026-03"}"#,
                "2026-04-01T11:59:59Z",
                Standing::Current,
            ),
            (
                r#"{"end":"2026-03"}"#,
                "2026-04-01T12:00:00Z",
                Standing::Ended,
            ),
            (
                r#"{"end":"2026-03-31"}"#,
                "2026-04-01T11:59:59Z",
                Standing::Current,
            ),
            (
                r#"{"end":"2026-03-31"}"#,
                "2026-04-01T12:00:00Z",
                Standing::Ended,
            ),
            // With a time and a zone it is one moment.
            (
                r#"{"end":"2026-03-31T00:00:00Z"}"#,
                "2026-03-31T00:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"end":"2026-03-31T00:00:00Z"}"#,
                "2026-03-31T00:00:01Z",
                Standing::Ended,
            ),
            (
                r#"{"start":"2026-03-31T00:00:00Z"}"#,
                "2026-03-30T23:59:59Z",
                Standing::NotYet,
            ),
            (
                r#"{"start":"2026-03-31T00:00:00Z"}"#,
                "2026-03-31T00:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"end":"2014-01-01T00:00:00"}"#,
                "2026-01-01T00:00:00Z",
                Standing::Ended,
            ),
            // In the east it has begun when it is ten o'clock of the day before in UTC.
            (
                r#"{"start":"2026"}"#,
                "2025-12-31T09:59:59Z",
                Standing::NotYet,
            ),
            (
                r#"{"start":"2026"}"#,
                "2025-12-31T10:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"start":"2026-03-31"}"#,
                "2026-03-30T09:59:59Z",
                Standing::NotYet,
            ),
            (
                r#"{"start":"2026-03-31"}"#,
                "2026-03-30T10:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"start":"2026","end":"2026"}"#,
                "2026-07-01T00:00:00Z",
                Standing::Current,
            ),
            (
                r#"{"start":"2027","end":"2025"}"#,
                "2026-07-01T00:00:00Z",
                Standing::Ended,
            ),
            (
                r#"{"end":"never","start":7}"#,
                "2026-07-01T00:00:00Z",
                Standing::Current,
            ),
            (r#"{"end":"1969"}"#, "1970-01-02T00:00:00Z", Standing::Ended),
        ] {
            assert_eq!(standing(json, now), expected, "{json} {now}");
        }
        assert_eq!(
            super::standing(None, at("2026-01-01T00:00:00Z")),
            Standing::Current
        );
        let ended: Period = serde_json::from_str(r#"{"end":"9999"}"#).unwrap();
        assert_eq!(
            ended.standing(UnixTime::from_secs(u64::MAX)),
            Standing::Ended
        );
    }
}
