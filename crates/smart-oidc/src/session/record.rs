//! How launches and sessions are written down: JSON with a version and a kind.
//!
//! A record is read only by a program that knows its version. Another one ends the session, which
//! costs a sign-in; guessing could cost more.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use smart_discovery::{EndpointUrl, FhirBaseUrl, Issuer, PlainHttp};
use smart_jose::json;
use smart_jose::{Secret, Text, UnixTime};

use super::error::StoreError;
use super::launch_session::{Identity, LaunchSession, Unjudged};
use super::tokens::{Rest, Tokens};
use crate::authorize::{LaunchIdentity, LaunchKey, PendingLaunch};
use crate::id_token::Continuity;
use crate::launch_context::LaunchContext;
use crate::scope::Scopes;
use crate::value::{
    AccessToken, ClientId, CodeVerifier, Nonce, RawIdToken, RedirectUri, RefreshToken,
};

const VERSION: u32 = 1;

/// Longer records are not read, in octets.
const LIMIT: usize = 1024 * 1024;

/// Most records fit, so that few copies of a token are left behind by a buffer that grows.
const USUAL_OCTETS: usize = 16 * 1024;

#[derive(Serialize, Deserialize)]
struct LaunchRecord<'r> {
    version: u32,
    kind: Kind,
    #[serde(borrow)]
    key: Cow<'r, str>,
    #[serde(borrow)]
    nonce: Option<Cow<'r, str>>,
    #[serde(borrow)]
    verifier: Cow<'r, str>,
    expires_at: u64,
    #[serde(borrow)]
    issuer: Cow<'r, str>,
    #[serde(borrow)]
    fhir_base: Cow<'r, str>,
    #[serde(borrow)]
    token_endpoint: Cow<'r, str>,
    token_endpoint_is_vouched: bool,
    #[serde(borrow)]
    client_id: Cow<'r, str>,
    #[serde(borrow)]
    redirect_uri: Cow<'r, str>,
    scopes: Scopes,
    callbacks_carry_iss: bool,
}

#[derive(Serialize, Deserialize)]
struct SessionRecord<'r> {
    version: u32,
    kind: Kind,
    #[serde(borrow)]
    issuer: Cow<'r, str>,
    #[serde(borrow)]
    fhir_base: Cow<'r, str>,
    #[serde(borrow)]
    client_id: Cow<'r, str>,
    #[serde(borrow)]
    identity: Option<IdentityRecord<'r>>,
    scopes: Scopes,
    context: LaunchContext,
    #[serde(borrow)]
    tokens: TokensRecord<'r>,
    #[serde(borrow)]
    unjudged: Option<UnjudgedRecord<'r>>,
    #[serde(borrow)]
    patient_before: Option<Cow<'r, str>>,
    began_at: u64,
    seen_at: u64,
    ends_at: u64,
}

/// Tells a record that stands under the name of another kind.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Launch,
    Session,
}

#[derive(Serialize, Deserialize)]
struct IdentityRecord<'r> {
    #[serde(borrow)]
    continuity: Cow<'r, str>,
    #[serde(borrow)]
    name: Option<Cow<'r, str>>,
    #[serde(borrow)]
    fhir_user: Option<Cow<'r, str>>,
    #[serde(borrow)]
    acr: Option<Cow<'r, str>>,
    auth_time: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct TokensRecord<'r> {
    #[serde(borrow)]
    access: Cow<'r, str>,
    received_at: u64,
    ends_at: Option<u64>,
    #[serde(borrow)]
    refresh: Option<Cow<'r, str>>,
    sent: u8,
    rest_from: u64,
    rest_until: u64,
    failures: u8,
}

#[derive(Serialize, Deserialize)]
struct UnjudgedRecord<'r> {
    #[serde(borrow)]
    id_token: Cow<'r, str>,
    #[serde(borrow)]
    tokens: TokensRecord<'r>,
    scopes: Scopes,
    context: LaunchContext,
}

fn unreadable(problem: impl core::fmt::Display) -> StoreError {
    StoreError::Unreadable {
        problem: Text::new(&problem.to_string()),
    }
}

fn write(record: &impl Serialize) -> Result<Secret<Vec<u8>>, StoreError> {
    let mut octets = Vec::with_capacity(USUAL_OCTETS);
    serde_json::to_writer(&mut octets, record).map_err(unreadable)?;
    Ok(Secret::new(octets))
}

