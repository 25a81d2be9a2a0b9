//! Each quirk does what its name says, for its server, and nothing beyond.

use std::sync::Arc;

use serde_json::{Value, json};
use smart_oidc::discovery::{Discovery, FhirBaseUrl, FixedJwks, Issuer, KeySource, TrustedIssuer};
use smart_oidc::jose::{Algorithms, JwkSet, UnixTime};
use smart_oidc::{
    ClientConfig, ClientId, Expected, IdTokenVerifier, Launch, Quirks, RawIdToken, RedirectUri,
    TokenClient,
};
use smart_tests::forge::Forge;

use super::provider;
use crate::fake_http::{Answer, FakeHttp, parameters};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const BASE: &str = "https://ehr.example/fhir";
const ISSUER: &str = "https://login.example/oidc";
const TOKEN: &str = "https://login.example/token";
const CLIENT: &str = "growth-chart";

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "dr-smith", "aud": CLIENT, "iat": NOW.as_secs(),
        "exp": NOW.as_secs() + 300,
    })
}

fn with(name: &str, value: &str) -> Value {
    let mut claims = claims();
    claims[name] = json!(value);
    claims
}

/// A server of SMART 2, so that discovery turns no quirk on.
async fn trusted(http: &Arc<FakeHttp>) -> TrustedIssuer {
    let smart = json!({
        "issuer": ISSUER, "token_endpoint": TOKEN, "capabilities": [],
        "authorization_endpoint": "https://login.example/authorize",
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
    });
    let openid = json!({"issuer": ISSUER, "jwks_uri": "https://login.example/jwks"});
    let document = |base: &str, name: &str| format!("{base}/.well-known/{name}");
    http.answer(&document(BASE, "smart-configuration"), Answer::json(&smart));
    http.answer(
        &document(ISSUER, "openid-configuration"),
        Answer::json(&openid),
    );
    let base = FhirBaseUrl::parse(BASE).unwrap();
    Discovery::new(http.clone()).discover(&base).await.unwrap()
}

fn keys() -> JwkSet {
    let jwks = Forge::issuer().jwks().to_string();
    JwkSet::parse(jwks.as_bytes(), provider()).unwrap()
}

fn verifier(issuer: &str) -> IdTokenVerifier {
    let issuer = Issuer::parse(issuer).unwrap();
    let (client, accepted) = (ClientId::new(CLIENT), Algorithms::ID_TOKEN);
    IdTokenVerifier::with_static_keys(&issuer, client, accepted, keys(), provider())
}

// covers: OIDC-VAL-11, OIDC-IDT-7
#[tokio::test]
async fn send_no_nonce_sends_none_and_takes_none() {
    let http = FakeHttp::new();
    let trusted = trusted(&http).await;
    let plain = ClientConfig::public(ClientId::new(CLIENT), RedirectUri::new("https://a.example"));
    let mut quirks = Quirks::default();
    quirks.send_no_nonce = true;
    let quirky = plain.clone().with_quirks(quirks);
    let source: Arc<dyn KeySource> = Arc::new(FixedJwks::from(keys()));
    let verifier = IdTokenVerifier::new(
        &trusted,
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        source,
        provider(),
    );
    // Which nonce the server writes into the token: none, or that of another launch.
    for (client, nonce, expected) in [
        (&quirky, None, Ok(())),
        (
            &quirky,
            Some("of another launch"),
            Err("id-token-nonce-unsolicited"),
        ),
        (&plain, None, Err("claim-missing")),
        (
            &plain,
            Some("of another launch"),
            Err("id-token-nonce-mismatch"),
        ),
    ] {
        let token = match nonce {
            None => claims(),
            Some(nonce) => with("nonce", nonce),
        };
        let answer = json!({
            "access_token": "a", "token_type": "Bearer", "scope": "openid fhirUser",
            "expires_in": 300, "id_token": Forge::issuer().token("RS256", &token),
        });
        http.answer(TOKEN, Answer::json(&answer));
        let begun = Launch::standalone(&trusted, client)
            .begin(provider(), NOW)
            .unwrap();
        let asked = parameters(begun.request.url().split_once('?').unwrap().1.as_bytes());
        assert_eq!(asked.contains_key("nonce"), !client.quirks.send_no_nonce);
        let query = format!("code=c&state={}", asked["state"]);
        let launch = begun
            .pending
            .authorize(&query, &begun.binding, provider(), NOW)
            .unwrap();
        let (tokens, launch) = TokenClient::new(client, http.clone(), provider())
            .exchange(launch, NOW)
            .await
            .unwrap();
        assert_eq!(launch.nonce().is_none(), client.quirks.send_no_nonce);
        let codes: Vec<_> = tokens.findings.iter().map(|it| it.code).collect();
        let told: &[&str] = match client.quirks.send_no_nonce {
            true => &["send-no-nonce"],
            false => &[],
        };
        assert_eq!(codes, told);
        let judged = verifier.verify_launch(&launch, &tokens, NOW).await;
        assert_eq!(
            judged.map(drop).map_err(|it| it.code()),
            expected,
            "{nonce:?}"
        );
    }
}

