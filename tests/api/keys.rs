//! Keys from files: which encodings are read, which keys are refused, and what a key shows.

use std::fmt::Debug;

use smart_oidc::jose::jwk::PrivateJwk;
use smart_oidc::jose::key::{EncodingError, PrivateKey, PublicKey};
use smart_oidc::jose::{Algorithm, Candidates, CryptoProvider, UnverifiedJws, jws};
use smart_tests::fixture;
use smart_tests::forge::b64;

use super::provider;

/// A private key, the public half that openssl made of it, and what they are for.
const PAIRS: [(&str, &str, Algorithm); 6] = [
    (
        "issuer-rsa-2048.pem",
        "issuer-rsa-2048.spki.pem",
        Algorithm::RS256,
    ),
    (
        "issuer-rsa-2048.pkcs1.pem",
        "issuer-rsa-2048.pkcs1-public.pem",
        Algorithm::RS384,
    ),
    ("issuer-p256.pem", "issuer-p256.spki.pem", Algorithm::ES256),
    (
        "issuer-p256.sec1.pem",
        "issuer-p256.spki.pem",
        Algorithm::ES256,
    ),
    ("issuer-p384.pem", "issuer-p384.spki.pem", Algorithm::ES384),
    // This one is of version 1, without its public half.
    (
        "issuer-ed25519.pem",
        "issuer-ed25519.spki.pem",
        Algorithm::EdDSA,
    ),
];

fn text(name: &str) -> String {
    fixture::text(&format!("keys/{name}"))
}

fn private(name: &str) -> PrivateKey {
    PrivateKey::from_pem(&text(name), provider()).expect(name)
}

fn public(name: &str) -> PublicKey {
    PublicKey::from_pem(&text(name)).expect(name)
}

fn private_code(pem: &str) -> Result<(), &'static str> {
    PrivateKey::from_pem(pem, provider())
        .map(drop)
        .map_err(|error: EncodingError| error.code())
}

fn public_code(pem: &str) -> Result<(), &'static str> {
    PublicKey::from_pem(pem)
        .map(drop)
        .map_err(|error| error.code())
}

/// The same file as other tools write it.
fn variants(pem: &str) -> [String; 6] {
    [
        pem.to_owned(),
        pem.trim_end().to_owned(),
        pem.replace('\n', "\r\n"),
        pem.trim_end().replace('\n', "\r\n"),
        format!("Bag Attributes\n    friendlyName: key 1\nKey Attributes: <No Attributes>\n{pem}"),
        format!("{pem}\ntext behind the block\n"),
    ]
}

/// Signs with one provider and verifies with another.
fn check_pair(
    key: &PrivateKey,
    public: &PublicKey,
    algorithm: Algorithm,
    (signs, verifies): (&CryptoProvider, &CryptoProvider),
) {
    let signer = signs.signing_key(key, algorithm).unwrap();
    assert_eq!(signer.public_key(), public);
    assert_eq!(signer.algorithm(), algorithm);
    let token = jws::sign(b"{}", Some("1"), &*signer).unwrap();
    let candidates = Candidates::one(verifies.prepare(public, algorithm).unwrap());
    let parse = |token| UnverifiedJws::parse(token, verifies.algorithms()).unwrap();
    let verified = parse(&token).verify(&candidates).unwrap();
    assert_eq!(verified.payload(), b"{}");
    // The same signature under another payload is worth nothing.
    let spoiled = token
        .replacen(".e30.", ".e31.", 1)
        .replace(".e31.", ".eyJhIjoxfQ.");
    assert!(parse(&spoiled).verify(&candidates).is_err());
}

// covers: SMART-CAS-5, JWS-15, BCP-3
#[test]
fn each_private_key_signs_for_the_public_half_that_openssl_made() {
    for (private_name, public_name, algorithm) in PAIRS {
        let (key, public) = (private(private_name), public(public_name));
        assert_eq!(key.public_key(), public, "{private_name}");
        for verifies in smart_tests::backend::all() {
            check_pair(&key, &public, algorithm, (provider(), verifies));
        }
    }
}

#[test]
fn every_way_to_write_a_file_gives_the_same_key() {
    for (private_name, public_name, _) in PAIRS {
        let expected = public(public_name);
        for pem in variants(&text(private_name)) {
            let key = PrivateKey::from_pem(&pem, provider()).expect(&pem);
            assert_eq!(key.public_key(), expected, "{private_name}");
        }
        for pem in variants(&text(public_name)) {
            let key = PublicKey::from_pem(&pem).expect(&pem);
            assert_eq!(key, expected, "{public_name}");
        }
    }
}

