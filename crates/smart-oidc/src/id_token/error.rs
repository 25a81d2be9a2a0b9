//! Why an ID token is refused.

use core::time::Duration;

use smart_discovery::KeySourceError;
use smart_jose::header::HeaderError;
use smart_jose::json::JsonError;
use smart_jose::jws::JwsError;
use smart_jose::jwt::{ClaimError, NumericDate};
use smart_jose::{ErrorClass, Text, UnixTime};

/// Why an ID token is refused. It is for the operator; a browser gets [`IdTokenError::class`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdTokenError {
    /// `acr` is none of those that were asked for.
    #[error("acr is {}, asked for was {asked}", shown(.found.as_ref()))]
    Acr {
        /// What was asked for.
        asked: Text,
        /// What `acr` says, if anything.
        found: Option<Text>,
    },
    /// The authentication is too long ago.
    #[error("the user authenticated at {auth_time}, more than {} s before {now}", .max_age.as_secs())]
    AuthTimeTooOld {
        /// The time of the check.
        now: UnixTime,
        /// What `auth_time` says.
        auth_time: NumericDate,
        /// What was asked for.
        max_age: Duration,
    },
    /// The authentication lies in the future.
    #[error("the user authenticated at {auth_time}, it is {now}")]
    AuthTimeInFuture {
        /// The time of the check.
        now: UnixTime,
        /// What `auth_time` says.
        auth_time: NumericDate,
    },
    /// The token was issued to somebody else.
    #[error("azp is {found}, expected {expected}")]
    AuthorizedParty {
        /// Who we are.
        expected: Text,
        /// What `azp` says.
        found: Text,
    },
    /// The token came with a refresh and says something else than the first one of the session.
    #[error("{claim} is {}, at the first sign-in it was {}", shown(.found.as_ref()), .first.as_ref().map_or_else(|| "not this".to_owned(), Text::to_string))]
    Changed {
        /// The claim.
        claim: &'static str,
        /// What the first token said, unless that names a person.
        first: Option<Text>,
        /// What this one says, if anything.
        found: Option<Text>,
    },
    /// A check could not be run, and a token is only good when all were.
    #[error("the check {check} was not run: {because}")]
    CheckNotRun {
        /// The check.
        check: &'static str,
        /// Why.
        because: &'static str,
    },
    /// A claim is refused.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The payload is not a strict JSON object.
    #[error("the claims are not a strict JSON object: {0}")]
    ClaimsJson(JsonError),
    /// `at_hash` or `c_hash` does not fit.
    #[error("{claim} does not fit the value that came with the token")]
    Hash {
        /// Which of them.
        claim: &'static str,
    },
    /// There is no key for the token.
    #[error(transparent)]
    Key(#[from] KeySourceError),
    /// The response of the launch has no ID token.
    #[error("the token response has no id_token")]
    NoToken,
    /// The launch was with another issuer, or for another app, than this verifier is for.
    #[error("the launch has the {what} {found}, the verifier is for {expected}")]
    OtherLaunch {
        /// Which of the two differs.
        what: &'static str,
        /// What the verifier is for.
        expected: Text,
        /// What the launch was with.
        found: Text,
    },
    /// Form, header, algorithm or signature.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// `nonce` is another one. Neither is shown.
    #[error("nonce is not the one that was sent")]
    NonceMismatch,
    /// There is a nonce, and none was sent.
    #[error("the token has a nonce, but none was sent")]
    NonceUnsolicited,
    /// `sub` is empty, longer than 255 characters or not ASCII.
    #[error("sub has {octets} octets{}; it must be 1 to 255 ASCII characters", if *.is_ascii { "" } else { " and is not ASCII" })]
    Subject {
        /// Its length in octets.
        octets: usize,
        /// Whether it is ASCII.
        is_ascii: bool,
    },
    /// The token is of another kind.
    #[error("typ is {found}, which is no ID token")]
    Type {
        /// What `typ` says.
        found: Text,
    },
}

fn shown(text: Option<&Text>) -> String {
    text.map_or_else(|| "missing".to_owned(), Text::to_string)
}