/// Reads a record of this kind and of our version.
fn read<'r, T: Deserialize<'r>>(octets: &'r Secret<Vec<u8>>, kind: Kind) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
        kind: Kind,
    }
    let octets = octets.expose_secret();
    let text = json::check_object(octets, LIMIT).map_err(unreadable)?;
    // What serde says about the structure may hold a value.
    let head: Head = serde_json::from_str(text).map_err(|_| unreadable("no record of ours"))?;
    if head.version != VERSION {
        let found = head.version;
        return Err(unreadable(format_args!(
            "version {found}, expected {VERSION}"
        )));
    }
    if head.kind != kind {
        return Err(unreadable("a record of another kind"));
    }
    serde_json::from_str(text).map_err(|_| unreadable("no record of this version"))
}

/// URLs were judged when the record was written; plain http is among them in sandboxes only.
const PLAIN: PlainHttp = PlainHttp::LoopbackOnly;

impl PendingLaunch {
    /// What a store keeps of a launch. It holds the verifier and the nonce.
    pub(crate) fn write(&self) -> Result<Secret<Vec<u8>>, StoreError> {
        let context = &self.context;
        write(&LaunchRecord {
            version: VERSION,
            kind: Kind::Launch,
            key: self.key.as_str().into(),
            nonce: self.nonce.as_ref().map(|it| it.expose_secret().into()),
            verifier: self.verifier.expose_secret().into(),
            expires_at: self.expires_at.as_secs(),
            issuer: context.issuer.as_str().into(),
            fhir_base: context.fhir_base.as_str().into(),
            token_endpoint: context.token_endpoint.as_str().into(),
            token_endpoint_is_vouched: context.token_endpoint_is_vouched,
            client_id: context.client_id.as_str().into(),
            redirect_uri: context.redirect_uri.as_str().into(),
            scopes: context.scopes.clone(),
            callbacks_carry_iss: self.callbacks_carry_iss,
        })
    }

    /// Reads what [`PendingLaunch::write`] wrote.
    pub(crate) fn read(octets: &Secret<Vec<u8>>) -> Result<Self, StoreError> {
        let it: LaunchRecord<'_> = read(octets, Kind::Launch)?;
        Ok(Self {
            key: LaunchKey::stored(&it.key),
            nonce: it.nonce.map(Nonce::new),
            verifier: CodeVerifier::new(it.verifier),
            expires_at: UnixTime::from_secs(it.expires_at),
            context: LaunchIdentity {
                issuer: Issuer::parse_with(&it.issuer, PLAIN).map_err(unreadable)?,
                fhir_base: FhirBaseUrl::parse_with(&it.fhir_base, PLAIN).map_err(unreadable)?,
                token_endpoint: EndpointUrl::parse_with(&it.token_endpoint, PLAIN)
                    .map_err(unreadable)?,
                client_id: ClientId::new(it.client_id),
                redirect_uri: RedirectUri::new(it.redirect_uri),
                scopes: it.scopes,
                token_endpoint_is_vouched: it.token_endpoint_is_vouched,
            },
            callbacks_carry_iss: it.callbacks_carry_iss,
        })
    }
}

impl LaunchSession {
    /// What a store keeps of a session: all of it, tokens too.
    pub(crate) fn write(&self) -> Result<Secret<Vec<u8>>, StoreError> {
        let continuity = self.identity.as_ref().map(|it| it.continuity.export());
        let identity = self.identity.as_ref().zip(continuity.as_ref());
        write(&SessionRecord {
            version: VERSION,
            kind: Kind::Session,
            issuer: self.issuer.as_str().into(),
            fhir_base: self.fhir_base.as_str().into(),
            client_id: self.client_id.as_str().into(),
            identity: identity.map(|(identity, continuity)| IdentityRecord {
                continuity: continuity.expose_secret().into(),
                name: identity.name.as_deref().map(Cow::from),
                fhir_user: identity.fhir_user.as_deref().map(Cow::from),
                acr: identity.acr.as_deref().map(Cow::from),
                auth_time: identity.auth_time.map(UnixTime::as_secs),
            }),
            scopes: self.scopes.clone(),
            context: self.context.clone(),
            tokens: TokensRecord::of(&self.tokens),
            unjudged: self.unjudged.as_ref().map(|it| UnjudgedRecord {
                id_token: it.id_token.expose_secret().into(),
                tokens: TokensRecord::of(&it.tokens),
                scopes: it.scopes.clone(),
                context: it.context.clone(),
            }),
            patient_before: self.patient_before.as_deref().map(Cow::from),
            began_at: self.began_at.as_secs(),
            seen_at: self.seen_at.as_secs(),
            ends_at: self.ends_at.as_secs(),
        })
    }

