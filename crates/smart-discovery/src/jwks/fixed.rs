//! Keys that are given by hand.

use async_trait::async_trait;
use smart_jose::key::PublicKey;
use smart_jose::{Candidates, CryptoProvider, Jwk, JwkSet, ProtectedHeader};

use super::source::{KeySource, KeySourceError};

/// Keys that never change: from a file, or out of band.
#[derive(Clone, Debug)]
pub struct FixedJwks {
    set: JwkSet,
    kid_counts: bool,
}

impl FixedJwks {
    /// This set; a token with a `kid` gets the keys under it and no others.
    #[must_use]
    pub const fn new(set: JwkSet) -> Self {
        Self {
            set,
            kid_counts: true,
        }
    }

    /// This one key for every token, whatever its `kid`: for a key from a PEM file, which has
    /// none.
    #[must_use]
    pub fn one_key(key: PublicKey, provider: &CryptoProvider) -> Self {
        let set = JwkSet::from_keys(vec![Jwk::without_kid(key)], provider);
        Self {
            set,
            kid_counts: false,
        }
    }

    fn select(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        Ok(if self.kid_counts {
            self.set.candidates(header)?
        } else {
            self.set.candidates_for(header.algorithm())?
        })
    }
}

impl From<JwkSet> for FixedJwks {
    fn from(set: JwkSet) -> Self {
        Self::new(set)
    }
}

#[async_trait]
impl KeySource for FixedJwks {
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates> {
        self.select(header).ok()
    }

    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        self.select(header)
    }
}
