//! ID-token corpora: one JSON file with many tokens and what a validator must say of each.
//!
//! The format is described in `docs/corpus.md`. Every case goes through the public API that an
//! app calls.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smart_oidc::discovery::{FhirBaseUrl, FixedJwks, Issuer, PlainHttp};
use smart_oidc::jose::header::HeaderError;
use smart_oidc::jose::json::JsonError;
use smart_oidc::jose::jws::JwsError;
use smart_oidc::jose::{Algorithm, Algorithms, CryptoProvider, JwkSet, UnixTime};
use smart_oidc::{
    AccessToken, AuthorizationCode, ClientId, Expected, FhirUserError, IdToken, IdTokenError,
    IdTokenVerifier, Nonce, RawIdToken,
};

/// A corpus file. Unknown members are ignored.
///
/// What can be wrong with it is found while it is read, so that every message has a place.
#[derive(Debug, Deserialize)]
pub struct Corpus {
    #[serde(deserialize_with = "format")]
    #[expect(dead_code, reason = "read to be checked")]
    format: u64,
    now: u64,
    #[serde(deserialize_with = "issuer")]
    issuer: Issuer,
    client_id: String,
    nonce: Option<String>,
    #[serde(deserialize_with = "base")]
    fhir_base: FhirBaseUrl,
    #[serde(deserialize_with = "leeway")]
    leeway_s: Duration,
    allowed_algs: Vec<String>,
    jwks: Box<RawValue>,
    /// The cases.
    #[serde(deserialize_with = "cases")]
    pub cases: Vec<Case>,
}

/// One token. `null` for a member that may be left out means that it is.
#[derive(Debug, Deserialize)]
pub struct Case {
    /// Its unique name.
    pub id: String,
    /// The group it is counted in.
    pub group: String,
    token: String,
    jwks: Option<Box<RawValue>>,
    client_id: Option<String>,
    /// Absent: the default of the file. `null`: none was sent.
    #[serde(default, deserialize_with = "given")]
    nonce: Option<Option<String>>,
    access_token: Option<String>,
    code: Option<String>,
    max_age: Option<u64>,
    acr_values: Option<Words>,
    trusted_audiences: Option<Vec<String>>,
    smart_1_0: Option<bool>,
    allowed_algs: Option<Vec<String>>,
    now: Option<u64>,
    expect: Verdict,
    reason_class: Option<Reason>,
    reason_also: Option<Vec<Reason>>,
    policy: Option<bool>,
    profile_expect: Option<ProfileExpect>,
}

/// A list of words, also where it is written as one string with blanks.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    List(Vec<String>),
    Text(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Accept,
    Reject,
}

#[derive(Debug, Deserialize)]
struct ProfileExpect {
    outcome: ProfileOutcome,
    resource_type: Option<String>,
    id: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ProfileOutcome {
    Resource,
    Reject,
    None,
}

/// Why a token is refused, as a corpus says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The form, the header or the JSON of the claims.
    Malformed,
    /// The algorithm is not accepted, or is none.
    Algorithm,
    /// The signature does not verify.
    Signature,
    /// There is no key for the token.
    Key,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `azp`.
    Azp,
    /// `exp`.
    Expired,
    /// `nbf`.
    NotYetValid,
    /// `iat`.
    Iat,
    /// `nonce`.
    Nonce,
    /// `at_hash`.
    AtHash,
    /// `c_hash`.
    CHash,
    /// `auth_time`.
    AuthTime,
    /// Another claim, or the kind of the token.
    Claims,
    /// A critical extension.
    Crit,
    /// The token, or its header, is too long.
    Size,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Signature => "signature",
            Self::Key => "key",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Azp => "azp",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Iat => "iat",
            Self::Nonce => "nonce",
            Self::AtHash => "at_hash",
            Self::CHash => "c_hash",
            Self::AuthTime => "auth_time",
            Self::Claims => "claims",
            Self::Crit => "crit",
            Self::Size => "size",
        })
    }
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

fn format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        1 => Ok(1),
        other => Err(D::Error::custom(format_args!(
            "format {other} is not known; 1 is"
        ))),
    }
}

fn leeway<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    match u64::deserialize(deserializer)? {
        seconds @ 0..=300 => Ok(Duration::from_secs(seconds)),
        more => Err(D::Error::custom(format_args!(
            "leeway_s is {more}, more than 300"
        ))),
    }
}

