//! Private keys, written in every form and read back: what is written is the whole key.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that stops here has failed, and says where"
)]

use serde_json::{Value, json};
use smart_jose::crypto::SigningKeyError;
use smart_jose::jwk::PrivateJwk;
use smart_jose::key::{PrivateKey, PublicKey};
use smart_jose::{
    Algorithm, Algorithms, Candidates, CryptoProvider, UnixTime, UnverifiedJws, base64url, jws,
};

/// A key that was made for these tests and is used nowhere else; ring generates no RSA keys.
const RSA_PEM: &str = include_str!("data/rsa-2048.pem");

fn providers() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}

/// A key of each kind that the backend has, with an algorithm for it.
fn keys(provider: &CryptoProvider) -> Vec<(PrivateKey, Algorithm)> {
    let of = |algorithm: Algorithm| match algorithm {
        Algorithm::RS256 | Algorithm::PS256 => PrivateKey::from_pem(RSA_PEM, provider).unwrap(),
        other => PrivateKey::generate(other, provider).unwrap(),
    };
    let wanted = [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::ES512,
        Algorithm::EdDSA,
    ];
    let has = |it: &Algorithm| provider.algorithms().contains(*it);
    wanted
        .into_iter()
        .filter(has)
        .map(|it| (of(it), it))
        .collect()
}

/// The whole private key, for comparison.
fn whole(key: &PrivateKey) -> Vec<u8> {
    key.expose_pkcs8_der().unwrap().to_vec()
}

#[test]
fn a_private_key_survives_every_form() {
    for provider in providers() {
        for (key, algorithm) in keys(provider) {
            let same = |read: PrivateKey, form: &str| {
                assert_eq!(whole(&read), whole(&key), "{algorithm} {form}");
                assert_eq!(read.public_key(), key.public_key(), "{algorithm} {form}");
                // It signs, for the public half that was there before.
                let signer = provider.signing_key(&read, algorithm).unwrap();
                let token = jws::sign(b"{}", None, &*signer).unwrap();
                let verifier = provider.prepare(&key.public_key(), algorithm).unwrap();
                let token = UnverifiedJws::parse(&token, Algorithms::of(&[algorithm])).unwrap();
                assert!(token.verify(&Candidates::one(verifier)).is_ok());
            };
            let der = key.expose_pkcs8_der().unwrap();
            same(
                PrivateKey::from_pkcs8_der(&der, provider).unwrap(),
                "PKCS#8",
            );
            let pem = key.expose_pkcs8_pem().unwrap();
            same(PrivateKey::from_pem(&pem, provider).unwrap(), "PEM");
            match &key {
                PrivateKey::Rsa(rsa) => {
                    let der = rsa.expose_pkcs1_der().unwrap();
                    same(
                        PrivateKey::from_pkcs1_der(&der, provider).unwrap(),
                        "PKCS#1",
                    );
                }
                PrivateKey::Ec(ec) => {
                    let der = ec.expose_sec1_der().unwrap();
                    let read = PrivateKey::from_sec1_der(&der, None, provider);
                    same(read.unwrap(), "SEC1");
                }
                _ => {}
            }
            for kid in [None, Some("a\"b\\\n\u{0}é"), Some("")] {
                let written = PrivateJwk::new(key.clone(), kid.map(str::to_owned), Some(algorithm));
                let written = written.expose_json().unwrap();
                let read = PrivateJwk::parse(written.as_bytes()).unwrap();
                assert_eq!(read.kid.as_deref(), kid);
                assert_eq!(read.algorithm, Some(algorithm));
                same(read.key, "JWK");
            }
            let public = key.public_key();
            let spki = public.to_spki_der().unwrap();
            assert_eq!(PublicKey::from_spki_der(&spki).unwrap(), public);
            let pem = public.to_spki_pem().unwrap();
            assert_eq!(PublicKey::from_pem(&pem).unwrap(), public);
            if let PublicKey::Rsa(rsa) = &public {
                let der = rsa.to_pkcs1_der().unwrap();
                assert_eq!(PublicKey::from_pkcs1_der(&der).unwrap(), public);
            }
        }
    }
}

/// The members of the RSA key as another reader sees them.
fn rsa_jwk(provider: &CryptoProvider) -> Value {
    let key = PrivateKey::from_pem(RSA_PEM, provider).unwrap();
    let json = PrivateJwk::new(key, None, None).expose_json().unwrap();
    serde_json::from_str(&json).unwrap()
}

