//! PKCE with S256 (RFC 7636). `plain` is not implemented.

use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, base64url};

use crate::value::CodeVerifier;

/// `code_challenge`: base64url of the SHA-256 of the verifier, 43 characters (RFC 7636 4.2).
#[must_use]
pub fn challenge(verifier: &CodeVerifier, provider: &CryptoProvider) -> String {
    base64url::encode(provider.hash(HashAlgorithm::Sha256, verifier.expose_secret().as_bytes()))
}

/// Whether a verifier that a client sends has the form that RFC 7636 4.1 asks for: 43 to 128
/// unreserved characters.
#[must_use]
pub fn is_well_formed(verifier: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: PKCE-1
    #[test]
    fn verifiers_have_43_to_128_unreserved_characters() {
        assert!(is_well_formed(&"a".repeat(43)));
        assert!(is_well_formed(&"~".repeat(128)));
        for bad in [
            String::new(),
            "a".repeat(42),
            "a".repeat(129),
            format!("{}+", "a".repeat(43)),
        ] {
            assert!(!is_well_formed(&bad), "{bad}");
        }
    }
}
