//! One function for each rule about a registered claim.
//!
//! [`super::validate`] runs them for any token; a profile with more rules, such as ID tokens,
//! composes the same functions with its own. An expected value is a required claim, and a claim
//! of the wrong type is never an absent one.

use core::time::Duration;

use super::claims::{Audience, NumericDate};
use crate::class::ErrorClass;
use crate::member::{FromJson, JsonType, Member};
use crate::text::Text;
use crate::time::UnixTime;

/// The leeway that is used where the caller says nothing.
pub const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
/// The largest leeway; more would keep dead tokens alive.
pub const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Why a claim is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// The token is for somebody else.
    #[error("aud is {found}, which does not name {expected}")]
    Audience {
        /// Who we are.
        expected: Text,
        /// The audiences of the token.
        found: Text,
    },
    /// The token is also for somebody whom the caller does not trust.
    #[error("aud also names {found}, which is not trusted here")]
    AudienceUntrusted {
        /// The first audience that is not trusted.
        found: Text,
    },
    /// A date that no token can mean: before 1970, beyond the year 9999, or milliseconds.
    #[error("{claim} is {found}, which is no date in seconds between 1970 and 9999")]
    DateRange {
        /// The name of the claim.
        claim: &'static str,
        /// What the claim says.
        found: NumericDate,
    },
    /// The token has expired.
    #[error("the token expired at {exp}, it is {now} (leeway {} s)", .leeway.as_secs())]
    Expired {
        /// The time of the check.
        now: UnixTime,
        /// What `exp` says.
        exp: NumericDate,
        /// The leeway that was granted.
        leeway: Duration,
    },
    /// The token says that it was issued in the future.
    #[error("the token is issued at {iat}, it is {now} (leeway {} s)", .leeway.as_secs())]
    IssuedInFuture {
        /// The time of the check.
        now: UnixTime,
        /// What `iat` says.
        iat: NumericDate,
        /// The leeway that was granted.
        leeway: Duration,
    },
    /// The token is older than the caller allows.
    #[error("the token is issued at {iat}, more than {} s before {now}", .max_age.as_secs())]
    IssuedTooLongAgo {
        /// The time of the check.
        now: UnixTime,
        /// What `iat` says.
        iat: NumericDate,
        /// The age that is allowed.
        max_age: Duration,
    },
    /// The token is from somebody else.
    #[error("iss is {found}, expected {expected}")]
    Issuer {
        /// The issuer that is trusted.
        expected: Text,
        /// What `iss` says.
        found: Text,
    },
    /// A claim is missing.
    #[error("{claim} is missing")]
    Missing {
        /// The name of the claim.
        claim: &'static str,
    },
    /// The token is not valid yet.
    #[error("the token is not valid before {nbf}, it is {now} (leeway {} s)", .leeway.as_secs())]
    NotYetValid {
        /// The time of the check.
        now: UnixTime,
        /// What `nbf` says.
        nbf: NumericDate,
        /// The leeway that was granted.
        leeway: Duration,
    },
    /// A claim has another JSON type.
    #[error("{claim} is {found}, not {expected}")]
    WrongType {
        /// The name of the claim.
        claim: &'static str,
        /// The type that is asked for.
        expected: &'static str,
        /// The type that was found.
        found: JsonType,
    },
}

