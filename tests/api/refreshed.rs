//! ID tokens of a refresh: what they must keep of the first one, and what follows if they do not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use smart_oidc::discovery::{
    Discovery, DiscoveryError, DocumentError, FhirBaseUrl, Issuer, KeySource, KeySourceError,
    TransportError,
};
use smart_oidc::id_token::{Continuity, IdTokenError, RefreshError, Refreshed, hash_claim};
use smart_oidc::jose::jwk::KeySelectionError;
use smart_oidc::jose::{
    Algorithm, Algorithms, Candidates, ErrorClass, JwkSet, ProtectedHeader, Text, UnixTime,
};
use smart_oidc::{AccessToken, ClientId, Expected, IdTokenVerifier, Nonce, RawIdToken};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart-app-123";
const NONCE: &str = "n-0S6_WzA2Mj-nonce";
const ACCESS_TOKEN: &str = "access-token-of-the-refresh";

fn first_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "dr-smith", "aud": [CLIENT, "partner"], "azp": CLIENT,
        "exp": NOW.as_secs() - 3000, "iat": NOW.as_secs() - 3600,
        "auth_time": NOW.as_secs() - 3700, "nonce": NONCE,
    })
}

/// What a refresh brings an hour later, as it should be.
fn refreshed_claims() -> Value {
    let mut claims = first_claims();
    claims["iat"] = json!(NOW.as_secs());
    claims["exp"] = json!(NOW.as_secs() + 300);
    claims.as_object_mut().unwrap().remove("nonce");
    claims
}

fn changed(name: &str, value: Value) -> Value {
    let mut claims = refreshed_claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = refreshed_claims();
    assert!(claims.as_object_mut().unwrap().remove(name).is_some());
    claims
}

fn verifier() -> IdTokenVerifier {
    let jwks = Forge::issuer().jwks().to_string();
    IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        JwkSet::parse(jwks.as_bytes(), provider()).unwrap(),
        provider(),
    )
    .trust_audience("partner")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// The first sign-in of the session, an hour ago.
fn sign_in(claims: &Value) -> Continuity {
    let nonce = Nonce::new(NONCE);
    let expected = match claims.get("nonce") {
        Some(_) => Expected::nonce(&nonce),
        None => Expected::no_nonce_sent(),
    };
    let token = RawIdToken::new(Forge::issuer().token("RS256", claims));
    let then = UnixTime::from_secs(NOW.as_secs() - 3600);
    let token = block_on(verifier().verify(&token, &expected, then)).unwrap();
    token.continuity()
}

/// What becomes of a session after this refresh: `renewed`, or the code of what is wrong with
/// what is kept and what not.
fn refresh_from(first: &Value, token: String) -> (&'static str, &'static str) {
    let first = sign_in(first);
    let token = RawIdToken::new(token);
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let verifier = verifier();
    let result = block_on(verifier.verify_refreshed(&token, &first, &access_token, NOW));
    // `verify` has the same list, so it never takes what a refresh does not renew.
    let expected = Expected::refreshed(&first, &access_token);
    let plain = block_on(verifier.verify(&token, &expected, NOW));
    assert_eq!(
        plain.is_ok(),
        matches!(result, Ok(Refreshed::Renewed(_))),
        "{result:?}"
    );
    match result {
        Ok(Refreshed::Renewed(_)) => ("renewed", "ok"),
        Ok(Refreshed::SameUser { error, report }) => {
            assert!(!report.valid);
            assert_eq!(report.error.as_ref(), Some(&error));
            ("same user", error.code())
        }
        Ok(_) => ("another outcome", ""),
        Err(refused) => {
            let (RefreshError::IdentityChanged(error) | RefreshError::Undecided(error)) = &refused
            else {
                return ("another error", "");
            };
            (refused.code(), error.code())
        }
    }
}

fn refresh(claims: &Value) -> (&'static str, &'static str) {
    refresh_from(&first_claims(), Forge::issuer().token("RS256", claims))
}

