//! Reading an answer of the token endpoint, by the kind of request that it answers.

use core::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::{Map, Value};
use smart_discovery::Finding;
use smart_jose::{Text, json};

use super::error::TokenResponseError;
use super::issued::IssuedTokens;
use super::refusal::{Refusal, TokenErrorCode, asked_to_wait};
use super::tokens::TokenResponse;
use crate::launch_context::LaunchContext;
use crate::members::take_string;
use crate::scope::{Level, Scope, ScopeKind, Scopes};
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// Longer answers are refused, in octets.
const LIMIT: usize = 256 * 1024;

/// Longer lives of an access token are no lives, in seconds: some thirty thousand years. Servers that
/// write them mean a token that does not end.
const MAX_SECONDS: f64 = 1e12;

impl TokenResponse {
    /// Reads the answer to the code of a launch that asked for these scopes.
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`]; [`TokenResponseError::NoIdToken`] where `openid` was granted
    /// without an ID token.
    pub fn of_launch(
        response: &Response<Bytes>,
        asked: &Scopes,
    ) -> Result<Self, TokenResponseError> {
        let mut read = Self::read(response, asked)?;
        if read.has_scope("openid") && read.id_token.is_none() {
            let error = TokenResponseError::NoIdToken { issued: None };
            return Err(error.with_issued(|| issued(response)));
        }
        read.find_unasked(asked, "scope-unasked", "the app did not ask for");
        read.find_missing_context();
        Ok(read)
    }

    /// Reads the answer to a refresh. `before` are the scopes of the grant, or the fewer that this
    /// refresh asked for: a server that says nothing of scopes means those.
    ///
    /// An ID token need not come again. The context holds what the server repeats; lay it over
    /// the one before with [`LaunchContext::merge`].
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`].
    pub fn of_refresh(
        response: &Response<Bytes>,
        before: &Scopes,
    ) -> Result<Self, TokenResponseError> {
        let mut read = Self::read(response, before)?;
        read.find_unasked(before, "refresh-scope-wider", "were not granted before");
        Ok(read)
    }

    /// Reads the answer to client credentials. A refresh token is dropped, since a service that
    /// can ask again needs none (SMART Backend Services, Enforce Authorization), and so is an ID
    /// token, since there is no user whom it could be about.
    ///
    /// # Errors
    ///
    /// [`TokenResponseError`].
    pub fn of_client_credentials(
        response: &Response<Bytes>,
        asked: &Scopes,
    ) -> Result<Self, TokenResponseError> {
        let mut read = Self::read(response, asked)?;
        if read.refresh_token.take().is_some() {
            read.findings.push(Finding::new(
                "refresh-token-unasked",
                "client credentials bring a refresh token, which is dropped",
                "issue no refresh tokens to services",
            ));
        }
        if read.id_token.take().is_some() {
            read.findings.push(Finding::new(
                "id-token-unasked",
                "client credentials bring an ID token, which is dropped",
                "issue ID tokens where there is a user",
            ));
        }
        read.find_unasked(asked, "scope-unasked", "the service did not ask for");
        Ok(read)
    }

    /// What the three kinds have in common. A scope that is missing means these.
    fn read(response: &Response<Bytes>, scopes: &Scopes) -> Result<Self, TokenResponseError> {
        let read = Self::read_members(response, scopes);
        read.map_err(|error| error.with_issued(|| issued(response)))
    }

    fn read_members(
        response: &Response<Bytes>,
        scopes: &Scopes,
    ) -> Result<Self, TokenResponseError> {
        let mut findings = Vec::new();
        let body = body(response, &mut findings)?;
        let mut members: Map<String, Value> = json::read_object(body, LIMIT)?;
        let access_token = required(&mut members, "access_token", &mut findings)?;
        if !is_bearer_token(&access_token) {
            return Err(TokenResponseError::member("access_token"));
        }
        let token_type = required(&mut members, "token_type", &mut findings)?;
        if !token_type.eq_ignore_ascii_case("bearer") {
            return Err(TokenResponseError::TokenType {
                found: Text::new(&token_type),
                issued: None,
            });
        }
        let scopes = match optional(&mut members, "scope", &mut findings)? {
            Some(scope) => granted(&scope, &mut findings),
            None => {
                findings.push(Finding::new(
                    "scope-missing",
                    "scope is missing; what was asked for is taken as granted (RFC 6749 5.1)",
                    "send scope with every token response",
                ));
                scopes.clone()
            }
        };
        let expires_in = expires_in(&mut members, &mut findings)?;
        let mut secret = |name| -> Result<Option<String>, TokenResponseError> {
            let found = optional(&mut members, name, &mut findings)?;
            if found.as_deref() == Some("") {
                findings.push(Finding::new(
                    "member-empty",
                    format!("{name} is an empty string, which counts as absent"),
                    "leave out members that have no value",
                ));
                return Ok(None);
            }
            Ok(found)
        };
        let id_token = secret("id_token")?.map(RawIdToken::new);
        let refresh_token = secret("refresh_token")?.map(RefreshToken::new);
        let (context, of_context) = LaunchContext::take_from(&mut members)?;
        findings.extend(of_context);
        Ok(Self {
            access_token: AccessToken::new(access_token),
            expires_in,
            scopes,
            id_token,
            refresh_token,
            context,
            extra: members,
            findings,
        })
    }

    /// A server may grant what it likes; that nobody asked is worth knowing where it opens data.
    fn find_unasked(&mut self, asked: &Scopes, code: &'static str, why: &str) {
        let unasked = self.scopes.missing_from(asked);
        if unasked.resource_scopes().next().is_some() {
            self.findings.push(Finding::new(
                code,
                format!("{} were granted, which {why}", unasked.shown()),
                "grant no more than was asked for",
            ));
        }
    }

    fn find_missing_context(&mut self) {
        let reads_patient = self
            .scopes
            .resource_scopes()
            .any(|it| it.level == Level::Patient);
        if self.context.patient.is_none() && (reads_patient || self.has_scope("launch/patient")) {
            self.findings.push(Finding::new(
                "patient-missing",
                "scopes on a patient were granted, and no patient is in context",
                "establish a patient wherever launch/patient or a patient/ scope is granted",
            ));
        }
        if self.context.encounter.is_none() && self.has_scope("launch/encounter") {
            self.findings.push(Finding::new(
                "encounter-missing",
                "launch/encounter was granted, and no encounter is in context",
                "establish an encounter, or do not grant the scope",
            ));
        }
    }
}

