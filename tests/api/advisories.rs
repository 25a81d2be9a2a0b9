//! What other JWT libraries were caught by, tried on the layers of `smart-jose` alone: a set of
//! keys, a token, and the claims that every kind of token shares.

use serde_json::{Value, json};
use smart_oidc::jose::jwt::{ClaimsPolicy, validate};
use smart_oidc::jose::key::{PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, Algorithms, JwkSet, UnixTime, UnverifiedJws};
use smart_tests::fixture;
use smart_tests::forge::{self, Forge, b64, kid_of};

use super::provider;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://ehr.example/oidc";
const AUDIENCE: &str = "https://ehr.example/token";

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300, "iat": NOW})
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

/// From the text of a token to its claims.
fn judge_by(jwks: &Value, accepted: Algorithms, token: &str) -> Result<(), &'static str> {
    let keys = JwkSet::parse(jwks.to_string().as_bytes(), provider()).map_err(|it| it.code())?;
    let token = UnverifiedJws::parse(token, accepted).map_err(|it| it.code())?;
    let keys = keys.candidates(token.header()).map_err(|it| it.code())?;
    let token = token.verify(&keys).map_err(|it| it.code())?;
    let policy = ClaimsPolicy::new(ISSUER, AUDIENCE);
    validate::<Value>(token, &policy, UnixTime::from_secs(NOW))
        .map(drop)
        .map_err(|it| it.code())
}

fn judge(token: &str) -> Result<(), &'static str> {
    judge_by(&Forge::issuer().jwks(), provider().algorithms(), token)
}

/// A token that somebody tags with HMAC under this secret.
fn hs256(header: &Value, secret: &[u8]) -> String {
    let input = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let tag = forge::hs256(secret, input.as_bytes());
    format!("{input}.{}", b64(tag))
}

/// The one key of the forge for this algorithm.
fn key_of(alg: &str) -> Value {
    let jwks = Forge::issuer().jwks();
    let keys = jwks["keys"].as_array().unwrap().iter();
    let mut keys = keys.filter(|it| it["kid"] == kid_of(alg));
    keys.next().unwrap().clone()
}

fn set(keys: &[&Value]) -> Value {
    json!({ "keys": keys })
}

// covers: BCP-1, JWA-16
#[test]
fn adv_hmac_key_looks_asymmetric() {
    for name in ["HS256", "HS384", "HS512"] {
        assert_eq!(
            Algorithm::from_name(name),
            None,
            "there is no such algorithm"
        );
    }
    let pem = fixture::text("keys/issuer-rsa-2048.spki.pem");
    let der = pem_rfc7468::decode_vec(pem.trim().as_bytes()).unwrap().1;
    let ssh = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUQyEgs3CBJtdpYDYQnY3ES9TkbmWVMhJSpMlVdl";
    let jwk = key_of("RS256").to_string();
    for secret in [pem.as_bytes(), &der, ssh, jwk.as_bytes()] {
        // In a set it is a symmetric key, which is no key of anybody's.
        let oct = json!({"kty": "oct", "k": b64(secret), "kid": "rsa", "alg": "HS256"});
        let parsed = JwkSet::parse(set(&[&oct]).to_string().as_bytes(), provider());
        assert_eq!(parsed.unwrap().skipped()[0].reason.code(), "jwk-symmetric");
        for header in [
            json!({"alg": "HS256"}),
            json!({"alg": "HS256", "kid": "rsa"}),
        ] {
            let token = hs256(&header, secret);
            let judged = judge_by(&set(&[&oct]), provider().algorithms(), &token);
            assert_eq!(judged, Err("alg-unsupported"));
        }
    }
    // Text that looks like a key is that key or an error, whatever it is asked to be.
    assert!(matches!(PublicKey::from_pem(&pem), Ok(PublicKey::Rsa(_))));
    assert!(PrivateKey::from_pem(&pem, provider()).is_err());
    assert!(PublicKey::from_pem(core::str::from_utf8(ssh).unwrap()).is_err());
}