fn issuer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Issuer, D::Error> {
    let text = String::deserialize(deserializer)?;
    Issuer::parse_with(&text, PlainHttp::LoopbackOnly)
        .map_err(|error| D::Error::custom(format_args!("issuer: {error}")))
}

fn base<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FhirBaseUrl, D::Error> {
    let text = String::deserialize(deserializer)?;
    FhirBaseUrl::parse_with(&text, PlainHttp::LoopbackOnly)
        .map_err(|error| D::Error::custom(format_args!("fhir_base: {error}")))
}

/// The cases, one by one, so that a name that occurs twice is found where it stands.
fn cases<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Case>, D::Error> {
    struct Cases;

    impl<'de> Visitor<'de> for Cases {
        type Value = Vec<Case>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of cases")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut cases: Vec<Case> = Vec::new();
            let mut ids = BTreeSet::new();
            while let Some(case) = entries.next_element::<Case>()? {
                if !ids.insert(case.id.clone()) {
                    let twice = format_args!("the id {} occurs twice", case.id);
                    return Err(A::Error::custom(twice));
                }
                cases.push(case);
            }
            Ok(cases)
        }
    }

    deserializer.deserialize_seq(Cases)
}

/// Why a file is no corpus, and where.
#[derive(Debug)]
pub struct Unreadable(pub String);

impl Corpus {
    /// Reads a corpus.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], with the line and column.
    pub fn parse(octets: &[u8]) -> Result<Self, Unreadable> {
        let text = str::from_utf8(octets).map_err(|error| {
            let before = &octets[..error.valid_up_to()];
            let line = before.iter().filter(|it| **it == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|it| **it != b'\n').count() + 1;
            Unreadable(format!("line {line}, column {column}: not UTF-8"))
        })?;
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            // serde_json puts the place behind its message.
            let what = message.split(" at line ").next().unwrap_or_default();
            Unreadable(format!(
                "line {}, column {}: {what}",
                error.line(),
                error.column()
            ))
        })
    }

    /// Runs every case on one backend.
    ///
    /// # Panics
    ///
    /// Where no runtime can be made; a panic in a case is caught and counted.
    #[must_use]
    pub fn run(&self, provider: &CryptoProvider) -> Results {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        self.run_by(|case| runtime.block_on(self.judge(case, provider)))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how long a case takes is part of the result"
    )]
    fn run_by(&self, judge: impl Fn(&Case) -> Judged) -> Results {
        let mut results = Results::default();
        // A panic in a case is caught and counted; its back trace would only hide the table.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        for case in &self.cases {
            let began = Instant::now();
            let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(case)));
            let judged = judged.map_err(|panic| said_by(&*panic));
            results.take(case, judged, began.elapsed());
        }
        panic::set_hook(hook);
        results
    }

    async fn judge(&self, case: &Case, provider: &CryptoProvider) -> Judged {
        let token = match self.validate(case, provider).await {
            Ok(token) => token,
            Err((class, code)) => {
                return Judged {
                    refused: Some((class, code)),
                    profile: None,
                };
            }
        };
        let profile = match token.fhir_user(&self.fhir_base) {
            Ok(Some(user)) => Profile::Resource(user.resource_type().name(), user.id().to_owned()),
            Ok(None) | Err(FhirUserError::Missing) => Profile::None,
            Err(error) => Profile::Refused(error.code()),
        };
        Judged {
            refused: None,
            profile: Some(profile),
        }
    }

    async fn validate(
        &self,
        case: &Case,
        provider: &CryptoProvider,
    ) -> Result<IdToken, (Reason, &'static str)> {
        let accepted = accepted(
            case.allowed_algs.as_ref().unwrap_or(&self.allowed_algs),
            provider,
        )
        .ok_or((Reason::Algorithm, NOT_AVAILABLE))?;
        let jwks = case.jwks.as_deref().unwrap_or(&self.jwks).get();
        let keys =
            JwkSet::parse(jwks.as_bytes(), provider).map_err(|it| (Reason::Key, it.code()))?;
        let client_id = case.client_id.as_deref().unwrap_or(&self.client_id);
        let mut verifier = IdTokenVerifier::with_static_keys(
            &self.issuer,
            ClientId::new(client_id),
            accepted,
            FixedJwks::new(keys),
            provider,
        )
        .with_leeway(self.leeway_s);
        for audience in case.trusted_audiences.iter().flatten() {
            verifier = verifier.trust_audience(audience);
        }
        if case.smart_1_0 == Some(true) {
            verifier = verifier.reading_smart_1_0_profile();
        }
        let nonce = case
            .nonce
            .as_ref()
            .unwrap_or(&self.nonce)
            .as_deref()
            .map(Nonce::new);
        let access_token = case.access_token.as_deref().map(AccessToken::new);
        let code = case.code.as_deref().map(AuthorizationCode::new);
        let acr_values = match &case.acr_values {
            None => Vec::new(),
            Some(Words::List(words)) => words.clone(),
            Some(Words::Text(text)) => text.split_whitespace().map(str::to_owned).collect(),
        };
        let mut expected = nonce
            .as_ref()
            .map_or_else(Expected::no_nonce_sent, Expected::nonce);
        expected = expected.with_acr_values(&acr_values);
        if let Some(token) = &access_token {
            expected = expected.with_access_token(token);
        }
        if let Some(code) = &code {
            expected = expected.with_code(code);
        }
        if let Some(seconds) = case.max_age {
            expected = expected.with_max_age(Duration::from_secs(seconds));
        }
        let now = UnixTime::from_secs(case.now.unwrap_or(self.now));
        let token = RawIdToken::new(case.token.clone());
        let verified = verifier.verify(&token, &expected, now).await;
        let report = verifier.explain(&token, &expected, now).await;
        assert_eq!(
            verified.is_ok(),
            report.valid,
            "verify and explain disagree on {}",
            case.id
        );
        assert_eq!(
            verified.as_ref().err(),
            report.error.as_ref(),
            "{}",
            case.id
        );
        verified.map_err(|error| (reason(&error), error.code()))
    }
}

