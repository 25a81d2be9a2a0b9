//! `at_hash` and `c_hash`.

use smart_jose::{Algorithm, CryptoProvider, base64url};

/// The value of `at_hash` for an access token, or of `c_hash` for a code: the left half of its
/// hash, base64url. The hash is the one of the ID token's algorithm; Ed25519 has SHA-512
/// (OpenID Connect Core 3.1.3.6, 3.3.2.11).
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::{Algorithm, CryptoProvider};
/// use smart_oidc::id_token::hash_claim;
/// // OpenID Connect Core, appendix A.3.
/// let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
/// let hash = hash_claim(token, Algorithm::RS256, CryptoProvider::ring());
/// assert_eq!(hash, "77QmUPtjPfzWtF2AnpK9RQ");
/// # }
/// ```
#[must_use]
pub fn hash_claim(value: &str, algorithm: Algorithm, provider: &CryptoProvider) -> String {
    let digest = provider.hash(algorithm.hash(), value.as_bytes());
    let digest = digest.as_ref();
    base64url::encode(digest.get(..digest.len() / 2).unwrap_or_default())
}
