//! The issuer's keys: which are found, which are usable, and how many are tried.

use serde_json::{Value, json};
use smart_tests::fixture;
use smart_tests::forge::{Forge, b64, ed25519_jwk, ed25519_token, kid_of};

use crate::rsa::{Rsa, signed_with_exponent_one};
use crate::{Minter, accept, and, claims, reject};

pub(crate) fn mint(m: &mut Minter) {
    let keys = m.forge.jwks()["keys"].as_array().unwrap().clone();
    let [rsa, p256, p384] = <[Value; 3]>::try_from(keys).unwrap();
    by_kid(m, &rsa, &p256);
    purpose(m, &rsa, &p256);
    material(m, &rsa);
    curves(m, &p256, &p384);
    sets(m, &rsa);
}

fn set(verdict: Value, keys: &[&Value]) -> Value {
    and(verdict, json!({"jwks": {"keys": keys}}))
}

fn but(key: &Value, more: Value) -> Value {
    and(key.clone(), more)
}

/// Other usable RSA keys, each with a modulus of its own, that nobody has the private half of.
fn strangers(rsa: &Value, count: u8) -> Vec<Value> {
    (0..count)
        .map(|at| {
            let mut n = vec![0xa5; 256];
            n[100] = at;
            but(rsa, json!({"n": b64(n)}))
        })
        .collect()
}

