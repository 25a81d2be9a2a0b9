//! What a browser brings back from the authorization endpoint.

use core::time::Duration;

use smart_jose::{ErrorClass, Text};

use crate::untrusted::UntrustedText;

/// How long a launch may take from its beginning to the callback.
pub const LAUNCH_LIFE: Duration = Duration::from_secs(600);

/// Why a callback is refused. Nothing is sent to the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackError {
    /// The server says that it did not authorize (RFC 6749 4.1.2.1).
    #[error("the server answers with the error {error}")]
    Denied {
        /// The error code of the server.
        error: Text,
        /// `error_description`: what else it says. Anybody can write it into a link, and servers name
        /// people in it, so it stays behind a method.
        description: Option<UntrustedText>,
    },
    /// A parameter occurs twice (RFC 6749 3.1).
    #[error("the parameter {name} occurs twice")]
    Duplicate {
        /// The name.
        name: &'static str,
    },
    /// The launch began too long ago.
    #[error("the launch began more than {} s ago", LAUNCH_LIFE.as_secs())]
    Expired,
    /// The response is another issuer's (RFC 9207 2.4).
    #[error("the callback names the issuer {}, expected {expected}", shown(.found.as_ref()))]
    Issuer {
        /// The issuer of the launch.
        expected: Text,
        /// The issuer that the callback names, if any.
        found: Option<Text>,
    },
    /// A parameter is missing or empty.
    #[error("the callback has no {name}")]
    Missing {
        /// The name.
        name: &'static str,
    },
    /// The state is not that of this launch in this browser.
    #[error("the state is not that of a launch from this browser")]
    State,
}

fn shown(text: Option<&Text>) -> String {
    text.map_or_else(|| "nothing".to_owned(), Text::to_string)
}

impl CallbackError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "callback-denied",
            Self::Duplicate { .. } => "callback-duplicate",
            Self::Expired => "callback-expired",
            Self::Issuer { .. } => "callback-issuer",
            Self::Missing { .. } => "callback-missing",
            Self::State => "callback-state",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidRequest
    }

    /// Whether the server says that it cannot answer now, and not that it will not (RFC 6749
    /// 4.1.2.1): another launch may do.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Denied { error, .. } => {
                matches!(error.as_str(), "server_error" | "temporarily_unavailable")
            }
            _ => false,
        }
    }
}

/// The parameters of a callback that count.
#[derive(Default)]
pub(crate) struct Parameters {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) iss: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

impl Parameters {
    pub(crate) fn read(query: &str) -> Result<Self, CallbackError> {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, slot) = match name.as_ref() {
                "state" => ("state", &mut read.state),
                "code" => ("code", &mut read.code),
                "iss" => ("iss", &mut read.iss),
                "error" => ("error", &mut read.error),
                "error_description" => ("error_description", &mut read.error_description),
                _ => continue,
            };
            if slot.is_some() {
                return Err(CallbackError::Duplicate { name });
            }
            *slot = Some(value.into_owned());
        }
        // A parameter without a value counts as left out (RFC 6749 3.1).
        for slot in [
            &mut read.state,
            &mut read.code,
            &mut read.iss,
            &mut read.error,
        ] {
            if slot.as_deref() == Some("") {
                *slot = None;
            }
        }
        Ok(read)
    }
}
