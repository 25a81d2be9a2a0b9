//! The one look at a payload whose signature has not been checked.
//!
//! It exists for reports that explain to an operator what is wrong with a token, where "bad
//! signature *and* expired last year" is worth more than "bad signature". Nothing that is read
//! here may decide anything: not who somebody is, and not where to fetch a key.

use crate::base64url;
use crate::jws::{self, JwsError, Segment};

/// The payload of a token that nobody has verified.
///
/// # Errors
///
/// [`JwsError`] where the token does not have the compact form.
pub fn unverified_payload(compact: &str) -> Result<Vec<u8>, JwsError> {
    unverified_payload_with_limit(compact, jws::MAX_TOKEN_OCTETS)
}

/// The same with another limit on the length of the token, in octets.
///
/// # Errors
///
/// As [`unverified_payload`].
pub fn unverified_payload_with_limit(compact: &str, limit: usize) -> Result<Vec<u8>, JwsError> {
    let payload = jws::split(compact, limit)?.payload;
    base64url::decode(payload).map_err(|_| JwsError::Base64 {
        segment: Segment::Payload,
    })
}
