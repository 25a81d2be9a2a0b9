//! The name of a user.

use core::fmt;

/// The only stable name of a user: issuer and subject together (OpenID Connect Core 5.7).
/// E-mail addresses and `fhirUser` are not.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct UserKey {
    /// Who says it.
    pub issuer: String,
    /// Whom it means.
    pub subject: String,
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKey")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