fn by_kid(m: &mut Minter, rsa: &Value, p256: &Value) {
    m.group = "kid";
    for (id, kid) in [
        ("unknown", "other"),
        ("case", "RSA"),
        ("prefix", "rs"),
        ("longer", "rsa1"),
        ("blank", "rsa "),
        ("empty", ""),
        ("path", "../rsa"),
        ("nul", "rsa\0"),
        ("injection", "rsa' OR '1'='1"),
        ("url", "https://evil.example/rsa"),
        ("not-ascii", "rs\u{0430}"),
        ("of-another-type", "p256"),
        ("of-ed25519", "ed25519"),
    ] {
        m.header(
            id,
            "no key of this name fits",
            &json!({"alg": "RS256", "kid": kid}),
            reject("key"),
        );
    }
    m.header(
        "long",
        "a name of 4,000 characters",
        &json!({"alg": "RS256", "kid": "k".repeat(4000)}),
        reject("key"),
    );
    for (id, kid) in [
        ("number", json!(1)),
        ("null", json!(null)),
        ("array", json!(["rsa"])),
        ("object", json!({})),
    ] {
        m.header(
            id,
            "a name of another JSON type",
            &json!({"alg": "RS256", "kid": kid}),
            reject("malformed key"),
        );
    }
    for (alg, kid) in [
        ("ES256", "p384"),
        ("ES384", "p256"),
        ("ES256", "rsa"),
        ("RS384", "p384"),
    ] {
        let token = m
            .forge
            .token_with(alg, &json!({"alg": alg, "kid": kid}), &claims());
        m.token(
            &format!("{alg}-with-{kid}"),
            "the key of this name is for something else",
            token,
            reject("key"),
        );
    }
    let nameless = |key: &Value| {
        let mut key = key.clone();
        key.as_object_mut().unwrap().remove("kid");
        key
    };
    let named = m.forge.token("RS256", &claims());
    let unnamed = m
        .forge
        .token_with("RS256", &json!({"alg": "RS256"}), &claims());
    m.token(
        "key-without",
        "the key has no name, the token gives one",
        named.clone(),
        set(reject("key"), &[&nameless(rsa)]),
    );
    m.token(
        "neither",
        "neither has a name",
        unnamed.clone(),
        set(accept(), &[&nameless(rsa)]),
    );
    m.token(
        "key-number",
        "the name of the key is no string",
        named.clone(),
        set(reject("key"), &[&but(rsa, json!({"kid": 1}))]),
    );

    m.group = "candidates";
    for count in 1..=6_u8 {
        let others = strangers(rsa, count - 1);
        let mut all: Vec<&Value> = others.iter().collect();
        all.push(rsa);
        let verdict = || if count <= 4 { accept() } else { reject("key") };
        let why = format!("{count} keys fit, the last one is right");
        m.token(
            &format!("{count}-without-kid"),
            &why,
            unnamed.clone(),
            set(verdict(), &all),
        );
        m.token(
            &format!("{count}-of-one-kid"),
            &why,
            named.clone(),
            set(verdict(), &all),
        );
        let mut first = all.clone();
        first.rotate_right(1);
        m.token(
            &format!("{count}-right-one-first"),
            "the first one is right",
            unnamed.clone(),
            set(verdict(), &first),
        );
    }
    let others = strangers(rsa, 4);
    let wrong: Vec<&Value> = others.iter().collect();
    m.token(
        "four-wrong",
        "none of four is right",
        unnamed.clone(),
        set(reject("signature"), &wrong),
    );
    m.token(
        "one-wrong",
        "the only key is not right",
        named.clone(),
        set(reject("signature"), &wrong[..1]),
    );
    for (id, why, spoiled) in [
        (
            "fifth-for-encryption",
            "only four of five are for signatures",
            json!({"use": "enc"}),
        ),
        (
            "fifth-for-another-alg",
            "only four of five are for the algorithm",
            json!({"alg": "RS512"}),
        ),
        (
            "fifth-unusable",
            "only four of five are usable",
            json!({"e": "AQ"}),
        ),
    ] {
        let spoiled = but(&others[0], spoiled);
        let all = [&spoiled, &others[1], &others[2], &others[3], rsa];
        m.token(id, why, unnamed.clone(), set(accept(), &all));
    }
    let same_name = but(p256, json!({"kid": "rsa"}));
    m.token(
        "one-kid-two-types",
        "two keys of one name, of two types",
        named.clone(),
        set(accept(), &[&same_name, rsa]),
    );
    let token = m
        .forge
        .token_with("ES256", &json!({"alg": "ES256", "kid": "rsa"}), &claims());
    m.token(
        "one-kid-two-types-ec",
        "two keys of one name, of two types",
        token,
        set(accept(), &[rsa, &same_name]),
    );
    let twin = but(rsa, json!({"kid": "twin"}));
    m.token(
        "two-kids-one-key",
        "one key under two names",
        named.clone(),
        set(accept(), &[&twin, rsa]),
    );
    m.token(
        "two-kids-one-key-unnamed",
        "one key under two names",
        unnamed.clone(),
        set(accept(), &[&twin, rsa]),
    );
    m.token("no-keys", "an empty set", named, set(reject("key"), &[]));
    m.token(
        "no-keys-unnamed",
        "an empty set",
        unnamed.clone(),
        set(reject("key"), &[]),
    );
    m.token(
        "none-fits",
        "only keys of another type",
        unnamed,
        set(reject("key"), &[p256]),
    );
}