impl IdTokenError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Acr { .. } => "id-token-acr",
            Self::AuthTimeTooOld { .. } => "id-token-auth-time-too-old",
            Self::AuthTimeInFuture { .. } => "id-token-auth-time-in-future",
            Self::AuthorizedParty { .. } => "id-token-azp",
            Self::Changed { .. } => "id-token-changed",
            Self::CheckNotRun { .. } => "id-token-check-not-run",
            Self::Claim(error) => error.code(),
            Self::ClaimsJson(_) => "claims-json",
            Self::Hash { claim } => match claim.as_bytes() {
                b"at_hash" => "id-token-at-hash",
                _ => "id-token-c-hash",
            },
            Self::Key(error) => error.code(),
            Self::Jws(error) => error.code(),
            Self::NoToken => "id-token-missing",
            Self::OtherLaunch { .. } => "id-token-other-launch",
            Self::NonceMismatch => "id-token-nonce-mismatch",
            Self::NonceUnsolicited => "id-token-nonce-unsolicited",
            Self::Subject { .. } => "id-token-subject",
            Self::Type { .. } => "id-token-type",
        }
    }

    /// Whose fault it is; coarse enough for a browser.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Key(error) => error.class(),
            Self::CheckNotRun { .. } | Self::OtherLaunch { .. } => ErrorClass::Configuration,
            Self::NoToken => ErrorClass::Upstream,
            _ => ErrorClass::InvalidToken,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Acr { .. } => {
                "ask for another acr_values, or have the user sign in more strongly"
            }
            Self::AuthTimeTooOld { .. } => "send the user through sign-in again",
            Self::AuthTimeInFuture { .. } => "compare the clocks of both servers",
            Self::AuthorizedParty { .. } => "the token belongs to another app; check the client id",
            Self::Changed { .. } => {
                "somebody else may have signed in; begin a new launch, and ask the server's operator why a refresh changes the claim"
            }
            Self::CheckNotRun { .. } => "say what the check needs",
            Self::Claim(error) => match error {
                ClaimError::Audience { .. } => {
                    "check the client id; it must be the one that the app is registered with"
                }
                ClaimError::AudienceUntrusted { .. } => {
                    "name that audience as trusted, if you know why it is there"
                }
                ClaimError::Expired { .. }
                | ClaimError::IssuedInFuture { .. }
                | ClaimError::IssuedTooLongAgo { .. }
                | ClaimError::NotYetValid { .. } => {
                    "compare the clocks of both servers; if they agree, get a fresh token"
                }
                ClaimError::Issuer { .. } => {
                    "check the FHIR base URL; run `smart discover` on it to see which issuer it trusts"
                }
                _ => "ask the server's operator to correct the claim",
            },
            Self::ClaimsJson(_) => "ask the server's operator to correct the token",
            Self::Hash { .. } => {
                "use the ID token only with the access token and code it came with"
            }
            Self::Key(error) => match error {
                KeySourceError::Fetch(error) => error.remedy(),
                KeySourceError::UnknownRetry { .. } => "try again in a moment",
                _ => "compare kid and alg with the issuer's key set; `smart discover` prints it",
            },
            Self::Jws(error) => match error {
                JwsError::BadSignature => {
                    "the token was changed, or signed with another key than the issuer publishes"
                }
                JwsError::Header(
                    HeaderError::AlgorithmNotAccepted { .. }
                    | HeaderError::AlgorithmUnsupported { .. },
                ) => {
                    "accept the algorithm, if it is the issuer's choice and is offered here; otherwise ask the issuer for RS256"
                }
                JwsError::Encrypted => {
                    "ask the server for ID tokens that are signed and not encrypted"
                }
                JwsError::Header(_) => "ask the server's operator to correct the token's header",
                _ => "check that the whole token was copied and nothing else",
            },
            Self::NoToken => "ask for the scope openid, and see whether it is granted",
            Self::OtherLaunch { .. } => "keep one verifier for each issuer and client id",
            Self::NonceMismatch => "the token answers another request; begin a new launch",
            Self::NonceUnsolicited => "send a nonce, or find out which request the token answers",
            Self::Subject { .. } => "ask the server's operator to correct sub",
            Self::Type { .. } => "this is another kind of token; use the id_token of the response",
        }
    }
}
