//! Keys that change at the wrong time, and key sets that are none.

use axum::response::Response;
use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use smart_jose::Algorithm;
use smart_jose::key::PrivateKey;
use smart_jose::{Jwk, base64url};

use super::fault::Act::{Answer, Body, Head, Keys, Late};
use super::fault::At::Jwks;
use super::fault::{Fault, fault};
use super::moment::Moment;
use super::wrong;

const ROTATION: &str = "OpenID Connect Core 10.1.1";
const REFUSE: &str = "refuse the ID token: no key of the issuer is known";
const UNUSABLE: &str = "refuse the ID token: the key must not be used";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "rotation-before-signing",
        "the keys change just before the ID token is signed",
        "look once whether the set has changed, and accept the ID token",
        ROTATION,
        Keys(|keys| {
            // A key that cannot be made leaves the one that is there.
            let _ = keys.rotate();
        }),
    ),
    fault(
        "key-withdrawn",
        "the set has another key than the one that signs",
        "refuse the ID token, after one look whether the set has changed",
        ROTATION,
        Body(Jwks, another_key),
    ),
    fault(
        "key-changed-under-its-name",
        "the set has another key under the name of the one that signs",
        "refuse the ID token",
        ROTATION,
        Body(Jwks, changed_key),
    ),
    fault(
        "keys-without-names",
        "the keys of the set have no names",
        "try the keys that fit, or refuse: a kid that is given must be in the set",
        "RFC 7517 4.5",
        Body(Jwks, |it, _| each(it, |key| drop_member(key, "kid"))),
    ),
    fault(
        "jwks-late",
        "the key set comes after ten seconds",
        "wait for a bounded time",
        "RFC 7517 5",
        Late(Jwks),
    ),
    fault(
        "jwks-huge",
        "the key set has eight megabytes",
        "read no more than a bound",
        "CVE-2025-61920",
        Answer(Jwks, wrong::huge),
    ),
    fault(
        "jwks-many-keys",
        "the key set has ten thousand keys",
        "refuse the set whole",
        "RFC 7517 5",
        Body(Jwks, |it, _| {
            put(it, "keys", json!(vec![json!({ "kty": "RSA" }); 10_000]));
        }),
    ),
    fault(
        "jwks-deep",
        "the key set is nested five thousand deep",
        "refuse it without a stack overflow",
        "CVE-2025-53864",
        Answer(Jwks, wrong::deep),
    ),
    fault(
        "jwks-broken",
        "the key set is cut short",
        REFUSE,
        "RFC 7517 5",
        Answer(Jwks, wrong::broken),
    ),
    fault(
        "jwks-page",
        "the key set is a page",
        REFUSE,
        "RFC 7517 8.5",
        Answer(Jwks, wrong::page),
    ),
    fault(
        "jwks-failing",
        "the key set answers 500",
        "refuse the ID token while no key is held, and keep those that are",
        "CVE-2026-48524",
        Answer(Jwks, wrong::failing),
    ),
    fault(
        "jwks-moved",
        "the key set redirects to another host",
        "follow no redirect",
        "CVE-2026-102267",
        Answer(Jwks, wrong::moved),
    ),
    fault(
        "jwks-moved-inside",
        "the key set redirects to the metadata service of a cloud",
        "follow no redirect",
        "CVE-2026-102267",
        Answer(Jwks, wrong::moved_inside),
    ),
    fault(
        "jwks-empty",
        "the key set is empty",
        REFUSE,
        "RFC 7517 5",
        Body(Jwks, |it, _| put(it, "keys", json!([]))),
    ),
    fault(
        "jwks-single-key",
        "there is a key where a set should be",
        "refuse it, and say what it is",
        "RFC 7517 5",
        Body(Jwks, |it, _| {
            let key = it.get("keys").and_then(|it| it.get(0)).cloned();
            *it = key.unwrap_or_default();
        }),
    ),
    fault(
        "jwks-of-certificates",
        "there is a map of certificates where a set should be",
        "refuse it, and say what it is",
        "RFC 7517 5",
        Answer(Jwks, certificates),
    ),
    fault(
        "key-for-encryption",
        "the key is for encryption",
        UNUSABLE,
        "RFC 7517 4.2",
        Body(Jwks, |it, _| each(it, |key| put(key, "use", json!("enc")))),
    ),
    fault(
        "key-for-signing-only",
        "the operations of the key have no verify among them",
        UNUSABLE,
        "RFC 7517 4.3",
        Body(Jwks, |it, _| {
            each(it, |key| {
                drop_member(key, "use");
                put(key, "key_ops", json!(["encrypt"]));
            });
        }),
    ),
    fault(
        "key-of-another-algorithm",
        "the key says another algorithm than the ID token",
        UNUSABLE,
        "RFC 7517 4.4",
        Body(Jwks, |it, _| {
            each(it, |key| put(key, "alg", json!("PS512")));
        }),
    ),
    fault(
        "key-with-private-half",
        "the key is published with its private half",
        "use the key no more: whoever reads the set can sign",
        "RFC 7517 9.2",
        Body(Jwks, |it, _| each(it, |key| put(key, "d", json!("AQAB")))),
    ),
    fault(
        "key-too-short",
        "the key is an RSA key of 1024 bits, or half of a point",
        UNUSABLE,
        "RFC 7518 3.3",
        Body(Jwks, |it, _| {
            each(it, |key| key_of_length(key, 128, 16));
        }),
    ),
    fault(
        "key-too-long",
        "the key is an RSA key of 16384 bits, or a point of as many",
        "refuse the ID token, and spend no time on the key",
        "RFC 7518 3.3",
        Body(Jwks, |it, _| {
            each(it, |key| key_of_length(key, 2048, 2048));
        }),
    ),
    fault(
        "key-of-giant-exponent",
        "the public exponent of the key has two thousand bits",
        "refuse the ID token, and spend no time on the key",
        "RFC 7518 6.3.1.2",
        Body(Jwks, |it, _| {
            each_of("RSA", it, |key| {
                put(key, "e", json!(base64url::encode([0xC5; 250])));
            });
        }),
    ),
    fault(
        "keys-of-one-name",
        "nine keys of the set have the name of the one that signs",
        "refuse the ID token, and try no more than a few keys",
        "RFC 7517 4.5",
        Body(Jwks, same_name),
    ),
    fault(
        "symmetric-key",
        "the set has a symmetric key under the name of the one that signs",
        UNUSABLE,
        "CVE-2026-44699",
        Body(Jwks, |it, _| {
            each(it, |key| {
                put(key, "kty", json!("oct"));
                put(key, "k", json!("AAAA"));
            });
        }),
    ),
    fault(
        "padded-key",
        "the members of the key have padding",
        "read it, as large providers publish such, and say so",
        "RFC 7518 2",
        Body(Jwks, |it, _| {
            each(it, pad);
        }),
    ),
    fault(
        "jwks-of-nothing-usable",
        "the set has a key of an unknown type, a text and a null",
        REFUSE,
        "RFC 7517 5",
        Body(Jwks, |it, _| {
            put(
                it,
                "keys",
                json!([{ "kty": "PQC", "kid": "a" }, "key", null]),
            );
        }),
    ),
    fault(
        "jwks-beside-nonsense",
        "the set has a text, a null and a key of an unknown type beside the good one",
        "pass over what is no key, and accept the ID token",
        "RFC 7517 5",
        Body(Jwks, |it, _| {
            if let Some(keys) = it.get_mut("keys").and_then(Value::as_array_mut) {
                keys.extend([
                    json!({ "kty": "PQC", "kid": "a" }),
                    json!("key"),
                    Value::Null,
                ]);
            }
        }),
    ),
    fault(
        "key-without-algorithm",
        "the keys do not say their algorithm",
        "accept the ID token: the type of the key and the algorithms of the client decide, and never the header alone",
        "CVE-2026-22817",
        Body(Jwks, |it, _| each(it, |key| drop_member(key, "alg"))),
    ),
    fault(
        "key-of-even-exponent",
        "the public exponent of the key is even",
        UNUSABLE,
        "RFC 8017 3.1",
        Body(Jwks, |it, _| {
            each_of("RSA", it, |key| put(key, "e", json!("AQAA")));
        }),
    ),
    fault(
        "key-of-exponent-one",
        "the public exponent of the key is one, so that anybody can sign",
        UNUSABLE,
        "RFC 8017 3.1",
        Body(Jwks, |it, _| {
            each_of("RSA", it, |key| put(key, "e", json!("AQ")));
        }),
    ),
    fault(
        "key-of-even-modulus",
        "the modulus of the key is even",
        UNUSABLE,
        "RFC 8017 3.1",
        Body(Jwks, |it, _| each_of("RSA", it, even_modulus)),
    ),
    fault(
        "key-off-the-curve",
        "the point of the key is not on its curve",
        UNUSABLE,
        "CVE-2017-16007",
        Body(Jwks, |it, _| {
            each_of("EC", it, |key| {
                put(key, "y", json!(base64url::encode([0xC5; 32])))
            });
        }),
    ),
    fault(
        "symmetric-key-of-nothing",
        "the set has a symmetric key of no octets under the name of the one that signs",
        UNUSABLE,
        "CVE-2026-114616",
        Body(Jwks, |it, _| {
            each(it, |key| {
                put(key, "kty", json!("oct"));
                put(key, "k", json!(""));
            });
        }),
    ),
    fault(
        "two-hundred-keys-of-one-name",
        "two hundred keys have the name of the one that signs, which is not among them",
        "refuse the ID token, and try no more than a few keys",
        "RFC 7517 4.5",
        Body(Jwks, two_hundred),
    ),
    fault(
        "jwks-already-old",
        "the key set says that it is a hundred years old, and to keep it for a thousand",
        "keep it by a measure of its own",
        "RFC 9111 5.2.2",
        Head(Jwks, |head| {
            let kept =
                HeaderValue::from_static("max-age=31536000000, s-maxage=99999999999999999999");
            head.headers.insert(CACHE_CONTROL, kept);
            head.headers
                .insert(AGE, HeaderValue::from_static("3153600000"));
        }),
    ),
];

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn drop_member(object: &mut Value, name: &str) {
    if let Some(members) = object.as_object_mut() {
        members.remove(name);
    }
}