// covers: OIDC-VAL-2
#[tokio::test]
async fn token_issuer_slash_meets_one_final_slash() {
    let mut quirks = Quirks::default();
    quirks.token_issuer_slash = true;
    let slashed = format!("{ISSUER}/");
    for (issuer, iss, is_met) in [
        (ISSUER, &*slashed, true),
        (&*slashed, ISSUER, true),
        (ISSUER, &*format!("{ISSUER}//"), false),
        (&*slashed, &*format!("{ISSUER}//"), true),
        (ISSUER, "https://login.example/", false),
        (ISSUER, "https://login.example/OIDC/", false),
        (ISSUER, "https://login.example/oidc/x", false),
        (ISSUER, "/", false),
        (ISSUER, "", false),
    ] {
        let token = RawIdToken::new(Forge::issuer().token("RS256", &with("iss", iss)));
        let expected = Expected::no_nonce_sent();
        let plain = verifier(issuer).verify(&token, &expected, NOW).await;
        assert_eq!(plain.unwrap_err().code(), "claim-issuer", "{issuer} {iss}");
        let quirky = verifier(issuer).with_quirks(quirks);
        match quirky.verify(&token, &expected, NOW).await {
            Ok(token) => {
                assert!(is_met, "{issuer} {iss}");
                let codes: Vec<_> = token.findings().iter().map(|it| it.code).collect();
                assert_eq!(codes, ["token-issuer-slash"]);
                // The user is that of the trusted issuer, whatever the token writes.
                assert_eq!(
                    (token.issuer(), token.user_key().issuer),
                    (issuer, issuer.to_owned())
                );
                assert_eq!(token.subject(), "dr-smith");
            }
            Err(error) => {
                assert!(!is_met, "{issuer} {iss}");
                assert_eq!(error.code(), "claim-issuer");
            }
        }
    }
    // What needs no quirk leaves no finding, and other types than text are none of its business.
    let quirky = verifier(ISSUER).with_quirks(quirks);
    let token = RawIdToken::new(Forge::issuer().token("RS256", &claims()));
    let judged = quirky.verify(&token, &Expected::no_nonce_sent(), NOW).await;
    assert_eq!(judged.unwrap().findings(), []);
    let mut odd = claims();
    odd["iss"] = json!([format!("{ISSUER}/")]);
    let token = RawIdToken::new(Forge::issuer().token("RS256", &odd));
    let judged = quirky.verify(&token, &Expected::no_nonce_sent(), NOW).await;
    assert_eq!(judged.unwrap_err().code(), "claim-type");
}

#[tokio::test]
async fn smart_1_0_profile_reads_profile_where_there_is_no_fhir_user() {
    let mut quirks = Quirks::default();
    quirks.smart_1_0_profile = true;
    let base = FhirBaseUrl::parse(BASE).unwrap();
    let both = {
        let mut claims = with("profile", "Patient/1");
        claims["fhirUser"] = json!("Practitioner/2");
        claims
    };
    let (page, patient) = ("https://people.example/me", "Patient/1");
    for (claims, plain, quirky, codes) in [
        (
            with("profile", patient),
            None,
            Some("1"),
            &["smart-1-0-profile"][..],
        ),
        // A web page is no reference.
        (with("profile", page), None, None, &["smart-1-0-profile"]),
        (both, Some("2"), Some("2"), &[]),
        (claims(), None, None, &[]),
    ] {
        let token = RawIdToken::new(Forge::issuer().token("RS256", &claims));
        for (verifier, expected, codes) in [
            (verifier(ISSUER), plain, &[][..]),
            (verifier(ISSUER).with_quirks(quirks), quirky, codes),
            // Where it is known already, the quirk makes no difference.
            (
                verifier(ISSUER)
                    .reading_smart_1_0_profile()
                    .with_quirks(quirks),
                quirky,
                &[],
            ),
        ] {
            let expecting = Expected::no_nonce_sent();
            let token = verifier.verify(&token, &expecting, NOW).await.unwrap();
            let user = token.fhir_user(&base).unwrap();
            assert_eq!(user.as_ref().map(|it| it.id()), expected, "{claims}");
            let found: Vec<_> = token.findings().iter().map(|it| it.code).collect();
            assert_eq!(found, codes, "{claims}");
        }
    }
}
