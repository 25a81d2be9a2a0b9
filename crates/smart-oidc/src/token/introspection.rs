//! Reading what a server says of a token (RFC 7662 2.2; SMART App Launch 2.2, Token Introspection).

use core::fmt;
use core::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use smart_discovery::Finding;
use smart_jose::json;
use smart_jose::jwt::{Audience, NumericDate, check};
use smart_jose::member::{FromJson, JsonType, Member};
use smart_jose::{Text, UnixTime};

use super::introspection_error::IntrospectionError;
use crate::launch_context::LaunchContext;
use crate::members::type_of;
use crate::scope::Scopes;

/// Longer answers are refused, in octets.
const LIMIT: usize = 256 * 1024;

/// What a server says of a token.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a token is active or it is not (RFC 7662 2.2)"
)]
pub enum Introspection {
    /// It is active, and this is what it is.
    Active(Box<ActiveToken>),
    /// It is not, for whatever reason: expired, revoked, unknown, or not the caller's to know.
    /// Whatever else the answer holds is not read.
    Inactive,
}

/// What an active token is. It names people, so `Debug` shows little of it.
///
/// The scopes are what the token opens; an answer that names none opens nothing.
///
/// **Ask [`ActiveToken::is_for`] before anything else.** A server says of every token of its own that
/// it is active, also of one that is meant for another resource server. Nothing here asks that for
/// you, since only you know under which name the server knows you.
#[non_exhaustive]
pub struct ActiveToken {
    /// What was granted; empty where the server does not say.
    pub scopes: Scopes,
    /// The client that the token was issued to.
    pub client_id: Option<String>,
    /// When it ends, in whole seconds rounded down.
    pub expires_at: Option<UnixTime>,
    /// For whom it is meant.
    pub audiences: Vec<String>,
    /// The issuer of the ID token that came with it.
    pub issuer: Option<String>,
    /// The user, unique at the issuer only.
    pub subject: Option<String>,
    /// The FHIR resource of the user, as the server writes it: a URL that nobody has judged.
    pub fhir_user: Option<String>,
    /// The patient and whatever else is in context, read and checked as in a token response:
    /// `Patient/456` is the patient `456`, and what could lead a URL elsewhere is an error.
    pub context: LaunchContext,
    /// Every other member, as it was found, but for those named by a full URI or with a leading
    /// `__`: these are in [`LaunchContext::extensions`].
    pub extra: Map<String, Value>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl ActiveToken {
    /// Whether the token is meant for this audience: the name under which the server knows the resource
    /// server, most often the FHIR base as its tokens spell it, compared character by character.
    /// `false` also where the answer names no audience: such a token may be meant for anybody, and a
    /// resource server that lets it in relies on the authorization server having no other one.
    ///
    /// ```
    /// use smart_oidc::token::ActiveToken;
    /// fn may_enter(token: &ActiveToken) -> bool {
    ///     token.is_for("https://ehr.example/fhir") && token.has_scope("user/Patient.rs")
    /// }
    /// ```
    #[must_use]
    pub fn is_for(&self, audience: &str) -> bool {
        self.audiences.iter().any(|it| it == audience)
    }

    /// Until when this answer may be used again without asking: so long after it was asked for, and
    /// never past the end of the token. Where the server names no end it is not used again. A
    /// token that is revoked meanwhile goes on to open what it opened, for at most this long
    /// (RFC 7662 4).
    #[must_use]
    pub fn reusable_until(&self, asked_at: UnixTime, at_most: Duration) -> UnixTime {
        let limit = asked_at.saturating_add(at_most);
        self.expires_at.map_or(asked_at, |end| end.min(limit))
    }

    /// Whether this very scope was granted; case matters. For scopes on resources ask
    /// [`Scopes::allows`], since they can be written in several ways.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.has(scope)
    }
}

impl fmt::Debug for ActiveToken {
    /// Shows nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveToken")
            .field("scopes", &self.scopes)
            .field("client_id", &self.client_id)
            .field("expires_at", &self.expires_at)
            .field("context", &self.context)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    #[expect(
        dead_code,
        reason = "it is read before, and is none of the other members"
    )]
    active: Member<bool>,
    #[serde(default)]
    scope: Member<String>,
    #[serde(default)]
    client_id: Member<String>,
    #[serde(default)]
    exp: Member<NumericDate>,
    #[serde(default)]
    nbf: Member<NumericDate>,
    #[serde(default)]
    aud: Member<Audience>,
    #[serde(default)]
    iss: Member<String>,
    #[serde(default)]
    sub: Member<String>,
    #[serde(default, rename = "fhirUser")]
    fhir_user: Member<String>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// The one member that counts where it is false, read alone: nothing else is looked at then.
#[derive(Deserialize)]
struct WireActive {
    #[serde(default)]
    active: Member<bool>,
}