// covers: BCP-1
#[test]
fn adv_jwk_no_alg() {
    let forge = Forge::issuer();
    // The keys of the forge have no `alg`: their type and curve and the accepted set decide.
    for (key, signed) in [("RS256", "RS256"), ("RS256", "PS256"), ("ES256", "ES256")] {
        assert!(key_of(key).get("alg").is_none());
        let token = forge.token(signed, &claims());
        let keys = set(&[&key_of(key)]);
        let accepts = |list: &[Algorithm]| judge_by(&keys, Algorithms::of(list), &token);
        let algorithm = Algorithm::from_name(signed).unwrap();
        assert_eq!(accepts(&[algorithm]), Ok(()), "{signed}");
        assert_eq!(
            accepts(&[Algorithm::RS384, Algorithm::EdDSA]),
            Err("alg-not-accepted"),
            "{signed}"
        );
    }
    // The header cannot make a key serve another type or curve.
    for (key, alg) in [("RS256", "ES256"), ("ES256", "RS256"), ("ES384", "ES256")] {
        let header = json!({"alg": alg, "kid": kid_of(key)});
        let token = forge.token_with(alg, &header, &claims());
        let judged = judge_by(&set(&[&key_of(key)]), provider().algorithms(), &token);
        assert_eq!(judged, Err("key-unfit"), "{key} for {alg}");
        let token = forge.token_with(alg, &json!({ "alg": alg }), &claims());
        let judged = judge_by(&set(&[&key_of(key)]), provider().algorithms(), &token);
        assert_eq!(judged, Err("key-unknown"), "{key} for {alg} without a kid");
    }
}

// covers: BCP-1
#[test]
fn adv_rsa_jwk_hs256() {
    let labelled = with(key_of("RS256"), "alg", json!("HS256"));
    let parsed = JwkSet::parse(set(&[&labelled]).to_string().as_bytes(), provider());
    assert_eq!(
        parsed.unwrap().skipped()[0].reason.code(),
        "jwk-alg-unknown"
    );
    // An RSA key has no `k`; a library that takes that for an empty secret is passed by this.
    let token = hs256(&json!({"alg": "HS256", "kid": "rsa"}), b"");
    for keys in [set(&[&labelled]), set(&[&key_of("RS256")])] {
        let judged = judge_by(&keys, provider().algorithms(), &token);
        assert_eq!(judged, Err("alg-unsupported"));
    }
}

// covers: BCP-1
#[test]
fn adv_empty_oct() {
    for k in [
        json!(""),
        json!("AA"),
        json!(b64([7; 31])),
        json!(b64([7; 64])),
        json!(null),
    ] {
        let oct = json!({"kty": "oct", "k": k, "kid": "rsa"});
        let parsed = JwkSet::parse(set(&[&oct]).to_string().as_bytes(), provider());
        assert_eq!(parsed.unwrap().skipped()[0].reason.code(), "jwk-symmetric");
        let token = hs256(&json!({"alg": "HS256", "kid": "rsa"}), b"");
        let judged = judge_by(&set(&[&oct]), provider().algorithms(), &token);
        assert_eq!(judged, Err("alg-unsupported"));
    }
}

