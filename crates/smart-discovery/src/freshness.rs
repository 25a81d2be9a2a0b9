//! How long a fetched document may be used, from what its answer says (RFC 9111).
//!
//! The answer chooses within bounds that are ours: a server that says "for a year" must not keep
//! a withdrawn key alive, and one that says "never" must not be asked at every sign-in.

use core::time::Duration;

use http::{HeaderMap, HeaderName, header};
use smart_jose::UnixTime;

/// The life of a document whose answer says nothing of it, unless set otherwise.
pub const LIFE: Duration = Duration::from_secs(600);
/// The shortest life.
pub const MIN_LIFE: Duration = Duration::from_secs(60);
/// The longest life: a key that is withdrawn must die one day.
pub const MAX_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// The bounds within which an answer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The shortest life.
    pub(crate) floor: Duration,
    /// The life where nothing is said, or nothing that can be read.
    pub(crate) default: Duration,
    /// The longest life.
    pub(crate) ceiling: Duration,
}

impl Bounds {
    /// Exactly what is said, if it is not longer than [`MAX_LIFE`]; [`MIN_LIFE`] where nothing is.
    pub(crate) const fn as_said() -> Self {
        Self {
            floor: Duration::ZERO,
            default: MIN_LIFE,
            ceiling: MAX_LIFE,
        }
    }

    /// [`MIN_LIFE`] to [`MAX_LIFE`], and this where nothing is said.
    pub(crate) fn with_default(life: Duration) -> Self {
        Self {
            floor: MIN_LIFE,
            default: life.clamp(MIN_LIFE, MAX_LIFE),
            ceiling: MAX_LIFE,
        }
    }
}

/// How long an answer may be used from now on.
///
/// `max-age` goes before `Expires` (RFC 9111 4.2.1), and the smallest value wins where several
/// disagree. `no-store`, `no-cache` and a date in the past mean the floor, what cannot be read
/// means the default, and a number too large the ceiling. What the answer has spent in other
/// caches is taken off (4.2.3). `s-maxage` is for shared caches, and this is none. Where the
/// answer has no `Date`, `now` stands for it.
pub(crate) fn life(headers: &HeaderMap, now: UnixTime, bounds: Bounds) -> Duration {
    let said = cache_control(headers).or_else(|| expires(headers, now));
    let life = said.map_or(bounds.default, |life| life.saturating_sub(age(headers)));
    life.clamp(bounds.floor, bounds.ceiling)
}

/// The shortest life that the directives of all `Cache-Control` fields give.
fn cache_control(headers: &HeaderMap) -> Option<Duration> {
    let fields = headers.get_all(header::CACHE_CONTROL).iter();
    let fields = fields.filter_map(|it| it.to_str().ok());
    fields.flat_map(directives).filter_map(directive).min()
}

/// The life that one directive gives. `no-cache` with the name of a field is about that field
/// alone; taken for the whole answer it costs a request and does no harm.
fn directive(text: &str) -> Option<Duration> {
    let (name, argument) = text.split_once('=').unwrap_or((text, ""));
    let is = |it: &str| name.trim().eq_ignore_ascii_case(it);
    if is("no-store") || is("no-cache") {
        Some(Duration::ZERO)
    } else if is("max-age") {
        seconds(argument.trim().trim_matches('"'))
    } else {
        None
    }
}

/// A field's directives: what stands between commas that are not within quotation marks.
fn directives(field: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    field.split(move |it: char| {
        quoted ^= it == '"';
        it == ',' && !quoted
    })
}

/// The life up to the earliest `Expires`.
fn expires(headers: &HeaderMap, now: UnixTime) -> Option<Duration> {
    let made = date(headers, header::DATE).unwrap_or(now);
    let fields = headers.get_all(header::EXPIRES).iter();
    let lives = fields.filter_map(|field| {
        let field = field.to_str().ok()?.trim();
        // Written by many servers for "at once" (RFC 9111 5.3).
        if field == "0" || field == "-1" {
            return Some(Duration::ZERO);
        }
        let until = http_date(field)?;
        Some(Duration::from_secs(
            until.as_secs().saturating_sub(made.as_secs()),
        ))
    });
    lives.min()
}

/// What the answer has spent in other caches; the most where several disagree.
fn age(headers: &HeaderMap) -> Duration {
    let fields = headers.get_all(header::AGE).iter();
    let ages = fields.filter_map(|it| seconds(it.to_str().ok()?.trim()));
    ages.max().unwrap_or_default()
}

/// A number of seconds; one that is too large for us is the largest (RFC 9111 1.2.2).
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)))
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<UnixTime> {
    http_date(headers.get(name)?.to_str().ok()?)
}