/// The code of a case whose list of algorithms cannot be met; the library has no say in it.
const NOT_AVAILABLE: &str = "alg-not-available";

/// The message of a panic.
fn said_by(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}

/// The accepted set, or `None` where a name is unknown, the backend lacks one, or there is none.
fn accepted(names: &[String], provider: &CryptoProvider) -> Option<Algorithms> {
    let offered = |it: &Algorithm| provider.algorithms().contains(*it);
    let set: Option<Algorithms> = names
        .iter()
        .map(|name| Algorithm::from_name(name).filter(offered))
        .collect();
    set.filter(|set| !set.is_empty())
}

/// The reason of a corpus for an error of the library.
///
/// # Panics
///
/// For an error that the validation of a fixed set of keys does not return.
#[must_use]
pub fn reason(error: &IdTokenError) -> Reason {
    // Claims share codes for "missing" and "wrong type", and there the error says which it was.
    let claim = match error {
        IdTokenError::Claim(error) => error.claim(),
        _ => "",
    };
    let is_long_header = matches!(
        error,
        IdTokenError::Jws(JwsError::Header(HeaderError::Json(
            JsonError::TooLong { .. }
        )))
    );
    if is_long_header {
        return Reason::Size;
    }
    reason_of(error.code(), claim).unwrap_or_else(|| panic!("no reason for {}", error.code()))
}

/// The reason for a code. The errors may grow outside of their crates, so the compiler cannot
/// tell whether all of them stand here; `every_code_has_a_reason` reads their sources and can.
#[must_use]
pub fn reason_of(code: &str, claim: &str) -> Option<Reason> {
    Some(match code {
        "jws-too-long" => Reason::Size,
        "jws-base64"
        | "jws-empty-segment"
        | "jws-encrypted"
        | "jws-json-serialization"
        | "jws-segment-count"
        | "header-json"
        | "header-nested"
        | "header-type"
        | "header-zip"
        | "header-b64"
        | "claims-json" => Reason::Malformed,
        "header-crit" => Reason::Crit,
        "alg-missing" | "alg-not-accepted" | "alg-unsupported" | "jws-key-mismatch" => {
            Reason::Algorithm
        }
        "jws-bad-signature" => Reason::Signature,
        "key-ambiguous" | "key-unfit" | "key-unknown" => Reason::Key,
        "id-token-azp" => Reason::Azp,
        "id-token-nonce-mismatch" | "id-token-nonce-unsolicited" => Reason::Nonce,
        "id-token-at-hash" => Reason::AtHash,
        "id-token-c-hash" => Reason::CHash,
        "id-token-auth-time-too-old" | "id-token-auth-time-in-future" => Reason::AuthTime,
        "id-token-acr" | "id-token-changed" | "id-token-subject" | "id-token-type" => {
            Reason::Claims
        }
        "claim-audience"
        | "claim-audience-untrusted"
        | "claim-date-range"
        | "claim-expired"
        | "claim-issued-in-future"
        | "claim-issued-too-long-ago"
        | "claim-issuer"
        | "claim-missing"
        | "claim-not-yet-valid"
        | "claim-type" => match claim {
            "iss" => Reason::Issuer,
            "aud" => Reason::Audience,
            "azp" => Reason::Azp,
            "exp" => Reason::Expired,
            "nbf" => Reason::NotYetValid,
            "iat" => Reason::Iat,
            "nonce" => Reason::Nonce,
            "auth_time" => Reason::AuthTime,
            "at_hash" => Reason::AtHash,
            "c_hash" => Reason::CHash,
            _ => Reason::Claims,
        },
        _ => return None,
    })
}

