//! A token changes type as it is checked: unverified, then verified.

use core::fmt;
use core::ops::Range;

use super::known::KnownHeader;
use crate::alg::{Algorithm, Algorithms};
use crate::base64url;
use crate::class::ErrorClass;
use crate::crypto::BadSignature;
use crate::header::{HeaderError, ProtectedHeader};
use crate::jwk::Candidates;
use crate::short::ShortBuffer;

/// Longer tokens are refused before anything is decoded, in octets.
pub const MAX_TOKEN_OCTETS: usize = 64 * 1024;

/// Dots are counted up to here; what has more is refused without reading on.
const MANY_SEGMENTS: usize = 6;

/// A token of three parts whose header is right and whose algorithm is accepted. Its payload
/// cannot be reached.
///
/// ```
/// use smart_jose::{Algorithms, UnverifiedJws};
/// let error = UnverifiedJws::parse("a.b", Algorithms::ID_TOKEN).unwrap_err();
/// assert_eq!(error.code(), "jws-segment-count");
/// ```
pub struct UnverifiedJws<'t> {
    segments: Segments<'t>,
    header: ProtectedHeader,
}

/// A token whose signature is valid. Nothing has been said about its claims.
pub struct VerifiedJws {
    header: ProtectedHeader,
    payload: Vec<u8>,
}

impl<'t> UnverifiedJws<'t> {
    /// Reads the compact form and the header (RFC 7515 5.2, steps 1 to 5). `accepted` is what the
    /// caller accepts; after this no value with another algorithm exists, so no later step can
    /// forget to check.
    ///
    /// Payload and signature are decoded when they are needed. So refusing a token up to there,
    /// for its algorithm or for a `kid` that no key has, asks nothing of the allocator but what
    /// the error holds.
    ///
    /// # Errors
    ///
    /// [`JwsError`] for every rule of form and header; the algorithm is judged last.
    pub fn parse(compact: &'t str, accepted: Algorithms) -> Result<Self, JwsError> {
        Self::parse_with_limit(compact, accepted, MAX_TOKEN_OCTETS)
    }

    /// The same with another limit on the length, in octets.
    ///
    /// # Errors
    ///
    /// As [`UnverifiedJws::parse`].
    pub fn parse_with_limit(
        compact: &'t str,
        accepted: Algorithms,
        limit: usize,
    ) -> Result<Self, JwsError> {
        let segments = split(compact, limit)?;
        let header = Self::read_header(segments.header, accepted)?;
        Ok(Self { segments, header })
    }

    /// The same, where the header of the token may be one that was read before. It is then not
    /// read again; what is said of the token is the same in every case.
    ///
    /// # Errors
    ///
    /// As [`UnverifiedJws::parse`].
    pub fn parse_knowing(
        known: &KnownHeader,
        compact: &'t str,
        accepted: Algorithms,
        limit: usize,
    ) -> Result<Self, JwsError> {
        let segments = split(compact, limit)?;
        let header = match known.told(segments.header, accepted) {
            Some(header) => header,
            None => Self::read_header(segments.header, accepted)?,
        };
        Ok(Self { segments, header })
    }

    /// Reads a header as it stands in a token.
    fn read_header(encoded: &str, accepted: Algorithms) -> Result<ProtectedHeader, JwsError> {
        let mut octets = ShortBuffer::new(base64url::room(encoded));
        let header = base64url::decode_into(encoded, octets.as_mut_slice());
        let header = header.map_err(|_| JwsError::Base64 {
            segment: Segment::Header,
        })?;
        Ok(ProtectedHeader::read(header, accepted)?)
    }

    /// Whether payload and signature are canonical base64url. [`UnverifiedJws::verify`] refuses a
    /// token otherwise; this is for those who would do something dear before, such as fetching
    /// keys.
    ///
    /// # Errors
    ///
    /// [`JwsError::Base64`].
    pub fn check_encoding(&self) -> Result<(), JwsError> {
        self.segments.decode_payload()?;
        let mut octets = ShortBuffer::new(base64url::room(self.segments.signature));
        self.segments.decode_signature(&mut octets)?;
        Ok(())
    }

    /// The header: enough to find a key, and attacker's text until the signature is checked.
    #[must_use]
    pub const fn header(&self) -> &ProtectedHeader {
        &self.header
    }

    /// The header as it stands in the token, for reading others that have the same.
    #[must_use]
    pub fn known_header(&self) -> KnownHeader {
        KnownHeader::new(self.segments.header, &self.header)
    }

    /// Checks the signature against one key after the other (RFC 7515 5.2, steps 6 to 8).
    ///
    /// # Errors
    ///
    /// [`JwsError::KeyMismatch`] where the candidates were chosen for a token of another algorithm,
    /// [`JwsError::BadSignature`] where none of them verifies, [`JwsError::Base64`] where the
    /// signature is not canonical base64url, or a payload with a valid signature is not.
    pub fn verify(self, keys: &Candidates) -> Result<VerifiedJws, JwsError> {
        if keys.algorithm() != self.header.algorithm() {
            return Err(JwsError::KeyMismatch {
                token: self.header.algorithm(),
                keys: keys.algorithm(),
            });
        }
        let mut octets = ShortBuffer::new(base64url::room(self.segments.signature));
        let signature = self.segments.decode_signature(&mut octets)?;
        let message = self.segments.signing_input.as_bytes();
        if keys
            .iter()
            .any(|key| key.verify(message, signature).is_ok())
        {
            let payload = self.segments.decode_payload()?;
            return Ok(VerifiedJws {
                header: self.header,
                payload,
            });
        }
        Err(JwsError::BadSignature)
    }
}

