//! Key sets of many kinds, of which one key is the one that signs, and keys that are replaced whole.

use serde_json::{Value, json};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, Jwk, base64url};

use super::fault::Act::{Body, Keys};
use super::fault::At::Jwks;
use super::fault::{Fault, fault};
use super::moment::Moment;

const NAMELESS: &str = "try the keys that fit, or refuse: a kid that is given must be in the set";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "replacement-before-signing",
        "all keys are replaced just before the ID token is signed, and the former ones are gone",
        "look once whether the set has changed, and accept the ID token",
        "OpenID Connect Core 10.1.1",
        Keys(|keys| {
            // A key that cannot be made leaves the one that is there.
            if keys.rotate().is_ok() {
                keys.withdraw_former();
            }
        }),
    ),
    fault(
        "nameless-key-of-each-kind",
        "no key has a name or an algorithm, and others are of other types",
        NAMELESS,
        "RFC 7517 4.5",
        Body(Jwks, |it, at| nameless(it, 1, at)),
    ),
    fault(
        "nameless-keys-of-each-kind",
        "no key has a name or an algorithm: three RSA keys, of which the last one signs, and three of each other type",
        NAMELESS,
        "RFC 7517 4.5",
        Body(Jwks, |it, at| nameless(it, 3, at)),
    ),
    fault(
        "keys-of-unknown-types-beside",
        "keys of types that nobody knows are in front of the one that signs",
        "ignore what is not understood, and accept the ID token",
        "RFC 7517 5",
        Body(Jwks, |it, _| {
            let unknown = [
                json!({ "kty": "AKP", "alg": "ML-DSA-0", "kid": "later", "use": "sig", "pub": "AAAA" }),
                json!({ "kty": "of-no-standard", "alg": "of-no-standard", "kid": "odd", "use": "sig" }),
            ];
            put_in_front(it, unknown.to_vec());
        }),
    ),
];

/// So many keys of each type, the published ones last, without names.
fn nameless(set: &mut Value, of_each: usize, at: &Moment<'_>) {
    let mut others = Vec::new();
    for _ in 0..of_each {
        others.extend([Algorithm::ES256, Algorithm::EdDSA].map(|it| key(it, at)));
        others.push(json!({
            "kty": "EC", "crv": "secp256k1", "use": "sig",
            "x": random::<32>(at), "y": random::<32>(at),
        }));
    }
    for _ in 1..of_each {
        others.push(rsa(at));
    }
    put_in_front(set, others);
    let keys = set.get_mut("keys").and_then(Value::as_array_mut);
    for key in keys.into_iter().flatten() {
        if let Some(members) = key.as_object_mut() {
            members.retain(|name, _| name != "kid" && name != "alg");
        }
    }
}

fn put_in_front(set: &mut Value, others: Vec<Value>) {
    if let Some(keys) = set.get_mut("keys").and_then(Value::as_array_mut) {
        keys.splice(0..0, others);
    }
}

fn key(algorithm: Algorithm, at: &Moment<'_>) -> Value {
    let key = PrivateKey::generate(algorithm, at.provider).ok();
    let jwk = key.and_then(|it| Jwk::new(it.public_key(), "nameless".to_owned(), algorithm).ok());
    jwk.and_then(|it| serde_json::to_value(it).ok())
        .unwrap_or_default()
}

fn random<const OCTETS: usize>(at: &Moment<'_>) -> String {
    let octets = at.provider.random::<OCTETS>();
    base64url::encode(octets.unwrap_or([0xC5; OCTETS]))
}

/// A key of 2048 bits to which nobody has the other half: an odd number of random octets.
fn rsa(at: &Moment<'_>) -> Value {
    let mut n = at.provider.random::<256>().unwrap_or([0xC5; 256]);
    let [first, .., last] = &mut n;
    *first |= 0x80;
    *last |= 1;
    json!({ "kty": "RSA", "use": "sig", "n": base64url::encode(n), "e": "AQAB" })
}
