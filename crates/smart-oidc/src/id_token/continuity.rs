//! What the ID token of a refresh has to keep of the first one.

use core::fmt;
use std::collections::BTreeSet;

use smart_jose::Text;
use smart_jose::jwt::{Audience, NumericDate, check};

use super::claims::{Claims, not_null};
use super::error::IdTokenError;
use crate::value::Nonce;

/// Who signed in at the beginning of a session (OpenID Connect Core 12.2): what an ID token that
/// comes with a refresh must still say.
///
/// [`super::IdToken::continuity`] makes it. A session keeps that of its *first* token, so that a
/// chain of refreshes cannot drift from one user to another.
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