/// A token of the forge in JSON serialization, with these members besides.
fn json_form(members: Value) -> String {
    let token = Forge::issuer().token("RS256", &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let mut form = json!({"payload": parts[1]});
    for (name, value) in members.as_object().unwrap() {
        form[name] = match value.as_str() {
            Some("PROTECTED") => json!(parts[0]),
            Some("SIGNATURE") => json!(parts[2]),
            _ => value.clone(),
        };
    }
    form.to_string()
}

// covers: JWS-21
#[test]
fn adv_unprotected_alg() {
    for members in [
        json!({"header": {"alg": "RS256"}, "signature": "SIGNATURE"}),
        json!({"protected": "PROTECTED", "header": {"alg": "none"}, "signature": "SIGNATURE"}),
        json!({"protected": "", "header": {"alg": "none"}, "signature": ""}),
        json!({"protected": "PROTECTED", "header": {"crit": ["exp"]}, "signature": "SIGNATURE"}),
    ] {
        let token = json_form(members);
        assert_eq!(judge(&token), Err("jws-json-serialization"), "{token}");
        assert_eq!(judge(&format!("\n {token}")), Err("jws-json-serialization"));
    }
}

// covers: JWS-21
#[test]
fn adv_json_jws_empty_signatures() {
    for members in [
        json!({"signatures": []}),
        json!({}),
        json!({"signatures": {}}),
        json!({"signatures": null}),
        json!({"signatures": [{}]}),
        json!({"signatures": [{"protected": "PROTECTED", "signature": "SIGNATURE"}]}),
    ] {
        let token = json_form(members);
        assert_eq!(judge(&token), Err("jws-json-serialization"), "{token}");
    }
}

#[test]
fn adv_jwe_plain_inner() {
    let inner = format!(
        "{}.{}.",
        b64(r#"{"alg":"none"}"#),
        b64(claims().to_string())
    );
    let signed = Forge::issuer().token("RS256", &claims());
    for content in [inner, signed, claims().to_string()] {
        for header in [
            r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#,
            r#"{"alg":"RSA-OAEP","enc":"A128GCM"}"#,
            r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647}"#,
        ] {
            let (header, content) = (b64(header), b64(&content));
            for key in ["", "AA"] {
                let token = format!("{header}.{key}.AAAA.{content}.AAAA");
                assert_eq!(judge(&token), Err("jws-encrypted"));
            }
        }
    }
}

// covers: JWS-7, JWS-8
#[test]
fn adv_crit_in_every_form() {
    let forge = Forge::issuer();
    let plain = json!({"alg": "RS256", "kid": "rsa"});
    assert_eq!(judge(&forge.token_with("RS256", &plain, &claims())), Ok(()));
    for (why, crit) in [
        ("unknown", json!(["https://ehr.example/policy"])),
        ("known elsewhere", json!(["b64"])),
        ("empty", json!([])),
        ("not an array", json!("exp")),
        ("an object", json!({})),
        ("null", json!(null)),
        ("a number", json!(0)),
        ("false", json!(false)),
        ("twice the same", json!(["x", "x"])),
        ("a registered member", json!(["alg"])),
        ("named but absent", json!(["absent"])),
        ("not of strings", json!([1, null])),
        ("the empty name", json!([""])),
    ] {
        let header = with(plain.clone(), "crit", crit);
        let header = with(with(header, "x", json!(1)), "b64", json!(true));
        let token = forge.token_with("RS256", &header, &claims());
        assert_eq!(judge(&token), Err("header-crit"), "{why}");
    }
    // Spelt with escapes it is the same member; as a claim it is none.
    let escaped = br#"{"alg":"RS256","kid":"rsa","\u0063rit":["x"]}"#;
    let token = forge.raw_token("RS256", escaped, claims().to_string().as_bytes());
    assert_eq!(judge(&token), Err("header-crit"));
    let token = forge.token_with("RS256", &plain, &with(claims(), "crit", json!(["x"])));
    assert_eq!(judge(&token), Ok(()));
}

// covers: JWT-8
#[test]
fn adv_iss_array() {
    let forge = Forge::issuer();
    for iss in [
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!(["https://evil.example", ISSUER]),
        json!({"0": ISSUER}),
        json!([[ISSUER]]),
        json!([]),
    ] {
        let token = forge.token("ES256", &with(claims(), "iss", iss.clone()));
        assert_eq!(judge(&token), Err("claim-type"), "{iss}");
    }
}

// covers: JWT-3, JWT-4
#[test]
fn adv_numericdate_extremes() {
    const PASSED: Result<(), &str> = Ok(());
    const EXPIRED: Result<(), &str> = Err("claim-expired");
    const RANGE: Result<(), &str> = Err("claim-date-range");
    const FUTURE: Result<(), &str> = Err("claim-issued-in-future");
    const NOT_YET: Result<(), &str> = Err("claim-not-yet-valid");
    const TYPE: Result<(), &str> = Err("claim-type");
    const JSON: Result<(), &str> = Err("claims-json");
    // What the text stands for as `exp`, `iat` and `nbf`.
    let rows: &[(&str, [Result<(), &str>; 3])] = &[
        ("0", [EXPIRED, PASSED, PASSED]),
        ("-0", [EXPIRED, PASSED, PASSED]),
        ("-0.0", [EXPIRED, PASSED, PASSED]),
        ("1e-300", [EXPIRED, PASSED, PASSED]),
        ("5e-324", [EXPIRED, PASSED, PASSED]),
        ("1e-400", [EXPIRED, PASSED, PASSED]),
        ("-1", [RANGE, RANGE, RANGE]),
        ("-1e-300", [RANGE, RANGE, RANGE]),
        ("253402300799", [PASSED, FUTURE, NOT_YET]),
        ("253402300800", [RANGE, RANGE, RANGE]),
        ("1800000300000", [RANGE, RANGE, RANGE]),
        ("9007199254740991", [RANGE, RANGE, RANGE]),
        ("9007199254740993", [RANGE, RANGE, RANGE]),
        ("9223372036854775807", [RANGE, RANGE, RANGE]),
        ("9223372036854775808", [RANGE, RANGE, RANGE]),
        ("-9223372036854775808", [RANGE, RANGE, RANGE]),
        ("18446744073709551615", [RANGE, RANGE, RANGE]),
        ("18446744073709551616", [RANGE, RANGE, RANGE]),
        ("4294967295", [PASSED, FUTURE, NOT_YET]),
        ("4294967296", [PASSED, FUTURE, NOT_YET]),
        ("1e300", [RANGE, RANGE, RANGE]),
        ("1e400", [JSON, JSON, JSON]),
        ("-1e400", [JSON, JSON, JSON]),
        ("NaN", [JSON, JSON, JSON]),
        ("Infinity", [JSON, JSON, JSON]),
        ("0x6b49d200", [JSON, JSON, JSON]),
        ("+1800000300", [JSON, JSON, JSON]),
        ("01800000300", [JSON, JSON, JSON]),
        ("\"1800000300\"", [TYPE, TYPE, TYPE]),
        ("null", [TYPE, TYPE, TYPE]),
        ("true", [TYPE, TYPE, TYPE]),
        ("[1800000300]", [TYPE, TYPE, TYPE]),
        ("{}", [TYPE, TYPE, TYPE]),
    ];
    let forge = Forge::issuer();
    for (text, expected) in rows {
        for (claim, expected) in ["exp", "iat", "nbf"].into_iter().zip(expected) {
            let plain = with(claims(), claim, json!("HERE")).to_string();
            let payload = plain.replace("\"HERE\"", text);
            let token = forge.raw_token(
                "ES256",
                br#"{"alg":"ES256","kid":"p256"}"#,
                payload.as_bytes(),
            );
            assert_eq!(judge(&token), *expected, "{claim} {text}");
        }
    }
}

// covers: CAS-4
#[test]
fn adv_assertion_aud() {
    let forge = Forge::issuer();
    for (aud, expected) in [
        (json!(AUDIENCE), Ok(())),
        (json!([AUDIENCE]), Ok(())),
        // A server that also takes the assertion for somebody else helps to replay it there.
        (
            json!([AUDIENCE, "https://evil.example/token"]),
            Err("claim-audience-untrusted"),
        ),
        (
            json!(["https://evil.example/token", AUDIENCE]),
            Err("claim-audience-untrusted"),
        ),
        (json!(["https://evil.example/token"]), Err("claim-audience")),
        (json!("https://ehr.example/token/"), Err("claim-audience")),
        (json!("https://ehr.example"), Err("claim-audience")),
        (json!("HTTPS://EHR.example/token"), Err("claim-audience")),
        (json!(""), Err("claim-audience")),
        (json!([]), Err("claim-audience")),
        (json!([AUDIENCE, 1]), Err("claim-type")),
        (json!([[AUDIENCE]]), Err("claim-type")),
        (json!(null), Err("claim-type")),
        (json!({"0": AUDIENCE}), Err("claim-type")),
    ] {
        let token = forge.token("RS384", &with(claims(), "aud", aud.clone()));
        assert_eq!(judge(&token), expected, "{aud}");
    }
}

// covers: JWA-4, JWK-15
#[test]
fn adv_jwks_bombs_of_keys_and_numbers() {
    let token = Forge::issuer().token("RS256", &claims());
    let rsa = key_of("RS256");
    let reason = |key: Value| {
        let keys = set(&[&key, &rsa]);
        let parsed = JwkSet::parse(keys.to_string().as_bytes(), provider()).unwrap();
        // What cannot be used beside it changes nothing.
        let other = with(rsa.clone(), "kid", json!("rsa"));
        assert_eq!(parsed.keys().len(), 1);
        assert_eq!(
            judge_by(&set(&[&other]), provider().algorithms(), &token),
            Ok(())
        );
        parsed.skipped()[0].reason.code()
    };
    // 16,384 bits, and an exponent that takes a day to raise to.
    let mut n = vec![0xff; 2048];
    n[2047] = 0xfd;
    assert_eq!(
        reason(with(rsa.clone(), "n", json!(b64(&n)))),
        "key-rsa-too-large"
    );
    for octets in [5, 9, 256, 1000] {
        let e = json!(b64(vec![0xff; octets]));
        assert_eq!(
            reason(with(rsa.clone(), "e", e)),
            "key-rsa-exponent",
            "{octets}"
        );
    }
    // 200 different keys under one kid: none is tried, rather than all of them.
    let crowd: Vec<Value> = (0..200_u16)
        .map(|i| {
            let mut n = vec![0xa5; 256];
            n[100..102].copy_from_slice(&i.to_be_bytes());
            with(rsa.clone(), "n", json!(b64(&n)))
        })
        .collect();
    let judged = judge_by(
        &set(&crowd.iter().collect::<Vec<_>>()),
        provider().algorithms(),
        &token,
    );
    assert_eq!(judged, Err("key-ambiguous"));
}

/// A library that was given a path where it wanted a key has read the path as the key, and one
/// that was given a key where it wanted a path has opened it. Here a text is a key or an error.
#[test]
fn adv_path_is_no_key() {
    let folder = fixture::path("keys");
    let (public, private) = (
        folder.join("issuer-rsa-2048.spki.pem"),
        folder.join("issuer-rsa-2048.pem"),
    );
    assert!(public.exists() && private.exists());
    for path in [public, private] {
        let path = path.to_str().unwrap();
        for text in [path.to_owned(), format!("file://{path}")] {
            assert_eq!(
                PublicKey::from_pem(&text).unwrap_err().code(),
                "encoding-pem"
            );
            let error = PrivateKey::from_pem(&text, provider()).unwrap_err();
            assert_eq!(error.code(), "encoding-pem");
            let error = JwkSet::parse(text.as_bytes(), provider()).unwrap_err();
            assert_eq!(error.code(), "jwks-json");
        }
    }
}

// covers: JWA-12, BCP-4
#[test]
fn adv_point_off_the_curve() {
    for alg in ["ES256", "ES384"] {
        let good = key_of(alg);
        let octets = |name: &str| {
            let text = good[name].as_str().unwrap();
            smart_oidc::jose::base64url::decode(text).unwrap()
        };
        let (x, y) = (octets("x"), octets("y"));
        let mut moved = y.clone();
        *moved.last_mut().unwrap() ^= 1;
        let zero = vec![0; x.len()];
        let all = vec![0xff; x.len()];
        for (x, y) in [
            (&x, &moved),
            (&y, &x),
            (&zero, &zero),
            (&x, &zero),
            (&all, &all),
        ] {
            let key = with(with(good.clone(), "x", json!(b64(x))), "y", json!(b64(y)));
            let parsed = JwkSet::parse(set(&[&key]).to_string().as_bytes(), provider());
            let parsed = parsed.unwrap();
            assert_eq!(parsed.skipped()[0].reason.code(), "key-ec-not-on-curve");
            // The token is in order, and nobody's.
            let token = Forge::issuer().token(alg, &claims());
            let judged = judge_by(&set(&[&key]), provider().algorithms(), &token);
            assert_eq!(judged, Err("key-unfit"), "{alg}");
        }
        let token = Forge::issuer().token(alg, &claims());
        let judged = judge_by(&set(&[&good]), provider().algorithms(), &token);
        assert_eq!(judged, Ok(()), "{alg}");
    }
}

/// Nothing is decompressed, small or large, whatever the member says.
#[test]
fn adv_zip_is_refused() {
    let mut deflate =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut deflate, &vec![b' '; 10_000_000]).unwrap();
    let bomb = deflate.finish().unwrap();
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    for zip in [
        json!("DEF"),
        json!("def"),
        json!(""),
        json!(null),
        json!([]),
    ] {
        let header = json!({"alg": "RS256", "kid": "rsa", "zip": zip}).to_string();
        for payload in [&bomb, claims().to_string().as_bytes()] {
            let token = Forge::issuer().raw_token("RS256", header.as_bytes(), payload);
            assert_eq!(judge(&token), Err("header-zip"), "{zip}");
        }
    }
}

