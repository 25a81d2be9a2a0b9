//! Where a verifier gets its keys.

use core::fmt::Debug;
use core::time::Duration;

use async_trait::async_trait;
use smart_jose::jwk::KeySelectionError;
use smart_jose::{Algorithms, Candidates, ErrorClass, ProtectedHeader};

use super::document::JwksError;
use crate::discover::DiscoveryError;

/// Gives the keys of one issuer. Keys of different issuers must come from different sources, so
/// that no issuer can sign for another (RFC 8725 3.8).
///
/// A wrong "no such key" locks somebody out until the next refresh; a key that is not the
/// issuer's lets a stranger in. An implementation that is unsure must say "no such key".
#[async_trait]
pub trait KeySource: Debug + Send + Sync {
    /// The keys for a token, if they are at hand: no waiting, no network. A verifier asks this
    /// first.
    fn cached(&self, header: &ProtectedHeader) -> Option<Candidates>;

    /// The same for a token whose algorithm the issuer announces too; `announced` is what it
    /// announced of `accepted` when the verifier was made, for a source that does not follow it.
    ///
    /// It is [`KeySource::cached`] behind [`KeySource::narrow`], in one look where a source can.
    fn at_hand(
        &self,
        header: &ProtectedHeader,
        accepted: Algorithms,
        announced: Algorithms,
    ) -> Option<Candidates> {
        let announced = self.narrow(accepted).unwrap_or(announced);
        if !announced
            .intersection(accepted)
            .contains(header.algorithm())
        {
            return None;
        }
        self.cached(header)
    }

    /// The keys for a token, fetched if need be.
    ///
    /// # Errors
    ///
    /// [`KeySourceError`].
    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError>;

    /// The keys after those of [`KeySource::candidates`] did not verify, if asking the issuer
    /// again is allowed and was done: some issuers rotate without a new `kid`. The caller tries the
    /// signature once more and then no more.
    async fn candidates_after_bad_signature(&self, _: &ProtectedHeader) -> Option<Candidates> {
        None
    }

    /// What the issuer announces now of the algorithms that a caller accepts, where the source
    /// follows the issuer's metadata; `None` where it does not.
    fn narrow(&self, _accepted: Algorithms) -> Option<Algorithms> {
        None
    }

    /// The same after the issuer's metadata was read again, if that is allowed and was done: for a
    /// token whose algorithm the caller accepts and the issuer had not announced.
    async fn narrow_anew(&self, _accepted: Algorithms) -> Option<Algorithms> {
        None
    }
}

/// Why there are no keys for a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySourceError {
    /// The issuer itself could not be found, and nothing usable is held.
    #[error("the issuer cannot be found: {0}")]
    Discovery(Box<DiscoveryError>),
    /// The key set could not be had, and nothing usable is held.
    #[error("the issuer's keys cannot be fetched: {0}")]
    Fetch(#[from] JwksError),
    /// What was fetched may not be used any more: it was forgotten on purpose meanwhile, or the
    /// clock has jumped past its end. A later try fetches again.
    #[error("the fetch of the issuer's keys was interrupted")]
    Interrupted,
    /// The set is at hand, and no key in it is for the token.
    #[error(transparent)]
    Selection(#[from] KeySelectionError),
    /// No key is for the token, and the set was fetched so recently that it is not fetched
    /// again yet. If the issuer has just rotated its keys, a later try succeeds.
    #[error("{problem}; the keys can be fetched again in {} s", .retry_after.as_secs())]
    UnknownRetry {
        /// Why no key fits.
        problem: KeySelectionError,
        /// When the set may be fetched again.
        retry_after: Duration,
    },
}

impl KeySourceError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Discovery(error) => (**error).code(),
            Self::Fetch(error) => error.code(),
            Self::Interrupted => "jwks-interrupted",
            Self::Selection(error) => error.code(),
            Self::UnknownRetry { .. } => "key-unknown-retry",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Discovery(error) => (**error).class(),
            Self::Fetch(error) => error.class(),
            Self::Selection(_) => ErrorClass::InvalidToken,
            Self::Interrupted | Self::UnknownRetry { .. } => ErrorClass::Upstream,
        }
    }
}