/// A date in one of the three forms of RFC 9110 5.6.7.
pub(crate) fn http_date(text: &str) -> Option<UnixTime> {
    let date = httpdate::parse_http_date(text.trim()).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UnixTime::from_secs(since.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wednesday, 15 November 2023, 07:28:00 GMT.
    const NOW: UnixTime = UnixTime::from_secs(1_700_033_280);
    const DEFAULT: u64 = 600;
    const FLOOR: u64 = 60;
    const CEILING: u64 = 86_400;

    fn said(fields: &[(&str, &str)]) -> u64 {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, value.parse().unwrap());
        }
        life(&headers, NOW, Bounds::with_default(LIFE)).as_secs()
    }

    fn cache_control_of(value: &str) -> u64 {
        said(&[("cache-control", value)])
    }

    // covers: CACHE-1, CACHE-2, CACHE-4, CACHE-5, CACHE-6, CACHE-15
    #[test]
    fn j1_cache_control_chooses_between_floor_and_ceiling() {
        for (value, expected) in [
            ("max-age=300", 300),
            ("Max-Age=300", 300),
            ("MAX-AGE=300", 300),
            ("max-age=\"300\"", 300),
            ("public, max-age=300, must-revalidate", 300),
            ("public,max-age=300,s-maxage=1", 300),
            (" max-age = 300 ", 300),
            ("max-age=60", FLOOR),
            ("max-age=59", FLOOR),
            ("max-age=0", FLOOR),
            ("max-age=86400", CEILING),
            ("max-age=86401", CEILING),
            ("max-age=31536000", CEILING),
            ("max-age=18446744073709551615", CEILING),
            ("max-age=18446744073709551616", CEILING),
            ("max-age=99999999999999999999999999", CEILING),
            ("no-store", FLOOR),
            ("No-Store", FLOOR),
            ("no-cache", FLOOR),
            ("no-cache, max-age=300", FLOOR),
            ("max-age=300, no-store", FLOOR),
            ("no-cache=\"set-cookie\", max-age=300", FLOOR),
            // Conflicting values: the smallest.
            ("max-age=300, max-age=900", 300),
            ("max-age=900, max-age=300", 300),
            // Nothing said, or nothing that can be read.
            ("", DEFAULT),
            ("public", DEFAULT),
            ("s-maxage=5", DEFAULT),
            ("max-age", DEFAULT),
            ("max-age=", DEFAULT),
            ("max-age=abc", DEFAULT),
            ("max-age=-1", DEFAULT),
            ("max-age=+300", DEFAULT),
            ("max-age=3e2", DEFAULT),
            ("max-age=300.5", DEFAULT),
            ("max-age=300;", DEFAULT),
            ("xmax-age=5", DEFAULT),
            ("max-age=abc, max-age=300", 300),
            // What stands within quotation marks is no directive.
            ("private=\"a, no-store, b\", max-age=300", 300),
            ("ext=\"max-age=5\"", DEFAULT),
            ("private=\"never closed, max-age=300", DEFAULT),
        ] {
            assert_eq!(cache_control_of(value), expected, "{value:?}");
        }
        assert_eq!(said(&[]), DEFAULT);
        let two = [
            ("cache-control", "public"),
            ("cache-control", "max-age=300"),
        ];
        assert_eq!(said(&two), 300);
    }

    // covers: CACHE-2, CACHE-4
    #[test]
    fn j1_expires_counts_from_date_and_behind_max_age() {
        let date = "Wed, 15 Nov 2023 07:00:00 GMT";
        for (expires, expected) in [
            ("Wed, 15 Nov 2023 07:05:00 GMT", 300),
            ("Wednesday, 15-Nov-23 07:05:00 GMT", 300),
            ("Wed Nov 15 07:05:00 2023", 300),
            ("Wed, 15 Nov 2023 07:00:00 GMT", FLOOR),
            ("Wed, 15 Nov 2023 06:00:00 GMT", FLOOR),
            ("Thu, 01 Jan 1970 00:00:00 GMT", FLOOR),
            ("0", FLOOR),
            ("-1", FLOOR),
            ("Mon, 16 Nov 2043 07:00:00 GMT", CEILING),
            ("never", DEFAULT),
            ("", DEFAULT),
            ("1700033580", DEFAULT),
            ("Wed, 32 Nov 2023 07:05:00 GMT", DEFAULT),
        ] {
            assert_eq!(
                said(&[("date", date), ("expires", expires)]),
                expected,
                "{expires:?}"
            );
        }
        // Without a date, or with a bad one, the moment of the answer stands for it.
        let until = ("expires", "Wed, 15 Nov 2023 07:33:00 GMT");
        assert_eq!(said(&[until]), 300);
        assert_eq!(said(&[("date", "soon"), until]), 300);
        assert_eq!(said(&[until, ("expires", "0")]), FLOOR);
        assert_eq!(said(&[until, ("cache-control", "max-age=120")]), 120);
        assert_eq!(said(&[until, ("cache-control", "max-age=abc")]), 300);
    }

    // covers: CACHE-3
    #[test]
    fn j1_time_spent_in_other_caches_is_taken_off() {
        let max_age = ("cache-control", "max-age=900");
        for (age, expected) in [
            ("0", 900),
            ("290", 610),
            ("890", FLOOR),
            ("900", FLOOR),
            ("99999999999999999999", FLOOR),
            ("-5", 900),
            ("soon", 900),
        ] {
            assert_eq!(said(&[max_age, ("age", age)]), expected, "{age:?}");
        }
        assert_eq!(said(&[max_age, ("age", "10"), ("age", "100")]), 800);
        // Where nothing is said of the life, nothing is taken off the default.
        assert_eq!(said(&[("age", "500")]), DEFAULT);
    }

    #[test]
    fn a_setting_beyond_the_bounds_is_moved_to_them() {
        let default = |secs| {
            Bounds::with_default(Duration::from_secs(secs))
                .default
                .as_secs()
        };
        assert_eq!(default(3600), 3600);
        assert_eq!(default(1), FLOOR);
        assert_eq!(default(u64::MAX), CEILING);
    }

    proptest::proptest! {
        #[test]
        fn any_headers_give_a_life_within_the_bounds(
            control in "[ -~]{0,60}",
            expires in "[ -~]{0,40}",
            age in "[ -~]{0,25}",
        ) {
            let life = said(&[
                ("cache-control", control.trim()), ("expires", expires.trim()), ("age", age.trim()),
            ]);
            proptest::prop_assert!((FLOOR..=CEILING).contains(&life));
        }
    }
}
