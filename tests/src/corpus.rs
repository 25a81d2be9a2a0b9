//! ID-token corpora: one JSON file with many tokens and what a validator must say of each.
//!
//! The format is described in `docs/corpus.md`. Every case goes through the public API that an
//! app calls.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use smart_oidc::discovery::{FhirBaseUrl, FixedJwks, Issuer, PlainHttp};
use smart_oidc::jose::{Algorithm, Algorithms, CryptoProvider, JwkSet, UnixTime};
use smart_oidc::{
    AccessToken, AuthorizationCode, ClientId, Expected, FhirUserError, IdToken, IdTokenVerifier,
    Nonce, RawIdToken,
};

/// A corpus file. Unknown members are ignored.
#[derive(Debug, Deserialize)]
pub struct Corpus {
    format: u32,
    now: u64,
    issuer: String,
    client_id: String,
    nonce: Option<String>,
    fhir_base: String,
    leeway_s: u64,
    allowed_algs: Vec<String>,
    jwks: Box<RawValue>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One token.
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
    #[serde(default)]
    trusted_audiences: Vec<String>,
    #[serde(default)]
    smart_1_0: bool,
    allowed_algs: Option<Vec<String>>,
    now: Option<u64>,
    expect: Verdict,
    reason_class: Option<String>,
    #[serde(default)]
    reason_also: Vec<String>,
    #[serde(default)]
    policy: bool,
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

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

/// Why a file is no corpus.
#[derive(Debug)]
pub struct Unreadable(pub String);

impl Corpus {
    /// Reads a corpus.
    ///
    /// # Errors
    ///
    /// [`Unreadable`], with the line and column where JSON is the problem.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let corpus: Self = serde_json::from_str(text).map_err(|it| {
            Unreadable(format!("line {}, column {}: {it}", it.line(), it.column()))
        })?;
        if corpus.format != 1 {
            return Err(Unreadable(format!(
                "format {} is not known; 1 is",
                corpus.format
            )));
        }
        if corpus.leeway_s > 300 {
            return Err(Unreadable(format!(
                "leeway_s is {}, more than 300",
                corpus.leeway_s
            )));
        }
        let mut ids = BTreeSet::new();
        for case in &corpus.cases {
            if !ids.insert(&case.id) {
                return Err(Unreadable(format!("the id {} occurs twice", case.id)));
            }
            let classes = case.reason_class.iter().chain(&case.reason_also);
            if let Some(class) = classes
                .into_iter()
                .find(|it| !CLASSES.contains(&it.as_str()))
            {
                return Err(Unreadable(format!(
                    "{}: unknown reason class {class}",
                    case.id
                )));
            }
        }
        corpus
            .issuer()
            .map_err(|error| Unreadable(format!("issuer: {error}")))?;
        corpus
            .base()
            .map_err(|error| Unreadable(format!("fhir_base: {error}")))?;
        Ok(corpus)
    }

    fn issuer(&self) -> Result<Issuer, smart_oidc::discovery::UrlError> {
        Issuer::parse_with(&self.issuer, PlainHttp::LoopbackOnly)
    }

    fn base(&self) -> Result<FhirBaseUrl, smart_oidc::discovery::UrlError> {
        FhirBaseUrl::parse_with(&self.fhir_base, PlainHttp::LoopbackOnly)
    }

    /// Runs every case on one backend.
    ///
    /// # Panics
    ///
    /// Where no runtime can be made; a panic in a case is caught and counted.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a case takes is part of the result"
    )]
    pub fn run(&self, provider: &CryptoProvider) -> Results {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut results = Results::default();
        // A panic in a case is caught and counted; its back trace would only hide the table.
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        for case in &self.cases {
            let began = Instant::now();
            let judged = panic::catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(self.judge(case, provider))
            }));
            results.take(case, judged.ok(), began.elapsed());
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
        let profile = match token.fhir_user(&self.base().unwrap()) {
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
    ) -> Result<IdToken, (&'static str, &'static str)> {
        let accepted = accepted(
            case.allowed_algs.as_ref().unwrap_or(&self.allowed_algs),
            provider,
        )
        .ok_or(("algorithm", "alg-not-available"))?;
        let jwks = case.jwks.as_deref().unwrap_or(&self.jwks).get();
        let keys = JwkSet::parse(jwks.as_bytes(), provider).map_err(|it| ("key", it.code()))?;
        let client_id = case.client_id.as_deref().unwrap_or(&self.client_id);
        let mut verifier = IdTokenVerifier::with_static_keys(
            &self.issuer().unwrap(),
            ClientId::new(client_id),
            accepted,
            FixedJwks::new(keys),
            provider,
        )
        .with_leeway(Duration::from_secs(self.leeway_s));
        for audience in &case.trusted_audiences {
            verifier = verifier.trust_audience(audience);
        }
        if case.smart_1_0 {
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
        verified.map_err(|error| {
            let check = report.checks.iter().find(|it| it.code.is_some());
            (
                reason_class(error.code(), check.map_or("", |it| it.id)),
                error.code(),
            )
        })
    }
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

/// Every reason class that a case may name.
const CLASSES: [&str; 17] = [
    "malformed",
    "algorithm",
    "signature",
    "key",
    "issuer",
    "audience",
    "azp",
    "expired",
    "not_yet_valid",
    "iat",
    "nonce",
    "at_hash",
    "c_hash",
    "auth_time",
    "claims",
    "crit",
    "size",
];

/// The reason class of a corpus for an error code. Claims share codes for "missing" and "wrong
/// type", and there the check says which claim it was.
fn reason_class(code: &str, check: &str) -> &'static str {
    match code {
        "jws-too-long" => "size",
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
        | "claims-json" => "malformed",
        "header-crit" => "crit",
        "alg-missing" | "alg-not-accepted" | "alg-unsupported" | "jws-key-mismatch" => "algorithm",
        "jws-bad-signature" => "signature",
        "key-ambiguous" | "key-unfit" | "key-unknown" | "key-unknown-retry" => "key",
        "claim-issuer" => "issuer",
        "claim-audience" | "claim-audience-untrusted" => "audience",
        "claim-expired" => "expired",
        "claim-not-yet-valid" => "not_yet_valid",
        "claim-issued-in-future" | "claim-issued-too-long-ago" => "iat",
        "id-token-azp" => "azp",
        "id-token-nonce-mismatch" | "id-token-nonce-unsolicited" => "nonce",
        "id-token-at-hash" => "at_hash",
        "id-token-c-hash" => "c_hash",
        "id-token-auth-time-too-old" | "id-token-auth-time-in-future" => "auth_time",
        "id-token-acr" | "id-token-subject" | "id-token-type" => "claims",
        "claim-missing" | "claim-type" | "claim-date-range" => match check {
            "issuer" => "issuer",
            "audience" => "audience",
            "authorized-party" => "azp",
            "expiry" => "expired",
            "not-before" => "not_yet_valid",
            "issued-at" => "iat",
            "nonce" => "nonce",
            "auth-time" => "auth_time",
            _ => "claims",
        },
        // A code that is not listed shows up as a wrong reason, under this name.
        _ => "unlisted",
    }
}