#[test]
fn a_file_that_was_cut_is_no_key() {
    for (private_name, public_name, _) in PAIRS {
        for (name, is_private) in [(private_name, true), (public_name, false)] {
            let pem = text(name);
            let code = |pem: &str| {
                if is_private {
                    private_code(pem)
                } else {
                    public_code(pem)
                }
            };
            let lines: Vec<&str> = pem.lines().collect();
            let (end, body) = lines.split_last().unwrap();
            assert_eq!(code(&body.join("\n")), Err("encoding-pem"), "{name}");
            assert_eq!(code(&lines[1..].join("\n")), Err("encoding-pem"), "{name}");
            // The frame is whole and the content is not.
            let (_, shorter) = body.split_last().unwrap();
            let cut = format!("{}\n{end}\n", shorter.join("\n"));
            let found = code(&cut).unwrap_err();
            assert!(
                ["encoding-der", "encoding-pem"].contains(&found),
                "{name}: {found}"
            );
            let odd = pem.replacen('\n', "\n!", 1);
            assert_eq!(code(&odd), Err("encoding-pem"), "{name}");
        }
    }
    for nothing in ["", "\n", "no PEM", "-----BEGIN PUBLIC KEY-----"] {
        assert_eq!(public_code(nothing), Err("encoding-pem"), "{nothing:?}");
        assert_eq!(private_code(nothing), Err("encoding-pem"), "{nothing:?}");
    }
}

#[test]
fn a_block_of_another_kind_is_named() {
    let certificate = text("issuer-rsa-2048.certificate.pem");
    assert_eq!(public_code(&certificate), Err("encoding-label"));
    assert_eq!(private_code(&certificate), Err("encoding-label"));
    for (private_name, public_name, _) in PAIRS {
        assert_eq!(
            public_code(&text(private_name)),
            Err("encoding-label"),
            "{private_name}"
        );
        assert_eq!(
            private_code(&text(public_name)),
            Err("encoding-label"),
            "{public_name}"
        );
    }
    let encrypted = text("issuer-p256.pem").replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    assert_eq!(private_code(&encrypted), Err("encoding-label"));
    let error = PublicKey::from_pem(&text("issuer-p256.pem")).unwrap_err();
    assert!(
        error.to_string().contains("\"PRIVATE KEY\""),
        "{error}: it names what it found"
    );
}

// The label decides how a block is read, and nobody looks at the octets to guess.
#[test]
fn adv_no_key_sniffing() {
    for (pem, from, to) in [
        (text("issuer-rsa-2048.spki.pem"), "PUBLIC", "RSA PUBLIC"),
        (
            text("issuer-rsa-2048.pkcs1-public.pem"),
            "RSA PUBLIC",
            "PUBLIC",
        ),
        (text("issuer-p256.spki.pem"), "PUBLIC", "RSA PUBLIC"),
    ] {
        let relabelled = pem.replace(&format!("{from} KEY"), &format!("{to} KEY"));
        assert_ne!(relabelled, pem);
        assert_eq!(public_code(&relabelled), Err("encoding-der"));
    }
    for (pem, from, to) in [
        (text("issuer-rsa-2048.pem"), "PRIVATE", "RSA PRIVATE"),
        (text("issuer-rsa-2048.pkcs1.pem"), "RSA PRIVATE", "PRIVATE"),
        (text("issuer-p256.pem"), "PRIVATE", "EC PRIVATE"),
        (text("issuer-p256.sec1.pem"), "EC PRIVATE", "PRIVATE"),
        (text("issuer-p256.sec1.pem"), "EC PRIVATE", "RSA PRIVATE"),
    ] {
        let relabelled = pem.replace(&format!("{from} KEY"), &format!("{to} KEY"));
        assert_ne!(relabelled, pem);
        assert_eq!(private_code(&relabelled), Err("encoding-der"));
    }
}

// covers: JWA-2, JWA-14, BCP-4
#[test]
fn keys_of_bad_sizes_and_exponents_are_refused_whichever_half_is_read() {
    for (name, code) in [
        ("rsa-1024.pem", "key-rsa-too-small"),
        ("rsa-2047.pem", "key-rsa-too-small"),
        ("rsa-16384.pem", "key-rsa-too-large"),
        ("rsa-2048-e2-33-plus-1.pem", "key-rsa-exponent"),
    ] {
        assert_eq!(private_code(&text(name)), Err(code), "{name}");
    }
    for (name, code) in [
        ("rsa-1024.spki.pem", "key-rsa-too-small"),
        ("rsa-2047.spki.pem", "key-rsa-too-small"),
        ("rsa-16384.spki.pem", "key-rsa-too-large"),
    ] {
        assert_eq!(public_code(&text(name)), Err(code), "{name}");
    }
}

