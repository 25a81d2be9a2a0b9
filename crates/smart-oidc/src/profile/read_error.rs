//! Why a user's resource could not be read.

use smart_discovery::TransportError;
use smart_jose::json::JsonError;
use smart_jose::{ErrorClass, Text};

use super::outcome::{OutcomeIssue, shown};
use crate::fhir_user::UnfitToken;

/// Why a user's resource could not be read.
///
/// None of these touches the identity, and nothing is tried again by itself. What a server says
/// about it is carried as codes and never as prose, which may be about a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The access token cannot stand in a header.
    #[error(transparent)]
    AccessToken(#[from] UnfitToken),
    /// The answer is of a kind that is no JSON: most often a page for people.
    #[error("the answer is {found}, and no FHIR resource in JSON")]
    ContentType {
        /// The content type.
        found: Text,
    },
    /// The server does not let the app read the resource (403): most often the scope that its
    /// operator wants for it was not granted.
    #[error("the server does not let the app read the resource (403){}", shown(.issues))]
    Forbidden {
        /// What the server says.
        issues: Vec<OutcomeIssue>,
    },
    /// The resource was deleted (410).
    #[error("the resource was deleted (410){}", shown(.issues))]
    Gone {
        /// What the server says.
        issues: Vec<OutcomeIssue>,
    },
    /// The answer is no strict JSON resource.
    #[error("the answer is no FHIR resource: {0}")]
    Json(#[from] JsonError),
    /// There is no such resource (404), or none that the app may know of.
    #[error("the server has no such resource (404){}", shown(.issues))]
    NotFound {
        /// What the server says.
        issues: Vec<OutcomeIssue>,
    },
    /// The local directory does not hold the resource.
    #[error("the directory does not hold the resource")]
    NotInDirectory,
    /// The answer is another resource than the one that was asked for.
    #[error("the server answers with {found} where {expected} was asked for")]
    OtherResource {
        /// The type that was asked for.
        expected: &'static str,
        /// The type that came, with another id if the types are equal.
        found: Text,
    },
    /// The server answers with a redirect, which is never followed: it would take the access token
    /// along.
    #[error("the server answers with a redirect ({status}), and none is followed")]
    Redirect {
        /// The HTTP status.
        status: u16,
    },
    /// Another status than 200.
    #[error("the server answers with status {status}{}", shown(.issues))]
    Status {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        issues: Vec<OutcomeIssue>,
    },
    /// No answer came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server wants another access token, or any (401).
    #[error("the server answers with 401{}{}", due(*.had_access_token), shown(.issues))]
    Unauthorized {
        /// Whether the read had an access token. If so a refresh is due: the next read with the
        /// new token may succeed. If not, the base of the resource wants one, and only a policy
        /// can allow that.
        had_access_token: bool,
        /// What the server says.
        issues: Vec<OutcomeIssue>,
    },
}

const fn due(had_access_token: bool) -> &'static str {
    if had_access_token {
        ": the access token is no longer good, and a refresh is due"
    } else {
        " to a read without the access token, which this base does not get"
    }
}

impl ReadError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AccessToken(error) => error.code(),
            Self::ContentType { .. } => "profile-content-type",
            Self::Forbidden { .. } => "profile-forbidden",
            Self::Gone { .. } => "profile-gone",
            Self::Json(_) => "profile-json",
            Self::NotFound { .. } => "profile-not-found",
            Self::NotInDirectory => "profile-not-in-directory",
            Self::OtherResource { .. } => "profile-other-resource",
            Self::Redirect { .. } => "profile-redirect",
            Self::Status { .. } => "profile-status",
            Self::Transport(error) => error.code(),
            Self::Unauthorized { .. } => "profile-unauthorized",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Transport(error) => error.class(),
            Self::AccessToken(_)
            | Self::ContentType { .. }
            | Self::Forbidden { .. }
            | Self::Gone { .. }
            | Self::Json(_)
            | Self::NotFound { .. }
            | Self::NotInDirectory
            | Self::OtherResource { .. }
            | Self::Redirect { .. }
            | Self::Status { .. }
            | Self::Unauthorized { .. } => ErrorClass::Upstream,
        }
    }

    /// Whether a new access token may help: refresh once, then load once more, and stop there.
    #[must_use]
    pub const fn refresh_is_due(&self) -> bool {
        matches!(
            self,
            Self::Unauthorized {
                had_access_token: true,
                ..
            }
        )
    }

    /// What the server says about it.
    #[must_use]
    pub fn issues(&self) -> &[OutcomeIssue] {
        match self {
            Self::Forbidden { issues }
            | Self::Gone { issues }
            | Self::NotFound { issues }
            | Self::Status { issues, .. }
            | Self::Unauthorized { issues, .. } => issues,
            _ => &[],
        }
    }
}
