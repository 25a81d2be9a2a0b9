//! The worked example of the SMART App Launch guide, and the three facts about it.
//!
//! Its token has a good signature and is no valid ID token: `exp` and `iat` are missing.

use smart_oidc::discovery::{FixedJwks, Issuer};
use smart_oidc::id_token::{CheckResult, Report};
use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, Algorithms, Candidates, CryptoProvider, UnverifiedJws, jws};
use smart_oidc::{ClientId, Expected, IdTokenVerifier, RawIdToken};

use crate::fixture;
use crate::suite::Outcome;

/// The claims in the order in which the guide wrote them.
const CLAIMS: &str = r#"{"sub":"alice","aud":"growth-chart-app-123","iss":"https://my-ehr.org/fhir","fhirUser":"https://my-ehr.org/fhir/Practitioner/123"}"#;

/// The token.
#[must_use]
pub fn token() -> String {
    fixture::text("worked-example/token.txt")
        .trim_end()
        .to_owned()
}

fn public_key() -> PublicKey {
    PublicKey::from_pem(&fixture::text("worked-example/public.pem")).unwrap()
}

/// Whether the signature verifies under the public key with RS384.
#[must_use]
pub fn signature_is_valid(provider: &CryptoProvider) -> bool {
    let token = token();
    let token = UnverifiedJws::parse(&token, Algorithms::of(&[Algorithm::RS384])).unwrap();
    let key = provider.prepare(&public_key(), Algorithm::RS384).unwrap();
    token.verify(&Candidates::one(key)).is_ok()
}

/// What the ID-token validation says of it.
///
/// # Panics
///
/// Where no runtime can be made.
#[must_use]
pub fn explain(provider: &CryptoProvider) -> Report {
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse("https://my-ehr.org/fhir").unwrap(),
        ClientId::new("growth-chart-app-123"),
        Algorithms::ID_TOKEN,
        FixedJwks::one_key(public_key(), provider),
        provider,
    );
    let now = smart_oidc::jose::UnixTime::from_secs(1_700_000_000);
    let token = RawIdToken::new(token());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(verifier.explain(&token, &Expected::no_nonce_sent(), now))
}

/// The token as our own code signs it with the guide's private key.
#[must_use]
pub fn signed_again(provider: &CryptoProvider) -> String {
    let pem = fixture::text("worked-example/private.pem");
    let key = PrivateKey::from_pem(&pem, provider).unwrap();
    let key = provider.signing_key(&key, Algorithm::RS384).unwrap();
    jws::sign(CLAIMS.as_bytes(), None, &*key).unwrap()
}

/// The three facts.
#[must_use]
pub fn run(provider: &CryptoProvider) -> Vec<(String, Outcome)> {
    let verdict = |holds: bool, what: &str| {
        if holds {
            Outcome::Passed
        } else {
            Outcome::Failed(what.to_owned())
        }
    };
    let report = explain(provider);
    let failed: Vec<&str> = report
        .checks
        .iter()
        .filter(|it| it.result == CheckResult::Failed)
        .filter_map(|it| it.detail.as_deref())
        .collect();
    vec![
        (
            "signature".into(),
            verdict(
                signature_is_valid(provider),
                "the signature does not verify",
            ),
        ),
        (
            "not-an-id-token".into(),
            verdict(
                failed == ["exp is missing", "iat is missing"],
                &format!("failed: {failed:?}"),
            ),
        ),
        (
            "same-octets".into(),
            verdict(
                signed_again(provider) == token(),
                "our signature differs from the guide's",
            ),
        ),
    ]
}
