//! Proof Key for Code Exchange, the server's side (RFC 7636): S256 and nothing else.

use smart_jose::alg::HashAlgorithm;
use smart_jose::{CryptoProvider, base64url};
use subtle::ConstantTimeEq as _;

/// Whether a text has the form of an S256 challenge: 43 characters of base64url.
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

/// Whether the verifier belongs to the challenge. A verifier that is the challenge itself shows
/// an app that hashes nothing; it is refused by name and not only because the hashes differ.
pub(crate) fn verifies(
    code_verifier: &str,
    code_challenge: &str,
    provider: &CryptoProvider,
) -> bool {
    let is_well_formed = (43..=128).contains(&code_verifier.len())
        && code_verifier
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it));
    let is_challenge = code_verifier.as_bytes().ct_eq(code_challenge.as_bytes());
    let digest = provider.hash(HashAlgorithm::Sha256, code_verifier.as_bytes());
    let found = base64url::encode(digest);
    let is_equal = found.as_bytes().ct_eq(code_challenge.as_bytes());
    is_well_formed && (is_equal & !is_challenge).into()
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use super::*;

    // The example of RFC 7636, Appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    // covers: PKCE-1, PKCE-3
    #[test]
    fn the_example_verifies_and_nothing_near_it_does() {
        let ring = CryptoProvider::ring();
        assert!(is_challenge(CHALLENGE));
        assert!(verifies(VERIFIER, CHALLENGE, ring));
        let short = &VERIFIER[..42];
        let long = "a".repeat(129);
        let plus = VERIFIER.replace('-', "+");
        for wrong in ["", " ", CHALLENGE, short, &long, &plus] {
            assert!(!verifies(wrong, CHALLENGE, ring), "{wrong:?}");
        }
    }

    // covers: PKCE-1
    #[test]
    fn the_length_counts_even_where_the_hash_agrees() {
        let ring = CryptoProvider::ring();
        for (length, expected) in [(42, false), (43, true), (128, true), (129, false)] {
            let verifier = "v".repeat(length);
            let digest = ring.hash(HashAlgorithm::Sha256, verifier.as_bytes());
            let challenge = base64url::encode(digest);
            assert_eq!(verifies(&verifier, &challenge, ring), expected, "{length}");
        }
    }

    #[test]
    fn other_forms_are_no_challenge() {
        let padded = format!("{CHALLENGE}=");
        let plus = CHALLENGE.replace('-', "+");
        for text in ["", "short", padded.as_str(), plus.as_str()] {
            assert!(!is_challenge(text), "{text:?}");
        }
    }
}
