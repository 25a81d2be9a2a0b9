//! Writing the compact form.

use serde::Serialize;

use crate::base64url;
use crate::crypto::{SigningFailed, SigningKey};

/// Signs `payload` with `typ: JWT`, the key's `alg`, and a `kid` where one is given.
///
/// The header members stand in this order: `typ`, `alg`, `kid`. The payload is signed as it is;
/// its octets are the caller's.
///
/// # Errors
///
/// [`SignError`] where the payload is empty, or the key does not sign.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::{Algorithm, CryptoProvider, jws, key::PrivateKey};
/// let ring = CryptoProvider::ring();
/// let key = PrivateKey::generate(Algorithm::ES256, ring).unwrap();
/// let key = ring.signing_key(&key, Algorithm::ES256).unwrap();
/// let token = jws::sign(br#"{"sub":"alice"}"#, Some("key-1"), &*key).unwrap();
/// assert_eq!(token.split('.').count(), 3);
/// # }
/// ```
pub fn sign(payload: &[u8], kid: Option<&str>, key: &dyn SigningKey) -> Result<String, SignError> {
    if payload.is_empty() {
        // A token with an empty part is one that nobody reads, we included.
        return Err(SignError::EmptyPayload);
    }
    let header = Header {
        typ: "JWT",
        alg: key.algorithm().name(),
        kid,
    };
    let header = serde_json::to_vec(&header).map_err(|_| SignError::Header)?;
    let mut token = String::new();
    base64url::encode_onto(&header, &mut token);
    token.push('.');
    base64url::encode_onto(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    base64url::encode_onto(&signature, &mut token);
    Ok(token)
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
}

/// Why nothing was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The payload is empty.
    #[error("the payload is empty")]
    EmptyPayload,
    /// The header could not be written.
    #[error("the header could not be written")]
    Header,
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] SigningFailed),
}

impl SignError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyPayload => "sign-empty-payload",
            Self::Header => "sign-header",
            Self::Key(_) => "sign-failed",
        }
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use super::*;
    use crate::alg::Algorithm;
    use crate::crypto::CryptoProvider;
    use crate::key::PrivateKey;

    #[test]
    fn an_empty_payload_is_not_signed() {
        let ring = CryptoProvider::ring();
        let key = PrivateKey::generate(Algorithm::ES256, ring).unwrap();
        let key = ring.signing_key(&key, Algorithm::ES256).unwrap();
        assert_eq!(sign(b"", None, &*key), Err(SignError::EmptyPayload));
        assert!(sign(b"{}", None, &*key).is_ok());
    }
}