fn purpose(m: &mut Minter, rsa: &Value, p256: &Value) {
    m.group = "key-purpose";
    let without_use = |more: Value| {
        let mut key = and(rsa.clone(), more);
        key.as_object_mut().unwrap().remove("use");
        key
    };
    let token = m.forge.token("RS256", &claims());
    let unnamed = m
        .forge
        .token_with("RS256", &json!({"alg": "RS256"}), &claims());
    for (id, why, key) in [
        (
            "use-enc",
            "the key is for encryption",
            but(rsa, json!({"use": "enc"})),
        ),
        (
            "use-upper",
            "values depend on case",
            but(rsa, json!({"use": "SIG"})),
        ),
        (
            "use-other",
            "the key is for something else",
            but(rsa, json!({"use": "wrong usage"})),
        ),
        ("use-array", "no string", but(rsa, json!({"use": ["sig"]}))),
        (
            "ops-encrypt",
            "the key is for encryption",
            without_use(json!({"key_ops": ["encrypt"]})),
        ),
        (
            "ops-wrap",
            "the key is for wrapping",
            without_use(json!({"key_ops": ["wrapKey", "unwrapKey"]})),
        ),
        (
            "ops-sign",
            "the key is for signing alone",
            without_use(json!({"key_ops": ["sign"]})),
        ),
        (
            "ops-string",
            "no list",
            without_use(json!({"key_ops": "verify"})),
        ),
        (
            "use-enc-ops-verify",
            "the two contradict each other",
            but(rsa, json!({"use": "enc", "key_ops": ["verify"]})),
        ),
        (
            "alg-other",
            "the key is for another algorithm",
            but(rsa, json!({"alg": "RS384"})),
        ),
        (
            "alg-pss",
            "the key is for another algorithm",
            but(rsa, json!({"alg": "PS256"})),
        ),
        (
            "alg-encryption",
            "the key is for encryption",
            but(rsa, json!({"alg": "RSA-OAEP"})),
        ),
        (
            "alg-of-ec",
            "an algorithm that the key cannot serve",
            but(rsa, json!({"alg": "ES256"})),
        ),
        (
            "alg-unknown",
            "an algorithm that is none",
            but(rsa, json!({"alg": "SHA256"})),
        ),
        (
            "alg-hmac",
            "an algorithm that is none",
            but(rsa, json!({"alg": "HS256"})),
        ),
        (
            "alg-none",
            "an algorithm that is none",
            but(rsa, json!({"alg": "none"})),
        ),
        (
            "alg-lower",
            "names depend on case",
            but(rsa, json!({"alg": "rs256"})),
        ),
        ("alg-number", "no string", but(rsa, json!({"alg": 256}))),
    ] {
        m.token(id, why, token.clone(), set(reject("key"), &[&key]));
        m.token(
            &format!("{id}-unnamed"),
            why,
            unnamed.clone(),
            set(reject("key"), &[&key]),
        );
    }
    for (id, why, key) in [
        (
            "nothing-said",
            "the key says nothing of its purpose",
            without_use(json!({})),
        ),
        (
            "ops-verify",
            "the key is for verifying",
            without_use(json!({"key_ops": ["verify"]})),
        ),
        (
            "use-and-ops",
            "both say the same",
            but(rsa, json!({"key_ops": ["verify"], "ext": true})),
        ),
        (
            "alg",
            "the algorithm of the token",
            but(rsa, json!({"alg": "RS256"})),
        ),
        (
            "unknown-members",
            "members that nobody knows",
            but(
                rsa,
                json!({"x5c": ["AAAA"], "x5t": "AAAA", "foo": {"d": 1}}),
            ),
        ),
    ] {
        m.token(id, why, token.clone(), set(accept(), &[&key]));
    }
    let wrong_alg = but(p256, json!({"alg": "ES384"}));
    let ec = m.forge.token("ES256", &claims());
    m.token(
        "alg-of-another-curve",
        "an algorithm that the key cannot serve",
        ec,
        set(reject("key"), &[&wrong_alg]),
    );
    let asked = json!({"allowed_algs": ["EdDSA"]});
    for alg in ["EdDSA", "Ed25519"] {
        let token = ed25519_token(&json!({"alg": "EdDSA", "kid": "ed25519"}), &claims());
        let key = but(&ed25519_jwk(), json!({"alg": alg}));
        m.token(
            &format!("alg-{alg}"),
            "two names of one algorithm",
            token,
            and(set(accept(), &[&key]), asked.clone()),
        );
    }
}

