//! The header: algorithms, types, extensions, and what is ignored.

use serde_json::{Value, json};
use smart_tests::fixture;
use smart_tests::forge::{Forge, b64, ed25519_token, hs256};

use crate::{Minter, accept, and, choice, claims, reject};

pub(crate) fn mint(m: &mut Minter) {
    algorithms(m);
    allowed(m);
    kinds(m);
    extensions(m);
    ignored(m);
}

fn algorithms(m: &mut Minter) {
    m.group = "alg";
    for (id, alg) in [
        ("none", "none"),
        ("none-capital", "None"),
        ("none-upper", "NONE"),
        ("none-mixed", "nOnE"),
        ("none-blank", "none "),
        ("blank-none", " none"),
        ("empty", ""),
        ("lower", "rs256"),
        ("blank", "RS256 "),
        ("null-text", "null"),
        ("hs256", "HS256"),
        ("es256k", "ES256K"),
        ("rs1", "RS1"),
        ("rsa-oaep", "RSA-OAEP"),
        ("look-alike", "R\u{0405}256"),
        ("two", "RS256,none"),
    ] {
        let header = json!({"alg": alg, "kid": "rsa"});
        m.header(id, "no such algorithm", &header, reject("algorithm"));
    }
    for alg in ["RS512", "PS256", "PS384", "PS512"] {
        let token = m.forge.token(alg, &claims());
        m.token(
            &format!("not-accepted-{alg}"),
            "not among those that are accepted",
            token,
            reject("algorithm"),
        );
    }
    let token = ed25519_token(&json!({"alg": "EdDSA", "kid": "ed25519"}), &claims());
    m.token(
        "not-accepted-EdDSA",
        "not among those that are accepted",
        token,
        reject("algorithm"),
    );
    m.header(
        "missing",
        "no algorithm",
        &json!({"kid": "rsa"}),
        reject("algorithm malformed"),
    );
    for (id, alg) in [
        ("number", json!(256)),
        ("null", json!(null)),
        ("array", json!(["RS256"])),
        ("object", json!({"alg": "RS256"})),
        ("true", json!(true)),
    ] {
        m.header(
            id,
            "an algorithm of another JSON type",
            &json!({"alg": alg, "kid": "rsa"}),
            reject("malformed algorithm"),
        );
    }
    for (id, header) in [
        ("none-unsigned", r#"{"alg":"none"}"#),
        (
            "none-unsigned-kid",
            r#"{"alg":"none","kid":"rsa","typ":"JWT"}"#,
        ),
    ] {
        let input = format!("{}.{}", b64(header), b64(claims().to_string()));
        m.token(
            id,
            "not signed at all",
            format!("{input}."),
            reject("malformed algorithm"),
        );
        m.token(
            &format!("{id}-with-octets"),
            "not signed, with something in its place",
            format!("{input}.AAAA"),
            reject("algorithm"),
        );
    }
    // The public key in every form in which somebody could take it for a secret.
    let pem = fixture::text("keys/issuer-rsa-2048.spki.pem");
    let der = pem_rfc7468::decode_vec(pem.trim().as_bytes()).unwrap().1;
    let jwk = m.forge.jwks()["keys"][0].clone();
    let modulus = jwk["n"].as_str().unwrap().to_owned();
    for (id, secret) in [
        ("pem", pem.as_bytes().to_vec()),
        ("pem-trimmed", pem.trim().as_bytes().to_vec()),
        ("pem-crlf", pem.replace('\n', "\r\n").into_bytes()),
        ("der", der),
        ("jwk", jwk.to_string().into_bytes()),
        ("modulus", modulus.into_bytes()),
        ("nothing", Vec::new()),
    ] {
        let input = format!(
            "{}.{}",
            b64(r#"{"alg":"HS256","kid":"rsa"}"#),
            b64(claims().to_string())
        );
        let token = format!("{input}.{}", b64(hs256(&secret, input.as_bytes())));
        m.token(
            &format!("hs256-with-{id}"),
            "the public key as a secret",
            token.clone(),
            reject("algorithm"),
        );
        if id == "pem" {
            let asked = and(reject("algorithm"), json!({"allowed_algs": ["HS256"]}));
            m.token(
                "hs256-asked-for",
                "there is no HMAC, whoever asks",
                token,
                asked,
            );
        }
    }
}

/// What the caller accepts.
fn allowed(m: &mut Minter) {
    m.group = "allowed";
    let good = m.forge.token("RS256", &claims());
    let list = |verdict: Value, algs: Value| and(verdict, json!({"allowed_algs": algs}));
    for (id, why, algs) in [
        ("empty", "nothing is accepted", json!([])),
        ("none", "there is no such algorithm", json!(["none"])),
        ("hs256", "there is no such algorithm", json!(["HS256"])),
        ("unknown", "there is no such algorithm", json!(["RS257"])),
        ("lower", "names depend on case", json!(["rs256"])),
        (
            "with-none",
            "one name of the list is none",
            json!(["RS256", "none"]),
        ),
        (
            "with-hs256",
            "one name of the list is none",
            json!(["RS256", "HS256"]),
        ),
        (
            "with-empty",
            "one name of the list is none",
            json!(["RS256", ""]),
        ),
        ("other", "another one", json!(["ES384"])),
        (
            "others",
            "others of the same key",
            json!(["RS384", "RS512", "PS256"]),
        ),
    ] {
        m.token(id, why, good.clone(), list(reject("algorithm"), algs));
    }
    m.token(
        "only",
        "the one that is used",
        good.clone(),
        list(accept(), json!(["RS256"])),
    );
    m.token(
        "twice",
        "named twice",
        good.clone(),
        list(accept(), json!(["RS256", "RS256"])),
    );
    m.token(
        "all",
        "among all that there are",
        good,
        list(
            accept(),
            json!([
                "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"
            ]),
        ),
    );
}

fn kinds(m: &mut Minter) {
    m.group = "typ";
    for (id, typ) in [
        ("at-jwt", "at+jwt"),
        ("at-jwt-long", "application/at+jwt"),
        ("logout", "logout+jwt"),
        ("event", "secevent+jwt"),
        ("dpop", "dpop+jwt"),
        ("jose", "JOSE"),
        ("jws", "JWS"),
        ("text", "text/jwt"),
        ("empty", ""),
        ("blank", "JWT "),
        ("parameter", "application/jwt; charset=utf-8"),
        ("id-token", "id_token"),
    ] {
        m.header(
            id,
            "another kind of token",
            &json!({"alg": "RS256", "kid": "rsa", "typ": typ}),
            reject("claims malformed"),
        );
    }
    for (id, typ) in [
        ("number", json!(1)),
        ("null", json!(null)),
        ("array", json!(["JWT"])),
    ] {
        m.header(
            id,
            "typ of another JSON type",
            &json!({"alg": "RS256", "kid": "rsa", "typ": typ}),
            reject("malformed claims"),
        );
    }
}

fn extensions(m: &mut Minter) {
    m.group = "crit";
    for (id, why, more) in [
        ("unknown", "not understood", json!({"crit": ["x"], "x": 1})),
        (
            "absent",
            "names a member that is not there",
            json!({"crit": ["x"]}),
        ),
        ("empty", "an empty list", json!({"crit": []})),
        ("string", "no list", json!({"crit": "exp"})),
        ("null", "no list", json!({"crit": null})),
        ("object", "no list", json!({"crit": {}})),
        ("false", "no list", json!({"crit": false})),
        ("numbers", "no list of names", json!({"crit": [1]})),
        (
            "twice",
            "names a member twice",
            json!({"crit": ["x", "x"], "x": 1}),
        ),
        (
            "registered",
            "names a registered member",
            json!({"crit": ["alg"]}),
        ),
        (
            "typ",
            "names a registered member",
            json!({"crit": ["typ"], "typ": "JWT"}),
        ),
        (
            "b64",
            "an unencoded payload",
            json!({"crit": ["b64"], "b64": false}),
        ),
        (
            "b64-true",
            "an extension all the same",
            json!({"crit": ["b64"], "b64": true}),
        ),
        (
            "exp",
            "an extension that some issuers send",
            json!({"crit": ["exp"], "exp": 1}),
        ),
    ] {
        let header = and(json!({"alg": "RS256", "kid": "rsa"}), more);
        m.header(id, why, &header, reject("crit"));
    }
    m.group = "content";
    for (id, why, more) in [
        ("b64-false", "an unencoded payload", json!({"b64": false})),
        ("zip", "a compressed payload", json!({"zip": "DEF"})),
        ("zip-unknown", "a compressed payload", json!({"zip": "x"})),
        ("cty-jwt", "a token in a token", json!({"cty": "JWT"})),
        ("cty-jwt-lower", "a token in a token", json!({"cty": "jwt"})),
        (
            "cty-jwt-long",
            "a token in a token",
            json!({"cty": "application/jwt"}),
        ),
    ] {
        let header = and(json!({"alg": "RS256", "kid": "rsa"}), more);
        m.header(id, why, &header, reject("malformed"));
    }
    let header = json!({"alg": "RS256", "kid": "rsa", "cty": "json"});
    m.header(
        "cty-json",
        "what the payload is anyway",
        &header,
        choice(accept()),
    );
    let inner = m.forge.token("RS256", &claims());
    let token = m
        .forge
        .raw_token("RS256", br#"{"alg":"RS256","kid":"rsa"}"#, inner.as_bytes());
    m.token(
        "nested",
        "a token where the claims should be",
        token,
        reject("malformed"),
    );
}

/// Keys and addresses in a header are hints from whoever made it.
fn ignored(m: &mut Minter) {
    m.group = "hint";
    let other = Forge::other();
    let stranger = other.jwks()["keys"][0].clone();
    let own = m.forge.jwks()["keys"][0].clone();
    for (id, more) in [
        ("jwk", json!({"jwk": own})),
        ("jwk-of-another", json!({"jwk": stranger})),
        ("jwk-no-object", json!({"jwk": 1})),
        ("jku", json!({"jku": "https://evil.example/jwks"})),
        ("jku-local", json!({"jku": "http://127.0.0.1/jwks"})),
        ("x5u", json!({"x5u": "https://evil.example/cert.pem"})),
        ("x5c", json!({"x5c": ["AAAA"]})),
        ("x5t", json!({"x5t": "AAAA", "x5t#S256": "AAAA"})),
        (
            "claims",
            json!({"iss": "https://evil.example", "aud": "other", "nonce": "x"}),
        ),
        ("unknown", json!({"x": {"alg": "none", "crit": ["x"]}})),
    ] {
        let header = and(json!({"alg": "RS256", "kid": "rsa"}), more);
        m.header(
            id,
            "ignored beside the issuer's signature",
            &header,
            accept(),
        );
    }
    for (id, header) in [
        ("attacker-jwk", json!({"alg": "RS256", "jwk": stranger})),
        (
            "attacker-jwk-kid",
            json!({"alg": "RS256", "kid": "rsa", "jwk": stranger}),
        ),
        (
            "attacker-jku",
            json!({"alg": "RS256", "kid": "rsa", "jku": "https://evil.example/jwks"}),
        ),
        (
            "attacker-x5c",
            json!({"alg": "RS256", "kid": "rsa", "x5c": [b64("certificate")]}),
        ),
    ] {
        let token = other.token_with("RS256", &header, &claims());
        m.token(
            id,
            "a key that comes with the token is nobody's",
            token,
            reject("signature"),
        );
    }
    let header =
        json!({"alg": "RS256", "kid": "mine", "jwk": and(stranger, json!({"kid": "mine"}))});
    let token = other.token_with("RS256", &header, &claims());
    m.token(
        "attacker-jwk-own-kid",
        "a key that comes with the token is nobody's",
        token.clone(),
        reject("key"),
    );
    let none = and(reject("key"), json!({"jwks": {"keys": []}}));
    m.token(
        "attacker-jwk-no-keys",
        "also where the issuer has none",
        token,
        none,
    );
}