// covers: JWA-14
#[test]
fn the_exponent_3_verifies_everywhere_and_ring_does_not_sign_with_it() {
    let key = private("rsa-2048-e3.pem");
    let public = key.public_key();
    for algorithm in [Algorithm::RS256, Algorithm::PS384] {
        assert!(provider().prepare(&public, algorithm).is_ok());
        if provider().name == "ring" {
            let refused = provider().signing_key(&key, algorithm).unwrap_err();
            assert_eq!(refused.code(), "signing-key-rsa-small-exponent");
        }
        #[cfg(feature = "aws-lc-rs")]
        check_pair(
            &key,
            &public,
            algorithm,
            (CryptoProvider::aws_lc_rs(), provider()),
        );
    }
}

// covers: SMART-CAS-6, JWA-5
#[test]
fn p521_is_read_everywhere_and_used_where_the_backend_has_it() {
    let key = private("issuer-p521.pem");
    let public = key.public_key();
    let has_it = provider().algorithms().contains(Algorithm::ES512);
    assert_eq!(has_it, provider().name != "ring");
    if has_it {
        check_pair(&key, &public, Algorithm::ES512, (provider(), provider()));
    } else {
        let signing = provider().signing_key(&key, Algorithm::ES512).unwrap_err();
        assert_eq!(signing.code(), "signing-key-unsupported");
        let verifying = provider().prepare(&public, Algorithm::ES512).unwrap_err();
        assert_eq!(verifying.code(), "prepare-unsupported");
    }
}

// covers: BCP-1, JWA-5, OKP-5
#[test]
fn a_key_signs_and_verifies_with_algorithms_of_its_type_only() {
    let names = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ];
    for (private_name, public_name, own) in PAIRS {
        let (key, public) = (private(private_name), public(public_name));
        for name in names {
            let algorithm = Algorithm::from_name(name).unwrap();
            let fits = algorithm.key_type() == own.key_type();
            let signing = provider().signing_key(&key, algorithm).map(drop);
            let verifying = provider().prepare(&public, algorithm).map(drop);
            let expected = |code| if fits { Ok(()) } else { Err(code) };
            assert_eq!(
                signing.map_err(|it| it.code()),
                expected("signing-key-type"),
                "{private_name} {name}"
            );
            assert_eq!(
                verifying.map_err(|it| it.code()),
                expected("prepare-key-type"),
                "{public_name} {name}"
            );
        }
    }
}

// covers: JWA-10, BCP-3
#[test]
fn a_private_half_that_belongs_to_another_key_does_not_load() {
    let (PrivateKey::Ec(own), PrivateKey::Ec(other)) =
        (private("issuer-p256.pem"), private("other-p256.pem"))
    else {
        panic!("both are EC keys");
    };
    let public = other.public_key().clone();
    let mixed = smart_oidc::jose::key::EcPrivateKey::from_scalar(public, own.expose_scalar());
    let mixed = PrivateKey::Ec(mixed.unwrap());
    let refused = provider().signing_key(&mixed, Algorithm::ES256);
    assert_eq!(
        refused.map(drop).map_err(|it| it.code()),
        Err("signing-key-refused")
    );
}

// covers: JWS-20, BCP-5
#[test]
fn generated_keys_work_and_are_never_the_same() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        let key = PrivateKey::generate(algorithm, provider()).unwrap();
        for verifies in smart_tests::backend::all() {
            check_pair(&key, &key.public_key(), algorithm, (provider(), verifies));
        }
        let next = PrivateKey::generate(algorithm, provider()).unwrap();
        assert_ne!(key.public_key(), next.public_key(), "{algorithm}");
    }
}

#[test]
fn rsa_and_p521_keys_are_generated_by_aws_lc_and_named_as_missing_by_ring() {
    let is_ring = provider().name == "ring";
    for algorithm in [Algorithm::RS256, Algorithm::PS512, Algorithm::ES512] {
        match PrivateKey::generate(algorithm, provider()) {
            Ok(key) => {
                assert!(!is_ring, "{algorithm}");
                check_pair(&key, &key.public_key(), algorithm, (provider(), provider()));
            }
            Err(error) => {
                assert!(is_ring, "{algorithm}: {error}");
                assert_eq!(error.code(), "generate-unsupported");
            }
        }
    }
    let code = |bits| {
        PrivateKey::generate_rsa(bits, provider())
            .map(drop)
            .map_err(|error| error.code())
    };
    for bits in [0, 1024, 2047, 2049, 16384] {
        let expected = if is_ring {
            "generate-unsupported"
        } else {
            "generate-rsa-bits"
        };
        assert_eq!(code(bits), Err(expected), "{bits}");
    }
}