/// RSA numbers.
fn material(m: &mut Minter, rsa: &Value) {
    m.group = "key-rsa";
    for (id, why, name, verdict) in [
        ("1024", "too short", "rsa-1024", reject("key")),
        ("2047", "one bit too short", "rsa-2047", reject("key")),
        ("e-3", "the smallest exponent", "rsa-2048-e3", accept()),
        (
            "e-2-33-plus-1",
            "an exponent beyond the largest",
            "rsa-2048-e2-33-plus-1",
            reject("key"),
        ),
    ] {
        let key = Rsa::read(name);
        let token = key.token("odd", &claims());
        m.token(id, why, token, set(verdict, &[&key.jwk("odd")]));
    }
    let one = signed_with_exponent_one("rsa", 256, &claims());
    m.token(
        "e-1",
        "under the exponent 1 anybody can sign",
        one,
        set(reject("key"), &[&but(rsa, json!({"e": "AQ"}))]),
    );
    let token = m.forge.token("RS256", &claims());
    let huge = Rsa::read("rsa-16384");
    let n_text = rsa["n"].as_str().unwrap();
    let n: Vec<u8> = Rsa::read("issuer-rsa-2048").n;
    assert_eq!(b64(&n), n_text);
    let mut even = n.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    for (id, why, more) in [
        (
            "16384",
            "too long",
            json!({"n": b64(&huge.n), "e": b64(&huge.e)}),
        ),
        (
            "8193",
            "one bit too long",
            json!({"n": b64([&[1][..], &[0xff; 1024]].concat())}),
        ),
        ("e-0", "no exponent", json!({"e": "AA"})),
        ("e-2", "an even exponent", json!({"e": "Ag"})),
        ("e-65536", "an even exponent", json!({"e": "AQAA"})),
        (
            "e-long",
            "an exponent that takes a day",
            json!({"e": n_text}),
        ),
        ("e-empty", "no exponent", json!({"e": ""})),
        ("e-number", "no string", json!({"e": 65537})),
        ("e-null", "no string", json!({"e": null})),
        ("n-even", "an even modulus", json!({"n": b64(&even)})),
        ("n-empty", "no modulus", json!({"n": ""})),
        ("n-zero", "no modulus", json!({"n": "AA"})),
        ("n-cut", "an octet is missing", json!({"n": b64(&n[..255])})),
        (
            "n-placeholder",
            "no base64url",
            json!({"n": "your-modulus-here"}),
        ),
        (
            "n-standard-alphabet",
            "no base64url",
            json!({"n": n_text.replace('-', "+").replace('_', "/")}),
        ),
        (
            "n-blank",
            "no base64url",
            json!({"n": format!("{n_text} ")}),
        ),
        ("n-number", "no string", json!({"n": 1})),
        ("kty-lower", "names depend on case", json!({"kty": "rsa"})),
        ("kty-ec", "another type", json!({"kty": "EC"})),
        ("kty-oct", "another type", json!({"kty": "oct"})),
        ("kty-null", "no type", json!({"kty": null})),
        (
            "private",
            "the private half is published",
            json!({"d": b64([1; 256])}),
        ),
        (
            "private-primes",
            "the private half is published",
            json!({"p": "AQ", "q": "AQ"}),
        ),
        (
            "private-null",
            "the private half is named",
            json!({"d": null}),
        ),
        ("symmetric", "a secret is published", json!({"k": "AAAA"})),
    ] {
        m.token(
            id,
            why,
            token.clone(),
            set(reject("key"), &[&but(rsa, more)]),
        );
    }
    for member in ["kty", "n", "e"] {
        let mut key = rsa.clone();
        key.as_object_mut().unwrap().remove(member);
        m.token(
            &format!("{member}-missing"),
            "a member is missing",
            token.clone(),
            set(reject("key"), &[&key]),
        );
    }
    for (id, why, more) in [
        (
            "n-leading-zero",
            "an octet of zeros before the modulus, as some publish",
            json!({"n": b64([&[0], n.as_slice()].concat())}),
        ),
        (
            "n-padded",
            "padded, as some publish",
            json!({"n": padded(n_text)}),
        ),
        (
            "e-leading-zero",
            "zeros before the exponent",
            json!({"e": "AAEAAQ"}),
        ),
    ] {
        let verdict = if id == "e-leading-zero" {
            crate::choice(accept())
        } else {
            accept()
        };
        m.token(id, why, token.clone(), set(verdict, &[&but(rsa, more)]));
    }
    // A good key that is twice there as a bad one.
    let bad = but(rsa, json!({"e": "AQ"}));
    m.token(
        "bad-twin",
        "an unusable entry of the same name",
        token,
        set(accept(), &[&bad, rsa]),
    );
}