fn read(jwk: &Value) -> Result<PrivateJwk, &'static str> {
    PrivateJwk::parse(jwk.to_string().as_bytes()).map_err(|it| it.code())
}

#[test]
fn an_rsa_key_whose_parts_do_not_fit_is_refused_before_it_signs_for_anybody() {
    for provider in providers() {
        let jwk = rsa_jwk(provider);
        assert!(
            provider
                .signing_key(&read(&jwk).unwrap().key, Algorithm::RS256)
                .is_ok()
        );
        for member in ["dp", "dq", "qi", "p", "q"] {
            let mut octets = base64url::decode(jwk[member].as_str().unwrap()).unwrap();
            let last = octets.last_mut().unwrap();
            *last = last.wrapping_add(2);
            let mut wrong = jwk.clone();
            wrong[member] = json!(base64url::encode(octets));
            // Reading it may refuse it too; what counts is that no signing key comes of it.
            if let Ok(read) = read(&wrong) {
                let refused = provider.signing_key(&read.key, Algorithm::RS256);
                let refused = refused.map(drop);
                assert_eq!(
                    refused,
                    Err(SigningKeyError::Refused),
                    "{member} on {}",
                    provider.name
                );
            }
        }
    }
}

#[test]
fn a_private_jwk_says_what_it_is_for() {
    for provider in providers() {
        let with = |name: &str, value: Value| {
            let mut jwk = rsa_jwk(provider);
            jwk[name] = value;
            read(&jwk).map(drop)
        };
        assert_eq!(with("use", json!("sig")), Ok(()));
        assert_eq!(with("use", json!("enc")), Err("jwk-purpose"));
        assert_eq!(with("key_ops", json!(["sign"])), Ok(()));
        assert_eq!(with("key_ops", json!(["sign", "verify"])), Ok(()));
        assert_eq!(with("key_ops", json!(["verify"])), Err("jwk-purpose"));
        assert_eq!(with("key_ops", json!(["decrypt"])), Err("jwk-purpose"));
        assert_eq!(with("kid", json!(7)), Err("jwk-type"));
        assert_eq!(with("kid", json!(null)), Err("jwk-type"));
        assert_eq!(with("oth", json!([])), Err("private-jwk-multi-prime"));
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len @ ..=0x7f) => out.push(len),
        Ok(len) => out.extend([0x81, len]),
        Err(_) => panic!("longer than these tests need"),
    }
    out.extend(content);
    out
}

#[test]
fn a_curve_inside_that_is_not_the_one_outside_is_refused() {
    const EC: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
    for provider in providers() {
        let PrivateKey::Ec(key) = PrivateKey::generate(Algorithm::ES256, provider).unwrap() else {
            panic!("ES256 has an EC key");
        };
        let inner = key.expose_sec1_der().unwrap();
        let pkcs8 = |curve: &[u8]| {
            let algorithm = der(0x30, &[&EC, curve].concat());
            let parts = [vec![2, 1, 0], algorithm, der(0x04, &inner)];
            PrivateKey::from_pkcs8_der(&der(0x30, &parts.concat()), provider).map(drop)
        };
        assert_eq!(pkcs8(&P256), Ok(()));
        assert!(pkcs8(&P384).is_err());
    }
}

/// The order of P-256 less a number, both as 32 octets.
fn order_less(s: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let mut borrow = false;
    let mut less: Vec<u8> = ORDER
        .iter()
        .zip(s)
        .rev()
        .map(|(n, s)| {
            let (less, first) = n.overflowing_sub(*s);
            let (less, second) = less.overflowing_sub(u8::from(borrow));
            borrow = first || second;
            less
        })
        .collect();
    less.reverse();
    less
}

#[test]
fn of_an_ecdsa_signature_there_are_two_which_is_why_no_list_of_tokens_seen_holds_whole_tokens() {
    for provider in providers() {
        let key = PrivateKey::generate(Algorithm::ES256, provider).unwrap();
        let signer = provider.signing_key(&key, Algorithm::ES256).unwrap();
        let token = jws::sign(b"{}", None, &*signer).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = base64url::decode(signature).unwrap();
        let (r, s) = signature.split_at(32);
        let other = [r, &order_less(s)].concat();
        let other = format!("{input}.{}", base64url::encode(other));
        assert_ne!(token, other);
        let verifier = provider
            .prepare(&key.public_key(), Algorithm::ES256)
            .unwrap();
        let other = UnverifiedJws::parse(&other, Algorithms::ID_TOKEN).unwrap();
        assert!(
            other.verify(&Candidates::one(verifier)).is_ok(),
            "{}",
            provider.name
        );
    }
}

