//! What a token endpoint says when it refuses.

use core::fmt;

use bytes::Bytes;
use serde::Deserialize;
use smart_jose::member::Member;
use smart_jose::{ErrorClass, Text, json};

/// An error answer of the token endpoint (RFC 6749 5.2).
///
/// Servers send it with any 4xx status, under any content type, and sometimes without a body that
/// says anything: a gateway's HTML page, a FHIR OperationOutcome. Then only the status is known.
///
/// What is shown of it is the status and the error code. Description and address are the server's
/// prose, which in the field has quoted codes and refresh tokens, so they stay behind a method.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, if there is one.
    pub error: Option<TokenErrorCode>,
    /// `error_description`.
    pub description: Option<UntrustedText>,
    /// `error_uri`. Some servers say all that they say behind it. Nothing here fetches it.
    pub uri: Option<UntrustedText>,
}

/// The error codes of a token endpoint (RFC 6749 5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrorCode {
    /// Who the client is could not be established: its registration, secret or key is wrong.
    InvalidClient,
    /// The code or the refresh token is spent, expired, revoked, or another client's. Only a new
    /// launch helps.
    InvalidGrant,
    /// The request lacks something or has it twice.
    InvalidRequest,
    /// The scope is unknown, malformed, or wider than what was granted.
    InvalidScope,
    /// The client may not use this kind of grant.
    UnauthorizedClient,
    /// The server does not have this kind of grant.
    UnsupportedGrantType,
    /// Any other code; text from outside.
    Other(Text),
}

/// Text of a server that may quote a secret or name a person.
///
/// `Debug` shows its length, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct UntrustedText {
    text: Text,
    octets: usize,
}

impl Refusal {
    /// A body that is no strict JSON object of at most so many octets says nothing that could be
    /// relied on.
    pub(super) fn read(status: u16, body: &Bytes, limit: usize) -> Self {
        let wire: WireError = json::read_object(body, limit).unwrap_or_default();
        let untrusted = |it: Member<String>| {
            let text = it.into_value().filter(|it| !it.is_empty())?;
            Some(UntrustedText::new(&text))
        };
        Self {
            status,
            error: wire
                .error
                .into_value()
                .filter(|it| !it.is_empty())
                .map(|it| TokenErrorCode::of(&it)),
            description: untrusted(wire.error_description),
            uri: untrusted(wire.error_uri),
        }
    }

    /// Whether the code or the refresh token is refused for good, so that only a new launch
    /// helps.
    #[must_use]
    pub fn is_invalid_grant(&self) -> bool {
        self.error == Some(TokenErrorCode::InvalidGrant)
    }

    /// Whether the server does not know the client, or not its secret or key.
    #[must_use]
    pub fn is_invalid_client(&self) -> bool {
        self.error == Some(TokenErrorCode::InvalidClient)
    }

    pub(super) const fn class(&self) -> ErrorClass {
        match self.error {
            Some(
                TokenErrorCode::InvalidClient
                | TokenErrorCode::InvalidScope
                | TokenErrorCode::UnauthorizedClient
                | TokenErrorCode::UnsupportedGrantType,
            ) => ErrorClass::Configuration,
            Some(
                TokenErrorCode::InvalidGrant
                | TokenErrorCode::InvalidRequest
                | TokenErrorCode::Other(_),
            ) => ErrorClass::InvalidRequest,
            // Nothing that speaks OAuth has answered.
            None => ErrorClass::Upstream,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        match &self.error {
            Some(error) => write!(f, " and the error {error}"),
            None => f.write_str(" and no error code"),
        }
    }
}

impl TokenErrorCode {
    fn of(text: &str) -> Self {
        match text {
            "invalid_client" => Self::InvalidClient,
            "invalid_grant" => Self::InvalidGrant,
            "invalid_request" => Self::InvalidRequest,
            "invalid_scope" => Self::InvalidScope,
            "unauthorized_client" => Self::UnauthorizedClient,
            "unsupported_grant_type" => Self::UnsupportedGrantType,
            other => Self::Other(Text::new(other)),
        }
    }
}

impl fmt::Display for TokenErrorCode {
    /// The code as the standard writes it; any other one in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidScope => "invalid_scope",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::Other(text) => return text.fmt(f),
        })
    }
}

impl UntrustedText {
    fn new(text: &str) -> Self {
        Self {
            text: Text::new(text),
            octets: text.len(),
        }
    }

    /// The beginning of the text, which prints escaped. It may hold a secret or name a person, and
    /// what looks like a link or like markup in it is the server's.
    #[must_use]
    pub const fn expose_untrusted(&self) -> &Text {
        &self.text
    }
}

impl fmt::Debug for UntrustedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UntrustedText({} octets)", self.octets)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireError {
    error: Member<String>,
    error_description: Member<String>,
    error_uri: Member<String>,
}