impl VerifiedJws {
    /// The header.
    #[must_use]
    pub const fn header(&self) -> &ProtectedHeader {
        &self.header
    }

    /// The octets that the signature covers.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload and the header, by value.
    #[must_use]
    pub fn into_parts(self) -> (ProtectedHeader, Vec<u8>) {
        (self.header, self.payload)
    }
}

impl fmt::Debug for UnverifiedJws<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for VerifiedJws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedJws")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Whether a text has the compact form: three parts, each of them canonical base64url. It is for
/// reports, which name what is wrong with the form also where the header is refused.
///
/// # Errors
///
/// [`JwsError`], every variant about the form.
pub fn check_form(compact: &str, limit: usize) -> Result<(), JwsError> {
    let segments = split(compact, limit)?;
    base64url::decode(segments.header).map_err(|_| JwsError::Base64 {
        segment: Segment::Header,
    })?;
    segments.decode_payload()?;
    let mut octets = ShortBuffer::new(base64url::room(segments.signature));
    segments.decode_signature(&mut octets).map(drop)
}

/// The three parts, still encoded.
#[derive(Clone, Copy)]
pub(crate) struct Segments<'t> {
    signing_input: &'t str,
    header: &'t str,
    pub(crate) payload: &'t str,
    signature: &'t str,
}

impl Segments<'_> {
    fn decode_payload(&self) -> Result<Vec<u8>, JwsError> {
        base64url::decode(self.payload).map_err(|_| JwsError::Base64 {
            segment: Segment::Payload,
        })
    }

    /// Decodes the signature into a buffer with room for it.
    fn decode_signature<'o>(&self, octets: &'o mut ShortBuffer) -> Result<&'o [u8], JwsError> {
        base64url::decode_into(self.signature, octets.as_mut_slice()).map_err(|_| {
            JwsError::Base64 {
                segment: Segment::Signature,
            }
        })
    }
}

/// Takes the compact form apart.
pub(crate) fn split(compact: &str, limit: usize) -> Result<Segments<'_>, JwsError> {
    if compact.len() > limit {
        return Err(JwsError::TooLong {
            limit,
            found: compact.len(),
        });
    }
    if compact.trim_start().starts_with('{') {
        return Err(JwsError::JsonSerialization);
    }
    // A sixth part is not looked for. Each search begins behind the dot before; one that has found
    // nothing is not repeated.
    let mut dots = memchr::memchr_iter(b'.', compact.as_bytes()).take(MANY_SEGMENTS - 1);
    let Some(first) = dots.next() else {
        return Err(JwsError::SegmentCount { found: 1 });
    };
    let Some(second) = dots.next() else {
        return Err(JwsError::SegmentCount { found: 2 });
    };
    if dots.next().is_some() {
        return Err(match 4 + dots.count() {
            5 => JwsError::Encrypted,
            found => JwsError::SegmentCount { found },
        });
    }
    let part = |range: Range<usize>| compact.get(range).unwrap_or_default();
    let (header, payload) = (part(0..first), part(first + 1..second));
    let signature = part(second + 1..compact.len());
    let named = [
        (Segment::Header, header),
        (Segment::Payload, payload),
        (Segment::Signature, signature),
    ];
    if let Some((segment, _)) = named.into_iter().find(|(_, text)| text.is_empty()) {
        return Err(JwsError::EmptySegment { segment });
    }
    let signing_input = part(0..second);
    Ok(Segments {
        signing_input,
        header,
        payload,
        signature,
    })
}

/// A part of the compact form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment {
    /// The first.
    Header,
    /// The second.
    Payload,
    /// The third.
    Signature,
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// Why a token is refused before its claims are looked at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// No candidate key verifies the signature.
    #[error("the signature does not verify with the key")]
    BadSignature,
    /// A part is not canonical base64url (RFC 7515 2).
    #[error("the {segment} is not canonical base64url without padding")]
    Base64 {
        /// Which part.
        segment: Segment,
    },
    /// A part is empty.
    #[error("the {segment} is empty")]
    EmptySegment {
        /// Which part.
        segment: Segment,
    },
    /// Five parts: an encrypted token (RFC 7516), which is not read here.
    #[error("the token is encrypted (five parts), and only signed tokens are read")]
    Encrypted,
    /// The header is refused.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The JSON serialization, which JWTs never use (RFC 7519 1).
    #[error("the token is in JSON serialization, and only the compact form is read")]
    JsonSerialization,
    /// The keys were chosen for a token of another algorithm; a mistake of the caller.
    #[error("the token says {token}, the keys are for {keys}")]
    KeyMismatch {
        /// The algorithm of the token.
        token: Algorithm,
        /// The algorithm of the keys.
        keys: Algorithm,
    },
    /// Not three parts.
    #[error("a signed token has 3 parts, this one has {found}{}", if *.found >= MANY_SEGMENTS { " or more" } else { "" })]
    SegmentCount {
        /// How many there are; counting stops at six.
        found: usize,
    },
    /// The token is too long.
    #[error("a token of {found} octets, more than {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
}

