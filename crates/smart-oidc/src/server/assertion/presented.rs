//! An assertion as it comes in: read, and not believed.

use core::fmt;

use smart_jose::json::{self, Name};
use smart_jose::jws::{JwsError, Segment};
use smart_jose::{Secret, Text, base64url, danger, header, member};

use super::error::AssertionError;
use crate::value::ClientId;

/// The one value of `client_assertion_type` (RFC 7523 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion may be this long, in octets. It holds five short claims, and its header perhaps
/// certificates that nobody reads.
pub const MAX_ASSERTION_OCTETS: usize = 16 * 1024;

/// A client assertion that nobody has verified. `Debug` shows the client that it names and nothing
/// that can be presented again.
#[derive(Clone)]
pub struct ClientAssertion {
    jwt: Secret<String>,
    claimed: ClientId,
}

impl ClientAssertion {
    /// Reads `client_assertion_type`, `client_assertion` and, where it was sent, `client_id`
    /// (RFC 7521 4.2).
    ///
    /// Without `client_id` the client is the one that the assertion names itself. That is the key
    /// under which its registration is looked up, and the assertion is then verified with that
    /// registration's keys only.
    ///
    /// # Errors
    ///
    /// [`AssertionError::Incomplete`], [`AssertionError::Type`], and [`AssertionError::Jws`] or
    /// [`AssertionError::Json`] where the assertion cannot be read.
    pub fn read(
        assertion_type: Option<&str>,
        assertion: Option<&str>,
        client_id: Option<&ClientId>,
    ) -> Result<Self, AssertionError> {
        let missing = |missing| AssertionError::Incomplete { missing };
        let found = assertion_type.ok_or_else(|| missing("client_assertion_type"))?;
        let jwt = assertion.ok_or_else(|| missing("client_assertion"))?;
        if found != ASSERTION_TYPE {
            return Err(AssertionError::Type {
                found: Text::new(found),
            });
        }
        let claimed = match client_id {
            Some(client_id) => client_id.clone(),
            None => claimed_issuer(jwt)?,
        };
        Ok(Self {
            jwt: Secret::new(jwt.to_owned()),
            claimed,
        })
    }

    /// The client that the request names. Nothing has been proven.
    #[must_use]
    pub const fn claimed_client_id(&self) -> &ClientId {
        &self.claimed
    }

    pub(super) fn jwt(&self) -> &str {
        self.jwt.expose_secret()
    }

    /// `jku` of the header, which is compared with what is registered and never followed. The header
    /// as a whole is judged elsewhere; `None` is no `jku`, and an empty text one that is no string.
    pub(super) fn jku(&self) -> Result<Option<String>, AssertionError> {
        let encoded = self.jwt().split('.').next().unwrap_or_default();
        let octets = base64url::decode(encoded).map_err(|_| JwsError::Base64 {
            segment: Segment::Header,
        })?;
        let mut found = [None];
        json::scan_object(
            &octets,
            header::MAX_HEADER_OCTETS,
            &[Name::new("jku")],
            &mut found,
        )?;
        let [jku] = found;
        Ok(match member::read::<String>(jku) {
            member::Member::Absent => None,
            member::Member::Value(jku) => Some(jku),
            member::Member::WrongType(_) => Some(String::new()),
        })
    }
}

impl fmt::Debug for ClientAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAssertion")
            .field("claimed", &Text::new(self.claimed.as_str()))
            .finish_non_exhaustive()
    }
}

/// `iss` of a token that nobody has verified.
fn claimed_issuer(jwt: &str) -> Result<ClientId, AssertionError> {
    let payload = danger::unverified_payload_with_limit(jwt, MAX_ASSERTION_OCTETS)?;
    let mut found = [None];
    json::scan_object(&payload, payload.len(), &[Name::new("iss")], &mut found)?;
    let [iss] = found;
    let iss = member::read::<String>(iss);
    let iss = smart_jose::jwt::check::required("iss", &iss)?;
    Ok(ClientId::new(iss.as_str()))
}