/// What the library said of a case.
#[derive(Debug, PartialEq)]
struct Judged {
    refused: Option<(Reason, &'static str)>,
    profile: Option<Profile>,
}

#[derive(Debug, PartialEq)]
enum Profile {
    Resource(&'static str, String),
    Refused(&'static str),
    None,
}

/// The counts and the wrong cases of one run.
#[derive(Debug, Default)]
pub struct Results {
    /// How many cases ran.
    pub cases: usize,
    /// Accepted, and should not be.
    pub wrong_accept: Vec<Wrong>,
    /// Refused, and should not be.
    pub wrong_reject: Vec<Wrong>,
    /// Refused for another reason.
    pub wrong_reason: Vec<Wrong>,
    /// Another user than expected.
    pub wrong_profile: Vec<Wrong>,
    /// A difference where the standards leave room.
    pub policy_deviation: Vec<Wrong>,
    /// Cases that panicked.
    pub panics: Vec<Wrong>,
    /// How many cases each group has.
    pub groups: BTreeMap<String, usize>,
    /// The slowest case.
    pub slowest: Option<(String, Duration)>,
    /// What was said of each case on which backends have to agree: not of one that is a matter of
    /// policy, nor of one that asks for an algorithm which this backend lacks.
    pub said: BTreeMap<String, String>,
}

/// A case that went wrong.
#[derive(Debug)]
pub struct Wrong {
    /// Its name.
    pub id: String,
    /// Its group.
    pub group: String,
    /// What was expected, and what was found.
    pub what: String,
}

impl Results {
    /// The cases of which another backend says something else, with what both say.
    pub fn differences<'r>(
        &'r self,
        other: &'r Self,
    ) -> impl Iterator<Item = (&'r str, &'r str, &'r str)> {
        self.said.iter().filter_map(|(id, said)| {
            let theirs = other.said.get(id)?;
            (said != theirs).then_some((id.as_str(), said.as_str(), theirs.as_str()))
        })
    }

    /// Whether no firm case went wrong in what counts.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.wrong_accept.is_empty()
            && self.wrong_reject.is_empty()
            && self.wrong_profile.is_empty()
            && self.panics.is_empty()
    }