impl From<BadSignature> for JwsError {
    fn from(_: BadSignature) -> Self {
        Self::BadSignature
    }
}

impl JwsError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadSignature => "jws-bad-signature",
            Self::Base64 { .. } => "jws-base64",
            Self::EmptySegment { .. } => "jws-empty-segment",
            Self::Encrypted => "jws-encrypted",
            Self::Header(error) => error.code(),
            Self::JsonSerialization => "jws-json-serialization",
            Self::KeyMismatch { .. } => "jws-key-mismatch",
            Self::SegmentCount { .. } => "jws-segment-count",
            Self::TooLong { .. } => "jws-too-long",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::KeyMismatch { .. } => ErrorClass::Configuration,
            _ => ErrorClass::InvalidToken,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::crypto::VerifyingKey;

    fn code(token: &str) -> &'static str {
        UnverifiedJws::parse(token, Algorithms::ID_TOKEN)
            .and_then(|token| token.check_encoding())
            .unwrap_err()
            .code()
    }

    /// A key that finds every signature valid.
    #[derive(Debug)]
    struct Gullible;

    impl VerifyingKey for Gullible {
        fn algorithm(&self) -> Algorithm {
            Algorithm::RS256
        }
        fn verify(&self, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
            Ok(())
        }
    }

    #[test]
    fn verify_reads_one_spelling_whatever_the_key_says() {
        let keys = Candidates::one(Arc::new(Gullible));
        let header = base64url::encode(r#"{"alg":"RS256"}"#);
        let verify = |rest: &str| {
            let token = format!("{header}.{rest}");
            let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN)?;
            token.verify(&keys).map(|it| it.into_parts().1)
        };
        assert_eq!(verify("e30.AA"), Ok(b"{}".to_vec()));
        let refused = |segment| Err(JwsError::Base64 { segment });
        for payload in ["e31", "e30=", "e3 0", "e", "+w"] {
            assert_eq!(verify(&format!("{payload}.AA")), refused(Segment::Payload));
        }
        // Short ones are decoded in place, long ones are not.
        let long = "A".repeat(4000);
        for signature in [
            "AB",
            "AA==",
            "AA\n",
            "A",
            "+w",
            &format!("{long}="),
            &format!("{long}A"),
        ] {
            assert_eq!(
                verify(&format!("e30.{signature}")),
                refused(Segment::Signature)
            );
        }
        assert_eq!(verify(&format!("e30.{long}")), Ok(b"{}".to_vec()));
    }

    // covers: JWS-1, JWS-2, JWS-21, OIDC-IDT-12, BISX-4, BISX-9
    #[test]
    fn the_form_is_judged_before_anything_is_decoded() {
        let header = base64url::encode(r#"{"alg":"RS256"}"#);
        let cases = [
            (String::new(), "jws-segment-count"),
            ("a".into(), "jws-segment-count"),
            ("a.b".into(), "jws-segment-count"),
            ("a.b.c.d".into(), "jws-segment-count"),
            ("a.b.c.d.e".into(), "jws-encrypted"),
            ("a.b.c.d.e.f".into(), "jws-segment-count"),
            (".".repeat(60_000), "jws-segment-count"),
            ("a..c".into(), "jws-empty-segment"),
            (".b.c".into(), "jws-empty-segment"),
            (format!("{header}.e30."), "jws-empty-segment"),
            ("x".repeat(MAX_TOKEN_OCTETS + 1), "jws-too-long"),
            (
                r#"{"payload":"a","signatures":[]}"#.into(),
                "jws-json-serialization",
            ),
            (format!("{header}.e30.AA=="), "jws-base64"),
            (format!("{header}.e30.AB"), "jws-base64"),
            (format!("{header}.e3 0.AA"), "jws-base64"),
            (format!("{header}.e30.A+"), "jws-base64"),
            (format!(" {header}.e30.AA"), "jws-base64"),
            (format!("{header}.e30.AA\n"), "jws-base64"),
            (format!("Bearer {header}.e30.AA"), "jws-base64"),
            ("e30.e30.AA".into(), "alg-missing"),
        ];
        for (token, expected) in cases {
            assert_eq!(
                code(&token),
                expected,
                "{}",
                token.get(..40).unwrap_or(&token)
            );
        }
    }

    #[test]
    fn counting_stops_at_six() {
        let token = "a.".repeat(500);
        assert_eq!(
            UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap_err(),
            JwsError::SegmentCount { found: 6 },
        );
    }

    proptest::proptest! {
        #[test]
        fn adv_never_panics(token in ".{0,200}") {
            proptest::prop_assert!(UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).is_err());
        }
    }
}