fn each(set: &mut Value, act: impl Fn(&mut Value)) {
    let keys = set.get_mut("keys").and_then(Value::as_array_mut);
    keys.into_iter().flatten().for_each(act);
}

fn each_of(key_type: &str, set: &mut Value, act: impl Fn(&mut Value)) {
    each(set, |key| {
        if key.get("kty").is_some_and(|it| it == key_type) {
            act(key);
        }
    });
}

/// The modulus has so many octets, or each coordinate of the point.
fn key_of_length(key: &mut Value, modulus: usize, coordinate: usize) {
    for (name, octets) in [("n", modulus), ("x", coordinate), ("y", coordinate)] {
        if key.get(name).is_some() {
            put(key, name, json!(base64url::encode(vec![0xC5; octets])));
        }
    }
}

fn key(kid: &str, algorithm: Algorithm, at: &Moment<'_>) -> Value {
    let key = PrivateKey::generate(algorithm, at.provider);
    let jwk = key
        .ok()
        .and_then(|it| Jwk::new(it.public_key(), kid.to_owned(), algorithm).ok());
    jwk.and_then(|it| serde_json::to_value(it).ok())
        .unwrap_or_default()
}

fn another_key(set: &mut Value, at: &Moment<'_>) {
    put(
        set,
        "keys",
        json!([key("another-key", Algorithm::ES256, at)]),
    );
}