    /// Reads what [`LaunchSession::write`] wrote.
    pub(crate) fn read(octets: &Secret<Vec<u8>>) -> Result<Self, StoreError> {
        let it: SessionRecord<'_> = read(octets, Kind::Session)?;
        let identity = it.identity.map(|it| {
            Ok::<_, StoreError>(Identity {
                continuity: Continuity::import(&it.continuity).map_err(unreadable)?,
                name: it.name.map(Cow::into_owned),
                fhir_user: it.fhir_user.map(Cow::into_owned),
                acr: it.acr.map(Cow::into_owned),
                auth_time: it.auth_time.map(UnixTime::from_secs),
            })
        });
        Ok(Self {
            issuer: Issuer::parse_with(&it.issuer, PLAIN).map_err(unreadable)?,
            fhir_base: FhirBaseUrl::parse_with(&it.fhir_base, PLAIN).map_err(unreadable)?,
            client_id: ClientId::new(it.client_id),
            identity: identity.transpose()?,
            scopes: it.scopes,
            context: it.context,
            tokens: it.tokens.into(),
            unjudged: it.unjudged.map(|it| Unjudged {
                id_token: RawIdToken::new(it.id_token),
                tokens: it.tokens.into(),
                scopes: it.scopes,
                context: it.context,
            }),
            patient_before: it.patient_before.map(Cow::into_owned),
            began_at: UnixTime::from_secs(it.began_at),
            seen_at: UnixTime::from_secs(it.seen_at),
            ends_at: UnixTime::from_secs(it.ends_at),
        })
    }
}

impl<'r> TokensRecord<'r> {
    fn of(tokens: &'r Tokens) -> Self {
        Self {
            access: tokens.access.expose_secret().into(),
            received_at: tokens.received_at.as_secs(),
            ends_at: tokens.ends_at.map(UnixTime::as_secs),
            refresh: tokens.refresh.as_ref().map(|it| it.expose_secret().into()),
            sent: tokens.sent,
            rest_from: tokens.rest.from.as_secs(),
            rest_until: tokens.rest.until.as_secs(),
            failures: tokens.rest.failures,
        }
    }
}

impl From<TokensRecord<'_>> for Tokens {
    fn from(it: TokensRecord<'_>) -> Self {
        Self {
            access: AccessToken::new(it.access),
            received_at: UnixTime::from_secs(it.received_at),
            ends_at: it.ends_at.map(UnixTime::from_secs),
            refresh: it.refresh.map(RefreshToken::new),
            sent: it.sent,
            rest: Rest {
                from: UnixTime::from_secs(it.rest_from),
                until: UnixTime::from_secs(it.rest_until),
                failures: it.failures,
            },
        }
    }
}

