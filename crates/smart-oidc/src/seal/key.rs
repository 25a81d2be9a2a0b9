//! One key, and how often it has sealed.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use smart_jose::crypto::{AEAD_KEY_OCTETS, AEAD_MAX_SEALS, AeadKey};
use smart_jose::{CryptoProvider, Secret, Text, base64url};

use super::error::{SealError, SealingKeyError};

/// A key's id may be this long, in octets.
pub const MAX_KEY_ID_OCTETS: usize = 32;

/// A key of AES-256-GCM with a name. `Debug` shows the name and the count.
///
/// The name is public: it stands in each value that the key seals. Never give the name to another
/// key.
pub struct SealingKey {
    id: String,
    key: Arc<dyn AeadKey>,
    limit: u64,
    sealed: AtomicU64,
}

impl SealingKey {
    /// A key from its 32 octets. They are secret and random; copies that the caller still holds are
    /// the caller's to wipe.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::KeyId`], [`SealingKeyError::Length`], and
    /// [`SealingKeyError::Backend`] where the backend does not take it.
    pub fn new(
        id: impl Into<String>,
        octets: &[u8],
        provider: &CryptoProvider,
    ) -> Result<Self, SealingKeyError> {
        let id = id.into();
        let is_id = (1..=MAX_KEY_ID_OCTETS).contains(&id.len())
            && id
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
        if !is_id {
            return Err(SealingKeyError::KeyId {
                limit: MAX_KEY_ID_OCTETS,
                found: Text::new(&id),
            });
        }
        let length = || SealingKeyError::Length {
            expected: AEAD_KEY_OCTETS,
            found: octets.len(),
        };
        let octets = octets.try_into().map_err(|_| length())?;
        Ok(Self {
            id,
            key: provider.aead.key(octets)?,
            limit: AEAD_MAX_SEALS,
            sealed: AtomicU64::new(0),
        })
    }

    /// A key from 43 characters of base64url, as a file or a secret manager holds it. Make one with
    /// `openssl rand 32 | basenc --base64url | tr -d =`.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::Base64url`] for another text, and as [`SealingKey::new`].
    pub fn from_base64url(
        id: impl Into<String>,
        text: &str,
        provider: &CryptoProvider,
    ) -> Result<Self, SealingKeyError> {
        let octets = base64url::decode(text).map_err(|_| SealingKeyError::Base64url)?;
        let octets = Secret::new(octets);
        Self::new(id, octets.expose_secret(), provider)
    }

    /// A fresh key, which ends with the process: for one process, whose values need not outlive it.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::Random`] where there are no random octets, and as [`SealingKey::new`].
    pub fn generate(
        id: impl Into<String>,
        provider: &CryptoProvider,
    ) -> Result<Self, SealingKeyError> {
        let octets = Secret::new(provider.random::<AEAD_KEY_OCTETS>()?);
        Self::new(id, octets.expose_secret(), provider)
    }

    /// Seals at most so many values in this process, 2³² unless set and never more.
    ///
    /// The count is this process's own and begins at zero with it, and the limit is one of all who
    /// hold the key, over its whole life. A fleet that seals often gives each process its share, and
    /// a new key before the shares of all who ever ran with this one add up to 2³²: at a thousand
    /// values a second, within 49 days.
    #[must_use]
    pub fn with_limit(mut self, seals: u64) -> Self {
        self.limit = seals.min(AEAD_MAX_SEALS);
        self
    }

    /// The name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How many more values the key may seal in this process.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.limit
            .saturating_sub(self.sealed.load(Ordering::Relaxed))
    }

    /// Seals in place and gives the nonce. The seal is counted before it is made, so that one that
    /// fails halfway has been counted.
    pub(super) fn seal(&self, aad: &[u8], text: &mut Vec<u8>) -> Result<[u8; 12], SealError> {
        let next = |sealed| (sealed < self.limit).then_some(sealed + 1);
        self.sealed
            .try_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map_err(|_| SealError::Spent {
                key_id: Text::new(&self.id),
                limit: self.limit,
            })?;
        Ok(self.key.seal(aad, text)?)
    }

    pub(super) fn key(&self) -> &dyn AeadKey {
        &*self.key
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey")
            .field("id", &self.id)
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
