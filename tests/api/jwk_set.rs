//! Key sets as real providers publish them: what is skipped, what is met, and which key is tried.

use serde_json::{Value, json};
use smart_oidc::jose::jwk::{JwkFinding, MAX_CANDIDATES, MAX_SET_KEYS, MAX_SET_OCTETS};
use smart_oidc::jose::key::PrivateKey;
use smart_oidc::jose::{Algorithm, Jwk, JwkSet, UnverifiedJws};
use smart_tests::fixture;
use smart_tests::forge::{Forge, kid_of};

use super::provider;

fn parse(set: &Value) -> JwkSet {
    parse_text(&set.to_string()).unwrap()
}

fn parse_text(set: &str) -> Result<JwkSet, &'static str> {
    JwkSet::parse(set.as_bytes(), provider()).map_err(|error| error.code())
}

/// The forged issuer's key for an algorithm.
fn key_of(forge: &Forge, alg: &str) -> Value {
    let place = match kid_of(alg) {
        "rsa" => 0,
        "p256" => 1,
        _ => 2,
    };
    forge.jwks()["keys"][place].clone()
}

fn rsa() -> Value {
    key_of(&Forge::issuer(), "RS256")
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

fn without(mut key: Value, name: &str) -> Value {
    let removed = key.as_object_mut().unwrap().remove(name);
    assert!(removed.is_some(), "{name} was not there");
    key
}

/// A token of the forge under this `kid`, or under none.
fn token(forge: &Forge, alg: &str, kid: Option<&str>) -> String {
    let mut header = json!({"alg": alg});
    if let Some(kid) = kid {
        header["kid"] = json!(kid);
    }
    forge.token_with(alg, &header, &json!({}))
}

fn judge(set: &JwkSet, token: &str) -> Result<(), &'static str> {
    let token = UnverifiedJws::parse(token, provider().algorithms()).unwrap();
    let keys = set.candidates(token.header()).map_err(|it| it.code())?;
    token.verify(&keys).map(drop).map_err(|it| it.code())
}