#[test]
fn keys_chosen_for_another_algorithm_verify_nothing() {
    for provider in providers() {
        let key = PrivateKey::from_pem(RSA_PEM, provider).unwrap();
        let signer = provider.signing_key(&key, Algorithm::RS256).unwrap();
        let token = jws::sign(b"{}", None, &*signer).unwrap();
        let verifier = provider
            .prepare(&key.public_key(), Algorithm::RS384)
            .unwrap();
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let error = token.verify(&Candidates::one(verifier)).unwrap_err();
        assert_eq!(error.code(), "jws-key-mismatch");
        assert_eq!(
            error.to_string(),
            "the token says RS256, the keys are for RS384"
        );
    }
}

#[test]
fn the_policy_bounds_its_leeway_and_knows_its_typ() {
    use core::time::Duration;
    use smart_jose::jwt::{ClaimsPolicy, RegisteredClaims, validate};
    let provider = *providers().first().unwrap();
    let key = PrivateKey::generate(Algorithm::ES256, provider).unwrap();
    let signer = provider.signing_key(&key, Algorithm::ES256).unwrap();
    let verifier = provider
        .prepare(&key.public_key(), Algorithm::ES256)
        .unwrap();
    let keys = Candidates::one(verifier);
    let judge = |header: &str, exp: u64, policy: &ClaimsPolicy| {
        let claims = format!(r#"{{"iss":"i","aud":"a","exp":{exp}}}"#);
        let input = format!(
            "{}.{}",
            base64url::encode(header),
            base64url::encode(claims)
        );
        let signature = signer.sign(input.as_bytes()).unwrap();
        let token = format!("{input}.{}", base64url::encode(signature));
        let token = UnverifiedJws::parse(&token, Algorithms::ID_TOKEN).unwrap();
        let token = token.verify(&keys).unwrap();
        let now = UnixTime::from_secs(1_700_000_000);
        validate::<RegisteredClaims>(token, policy, now)
            .map(drop)
            .map_err(|it| it.code())
    };
    let plain = r#"{"alg":"ES256"}"#;
    let policy = ClaimsPolicy::new("i", "a");
    let day = policy.clone().with_leeway(Duration::from_secs(86_400));
    let none = policy.clone().with_leeway(Duration::ZERO);
    // Five minutes are the most, whatever is asked for; a minute where nothing is.
    assert_eq!(judge(plain, 1_699_999_701, &day), Ok(()));
    assert_eq!(judge(plain, 1_699_999_700, &day), Err("claim-expired"));
    assert_eq!(judge(plain, 1_699_999_941, &policy), Ok(()));
    assert_eq!(judge(plain, 1_699_999_940, &policy), Err("claim-expired"));
    assert_eq!(judge(plain, 1_700_000_001, &none), Ok(()));
    assert_eq!(judge(plain, 1_700_000_000, &none), Err("claim-expired"));

    let typed = |typ: &str| format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#);
    let access = policy.clone().with_typ("application/AT+jwt");
    for typ in ["JWT", "jwt", "application/jwt"] {
        assert_eq!(judge(&typed(typ), 1_700_000_300, &policy), Ok(()), "{typ}");
        assert_eq!(
            judge(&typed(typ), 1_700_000_300, &access),
            Err("jwt-typ"),
            "{typ}"
        );
    }
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert_eq!(
            judge(&typed(typ), 1_700_000_300, &policy),
            Err("jwt-typ"),
            "{typ}"
        );
        assert_eq!(judge(&typed(typ), 1_700_000_300, &access), Ok(()), "{typ}");
    }
    for typ in ["logout+jwt", "secevent+jwt", "", "at+jwt2"] {
        assert_eq!(
            judge(&typed(typ), 1_700_000_300, &policy),
            Err("jwt-typ"),
            "{typ}"
        );
        assert_eq!(
            judge(&typed(typ), 1_700_000_300, &access),
            Err("jwt-typ"),
            "{typ}"
        );
    }
    assert_eq!(judge(plain, 1_700_000_300, &access), Err("jwt-typ"));
}