#[derive(Deserialize)]
struct WireError {
    error: Option<String>,
}

impl Introspection {
    /// Reads an answer that came at this time.
    ///
    /// # Errors
    ///
    /// [`IntrospectionError`]: nothing that is unclear counts as active.
    pub fn from_response(
        response: &Response<Bytes>,
        now: UnixTime,
    ) -> Result<Self, IntrospectionError> {
        let status = response.status();
        if status != StatusCode::OK {
            let error = json::read_object::<WireError>(response.body(), LIMIT).ok();
            return Err(IntrospectionError::Refused {
                status: status.as_u16(),
                error: error.and_then(|it| it.error).as_deref().map(Text::new),
            });
        }
        match json::read_object::<WireActive>(response.body(), LIMIT)?.active {
            Member::Value(true) => {}
            Member::Value(false) => return Ok(Self::Inactive),
            Member::Absent | Member::WrongType(_) => return Err(IntrospectionError::Active),
        }
        let wire: Wire = json::read_object(response.body(), LIMIT)?;
        active(wire, now).map(|it| Self::Active(Box::new(it)))
    }
}

/// A member, and whether it may say this of an access token.
type Kind = (&'static str, fn(&str) -> bool);

/// By which members servers tell their tokens apart, and what each may say of an access token. A member
/// that is missing or `null` says nothing.
///
/// `token_type` is that of the token response (RFC 7662 2.2), and here every token comes as Bearer.
/// `typ` and `token_use` are of no standard: the one may say anything but the kinds that are known to be
/// none, the other has two spellings.
const KINDS: [Kind; 3] = [
    ("token_type", |it| it.eq_ignore_ascii_case("bearer")),
    ("typ", |it| {
        let others = ["refresh", "offline", "id"];
        !others.iter().any(|other| it.eq_ignore_ascii_case(other))
    }),
    ("token_use", |it| {
        let own = ["access", "access_token"];
        own.iter().any(|own| it.eq_ignore_ascii_case(own))
    }),
];

/// Refuses what is active and is no access token: a server asked about a refresh token says that it is
/// active too, whatever the hint.
fn check_kind(members: &Map<String, Value>) -> Result<(), IntrospectionError> {
    for (member, is_access) in KINDS {
        match members.get(member) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if is_access(text) => {}
            Some(Value::String(text)) => {
                return Err(IntrospectionError::OtherToken {
                    member,
                    found: Text::new(text),
                });
            }
            Some(other) => {
                return Err(IntrospectionError::Member {
                    member,
                    expected: String::EXPECTED,
                    found: type_of(other),
                });
            }
        }
    }
    Ok(())
}

fn active(mut wire: Wire, now: UnixTime) -> Result<ActiveToken, IntrospectionError> {
    check_kind(&wire.extra)?;
    let exp = optional("exp", wire.exp)?;
    if let Some(exp) = exp {
        check::expiry(&Member::Value(exp), now, check::DEFAULT_LEEWAY)?;
    }
    let nbf = optional("nbf", wire.nbf)?.map_or(Member::Absent, Member::Value);
    check::not_before(&nbf, now, check::DEFAULT_LEEWAY)?;
    let (context, mut findings) = LaunchContext::take_from(&mut wire.extra)?;
    let scope = optional("scope", wire.scope)?;
    let client_id = optional("client_id", wire.client_id)?;
    for (member, is_missing) in [
        ("scope", scope.is_none()),
        ("client_id", client_id.is_none()),
        ("exp", exp.is_none()),
    ] {
        if is_missing {
            findings.push(Finding::new(
                "introspection-incomplete",
                format!("{member} is missing from the answer for an active token"),
                "answer with active, scope, client_id and exp (SMART App Launch 2.2)",
            ));
        }
    }
    let audiences = optional("aud", wire.aud)?;
    Ok(ActiveToken {
        scopes: scope.iter().collect(),
        client_id,
        expires_at: exp.map(whole_seconds),
        audiences: audiences
            .iter()
            .flat_map(Audience::iter)
            .map(str::to_owned)
            .collect(),
        issuer: optional("iss", wire.iss)?,
        subject: optional("sub", wire.sub)?,
        fhir_user: optional("fhirUser", wire.fhir_user)?,
        context,
        extra: wire.extra,
        findings,
    })
}

/// A member of another type is an error and never an absent one: a date that could not be read must
/// not be no date.
fn optional<T: FromJson>(
    member: &'static str,
    found: Member<T>,
) -> Result<Option<T>, IntrospectionError> {
    match found {
        Member::Value(value) => Ok(Some(value)),
        Member::Absent | Member::WrongType(JsonType::Null) => Ok(None),
        Member::WrongType(found) => Err(IntrospectionError::Member {
            member,
            expected: T::EXPECTED,
            found,
        }),
    }
}

