//! A key with its times: what a ring is made of, and what it is written down as.

use smart_jose::{Algorithm, Jwk, UnixTime};

use super::signer::Signer;

/// A key with its times, to set up a ring as it was, or as other nodes have it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlannedKey {
    /// The public half, with its `kid` and its algorithm.
    pub jwk: Jwk,
    /// The private half, as long as it signs.
    pub signer: Option<Signer>,
    /// Since when readers can have seen the key.
    pub published_at: UnixTime,
    /// From when on it signs.
    pub signs_from: UnixTime,
    /// When it stopped signing, where that is settled.
    pub signs_until: Option<UnixTime>,
    /// Whether it had to sign before its lead was over, because the key before it was revoked.
    pub is_promoted: bool,
}

impl PlannedKey {
    /// A key that signs, or will.
    #[must_use]
    pub fn new(signer: Signer, published_at: UnixTime, signs_from: UnixTime) -> Self {
        Self {
            jwk: signer.jwk().clone(),
            signer: Some(signer),
            published_at,
            signs_from,
            signs_until: None,
            is_promoted: false,
        }
    }

    /// A key that has signed, and whose private half is gone. It is published until the last of its
    /// tokens has expired.
    #[must_use]
    pub const fn retired(
        jwk: Jwk,
        published_at: UnixTime,
        signs_from: UnixTime,
        signs_until: UnixTime,
    ) -> Self {
        Self {
            jwk,
            signer: None,
            published_at,
            signs_from,
            signs_until: Some(signs_until),
            is_promoted: false,
        }
    }

    pub(super) fn kid(&self) -> &str {
        self.jwk.kid().unwrap_or_default()
    }

    pub(super) const fn algorithm(&self) -> Option<Algorithm> {
        self.jwk.algorithm()
    }

    /// Whether it has signed ever since it was published: a first key, which no reader can have
    /// missed. A clock that was set back does not take it away.
    pub(super) fn is_initial(&self) -> bool {
        self.signs_from == self.published_at
    }

    pub(super) fn has_begun(&self, now: UnixTime) -> bool {
        self.is_initial() || self.signs_from <= now
    }
}
