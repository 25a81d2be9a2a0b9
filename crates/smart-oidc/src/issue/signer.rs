//! A key that signs, with the name under which it is published.

use core::fmt;
use std::sync::Arc;

use smart_jose::crypto::{SigningKey, VerifyingKey};
use smart_jose::{Algorithm, Candidates, CryptoProvider, Jwk};

use super::error::KeyRingError;

/// A `kid` may be this long, in octets: it stands in every token.
const MAX_KID_OCTETS: usize = 255;

/// A private key for one algorithm, and its public half under a `kid`.
#[derive(Clone)]
pub struct Signer {
    key: Arc<dyn SigningKey>,
    jwk: Jwk,
    kid: String,
    verifier: Arc<dyn VerifyingKey>,
}

impl Signer {
    /// A key that is published under this `kid`. The key may be in a hardware module: the trait
    /// is all that is needed.
    ///
    /// # Errors
    ///
    /// [`KeyRingError::Kid`], [`KeyRingError::Publish`] where no reader would take the key, and
    /// [`KeyRingError::Prepare`] where the backend cannot verify with it.
    pub fn new(
        kid: impl Into<String>,
        key: Arc<dyn SigningKey>,
        provider: &CryptoProvider,
    ) -> Result<Self, KeyRingError> {
        let kid = kid.into();
        if !(1..=MAX_KID_OCTETS).contains(&kid.len()) {
            return Err(KeyRingError::Kid { octets: kid.len() });
        }
        let jwk = Jwk::new(key.public_key().clone(), kid.clone(), key.algorithm())?;
        let verifier = provider.prepare(jwk.key(), key.algorithm())?;
        Ok(Self {
            key,
            jwk,
            kid,
            verifier,
        })
    }

    /// The name of the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// The public half.
    #[must_use]
    pub const fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    pub(super) fn key(&self) -> &dyn SigningKey {
        &*self.key
    }

    /// What a reader of the served set would find for a token of this key.
    pub(super) fn candidates(&self) -> Candidates {
        Candidates::one(Arc::clone(&self.verifier))
    }
}

impl fmt::Debug for Signer {
    /// Shows name and algorithm, and nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.kid)
            .field("algorithm", &self.key.algorithm())
            .finish_non_exhaustive()
    }
}