/// The algorithm of a key on a curve.
fn of_curve(key: &Value) -> Option<Algorithm> {
    match key.get("crv")?.as_str()? {
        "P-256" => Some(Algorithm::ES256),
        "P-384" => Some(Algorithm::ES384),
        "P-521" => Some(Algorithm::ES512),
        "Ed25519" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// The modulus of the key that signs, changed in one bit of its middle, or another point.
fn changed_key(set: &mut Value, at: &Moment<'_>) {
    each(set, |it| {
        if let Some(algorithm) = of_curve(it) {
            let other = key("", algorithm, at);
            for name in ["x", "y"] {
                if let Some(coordinate) = other.get(name) {
                    put(it, name, coordinate.clone());
                }
            }
        }
    });
    each_of("RSA", set, |key| {
        let n = key.get("n").and_then(Value::as_str).unwrap_or_default();
        let (head, tail) = n.split_at_checked(100).unwrap_or((n, ""));
        let other = match tail.strip_prefix('A') {
            Some(rest) => format!("{head}B{rest}"),
            None => format!("{head}A{}", tail.get(1..).unwrap_or_default()),
        };
        put(key, "n", json!(other));
    });
}

fn pad(key: &mut Value) {
    for name in ["n", "x", "y"] {
        if let Some(bare) = key.get(name).and_then(Value::as_str) {
            let padding = "=".repeat((4 - bare.len() % 4) % 4);
            let padded = format!("{bare}{padding}");
            put(key, name, json!(padded));
        }
    }
}

fn same_name(set: &mut Value, at: &Moment<'_>) {
    let decoys = decoys(set, 8, at);
    if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
        keys.splice(0..0, decoys);
    }
}

fn two_hundred(set: &mut Value, at: &Moment<'_>) {
    let decoys = decoys(set, 200, at);
    put(set, "keys", json!(decoys));
}

fn even_modulus(key: &mut Value) {
    let n = key.get("n").and_then(Value::as_str).unwrap_or_default();
    let mut octets = base64url::decode(n).unwrap_or_default();
    if let Some(last) = octets.last_mut() {
        *last &= 0xFE;
    }
    put(key, "n", json!(base64url::encode(octets)));
}

/// So many keys of the type and the name of the one that signs, which is the first.
fn decoys(set: &Value, count: usize, at: &Moment<'_>) -> Vec<Value> {
    let first = set.get("keys").and_then(|it| it.get(0));
    let kid = first.and_then(|it| it.get("kid")).and_then(Value::as_str);
    let kid = kid.unwrap_or_default();
    let algorithm = first.and_then(of_curve);
    let decoy = |_| algorithm.map_or_else(|| rsa_decoy(kid, at), |it| key(kid, it, at));
    (0..count).map(decoy).collect()
}

/// An RSA key of 2048 bits to which nobody has the other half: an odd number of random octets.
fn rsa_decoy(kid: &str, at: &Moment<'_>) -> Value {
    let mut n = at.provider.random::<256>().unwrap_or([0xC5; 256]);
    let [first, .., last] = &mut n;
    *first |= 0x80;
    *last |= 1;
    json!({ "kty": "RSA", "kid": kid, "use": "sig", "n": base64url::encode(n), "e": "AQAB" })
}

fn certificates(_: &Moment<'_>) -> Response {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let map = json!({ "0123456789abcdef": pem });
    wrong::json(StatusCode::OK, map.to_string())
}
