//! The octets of a sealed value.

use smart_jose::Text;
use smart_jose::crypto::{AEAD_NONCE_OCTETS, AEAD_TAG_OCTETS};

use super::error::OpenError;

/// The version that is written, and the only one that is read.
const VERSION: u8 = 1;

/// A sealed value, taken apart.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// Version, length and id: what stands before the nonce.
    pub(super) head: &'a [u8],
    pub(super) key_id: &'a str,
    pub(super) nonce: &'a [u8; AEAD_NONCE_OCTETS],
    /// The sealed text and its tag.
    pub(super) sealed: &'a [u8],
}

/// What stands before the nonce.
pub(super) fn head(key_id: &str) -> Vec<u8> {
    // An id has at most 32 octets.
    let length = u8::try_from(key_id.len()).unwrap_or_default();
    [&[VERSION, length], key_id.as_bytes()].concat()
}

/// The associated data. The head says its own length, so no two pairs of head and context look
/// alike.
pub(super) fn associated(head: &[u8], context: &str) -> Vec<u8> {
    [head, context.as_bytes()].concat()
}

/// Takes a value apart, as far as that goes without a key.
pub(super) fn parse(value: &[u8]) -> Result<Parts<'_>, OpenError> {
    let form = || OpenError::Form {
        octets: value.len(),
    };
    let (version, rest) = value.split_first().ok_or_else(form)?;
    if *version != VERSION {
        return Err(OpenError::UnknownVersion {
            known: VERSION,
            found: *version,
        });
    }
    let (length, rest) = rest.split_first().ok_or_else(form)?;
    let (id, rest) = rest.split_at_checked((*length).into()).ok_or_else(form)?;
    let key_id = core::str::from_utf8(id).map_err(|_| form())?;
    let (nonce, sealed) = rest.split_first_chunk().ok_or_else(form)?;
    if sealed.len() < AEAD_TAG_OCTETS {
        return Err(form());
    }
    let (head, _) = value.split_at_checked(2 + id.len()).ok_or_else(form)?;
    Ok(Parts {
        head,
        key_id,
        nonce,
        sealed,
    })
}

/// The error for a value whose key is not there.
pub(super) fn unknown_key(key_id: &str) -> OpenError {
    OpenError::UnknownKey {
        key_id: Text::new(key_id),
    }
}