// covers: OIDC-RFR-1, OIDC-RFR-5, OIDC-RFR-7, OIDC-RFR-10
#[test]
fn a_refresh_of_the_same_user_renews_the_identity() {
    let renewed = ("renewed", "ok");
    assert_eq!(refresh(&refreshed_claims()), renewed);
    // The same audiences in another order, and the same nonce, are the same.
    assert_eq!(
        refresh(&changed("aud", json!(["partner", CLIENT]))),
        renewed
    );
    assert_eq!(refresh(&changed("nonce", json!(NONCE))), renewed);
    assert_eq!(refresh(&changed("nonce", Value::Null)), renewed);
    // The key may be another one of the issuer's, and so may the algorithm.
    let token = Forge::issuer().token("ES384", &refreshed_claims());
    assert_eq!(refresh_from(&first_claims(), token), renewed);
    let hash = hash_claim(ACCESS_TOKEN, Algorithm::RS256, provider());
    assert_eq!(refresh(&changed("at_hash", json!(hash))), renewed);
    // What the first token did not say, a later one may.
    let mut first = first_claims();
    for name in ["azp", "auth_time"] {
        first.as_object_mut().unwrap().remove(name);
    }
    let token = Forge::issuer().token("RS256", &refreshed_claims());
    assert_eq!(refresh_from(&first, token), renewed);
}

