//! base64url as JOSE wants it: one spelling for each value (RFC 7515 2, RFC 4648 3.5 and 5).
//!
//! No padding, no white space, no `+` or `/`, and the spare bits of the last character are zero.
//! A verifier that accepts more accepts a second spelling of the same octets. This is not all that
//! makes a token unique: of an ECDSA signature there are two, (r, s) and (r, n − s), and JOSE
//! accepts both. Whoever keeps a list of tokens already seen keeps `jti`, or the text up to the
//! second dot.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig as Config};

use crate::class::ErrorClass;

const CONFIG: Config = Config::new()
    .with_encode_padding(false)
    .with_decode_allow_trailing_bits(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

/// Half the work of reading a token is this decoding, so the vector instructions of the machine
/// are used where the library knows them. Which ones there are is asked once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static STRICT: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::url_safe(CONFIG));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static STRICT: LazyLock<GeneralPurpose> = LazyLock::new(|| PLAIN);

/// The same without vector instructions.
#[cfg(any(test, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
const PLAIN: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);

/// As strict, but with the padding that some large providers publish in their key sets.
const PADDED: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The text is not canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url without padding")]
#[non_exhaustive]
pub struct NotBase64Url;

impl NotBase64Url {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "base64url"
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::InvalidToken
    }
}

/// Encodes octets, without padding.
///
/// ```
/// assert_eq!(smart_jose::base64url::encode([0xfb, 0xff]), "-_8");
/// ```
#[must_use]
pub fn encode(octets: impl AsRef<[u8]>) -> String {
    STRICT.encode(octets)
}

/// Decodes canonical base64url.
///
/// # Errors
///
/// [`NotBase64Url`] for padding, white space, another alphabet, an impossible length, or spare
/// bits that are not zero.
///
/// ```
/// assert_eq!(smart_jose::base64url::decode("QQ"), Ok(vec![0x41]));
/// assert!(smart_jose::base64url::decode("QR").is_err());
/// ```
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    let text = text.as_ref();
    // Asked for as zeros, the usual allocator would take it from a slower place.
    let room = base64::decoded_len_estimate(text.len());
    let mut octets = Vec::with_capacity(room);
    octets.resize(room, b'.');
    let len = STRICT
        .decode_slice(text, &mut octets)
        .map_err(|_| NotBase64Url)?;
    octets.truncate(len);
    Ok(octets)
}

/// How many octets [`decode_into`] wants to have for this text.
pub(crate) fn room(text: &str) -> usize {
    base64::decoded_len_estimate(text.len())
}

/// Decodes canonical base64url into the beginning of `out`, and gives that beginning.
pub(crate) fn decode_into<'o>(text: &str, out: &'o mut [u8]) -> Result<&'o [u8], NotBase64Url> {
    let len = STRICT.decode_slice(text, out).map_err(|_| NotBase64Url)?;
    Ok(out.get(..len).unwrap_or_default())
}

/// Decodes canonical base64url that may carry its padding; the second value says whether it did.
pub(crate) fn decode_padded(text: &str) -> Result<(Vec<u8>, bool), NotBase64Url> {
    if text.ends_with('=') {
        let octets = PADDED.decode(text).map_err(|_| NotBase64Url)?;
        return Ok((octets, true));
    }
    Ok((decode(text)?, false))
}

/// Encodes octets onto the end of `out`.
pub(crate) fn encode_onto(octets: &[u8], out: &mut String) {
    STRICT.encode_string(octets, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: JWS-2, JWS-3, JWS-4
    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "QQ==", "QQ=", "QR", "A", "QUE\n", " QUE", "QU E", "+_8", "-/8", "Q.Q", "QÜ",
        ] {
            assert_eq!(decode(text), Err(NotBase64Url), "{text:?}");
        }
        assert_eq!(decode(""), Ok(vec![]));
    }

    #[test]
    fn padding_is_read_only_where_it_is_asked_for_and_is_canonical() {
        assert_eq!(decode_padded("QQ=="), Ok((vec![0x41], true)));
        assert_eq!(decode_padded("QQ"), Ok((vec![0x41], false)));
        for text in ["QQ=", "QR==", "QQ===", "+w=="] {
            assert_eq!(decode_padded(text), Err(NotBase64Url), "{text:?}");
        }
    }

    #[test]
    fn vector_instructions_change_nothing() {
        // Long enough for several blocks of each instruction set, and each remainder behind them.
        for len in 0..200_u8 {
            let octets: Vec<u8> = (0..len).map(|it| it.wrapping_mul(89) ^ len).collect();
            let text = encode(&octets);
            assert_eq!(text, PLAIN.encode(&octets));
            assert_eq!(decode(&text), Ok(octets));
        }
        // Every octet at every place.
        let text = encode([0x5a; 150]).into_bytes();
        for at in 0..text.len() {
            for octet in 0..=255 {
                let mut text = text.clone();
                text[at] = octet;
                assert_eq!(
                    decode(&text).ok(),
                    PLAIN.decode(&text).ok(),
                    "{octet} at {at}"
                );
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn a_value_has_one_spelling(octets: Vec<u8>, text in "[A-Za-z0-9_-]{0,12}") {
            proptest::prop_assert_eq!(decode(encode(&octets)), Ok(octets));
            if let Ok(value) = decode(&text) {
                proptest::prop_assert_eq!(encode(value), text);
            }
        }
    }
}
