//! JSON Web Signature in compact form (RFC 7515 7.1), and no other: JWTs never use the JSON
//! serialization.

mod compact;
mod known;
mod sign;

pub(crate) use compact::split;
pub use compact::{JwsError, MAX_TOKEN_OCTETS, Segment, UnverifiedJws, VerifiedJws, check_form};
pub use known::KnownHeader;
pub use sign::{SignError, SigningHeader, SigningInput, sign};
