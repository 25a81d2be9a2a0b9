//! Why nothing is issued, and why a key cannot join the ring.

use core::time::Duration;

use smart_jose::crypto::PrepareError;
use smart_jose::jwk::SkipReason;
use smart_jose::jws::SignError;
use smart_jose::{Algorithm, Algorithms, ErrorClass, Text, UnixTime};

use crate::fhir_user::FhirUserError;
use crate::id_token::IdTokenError;

/// Why no ID token is issued.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The scope `fhirUser` is granted and the grant names no resource (SMART App Launch 2.2,
    /// Scopes for requesting identity data). A server that has no resource for the user does not
    /// grant the scope.
    #[error("the scope fhirUser is granted, but the grant names no resource for the user")]
    FhirUserMissing,
    /// What the token would say of the user is read otherwise than it was meant.
    #[error("the token would not name the resource that was meant: {0}")]
    FhirUser(#[source] FhirUserError),
    /// An audience is empty, or named twice.
    #[error("the audience {found} is empty, or named twice")]
    Audience {
        /// The audience.
        found: Text,
    },
    /// A claim of the caller's has a name that this code writes itself.
    #[error("the claim {claim} is written by the issuer itself")]
    ReservedClaim {
        /// Its name.
        claim: Text,
    },
    /// The lifetime is zero, or longer than a token may live.
    #[error("a lifetime of {} s; it must be 1 to {} s", .found.as_secs(), .limit.as_secs())]
    Lifetime {
        /// The longest lifetime.
        limit: Duration,
        /// What was asked for.
        found: Duration,
    },
    /// The client asked for a `max_age`, so the token needs `auth_time` (OpenID Connect Core 2).
    #[error("max_age was asked for, but the grant has no auth_time")]
    NoAuthTime,
    /// No key signs with the algorithm of the client.
    #[error("no key of the ring signs with {algorithm}")]
    NoKey {
        /// The algorithm that the client is registered with.
        algorithm: Algorithm,
    },
    /// The scope `openid` is not granted, so there is no ID token (OpenID Connect Core 3.1.2.1).
    #[error("the scope openid is not granted")]
    NoOpenid,
    /// The token would outlive the time for which its key stays published.
    #[error("tokens live {} s, the keys are published for tokens of {} s", .lifetime.as_secs(), .planned.as_secs())]
    OutlivesKey {
        /// The lifetime of the issuer's tokens.
        lifetime: Duration,
        /// The lifetime that the ring was planned for.
        planned: Duration,
    },
    /// The grant is for a refresh, which carries no nonce (OpenID Connect Core 12.2).
    #[error("a refreshed ID token has no nonce")]
    NonceOnRefresh,
    /// A refreshed token must be newer than the first (OpenID Connect Core 12.2). Answer without an
    /// ID token, as a refresh may.
    #[error("it is {now}, not after the first token of {first}")]
    RefreshTooSoon {
        /// When the first token was issued, in whole seconds.
        first: UnixTime,
        /// The time of this one.
        now: UnixTime,
    },
    /// The key does not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A correct client would refuse the token.
    #[error("a client would refuse the token: {0}")]
    WouldBeRefused(#[source] IdTokenError),
}

impl IssueError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Audience { .. } => "issue-audience",
            Self::FhirUserMissing => "issue-fhir-user-missing",
            Self::FhirUser(_) => "issue-fhir-user",
            Self::ReservedClaim { .. } => "issue-reserved-claim",
            Self::Lifetime { .. } => "issue-lifetime",
            Self::NoAuthTime => "issue-no-auth-time",
            Self::NoKey { .. } => "issue-no-key",
            Self::NoOpenid => "issue-no-openid",
            Self::OutlivesKey { .. } => "issue-outlives-key",
            Self::NonceOnRefresh => "issue-nonce-on-refresh",
            Self::RefreshTooSoon { .. } => "issue-refresh-too-soon",
            Self::Sign(_) => "issue-sign",
            Self::WouldBeRefused(_) => "issue-would-be-refused",
        }
    }

    /// Whose fault it is: always the server's own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// Why a key cannot join the ring, or a schedule cannot hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRingError {
    /// The `kid` names another key already. One that is gone must not come back either: readers may
    /// hold it for as long as the schedule says.
    #[error("the kid {kid} is taken")]
    DuplicateKid {
        /// The `kid`.
        kid: Text,
    },
    /// The key stands under another `kid` already.
    #[error("the key stands under the kid {kid} already")]
    DuplicateKey {
        /// The `kid`.
        kid: Text,
    },
    /// There is no key at all.
    #[error("a ring has one key at least")]
    Empty,
    /// Every reader fetches every key, so there is a limit.
    #[error("the ring is full with {limit} keys")]
    Full {
        /// How many keys a ring holds.
        limit: usize,
    },
    /// A key would sign before every reader can have seen it.
    #[error("{} s from publication to the first signature; it must be {} s at least", .found.as_secs(), .least.as_secs())]
    Lead {
        /// The shortest lead.
        least: Duration,
        /// What was asked for.
        found: Duration,
    },
    /// A `kid` has 1 to 255 characters.
    #[error("a kid of {octets} octets; it must have 1 to 255")]
    Kid {
        /// Its length in octets.
        octets: usize,
    },
    /// There is no key for RS256, which every server must offer (SMART App Launch 2.2; OpenID
    /// Connect Core 15.1).
    #[error("no key signs with RS256, only with {found}")]
    NotRs256 {
        /// What the keys sign with.
        found: Algorithms,
    },
    /// New keys would be due before the last one signs.
    #[error("a new key every {} s, with a lead of {} s", .period.as_secs(), .lead.as_secs())]
    Period {
        /// How often a new key is due.
        period: Duration,
        /// The time from publication to the first signature.
        lead: Duration,
    },
    /// The backend cannot verify what the key signs.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The key cannot be published.
    #[error("the key cannot be published: {0}")]
    Publish(#[from] SkipReason),
    /// There is no such key.
    #[error("no key has the kid {kid}")]
    Unknown {
        /// The `kid`.
        kid: Text,
    },
}

impl KeyRingError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DuplicateKid { .. } => "key-ring-duplicate-kid",
            Self::DuplicateKey { .. } => "key-ring-duplicate-key",
            Self::Empty => "key-ring-empty",
            Self::Full { .. } => "key-ring-full",
            Self::Lead { .. } => "key-ring-lead",
            Self::Kid { .. } => "key-ring-kid",
            Self::NotRs256 { .. } => "key-ring-not-rs256",
            Self::Period { .. } => "key-ring-period",
            Self::Prepare(_) => "key-ring-prepare",
            Self::Publish(_) => "key-ring-publish",
            Self::Unknown { .. } => "key-ring-unknown-kid",
        }
    }

    /// Whose fault it is: always the server's own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}