/// Points, and Ed25519.
fn curves(m: &mut Minter, p256: &Value, p384: &Value) {
    m.group = "key-curve";
    let pad = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    for (alg, key) in [("ES256", p256), ("ES384", p384)] {
        let token = m.forge.token(alg, &claims());
        let octets = |name: &str| {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD
                .decode(key[name].as_str().unwrap())
                .unwrap()
        };
        let (x, y) = (octets("x"), octets("y"));
        let mut moved = y.clone();
        *moved.last_mut().unwrap() ^= 1;
        let other_curve = if alg == "ES256" { "P-384" } else { "P-256" };
        for (id, why, more) in [
            ("off", "a point beside the curve", json!({"y": b64(&moved)})),
            (
                "swapped",
                "a point beside the curve",
                json!({"x": b64(&y), "y": b64(&x)}),
            ),
            (
                "infinity",
                "no point",
                json!({"x": b64(vec![0; x.len()]), "y": b64(vec![0; y.len()])}),
            ),
            (
                "beyond-the-field",
                "numbers larger than the field",
                json!({"x": b64(vec![0xff; x.len()])}),
            ),
            ("x-short", "an octet is missing", json!({"x": b64(&x[1..])})),
            (
                "x-long",
                "an octet too many",
                json!({"x": b64([&[0], x.as_slice()].concat())}),
            ),
            ("y-empty", "no number", json!({"y": ""})),
            ("y-null", "no string", json!({"y": null})),
            (
                "other-curve",
                "the coordinates of another curve",
                json!({"crv": other_curve}),
            ),
            (
                "unknown-curve",
                "a curve that nobody uses here",
                json!({"crv": "secp256k1"}),
            ),
            (
                "curve-lower",
                "names depend on case",
                json!({"crv": "p-256"}),
            ),
            (
                "private",
                "the private half is published",
                json!({"d": b64([1; 32])}),
            ),
        ] {
            m.token(
                &format!("{alg}-{id}"),
                why,
                token.clone(),
                set(reject("key"), &[&but(key, more)]),
            );
        }
        let padded =
            json!({"x": pad(key["x"].as_str().unwrap()), "y": pad(key["y"].as_str().unwrap())});
        m.token(
            &format!("{alg}-padded"),
            "padded, as some publish",
            token,
            set(accept(), &[&but(key, padded)]),
        );
    }
    let ed = ed25519_jwk();
    let token = ed25519_token(&json!({"alg": "EdDSA", "kid": "ed25519"}), &claims());
    let asked = json!({"allowed_algs": ["EdDSA", "RS256"]});
    let mut identity = [0; 32];
    identity[0] = 1;
    for (id, why, more) in [
        (
            "low-order",
            "a point under which anybody can sign",
            json!({"x": b64(identity)}),
        ),
        (
            "zeros",
            "a point under which anybody can sign",
            json!({"x": b64([0; 32])}),
        ),
        ("short", "an octet is missing", json!({"x": b64([7; 31])})),
        (
            "x25519",
            "a key for key agreement",
            json!({"crv": "X25519"}),
        ),
        (
            "ed448",
            "a curve that is not offered",
            json!({"crv": "Ed448"}),
        ),
        ("as-ec", "another type", json!({"kty": "EC"})),
        (
            "private",
            "the private half is published",
            json!({"d": b64([7; 32])}),
        ),
    ] {
        m.token(
            &format!("ed25519-{id}"),
            why,
            token.clone(),
            and(set(reject("key"), &[&but(&ed, more)]), asked.clone()),
        );
    }
    m.token(
        "ed25519",
        "as it should be",
        token,
        and(set(accept(), &[&ed]), asked.clone()),
    );
    let header = json!({"alg": "EdDSA", "kid": "rsa"});
    m.token(
        "eddsa-with-rsa",
        "the key of this name is for something else",
        ed25519_token(&header, &claims()),
        and(reject("key"), asked),
    );
}

