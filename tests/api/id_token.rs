//! ID tokens: what the verifier refuses, in which order, and what a report says and hides.

use std::time::Duration;

use proptest::prelude::{ProptestConfig, any, prop_assert_eq, prop_assume};
use serde_json::{Value, json};
use smart_oidc::discovery::{FhirBaseUrl, Issuer};
use smart_oidc::id_token::{CheckResult, Report};
use smart_oidc::jose::alg::HashAlgorithm;
use smart_oidc::jose::jwk::PrivateJwk;
use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{
    Algorithm, Algorithms, Jwk, JwkSet, UnixTime, UnverifiedJws, danger, json as strict, jws,
};
use smart_oidc::{
    AccessToken, AuthorizationCode, ClientId, Expected, IdToken, IdTokenVerifier, Nonce, RawIdToken,
};
use smart_tests::fixture;
use smart_tests::forge::{self, Forge, b64, kid_of};

use super::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart-app-123";
const NONCE: &str = "n-0S6_WzA2Mj-nonce";
const SUBJECT: &str = "7c9f2b1e-subject";
const ACCESS_TOKEN: &str = "access-token-SlAV32hkKG";
const CODE: &str = "code-SplxlOBeZQQYbYS6WxSbIA";

/// The algorithms that the forge signs with.
const FORGED: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"];

/// The claims of a token with which nothing is wrong.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": CLIENT,
        "exp": NOW.as_secs() + 300,
        "iat": NOW.as_secs(),
        "nonce": NONCE,
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    let removed = claims.as_object_mut().unwrap().remove(name);
    assert!(removed.is_some(), "{name} was not there");
    claims
}

fn verifier_of(jwks: &Value, accepted: Algorithms) -> IdTokenVerifier {
    let keys = JwkSet::parse(jwks.to_string().as_bytes(), provider()).unwrap();
    IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        accepted,
        keys,
        provider(),
    )
}

/// A verifier that trusts the forged issuer and accepts all that the backend has.
fn verifier() -> IdTokenVerifier {
    verifier_of(&Forge::issuer().jwks(), provider().algorithms())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Verifies and explains, and makes sure that both say the same.
fn examine(
    verifier: &IdTokenVerifier,
    token: &str,
    expected: &Expected<'_>,
) -> (Result<IdToken, &'static str>, Report) {
    let token = RawIdToken::new(token);
    let (verified, report) = block_on(async {
        (
            verifier.verify(&token, expected, NOW).await,
            verifier.explain(&token, expected, NOW).await,
        )
    });
    assert_eq!(verified.is_ok(), report.valid);
    assert_eq!(verified.as_ref().err(), report.error.as_ref());
    let first = report
        .checks
        .iter()
        .find(|it| it.result == CheckResult::Failed)
        .and_then(|it| it.code);
    assert_eq!(verified.as_ref().err().map(|it| it.code()), first);
    (verified.map_err(|error| error.code()), report)
}

/// The error code of a token, with the nonce that the forged claims have.
fn judge_by(verifier: &IdTokenVerifier, token: &str) -> Result<(), &'static str> {
    let nonce = Nonce::new(NONCE);
    examine(verifier, token, &Expected::nonce(&nonce))
        .0
        .map(drop)
}

fn judge(token: &str) -> Result<(), &'static str> {
    judge_by(&verifier(), token)
}

/// A token that is signed with RS256 under a header with these members besides.
fn with_header(members: &[(&str, Value)]) -> String {
    let mut header = json!({"alg": "RS256", "kid": "rsa", "typ": "JWT"});
    for (name, value) in members {
        header[*name] = value.clone();
    }
    Forge::issuer().token_with("RS256", &header, &claims())
}

// covers: OIDC-VAL-6, SMART-ID-2, JWS-16
#[test]
fn a_good_token_passes_every_check_with_every_algorithm_of_the_forge() {
    let nonce = Nonce::new(NONCE);
    for alg in FORGED {
        let token = Forge::issuer().token(alg, &claims());
        let (token, report) = examine(&verifier(), &token, &Expected::nonce(&nonce));
        let token = token.unwrap();
        assert_eq!(token.algorithm().name(), alg);
        assert_eq!((token.issuer(), token.subject()), (ISSUER, SUBJECT));
        assert!(
            report
                .checks
                .iter()
                .all(|it| it.result == CheckResult::Passed)
        );
    }
}

