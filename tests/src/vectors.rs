//! Published vectors: read, run, and every one accounted for.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use smart_oidc::jose::jwk::{PrivateJwk, thumbprint};
use smart_oidc::jose::{
    Algorithm, Algorithms, CryptoProvider, Error, Jwk, JwkSet, UnverifiedJws, jws,
};
use smart_oidc::{CodeVerifier, id_token, pkce};

use crate::suite::Outcome;
use crate::{credentials, fixture};

/// A file of vectors. Unknown members are an error, so that nothing in it goes unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "for whoever reads the file")]
    note: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[expect(dead_code, reason = "for whoever reads the file")]
    source: String,
    kind: Kind,
    /// `ok`, or the code of the error.
    expect: String,
    alg: Option<String>,
    token: Option<String>,
    jwks: Option<Box<RawValue>>,
    jwk: Option<Box<RawValue>>,
    private_jwk: Option<Box<RawValue>>,
    usable: Option<usize>,
    #[serde(default)]
    skipped: Vec<String>,
    thumbprint: Option<String>,
    value: Option<String>,
    hash: Option<String>,
    verifier: Option<String>,
    challenge: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    credentials: Option<String>,
    /// What a verified token holds, where the source says it.
    payload: Option<String>,
    /// Why a case is not tried.
    reason: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Verify,
    Sign,
    RoundTrip,
    JwkSet,
    Thumbprint,
    HashClaim,
    Pkce,
    Basic,
    NotApplicable,
}

/// Runs every published vector on one backend.
#[must_use]
pub fn run(provider: &CryptoProvider) -> Vec<(String, Outcome)> {
    let file: File = serde_json::from_str(&fixture::text("vectors/published.json")).unwrap();
    file.cases
        .into_iter()
        .map(|case| (case.id.clone(), judge(&case, provider)))
        .collect()
}

fn judge(case: &Case, provider: &CryptoProvider) -> Outcome {
    let algorithm = case.alg.as_deref().and_then(Algorithm::from_name);
    if let Some(algorithm) = algorithm.filter(|it| !provider.algorithms().contains(*it)) {
        return Outcome::Skipped(format!("{} does not offer {algorithm}", provider.name));
    }
    let found = match case.kind {
        Kind::NotApplicable => return Outcome::Skipped(case.reason.clone().unwrap()),
        Kind::Verify => verify(case, provider),
        Kind::Sign => sign(case, provider),
        Kind::RoundTrip => round_trip(case, provider),
        Kind::JwkSet => jwk_set(case, provider),
        Kind::Thumbprint => equal(case.thumbprint.as_deref(), &thumbprint_of(case, provider)),
        Kind::HashClaim => {
            let value = case.value.as_deref().unwrap();
            equal(
                case.hash.as_deref(),
                &id_token::hash_claim(value, algorithm.unwrap(), provider),
            )
        }
        Kind::Pkce => {
            let verifier = CodeVerifier::new(case.verifier.as_deref().unwrap());
            equal(
                case.challenge.as_deref(),
                &pkce::challenge(&verifier, provider),
            )
        }
        Kind::Basic => equal(case.credentials.as_deref(), &basic_of(case, provider)),
    };
    if found == case.expect {
        Outcome::Passed
    } else {
        Outcome::Failed(format!("expected {}, got {found}", case.expect))
    }
}

/// What a server that asks for nothing but a header finds in it.
fn basic_of(case: &Case, provider: &CryptoProvider) -> String {
    let text = |it: &Option<String>| it.clone().unwrap();
    credentials::basic(text(&case.client_id), text(&case.client_secret), provider)
}

fn code(result: Result<(), Error>) -> String {
    result.map_or_else(|error| error.code().to_owned(), |()| "ok".to_owned())
}

fn equal(expected: Option<&str>, found: &str) -> String {
    if expected == Some(found) {
        "ok".to_owned()
    } else {
        format!("another value: {found}")
    }
}

fn verify(case: &Case, provider: &CryptoProvider) -> String {
    let token = case.token.as_deref().unwrap();
    let jwks = case.jwks.as_deref().unwrap().get();
    let run = || {
        let keys = JwkSet::parse(jwks.as_bytes(), provider)?;
        let token = UnverifiedJws::parse(token, provider.algorithms())?;
        let candidates = keys.candidates(token.header())?;
        let token = token.verify(&candidates)?;
        Ok(String::from_utf8(token.into_parts().1).unwrap())
    };
    match (run(), &case.payload) {
        (Ok(found), Some(payload)) => equal(Some(payload), &found),
        (Ok(_), None) => "ok".to_owned(),
        (Err(error), _) => Error::code(&error).to_owned(),
    }
}

/// Signs the payload of the published token and compares every octet of the signature. The
/// header is the published one, whose spelling is not ours, so the key signs the raw input.
fn sign(case: &Case, provider: &CryptoProvider) -> String {
    let (input, signature) = case.token.as_deref().unwrap().rsplit_once('.').unwrap();
    let key = private(case);
    let algorithm = Algorithm::from_name(case.alg.as_deref().unwrap()).unwrap();
    let run = || {
        let key = provider.signing_key(&key.key, algorithm)?;
        let found = key.sign(input.as_bytes()).unwrap();
        Ok(smart_oidc::jose::base64url::encode(found))
    };
    match run() {
        Ok(found) => equal(Some(signature), &found),
        Err(error) => Error::code(&error).to_owned(),
    }
}

/// Signs with the published private key and verifies with its public half.
fn round_trip(case: &Case, provider: &CryptoProvider) -> String {
    let key = private(case);
    let said = case.alg.as_deref().and_then(Algorithm::from_name);
    let algorithm = key.algorithm.or(said).unwrap();
    let run = || {
        let signer = provider.signing_key(&key.key, algorithm)?;
        let kid = key.kid.clone().unwrap_or_else(|| case.id.clone());
        let token = jws::sign(b"{}", Some(&kid), &*signer)?;
        let public = Jwk::new(key.key.public_key(), kid, algorithm)?;
        let keys = JwkSet::from_keys(vec![public], provider);
        let token = UnverifiedJws::parse(&token, Algorithms::of(&[algorithm]))?;
        let candidates = keys.candidates(token.header())?;
        token.verify(&candidates)?;
        Ok(())
    };
    code(run())
}

fn private(case: &Case) -> PrivateJwk {
    PrivateJwk::parse(case.private_jwk.as_deref().unwrap().get().as_bytes()).unwrap()
}

fn jwk_set(case: &Case, provider: &CryptoProvider) -> String {
    let set = JwkSet::parse(case.jwks.as_deref().unwrap().get().as_bytes(), provider).unwrap();
    let skipped: Vec<&str> = set.skipped().iter().map(|it| it.reason.code()).collect();
    let is_expected = case.usable == Some(set.keys().len()) && skipped == case.skipped;
    if is_expected {
        "ok".to_owned()
    } else {
        format!("{} usable, skipped {skipped:?}", set.keys().len())
    }
}

fn thumbprint_of(case: &Case, provider: &CryptoProvider) -> String {
    let jwk: Value = serde_json::from_str(case.jwk.as_deref().unwrap().get()).unwrap();
    let (key, _) = Jwk::parse(jwk.to_string().as_bytes()).unwrap();
    thumbprint(key.key(), provider)
}
