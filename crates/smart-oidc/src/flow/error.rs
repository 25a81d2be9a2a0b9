//! Why a sign-in does not go on.

use smart_discovery::DiscoveryError;
use smart_jose::{ErrorClass, Text};

use crate::authorize::LaunchError;
use crate::callback::CallbackError;
use crate::id_token::IdTokenError;
use crate::session::{SessionError, StoreError};
use crate::token::TokenError;

/// Why a sign-in does not go on. The launch is used up, and there is no session; tokens that the
/// server has given before are revoked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The callback is refused.
    #[error(transparent)]
    Callback(#[from] CallbackError),
    /// The chain of trust broke.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The ID token is refused.
    #[error(transparent)]
    IdToken(#[from] IdTokenError),
    /// The launch cannot begin.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A parameter of the EHR's request occurs twice.
    #[error("the parameter {name} of the launch occurs twice")]
    LaunchRequestDuplicate {
        /// The name.
        name: &'static str,
    },
    /// A parameter of the EHR's request is missing or empty.
    #[error("the launch has no {name}")]
    LaunchRequestMissing {
        /// The name.
        name: &'static str,
    },
    /// No launch waits for this callback: it came from another browser, too late, a second time,
    /// or with a state that was never sent.
    #[error("no launch from this browser waits for this callback")]
    NoSuchLaunch,
    /// The app is not registered with this FHIR server. Nothing was sent to it.
    #[error("the app is not registered with the FHIR server {found}")]
    NotRegistered {
        /// The FHIR base that was named.
        found: Text,
    },
    /// The session is gone, or cannot be had now.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No tokens came.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl FlowError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Callback(error) => error.code(),
            Self::Discovery(error) => error.code(),
            Self::IdToken(error) => error.code(),
            Self::Launch(error) => error.code(),
            Self::LaunchRequestDuplicate { .. } => "launch-request-duplicate",
            Self::LaunchRequestMissing { .. } => "launch-request-missing",
            Self::NoSuchLaunch => "launch-unknown",
            Self::NotRegistered { .. } => "launch-not-registered",
            Self::Session(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Token(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Callback(error) => error.class(),
            Self::Discovery(error) => error.class(),
            Self::IdToken(error) => error.class(),
            Self::Launch(error) => error.class(),
            Self::LaunchRequestDuplicate { .. }
            | Self::LaunchRequestMissing { .. }
            | Self::NoSuchLaunch
            | Self::NotRegistered { .. } => ErrorClass::InvalidRequest,
            Self::Session(error) => error.class(),
            Self::Store(error) => error.class(),
            Self::Token(error) => error.class(),
        }
    }
}

/// Why a registration is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// There is one for this FHIR server already.
    #[error("there is a registration for {fhir_base} already")]
    Duplicate {
        /// The FHIR base.
        fhir_base: Text,
    },
    /// The redirect URI is no absolute https URL without a fragment (plain http is for loopback
    /// addresses), or has a wildcard (SMART App Launch 2.2, Registering; RFC 9700 2.1, 2.6).
    #[error("{redirect_uri} cannot be a redirect URI: {problem}")]
    RedirectUri {
        /// The redirect URI.
        redirect_uri: Text,
        /// What is wrong.
        problem: &'static str,
    },
}

impl RegistrationError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "registration-duplicate",
            Self::RedirectUri { .. } => "registration-redirect-uri",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}
