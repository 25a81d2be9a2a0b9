//! The token response, and the launch context beside it.

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use smart_discovery::Finding;
use smart_jose::json::{self, JsonError};
use smart_jose::member::Member;
use smart_jose::{ErrorClass, Text};

use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// Longer answers are refused, in octets.
const LIMIT: usize = 256 * 1024;

/// A successful answer of the token endpoint.
#[non_exhaustive]
pub struct TokenResponse {
    /// Opens the FHIR server.
    pub access_token: AccessToken,
    /// How long it does so, if the server says.
    pub expires_in: Option<Duration>,
    /// What was granted; it may be less than was asked for.
    pub scopes: Vec<String>,
    /// The ID token, not checked yet.
    pub id_token: Option<RawIdToken>,
    /// Gets the next access token.
    pub refresh_token: Option<RefreshToken>,
    /// The id of the patient in context. It is another fact than who the user is.
    pub patient: Option<String>,
    /// The id of the encounter in context.
    pub encounter: Option<String>,
    /// Whether the app must show who the patient is.
    pub need_patient_banner: Option<bool>,
    /// Every other member, as it was found.
    pub extra: Map<String, Value>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl TokenResponse {
    /// Whether this scope was granted.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|it| it == scope)
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .field("has_id_token", &self.id_token.is_some())
            .field("has_refresh_token", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

/// Why an answer is no success.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenResponseError {
    /// The answer is not a strict JSON object.
    #[error("the answer is not a JSON object: {0}")]
    Json(#[from] JsonError),
    /// A member is missing or of another type.
    #[error("{member} is missing or of the wrong type")]
    Member {
        /// The name of the member.
        member: &'static str,
    },
    /// The scope `openid` was granted without an ID token (OpenID Connect Core 3.1.3.3).
    #[error("openid was granted, but there is no id_token")]
    NoIdToken,
    /// The server refuses (RFC 6749 5.2).
    #[error("the server refuses with status {status} and the error {}", error.as_ref().map_or_else(|| "of no name".to_owned(), Text::to_string))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The error code of the server, if it gives one.
        error: Option<Text>,
    },
    /// A status that no token endpoint answers with.
    #[error("the token endpoint answers with status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The token is of another type than Bearer.
    #[error("the token type is {found}, not Bearer")]
    TokenType {
        /// What `token_type` says.
        found: Text,
    },
}

impl TokenResponseError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "token-json",
            Self::Member { .. } => "token-member",
            Self::NoIdToken => "token-no-id-token",
            Self::Refused { .. } => "token-refused",
            Self::Status { .. } => "token-status",
            Self::TokenType { .. } => "token-type",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Refused { .. } => ErrorClass::InvalidRequest,
            _ => ErrorClass::Upstream,
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    access_token: Member<String>,
    #[serde(default)]
    token_type: Member<String>,
    expires_in: Option<Value>,
    #[serde(default)]
    scope: Member<String>,
    #[serde(default)]
    id_token: Member<String>,
    #[serde(default)]
    refresh_token: Member<String>,
    #[serde(default)]
    patient: Member<String>,
    #[serde(default)]
    encounter: Member<String>,
    need_patient_banner: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    error: Member<String>,
}

impl TokenResponse {
    /// Reads the answer of the token endpoint to a request for these scopes.
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`].
    pub fn from_response(
        response: &Response<Bytes>,
        asked: &[String],
    ) -> Result<Self, TokenResponseError> {
        let read = Self::read(response, asked)?;
        if read.has_scope("openid") && read.id_token.is_none() {
            return Err(TokenResponseError::NoIdToken);
        }
        Ok(read)
    }

    /// The same for a refresh, which may come without an ID token (OpenID Connect Core 12.2).
    pub(super) fn of_refresh(
        response: &Response<Bytes>,
        before: &[String],
    ) -> Result<Self, TokenResponseError> {
        Self::read(response, before)
    }

    /// The same for a program of its own, for which nobody has signed in.
    pub(super) fn of_client_credentials(
        response: &Response<Bytes>,
        asked: &[String],
    ) -> Result<Self, TokenResponseError> {
        let mut read = Self::read(response, asked)?;
        if read.refresh_token.take().is_some() {
            read.findings.push(Finding::new(
                "refresh-token-for-backend",
                "a backend service was given a refresh token, which is dropped",
                "give backend services no refresh tokens (SMART App Launch 2.2)",
            ));
        }
        read.id_token = None;
        Ok(read)
    }

    fn read(response: &Response<Bytes>, asked: &[String]) -> Result<Self, TokenResponseError> {
        let status = response.status();
        if status.is_client_error() {
            // Errors come with any 4xx status and sometimes with a body that is no JSON.
            let error = json::read_object::<WireError>(response.body(), LIMIT).ok();
            let error = error.and_then(|it| it.error.into_value());
            return Err(TokenResponseError::Refused {
                status: status.as_u16(),
                error: error.as_deref().map(Text::new),
            });
        }
        if status != StatusCode::OK {
            return Err(TokenResponseError::Status {
                status: status.as_u16(),
            });
        }
        let wire: Wire = json::read_object(response.body(), LIMIT)?;
        let token_type = required("token_type", wire.token_type)?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenResponseError::TokenType {
                found: Text::new(&token_type),
            });
        }
        let access_token = required("access_token", wire.access_token)?;
        if !is_bearer_token(&access_token) {
            return Err(TokenResponseError::Member {
                member: "access_token",
            });
        }
        let mut findings = Vec::new();
        let scopes = match optional("scope", wire.scope)? {
            Some(scope) => scope.split_ascii_whitespace().map(str::to_owned).collect(),
            None => {
                findings.push(Finding::new(
                    "scope-missing",
                    "scope is missing; what was asked for is taken as granted (RFC 6749 5.1)",
                    "send scope with every token response",
                ));
                asked.to_vec()
            }
        };
        Ok(Self {
            access_token: AccessToken::new(access_token),
            expires_in: expires_in(wire.expires_in, &mut findings)?,
            scopes,
            id_token: optional("id_token", wire.id_token)?.map(RawIdToken::new),
            refresh_token: optional("refresh_token", wire.refresh_token)?.map(RefreshToken::new),
            patient: optional("patient", wire.patient)?,
            encounter: optional("encounter", wire.encounter)?,
            need_patient_banner: banner(wire.need_patient_banner, &mut findings),
            extra: wire.extra,
            findings,
        })
    }
}

fn required(member: &'static str, found: Member<String>) -> Result<String, TokenResponseError> {
    optional(member, found)?.ok_or(TokenResponseError::Member { member })
}

fn optional(
    member: &'static str,
    found: Member<String>,
) -> Result<Option<String>, TokenResponseError> {
    match found {
        Member::Absent => Ok(None),
        Member::Value(value) => Ok(Some(value)),
        Member::WrongType(smart_jose::member::JsonType::Null) => Ok(None),
        Member::WrongType(_) => Err(TokenResponseError::Member { member }),
    }
}

/// The syntax of RFC 6750 2.1; anything else could not stand in a header.
fn is_bearer_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-._~+/".contains(&it))
}

/// A number of seconds. Some servers write it as a string (RFC 6749 A.14 means a number).
fn expires_in(
    found: Option<Value>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Duration>, TokenResponseError> {
    let wrong = || TokenResponseError::Member {
        member: "expires_in",
    };
    match found {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().filter(|it| (0.0..=1e12).contains(it));
            Ok(Some(Duration::from_secs_f64(seconds.ok_or_else(wrong)?)))
        }
        Some(Value::String(text)) => {
            findings.push(Finding::new(
                "expires-in-string",
                "expires_in is a string",
                "send expires_in as a number",
            ));
            Ok(Some(Duration::from_secs(
                text.parse::<u32>().map_err(|_| wrong())?.into(),
            )))
        }
        Some(_) => Err(wrong()),
    }
}

fn banner(found: Option<Value>, findings: &mut Vec<Finding>) -> Option<bool> {
    match found {
        Some(Value::Bool(value)) => Some(value),
        Some(Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            findings.push(Finding::new(
                "banner-string",
                "need_patient_banner is a string",
                "send need_patient_banner as a boolean",
            ));
            Some(text == "true")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<TokenResponse, &'static str> {
        let response = Response::builder()
            .status(status)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        TokenResponse::from_response(&response, &["openid".to_owned()]).map_err(|it| it.code())
    }

    // covers: SMART-TOK-5, SMART-TOK-6, SMART-TOK-7, SMART-TOK-8, SMART-TOK-11, OAUTH-6, OAUTH-10
    #[test]
    fn answers_are_read_with_a_finding_for_each_oddity() {
        let read200 = |body: &str| read(200, body);
        let sound = read200(
            r#"{"access_token":"a.b-c","token_type":"bEaReR","expires_in":3600,"scope":"a  b","patient":"p","x":1}"#,
        )
        .unwrap();
        assert_eq!(sound.scopes, ["a", "b"]);
        assert_eq!(sound.expires_in, Some(Duration::from_secs(3600)));
        assert_eq!(sound.patient.as_deref(), Some("p"));
        assert!(sound.findings.is_empty() && sound.extra.contains_key("x"));

        let odd = read200(
            r#"{"access_token":"a","token_type":"Bearer","expires_in":"60","id_token":"t","need_patient_banner":"true"}"#,
        )
        .unwrap();
        assert_eq!(odd.scopes, ["openid"]);
        assert_eq!(odd.need_patient_banner, Some(true));
        assert_eq!(odd.findings.len(), 3);
        assert!(
            read200(r#"{"access_token":"a","token_type":"Bearer","scope":""}"#)
                .unwrap()
                .scopes
                .is_empty()
        );

        for (body, code) in [
            ("", "token-json"),
            ("<html>", "token-json"),
            ("{}", "token-member"),
            (r#"{"access_token":"a","scope":"a"}"#, "token-member"),
            (r#"{"token_type":"Bearer","scope":"a"}"#, "token-member"),
            (
                r#"{"access_token":"a b","token_type":"Bearer","scope":"a"}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a\n","token_type":"Bearer","scope":"a"}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a","token_type":"mac","scope":"a"}"#,
                "token-type",
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"a","expires_in":-1}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"a","expires_in":"-1"}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"a","expires_in":1e300}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"a","patient":{"reference":"p"}}"#,
                "token-member",
            ),
            (
                r#"{"access_token":"a","token_type":"Bearer","scope":"openid"}"#,
                "token-no-id-token",
            ),
            (
                r#"{"access_token":"a","access_token":"b","token_type":"Bearer","scope":"a"}"#,
                "token-json",
            ),
        ] {
            assert_eq!(read200(body).map(drop), Err(code), "{body}");
        }
    }

    // covers: OAUTH-1, SMART-USR-12
    #[test]
    fn errors_are_read_from_every_4xx_and_redirects_are_not_followed() {
        for status in [400, 401, 403] {
            assert_eq!(
                read(status, r#"{"error":"invalid_grant"}"#).map(drop),
                Err("token-refused")
            );
            assert_eq!(read(status, "<html>").map(drop), Err("token-refused"));
        }
        for status in [201, 302, 307, 500, 503] {
            assert_eq!(
                read(status, r#"{"error":"x"}"#).map(drop),
                Err("token-status")
            );
        }
    }
}
