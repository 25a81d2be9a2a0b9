//! Valid claims with one thing changed: what follows is what the standard and our policy say,
//! written down here a second time and apart from the library.

use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::{option, prop_oneof, sample};
use serde_json::{Value, json};
use smart_oidc::discovery::Issuer;
use smart_oidc::id_token::{CheckResult, Report};
use smart_oidc::jose::{Algorithms, JwkSet, UnixTime};
use smart_oidc::{
    AccessToken, AuthorizationCode, ClientId, Expected, IdTokenVerifier, Nonce, RawIdToken,
};
use smart_tests::forge::{Forge, b64};

use super::provider;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart-app-123";
const PARTNER: &str = "partner-app";
const NONCE: &str = "n-0S6_WzA2Mj-nonce";
const ACCESS_TOKEN: &str = "access-token-SlAV32hkKG";
const CODE: &str = "code-SplxlOBeZQQYbYS6WxSbIA";
const ACR: &str = "urn:example:loa:2";

/// What one sign-in asked for, and what the token says that answers it.
#[derive(Clone, Debug)]
struct SignIn {
    alg: &'static str,
    leeway: i64,
    sends_nonce: bool,
    max_age: Option<i64>,
    asks_acr: bool,
    claims: Value,
}

/// The left half of the hash, by a backend and not by the library.
fn hash_of(alg: &str, value: &str) -> String {
    #[cfg(not(feature = "ring"))]
    use aws_lc_rs::digest;
    #[cfg(feature = "ring")]
    use ring::digest;
    let algorithm = match alg {
        "RS384" | "ES384" => &digest::SHA384,
        _ => &digest::SHA256,
    };
    let hash = digest::digest(algorithm, value.as_bytes());
    b64(&hash.as_ref()[..hash.as_ref().len() / 2])
}

fn sign_in() -> impl Strategy<Value = SignIn> {
    let asked = (
        sample::select(vec!["RS256", "RS384", "ES256", "ES384"]),
        0_i64..=300,
        any::<bool>(),
        option::of(0_i64..=7200),
        any::<bool>(),
    );
    let said = (
        "[ -~]{1,255}",
        prop_oneof![
            Just(json!(CLIENT)),
            Just(json!([CLIENT])),
            Just(json!([PARTNER, CLIENT])),
            Just(json!([CLIENT, CLIENT])),
        ],
        // Dates may have a fraction.
        prop_oneof![Just(0.0), Just(0.5), Just(0.25)],
        1_i64..=86_400,
        0_i64..=3600,
        proptest::array::uniform6(any::<bool>()),
    );
    (asked, said).prop_map(|(asked, said)| {
        let (alg, leeway, sends_nonce, max_age, asks_acr) = asked;
        let (sub, aud, fraction, life, age, has) = said;
        let date = |at: i64| match fraction {
            0.0 => json!(at),
            fraction => json!(f64::from(i32::try_from(at).unwrap()) + fraction),
        };
        let mut claims = json!({
            "iss": ISSUER, "sub": sub, "aud": aud, "exp": date(NOW + life), "iat": date(NOW - age),
        });
        let mut put = |name: &str, value: Value, is_there: bool| {
            if is_there {
                claims[name] = value;
            }
        };
        put("nonce", json!(NONCE), sends_nonce);
        put("acr", json!(ACR), asks_acr || has[0]);
        put("azp", json!(CLIENT), has[1]);
        put("nbf", date(NOW - age), has[2]);
        put("at_hash", json!(hash_of(alg, ACCESS_TOKEN)), has[3]);
        put("c_hash", json!(hash_of(alg, CODE)), has[4]);
        let auth_time = NOW - max_age.unwrap_or(7200).min(age);
        put("auth_time", date(auth_time), max_age.is_some() || has[5]);
        SignIn {
            alg,
            leeway,
            sends_nonce,
            max_age,
            asks_acr,
            claims,
        }
    })
}

/// The issuer and its keys, made once, since reading an RSA key takes long.
static FORGE: LazyLock<(Forge, JwkSet)> = LazyLock::new(|| {
    let forge = Forge::issuer();
    let jwks = JwkSet::parse(forge.jwks().to_string().as_bytes(), provider()).unwrap();
    (forge, jwks)
});

/// The code of the error, or `ok`; `verify` and `explain` say the same.
fn judge(sign_in: &SignIn, claims: &Value) -> (&'static str, Report) {
    let (forge, jwks) = &*FORGE;
    let leeway = Duration::from_secs(sign_in.leeway.try_into().unwrap());
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        Algorithms::ID_TOKEN,
        jwks.clone(),
        provider(),
    )
    .with_leeway(leeway)
    .trust_audience(PARTNER);
    let (nonce, access_token) = (Nonce::new(NONCE), AccessToken::new(ACCESS_TOKEN));
    let (code, acr_values) = (AuthorizationCode::new(CODE), [ACR.to_owned()]);
    let mut expected = match sign_in.sends_nonce {
        true => Expected::nonce(&nonce),
        false => Expected::no_nonce_sent(),
    }
    .with_access_token(&access_token)
    .with_code(&code);
    if let Some(seconds) = sign_in.max_age {
        expected = expected.with_max_age(Duration::from_secs(seconds.try_into().unwrap()));
    }
    if sign_in.asks_acr {
        expected = expected.with_acr_values(&acr_values);
    }
    let token = RawIdToken::new(forge.token(sign_in.alg, claims));
    let now = UnixTime::from_secs(NOW.try_into().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let (verified, report) = runtime.block_on(async {
        (
            verifier.verify(&token, &expected, now).await,
            verifier.explain(&token, &expected, now).await,
        )
    });
    assert_eq!(verified.is_ok(), report.valid);
    assert_eq!(verified.as_ref().err(), report.error.as_ref());
    (verified.map_or_else(|error| error.code(), |_| "ok"), report)
}

