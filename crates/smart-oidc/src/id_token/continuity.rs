//! What the ID token of a refresh has to keep of the first one.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use smart_jose::json::{self, JsonError};
use smart_jose::jwt::{Audience, NumericDate, check};
use smart_jose::{ErrorClass, Secret, Text, UnixTime};

use super::claims::{Claims, not_null, whole_seconds};
use super::error::IdTokenError;
use super::user_key::UserKey;
use crate::value::Nonce;

/// Who signed in at the beginning of a session (OpenID Connect Core 12.2): what an ID token that
/// comes with a refresh must still say.
///
/// [`super::IdToken::continuity`] makes it. A session keeps that of its *first* token, so that a
/// chain of refreshes cannot drift from one user to another; [`Continuity::export`] is for sessions
/// that outlive the process or move to another one.
#[derive(Clone)]
pub struct Continuity {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audience: BTreeSet<String>,
    pub(super) authorized_party: Option<String>,
    pub(super) auth_time: Option<NumericDate>,
    pub(super) issued_at: NumericDate,
    pub(super) nonce: Option<Nonce>,
}

impl Continuity {
    /// The issuer of the session.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The user of the session; unique at the issuer only.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Issuer and subject.
    #[must_use]
    pub fn user_key(&self) -> UserKey {
        UserKey {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
        }
    }

    /// `iat` of the first token, in whole seconds rounded down.
    #[must_use]
    pub fn issued_at(&self) -> UnixTime {
        whole_seconds(self.issued_at)
    }

    /// What a store keeps: JSON text with a version. It holds the nonce and names a person, so keep
    /// it as you keep tokens.
    #[must_use]
    pub fn export(&self) -> Secret<String> {
        let stored = Stored {
            version: VERSION,
            iss: self.issuer.clone(),
            sub: self.subject.clone(),
            aud: self.audience.iter().cloned().collect(),
            azp: self.authorized_party.clone(),
            auth_time: self.auth_time.map(NumericDate::as_secs),
            iat: self.issued_at.as_secs(),
            nonce: self.nonce.as_ref().map(|it| it.expose_secret().to_owned()),
        };
        // Texts and finite numbers always serialize; what could not be written is read by nobody.
        Secret::new(serde_json::to_string(&stored).unwrap_or_default())
    }

    /// Reads what [`Continuity::export`] wrote.
    ///
    /// # Errors
    ///
    /// [`ContinuityError`]; the session then has to begin anew.
    pub fn import(stored: &str) -> Result<Self, ContinuityError> {
        let stored: Stored = json::read_object(stored.as_bytes(), LIMIT)?;
        if stored.version != VERSION {
            return Err(ContinuityError::Version {
                expected: VERSION,
                found: stored.version,
            });
        }
        Ok(Self {
            issuer: stored.iss,
            subject: stored.sub,
            audience: stored.aud.into_iter().collect(),
            authorized_party: stored.azp,
            auth_time: stored.auth_time.map(NumericDate::from_secs),
            issued_at: NumericDate::from_secs(stored.iat),
            nonce: stored.nonce.map(Nonce::new),
        })
    }

    pub(super) fn check_issuer(&self, iss: &str) -> Result<(), IdTokenError> {
        same("iss", Some(&self.issuer), iss)
    }

    /// Neither subject is shown: both can name a patient.
    pub(super) fn check_subject(&self, sub: &str) -> Result<(), IdTokenError> {
        if self.subject == sub {
            return Ok(());
        }
        Err(IdTokenError::Changed {
            claim: "sub",
            first: None,
            found: Some(Text::new("another")),
        })
    }

    /// The order of an array says nothing.
    pub(super) fn check_audience(&self, aud: &Audience) -> Result<(), IdTokenError> {
        let found: BTreeSet<&str> = aud.iter().collect();
        if self.audience.iter().map(String::as_str).eq(found) {
            return Ok(());
        }
        let first: Vec<&str> = self.audience.iter().map(String::as_str).collect();
        let found: Vec<&str> = aud.iter().collect();
        Err(IdTokenError::Changed {
            claim: "aud",
            first: Some(Text::new(&first.join(", "))),
            found: Some(Text::new(&found.join(", "))),
        })
    }

    pub(super) fn check_authorized_party(&self, azp: Option<&str>) -> Result<(), IdTokenError> {
        match (&self.authorized_party, azp) {
            (Some(first), None) => Err(missing("azp", first)),
            (Some(first), Some(azp)) => same("azp", Some(first), azp),
            (None, _) => Ok(()),
        }
    }

    pub(super) fn check_auth_time(
        &self,
        auth_time: Option<NumericDate>,
    ) -> Result<(), IdTokenError> {
        match (self.auth_time, auth_time) {
            (Some(first), None) => Err(missing("auth_time", &first.to_string())),
            (Some(first), Some(found)) if first != found => Err(IdTokenError::Changed {
                claim: "auth_time",
                first: Some(Text::new(&first.to_string())),
                found: Some(Text::new(&found.to_string())),
            }),
            _ => Ok(()),
        }
    }

    /// A refresh makes a new token, so the date of the old one is that of a replay.
    pub(super) fn check_issued_at(&self, iat: NumericDate) -> Result<(), IdTokenError> {
        if iat > self.issued_at {
            return Ok(());
        }
        Err(IdTokenError::Changed {
            claim: "iat",
            first: Some(Text::new(&format!("before {}", self.issued_at))),
            found: Some(Text::new(&iat.to_string())),
        })
    }

    /// A refresh normally has no nonce; one that is there is the first one's.
    pub(super) fn check_nonce(&self, claims: &Claims<'_>) -> Result<(), IdTokenError> {
        let nonce = not_null(&claims.nonce);
        match (&self.nonce, check::optional("nonce", &nonce)?) {
            (_, None) => Ok(()),
            (Some(first), Some(found)) if first.matches(found) => Ok(()),
            (Some(_), Some(_)) => Err(IdTokenError::NonceMismatch),
            (None, Some(_)) => Err(IdTokenError::NonceUnsolicited),
        }
    }
}

/// The version of the stored form.
const VERSION: u32 = 1;

/// A token has at most 64 KiB, and what is kept of it less.
const LIMIT: usize = 64 * 1024;

/// The stored form. It has no `Debug`, as it holds the nonce.
#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    iss: String,
    sub: String,
    aud: Vec<String>,
    azp: Option<String>,
    auth_time: Option<f64>,
    iat: f64,
    nonce: Option<String>,
}

/// Why a stored continuity is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContinuityError {
    /// It is not what was written.
    #[error("the stored continuity cannot be read: {0}")]
    Json(#[from] JsonError),
    /// It was written by another version of this library.
    #[error("the stored continuity has version {found}, expected {expected}")]
    Version {
        /// The version that is read.
        expected: u32,
        /// The version that was found.
        found: u32,
    },
}

impl ContinuityError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "continuity-json",
            Self::Version { .. } => "continuity-version",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

fn same(claim: &'static str, first: Option<&str>, found: &str) -> Result<(), IdTokenError> {
    if first == Some(found) {
        return Ok(());
    }
    Err(IdTokenError::Changed {
        claim,
        first: first.map(Text::new),
        found: Some(Text::new(found)),
    })
}

fn missing(claim: &'static str, first: &str) -> IdTokenError {
    IdTokenError::Changed {
        claim,
        first: Some(Text::new(first)),
        found: None,
    }
}

impl fmt::Debug for Continuity {
    /// Shows the issuer and nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continuity")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