// covers: JWS-7, OIDC-IDT-13, JWA-9, BCP-2, BISX-1
#[test]
fn adv_none() {
    let forge = Forge::issuer();
    let payload = b64(claims().to_string());
    let cases = [
        (r#"{"alg":"none"}"#, "alg-unsupported"),
        (r#"{"alg":"None"}"#, "alg-unsupported"),
        (r#"{"alg":"NONE"}"#, "alg-unsupported"),
        (r#"{"alg":"nOnE"}"#, "alg-unsupported"),
        (r#"{"alg":"none "}"#, "alg-unsupported"),
        (r#"{"alg":" none"}"#, "alg-unsupported"),
        (r#"{"alg":"n\u006fne"}"#, "alg-unsupported"),
        (r#"{"alg":""}"#, "alg-unsupported"),
        (r#"{"alg":null}"#, "header-type"),
        (r#"{"alg":["none"]}"#, "header-type"),
        (r#"{"typ":"JWT"}"#, "alg-missing"),
        (r#"{"ALG":"RS256"}"#, "alg-missing"),
    ];
    for (header, code) in cases {
        let input = format!("{}.{payload}", b64(header));
        // Any signature at all, one that is good, and the two ways to have none.
        assert_eq!(judge(&format!("{input}.AA")), Err(code), "{header}");
        let signed = forge.raw_token("RS256", header.as_bytes(), claims().to_string().as_bytes());
        assert_eq!(judge(&signed), Err(code), "{header}");
        assert_eq!(
            judge(&format!("{input}.")),
            Err("jws-empty-segment"),
            "{header}"
        );
        assert_eq!(judge(&input), Err("jws-segment-count"), "{header}");
    }
}

// covers: JWA-16, BCP-1, BISX-2, OIDC-KEY-7, JWT-15
#[test]
fn adv_rs_to_hs() {
    let pem = fixture::text("keys/issuer-rsa-2048.spki.pem");
    let pkcs1 = fixture::text("keys/issuer-rsa-2048.pkcs1-public.pem");
    let certificate = fixture::text("keys/issuer-rsa-2048.certificate.pem");
    let der = pem_rfc7468::decode_vec(pem.trim().as_bytes()).unwrap().1;
    let jwks = Forge::issuer().jwks();
    let jwk = &jwks["keys"][0];
    let n = jwk["n"].as_str().unwrap().to_owned();
    let PublicKey::Rsa(public) = PublicKey::from_pem(&pem).unwrap() else {
        panic!("the key is an RSA key");
    };
    let secrets: Vec<Vec<u8>> = vec![
        der,
        pem.clone().into_bytes(),
        pem.trim_end().as_bytes().to_vec(),
        pem.replace('\n', "\r\n").into_bytes(),
        format!(" {pem}").into_bytes(),
        format!("{pem}\n").into_bytes(),
        pkcs1.into_bytes(),
        certificate.into_bytes(),
        jwk.to_string().into_bytes(),
        jwks.to_string().into_bytes(),
        public.n().to_vec(),
        n.into_bytes(),
        Vec::new(),
    ];
    let payload = b64(claims().to_string());
    let mut verifiers = vec![verifier(), verifier_of(&jwks, Algorithms::ID_TOKEN)];
    // A set that calls its RSA key a key for HS256 does not make it one.
    let mut relabelled = jwks.clone();
    relabelled["keys"][0]["alg"] = json!("HS256");
    verifiers.push(verifier_of(&relabelled, provider().algorithms()));
    for secret in secrets {
        for header in [
            json!({"alg": "HS256", "kid": "rsa"}),
            json!({"alg": "HS256"}),
        ] {
            let input = format!("{}.{payload}", b64(header.to_string()));
            let tag = forge::hs256(&secret, input.as_bytes());
            let token = format!("{input}.{}", b64(tag));
            for verifier in &verifiers {
                assert_eq!(judge_by(verifier, &token), Err("alg-unsupported"));
            }
        }
        // The same tag under the algorithm that the key is for.
        let input = format!("{}.{payload}", b64(r#"{"alg":"RS256","kid":"rsa"}"#));
        let tag = forge::hs256(&secret, input.as_bytes());
        let token = format!("{input}.{}", b64(tag));
        assert_eq!(judge(&token), Err("jws-bad-signature"));
    }
}

// covers: JWS-12, BCP-10
#[test]
fn adv_embedded_jwk() {
    let stranger = Forge::other();
    let empty = verifier_of(&json!({"keys": []}), Algorithms::ID_TOKEN);
    for (place, alg) in [(0, "RS256"), (1, "ES256"), (2, "ES384")] {
        let key = stranger.jwks()["keys"][place].clone();
        let certificate = fixture::text("keys/issuer-rsa-2048.certificate.pem");
        let x5c: String = certificate
            .lines()
            .filter(|it| !it.starts_with('-'))
            .collect();
        let header = |kid: Option<&str>| {
            let mut header = json!({
                "alg": alg,
                "jwk": key,
                "jku": "https://evil.example/jwks",
                "x5u": "https://evil.example/certificate",
                "x5c": [x5c],
            });
            if let Some(kid) = kid {
                header["kid"] = json!(kid);
            }
            header
        };
        let cases = [
            (Some(kid_of(alg)), "jws-bad-signature"),
            (None, "jws-bad-signature"),
            (Some("the stranger's"), "key-unknown"),
        ];
        for (kid, code) in cases {
            let token = stranger.token_with(alg, &header(kid), &claims());
            assert_eq!(judge(&token), Err(code), "{alg} {kid:?}");
            assert_eq!(
                judge_by(&empty, &token),
                Err("key-unknown"),
                "{alg} {kid:?}"
            );
        }
        // The members are passed over and not an error of their own.
        let own = Forge::issuer().token_with(alg, &header(Some(kid_of(alg))), &claims());
        assert_eq!(judge(&own), Ok(()), "{alg}");
    }
}

// covers: BCP-11, BCP-12, BISX-7, JWT-10, JWT-11, JWS-14
#[test]
fn adv_typ_confusion() {
    for typ in ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"] {
        assert_eq!(judge(&with_header(&[("typ", json!(typ))])), Ok(()), "{typ}");
    }
    let untyped = json!({"alg": "RS256", "kid": "rsa"});
    let untyped = Forge::issuer().token_with("RS256", &untyped, &claims());
    assert_eq!(judge(&untyped), Ok(()));
    for typ in [
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "client-authentication+jwt",
        "token-introspection+jwt",
        "JWS",
        "JOSE",
        "",
        "JWT ",
        "text/jwt",
        "application/application/jwt",
    ] {
        let token = with_header(&[("typ", json!(typ))]);
        assert_eq!(judge(&token), Err("id-token-type"), "{typ:?}");
    }
    for typ in [json!(null), json!(1), json!(["JWT"]), json!({})] {
        let token = with_header(&[("typ", typ.clone())]);
        assert_eq!(judge(&token), Err("header-type"), "{typ}");
    }
    for cty in ["JWT", "jwt", "application/jwt"] {
        let token = with_header(&[("cty", json!(cty))]);
        assert_eq!(judge(&token), Err("header-nested"), "{cty}");
    }
}

// covers: JWS-8, JWS-9
#[test]
fn adv_b64_false() {
    let cases = [
        (vec![("b64", json!(false))], Err("header-b64")),
        (vec![("b64", json!(null))], Err("header-b64")),
        (vec![("b64", json!("true"))], Err("header-b64")),
        (vec![("b64", json!(0))], Err("header-b64")),
        (
            vec![("b64", json!(false)), ("crit", json!(["b64"]))],
            Err("header-crit"),
        ),
        (
            vec![("b64", json!(true)), ("crit", json!(["b64"]))],
            Err("header-crit"),
        ),
        (vec![("crit", json!([]))], Err("header-crit")),
        (vec![("crit", json!(null))], Err("header-crit")),
        (vec![("crit", json!(["exp"]))], Err("header-crit")),
        (vec![("zip", json!("DEF"))], Err("header-zip")),
        (vec![("b64", json!(true))], Ok(())),
    ];
    for (members, expected) in cases {
        assert_eq!(judge(&with_header(&members)), expected, "{members:?}");
    }
    // A signature over the payload as it is, which is what `b64: false` means.
    let header = b64(r#"{"alg":"RS256","kid":"rsa","b64":false}"#);
    let payload = claims().to_string();
    let signature = Forge::issuer().signature("RS256", format!("{header}.{payload}").as_bytes());
    let token = format!("{header}.{}.{}", b64(&payload), b64(signature));
    assert_eq!(judge(&token), Err("header-b64"));
}

/// One row: a claim, what its absence gives, and what each JSON type gives, in the order of
/// [`values`].
type Row = (&'static str, Verdict, [Verdict; 7]);
type Verdict = Result<(), &'static str>;

fn values() -> [Value; 7] {
    [
        json!(null),
        json!(true),
        json!(7),
        json!("x"),
        json!([]),
        json!({}),
        json!([["x", {"x": null}]]),
    ]
}

const OK: Verdict = Ok(());
const TYPE: Verdict = Err("claim-type");
const MISSING: Verdict = Err("claim-missing");

fn check_table(base: &Value, rows: &[Row], expected: &Expected<'_>) {
    let forge = Forge::issuer();
    let verifier = verifier();
    for (claim, absent, verdicts) in rows {
        let mut spared = base.clone();
        spared.as_object_mut().unwrap().remove(*claim);
        let token = forge.token("ES256", &spared);
        let found = examine(&verifier, &token, expected).0.map(drop);
        assert_eq!(found, *absent, "{claim} absent");
        for (value, verdict) in values().into_iter().zip(verdicts) {
            let token = forge.token("ES256", &with(base.clone(), claim, value.clone()));
            let found = examine(&verifier, &token, expected).0.map(drop);
            assert_eq!(found, *verdict, "{claim} is {value}");
        }
    }
}

// covers: JWT-3, JWT-7, OIDC-IDT-1, OIDC-IDT-2, OIDC-IDT-3, OIDC-IDT-4, OIDC-IDT-5, OIDC-IDT-15, SMART-ID-19
#[test]
fn adv_claim_types() {
    let (nonce, access_token, code) = (
        Nonce::new(NONCE),
        AccessToken::new(ACCESS_TOKEN),
        AuthorizationCode::new(CODE),
    );
    let expected = Expected::nonce(&nonce)
        .with_access_token(&access_token)
        .with_code(&code);
    let rows: [Row; 15] = [
        (
            "iss",
            MISSING,
            [TYPE, TYPE, TYPE, Err("claim-issuer"), TYPE, TYPE, TYPE],
        ),
        ("sub", MISSING, [TYPE, TYPE, TYPE, OK, TYPE, TYPE, TYPE]),
        (
            "aud",
            MISSING,
            [
                TYPE,
                TYPE,
                TYPE,
                Err("claim-audience"),
                Err("claim-audience"),
                TYPE,
                TYPE,
            ],
        ),
        (
            "azp",
            OK,
            [OK, TYPE, TYPE, Err("id-token-azp"), TYPE, TYPE, TYPE],
        ),
        (
            "exp",
            MISSING,
            [TYPE, TYPE, Err("claim-expired"), TYPE, TYPE, TYPE, TYPE],
        ),
        ("nbf", OK, [OK, TYPE, OK, TYPE, TYPE, TYPE, TYPE]),
        ("iat", MISSING, [TYPE, TYPE, OK, TYPE, TYPE, TYPE, TYPE]),
        ("auth_time", OK, [OK, TYPE, OK, TYPE, TYPE, TYPE, TYPE]),
        (
            "nonce",
            MISSING,
            [
                TYPE,
                TYPE,
                TYPE,
                Err("id-token-nonce-mismatch"),
                TYPE,
                TYPE,
                TYPE,
            ],
        ),
        ("acr", OK, [OK, TYPE, TYPE, OK, TYPE, TYPE, TYPE]),
        (
            "at_hash",
            OK,
            [OK, TYPE, TYPE, Err("id-token-at-hash"), TYPE, TYPE, TYPE],
        ),
        (
            "c_hash",
            OK,
            [OK, TYPE, TYPE, Err("id-token-c-hash"), TYPE, TYPE, TYPE],
        ),
        // These say who somebody is and not whether the token is good.
        ("fhirUser", OK, [OK; 7]),
        ("profile", OK, [OK; 7]),
        ("name", OK, [OK; 7]),
    ];
    check_table(&claims(), &rows, &expected);
}

// covers: OIDC-VAL-11, OIDC-VAL-12, OIDC-VAL-13
#[test]
fn adv_claim_types_of_claims_that_were_asked_for() {
    let nonce = Nonce::new(NONCE);
    let acr_values = ["2".to_owned()];
    let asked = Expected::nonce(&nonce)
        .with_acr_values(&acr_values)
        .with_max_age(Duration::from_secs(600));
    let base = with(
        with(claims(), "acr", json!("2")),
        "auth_time",
        json!(NOW.as_secs()),
    );
    let acr = Err("id-token-acr");
    let rows: [Row; 2] = [
        ("acr", acr, [TYPE, TYPE, TYPE, acr, TYPE, TYPE, TYPE]),
        (
            "auth_time",
            MISSING,
            [
                TYPE,
                TYPE,
                Err("id-token-auth-time-too-old"),
                TYPE,
                TYPE,
                TYPE,
                TYPE,
            ],
        ),
    ];
    check_table(&base, &rows, &asked);
    let rows: [Row; 1] = [(
        "nonce",
        OK,
        [
            OK,
            TYPE,
            TYPE,
            Err("id-token-nonce-unsolicited"),
            TYPE,
            TYPE,
            TYPE,
        ],
    )];
    check_table(&claims(), &rows, &Expected::no_nonce_sent());
}

// covers: SMART-ID-3, SMART-ID-4, SMART-ID-16
#[test]
fn adv_claim_types_of_fhir_user_leave_the_identity_valid() {
    let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    let nonce = Nonce::new(NONCE);
    let wrong = Err("fhir-user-wrong-type");
    let verdicts = [
        Ok(None),
        wrong,
        wrong,
        Err("fhir-user-form"),
        wrong,
        wrong,
        wrong,
    ];
    for (value, verdict) in values().into_iter().zip(verdicts) {
        let claims = with(
            with(claims(), "fhirUser", value.clone()),
            "name",
            value.clone(),
        );
        let token = Forge::issuer().token("RS256", &claims);
        let token = examine(&verifier(), &token, &Expected::nonce(&nonce)).0;
        let token = token.unwrap();
        let user = token.fhir_user(&base);
        let found = user
            .as_ref()
            .map(|it| it.as_ref().map(|it| it.id()))
            .map_err(|error| error.code());
        assert_eq!(found, verdict, "{value}");
        assert_eq!(token.name(), value.as_str());
        assert_eq!(token.subject(), SUBJECT);
    }
}

// covers: OIDC-VAL-14
#[test]
fn adv_error_precedence() {
    let stranger = Forge::other();
    let expired = with(
        with(claims(), "exp", json!(1)),
        "iss",
        json!("https://other.example"),
    );
    let signed = |alg: &str, header: Value| stranger.token_with(alg, &header, &expired);
    let cases = [
        // A bad signature says nothing about the claims, so it comes before them.
        (
            signed("RS256", json!({"alg": "RS256", "kid": "rsa"})),
            "jws-bad-signature",
        ),
        (
            stranger.raw_token("RS256", br#"{"alg":"RS256","kid":"rsa"}"#, b"no json"),
            "jws-bad-signature",
        ),
        (
            signed("RS256", json!({"alg": "RS256", "kid": "unknown"})),
            "key-unknown",
        ),
        (
            signed("RS256", json!({"alg": "RS256", "kid": "p256"})),
            "key-unfit",
        ),
        // The kind of token comes before the key, and the algorithm before the kind.
        (
            signed(
                "RS256",
                json!({"alg": "RS256", "kid": "unknown", "typ": "at+jwt"}),
            ),
            "id-token-type",
        ),
        (
            signed(
                "RS256",
                json!({"alg": "HS256", "kid": "unknown", "typ": "at+jwt"}),
            ),
            "alg-unsupported",
        ),
        (
            signed("RS256", json!({"alg": "HS256", "crit": ["x"]})),
            "header-crit",
        ),
        // The form comes before all.
        (
            format!("{}.x", signed("RS256", json!({"alg": "HS256"}))),
            "jws-segment-count",
        ),
        // With a good signature the claims are judged in the order of the list.
        (
            Forge::issuer().token("RS256", &with(expired.clone(), "aud", json!("x"))),
            "claim-issuer",
        ),
        (
            Forge::issuer().raw_token("RS256", br#"{"alg":"RS256","kid":"rsa"}"#, b"[]"),
            "claims-json",
        ),
    ];
    for (token, code) in cases {
        assert_eq!(judge(&token), Err(code));
    }
    let narrow = verifier_of(&Forge::issuer().jwks(), Algorithms::of(&[Algorithm::ES256]));
    let token = signed("RS256", json!({"alg": "RS256", "kid": "unknown"}));
    assert_eq!(judge_by(&narrow, &token), Err("alg-not-accepted"));
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

/// The number after this one, as wide.
fn plus_one(number: &[u8]) -> Vec<u8> {
    let mut next = number.to_vec();
    for octet in next.iter_mut().rev() {
        *octet = octet.wrapping_add(1);
        if *octet != 0 {
            break;
        }
    }
    next
}

/// The order and the prime of P-256 and P-384 (FIPS 186-4 D.1.2).
fn curves() -> [(&'static str, Vec<u8>, Vec<u8>); 2] {
    [
        (
            "ES256",
            hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
            hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
        ),
        (
            "ES384",
            hex(
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
            ),
            hex(
                "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
            ),
        ),
    ]
}

/// The signing input of a good token, and its signature.
fn split(token: &str) -> (String, Vec<u8>) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let signature = smart_oidc::jose::base64url::decode(signature).unwrap();
    (input.to_owned(), signature)
}

// covers: JWA-7
#[test]
fn adv_psychic() {
    for (alg, order, prime) in curves() {
        let token = Forge::issuer().token(alg, &claims());
        assert_eq!(judge(&token), Ok(()), "{alg}");
        let (input, good) = split(&token);
        let (r, s) = good.split_at(order.len());
        let zero = vec![0; order.len()];
        let after = plus_one(&order);
        let edges = [&zero, &order, &after, &prime];
        let mut pairs: Vec<(&[u8], &[u8])> = Vec::new();
        for edge in edges {
            pairs.extend(edges.map(|other| (edge.as_slice(), other.as_slice())));
            pairs.extend([(edge.as_slice(), s), (r, edge.as_slice())]);
        }
        assert_eq!(pairs.len(), 24);
        for (r, s) in pairs {
            let token = format!("{input}.{}", b64([r, s].concat()));
            assert_eq!(judge(&token), Err("jws-bad-signature"), "{alg} {r:?} {s:?}");
        }
    }
}

/// An ASN.1 INTEGER of this number.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|it| **it == 0).count();
    let mut value = number[zeros..].to_vec();
    if value.first().is_none_or(|it| it & 0x80 != 0) {
        value.insert(0, 0);
    }
    [&[2, u8::try_from(value.len()).unwrap()], &*value].concat()
}

// covers: JWA-6
#[test]
fn adv_ecdsa_len() {
    for (alg, order, _) in curves() {
        let width = order.len();
        let forge = Forge::issuer();
        // ECDSA is randomised: sign until r begins with a zero octet, which one in 256 does.
        let (input, good) = (0..20_000)
            .map(|_| split(&forge.token(alg, &claims())))
            .find(|(_, signature)| signature[0] == 0)
            .expect("one in 256 signatures begins with a zero octet");
        let (r, s) = good.split_at(width);
        let whole = format!("{input}.{}", b64(&good));
        assert_eq!(judge(&whole), Ok(()), "{alg}");

        let sequence = [der_integer(r), der_integer(s)].concat();
        let der = [&[0x30, u8::try_from(sequence.len()).unwrap()], &*sequence].concat();
        let forms = [
            // What is left when somebody takes r for a number and drops its zeros.
            good[1..].to_vec(),
            good[..good.len() - 1].to_vec(),
            [&*good, &[0]].concat(),
            [&[0], &*good].concat(),
            [&[0], r, &[0], s].concat(),
            [r, r, s, s].concat(),
            r.to_vec(),
            vec![0],
            der,
        ];
        for signature in forms {
            let token = format!("{input}.{}", b64(&signature));
            let length = signature.len();
            assert_eq!(judge(&token), Err("jws-bad-signature"), "{alg} {length}");
        }
        assert_eq!(judge(&format!("{input}.")), Err("jws-empty-segment"));
    }
}

/// Every other spelling of a base64url text that some decoder would read as the same octets.
fn respellings(text: &str) -> Vec<String> {
    let mut found: Vec<String> = ["=", "==", "\n", " ", "\r\n", "\t", "\0"]
        .iter()
        .map(|it| format!("{text}{it}"))
        .collect();
    found.push(format!(" {text}"));
    found.push(format!("\u{feff}{text}"));
    let middle = text.len() / 2;
    found.push(format!("{}\n{}", &text[..middle], &text[middle..]));
    found.extend(
        [('-', "+"), ('_', "/")]
            .into_iter()
            .filter(|(from, _)| text.contains(*from))
            .map(|(from, to)| text.replacen(from, to, 1)),
    );
    // The last character has bits to spare unless the octets fill the characters.
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let spare = match text.len() % 4 {
        2 => 16,
        3 => 4,
        _ => 1,
    };
    let last = text.bytes().last().unwrap();
    let value = alphabet.iter().position(|it| *it == last).unwrap();
    found.extend((1..spare).map(|bits| {
        let other = char::from(alphabet[value | bits]);
        format!("{}{other}", &text[..text.len() - 1])
    }));
    found
}

// covers: JWS-2, JWS-3, JWS-4, BISX-9
#[test]
fn adv_token_unique_spelling() {
    let forge = Forge::issuer();
    let mut lengths = std::collections::BTreeSet::new();
    for (alg, pad) in [
        ("RS256", ""),
        ("ES256", "~"),
        ("ES384", "~~"),
        ("RS256", "~~"),
    ] {
        // The odd characters make sure that `-` and `_` occur.
        let filler = format!("~?~?~?~?~?~?{pad}");
        let header = json!({"alg": alg, "kid": kid_of(alg), "x": filler});
        let token = forge.token_with(alg, &header, &with(claims(), "x", json!(filler)));
        assert_eq!(judge(&token), Ok(()));
        let segments: Vec<&str> = token.split('.').collect();
        for place in 0..3 {
            lengths.insert((place, segments[place].len() % 4));
            for other in respellings(segments[place]) {
                let mut segments = segments.clone();
                segments[place] = &other;
                let token = segments.join(".");
                assert_eq!(
                    judge(&token),
                    Err("jws-base64"),
                    "segment {place}: {other:?}"
                );
            }
        }
        for token in [
            format!("{token}."),
            format!(".{token}"),
            token.replacen('.', "..", 1),
        ] {
            assert_eq!(judge(&token), Err("jws-segment-count"));
        }
    }
    // Spare bits were there to be changed in each of the three.
    for place in 0..3 {
        assert!(
            lengths.iter().any(|it| it.0 == place && it.1 != 0),
            "{lengths:?}"
        );
    }
}

/// A good token of exactly as many octets as fit, and one that is a little longer.
fn around_the_limit() -> (String, String) {
    let forge = Forge::issuer();
    let token = |pad: usize| forge.token("RS256", &with(claims(), "x", json!("x".repeat(pad))));
    let fixed = token(0).len();
    // Three octets of payload are four of the token.
    let mut pad = (jws::MAX_TOKEN_OCTETS - fixed) * 3 / 4;
    let mut fits = token(pad);
    loop {
        pad += 1;
        let next = token(pad);
        if next.len() > jws::MAX_TOKEN_OCTETS {
            return (fits, next);
        }
        fits = next;
    }
}

// covers: JWS-21, CACHE-16
#[test]
fn adv_size_limits() {
    let (fits, too_long) = around_the_limit();
    assert!(fits.len() + 2 >= jws::MAX_TOKEN_OCTETS, "{}", fits.len());
    assert_eq!(judge(&fits), Ok(()));
    assert_eq!(judge(&too_long), Err("jws-too-long"));

    // Every other way in has the same limit, whatever comes first.
    let accepted = provider().algorithms();
    let code = |result: Result<(), jws::JwsError>| result.map_err(|error| error.code());
    assert_eq!(
        code(UnverifiedJws::parse(&fits, accepted).map(drop)),
        Ok(())
    );
    assert_eq!(
        code(UnverifiedJws::parse(&too_long, accepted).map(drop)),
        Err("jws-too-long")
    );
    assert_eq!(
        code(danger::unverified_payload(&too_long).map(drop)),
        Err("jws-too-long")
    );
    let limited = UnverifiedJws::parse_with_limit(&fits, accepted, fits.len() - 1);
    assert_eq!(code(limited.map(drop)), Err("jws-too-long"));
    let short = Forge::issuer().token("RS256", &claims());
    let narrow = verifier().with_max_octets(short.len() - 1);
    assert_eq!(judge_by(&narrow, &short), Err("jws-too-long"));
    let exact = verifier().with_max_octets(short.len());
    assert_eq!(judge_by(&exact, &short), Ok(()));
    let wide = verifier().with_max_octets(too_long.len());
    assert_eq!(judge_by(&wide, &too_long), Ok(()));
    let huge = "{".repeat(jws::MAX_TOKEN_OCTETS + 1);
    assert_eq!(judge(&huge), Err("jws-too-long"));

    let padded = |limit: usize| format!("{{\"keys\":[]}}{}", " ".repeat(limit));
    let set = JwkSet::parse(padded(256 * 1024).as_bytes(), provider());
    assert_eq!(set.map(drop).map_err(|it| it.code()), Err("jwks-too-long"));
    let single = Jwk::parse(padded(256 * 1024).as_bytes());
    assert_eq!(single.map(drop).map_err(|it| it.code()), Err("jwk-json"));
    let private = PrivateJwk::parse(padded(256 * 1024).as_bytes());
    assert_eq!(
        private.map(drop).map_err(|it| it.code()),
        Err("private-jwk-json")
    );
    let pem = fixture::text("keys/issuer-p256.spki.pem");
    let long_pem = format!("{}{pem}", "x\n".repeat(64 * 1024));
    assert_eq!(
        PublicKey::from_pem(&long_pem)
            .map(drop)
            .map_err(|it| it.code()),
        Err("encoding-too-long")
    );
    assert_eq!(
        PrivateKey::from_pem(&long_pem, provider())
            .map(drop)
            .map_err(|it| it.code()),
        Err("encoding-too-long")
    );
}

// covers: JWS-5, JWT-2, JWS-18
#[test]
fn adv_depth_bombs_are_refused() {
    let forge = Forge::issuer();
    for depth in [65, 5_000] {
        let bomb = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let header = format!(r#"{{"alg":"RS256","kid":"rsa","x":{bomb}}}"#);
        let payload = claims().to_string();
        let in_header = forge.raw_token("RS256", header.as_bytes(), payload.as_bytes());
        assert_eq!(judge(&in_header), Err("header-json"), "{depth}");
        let payload = payload.replacen('{', &format!(r#"{{"x":{bomb},"#), 1);
        let in_claims = forge.raw_token(
            "RS256",
            br#"{"alg":"RS256","kid":"rsa"}"#,
            payload.as_bytes(),
        );
        assert_eq!(judge(&in_claims), Err("claims-json"), "{depth}");
    }
}

// covers: JWS-1, BISX-4
#[test]
fn adv_many_dots() {
    let token = Forge::issuer().token("RS256", &claims());
    let input = token.rsplit_once('.').unwrap().0;
    for (token, code) in [
        (".".repeat(60_000), "jws-segment-count"),
        (
            format!("{token}{}", ".a".repeat(20_000)),
            "jws-segment-count",
        ),
        (format!("{token}.a"), "jws-segment-count"),
        (format!("{token}.a.a"), "jws-encrypted"),
        (format!("{token}.a.a.a"), "jws-segment-count"),
        ("....".to_owned(), "jws-encrypted"),
        (input.to_owned(), "jws-segment-count"),
        (input.replace('.', ""), "jws-segment-count"),
        (String::new(), "jws-segment-count"),
        ("..".to_owned(), "jws-empty-segment"),
        (
            format!(r#"{{"payload":"{input}"}}"#),
            "jws-json-serialization",
        ),
        (
            format!(r#" {{"payload":"{input}","signatures":[]}}"#),
            "jws-json-serialization",
        ),
    ] {
        assert_eq!(judge(&token), Err(code));
    }
    // The dots are counted up to a bound, and the error says no more than that.
    let error = UnverifiedJws::parse(&".".repeat(60_000), Algorithms::ID_TOKEN).unwrap_err();
    assert!(
        matches!(error, jws::JwsError::SegmentCount { found: 6, .. }),
        "{error:?}"
    );
}

// covers: JWS-11, BISX-5, BCP-10, JWS-19
#[test]
fn adv_kid_is_opaque() {
    let long = "k".repeat(8_000);
    let kids = [
        "../../../../etc/passwd",
        "%2e%2e%2fkeys",
        "a\u{0}b",
        "a\r\nHost: evil.example",
        "' OR 1=1 --",
        "key\u{301}",
        "\u{1f511}",
        "",
        " rsa",
        &long,
    ];
    let mut set = Forge::issuer().jwks();
    for kid in kids {
        set["keys"][0]["kid"] = json!(kid);
        let verifier = verifier_of(&set, Algorithms::ID_TOKEN);
        // Exactly this one is found, and nothing that resembles it.
        let token = |kid: &str| {
            let header = json!({"alg": "RS256", "kid": kid});
            Forge::issuer().token_with("RS256", &header, &claims())
        };
        assert_eq!(judge_by(&verifier, &token(kid)), Ok(()), "{kid:?}");
        for other in [
            format!("{kid} "),
            format!("{kid}\u{0}"),
            format!("x{kid}"),
            "rsa".to_owned(),
        ] {
            assert_eq!(
                judge_by(&verifier, &token(&other)),
                Err("key-unknown"),
                "{other:?}"
            );
        }
        // What a report shows of it is short and harmless.
        let nonce = Nonce::new(NONCE);
        let (_, report) = examine(&verifier, &token(kid), &Expected::nonce(&nonce));
        let shown = report.token.unwrap().kid.unwrap();
        assert!(shown.len() < 300, "{shown}");
        assert!(!shown.contains(['\r', '\n', '\0']), "{shown:?}");
    }
    // One that no server has is not read at all.
    let header = json!({"alg": "RS256", "kid": "k".repeat(20_000)});
    let endless = Forge::issuer().token_with("RS256", &header, &claims());
    assert_eq!(judge(&endless), Err("header-json"));
}

// covers: BCP-1, BISX-2, JWA-5, JWK-7, JWS-17
#[test]
fn adv_ec_key_rs256() {
    let names = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ];
    let mut accepted = 0;
    for signed_with in FORGED {
        for name in names {
            let header = json!({"alg": name, "kid": kid_of(signed_with)});
            let token = Forge::issuer().token_with(signed_with, &header, &claims());
            let algorithm = Algorithm::from_name(name).unwrap();
            let key_type = Algorithm::from_name(signed_with).unwrap().key_type();
            let expected = if !provider().algorithms().contains(algorithm) {
                Err("alg-not-accepted")
            } else if algorithm.key_type() != key_type {
                Err("key-unfit")
            } else if name != signed_with {
                Err("jws-bad-signature")
            } else {
                accepted += 1;
                Ok(())
            };
            assert_eq!(judge(&token), expected, "{name} signed with {signed_with}");
        }
    }
    assert_eq!(accepted, FORGED.len());
}

// covers: JWK-4, JWK-5, JWK-7, OIDC-KEY-3, BISX-2
#[test]
fn adv_jwk_purpose() {
    let cases = [
        (json!({"use": "sig"}), Ok(())),
        (json!({"key_ops": ["verify"]}), Ok(())),
        (json!({"key_ops": ["sign", "verify"]}), Ok(())),
        (json!({"alg": "RS256"}), Ok(())),
        (
            json!({"use": "sig", "key_ops": ["verify"], "alg": "RS256"}),
            Ok(()),
        ),
        (json!({"use": "enc"}), Err("key-unfit")),
        (json!({"use": "SIG"}), Err("key-unfit")),
        (json!({"key_ops": []}), Err("key-unfit")),
        (json!({"key_ops": ["sign"]}), Err("key-unfit")),
        (json!({"key_ops": ["encrypt", "wrapKey"]}), Err("key-unfit")),
        (json!({"key_ops": ["verify", "verify"]}), Err("key-unfit")),
        (
            json!({"use": "enc", "key_ops": ["verify"]}),
            Err("key-unfit"),
        ),
        (
            json!({"use": "sig", "key_ops": ["encrypt"]}),
            Err("key-unfit"),
        ),
        (json!({"alg": "RS384"}), Err("key-unfit")),
        (json!({"alg": "PS256"}), Err("key-unfit")),
        (json!({"alg": "RSA-OAEP"}), Err("key-unfit")),
        (json!({"alg": "ES256"}), Err("key-unfit")),
        (json!({"alg": "rs256"}), Err("key-unfit")),
    ];
    for (purpose, expected) in cases {
        let mut key = Forge::issuer().jwks()["keys"][0].clone();
        key.as_object_mut().unwrap().remove("use");
        for (name, value) in purpose.as_object().unwrap() {
            key[name] = value.clone();
        }
        let verifier = verifier_of(&json!({"keys": [key]}), provider().algorithms());
        let token = Forge::issuer().token("RS256", &claims());
        assert_eq!(judge_by(&verifier, &token), expected, "{purpose}");
        // Without a kid nothing points to the key, and it is just as much out of reach.
        let nameless = Forge::issuer().token_with("RS256", &json!({"alg": "RS256"}), &claims());
        let expected = expected.map_err(|_| "key-unknown");
        assert_eq!(judge_by(&verifier, &nameless), expected, "{purpose}");
    }
}

// covers: OIDC-VAL-11, JWT-12, JWT-13
#[test]
fn adv_token_cannot_relax_policy() {
    let relaxing = json!({
        "nonce_supported": false,
        "leeway": 1_000_000,
        "verify_signature": false,
        "verify_exp": false,
        "verify_aud": false,
        "trusted_audiences": ["stranger"],
        "accepted": ["none"],
        "require": [],
    });
    let relaxed = |mut claims: Value| {
        for (name, value) in relaxing.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let token = |claims: &Value| {
        let mut header = json!({"alg": "RS256", "kid": "rsa"});
        for (name, value) in relaxing.as_object().unwrap() {
            header[name] = value.clone();
        }
        Forge::issuer().token_with("RS256", &header, claims)
    };
    assert_eq!(judge(&token(&relaxed(claims()))), Ok(()));
    let cases = [
        (without(claims(), "nonce"), "claim-missing"),
        (
            with(claims(), "nonce", json!("")),
            "id-token-nonce-mismatch",
        ),
        (
            with(claims(), "exp", json!(NOW.as_secs() - 61)),
            "claim-expired",
        ),
        (
            with(claims(), "aud", json!([CLIENT, "stranger"])),
            "claim-audience-untrusted",
        ),
        (without(claims(), "exp"), "claim-missing"),
        (
            with(claims(), "iss", json!("https://other.example")),
            "claim-issuer",
        ),
    ];
    for (claims, code) in cases {
        assert_eq!(judge(&token(&relaxed(claims))), Err(code));
    }
    let forged = Forge::other().token("RS256", &relaxed(claims()));
    assert_eq!(judge(&forged), Err("jws-bad-signature"));
}

// covers: OIDC-VAL-11
#[test]
fn adv_nonce_that_is_empty_ties_a_token_to_nothing() {
    let token = Forge::issuer().token("RS256", &with(claims(), "nonce", json!("")));
    let empty = Nonce::new("");
    let (verified, _) = examine(&verifier(), &token, &Expected::nonce(&empty));
    assert_eq!(verified.map(drop), Err("id-token-nonce-mismatch"));
    let (verified, _) = examine(&verifier(), &token, &Expected::no_nonce_sent());
    assert_eq!(verified.map(drop), Err("id-token-nonce-unsolicited"));
}

/// A token under EdDSA with the fixture's key, and a verifier that trusts that key.
fn eddsa(claims: &Value) -> (String, IdTokenVerifier) {
    let pem = fixture::text("keys/issuer-ed25519.pem");
    let key = PrivateKey::from_pem(&pem, provider()).unwrap();
    let signer = provider().signing_key(&key, Algorithm::EdDSA).unwrap();
    let token = jws::sign(claims.to_string().as_bytes(), Some("ed"), &*signer).unwrap();
    let public = Jwk::new(key.public_key(), "ed", Algorithm::EdDSA).unwrap();
    let verifier = IdTokenVerifier::with_static_keys(
        &Issuer::parse(ISSUER).unwrap(),
        ClientId::new(CLIENT),
        Algorithms::of(&[Algorithm::EdDSA]),
        JwkSet::from_keys(vec![public], provider()),
        provider(),
    );
    (token, verifier)
}

// covers: OIDC-HSH-1, OIDC-HSH-4, OIDC-HSH-5, OIDC-HSH-6
#[test]
fn adv_at_hash_unknown_alg() {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    let rules = [
        ("RS256", Sha256),
        ("RS384", Sha384),
        ("RS512", Sha512),
        ("PS256", Sha256),
        ("ES256", Sha256),
        ("ES384", Sha384),
        ("EdDSA", Sha512),
    ];
    let half = |hash, value: &str| {
        let digest = provider().hash(hash, value.as_bytes());
        b64(&digest.as_ref()[..digest.as_ref().len() / 2])
    };
    let nonce = Nonce::new(NONCE);
    let (access_token, code) = (AccessToken::new(ACCESS_TOKEN), AuthorizationCode::new(CODE));
    let expected = Expected::nonce(&nonce)
        .with_access_token(&access_token)
        .with_code(&code);
    for (alg, rule) in rules {
        let judge = |claims: &Value| {
            let (token, verifier) = match alg {
                "EdDSA" => eddsa(claims),
                _ => (Forge::issuer().token(alg, claims), verifier()),
            };
            examine(&verifier, &token, &expected).0.map(drop)
        };
        for hash in [Sha256, Sha384, Sha512] {
            for (claim, value, code) in [
                ("at_hash", ACCESS_TOKEN, "id-token-at-hash"),
                ("c_hash", CODE, "id-token-c-hash"),
            ] {
                let expected = if hash == rule { Ok(()) } else { Err(code) };
                let claims = with(claims(), claim, json!(half(hash, value)));
                assert_eq!(judge(&claims), expected, "{alg} {claim} {hash:?}");
            }
        }
        for wrong in [
            String::new(),
            half(rule, "another token"),
            format!("{}=", half(rule, ACCESS_TOKEN)),
            b64(provider().hash(rule, ACCESS_TOKEN.as_bytes())),
        ] {
            let claims = with(claims(), "at_hash", json!(wrong));
            assert_eq!(judge(&claims), Err("id-token-at-hash"), "{alg} {wrong}");
        }
    }
}

/// Fails where a text holds one of these.
fn assert_hidden(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} shows in {text}");
    }
}

// covers: OIDC-KEY-8, SMART-TOK-16
#[test]
fn adv_no_secret_in_debug() {
    let identity = json!("https://ehr.example/fhir/Practitioner/secret-id");
    let good = with(
        with(claims(), "fhirUser", identity),
        "name",
        json!("Dr. Hidden"),
    );
    let mut spoiled = with(
        good.clone(),
        "nonce",
        json!("another-nonce-of-another-request"),
    );
    spoiled["exp"] = json!(1);
    spoiled["at_hash"] = json!("wrong-hash");
    let nonce = Nonce::new(NONCE);
    let (access_token, code) = (AccessToken::new(ACCESS_TOKEN), AuthorizationCode::new(CODE));
    let expected = Expected::nonce(&nonce)
        .with_access_token(&access_token)
        .with_code(&code);
    for (forge, claims) in [
        (Forge::issuer(), &good),
        (Forge::issuer(), &spoiled),
        (Forge::other(), &good),
        (Forge::other(), &spoiled),
    ] {
        let token = forge.token("RS256", claims);
        let parts: Vec<&str> = token.split('.').collect();
        let secrets = [
            parts[0],
            parts[1],
            parts[2],
            NONCE,
            SUBJECT,
            ACCESS_TOKEN,
            CODE,
            "another-nonce",
            "secret-id",
            "Dr. Hidden",
        ];
        let (verified, report) = examine(&verifier(), &token, &expected);
        let raw = RawIdToken::new(token.clone());
        let json = serde_json::to_string(&report).unwrap();
        let mut shown = vec![
            format!("{expected:?}"),
            format!("{raw:?}"),
            format!("{report:?}"),
            json,
            format!("{:?}", verifier()),
        ];
        if let Some(error) = &report.error {
            shown.extend([format!("{error:?}"), format!("{error}")]);
        }
        if let Ok(token) = &verified {
            shown.extend([format!("{token:?}"), format!("{:?}", token.user_key())]);
        }
        let unverified = UnverifiedJws::parse(&token, provider().algorithms()).unwrap();
        shown.push(format!("{unverified:?}"));
        for text in shown {
            assert_hidden(&text, &secrets);
        }
    }
}

#[test]
fn explain_goes_on_after_a_failure_and_reports_each_check() {
    let spoiled = json!({
        "iss": "https://other.example",
        "sub": "",
        "aud": "another-app",
        "azp": "another-app",
        "exp": 1,
        "nbf": NOW.as_secs() + 3600,
        "iat": NOW.as_secs() + 3600,
        "nonce": "another",
        "acr": "0",
        "auth_time": 1,
        "at_hash": "wrong",
    });
    let acr_values = ["2".to_owned()];
    let (nonce, access_token) = (Nonce::new(NONCE), AccessToken::new(ACCESS_TOKEN));
    let expected = Expected::nonce(&nonce)
        .with_access_token(&access_token)
        .with_acr_values(&acr_values)
        .with_max_age(Duration::from_secs(60));
    let token = Forge::other().token("RS256", &spoiled);
    let (verified, report) = examine(&verifier(), &token, &expected);
    assert_eq!(verified.map(drop), Err("jws-bad-signature"));
    let failed: Vec<(&str, &str)> = report
        .checks
        .iter()
        .filter_map(|it| Some((it.id, it.code?)))
        .collect();
    let wanted = [
        ("signature", "jws-bad-signature"),
        ("issuer", "claim-issuer"),
        ("audience", "claim-audience"),
        ("authorized-party", "id-token-azp"),
        ("subject", "id-token-subject"),
        ("expiry", "claim-expired"),
        ("not-before", "claim-not-yet-valid"),
        ("issued-at", "claim-issued-in-future"),
        ("nonce", "id-token-nonce-mismatch"),
        ("acr", "id-token-acr"),
        ("auth-time", "id-token-auth-time-too-old"),
        ("hashes", "id-token-at-hash"),
    ];
    assert_eq!(failed, wanted);
    let sides = |id: &str| {
        let check = report.check(id).unwrap();
        (check.expected.clone(), check.found.clone())
    };
    let both = |expected: &str, found: &str| (Some(expected.to_owned()), Some(found.to_owned()));
    assert_eq!(
        sides("issuer"),
        both(
            r#""https://ehr.example/oidc""#,
            r#""https://other.example""#
        )
    );
    assert_eq!(
        sides("audience"),
        both(r#""growth-chart-app-123""#, r#""another-app""#)
    );
    assert_eq!(sides("expiry"), both("after 1800000000", "1"));
    assert_eq!(sides("acr"), both(r#""2""#, r#""0""#));
    // What must stay secret has no sides.
    assert_eq!(sides("nonce"), (None, None));
    assert_eq!(sides("hashes"), (None, None));
    for check in &report.checks {
        let has_failed = check.result == CheckResult::Failed;
        assert_eq!(check.remedy.is_some(), has_failed, "{}", check.id);
        assert!(!check.clause.is_empty() && !check.title.is_empty());
    }
}

#[test]
fn explain_says_which_checks_could_not_run_and_such_a_token_is_never_valid() {
    let token = Forge::issuer().token("RS256", &claims());
    let token = RawIdToken::new(token);
    let expected = Expected::nonce_unknown_for_report();
    let verifier = verifier();
    let (verified, report) = block_on(async {
        (
            verifier.verify(&token, &expected, NOW).await,
            verifier.explain(&token, &expected, NOW).await,
        )
    });
    assert_eq!(
        verified.map(drop).map_err(|it| it.code()),
        Err("id-token-check-not-run")
    );
    assert!(!report.valid && report.passed_what_ran);
    assert_eq!(report.check("nonce").unwrap().result, CheckResult::NotRun);

    // Of a text that is no token at all there is nothing to judge but its form.
    let nonce = Nonce::new(NONCE);
    let (verified, report) = examine(&verifier, "no token", &Expected::nonce(&nonce));
    assert_eq!(verified.map(drop), Err("jws-segment-count"));
    let ran: Vec<&str> = report
        .checks
        .iter()
        .filter(|it| it.result != CheckResult::NotRun)
        .map(|it| it.id)
        .collect();
    assert_eq!(ran, ["form"]);
}

#[test]
fn the_report_in_json_has_the_promised_members_and_nothing_of_the_token() {
    let nonce = Nonce::new(NONCE);
    let token = Forge::issuer().token("ES384", &claims());
    let (_, report) = examine(&verifier(), &token, &Expected::nonce(&nonce));
    let text = serde_json::to_string(&report).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_hidden(&text, &[parts[0], parts[1], parts[2], NONCE, SUBJECT]);
    let json: Value = serde_json::from_str(&text).unwrap();
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["checks", "findings", "passed_what_ran", "token", "valid"]
    );
    assert_eq!(json["token"], json!({"alg": "ES384", "kid": "\"p384\""}));
    assert_eq!(json["checks"][0]["result"], "passed");
}

// covers: OIDC-IDT-10, OIDC-VAL-4, OIDC-VAL-5
#[test]
fn an_authorized_party_is_this_app_or_not_named() {
    let several = with(claims(), "aud", json!([CLIENT, "partner"]));
    let verifier = verifier().trust_audience("partner");
    for claims in [claims(), several] {
        let judge = |claims: &Value| judge_by(&verifier, &Forge::issuer().token("RS256", claims));
        assert_eq!(judge(&claims), Ok(()));
        let own = with(claims.clone(), "azp", json!(CLIENT));
        assert_eq!(judge(&own), Ok(()));
        for other in [
            "partner",
            "",
            "Growth-chart-app-123",
            "growth-chart-app-123 ",
        ] {
            let other = with(claims.clone(), "azp", json!(other));
            assert_eq!(judge(&other), Err("id-token-azp"), "{other}");
        }
    }
}

// covers: OIDC-VAL-1, OIDC-IDT-12
#[test]
fn an_encrypted_token_has_an_error_of_its_own() {
    let header = b64(r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}"#);
    let token = format!("{header}.a2V5.aXY.dGV4dA.dGFn");
    assert_eq!(judge(&token), Err("jws-encrypted"));
}

// covers: OIDC-IDT-8, OIDC-IDT-9, OIDC-IDT-15
#[test]
fn what_is_odd_and_decides_nothing_is_named_in_findings() {
    let nonce = Nonce::new(NONCE);
    let codes = |claims: &Value| {
        let token = Forge::issuer().token("RS256", claims);
        let (token, report) = examine(&verifier(), &token, &Expected::nonce(&nonce));
        let token = token.unwrap();
        // A token that was only verified has the same.
        assert_eq!(token.findings(), report.findings);
        let codes: Vec<&str> = token.findings().iter().map(|it| it.code).collect();
        (token.acr().map(str::to_owned), codes.join(" "))
    };
    for (claim, value, acr, expected) in [
        ("acr", json!("0"), Some("0"), ""),
        ("acr", json!(""), Some(""), "acr-empty"),
        ("acr", Value::Null, None, "null-claim"),
        ("amr", json!(["pwd", "otp"]), None, ""),
        ("amr", json!([]), None, ""),
        ("amr", json!("pwd"), None, "amr-type"),
        ("amr", json!([1]), None, "amr-type"),
        ("amr", Value::Null, None, "null-claim"),
        ("at_hash", Value::Null, None, "null-claim"),
        ("unknown", Value::Null, None, ""),
    ] {
        let found = codes(&with(claims(), claim, value.clone()));
        assert_eq!(
            found,
            (acr.map(str::to_owned), expected.to_owned()),
            "{claim} is {value}"
        );
    }
}

// covers: OIDC-IDT-17
#[test]
fn a_user_is_issuer_and_subject_together() {
    let nonce = Nonce::new(NONCE);
    let key = |sub: &str| {
        let token = Forge::issuer().token("RS256", &with(claims(), "sub", json!(sub)));
        let token = examine(&verifier(), &token, &Expected::nonce(&nonce)).0;
        token.unwrap().user_key()
    };
    assert_eq!(key("a"), key("a"));
    assert_ne!(key("a"), key("A"));
    assert_eq!(
        (key("a").issuer, key("a").subject),
        (ISSUER.to_owned(), "a".to_owned())
    );
}

#[test]
fn all_claims_can_be_read_into_a_type_of_the_callers() {
    #[derive(serde::Deserialize)]
    struct Own {
        tenant: String,
    }
    let nonce = Nonce::new(NONCE);
    let token = Forge::issuer().token("RS256", &with(claims(), "tenant", json!("north")));
    let token = examine(&verifier(), &token, &Expected::nonce(&nonce))
        .0
        .unwrap();
    assert_eq!(token.claims::<Own>().unwrap().tenant, "north");
    let error = token.claims::<Vec<u8>>().unwrap_err();
    assert!(matches!(error, strict::JsonError::Structure { .. }));
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // covers: JWS-15, JWS-16
    #[test]
    fn any_change_of_one_octet_is_refused(place: proptest::sample::Index, octet in 0_u8..128, ec: bool) {
        let alg = if ec { "ES256" } else { "RS256" };
        let mut octets = Forge::issuer().token(alg, &claims()).into_bytes();
        let place = place.index(octets.len());
        prop_assume!(octets[place] != octet);
        octets[place] = octet;
        let token = String::from_utf8(octets).unwrap();
        prop_assert_eq!(judge(&token).is_err(), true, "{}", token);
    }

    #[test]
    fn any_octet_put_in_or_taken_out_is_refused(place: proptest::sample::Index, octet in any::<Option<char>>()) {
        let mut token = Forge::issuer().token("RS256", &claims());
        let place = place.index(token.len());
        match octet {
            Some(octet) => token.insert(place, octet),
            None => drop(token.remove(place)),
        }
        prop_assert_eq!(judge(&token).is_err(), true, "{}", token);
    }
}