/// What an answer gives that is not accepted. A text that is too long is not read for this either.
fn issued(response: &Response<Bytes>) -> Option<IssuedTokens> {
    let body = response.body();
    (body.len() <= LIMIT).then(|| IssuedTokens::find(body))?
}

/// The octets of a success.
fn body<'r>(
    response: &'r Response<Bytes>,
    findings: &mut Vec<Finding>,
) -> Result<&'r [u8], TokenResponseError> {
    let status = response.status();
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Err(TokenResponseError::Refused(Refusal::read(response, LIMIT)));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let refusal = Refusal::read(response, LIMIT);
        if refusal.error == Some(TokenErrorCode::TemporarilyUnavailable) {
            return Err(TokenResponseError::Refused(refusal));
        }
    }
    if status != StatusCode::OK {
        return Err(TokenResponseError::Status {
            status: status.as_u16(),
            retry_after: asked_to_wait(response),
        });
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.map(|it| it.to_str().unwrap_or("unreadable"));
    let essence = content_type
        .and_then(|it| it.split(';').next())
        .map(|it| it.trim().to_ascii_lowercase());
    match essence.as_deref() {
        None | Some("application/json") => {}
        Some(it) if it.starts_with("application/") && it.ends_with("+json") => {}
        Some("text/html") => return Err(TokenResponseError::Html),
        Some(other) => findings.push(Finding::new(
            "content-type",
            format!("the content type is {}", Text::new(other)),
            "answer as application/json",
        )),
    }
    Ok(response.body())
}