/// Entries that are skipped, as text, since some are no JSON that `Value` can hold.
fn unusable() -> Vec<(String, &'static str)> {
    let p256 = key_of(&Forge::issuer(), "ES256");
    let n = rsa()["n"].as_str().unwrap().to_owned();
    let entries = [
        (
            json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"}),
            "jwk-kty",
        ),
        (json!({"kty": "rsa", "n": n, "e": "AQAB"}), "jwk-kty"),
        (json!({"kty": "oct", "k": "c2VjcmV0"}), "jwk-symmetric"),
        (json!({"kty": "oct"}), "jwk-symmetric"),
        (with(rsa(), "k", "c2VjcmV0"), "jwk-symmetric"),
        (with(rsa(), "use", "enc"), "jwk-purpose"),
        (with(rsa(), "use", "wrong usage"), "jwk-purpose"),
        (with(rsa(), "key_ops", json!(["sign"])), "jwk-purpose"),
        (with(rsa(), "key_ops", json!([])), "jwk-purpose"),
        (
            with(rsa(), "key_ops", json!(["verify", "verify"])),
            "jwk-purpose",
        ),
        (with(rsa(), "key_ops", "verify"), "jwk-type"),
        (with(rsa(), "use", json!(["sig"])), "jwk-type"),
        (with(rsa(), "kid", 7), "jwk-type"),
        (with(rsa(), "alg", json!(null)), "jwk-type"),
        (with(rsa(), "kty", 7), "jwk-type"),
        (with(rsa(), "n", json!(["a"])), "jwk-type"),
        (with(rsa(), "alg", "SHA256"), "jwk-alg-unknown"),
        (with(rsa(), "alg", "RSA-OAEP"), "jwk-alg-unknown"),
        (with(rsa(), "alg", "rs256"), "jwk-alg-unknown"),
        (with(rsa(), "alg", "HS256"), "jwk-alg-unknown"),
        (with(rsa(), "alg", "ES256"), "jwk-alg-mismatch"),
        (with(p256.clone(), "alg", "ES384"), "jwk-alg-mismatch"),
        (with(rsa(), "n", "..."), "jwk-base64"),
        (with(rsa(), "n", "<modulus>"), "jwk-base64"),
        (with(rsa(), "n", format!("{n}===")), "jwk-base64"),
        (with(rsa(), "n", format!("+/{}", &n[2..])), "jwk-base64"),
        (with(rsa(), "n", format!("{}\n", &n[..4])), "jwk-base64"),
        (with(rsa(), "n", "AQAB"), "key-rsa-too-small"),
        (with(rsa(), "n", ""), "key-rsa-too-small"),
        (with(rsa(), "e", "AQ"), "key-rsa-exponent"),
        (with(rsa(), "e", ""), "key-rsa-exponent"),
        (without(rsa(), "n"), "jwk-missing"),
        (without(rsa(), "e"), "jwk-missing"),
        (without(rsa(), "kty"), "jwk-missing"),
        (without(p256.clone(), "crv"), "jwk-missing"),
        (without(p256.clone(), "y"), "jwk-missing"),
        (
            json!({"kty": "RSA", "x5c": ["MIIB"], "x5t": "AA"}),
            "jwk-missing",
        ),
        (with(p256.clone(), "crv", "brainpoolP256r1"), "jwk-curve"),
        (with(p256.clone(), "crv", "secp256k1"), "jwk-curve"),
        (with(p256.clone(), "crv", "p-256"), "jwk-curve"),
        (
            with(p256.clone(), "crv", "P-384"),
            "key-ec-coordinate-length",
        ),
        (
            with(p256.clone(), "x", p256["y"].clone()),
            "key-ec-not-on-curve",
        ),
        (
            json!({"kty": "OKP", "crv": "X25519", "x": p256["x"]}),
            "jwk-curve",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed448", "x": p256["x"]}),
            "jwk-curve",
        ),
        (
            json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"}),
            "key-ed25519-length",
        ),
        (with(rsa(), "d", "AQAB"), "jwk-private-material"),
        (with(rsa(), "d", json!(null)), "jwk-private-material"),
        (with(rsa(), "p", "AQAB"), "jwk-private-material"),
        (with(rsa(), "oth", json!([])), "jwk-private-material"),
        (with(p256, "d", "AQAB"), "jwk-private-material"),
        (json!(null), "jwk-json"),
        (json!("https://login.example/key"), "jwk-json"),
        (json!(7), "jwk-json"),
        (json!([]), "jwk-json"),
    ];
    let mut texts: Vec<(String, &str)> = entries
        .into_iter()
        .map(|(entry, code)| (entry.to_string(), code))
        .collect();
    let text = rsa().to_string();
    let twice = text.replacen('{', r#"{"kty":"EC","#, 1);
    let escaped = text.replacen('{', r#"{"k\u0069d":"other","#, 1);
    let surrogate = text.replacen('{', r#"{"x":"\ud800","#, 1);
    let deep = format!(
        r#"{{"x":{}{},{}"#,
        "[".repeat(10_000),
        "]".repeat(10_000),
        &text[1..]
    );
    texts.extend([twice, escaped, surrogate, deep].map(|it| (it, "jwk-json")));
    texts
}

// covers: JWK-12, JWK-1, JWK-2, JWK-4, JWK-5, JWK-6, JWK-13, JWA-10, JWA-12, OKP-1, OKP-4, DISC-13
#[test]
fn what_cannot_be_used_is_skipped_with_its_reason_and_the_rest_works() {
    let forge = Forge::issuer();
    let good = with(key_of(&forge, "ES384"), "kid", "good").to_string();
    let signed = token(&forge, "ES384", Some("good"));
    let nameless = token(&forge, "ES384", None);
    for (entry, code) in unusable() {
        for (position, keys) in [
            (0, format!("{entry},{good}")),
            (1, format!("{good},{entry}")),
        ] {
            let set = parse_text(&format!(r#"{{"keys":[{keys}]}}"#)).unwrap();
            let [skipped] = set.skipped() else {
                panic!("{entry} is not skipped");
            };
            assert_eq!(skipped.reason.code(), code, "{entry}");
            assert_eq!(skipped.position, position);
            assert!(skipped.reason.to_string().len() < 500, "{entry}");
            assert_eq!(set.keys().len(), 1);
            assert_eq!(judge(&set, &signed), Ok(()), "{entry}");
            assert_eq!(judge(&set, &nameless), Ok(()), "{entry}");
        }
    }
}

// covers: JWK-12
#[test]
fn a_token_for_a_skipped_key_hears_why_it_was_skipped() {
    let set = parse(&json!({"keys": [with(rsa(), "use", "enc")]}));
    assert_eq!(set.skipped()[0].kid.as_ref().unwrap().as_str(), "rsa");
    let token = token(&Forge::issuer(), "RS256", Some("rsa"));
    let parsed = UnverifiedJws::parse(&token, provider().algorithms()).unwrap();
    let error = set.candidates(parsed.header()).unwrap_err();
    assert_eq!(error.code(), "key-unfit");
    assert!(error.to_string().contains("use"), "{error}");
    assert_eq!(
        judge(&parse(&json!({"keys": []})), &token),
        Err("key-unknown")
    );
}

// covers: JWK-3, JWK-6, JWK-7, JWA-1, JWS-10
#[test]
fn what_providers_add_or_leave_out_is_met() {
    let forge = Forge::issuer();
    let nameless = without(rsa(), "kid");
    let n = rsa()["n"].as_str().unwrap().to_owned();
    let octets = smart_oidc::jose::base64url::decode(&n).unwrap();
    let leading = smart_tests::forge::b64([&[0, 0], &*octets].concat());
    assert!(n.len() % 4 == 2, "the modulus needs two signs of padding");
    let cases = [
        (rsa(), vec![]),
        (with(rsa(), "alg", "RS256"), vec![]),
        (without(rsa(), "use"), vec![]),
        (
            with(
                with(with(rsa(), "key_ops", json!(["verify"])), "ext", true),
                "use",
                "sig",
            ),
            vec![],
        ),
        (
            with(rsa(), "key_ops", json!(["verify", "sign", "custom"])),
            vec![],
        ),
        (
            with(with(rsa(), "x5c", json!(["MIIB"])), "x5t#S256", "AA"),
            vec![],
        ),
        (with(rsa(), "issuer", json!({"deep": [1, null]})), vec![]),
        (
            with(rsa(), "n", format!("{n}==")),
            vec![JwkFinding::PaddedBase64],
        ),
        (with(rsa(), "n", leading), vec![JwkFinding::LeadingZero]),
        (with(rsa(), "e", "AAEAAQ"), vec![]),
    ];
    for (key, expected) in cases {
        let set = parse(&json!({"keys": [key]}));
        let found: Vec<JwkFinding> = set.findings().iter().map(|it| it.1).collect();
        assert_eq!(found, expected, "{key}");
        assert_eq!(set.skipped(), []);
        let signed = token(&forge, "RS256", Some("rsa"));
        assert_eq!(judge(&set, &signed), Ok(()), "{key}");
        // However it was written, it is the same key.
        assert_eq!(
            set.keys()[0].key(),
            parse(&json!({"keys": [rsa()]})).keys()[0].key()
        );
    }
    let bare = without(nameless, "use");
    let set = parse(&json!({"keys": [bare], "extra": {"a": 1}, "x5c": []}));
    assert_eq!(judge(&set, &token(&forge, "RS512", None)), Ok(()));
    // A token that names a key cannot be for one that has no name.
    let named = token(&forge, "RS512", Some("rsa"));
    assert_eq!(judge(&set, &named), Err("key-unknown"));
}

// covers: JWK-8, OIDC-KEY-2
#[test]
fn keys_that_share_a_kid_and_kids_that_share_a_key_are_told_apart() {
    let (issuer, other) = (Forge::issuer(), Forge::other());
    let same = |forge: &Forge, alg| with(key_of(forge, alg), "kid", "same");
    let set = parse(&json!({"keys": [
        same(&issuer, "RS256"), same(&issuer, "ES256"), same(&issuer, "ES384"), same(&other, "RS256"),
    ]}));
    for (forge, alg, expected) in [
        (&issuer, "RS256", Ok(())),
        (&issuer, "ES256", Ok(())),
        (&issuer, "ES384", Ok(())),
        (&other, "PS256", Ok(())),
        (&other, "ES256", Err("jws-bad-signature")),
    ] {
        assert_eq!(judge(&set, &token(forge, alg, Some("same"))), expected);
    }
    let set = parse(&json!({"keys": [with(rsa(), "kid", "one"), with(rsa(), "kid", "two")]}));
    for (kid, expected) in [
        (Some("one"), Ok(())),
        (Some("two"), Ok(())),
        (None, Ok(())),
        (Some("One"), Err("key-unknown")),
        (Some("rsa"), Err("key-unknown")),
    ] {
        assert_eq!(judge(&set, &token(&issuer, "RS256", kid)), expected);
    }
}

/// A set in which the issuer's RSA key is the last of so many that fit.
fn crowd(size: usize, kid: impl Fn(usize) -> String) -> Value {
    let stranger = key_of(&Forge::other(), "RS256");
    let keys: Vec<Value> = (0..size)
        .map(|i| {
            let key = if i + 1 == size {
                rsa()
            } else {
                stranger.clone()
            };
            with(key, "kid", kid(i))
        })
        .collect();
    json!({"keys": keys})
}

// covers: JWK-8, JWS-21
#[test]
fn one_to_four_keys_are_tried_and_five_are_not() {
    let issuer = Forge::issuer();
    let (distinct, same) = (|i: usize| format!("key-{i}"), |_: usize| "same".to_owned());
    for size in 1..=MAX_CANDIDATES {
        let nameless = token(&issuer, "RS256", None);
        assert_eq!(judge(&parse(&crowd(size, distinct)), &nameless), Ok(()));
        let named = token(&issuer, "RS256", Some("same"));
        assert_eq!(judge(&parse(&crowd(size, same)), &named), Ok(()));
        // None of them made this signature.
        let unsigned = "eyJhbGciOiJSUzI1NiJ9.e30.AA";
        let judged = judge(&parse(&crowd(size, distinct)), unsigned);
        assert_eq!(judged, Err("jws-bad-signature"));
    }
    for size in [MAX_CANDIDATES + 1, MAX_SET_KEYS] {
        let nameless = token(&issuer, "RS256", None);
        let judged = judge(&parse(&crowd(size, distinct)), &nameless);
        assert_eq!(judged, Err("key-ambiguous"), "{size}");
        let named = token(&issuer, "RS256", Some("same"));
        let judged = judge(&parse(&crowd(size, same)), &named);
        assert_eq!(judged, Err("key-ambiguous"), "{size}");
        // With a name of its own the key is found in any crowd.
        let last = distinct(size - 1);
        let named = token(&issuer, "RS256", Some(&last));
        assert_eq!(judge(&parse(&crowd(size, distinct)), &named), Ok(()));
    }
}

// covers: SMART-CAS-17
#[test]
fn exactly_one_takes_no_choice() {
    let judge = |set: &Value, token: &str| {
        let token = UnverifiedJws::parse(token, provider().algorithms()).unwrap();
        let keys = parse(set).exactly_one(token.header())?;
        assert_eq!(keys.iter().count(), 1);
        assert!(token.verify(&keys).is_ok());
        Ok(())
    };
    let code = |result: Result<(), smart_oidc::jose::jwk::KeySelectionError>| {
        result.map_err(|error| error.code())
    };
    let (named, nameless) = (
        token(&Forge::issuer(), "RS256", Some("same")),
        token(&Forge::issuer(), "RS256", None),
    );
    let same = |_: usize| "same".to_owned();
    let one = crowd(1, same);
    assert_eq!(code(judge(&one, &named)), Ok(()));
    assert_eq!(code(judge(&one, &nameless)), Ok(()));
    let two = crowd(2, same);
    assert_eq!(code(judge(&two, &named)), Err("key-ambiguous"));
    assert_eq!(code(judge(&two, &nameless)), Err("key-ambiguous"));
    let none = json!({"keys": []});
    assert_eq!(code(judge(&none, &named)), Err("key-unknown"));
    // A key of another type under the same name is no second choice.
    let mut beside = crowd(1, same);
    let p256 = with(key_of(&Forge::issuer(), "ES256"), "kid", "same");
    beside["keys"].as_array_mut().unwrap().push(p256);
    assert_eq!(code(judge(&beside, &named)), Ok(()));
}

// covers: JWK-11, JWK-1, JWS-21, CACHE-16
#[test]
fn what_is_no_key_set_is_refused_as_what_it_is() {
    let certificate = fixture::text("keys/issuer-rsa-2048.certificate.pem");
    let key = rsa().to_string();
    let cases = [
        (key.clone(), "jwks-bare-jwk"),
        (
            json!({"1": certificate, "2": certificate}).to_string(),
            "jwks-certificate-map",
        ),
        (
            json!({"1": certificate, "2": 7}).to_string(),
            "jwks-no-keys",
        ),
        ("{}".into(), "jwks-no-keys"),
        (r#"{"Keys":[]}"#.into(), "jwks-no-keys"),
        (r#"{"keys":{}}"#.into(), "jwks-no-keys"),
        (r#"{"keys":"[]"}"#.into(), "jwks-no-keys"),
        (r#"{"keys":null}"#.into(), "jwks-no-keys"),
        (format!("[{key}]"), "jwks-json"),
        (format!("\u{feff}{{\"keys\":[{key}]}}"), "jwks-json"),
        (format!("{{\"keys\":[{key}]}} {{}}"), "jwks-json"),
        (format!("{{\"keys\":[{key}],}}"), "jwks-json"),
        (format!("{{\"keys\":[{key}"), "jwks-json"),
        ("null".into(), "jwks-json"),
        ("<html>".into(), "jwks-json"),
        (String::new(), "jwks-json"),
        (
            format!("{{\"keys\":[],\"keys\":[{key}]}}"),
            "jwks-duplicate-member",
        ),
        (
            format!("{{\"keys\":[],\"\\u006beys\":[{key}]}}"),
            "jwks-duplicate-member",
        ),
    ];
    for (text, code) in cases {
        assert_eq!(parse_text(&text).map(drop), Err(code), "{text}");
    }
    let latin = JwkSet::parse(b"{\"keys\":[\"\xe9\"]}", provider());
    assert_eq!(latin.map(drop).map_err(|it| it.code()), Err("jwks-json"));
}

// covers: JWS-21
#[test]
fn adv_jwks_bombs() {
    let key = rsa().to_string();
    let set = format!("{{\"keys\":[{key}]}}");
    let padded = |octets: usize| format!("{set}{}", " ".repeat(octets - set.len()));
    let signed = token(&Forge::issuer(), "RS256", Some("rsa"));
    let largest = parse_text(&padded(MAX_SET_OCTETS)).unwrap();
    assert_eq!(judge(&largest, &signed), Ok(()));
    assert_eq!(
        parse_text(&padded(MAX_SET_OCTETS + 1)).map(drop),
        Err("jwks-too-long")
    );
    let full = |size: usize| {
        let nulls = "null,".repeat(size - 1);
        parse_text(&format!("{{\"keys\":[{nulls}{key}]}}"))
    };
    let largest = full(MAX_SET_KEYS).unwrap();
    assert_eq!(largest.skipped().len(), MAX_SET_KEYS - 1);
    assert_eq!(judge(&largest, &signed), Ok(()));
    assert_eq!(full(MAX_SET_KEYS + 1).map(drop), Err("jwks-too-many"));
    // As deep as the limit on the length lets it be, beside the keys and in their place.
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let beside = parse_text(&format!("{{\"x\":{deep},\"keys\":[{key}]}}")).unwrap();
    assert_eq!(judge(&beside, &signed), Ok(()));
    let inside = parse_text(&format!("{{\"keys\":[{deep},{key}]}}")).unwrap();
    assert_eq!(inside.skipped()[0].reason.code(), "jwk-json");
    assert_eq!(judge(&inside, &signed), Ok(()));
    let huge = with(rsa(), "n", "_".repeat(200_000));
    let set = parse(&json!({"keys": [huge]}));
    assert_eq!(set.skipped()[0].reason.code(), "key-rsa-too-large");
}

// covers: JWK-14, DISC-13, OKP-3, SMART-CAS-3, JWA-11
#[test]
fn a_published_set_holds_public_members_only_and_is_read_back() {
    let keys = [
        ("issuer-rsa-2048.pem", Algorithm::RS384),
        ("issuer-p256.pem", Algorithm::ES256),
        ("issuer-p384.pem", Algorithm::ES384),
        ("issuer-p521.pem", Algorithm::ES512),
        ("issuer-ed25519.pem", Algorithm::EdDSA),
    ];
    let keys: Vec<Jwk> = keys
        .into_iter()
        .map(|(name, algorithm)| {
            let pem = fixture::text(&format!("keys/{name}"));
            let private = PrivateKey::from_pem(&pem, provider()).unwrap();
            Jwk::new(private.public_key(), name, algorithm).unwrap()
        })
        .collect();
    let set = JwkSet::from_keys(keys, provider());
    let text = serde_json::to_string(&set).unwrap();
    let published: Value = serde_json::from_str(&text).unwrap();
    let members = |place: usize| -> Vec<String> {
        let key = published["keys"][place].as_object().unwrap();
        key.keys().cloned().collect()
    };
    assert_eq!(members(0), ["alg", "e", "kid", "kty", "n", "use"]);
    for place in 1..=3 {
        assert_eq!(
            members(place),
            ["alg", "crv", "kid", "kty", "use", "x", "y"]
        );
    }
    assert_eq!(members(4), ["alg", "crv", "kid", "kty", "use", "x"]);
    let read = parse_text(&text).unwrap();
    assert_eq!((read.skipped(), read.findings()), (&[][..], &[][..]));
    for (written, read) in set.keys().iter().zip(read.keys()) {
        assert_eq!(written.key(), read.key());
        assert_eq!(
            (written.kid(), written.algorithm()),
            (read.kid(), read.algorithm())
        );
    }
    assert_eq!(read.keys().len(), 5);
    // A key cannot be published for what it is not.
    let rsa = set.keys()[0].key().clone();
    let wrong = Jwk::new(rsa, "1", Algorithm::ES256).unwrap_err();
    assert_eq!(wrong.code(), "jwk-alg-mismatch");
}