/// A verifier says which issuer, client and algorithms it is for, so there is none by default.
/// This compiles only where none of these types has one.
// covers: BCP-1
#[test]
fn adv_no_default_verifier() {
    trait HasNoDefault<Proof> {
        fn name() -> &'static str {
            core::any::type_name::<Self>()
        }
    }
    struct Anything;
    struct WithDefault;
    // A type with a default fits both, and then nobody can tell which one is meant.
    impl<T> HasNoDefault<Anything> for T {}
    impl<T: Default> HasNoDefault<WithDefault> for T {}
    let names = [
        <smart_oidc::IdTokenVerifier as HasNoDefault<_>>::name(),
        <smart_oidc::Expected<'_> as HasNoDefault<_>>::name(),
        <ClaimsPolicy as HasNoDefault<_>>::name(),
        <Algorithms as HasNoDefault<_>>::name(),
        <JwkSet as HasNoDefault<_>>::name(),
    ];
    assert!(names.iter().all(|it| it.starts_with("smart_")), "{names:?}");
}

/// Libraries that are not in the tree, and the oldest versions of some that are. The file is the
/// one that everybody builds from.
#[test]
fn adv_dependency_floor() {
    let lock = std::fs::read_to_string(fixture::path("../../Cargo.lock")).unwrap();
    let packages: Vec<(&str, Vec<u32>)> = lock
        .split("[[package]]")
        .filter_map(|package| {
            let member = |name: &str| {
                let line = package.lines().find_map(|it| it.strip_prefix(name))?;
                Some(line.trim_matches([' ', '=', '"']))
            };
            let (name, version) = (member("name")?, member("version")?);
            // What stands behind the third number does not matter here.
            let numbers = version.split(['.', '-', '+']).take(3);
            Some((name, numbers.map(|it| it.parse().unwrap()).collect()))
        })
        .collect();
    assert!(packages.len() > 100, "{}", packages.len());
    for absent in ["rsa", "ed25519-dalek", "curve25519-dalek"] {
        assert!(
            !packages.iter().any(|(name, _)| *name == absent),
            "{absent}"
        );
    }
    for (name, floor) in [
        ("ring", [0, 17, 12]),
        ("rustls", [0, 23, 18]),
        ("idna", [1, 0, 0]),
    ] {
        let mut versions = packages.iter().filter(|it| it.0 == name).peekable();
        assert!(versions.peek().is_some(), "{name} is in the tree");
        for (_, version) in versions {
            assert!(version.as_slice() >= floor.as_slice(), "{name} {version:?}");
        }
    }
}
