//! Both sides of a comparison that failed, for a report that shows them in columns.

use smart_jose::header::HeaderError;
use smart_jose::jws::JwsError;
use smart_jose::jwt::{ClaimError, NumericDate};
use smart_jose::{Text, UnixTime};

use super::error::IdTokenError;

impl IdTokenError {
    /// What was expected, where something was compared. Never a nonce, a hash or a subject.
    #[must_use]
    pub fn expected(&self) -> Option<String> {
        self.sides().0
    }

    /// What was found, where something was compared. Text from outside is bounded and escaped.
    #[must_use]
    pub fn found(&self) -> Option<String> {
        self.sides().1
    }

    fn sides(&self) -> (Option<String>, Option<String>) {
        let shown = |it: &Text| it.to_string();
        match self {
            Self::Acr { asked, found } => both(shown(asked), found.as_ref().map(shown)),
            Self::AuthTimeTooOld {
                now,
                auth_time,
                max_age,
            } => both(
                format!("at most {} s before {now}", max_age.as_secs()),
                Some(auth_time.to_string()),
            ),
            Self::AuthTimeInFuture { now, auth_time } => not_after(*now, *auth_time),
            Self::AuthorizedParty { expected, found }
            | Self::OtherLaunch {
                expected, found, ..
            } => both(shown(expected), Some(shown(found))),
            Self::Changed { first, found, .. } => {
                (first.as_ref().map(shown), found.as_ref().map(shown))
            }
            Self::Claim(error) => of_claim(error),
            Self::Jws(error) => of_jws(error),
            Self::Subject { octets, .. } => both(
                "1 to 255 ASCII characters".to_owned(),
                Some(format!("{octets} octets")),
            ),
            Self::Type { found } => both("JWT, or nothing".to_owned(), Some(shown(found))),
            Self::CheckNotRun { .. }
            | Self::ClaimsJson(_)
            | Self::Hash { .. }
            | Self::Key(_)
            | Self::NoToken
            | Self::NonceMismatch
            | Self::NonceUnsolicited => (None, None),
        }
    }
}

fn both(expected: String, found: Option<String>) -> (Option<String>, Option<String>) {
    (
        Some(expected),
        Some(found.unwrap_or_else(|| "missing".to_owned())),
    )
}

fn not_after(now: UnixTime, found: NumericDate) -> (Option<String>, Option<String>) {
    both(format!("not after {now}"), Some(found.to_string()))
}

fn of_claim(error: &ClaimError) -> (Option<String>, Option<String>) {
    match error {
        ClaimError::Audience { expected, found } | ClaimError::Issuer { expected, found } => {
            both(expected.to_string(), Some(found.to_string()))
        }
        ClaimError::AudienceUntrusted { found } => (None, Some(found.to_string())),
        ClaimError::DateRange { found, .. } => both(
            "seconds between 1970 and 9999".to_owned(),
            Some(found.to_string()),
        ),
        ClaimError::Expired { now, exp, .. } => both(format!("after {now}"), Some(exp.to_string())),
        ClaimError::IssuedInFuture { now, iat, .. } => not_after(*now, *iat),
        ClaimError::IssuedTooLongAgo { now, iat, max_age } => both(
            format!("at most {} s before {now}", max_age.as_secs()),
            Some(iat.to_string()),
        ),
        ClaimError::NotYetValid { now, nbf, .. } => not_after(*now, *nbf),
        ClaimError::Missing { claim } => both((*claim).to_owned(), None),
        ClaimError::WrongType {
            expected, found, ..
        } => both((*expected).to_owned(), Some(found.to_string())),
        _ => (None, None),
    }
}

fn of_jws(error: &JwsError) -> (Option<String>, Option<String>) {
    match error {
        JwsError::Header(HeaderError::AlgorithmNotAccepted { found, accepted }) => {
            both(accepted.to_string(), Some(found.to_string()))
        }
        JwsError::SegmentCount { found } => both("3 parts".to_owned(), Some(found.to_string())),
        JwsError::TooLong { limit, found } => {
            both(format!("at most {limit} octets"), Some(found.to_string()))
        }
        _ => (None, None),
    }
}