impl ClaimError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Audience { .. } => "claim-audience",
            Self::AudienceUntrusted { .. } => "claim-audience-untrusted",
            Self::DateRange { .. } => "claim-date-range",
            Self::Expired { .. } => "claim-expired",
            Self::IssuedInFuture { .. } => "claim-issued-in-future",
            Self::IssuedTooLongAgo { .. } => "claim-issued-too-long-ago",
            Self::Issuer { .. } => "claim-issuer",
            Self::Missing { .. } => "claim-missing",
            Self::NotYetValid { .. } => "claim-not-yet-valid",
            Self::WrongType { .. } => "claim-type",
        }
    }

    /// The claim that the error is about.
    #[must_use]
    pub const fn claim(&self) -> &'static str {
        match self {
            Self::Audience { .. } | Self::AudienceUntrusted { .. } => "aud",
            Self::DateRange { claim, .. }
            | Self::Missing { claim }
            | Self::WrongType { claim, .. } => claim,
            Self::Expired { .. } => "exp",
            Self::IssuedInFuture { .. } | Self::IssuedTooLongAgo { .. } => "iat",
            Self::Issuer { .. } => "iss",
            Self::NotYetValid { .. } => "nbf",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

/// A claim that must be there with the right type; `null` is a wrong type.
///
/// # Errors
///
/// [`ClaimError::Missing`], [`ClaimError::WrongType`].
pub fn required<'c, T: FromJson>(
    claim: &'static str,
    found: &'c Member<T>,
) -> Result<&'c T, ClaimError> {
    optional(claim, found)?.ok_or(ClaimError::Missing { claim })
}

/// A claim that may be absent, but if it is there has the right type; `null` is a wrong type.
///
/// # Errors
///
/// [`ClaimError::WrongType`].
pub fn optional<'c, T: FromJson>(
    claim: &'static str,
    found: &'c Member<T>,
) -> Result<Option<&'c T>, ClaimError> {
    match found {
        Member::Absent => Ok(None),
        Member::Value(value) => Ok(Some(value)),
        Member::WrongType(found) => Err(ClaimError::WrongType {
            claim,
            expected: T::EXPECTED,
            found: *found,
        }),
    }
}

/// `iss` is exactly this one, character for character (RFC 7519 4.1.1).
///
/// # Errors
///
/// [`ClaimError::Issuer`], and those of [`required`].
pub fn issuer<S: FromJson + AsRef<str>>(
    found: &Member<S>,
    expected: &str,
) -> Result<(), ClaimError> {
    let found = required("iss", found)?.as_ref();
    if found != expected {
        let (expected, found) = (Text::new(expected), Text::new(found));
        return Err(ClaimError::Issuer { expected, found });
    }
    Ok(())
}

/// `aud` names us, and nobody whom we do not trust (RFC 7519 4.1.3; OpenID Connect Core
/// 3.1.3.7 (3)).
///
/// # Errors
///
/// [`ClaimError::Audience`], [`ClaimError::AudienceUntrusted`], and those of [`required`].
pub fn audience(
    found: &Member<Audience>,
    expected: &str,
    trusted: &[String],
) -> Result<(), ClaimError> {
    let found = required("aud", found)?;
    if !found.contains(expected) {
        let all = found.iter().take(8).collect::<Vec<_>>().join(", ");
        return Err(ClaimError::Audience {
            expected: Text::new(expected),
            found: Text::new(&all),
        });
    }
    let is_trusted = |it: &&str| *it == expected || trusted.iter().any(|trusted| trusted == it);
    match found.iter().find(|it| !is_trusted(it)) {
        Some(stranger) => Err(ClaimError::AudienceUntrusted {
            found: Text::new(stranger),
        }),
        None => Ok(()),
    }
}

/// The time is before `exp`, which is required. At `exp` the token has expired; the leeway is
/// granted on top (RFC 7519 4.1.4).
///
/// # Errors
///
/// [`ClaimError::Expired`], [`ClaimError::DateRange`], and those of [`required`].
pub fn expiry(
    found: &Member<NumericDate>,
    now: UnixTime,
    leeway: Duration,
) -> Result<(), ClaimError> {
    let exp = *required("exp", found)?;
    plausible("exp", exp)?;
    if seconds(now) - leeway.as_secs_f64() >= exp.as_secs() {
        return Err(ClaimError::Expired { now, exp, leeway });
    }
    Ok(())
}

/// The time is not before `nbf`, if there is one (RFC 7519 4.1.5).
///
/// # Errors
///
/// [`ClaimError::NotYetValid`], [`ClaimError::DateRange`], [`ClaimError::WrongType`].
pub fn not_before(
    found: &Member<NumericDate>,
    now: UnixTime,
    leeway: Duration,
) -> Result<(), ClaimError> {
    let Some(nbf) = optional("nbf", found)?.copied() else {
        return Ok(());
    };
    plausible("nbf", nbf)?;
    if seconds(now) + leeway.as_secs_f64() < nbf.as_secs() {
        return Err(ClaimError::NotYetValid { now, nbf, leeway });
    }
    Ok(())
}