#[cfg(test)]
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod tests {
    use super::*;
    use crate::session::any_provider;
    use crate::value::BrowserBinding;

    const BEGIN: UnixTime = UnixTime::from_secs(1_800_000_000);

    /// A session with everything that a session may have, some of it with escapes.
    fn session() -> LaunchSession {
        let continuity = r#"{"version":1,"iss":"https://e.example","sub":"s","aud":["app"],"azp":null,"auth_time":null,"iat":1,"nonce":"n\"1"}"#;
        let tokens = |access: &str| Tokens {
            access: AccessToken::new(access),
            received_at: BEGIN,
            ends_at: Some(BEGIN.saturating_add(core::time::Duration::from_secs(300))),
            refresh: Some(RefreshToken::new("re\"fresh")),
            sent: 1,
            rest: Rest {
                from: BEGIN,
                until: BEGIN,
                failures: 3,
            },
        };
        let context = LaunchContext {
            patient: Some("p\u{e9}\\".to_owned()),
            ..LaunchContext::default()
        };
        LaunchSession {
            issuer: Issuer::parse("https://e.example").unwrap(),
            fhir_base: FhirBaseUrl::parse("https://e.example/fhir").unwrap(),
            client_id: ClientId::new("app"),
            identity: Some(Identity {
                continuity: Continuity::import(continuity).unwrap(),
                name: Some("A \"B\" C".to_owned()),
                fhir_user: Some("Practitioner/1".to_owned()),
                acr: Some("a".to_owned()),
                auth_time: Some(BEGIN),
            }),
            scopes: Scopes::parse("openid patient/*.rs"),
            context: context.clone(),
            tokens: tokens("access"),
            unjudged: Some(Unjudged {
                id_token: RawIdToken::new("a.b.c"),
                tokens: tokens("later"),
                scopes: Scopes::parse("openid"),
                context,
            }),
            patient_before: Some("p\u{e9}0".to_owned()),
            began_at: BEGIN,
            seen_at: BEGIN.saturating_add(core::time::Duration::from_secs(5)),
            ends_at: BEGIN.saturating_add(core::time::Duration::from_secs(9)),
        }
    }

    fn launch(nonce: Option<&str>) -> PendingLaunch {
        let binding = BrowserBinding::generate(any_provider()).unwrap();
        let key = LaunchKey::of_callback("state=x", &binding, any_provider()).unwrap();
        PendingLaunch {
            key,
            nonce: nonce.map(Nonce::new),
            verifier: CodeVerifier::new("verifier"),
            expires_at: BEGIN,
            context: LaunchIdentity {
                issuer: Issuer::parse("https://e.example").unwrap(),
                fhir_base: FhirBaseUrl::parse("https://e.example/fhir").unwrap(),
                token_endpoint: EndpointUrl::parse("https://e.example/token?x=1").unwrap(),
                client_id: ClientId::new("app"),
                redirect_uri: RedirectUri::new("https://app.example/cb"),
                scopes: Scopes::parse("openid launch"),
                token_endpoint_is_vouched: true,
            },
            callbacks_carry_iss: true,
        }
    }

    // covers: ISSP-7, SBCP-5
    #[test]
    fn what_is_read_is_what_was_written() {
        let written = session().write().unwrap();
        let read = LaunchSession::read(&written).unwrap();
        assert_eq!(read.name(), Some("A \"B\" C"));
        assert_eq!(
            read.tokens.refresh.as_ref().unwrap().expose_secret(),
            "re\"fresh"
        );
        // Nothing is lost: it is written again as it was.
        let again = read.write().unwrap();
        assert_eq!(again.expose_secret(), written.expose_secret());
        for nonce in [None, Some("nonce")] {
            let written = launch(nonce).write().unwrap();
            let read = PendingLaunch::read(&written).unwrap();
            assert_eq!(read.nonce.as_ref().map(Nonce::expose_secret), nonce);
            // A callback is judged, and a code exchanged, by what was known when the launch began.
            assert!(read.callbacks_carry_iss && read.context().token_endpoint_is_vouched);
            let context = read.context();
            assert_eq!(context.issuer.as_str(), "https://e.example");
            assert_eq!(
                context.token_endpoint.as_str(),
                "https://e.example/token?x=1"
            );
            let again = read.write().unwrap();
            assert_eq!(again.expose_secret(), written.expose_secret());
        }
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        let session = session().write().unwrap();
        let launch = launch(None).write().unwrap();
        let code = |result: Result<(), StoreError>| result.unwrap_err().code();
        // A launch is no session, and the other way round.
        assert_eq!(
            code(LaunchSession::read(&launch).map(drop)),
            "store-unreadable"
        );
        assert_eq!(
            code(PendingLaunch::read(&session).map(drop)),
            "store-unreadable"
        );
        let text = String::from_utf8(session.expose_secret().clone()).unwrap();
        for (from, to) in [
            ("\"version\":1", "\"version\":2"),
            ("\"version\":1", "\"version\":1,\"version\":1"),
            ("\"issuer\":\"https", "\"issuer\":\"http"),
            ("\"sent\":1", "\"sent\":-1"),
            ("\"kind\":\"session\"", "\"kind\":\"other\""),
            ("\"tokens\"", "\"toke\""),
            ("{", ""),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text, "{from}");
            let error = LaunchSession::read(&Secret::new(other.into_bytes())).unwrap_err();
            assert_eq!(error.code(), "store-unreadable", "{to}");
            // What is said about it quotes nothing of it.
            let shown = error.to_string();
            assert!(
                !shown.contains("access") && !shown.contains("fresh"),
                "{shown}"
            );
        }
        let cut = text.get(..text.len() / 2).unwrap().as_bytes().to_vec();
        assert_eq!(
            code(LaunchSession::read(&Secret::new(cut)).map(drop)),
            "store-unreadable"
        );
    }
}
