//! Names and numbers that a store works with.

use core::fmt;

use smart_jose::alg::HashAlgorithm;
use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, Secret, base64url};

use crate::authorize::LaunchKey;

/// The id of a session, 256 random bits as base64url: whoever has it is signed in. It belongs in a
/// cookie of the app and nowhere else; a store keeps the session under its [`StoreKey`].
///
/// Wiped when dropped; `Debug` shows nothing of it, and there is no `Display`.
#[derive(Clone)]
pub struct SessionId(Secret<String>);

impl SessionId {
    /// A new id, 43 characters.
    ///
    /// # Errors
    ///
    /// [`RandomFailed`] where the operating system gives none.
    pub fn generate(provider: &CryptoProvider) -> Result<Self, RandomFailed> {
        let octets = provider.random::<32>()?;
        Ok(Self(Secret::new(base64url::encode(octets))))
    }

    /// Takes over what a cookie holds. Any text will do: what no session has finds none.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text.into()))
    }

    /// The text itself, for the cookie.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(***)")
    }
}

/// The name of a record: what it is, and a SHA-256 in base64url. It tells nothing of what it was
/// made from, so a store may log it, and whoever reads a store cannot make a cookie of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoreKey(String);

impl StoreKey {
    /// The name of a session.
    #[must_use]
    pub fn of_session(id: &SessionId, provider: &CryptoProvider) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, id.expose_secret().as_bytes());
        Self(format!("session:{}", base64url::encode(digest)))
    }

    /// The name of a launch that waits for its callback.
    #[must_use]
    pub fn of_launch(key: &LaunchKey) -> Self {
        Self(format!("launch:{}", key.as_str()))
    }

    #[cfg(test)]
    pub(super) fn for_test(name: &str) -> Self {
        Self(format!("session:{name}"))
    }

    /// Whether it is that of a launch, whose loss costs a click and not a session.
    pub(super) fn is_launch(&self) -> bool {
        self.0.starts_with("launch:")
    }

    /// The name as text: lower-case letters, a colon, and 43 characters of base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How often a record has been written. A store counts it up with each write, and only ever says
/// that of the value beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a number with a name")]
pub struct Revision(pub u64);

/// Which holder of a lease writes: each lease on a record has a greater one than all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is a number with a name")]
pub struct Fence(pub u64);
