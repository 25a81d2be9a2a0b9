//! Thumbprints (RFC 7638): a name for a key that depends on nothing but the key.

use crate::alg::HashAlgorithm;
use crate::base64url;
use crate::crypto::CryptoProvider;
use crate::key::PublicKey;

/// The SHA-256 thumbprint of a key, base64url, 43 characters; it serves well as a `kid`.
///
/// Only the required members count, in their order and in their canonical form, so leading
/// zeros, `kid`, `alg` and `use` change nothing (RFC 7638 3.2, RFC 8037 2).
#[must_use]
pub fn thumbprint(key: &PublicKey, provider: &CryptoProvider) -> String {
    // base64url needs no escapes, so the text can be put together by hand.
    let members = match key {
        PublicKey::Rsa(key) => format!(
            r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#,
            base64url::encode(key.e()),
            base64url::encode(key.n()),
        ),
        PublicKey::Ec(key) => format!(
            r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
            key.curve(),
            base64url::encode(key.x()),
            base64url::encode(key.y()),
        ),
        PublicKey::Ed25519(key) => {
            format!(
                r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
                base64url::encode(key.octets())
            )
        }
    };
    base64url::encode(provider.hash(HashAlgorithm::Sha256, members.as_bytes()))
}