/// `iat` is not in the future beyond the leeway, and not older than `max_age` where one is given
/// (RFC 7519 4.1.6; OpenID Connect Core 3.1.3.7 (10)). Whether the claim must be there is the
/// caller's rule.
///
/// # Errors
///
/// [`ClaimError::IssuedInFuture`], [`ClaimError::IssuedTooLongAgo`], [`ClaimError::DateRange`].
pub fn issued_at(
    iat: NumericDate,
    now: UnixTime,
    leeway: Duration,
    max_age: Option<Duration>,
) -> Result<(), ClaimError> {
    plausible("iat", iat)?;
    if seconds(now) + leeway.as_secs_f64() < iat.as_secs() {
        return Err(ClaimError::IssuedInFuture { now, iat, leeway });
    }
    match max_age {
        Some(max_age)
            if seconds(now) - leeway.as_secs_f64() - max_age.as_secs_f64() > iat.as_secs() =>
        {
            Err(ClaimError::IssuedTooLongAgo { now, iat, max_age })
        }
        _ => Ok(()),
    }
}

/// The claim is a date that a token can mean.
///
/// # Errors
///
/// [`ClaimError::DateRange`].
pub fn plausible(claim: &'static str, date: NumericDate) -> Result<(), ClaimError> {
    if date.is_plausible() {
        Ok(())
    } else {
        Err(ClaimError::DateRange { claim, found: date })
    }
}