/// Checked dates lie between 1970 and 9999, so they fit a duration.
fn whole_seconds(date: NumericDate) -> UnixTime {
    let seconds = Duration::try_from_secs_f64(date.as_secs()).unwrap_or_default();
    UnixTime::from_secs(seconds.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn read(status: u16, body: &str) -> Result<Introspection, &'static str> {
        let response = Response::builder()
            .status(status)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        Introspection::from_response(&response, NOW).map_err(|it| it.code())
    }

    fn active(body: &str) -> Result<ActiveToken, &'static str> {
        match read(200, body)? {
            Introspection::Active(token) => Ok(*token),
            Introspection::Inactive => Err("inactive"),
        }
    }

    // covers: INTR-3, INTR-6
    #[test]
    fn only_the_value_true_is_active() {
        assert!(active(r#"{"active":true}"#).is_ok());
        assert_eq!(active(r#"{"active":false}"#).err(), Some("inactive"));
        for unclear in [
            "{}",
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"active":null}"#,
            r#"{"active":[true]}"#,
            r#"{"Active":true}"#,
        ] {
            let code = active(unclear).err();
            assert_eq!(code, Some("introspection-active"), "{unclear}");
        }
        for broken in ["", "[]", "true", r#"{"active":true,"\u0061ctive":true}"#] {
            assert_eq!(active(broken).err(), Some("introspection-json"), "{broken}");
        }
        for status in [201, 204, 302, 400, 401, 403, 500] {
            let code = read(status, r#"{"active":true}"#).err();
            assert_eq!(code, Some("introspection-refused"), "{status}");
        }
    }

    // covers: SMART-INT-7, INTR-4
    #[test]
    fn of_an_inactive_token_nothing_else_is_read() {
        // Not even what would be an error of an active one.
        let body = r#"{"active":false,"exp":"soon","scope":"patient/*.rs","sub":7}"#;
        assert!(matches!(read(200, body), Ok(Introspection::Inactive)));
    }

    // covers: SMART-INT-2, SMART-INT-3, SMART-INT-4, SMART-INT-5
    #[test]
    fn an_active_token_is_read_with_the_members_of_smart() {
        let token = active(
            r#"{"active":true,"scope":"launch/patient  patient/*.rs","client_id":"app",
                "exp":1800000300,"iss":"https://ehr.example","sub":"alice","aud":"https://ehr.example/fhir",
                "fhirUser":"https://ehr.example/fhir/Patient/456","patient":"456","encounter":"e-1",
                "intent":"reconcile","fhirContext":[{"reference":"ImagingStudy/1"}],"tenant":"t-1",
                "own":1}"#,
        )
        .unwrap();
        assert_eq!(token.scopes.as_str(), "launch/patient patient/*.rs");
        assert!(token.has_scope("patient/*.rs") && !token.has_scope("patient/*.r"));
        assert_eq!(token.client_id.as_deref(), Some("app"));
        assert_eq!(token.expires_at, Some(UnixTime::from_secs(1_800_000_300)));
        assert_eq!(token.issuer.as_deref(), Some("https://ehr.example"));
        assert_eq!(token.subject.as_deref(), Some("alice"));
        assert_eq!(token.audiences, ["https://ehr.example/fhir"]);
        assert!(token.fhir_user.is_some());
        let context = &token.context;
        assert_eq!(context.patient.as_deref(), Some("456"));
        assert_eq!(context.encounter.as_deref(), Some("e-1"));
        assert_eq!(context.intent.as_deref(), Some("reconcile"));
        assert_eq!(context.tenant.as_deref(), Some("t-1"));
        let [item] = context.fhir_context() else {
            panic!("one item");
        };
        assert_eq!(item.resource_type(), Some("ImagingStudy"));
        assert_eq!(token.extra["own"], 1);
        assert_eq!(token.extra.len(), 1);
        assert_eq!(token.findings, []);
        let shown = format!("{token:?}");
        for hidden in ["alice", "456", "e-1"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }

    // covers: INTR-6
    #[test]
    fn adv_only_an_access_token_is_let_in_as_one() {
        let other = Some("introspection-other-token");
        let member = Some("introspection-member");
        for (members, expected) in [
            (r#""token_type":"Bearer","typ":"Bearer""#, None),
            (r#""token_type":"bearer","typ":"at+jwt""#, None),
            (r#""token_type":null,"typ":null,"token_use":null"#, None),
            (r#""token_use":"access""#, None),
            (r#""token_use":"access_token""#, None),
            (r#""token_type":"refresh_token""#, other),
            (r#""token_type":"DPoP""#, other),
            (r#""token_type":"N_A""#, other),
            (r#""token_type":"""#, other),
            (r#""typ":"Refresh""#, other),
            (r#""typ":"Offline""#, other),
            (r#""typ":"ID""#, other),
            (r#""token_type":"Bearer","typ":"refresh""#, other),
            (r#""token_use":"refresh""#, other),
            (r#""token_use":"id""#, other),
            (r#""token_use":"""#, other),
            (r#""token_type":["Bearer"]"#, member),
            (r#""typ":1"#, member),
            (r#""token_use":{}"#, member),
        ] {
            let body = format!(r#"{{"active":true,{members}}}"#);
            assert_eq!(active(&body).err(), expected, "{members}");
        }
    }

    #[test]
    fn a_token_is_for_whom_it_names_and_for_nobody_else() {
        let is_for = |aud: &str, audience: &str| {
            let body = format!(r#"{{"active":true,"aud":{aud}}}"#);
            active(&body).unwrap().is_for(audience)
        };
        let fhir = "https://ehr.example/fhir";
        assert!(is_for(r#""https://ehr.example/fhir""#, fhir));
        assert!(is_for(r#"["other","https://ehr.example/fhir"]"#, fhir));
        for aud in [
            "null",
            "[]",
            r#""""#,
            r#""https://ehr.example/fhir/""#,
            r#""https://EHR.example/fhir""#,
            r#""https://ehr.example/fhir-2""#,
        ] {
            assert!(!is_for(aud, fhir), "{aud}");
        }
    }

    // covers: SMART-CTX-1, SMART-INT-4
    #[test]
    fn a_context_is_checked_as_in_a_token_response() {
        const REST: &str = r#""active":true,"scope":"","client_id":"a","exp":1800000300"#;
        let read = |members: &str| active(&format!("{{{REST},{members}}}"));
        for (members, patient, code) in [
            (
                r#""patient":"Patient/456""#,
                Some("456"),
                "context-id-reference",
            ),
            (r#""patient":"""#, None, "context-id-empty"),
            (r#""patient":null"#, None, "context-null"),
            (r#""fhirContext":["Task/1"]"#, None, "context-item-string"),
            (r#""intent":7"#, None, "context-type"),
        ] {
            let token = read(members).unwrap();
            assert_eq!(token.context.patient.as_deref(), patient, "{members}");
            let codes: Vec<_> = token.findings.iter().map(|it| it.code).collect();
            assert_eq!(codes, [code], "{members}");
        }
        // What could lead a URL to other data, or is no text, is nobody's id.
        for (member, value, expected) in [
            ("patient", r#""../Group/1""#, "context-id"),
            ("patient", r#""1/_history/1""#, "context-id"),
            ("patient", r#""1?x=y""#, "context-id"),
            ("patient", r#""%2e%2e""#, "context-id"),
            ("patient", r#""Encounter/1""#, "context-id"),
            ("encounter", r#""..""#, "context-id"),
            ("patient", "456", "context-type"),
            ("patient", r#"{"reference":"Patient/1"}"#, "context-type"),
            ("encounter", r#"["1"]"#, "context-type"),
        ] {
            let found = read(&format!(r#""{member}":{value}"#)).map(drop);
            assert_eq!(found, Err(expected), "{member}: {value}");
        }
    }

    #[test]
    fn what_is_missing_is_found_and_opens_nothing() {
        let token = active(r#"{"active":true,"scope":null}"#).unwrap();
        assert!(token.scopes.is_empty());
        let codes: Vec<_> = token.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, ["introspection-incomplete"; 3]);
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_refused() {
        for (members, expected) in [
            (r#""exp":1799999940"#, Err("claim-expired")),
            (r#""exp":1799999941"#, Ok(())),
            (r#""nbf":1800000061"#, Err("claim-not-yet-valid")),
            (r#""nbf":1800000060"#, Ok(())),
            (r#""exp":1800000300000"#, Err("claim-date-range")),
            (r#""exp":"1800000300""#, Err("introspection-member")),
            (r#""nbf":"now""#, Err("introspection-member")),
            (r#""scope":["patient/*.rs"]"#, Err("introspection-member")),
            (r#""client_id":7"#, Err("introspection-member")),
            (r#""sub":{}"#, Err("introspection-member")),
        ] {
            let body = format!(r#"{{"active":true,{members}}}"#);
            assert_eq!(active(&body).map(drop), expected, "{members}");
        }
    }

    // covers: INTR-7
    #[test]
    fn an_answer_is_not_used_past_the_end_of_the_token() {
        let until = |body: &str, seconds| {
            let token = active(body).unwrap();
            let until = token.reusable_until(NOW, Duration::from_secs(seconds));
            until.as_secs() - NOW.as_secs()
        };
        assert_eq!(until(r#"{"active":true,"exp":1800000300}"#, 60), 60);
        assert_eq!(until(r#"{"active":true,"exp":1800000030}"#, 60), 30);
        assert_eq!(until(r#"{"active":true}"#, 60), 0);
    }
}