/// A key behind so many entries that nobody can use.
fn behind(count: usize, key: &Value) -> Vec<Value> {
    let mut keys = vec![json!({"kty": "AKP"}); count];
    keys.push(key.clone());
    keys
}

/// The set as a whole.
fn sets(m: &mut Minter, rsa: &Value) {
    m.group = "jwks";
    let token = m.forge.token("RS256", &claims());
    let whole = |verdict: Value, jwks: Value| and(verdict, json!({ "jwks": jwks }));
    let pem = fixture::text("keys/issuer-rsa-2048.certificate.pem");
    for (id, why, jwks) in [
        ("no-member", "no keys", json!({})),
        (
            "keys-object",
            "keys is no array",
            json!({"keys": {"0": rsa}}),
        ),
        ("keys-string", "keys is no array", json!({"keys": "x"})),
        ("keys-null", "keys is no array", json!({"keys": null})),
        ("keys-upper", "names depend on case", json!({"Keys": [rsa]})),
        ("bare-jwk", "a single key", rsa.clone()),
        ("array", "a list of keys", json!([rsa])),
        ("certificates", "a map of certificates", json!({"rsa": pem})),
        (
            "257-keys",
            "one entry too many",
            json!({"keys": behind(256, rsa)}),
        ),
        (
            "too-long",
            "more than 256 KiB",
            json!({"keys": [rsa], "x": "x".repeat(256 * 1024)}),
        ),
    ] {
        m.token(id, why, token.clone(), whole(reject("key"), jwks));
    }
    let full = behind(255, rsa);
    m.token(
        "256-keys",
        "as many entries as are allowed",
        token.clone(),
        whole(accept(), json!({"keys": full})),
    );
    m.token(
        "other-members",
        "members that nobody knows",
        token.clone(),
        whole(accept(), json!({"keys": [rsa], "issuer": 1, "x": {}})),
    );
    let neighbours = [
        ("null", json!(null)),
        ("number", json!(1)),
        ("string", json!("rsa")),
        ("array", json!([])),
        ("empty", json!({})),
        (
            "post-quantum",
            json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "pq"}),
        ),
        ("ed448", json!({"kty": "OKP", "crv": "Ed448", "x": "AAAA"})),
        (
            "brainpool",
            json!({"kty": "EC", "crv": "BP-256", "x": "AAAA", "y": "AAAA"}),
        ),
        (
            "encryption",
            json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "n": rsa["n"], "e": "AQAB", "kid": "enc"}),
        ),
        (
            "symmetric",
            json!({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "rsa"}),
        ),
        (
            "placeholder",
            json!({"kty": "RSA", "n": "your-modulus-here", "e": "AQAB", "kid": "x"}),
        ),
        ("short", json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
    ];
    for (name, neighbour) in &neighbours {
        m.token(
            &format!("beside-{name}"),
            "an unusable entry does not hurt the others",
            token.clone(),
            set(accept(), &[neighbour, rsa]),
        );
    }
    let mut all: Vec<&Value> = neighbours.iter().map(|(_, it)| it).collect();
    all.push(rsa);
    m.token(
        "beside-all",
        "unusable entries do not hurt the others",
        token.clone(),
        set(accept(), &all),
    );
    let other = Forge::other().jwks();
    m.token(
        "of-another",
        "the keys of somebody else, under the same names",
        token,
        whole(reject("signature"), other),
    );
    let oct = json!({"kty": "oct", "k": "AAAA", "kid": kid_of("RS256")});
    let token = m.forge.token("RS256", &claims());
    m.token(
        "symmetric-alone",
        "a secret of the same name",
        token,
        set(reject("key"), &[&oct]),
    );
}