/// The claims with one of them replaced, or without it.
fn changed(sign_in: &SignIn, claim: &str, value: Option<Value>) -> Value {
    let mut claims = sign_in.claims.clone();
    match value {
        Some(value) => claims[claim] = value,
        None => drop(claims.as_object_mut().unwrap().remove(claim)),
    }
    claims
}

const REQUIRED: [&str; 5] = ["iss", "sub", "aud", "exp", "iat"];
const DATES: [&str; 4] = ["exp", "iat", "nbf", "auth_time"];
const ALL: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nonce",
    "acr",
    "auth_time",
    "azp",
    "nbf",
    "at_hash",
    "c_hash",
    "name",
    "fhirUser",
    "profile",
];

/// Whether this sign-in cannot do without the claim.
fn is_needed(sign_in: &SignIn, claim: &str) -> bool {
    REQUIRED.contains(&claim)
        || (claim == "nonce" && sign_in.sends_nonce)
        || (claim == "auth_time" && sign_in.max_age.is_some())
        || (claim == "acr" && sign_in.asks_acr)
}

/// A value of another type than the claim has.
fn other_types(claim: &str) -> Vec<Value> {
    let mut values = vec![
        json!(true),
        json!({}),
        json!({"a": 1}),
        json!([7]),
        json!([null]),
    ];
    if DATES.contains(&claim) {
        values.extend([json!("1800000000"), json!([1_800_000_000]), json!("")]);
    } else {
        values.extend([json!(7), json!(0.5)]);
        if claim != "aud" {
            values.push(json!([CLIENT]));
        }
    }
    values
}

