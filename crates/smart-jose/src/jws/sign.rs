//! Writing the compact form.

use core::fmt;

use serde::Serialize;

use crate::alg::{Algorithm, KeyType};
use crate::base64url;
use crate::class::ErrorClass;
use crate::crypto::{SigningFailed, SigningKey};

/// Signs `payload` (RFC 7515 5.1) with `typ: JWT`, the key's `alg`, and a `kid` where one is given.
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
    let input = SigningInput::new(payload, kid, key.algorithm())?;
    let signature = key.sign(input.message())?;
    input.finish(&signature)
}

/// A token up to its signature: for keys that do not sign on the spot, such as those of a key
/// service that is reached over the network.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::jws::SigningInput;
/// use smart_jose::{Algorithm, CryptoProvider, key::PrivateKey};
/// let ring = CryptoProvider::ring();
/// let key = PrivateKey::generate(Algorithm::ES256, ring).unwrap();
/// let key = ring.signing_key(&key, Algorithm::ES256).unwrap();
///
/// let input = SigningInput::new(br#"{"sub":"alice"}"#, Some("key-1"), key.algorithm()).unwrap();
/// let signature = key.sign(input.message()).unwrap(); // or ask a service, and wait
/// assert_eq!(input.finish(&signature).unwrap().split('.').count(), 3);
/// # }
/// ```
#[derive(Clone)]
pub struct SigningInput {
    text: String,
    algorithm: Algorithm,
}

impl fmt::Debug for SigningInput {
    /// Shows the algorithm and nothing of the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningInput")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl SigningInput {
    /// The signing input of RFC 7515 5.1: header and payload, encoded, with a dot between.
    ///
    /// # Errors
    ///
    /// [`SignError::EmptyPayload`].
    pub fn new(payload: &[u8], kid: Option<&str>, algorithm: Algorithm) -> Result<Self, SignError> {
        let header = SigningHeader::new(algorithm);
        Self::with_header(payload, &SigningHeader { kid, ..header })
    }

    /// The same with further header members.
    ///
    /// # Errors
    ///
    /// As [`SigningInput::new`].
    pub fn with_header(payload: &[u8], header: &SigningHeader<'_>) -> Result<Self, SignError> {
        if payload.is_empty() {
            // A token with an empty part is one that nobody reads, we included.
            return Err(SignError::EmptyPayload);
        }
        let algorithm = header.algorithm;
        let header = Header {
            typ: header.typ,
            alg: algorithm.name(),
            kid: header.kid,
            jku: header.jku,
        };
        let header = serde_json::to_vec(&header).map_err(|_| SignError::Header)?;
        // Two parts now and the longest signature later, four characters for three octets each.
        let capacity = (header.len() + payload.len() + LONGEST_SIGNATURE) / 3 * 4 + 16;
        let mut input = String::with_capacity(capacity);
        base64url::encode_onto(&header, &mut input);
        input.push('.');
        base64url::encode_onto(payload, &mut input);
        Ok(Self {
            text: input,
            algorithm,
        })
    }

    /// The octets to sign.
    #[must_use]
    pub const fn message(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The token, with a signature in JOSE form (see [`crate::crypto::VerifyingKey::verify`]).
    ///
    /// # Errors
    ///
    /// [`SignError::SignatureLength`]: a key service that answers with DER, or with nothing, would
    /// otherwise make tokens that nobody verifies.
    pub fn finish(self, signature: &[u8]) -> Result<String, SignError> {
        let Self {
            text: mut token,
            algorithm,
        } = self;
        let fits = match algorithm.key_type() {
            KeyType::P256 | KeyType::Ed25519 => signature.len() == 64,
            KeyType::P384 => signature.len() == 96,
            KeyType::P521 => signature.len() == 132,
            // As long as the modulus: 2048 to 8192 bits.
            KeyType::Rsa => (256..=1024).contains(&signature.len()),
        };
        if !fits {
            return Err(SignError::SignatureLength {
                algorithm,
                found: signature.len(),
            });
        }
        token.push('.');
        base64url::encode_onto(signature, &mut token);
        Ok(token)
    }
}

/// The signature of an RSA key of 4096 bits, in octets.
const LONGEST_SIGNATURE: usize = 512;

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jku: Option<&'a str>,
}