/// The secret numbers of a key.
fn secrets(key: &PrivateKey) -> Vec<Vec<u8>> {
    match key {
        PrivateKey::Rsa(key) => {
            let parts = key.expose_parts();
            [parts.d, parts.p, parts.q, parts.dp, parts.dq, parts.qi]
                .map(<[u8]>::to_vec)
                .into()
        }
        PrivateKey::Ec(key) => vec![key.expose_scalar().to_vec()],
        PrivateKey::Ed25519(key) => vec![key.expose_seed().to_vec()],
        _ => panic!("a kind of key that this test does not know"),
    }
}

/// Fails where a text shows a part of a secret, in any of the usual notations.
fn assert_hides(text: &str, secret: &[u8]) {
    // White space and case are gone, so that no layout hides what is there.
    let squeezed: String = text.split_whitespace().collect();
    let lower = squeezed.to_ascii_lowercase();
    for window in secret.windows(6) {
        let decimal: Vec<String> = window.iter().map(u8::to_string).collect();
        let hex: Vec<String> = window.iter().map(|it| format!("{it:02x}")).collect();
        let prefixed: Vec<String> = window.iter().map(|it| format!("0x{it:02x}")).collect();
        for shown in [
            decimal.join(","),
            hex.concat(),
            hex.join(","),
            hex.join(":"),
            prefixed.join(","),
        ] {
            assert!(!lower.contains(&shown), "{shown} shows in {text}");
        }
        // Six octets are eight characters of base64 wherever they are aligned.
        let base64 = b64(window);
        assert!(!squeezed.contains(&base64), "{base64} shows in {text}");
        let standard = base64.replace('-', "+").replace('_', "/");
        assert!(!squeezed.contains(&standard), "{standard} shows in {text}");
    }
}

fn debugged(value: &impl Debug) -> [String; 2] {
    [format!("{value:?}"), format!("{value:#?}")]
}

/// The private JWK of a key, as text.
fn jwk_text(key: &PrivateKey) -> String {
    let public = |key: &PrivateKey| {
        serde_json::to_value(smart_oidc::jose::Jwk::without_kid(key.public_key())).unwrap()
    };
    let mut jwk = public(key);
    let names = ["d", "p", "q", "dp", "dq", "qi"];
    for (name, secret) in names.into_iter().zip(secrets(key)) {
        jwk[name] = b64(secret).into();
    }
    jwk.to_string()
}

// covers: SMART-CAS-22, JWK-14
#[test]
fn adv_no_secret_in_debug_of_private_keys() {
    let p521 = ("issuer-p521.pem", "", Algorithm::ES512);
    for (name, _, algorithm) in PAIRS.into_iter().chain([p521]) {
        let key = private(name);
        let mut shown = debugged(&key).to_vec();
        match &key {
            PrivateKey::Rsa(key) => shown.extend(debugged(key)),
            PrivateKey::Ec(key) => shown.extend(debugged(key)),
            PrivateKey::Ed25519(key) => shown.extend(debugged(key)),
            _ => {}
        }
        if let Ok(signer) = provider().signing_key(&key, algorithm) {
            shown.extend(debugged(&signer));
        }
        let jwk = PrivateJwk::parse(jwk_text(&key).as_bytes()).unwrap();
        assert_eq!(jwk.key.public_key(), key.public_key());
        shown.extend(debugged(&jwk));
        for secret in secrets(&key) {
            for text in &shown {
                assert_hides(text, &secret);
            }
        }
    }
}

#[test]
fn an_error_about_a_private_key_shows_none_of_it() {
    for (name, _, _) in PAIRS {
        let key = private(name);
        let text = jwk_text(&key);
        let d = b64(&secrets(&key)[0]);
        for spoiled in [
            text.replace(&d, &format!("{d}=")),
            text.replace(&d, &d[..d.len() - 4]),
            text.replace(&d, &format!("{d}\\ud800")),
            text.replacen("\"d\"", "\"d\":\"\",\"d\"", 1),
            text[..text.len() - 1].to_owned(),
        ] {
            let Err(error) = PrivateJwk::parse(spoiled.as_bytes()) else {
                // A shorter RSA exponent is still a number; the backend refuses it later.
                continue;
            };
            for shown in [error.to_string(), format!("{error:?}")] {
                assert_hides(&shown, &secrets(&key)[0]);
            }
        }
        let pem = text_with_error(&self::text(name));
        let error = PrivateKey::from_pem(&pem, provider()).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}")] {
            for secret in secrets(&key) {
                assert_hides(&shown, &secret);
            }
        }
    }
}

/// A PEM file in whose middle a character was changed to one that base64 does not have.
fn text_with_error(pem: &str) -> String {
    let middle = pem.len() / 2;
    format!("{}!{}", &pem[..middle], &pem[middle + 1..])
}
