//! Why there is no UserInfo.

use smart_discovery::TransportError;
use smart_jose::json::JsonError;
use smart_jose::jwt::ClaimError;
use smart_jose::{ErrorClass, Text};

use crate::id_token::IdTokenError;

/// Why nothing of a UserInfo answer may be used. The identity of the ID token stays valid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UserInfoError {
    /// The access token cannot stand in a header.
    #[error("the access token holds a character that no header can carry")]
    AccessToken,
    /// A claim of a signed answer is refused.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// The answer is neither JSON nor a JWT.
    #[error("the answer has the content type {}, expected application/json or application/jwt", .found.as_ref().map_or_else(|| "of none".to_owned(), Text::to_string))]
    ContentType {
        /// What the header says, if anything.
        found: Option<Text>,
    },
    /// The answer is no strict JSON object.
    #[error("the answer is no strict JSON object: {0}")]
    Json(#[from] JsonError),
    /// The issuer announces no UserInfo endpoint.
    #[error("the issuer announces no userinfo_endpoint")]
    NoEndpoint,
    /// The answer is not signed, and the caller asked for a signature.
    #[error("the answer is not signed")]
    NotSigned,
    /// The ID token, or the endpoint, is another issuer's than the verifier's.
    #[error("the issuer is {found}, the verifier is for {expected}")]
    OtherIssuer {
        /// The issuer of the verifier.
        expected: Text,
        /// The other one.
        found: Text,
    },
    /// The answer is about somebody else than the ID token. Neither subject is shown.
    #[error("sub is not the one of the ID token")]
    OtherSubject,
    /// The server does not answer with status 200. Redirects are not followed.
    #[error("the userinfo endpoint answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The signature of the answer, its form or its key.
    #[error(transparent)]
    Token(IdTokenError),
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl UserInfoError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AccessToken => "userinfo-access-token",
            Self::Claim(error) => error.code(),
            Self::ContentType { .. } => "userinfo-content-type",
            Self::Json(_) => "userinfo-json",
            Self::NoEndpoint => "userinfo-no-endpoint",
            Self::NotSigned => "userinfo-not-signed",
            Self::OtherIssuer { .. } => "userinfo-other-issuer",
            Self::OtherSubject => "userinfo-other-subject",
            Self::Status { .. } => "userinfo-status",
            Self::Token(error) => error.code(),
            Self::Transport(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::NoEndpoint | Self::OtherIssuer { .. } => ErrorClass::Configuration,
            Self::OtherSubject | Self::Claim(_) => ErrorClass::InvalidToken,
            Self::Token(error) => error.class(),
            Self::Transport(error) => error.class(),
            Self::AccessToken
            | Self::ContentType { .. }
            | Self::Json(_)
            | Self::NotSigned
            | Self::Status { .. } => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::AccessToken => {
                "ask the server's operator; no server may issue such an access token (RFC 6750 2.1)"
            }
            Self::Claim(_) | Self::OtherSubject => {
                "use nothing of the answer; ask the server's operator whom it is about"
            }
            Self::ContentType { .. } | Self::Json(_) => {
                "ask the server's operator to answer with a JSON object or a signed JWT"
            }
            Self::NoEndpoint => "read the claims from the ID token",
            Self::NotSigned => {
                "register the app with userinfo_signed_response_alg, or do not ask for a signature"
            }
            Self::OtherIssuer { .. } => "keep one verifier for each issuer",
            Self::Status { .. } => {
                "see whether the access token has expired, and whether openid was granted"
            }
            Self::Token(error) => error.remedy(),
            Self::Transport(error) => error.remedy(),
        }
    }
}