/// The scopes of `scope`, with findings where white space is not single spaces and where a word
/// has no meaning that could be relied on.
fn granted(scope: &str, findings: &mut Vec<Finding>) -> Scopes {
    let read = Scopes::parse(scope);
    if read.as_str() != scope {
        findings.push(Finding::new(
            "scope-spaces",
            "scope has other white space than single spaces between words",
            "write one space between two scopes and none around them (RFC 6749 3.3)",
        ));
    }
    let invalid = read
        .iter()
        .filter(|it| matches!(it.kind(), ScopeKind::Invalid(_)));
    let invalid: Scopes = invalid.map(Scope::as_str).collect();
    if !invalid.is_empty() {
        findings.push(Finding::new(
            "scope-invalid",
            format!(
                "{} were granted, which are no scopes and open nothing",
                invalid.shown()
            ),
            "write level/Type.cruds with the letters in that order, or launch/type",
        ));
    }
    read
}

fn required(
    members: &mut Map<String, Value>,
    member: &'static str,
    findings: &mut Vec<Finding>,
) -> Result<String, TokenResponseError> {
    optional(members, member, findings)?.ok_or_else(|| TokenResponseError::member(member))
}

fn optional(
    members: &mut Map<String, Value>,
    member: &'static str,
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, TokenResponseError> {
    if is_null(members, member, findings) {
        return Ok(None);
    }
    take_string(members, member).map_err(|_| TokenResponseError::member(member))
}

/// Whether the member is `null`; then it is taken out, with a finding.
fn is_null(
    members: &mut Map<String, Value>,
    member: &'static str,
    findings: &mut Vec<Finding>,
) -> bool {
    let is_null = members.get(member).is_some_and(Value::is_null);
    if is_null {
        members.remove(member);
        findings.push(Finding::new(
            "member-null",
            format!("{member} is null, which counts as absent"),
            "leave out members that have no value",
        ));
    }
    is_null
}

/// The syntax of RFC 6750 2.1; anything else could not stand in a header.
fn is_bearer_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-._~+/".contains(&it))
}

/// How long the access token lasts. Nobody issues a token that has ended: a server that says zero
/// means that it does not say.
fn expires_in(
    members: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Duration>, TokenResponseError> {
    let life = seconds(members, findings)?;
    if life == Some(Duration::ZERO) {
        findings.push(Finding::new(
            "expires-in-zero",
            "expires_in is zero, which counts as unknown",
            "say how long the access token lasts",
        ));
        return Ok(None);
    }
    Ok(life)
}

/// A number of seconds. Some servers write it as a string (RFC 6749 A.14 means a number).
fn seconds(
    members: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Result<Option<Duration>, TokenResponseError> {
    let member = "expires_in";
    let wrong = || TokenResponseError::member(member);
    if is_null(members, member, findings) {
        return Ok(None);
    }
    match members.remove(member) {
        None => {
            findings.push(Finding::new(
                "expires-in-missing",
                "expires_in is missing, so nobody knows how long the access token lasts",
                "send expires_in with every token response",
            ));
            Ok(None)
        }
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().filter(|it| *it >= 0.0);
            Ok(life_of(seconds.ok_or_else(wrong)?, findings))
        }
        Some(Value::String(text)) if text.bytes().all(|it| it.is_ascii_digit()) => {
            findings.push(Finding::new(
                "expires-in-string",
                "expires_in is a string",
                "send expires_in as a number",
            ));
            let seconds: f64 = text.parse().map_err(|_| wrong())?;
            Ok(life_of(seconds, findings))
        }
        Some(_) => Err(wrong()),
    }
}

/// So many seconds, which are not negative; a number that is too large is no life.
fn life_of(seconds: f64, findings: &mut Vec<Finding>) -> Option<Duration> {
    if seconds <= MAX_SECONDS {
        return Some(Duration::from_secs_f64(seconds));
    }
    findings.push(Finding::new(
        "expires-in-large",
        "expires_in is longer than any life, so it counts as unknown",
        "say how long the access token lasts",
    ));
    None
}