// covers: OIDC-RFR-2, OIDC-RFR-3, OIDC-RFR-6, OIDC-RFR-7, OIDC-RFR-8, OIDC-RFR-9
#[test]
fn whatever_may_be_another_user_ends_the_session() {
    let ended = "refresh-identity-changed";
    for (claims, code) in [
        (
            changed("iss", json!("https://other.example")),
            "claim-issuer",
        ),
        (changed("iss", json!(format!("{ISSUER}/"))), "claim-issuer"),
        (without("iss"), "claim-missing"),
        (changed("sub", json!("dr-jones")), "id-token-changed"),
        (changed("sub", json!("Dr-smith")), "id-token-changed"),
        (changed("sub", json!(7)), "claim-type"),
        (without("sub"), "claim-missing"),
        (
            changed("auth_time", json!(NOW.as_secs() - 3699)),
            "id-token-changed",
        ),
        (changed("auth_time", json!("1")), "claim-type"),
        (changed("azp", json!("partner")), "id-token-azp"),
        (changed("azp", json!(7)), "claim-type"),
        (
            changed("nonce", json!("another")),
            "id-token-nonce-mismatch",
        ),
        (changed("nonce", json!("")), "id-token-nonce-mismatch"),
        (changed("nonce", json!(7)), "claim-type"),
    ] {
        assert_eq!(refresh(&claims), (ended, code), "{claims}");
    }
    let fresh = refreshed_claims();
    let first = first_claims();
    let good = Forge::issuer().token("RS256", &fresh);
    let swapped = Forge::other().token("RS256", &fresh);
    let no_key = json!({"alg": "RS256", "kid": "unknown"});
    for (token, code) in [
        (swapped, "jws-bad-signature"),
        (
            Forge::issuer().token_with("RS256", &no_key, &fresh),
            "key-unknown",
        ),
        (Forge::issuer().token("PS256", &fresh), "alg-not-accepted"),
        (good.replacen('.', "=.", 1), "jws-base64"),
        (format!("{good}.x.y"), "jws-encrypted"),
        (String::new(), "jws-segment-count"),
        (
            Forge::issuer().raw_token("RS256", br#"{"alg":"RS256"}"#, b"[]"),
            "claims-json",
        ),
    ] {
        assert_eq!(refresh_from(&first, token), (ended, code));
    }
    // No nonce was sent at the beginning, so one that appears later is another request's.
    let mut without_nonce = first;
    without_nonce.as_object_mut().unwrap().remove("nonce");
    let token = Forge::issuer().token("RS256", &changed("nonce", json!(NONCE)));
    assert_eq!(
        refresh_from(&without_nonce, token),
        (ended, "id-token-nonce-unsolicited")
    );
}

// covers: OIDC-RFR-4, OIDC-RFR-9
#[test]
fn a_slip_in_a_token_of_the_same_user_costs_that_token_alone() {
    for (claims, code) in [
        // One deployed server leaves it out.
        (without("aud"), "claim-missing"),
        (changed("aud", json!(CLIENT)), "id-token-changed"),
        (changed("aud", json!("partner")), "claim-audience"),
        (
            changed("aud", json!([CLIENT, "partner", "stranger"])),
            "claim-audience-untrusted",
        ),
        (without("azp"), "id-token-changed"),
        (without("auth_time"), "id-token-changed"),
        (without("exp"), "claim-missing"),
        (changed("exp", json!(NOW.as_secs() - 60)), "claim-expired"),
        (without("iat"), "claim-missing"),
        (
            changed("iat", json!(NOW.as_secs() - 3600)),
            "id-token-changed",
        ),
        (
            changed("iat", json!(NOW.as_secs() + 61)),
            "claim-issued-in-future",
        ),
        (
            changed("nbf", json!(NOW.as_secs() + 61)),
            "claim-not-yet-valid",
        ),
        (changed("at_hash", json!("wrong")), "id-token-at-hash"),
    ] {
        assert_eq!(refresh(&claims), ("same user", code), "{claims}");
    }
    let access_token = json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"});
    let token = Forge::issuer().token_with("RS256", &access_token, &refreshed_claims());
    assert_eq!(
        refresh_from(&first_claims(), token),
        ("same user", "id-token-type")
    );
}

/// An issuer whose keys cannot be had at present.
#[derive(Debug)]
struct Unreachable;

#[async_trait]
impl KeySource for Unreachable {
    fn cached(&self, _: &ProtectedHeader) -> Option<Candidates> {
        None
    }
    async fn candidates(&self, header: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        let empty = JwkSet::parse(br#"{"keys":[]}"#, provider()).unwrap();
        let problem: KeySelectionError = empty.candidates(header).unwrap_err();
        Err(KeySourceError::UnknownRetry {
            problem,
            retry_after: Duration::from_secs(30),
        })
    }
}

// covers: OIDC-RFR-6
#[test]
fn an_authentication_at_an_odd_time_is_a_slip_unless_the_first_token_says_another() {
    let mut first = first_claims();
    first.as_object_mut().unwrap().remove("auth_time");
    let odd = [NOW.as_secs() + 61, NOW.as_secs() * 1000];
    for (auth_time, code) in odd
        .into_iter()
        .zip(["id-token-auth-time-in-future", "claim-date-range"])
    {
        let token = Forge::issuer().token("RS256", &changed("auth_time", json!(auth_time)));
        assert_eq!(refresh_from(&first, token.clone()), ("same user", code));
        let ended = ("refresh-identity-changed", "id-token-changed");
        assert_eq!(refresh_from(&first_claims(), token), ended);
    }
}

// covers: OIDC-RFR-10
#[test]
fn what_a_session_keeps_outlives_the_process() {
    for claims in [first_claims(), {
        let mut bare = first_claims();
        for name in ["azp", "auth_time", "nonce"] {
            bare.as_object_mut().unwrap().remove(name);
        }
        bare
    }] {
        let first = sign_in(&claims);
        let stored = first.export();
        let read = Continuity::import(stored.expose_secret()).unwrap();
        assert_eq!(read.export().expose_secret(), stored.expose_secret());
        assert_eq!((read.issuer(), read.subject()), (ISSUER, "dr-smith"));
        let access_token = AccessToken::new(ACCESS_TOKEN);
        for (claims, is_good) in [
            (refreshed_claims(), true),
            (changed("sub", json!("dr-jones")), false),
            (changed("nonce", json!("another")), false),
            (changed("aud", json!(CLIENT)), false),
        ] {
            let token = RawIdToken::new(Forge::issuer().token("RS256", &claims));
            let judged = block_on(verifier().verify_refreshed(&token, &read, &access_token, NOW));
            assert_eq!(
                matches!(judged, Ok(Refreshed::Renewed(_))),
                is_good,
                "{claims}"
            );
        }
    }
    let import = |text: &str| Continuity::import(text).unwrap_err().code();
    assert_eq!(import(""), "continuity-json");
    assert_eq!(import("{}"), "continuity-json");
    let newer = sign_in(&first_claims())
        .export()
        .expose_secret()
        .replace("\"version\":1", "\"version\":2");
    assert_eq!(import(&newer), "continuity-version");
}

/// Keys behind a network that refuses, for this reason.
#[derive(Debug)]
struct Refusing(KeySourceError);

#[async_trait]
impl KeySource for Refusing {
    fn cached(&self, _: &ProtectedHeader) -> Option<Candidates> {
        None
    }
    async fn candidates(&self, _: &ProtectedHeader) -> Result<Candidates, KeySourceError> {
        Err(self.0.clone())
    }
}

#[test]
fn only_what_time_can_heal_decides_nothing() {
    let address = TransportError::Address {
        host: Text::new("ehr.example"),
        address: "10.0.0.1".parse().unwrap(),
        kind: smart_oidc::discovery::AddressKind::Private,
    };
    let changed = DiscoveryError::IssuerChanged {
        held: Text::new(ISSUER),
        found: Text::new("https://other.example"),
    };
    for (problem, code) in [
        (KeySourceError::Interrupted, "refresh-undecided"),
        (
            KeySourceError::Fetch(DocumentError::from(address).into()),
            "refresh-undecided",
        ),
        (
            KeySourceError::Discovery(Box::new(changed)),
            "refresh-identity-changed",
        ),
    ] {
        let token = RawIdToken::new(Forge::issuer().token("RS256", &refreshed_claims()));
        let access_token = AccessToken::new(ACCESS_TOKEN);
        let first = sign_in(&first_claims());
        let keys = Arc::new(Refusing(problem.clone()));
        let error = block_on(async {
            let verifier = with_keys(keys).await;
            verifier
                .verify_refreshed(&token, &first, &access_token, NOW)
                .await
        });
        assert_eq!(
            error.map(|_| "usable").unwrap_err().code(),
            code,
            "{problem}"
        );
    }
}

/// The issuer, found by the chain of trust, with keys that cannot be had.
async fn unreachable() -> IdTokenVerifier {
    with_keys(Arc::new(Unreachable)).await
}

async fn with_keys(keys: Arc<dyn KeySource>) -> IdTokenVerifier {
    let http = FakeHttp::new();
    let document = json!({
        "issuer": ISSUER,
        "jwks_uri": format!("{ISSUER}/jwks"),
        "token_endpoint": format!("{ISSUER}/token"),
        "capabilities": ["sso-openid-connect"],
        "grant_types_supported": ["authorization_code"],
    });
    for base in ["https://ehr.example/fhir", ISSUER] {
        for path in ["smart-configuration", "openid-configuration"] {
            let url = format!("{base}/.well-known/{path}");
            http.answer(&url, Answer::json(&document));
        }
    }
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let trusted = Discovery::new(http).discover(&base).await.unwrap();
    let client = ClientId::new(CLIENT);
    IdTokenVerifier::new(&trusted, client, Algorithms::ID_TOKEN, keys, provider())
}

#[test]
fn an_outage_of_the_issuer_decides_nothing() {
    let token = RawIdToken::new(Forge::issuer().token("RS256", &refreshed_claims()));
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let first = sign_in(&first_claims());
    let error = block_on(async {
        let verifier = unreachable().await;
        verifier
            .verify_refreshed(&token, &first, &access_token, NOW)
            .await
    });
    let error = error.map(|_| "usable").unwrap_err();
    assert_eq!(
        (error.code(), error.class()),
        ("refresh-undecided", ErrorClass::Upstream)
    );
}

#[test]
fn neither_side_of_another_subject_is_shown() {
    let token = Forge::issuer().token("RS256", &changed("sub", json!("dr-jones")));
    let first = sign_in(&first_claims());
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let token = RawIdToken::new(token);
    let error = block_on(verifier().verify_refreshed(&token, &first, &access_token, NOW));
    let error = error.map(|_| "usable").unwrap_err();
    assert!(matches!(
        &error,
        RefreshError::IdentityChanged(IdTokenError::Changed { claim: "sub", .. })
    ));
    let shown = format!("{error} {error:?} {first:?}");
    for secret in ["dr-jones", "dr-smith", NONCE, ACCESS_TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

// covers: OIDC-VAL-14
#[test]
fn a_session_of_another_issuer_is_not_continued_by_this_one() {
    let jwks = Forge::issuer().jwks().to_string();
    let other = IdTokenVerifier::with_static_keys(
        &Issuer::parse("https://other.example").unwrap(),
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        JwkSet::parse(jwks.as_bytes(), provider()).unwrap(),
        provider(),
    );
    // The other issuer has the same keys and the same name for the user.
    let mut claims = refreshed_claims();
    claims["iss"] = json!("https://other.example");
    claims["aud"] = json!(CLIENT);
    let token = RawIdToken::new(Forge::issuer().token("RS256", &claims));
    let first = sign_in(&first_claims());
    let access_token = AccessToken::new(ACCESS_TOKEN);
    let error = block_on(other.verify_refreshed(&token, &first, &access_token, NOW));
    let error = error.map(|_| "usable").unwrap_err();
    assert_eq!(error.code(), "refresh-identity-changed");
}
