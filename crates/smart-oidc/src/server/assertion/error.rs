//! Why a client assertion is refused, for the operator. The client learns `invalid_client`, or that
//! nobody was able to judge.

use core::time::Duration;

use smart_discovery::{JwksError, KeySourceError};
use smart_jose::json::JsonError;
use smart_jose::jws::JwsError;
use smart_jose::jwt::{ClaimError, NumericDate};
use smart_jose::{ErrorClass, Text, UnixTime};

use super::super::refusal::Refusal;
use super::replay::ReplayStoreError;

/// Why a client assertion is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AssertionError {
    /// `aud` is not this server, or also somebody else (RFC 7523 3 (3)).
    #[error("aud is {found}, expected {expected} and nothing else")]
    Audience {
        /// What is accepted.
        expected: Text,
        /// What `aud` says.
        found: Text,
    },
    /// A claim is missing, of the wrong type, or does not hold at this time (RFC 7523 3).
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// `iss`, `sub` or the parameter `client_id` is of another client (RFC 7523 3 (1), (2)).
    #[error("{name} is {found}, and the client is {expected}")]
    Client {
        /// The claim, or the parameter.
        name: &'static str,
        /// The client whose keys were used.
        expected: Text,
        /// What it says.
        found: Text,
    },
    /// There is a type and no assertion, or an assertion and no type (RFC 7521 4.2).
    #[error("client_assertion and client_assertion_type come together; {missing} is missing")]
    Incomplete {
        /// The parameter that is missing.
        missing: &'static str,
    },
    /// `jku` is not the URL that the client registered. Nothing was fetched (SMART App Launch 2.2,
    /// Signature Verification).
    #[error("jku is {found}, registered is {}", .registered.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string))]
    Jku {
        /// The URL that the client registered; none where it registered its keys themselves.
        registered: Option<Text>,
        /// What `jku` says; empty where it is no string.
        found: Text,
    },
    /// `jti` is empty, so that nobody could tell a second use.
    #[error("jti is empty")]
    JtiBlank,
    /// The claims are not a strict JSON object.
    #[error("the claims are not a strict JSON object: {0}")]
    Json(#[from] JsonError),
    /// The token does not have the form, its algorithm is not accepted, or its signature is not
    /// good.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// There is no one key for the token: none, several, or none that can be had.
    #[error("no one key of the client: {0}")]
    Keys(#[from] KeySourceError),
    /// Several keys of the client fit. A server takes the one that is meant, or none (SMART App
    /// Launch 2.2, Signature Verification).
    #[error("{found} keys of the client fit the kid {kid}")]
    KeyAmbiguous {
        /// The `kid` of the token.
        kid: Text,
        /// How many fit.
        found: usize,
    },
    /// The token would be good for longer than an assertion may be (SMART App Launch 2.2: five
    /// minutes).
    #[error("exp is {exp}, more than {} s after {now}", .limit.as_secs())]
    Lifetime {
        /// The time of the check.
        now: UnixTime,
        /// What `exp` says.
        exp: NumericDate,
        /// How far ahead it may lie, the leeway with it.
        limit: Duration,
    },
    /// The header has no `kid` (SMART App Launch 2.2, Authenticating to the Token Endpoint).
    #[error("the header has no kid")]
    NoKid,
    /// The assertion was used before (RFC 7523 3 (7)).
    #[error("the assertion was used before")]
    Replayed,
    /// Nobody can say whether the assertion was used before, so it counts as used.
    #[error(transparent)]
    ReplayStore(#[from] ReplayStoreError),
    /// `client_assertion_type` is not the one for JWTs (RFC 7523 2.2).
    #[error("client_assertion_type is {found}")]
    Type {
        /// What it says.
        found: Text,
    },
    /// `typ` is neither `JWT` nor `client-authentication+jwt`: the token was made for something
    /// else.
    #[error("typ is {}, not JWT or client-authentication+jwt", .found.as_ref().map_or_else(|| "missing".to_owned(), ToString::to_string))]
    Typ {
        /// What it says.
        found: Option<Text>,
    },
}

impl AssertionError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Audience { .. } => "assertion-audience",
            Self::Claim(error) => error.code(),
            Self::Client { .. } => "assertion-client",
            Self::Incomplete { .. } => "assertion-incomplete",
            Self::Jku { .. } => "assertion-jku",
            Self::JtiBlank => "assertion-jti-blank",
            Self::Json(_) => "claims-json",
            Self::Jws(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::KeyAmbiguous { .. } => "key-ambiguous",
            Self::Lifetime { .. } => "assertion-lifetime",
            Self::NoKid => "assertion-no-kid",
            Self::Replayed => "assertion-replayed",
            Self::ReplayStore(error) => error.code(),
            Self::Type { .. } => "assertion-type",
            Self::Typ { .. } => "assertion-typ",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Incomplete { .. } | Self::Type { .. } => ErrorClass::InvalidRequest,
            Self::Jws(error) => error.class(),
            Self::Keys(error) => error.class(),
            Self::ReplayStore(error) => error.class(),
            Self::Audience { .. }
            | Self::Claim(_)
            | Self::Client { .. }
            | Self::Jku { .. }
            | Self::JtiBlank
            | Self::Json(_)
            | Self::KeyAmbiguous { .. }
            | Self::Lifetime { .. }
            | Self::NoKid
            | Self::Replayed
            | Self::Typ { .. } => ErrorClass::InvalidToken,
        }
    }

    /// What the client is told: `invalid_client` where the assertion was judged (RFC 7521 4.2.1; SMART
    /// App Launch 2.2), and `temporarily_unavailable` where it could not be, since the store of used
    /// assertions or the client's key URL is down. Otherwise an outage of a minute would tell every client that
    /// its registration is wrong.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::ReplayStore(_) => Refusal::TemporarilyUnavailable,
            Self::Keys(error) if are_out_of_reach(error) => Refusal::TemporarilyUnavailable,
            _ => Refusal::InvalidClient,
        }
    }
}

/// Whether nobody knows the keys of the client. A set that was read and has no key for the token is
/// known, also where a later fetch may bring another: anybody can send a `kid` that is in no set,
/// and would learn by another answer who is registered with a URL.
const fn are_out_of_reach(error: &KeySourceError) -> bool {
    match error {
        KeySourceError::UnknownRetry { .. }
        | KeySourceError::Fetch(JwksError::NoUsableKey { .. }) => false,
        other => matches!(other.class(), ErrorClass::Upstream),
    }
}
