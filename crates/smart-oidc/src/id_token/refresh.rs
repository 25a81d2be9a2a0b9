//! ID tokens that come with a refresh (OpenID Connect Core 12.2).
//!
//! A refresh must not change who is at the screen. What follows when its ID token is not as it
//! should be depends on what is wrong: a token that may be another person's takes the access token
//! with it; one that is certainly the same person's and has a slip in it does not.

use smart_discovery::{DiscoveryError, KeySourceError};
use smart_jose::jwt::ClaimError;
use smart_jose::{ErrorClass, UnixTime};

use super::checks::CHECKS;
use super::error::IdTokenError;
use super::examination::{Evidence, Examination, Rules};
use super::expected::Expected;
use super::judgement::judge;
use super::outcome::Outcome;
use super::report::Report;
use super::token::IdToken;

/// What a session may do with the tokens of a refresh.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refreshed {
    /// The ID token is valid and about the same user: use all tokens of the response.
    Renewed(Box<IdToken>),
    /// Issuer, signature and subject are those of the session, but something else is wrong. Use
    /// the access token, drop this ID token, and keep the identity of the first one.
    SameUser {
        /// What is wrong with the ID token, for the log.
        error: IdTokenError,
        /// The whole list of checks on it.
        report: Box<Report>,
    },
}

/// Why nothing of a refresh response may be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// The ID token is not, or not provably, of the user of the session. Drop every token of the
    /// response unused and end the session.
    #[error("the refresh is not provably of the user who signed in: {0}")]
    IdentityChanged(#[source] IdTokenError),
    /// The issuer's keys cannot be had now, so nothing is decided. Do not use a token of the
    /// response before this function has said so; try again with the same response.
    #[error("the ID token of the refresh cannot be checked now: {0}")]
    Undecided(#[source] IdTokenError),
}

impl RefreshError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IdentityChanged(_) => "refresh-identity-changed",
            Self::Undecided(_) => "refresh-undecided",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::IdentityChanged(_) => ErrorClass::InvalidToken,
            Self::Undecided(_) => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::IdentityChanged(_) => "have the user launch the app again",
            Self::Undecided(error) => error.remedy(),
        }
    }
}

/// Says what follows: from a token that does not pass, the gravest of what is wrong with it.
pub(super) fn decide(
    evidence: &mut Evidence,
    rules: &Rules,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<Refreshed, RefreshError> {
    let first = match judge(evidence, rules, expected, now) {
        Ok(token) => return Ok(Refreshed::Renewed(Box::new(token))),
        Err(error) => error,
    };
    let examination = Examination::new(evidence, rules, expected, now);
    for check in &CHECKS {
        let error = match (check.run)(&examination) {
            Outcome::Passed => continue,
            Outcome::Failed(error) => error,
            Outcome::NotRun(because) => IdTokenError::CheckNotRun {
                check: check.id,
                because,
            },
        };
        if is_for_now(&error) {
            return Err(RefreshError::Undecided(error));
        }
        if check.binds && !is_a_slip(&error) {
            return Err(RefreshError::IdentityChanged(error));
        }
    }
    let report = Report::new(&examination);
    if report.valid {
        // No check objects, and yet there is no token: nothing is certain, so the stricter counts.
        return Err(RefreshError::IdentityChanged(first));
    }
    Ok(Refreshed::SameUser {
        error: first,
        report: Box::new(report),
    })
}

/// Whether the keys cannot be had at present, which says nothing about the token. That the server now
/// leads to another issuer is no matter of time.
fn is_for_now(error: &IdTokenError) -> bool {
    match error {
        IdTokenError::Key(KeySourceError::Discovery(error)) => {
            !matches!(**error, DiscoveryError::IssuerChanged { .. })
        }
        IdTokenError::Key(error) => !matches!(error, KeySourceError::Selection(_)),
        _ => false,
    }
}

/// What is wrong with a claim that binds the token to the user, without naming another: one that
/// is missing, or a date that nobody can mean.
fn is_a_slip(error: &IdTokenError) -> bool {
    matches!(
        error,
        IdTokenError::Changed { found: None, .. }
            | IdTokenError::AuthTimeInFuture { .. }
            | IdTokenError::Claim(ClaimError::DateRange {
                claim: "auth_time",
                ..
            })
    )
}