fn seconds(time: UnixTime) -> f64 {
    NumericDate::from_time(time).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn date(json: &str) -> Member<NumericDate> {
        serde_json::from_str(json).unwrap()
    }

    fn code(result: Result<(), ClaimError>) -> Result<(), &'static str> {
        result.map_err(|error| error.code())
    }

    // covers: OIDC-IDT-4, OIDC-VAL-9, JWT-3, JWT-4
    #[test]
    fn exp_has_its_edge_at_the_second() {
        let cases = [
            ("1700000001", Duration::ZERO, Ok(())),
            ("1700000000.5", Duration::ZERO, Ok(())),
            ("1700000000", Duration::ZERO, Err("claim-expired")),
            ("1699999999.999", Duration::ZERO, Err("claim-expired")),
            ("1699999941", MINUTE, Ok(())),
            ("1699999940.1", MINUTE, Ok(())),
            ("1699999940", MINUTE, Err("claim-expired")),
            ("1.7e9", MINUTE, Ok(())),
            ("0", MINUTE, Err("claim-expired")),
            ("-0", MINUTE, Err("claim-expired")),
            ("1e-300", MINUTE, Err("claim-expired")),
            ("-1", MINUTE, Err("claim-date-range")),
            ("1700000000000", MINUTE, Err("claim-date-range")),
            ("253402300799", MINUTE, Ok(())),
            ("253402300800", MINUTE, Err("claim-date-range")),
            ("9007199254740993", MINUTE, Err("claim-date-range")),
            ("18446744073709551615", MINUTE, Err("claim-date-range")),
            ("18446744073709551616", MINUTE, Err("claim-date-range")),
            ("1e300", MINUTE, Err("claim-date-range")),
            ("\"1700000001\"", MINUTE, Err("claim-type")),
            ("null", MINUTE, Err("claim-type")),
            ("true", MINUTE, Err("claim-type")),
            ("[1700000001]", MINUTE, Err("claim-type")),
        ];
        for (json, leeway, expected) in cases {
            assert_eq!(code(expiry(&date(json), NOW, leeway)), expected, "{json}");
        }
        assert_eq!(
            code(expiry(&Member::Absent, NOW, MINUTE)),
            Err("claim-missing")
        );
    }

    // covers: JWT-5
    #[test]
    fn nbf_has_its_edge_at_the_second_and_may_be_absent() {
        let cases = [
            ("1700000000", Duration::ZERO, Ok(())),
            ("1700000000.5", Duration::ZERO, Err("claim-not-yet-valid")),
            ("1700000060", MINUTE, Ok(())),
            ("1700000061", MINUTE, Err("claim-not-yet-valid")),
            ("1700000000000", MINUTE, Err("claim-date-range")),
            ("\"0\"", MINUTE, Err("claim-type")),
            ("null", MINUTE, Err("claim-type")),
        ];
        for (json, leeway, expected) in cases {
            assert_eq!(
                code(not_before(&date(json), NOW, leeway)),
                expected,
                "{json}"
            );
        }
        assert_eq!(not_before(&Member::Absent, NOW, MINUTE), Ok(()));
    }

    // covers: OIDC-VAL-10, JWT-6
    #[test]
    fn iat_has_two_edges() {
        let age = Some(Duration::from_secs(600));
        let cases = [
            ("1700000060", None, Ok(())),
            ("1700000061", None, Err("claim-issued-in-future")),
            ("0", None, Ok(())),
            ("1699999340", age, Ok(())),
            ("1699999339", age, Err("claim-issued-too-long-ago")),
            ("1700000000000", None, Err("claim-date-range")),
        ];
        for (json, max_age, expected) in cases {
            let iat = date(json).into_value().unwrap();
            assert_eq!(
                code(issued_at(iat, NOW, MINUTE, max_age)),
                expected,
                "{json}"
            );
        }
    }

    // covers: OIDC-VAL-2, OIDC-AUT-12, JWT-8
    #[test]
    fn adv_iss_substring_and_every_other_spelling_is_refused() {
        let iss = |json: &str| serde_json::from_str::<Member<String>>(json).unwrap();
        let check = |json: &str| code(issuer(&iss(json), "https://ehr.example/oidc"));
        assert_eq!(check(r#""https://ehr.example/oidc""#), Ok(()));
        assert_eq!(check(r#""https:\/\/ehr.example\/oidc""#), Ok(()));
        for other in [
            "https://ehr.example/oidc/",
            "https://ehr.example",
            "https://ehr.example/oid",
            "https://EHR.example/oidc",
            "http://ehr.example/oidc",
            "https://ehr.example:443/oidc",
            "https://ehr.example/oidc1",
            " https://ehr.example/oidc",
            "https://u@ehr.example/oidc",
            "",
        ] {
            assert_eq!(check(&format!("{other:?}")), Err("claim-issuer"), "{other}");
        }
        for json in [r#"["https://ehr.example/oidc"]"#, "null", "{}", "1"] {
            assert_eq!(check(json), Err("claim-type"), "{json}");
        }
        assert_eq!(
            code(issuer(&Member::<String>::Absent, "")),
            Err("claim-missing")
        );
    }

    // covers: OIDC-VAL-3, OIDC-IDT-3, JWT-7, BCP-9
    #[test]
    fn aud_names_us_and_nobody_else() {
        let trusted = ["partner".to_owned()];
        let check = |json: &str| {
            let aud = serde_json::from_str::<Member<Audience>>(json).unwrap();
            code(audience(&aud, "app", &trusted))
        };
        for json in [
            r#""app""#,
            r#"["app"]"#,
            r#"["app","app"]"#,
            r#"["partner","app"]"#,
        ] {
            assert_eq!(check(json), Ok(()), "{json}");
        }
        for json in [
            "[]",
            r#""""#,
            r#""App""#,
            r#""app ""#,
            r#"["partner"]"#,
            r#""app,partner""#,
        ] {
            assert_eq!(check(json), Err("claim-audience"), "{json}");
        }
        assert_eq!(
            check(r#"["app","stranger"]"#),
            Err("claim-audience-untrusted")
        );
        for json in [
            "null",
            "1",
            r#"["app",1]"#,
            r#"{"app":1}"#,
            r#"[["app"]]"#,
            r#"["app",null]"#,
        ] {
            assert_eq!(check(json), Err("claim-type"), "{json}");
        }
        assert_eq!(
            code(audience(&Member::Absent, "app", &[])),
            Err("claim-missing")
        );
    }
}
