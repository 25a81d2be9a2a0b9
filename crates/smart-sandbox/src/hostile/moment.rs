//! What a fault has at hand when it acts.

use smart_jose::crypto::SigningKey;
use smart_jose::{CryptoProvider, Jwk};

use crate::urls::Urls;

/// Where and when.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) urls: &'a Urls,
    pub(crate) provider: &'a CryptoProvider,
    /// The time, in seconds.
    pub(crate) now: u64,
}

/// The token that would have been sent, and what it was made of.
pub(crate) struct Genuine<'a> {
    pub(crate) token: String,
    pub(crate) payload: String,
    pub(crate) kid: &'a str,
    pub(crate) key: &'a dyn SigningKey,
    pub(crate) jwk: &'a Jwk,
}

impl Genuine<'_> {
    /// The three parts.
    pub(crate) fn parts(&self) -> (&str, &str, &str) {
        let mut parts = self.token.splitn(3, '.');
        let mut next = || parts.next().unwrap_or_default();
        (next(), next(), next())
    }
}