/// What the library said of a case.
#[derive(Debug, PartialEq)]
struct Judged {
    refused: Option<(&'static str, &'static str)>,
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
    /// What was said of each case, to compare backends.
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
    /// Whether no firm case went wrong in what counts.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.wrong_accept.is_empty()
            && self.wrong_reject.is_empty()
            && self.wrong_profile.is_empty()
            && self.panics.is_empty()
    }

    fn take(&mut self, case: &Case, judged: Option<Judged>, time: Duration) {
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
            None => "a panic".to_owned(),
            Some(Judged {
                refused: Some((class, code)),
                ..
            }) => format!("reject {class} ({code})"),
            Some(Judged { profile, .. }) => format!("accept, user {profile:?}"),
        };
        self.said.insert(case.id.clone(), said);
        let wrong = |what: String| Wrong {
            id: case.id.clone(),
            group: case.group.clone(),
            what,
        };
        let Some(judged) = judged else {
            self.panics.push(wrong("it panicked".into()));
            return;
        };
        let found = match judged.refused {
            Some((class, code)) => format!("reject {class} ({code})"),
            None => "accept".to_owned(),
        };
        let refused = judged.refused;
        let (list, what) = match (case.expect, refused) {
            (Verdict::Reject, None) => {
                let expected = case.reason_class.as_deref().unwrap_or("any reason");
                (
                    &mut self.wrong_accept,
                    format!("expected reject {expected}, got {found}"),
                )
            }
            (Verdict::Accept, Some(_)) => (
                &mut self.wrong_reject,
                format!("expected accept, got {found}"),
            ),
            (Verdict::Reject, Some((class, _))) if !case.allows(class) => {
                let expected = case.reason_class.as_deref().unwrap_or_default();
                (
                    &mut self.wrong_reason,
                    format!("expected reject {expected}, got {found}"),
                )
            }
            _ => match case.profile_expect.as_ref().filter(|it| !it.fits(&judged)) {
                Some(expected) => (
                    &mut self.wrong_profile,
                    format!("expected profile {expected:?}, got {:?}", judged.profile),
                ),
                None => return,
            },
        };
        let list = if case.policy {
            &mut self.policy_deviation
        } else {
            list
        };
        list.push(wrong(what));
    }
}

impl Case {
    fn allows(&self, class: &str) -> bool {
        let Some(expected) = &self.reason_class else {
            return true;
        };
        expected == class || self.reason_also.iter().any(|it| it == class)
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