proptest::proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_answers_the_request_is_accepted(sign_in in sign_in()) {
        let (code, report) = judge(&sign_in, &sign_in.claims);
        prop_assert_eq!(code, "ok");
        prop_assert!(report.findings.is_empty());
        prop_assert!(report.checks.iter().all(|it| it.result == CheckResult::Passed));
    }

    #[test]
    fn a_missing_claim_counts_only_where_it_is_needed(
        sign_in in sign_in(),
        claim in sample::select(ALL.to_vec()),
    ) {
        let (code, _) = judge(&sign_in, &changed(&sign_in, claim, None));
        let expected = match (is_needed(&sign_in, claim), claim) {
            (false, _) => "ok",
            (true, "acr") => "id-token-acr",
            (true, _) => "claim-missing",
        };
        prop_assert_eq!(code, expected, "without {}", claim);
        // Null is no value: an error where the claim is needed, otherwise absent with a finding.
        let (code, report) = judge(&sign_in, &changed(&sign_in, claim, Some(Value::Null)));
        let expected = if is_needed(&sign_in, claim) { "claim-type" } else { "ok" };
        prop_assert_eq!(code, expected, "{} is null", claim);
        if expected == "ok" {
            prop_assert_eq!(report.findings.len(), 1);
        }
    }

    #[test]
    fn another_type_is_never_taken_for_absent(
        sign_in in sign_in(),
        claim in sample::select(ALL.to_vec()),
        which in any::<sample::Index>(),
    ) {
        let values = other_types(claim);
        let value = values[which.index(values.len())].clone();
        let (code, _) = judge(&sign_in, &changed(&sign_in, claim, Some(value.clone())));
        // What only the profile reads leaves the identity valid.
        let is_profile = ["name", "fhirUser", "profile"].contains(&claim);
        let expected = if is_profile { "ok" } else { "claim-type" };
        prop_assert_eq!(code, expected, "{} is {}", claim, value);
    }

    #[test]
    fn time_has_its_edge_at_the_second_that_policy_names(
        sign_in in sign_in(),
        beyond in 0_i64..=1,
        which in 0_usize..5,
    ) {
        let leeway = sign_in.leeway;
        let (claim, at, last_good, code) = match which {
            // exp == now is expired, so a token is good up to one second before.
            0 => ("exp", NOW - leeway + 1 - beyond, true, "claim-expired"),
            1 => ("nbf", NOW + leeway + beyond, true, "claim-not-yet-valid"),
            2 => ("iat", NOW + leeway + beyond, true, "claim-issued-in-future"),
            3 => ("auth_time", NOW + leeway + beyond, true, "id-token-auth-time-in-future"),
            _ => (
                "auth_time",
                NOW - leeway - sign_in.max_age.unwrap_or_default() - beyond,
                sign_in.max_age.is_some(),
                "id-token-auth-time-too-old",
            ),
        };
        let (found, _) = judge(&sign_in, &changed(&sign_in, claim, Some(json!(at))));
        let expected = if beyond == 1 && last_good { code } else { "ok" };
        prop_assert_eq!(found, expected, "{} at {}", claim, at - NOW);
    }

    #[test]
    fn a_date_that_nobody_can_mean_is_refused(
        sign_in in sign_in(),
        claim in sample::select(DATES.to_vec()),
        date in sample::select(vec![-1.0, -0.5, 1.8e12, 253_402_300_800.0, 1e300]),
    ) {
        let (code, _) = judge(&sign_in, &changed(&sign_in, claim, Some(json!(date))));
        prop_assert_eq!(code, "claim-date-range", "{} is {}", claim, date);
    }

    #[test]
    fn another_spelling_of_issuer_or_audience_is_another_one(
        sign_in in sign_in(),
        which in any::<sample::Index>(),
    ) {
        let issuers = [
            "https://ehr.example/oidc/", "https://ehr.example/OIDC", "https://EHR.example/oidc",
            "https://ehr.example:443/oidc", "http://ehr.example/oidc", "https://ehr.example/oid",
            "https://ehr.example/oidc1", "https://ehr.example", "https://ehr.example/%6fidc",
            "https://u@ehr.example/oidc", " https://ehr.example/oidc", "ehr.example/oidc", "",
            "https://ehr.example/oidc?", "https://ehr.example/oidc#", "https://ehr.example//oidc",
        ];
        let issuer = issuers[which.index(issuers.len())];
        let (code, _) = judge(&sign_in, &changed(&sign_in, "iss", Some(json!(issuer))));
        prop_assert_eq!(code, "claim-issuer", "{}", issuer);
        let audiences = [
            (json!("Growth-chart-app-123"), "claim-audience"),
            (json!("growth-chart-app-1234"), "claim-audience"),
            (json!("growth-chart-app-12"), "claim-audience"),
            (json!(" growth-chart-app-123"), "claim-audience"),
            (json!("growth-chart-app-123,partner-app"), "claim-audience"),
            (json!(""), "claim-audience"),
            (json!([]), "claim-audience"),
            (json!([PARTNER]), "claim-audience"),
            (json!([CLIENT, "stranger"]), "claim-audience-untrusted"),
            (json!(["stranger", CLIENT]), "claim-audience-untrusted"),
            (json!([CLIENT, ""]), "claim-audience-untrusted"),
            (json!([CLIENT, "Partner-app"]), "claim-audience-untrusted"),
        ];
        let (audience, expected) = &audiences[which.index(audiences.len())];
        let (code, _) = judge(&sign_in, &changed(&sign_in, "aud", Some(audience.clone())));
        prop_assert_eq!(&code, expected, "{}", audience);
        let (code, _) = judge(&sign_in, &changed(&sign_in, "azp", Some(json!(PARTNER))));
        prop_assert_eq!(code, "id-token-azp");
    }

    #[test]
    fn what_ties_the_token_to_the_request_is_compared_whole(
        sign_in in sign_in(),
        which in any::<sample::Index>(),
    ) {
        let spoil = |good: &str| {
            let spoiled = [
                String::new(), format!("{good}="), format!("{good}A"), format!(" {good}"),
                good[1..].to_owned(), good[..good.len() - 1].to_owned(), good.to_lowercase(),
            ];
            spoiled[which.index(spoiled.len())].clone()
        };
        let (at_hash, c_hash) = (hash_of(sign_in.alg, ACCESS_TOKEN), hash_of(sign_in.alg, CODE));
        let nonce = if sign_in.sends_nonce { "id-token-nonce-mismatch" } else { "id-token-nonce-unsolicited" };
        for (claim, value, expected) in [
            ("nonce", spoil(NONCE), nonce),
            ("at_hash", spoil(&at_hash), "id-token-at-hash"),
            ("c_hash", spoil(&c_hash), "id-token-c-hash"),
            // The hash of the one is not that of the other.
            ("at_hash", c_hash.clone(), "id-token-at-hash"),
            ("c_hash", at_hash.clone(), "id-token-c-hash"),
        ] {
            let (code, _) = judge(&sign_in, &changed(&sign_in, claim, Some(json!(value))));
            prop_assert_eq!(code, expected, "{} is {}", claim, value);
        }
        if sign_in.asks_acr {
            let (code, _) = judge(&sign_in, &changed(&sign_in, "acr", Some(json!(spoil(ACR)))));
            // The class is in lower case already.
            let is_same = spoil(ACR) == ACR;
            prop_assert_eq!(code, if is_same { "ok" } else { "id-token-acr" });
        }
        for sub in ["", &"x".repeat(256), "Zoë"] {
            let (code, _) = judge(&sign_in, &changed(&sign_in, "sub", Some(json!(sub))));
            prop_assert_eq!(code, "id-token-subject");
        }
    }
}