    fn take(&mut self, case: &Case, judged: Result<Judged, String>, time: Duration) {
        self.cases += 1;
        *self.groups.entry(case.group.clone()).or_default() += 1;
        if self
            .slowest
            .as_ref()
            .is_none_or(|(_, slowest)| time > *slowest)
        {
            self.slowest = Some((case.id.clone(), time));
        }
        let said = match &judged {
            Err(_) => "a panic".to_owned(),
            Ok(Judged {
                refused: Some((class, code)),
                ..
            }) => format!("reject {class} ({code})"),
            Ok(Judged { profile, .. }) => format!("accept, user {}", Shown(profile)),
        };
        let lacks_algorithm = matches!(&judged, Ok(Judged { refused: Some((_, code)), .. }) if *code == NOT_AVAILABLE);
        if case.policy != Some(true) && !lacks_algorithm {
            self.said.insert(case.id.clone(), said);
        }
        let wrong = |what: String| Wrong {
            id: case.id.clone(),
            group: case.group.clone(),
            what,
        };
        let judged = match judged {
            Ok(judged) => judged,
            Err(message) => {
                let expected = match case.expect {
                    Verdict::Accept => "accept",
                    Verdict::Reject => "reject",
                };
                self.panics.push(wrong(format!(
                    "expected {expected}, got a panic: {message}"
                )));
                return;
            }
        };
        let found = match judged.refused {
            Some((class, code)) => format!("reject {class} ({code})"),
            None => "accept".to_owned(),
        };
        let refused = judged.refused;
        let (list, what) = match (case.expect, refused) {
            (Verdict::Reject, None) => {
                let expected = case.reason_class.map(|it| it.to_string());
                let expected = expected.as_deref().unwrap_or("for any reason");
                (
                    &mut self.wrong_accept,
                    format!("expected reject {expected}, got {found}"),
                )
            }
            (Verdict::Accept, Some(_)) => (
                &mut self.wrong_reject,
                format!("expected accept, got {found}"),
            ),
            (Verdict::Reject, Some((reason, _))) if !case.allows(reason) => {
                let expected = case.reason_class.map(|it| it.to_string());
                let expected = expected.unwrap_or_default();
                (
                    &mut self.wrong_reason,
                    format!("expected reject {expected}, got {found}"),
                )
            }
            _ => match case.profile_expect.as_ref().filter(|it| !it.fits(&judged)) {
                Some(expected) => (
                    &mut self.wrong_profile,
                    format!(
                        "expected profile {expected}, got {}",
                        Shown(&judged.profile)
                    ),
                ),
                None => return,
            },
        };
        let list = if case.policy == Some(true) {
            &mut self.policy_deviation
        } else {
            list
        };
        list.push(wrong(what));
    }
}

impl Case {
    fn allows(&self, found: Reason) -> bool {
        let also = self.reason_also.iter().flatten();
        self.reason_class.is_none_or(|it| it == found) || also.into_iter().any(|it| *it == found)
    }
}

impl fmt::Display for ProfileExpect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome {
            ProfileOutcome::Reject => f.write_str("reject"),
            ProfileOutcome::None => f.write_str("none"),
            ProfileOutcome::Resource => write!(
                f,
                "{}/{}",
                self.resource_type.as_deref().unwrap_or("?"),
                self.id.as_deref().unwrap_or("?")
            ),
        }
    }
}

/// A profile as a corpus would say it.
struct Shown<'p>(&'p Option<Profile>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Profile::Resource(resource_type, id)) => write!(f, "{resource_type}/{id}"),
            Some(Profile::Refused(code)) => write!(f, "reject ({code})"),
            Some(Profile::None) => f.write_str("none"),
            None => f.write_str("reject with the token"),
        }
    }
}

impl ProfileExpect {
    fn fits(&self, judged: &Judged) -> bool {
        match (self.outcome, &judged.profile) {
            (ProfileOutcome::Resource, Some(Profile::Resource(resource_type, id))) => {
                self.resource_type.as_deref() == Some(resource_type)
                    && self.id.as_deref() == Some(id)
            }
            // A token that is refused whole has no profile either.
            (ProfileOutcome::Reject, Some(Profile::Refused(_)) | None)
            | (ProfileOutcome::None, Some(Profile::None)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_panic_is_one_case_that_went_wrong() {
        let text = fixture::text("corpus/id-tokens.json");
        let corpus = Corpus::parse(text.as_bytes()).unwrap();
        let accepted = || Judged {
            refused: None,
            profile: Some(Profile::None),
        };
        let results = corpus.run_by(|case| match case.id.as_str() {
            "sound-RS256" => panic!("a token of {} octets", case.token.len()),
            "sound-RS384" => panic!("at once"),
            _ => accepted(),
        });
        assert_eq!(results.cases, corpus.cases.len());
        let panics: Vec<_> = results.panics.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(panics, ["sound-RS256", "sound-RS384"]);
        assert!(results.panics[0].what.contains("got a panic: a token of "));
        assert!(results.panics[1].what.ends_with("got a panic: at once"));
        // What is said of a case is compared with what another backend says of it.
        let mut elsewhere = corpus.run_by(|_| accepted());
        let ids = |other: &Results| {
            let differences = results.differences(other);
            differences.map(|it| it.0.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&elsewhere), ["sound-RS256", "sound-RS384"]);
        elsewhere.said.remove("sound-RS256");
        assert_eq!(ids(&elsewhere), ["sound-RS384"]);
        assert_eq!(ids(&results), Vec::<String>::new());
        // A panic fails the run, also where nothing else went wrong.
        let alone = Results {
            panics: results.panics,
            ..Results::default()
        };
        assert!(!alone.passed());
        assert!(Results::default().passed());
    }
}
