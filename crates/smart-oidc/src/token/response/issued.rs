//! The tokens of an answer that is not accepted, for whoever revokes them.

use core::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use smart_jose::member::{JsonType, Member};

use super::tokens::TokenResponse;
use crate::value::{AccessToken, RefreshToken};

/// What a token endpoint has given in an answer that is not accepted
/// ([`TokenError::issued`](crate::TokenError::issued)).
///
/// Nothing of it was checked: it is there to be revoked
/// ([`TokenClient::revoke_refresh_token`](crate::token::TokenClient::revoke_refresh_token),
/// [`TokenClient::revoke_access_token`](crate::token::TokenClient::revoke_access_token)) and for
/// nothing else. Both can be `None`: a token came, and it is no text.
///
/// `Debug` shows neither. Two are equal if their tokens are, compared in constant time.
#[derive(Clone)]
#[non_exhaustive]
pub struct IssuedTokens {
    /// The text of `access_token`, also one that could not stand in a header.
    pub access_token: Option<AccessToken>,
    /// The text of `refresh_token`.
    pub refresh_token: Option<RefreshToken>,
}

impl IssuedTokens {
    /// Those of an answer that was accepted.
    pub(crate) fn of(tokens: &TokenResponse) -> Self {
        Self {
            access_token: Some(tokens.access_token.clone()),
            refresh_token: tokens.refresh_token.clone(),
        }
    }

    /// Looks for tokens as a lax reader would, of whom the server may think: in an object that has
    /// a member twice, the last one that says something counts. `None` where neither token is there,
    /// and where the text is no object.
    pub(super) fn find(body: &[u8]) -> Option<Self> {
        let Seen { access, refresh } = serde_json::from_slice(body).ok()?;
        let came = access != Member::Absent || refresh != Member::Absent;
        came.then(|| Self {
            access_token: access.into_value().map(AccessToken::new),
            refresh_token: refresh.into_value().map(RefreshToken::new),
        })
    }
}

impl PartialEq for IssuedTokens {
    fn eq(&self, other: &Self) -> bool {
        let access = match (&self.access_token, &other.access_token) {
            (Some(one), Some(other)) => one.matches(other.expose_secret()),
            (one, other) => one.is_none() && other.is_none(),
        };
        let refresh = match (&self.refresh_token, &other.refresh_token) {
            (Some(one), Some(other)) => one.matches(other.expose_secret()),
            (one, other) => one.is_none() && other.is_none(),
        };
        access & refresh
    }
}

impl Eq for IssuedTokens {}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IssuedTokens(***)")
    }
}

/// Both members, however often they stand there.
struct Seen {
    access: Member<String>,
    refresh: Member<String>,
}

/// Takes what says something: neither `null` nor an empty text, and a text before anything else.
fn see(seen: &mut Member<String>, found: Member<String>) {
    let is_better = match &found {
        Member::Absent | Member::WrongType(JsonType::Null) => false,
        Member::WrongType(_) => *seen == Member::Absent,
        Member::Value(text) => !text.is_empty(),
    };
    if is_better {
        *seen = found;
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        let mut seen = Seen {
            access: Member::Absent,
            refresh: Member::Absent,
        };
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "access_token" => see(&mut seen.access, members.next_value()?),
                "refresh_token" => see(&mut seen.refresh, members.next_value()?),
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(seen)
    }
}
