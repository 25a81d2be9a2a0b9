//! What tells the launches of one browser apart.

use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, base64url};

use crate::callback::{CallbackError, Parameters};

/// So many octets of a hash are enough to tell the launches of one browser apart.
const OCTETS: usize = 12;

/// A name of one launch, for the names of cookies and for paths: 16 characters of base64url.
///
/// A clinician has two patients open in two tabs of one browser, and each tab was launched. With one
/// cookie for all launches the second takes the first one's place, and the first tab works on with
/// the patient of the second. With a cookie of its own for each launch, and the name in the path of
/// its pages, each tab keeps its own session.
///
/// It is made of `state` by SHA-256, so the callback says which launch it answers, and nobody learns
/// the state from it. It is no secret and opens nothing.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_oidc::jose::CryptoProvider;
/// use smart_oidc::LaunchTag;
///
/// let ring = CryptoProvider::ring();
/// let tag = LaunchTag::of_callback("code=c&state=af0ifjsldkj", ring).unwrap();
/// let cookie = format!("__Host-launch-{}", tag.as_str());
/// assert_eq!(cookie.len(), 30);
/// assert_eq!(LaunchTag::parse(tag.as_str()), Some(tag));
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaunchTag(String);

impl LaunchTag {
    pub(crate) fn of_state(state: &str, provider: &CryptoProvider) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, state.as_bytes());
        let octets: Vec<u8> = digest.as_ref().iter().copied().take(OCTETS).collect();
        Self(base64url::encode(octets))
    }

    /// The name of the launch that a callback answers; `query` is everything behind the `?`.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Duplicate`] and [`CallbackError::Missing`] for a query without one state.
    pub fn of_callback(query: &str, provider: &CryptoProvider) -> Result<Self, CallbackError> {
        let state = Parameters::read(query)?.state;
        let state = state.ok_or(CallbackError::Missing { name: "state" })?;
        Ok(Self::of_state(&state, provider))
    }

    /// Reads one that came back in a path; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let octets = base64url::decode(text).ok()?;
        (octets.len() == OCTETS).then(|| Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
