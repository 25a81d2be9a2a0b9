//! Reading an answer: plain JSON or a signed JWT, and only if it is about the same user.

use core::fmt;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use smart_jose::header::is_media_type;
use smart_jose::json::{self, JsonError};
use smart_jose::jwt::{Audience, NumericDate, check};
use smart_jose::member::{Anything, Member};
use smart_jose::{Text, UnixTime};

use super::error::UserInfoError;
use crate::id_token::{IdToken, IdTokenError, Rules, not_null};

/// Longer answers are refused, in octets.
pub(super) const LIMIT: usize = 256 * 1024;

/// Claims about the subject of an ID token, from the issuer's UserInfo endpoint.
pub struct UserInfo {
    claims: Vec<u8>,
    is_signed: bool,
}

impl UserInfo {
    /// All claims as a type of the caller's.
    ///
    /// # Errors
    ///
    /// [`JsonError::Structure`] where they do not fit.
    pub fn claims<C: DeserializeOwned>(&self) -> Result<C, JsonError> {
        json::read_object(&self.claims, self.claims.len())
    }

    /// Whether the issuer has signed the answer; otherwise TLS alone vouches for it.
    #[must_use]
    pub const fn is_signed(&self) -> bool {
        self.is_signed
    }
}

impl fmt::Debug for UserInfo {
    /// Shows nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo")
            .field("is_signed", &self.is_signed)
            .finish_non_exhaustive()
    }
}

/// What an answer is, by its content type.
pub(super) enum Answer {
    /// Claims as they are.
    Plain(Bytes),
    /// A token that nobody has verified.
    Signed(String),
}

impl Answer {
    /// Only the content type decides: what looks like a token is not taken for one, and a token
    /// is not searched for JSON (OpenID Connect Core 5.3.2).
    pub(super) fn of(response: &Response<Bytes>) -> Result<Self, UserInfoError> {
        let status = response.status();
        if status != StatusCode::OK {
            return Err(UserInfoError::Status {
                status: status.as_u16(),
            });
        }
        let body = response.body();
        if body.len() > LIMIT {
            return Err(UserInfoError::Json(JsonError::TooLong {
                limit: LIMIT,
                found: body.len(),
            }));
        }
        // Two of them would let two readers see two answers.
        let mut content_types = response.headers().get_all(header::CONTENT_TYPE).into_iter();
        let content_type = content_types.next().and_then(|it| it.to_str().ok());
        if content_types.next().is_some() {
            return Err(UserInfoError::ContentType { found: None });
        }
        let essence = content_type
            .and_then(|it| it.split(';').next())
            .map(str::trim);
        match essence {
            Some(it) if is_media_type(it, "jwt") && it.contains('/') => {
                let token = core::str::from_utf8(body).unwrap_or_default();
                Ok(Self::Signed(token.to_owned()))
            }
            Some(it) if it.eq_ignore_ascii_case("application/json") => {
                Ok(Self::Plain(body.clone()))
            }
            _ => Err(UserInfoError::ContentType {
                found: content_type.map(Text::new),
            }),
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    iss: Member<String>,
    sub: Member<String>,
    aud: Member<Audience>,
    exp: Member<NumericDate>,
    nbf: Member<NumericDate>,
    iat: Member<NumericDate>,
    nonce: Member<Anything>,
    at_hash: Member<Anything>,
    c_hash: Member<Anything>,
}

/// A plain answer is about the user if it says so itself.
pub(super) fn plain(body: &Bytes, token: &IdToken) -> Result<UserInfo, UserInfoError> {
    let wire: Wire = json::read_object(body, LIMIT)?;
    same_subject(&wire, token)?;
    Ok(UserInfo {
        claims: body.to_vec(),
        is_signed: false,
    })
}

/// A signed answer also says who made it and for whom.
pub(super) fn signed(
    payload: String,
    typ: Option<&str>,
    token: &IdToken,
    rules: &Rules,
    now: UnixTime,
) -> Result<UserInfo, UserInfoError> {
    if let Some(typ) = typ.filter(|it| !is_media_type(it, "jwt")) {
        return Err(UserInfoError::Token(IdTokenError::Type {
            found: Text::new(typ),
        }));
    }
    let wire: Wire = json::read_object(payload.as_bytes(), LIMIT)?;
    // An ID token that is sent once more is no answer to a question that was asked now.
    if [&wire.nonce, &wire.at_hash, &wire.c_hash]
        .into_iter()
        .any(|it| *it != Member::Absent)
    {
        return Err(UserInfoError::Token(IdTokenError::Type {
            found: Text::new("that of an ID token"),
        }));
    }
    check::issuer(&wire.iss, &rules.issuer)?;
    let client_id = rules.client_id.as_str();
    check::audience(&wire.aud, client_id, &rules.trusted_audiences)?;
    // An answer is no assertion, so it need not say how long it holds; one that does is held to it.
    let exp = not_null(&wire.exp);
    if exp != Member::Absent {
        check::expiry(&exp, now, rules.leeway)?;
    }
    check::not_before(&not_null(&wire.nbf), now, rules.leeway)?;
    if let Some(iat) = check::optional("iat", &not_null(&wire.iat))? {
        check::issued_at(*iat, now, rules.leeway, None)?;
    }
    same_subject(&wire, token)?;
    Ok(UserInfo {
        claims: payload.into_bytes(),
        is_signed: true,
    })
}

fn same_subject(wire: &Wire, token: &IdToken) -> Result<(), UserInfoError> {
    if check::required("sub", &wire.sub)? == token.subject() {
        return Ok(());
    }
    Err(UserInfoError::OtherSubject)
}