/// The header of a token that is to be signed (RFC 7515 4.1): `typ` is `JWT` unless set.
///
/// ```
/// use smart_jose::Algorithm;
/// use smart_jose::jws::{SigningHeader, SigningInput};
/// let header = SigningHeader::new(Algorithm::ES384)
///     .with_kid("2027-01")
///     .with_typ("client-authentication+jwt");
/// let input = SigningInput::with_header(br#"{"iss":"app"}"#, &header).unwrap();
/// assert!(input.message().starts_with(b"eyJ0eXAiOiJjbGllbnQt"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SigningHeader<'a> {
    typ: &'a str,
    algorithm: Algorithm,
    kid: Option<&'a str>,
    jku: Option<&'a str>,
}

impl<'a> SigningHeader<'a> {
    /// `typ: JWT` and the name of this algorithm.
    #[must_use]
    pub const fn new(algorithm: Algorithm) -> Self {
        Self {
            typ: "JWT",
            algorithm,
            kid: None,
            jku: None,
        }
    }

    /// The name of the key.
    #[must_use]
    pub const fn with_kid(mut self, kid: &'a str) -> Self {
        self.kid = Some(kid);
        self
    }

    /// Another `typ` than `JWT` (RFC 8725 3.11).
    #[must_use]
    pub const fn with_typ(mut self, typ: &'a str) -> Self {
        self.typ = typ;
        self
    }

    /// Where the signer publishes its keys. Readers here ignore it, and nobody should fetch it who
    /// has not known it before.
    #[must_use]
    pub const fn with_jku(mut self, jku: &'a str) -> Self {
        self.jku = Some(jku);
        self
    }
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
    /// The key gave a signature that is none of its algorithm, DER perhaps (RFC 7518 3.3 to 3.5).
    #[error("the key gave {found} octets, which is no {algorithm} signature in JOSE form")]
    SignatureLength {
        /// The algorithm of the key.
        algorithm: Algorithm,
        /// How many octets it gave.
        found: usize,
    },
}

impl SignError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyPayload => "sign-empty-payload",
            Self::Header => "sign-header",
            Self::Key(error) => error.code(),
            Self::SignatureLength { .. } => "sign-signature-length",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::EmptyPayload | Self::Header => ErrorClass::Configuration,
            Self::Key(error) => error.class(),
            Self::SignatureLength { .. } => ErrorClass::Upstream,
        }
    }
}

#[cfg(all(test, feature = "ring"))]
mod tests {
    use super::*;
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

    #[test]
    fn a_signature_in_another_form_makes_no_token() {
        for (algorithm, good) in [
            (Algorithm::ES256, 64),
            (Algorithm::EdDSA, 64),
            (Algorithm::ES384, 96),
            (Algorithm::ES512, 132),
            (Algorithm::RS256, 256),
            (Algorithm::PS512, 1024),
        ] {
            let finish = |len: usize| {
                let input = SigningInput::new(b"{}", None, algorithm).unwrap();
                input.finish(&vec![7; len]).map(drop)
            };
            assert_eq!(finish(good), Ok(()), "{algorithm}");
            for found in [0, 63, 65, 70, 72, 95, 97, 104, 131, 133, 139, 255, 1025] {
                let refused = Err(SignError::SignatureLength { algorithm, found });
                if algorithm.key_type() == KeyType::Rsa || found != good {
                    assert_eq!(finish(found), refused, "{algorithm} {found}");
                }
            }
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_token() {
        let input = SigningInput::new(br#"{"sub":"patient-123"}"#, None, Algorithm::ES256);
        let shown = format!("{:?}", input.unwrap());
        assert_eq!(shown, "SigningInput { algorithm: ES256, .. }");
    }
}
