//! The ring: one key seals, all of them open.

use core::fmt;
use std::sync::Arc;

use smart_jose::crypto::{AEAD_NONCE_OCTETS, AEAD_TAG_OCTETS};
use smart_jose::{Secret, Text};

use super::error::{OpenError, SealError, SealingKeyError};
use super::form;
use super::key::SealingKey;

/// So many keys fit into a ring. Two are enough while a key changes.
pub const MAX_SEALING_KEYS: usize = 16;

/// The keys of a process. A clone is the same ring and counts together with it. `Debug` shows the
/// names of the keys.
#[derive(Clone)]
pub struct SealingKeys {
    newest: Arc<SealingKey>,
    others: Vec<Arc<SealingKey>>,
}

impl SealingKeys {
    /// A ring whose one key seals and opens.
    #[must_use]
    pub fn new(key: SealingKey) -> Self {
        Self {
            newest: Arc::new(key),
            others: Vec::new(),
        }
    }

    /// Opens what this key sealed, too: an older key, or the one that is to seal next.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError::DuplicateId`] where the name is taken, [`SealingKeyError::TooMany`] where
    /// the ring is full.
    pub fn also_opening(mut self, key: SealingKey) -> Result<Self, SealingKeyError> {
        if self.find(key.id()).is_some() {
            return Err(SealingKeyError::DuplicateId {
                key_id: Text::new(key.id()),
            });
        }
        if self.others.len() + 1 >= MAX_SEALING_KEYS {
            return Err(SealingKeyError::TooMany {
                limit: MAX_SEALING_KEYS,
            });
        }
        self.others.push(Arc::new(key));
        Ok(self)
    }

    /// Seals a text for a name, such as that of the record it goes into. The name is not kept; who
    /// opens must know it.
    ///
    /// # Errors
    ///
    /// [`SealError::Spent`] where the key has sealed as often as it may, [`SealError::Backend`]
    /// where the backend fails.
    pub fn seal(&self, context: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let head = form::head(self.newest.id());
        // With room for the tag, the text does not move and leaves no copy behind.
        let mut sealed = Vec::with_capacity(text.len() + AEAD_TAG_OCTETS);
        sealed.extend_from_slice(text);
        let nonce: [u8; AEAD_NONCE_OCTETS] = self
            .newest
            .seal(&form::associated(&head, context), &mut sealed)?;
        Ok([head.as_slice(), &nonce, &sealed].concat())
    }

    /// Opens what [`SealingKeys::seal`] made for this very name, with a key of this ring.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: all of them mean that there is no such text.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        let parts = form::parse(sealed)?;
        let key = self
            .find(parts.key_id)
            .ok_or_else(|| form::unknown_key(parts.key_id))?;
        let mut text = parts.sealed.to_vec();
        let aad = form::associated(parts.head, context);
        key.key()
            .open(parts.nonce, &aad, &mut text)
            .map_err(|_| OpenError::Tampered {
                key_id: Text::new(key.id()),
            })?;
        Ok(Secret::new(text))
    }

    /// The key that seals.
    #[must_use]
    pub fn newest(&self) -> &SealingKey {
        &self.newest
    }

    /// All keys, the one that seals first.
    pub fn iter(&self) -> impl Iterator<Item = &SealingKey> {
        core::iter::once(&self.newest)
            .chain(&self.others)
            .map(|it| &**it)
    }

    fn find(&self, id: &str) -> Option<&SealingKey> {
        self.iter().find(|it| it.id() == id)
    }
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
