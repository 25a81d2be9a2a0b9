//! Headers of tokens that have another form than they must, and tokens that are spelled otherwise.

use serde_json::{Value, json};
use smart_jose::{Algorithm, base64url};

use super::fault::Act::Forge;
use super::fault::Fault;
use super::fault::Which::First;
use super::forged::{encoded, hs256, of_text, resigned, signed, unsigned, with, with_kid};
use super::moment::{Genuine, Moment};

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&Genuine<'_>, &Moment<'_>) -> String,
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Forge(First, act),
    }
}

const REFUSE: &str = "refuse the ID token";
const KEY_CONFUSION: &str = "refuse the ID token: a public key is no secret";
const ONE_SPELLING: &str = "refuse the ID token: one token has one spelling";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "alg-empty",
        "alg is an empty text, and nobody has signed",
        REFUSE,
        "RFC 7515 4.1.1",
        |it, _| unsigned(it, "", it.parts().2),
    ),
    fault(
        "alg-none-with-a-space",
        "alg is none and a space, and nobody has signed",
        REFUSE,
        "CVE-2026-28802",
        |it, _| unsigned(it, "none ", it.parts().2),
    ),
    fault(
        "alg-null",
        "alg is null",
        "refuse the ID token: a wrong type is not an absent member",
        "RFC 7515 4.1.1",
        |it, _| with_alg(it, Value::Null),
    ),
    fault(
        "alg-number",
        "alg is a number",
        REFUSE,
        "RFC 7515 4.1.1",
        |it, _| with_alg(it, json!(256)),
    ),
    fault(
        "alg-list",
        "alg is a list of the right one and none",
        REFUSE,
        "RFC 7515 4.1.1",
        |it, _| with_alg(it, json!([it.key.algorithm().name(), "none"])),
    ),
    fault(
        "alg-lower-case",
        "alg is the right one in lower case",
        "refuse the ID token: names of algorithms are compared as written",
        "RFC 7515 4.1.1",
        |it, _| with_alg(it, json!(it.key.algorithm().name().to_lowercase())),
    ),
    fault(
        "hs256-public-pem-crlf",
        "HS256 with the public key in PEM with CRLF for its secret",
        KEY_CONFUSION,
        "CVE-2015-9235",
        |it, at| {
            let pem = it.key.public_key().to_spki_pem().unwrap_or_default();
            hs256(it, pem.replace('\n', "\r\n").as_bytes(), at.provider)
        },
    ),
    fault(
        "hs256-public-pem-after-a-space",
        "HS256 with a space and the public key in PEM for its secret",
        KEY_CONFUSION,
        "CVE-2023-48223",
        |it, at| {
            let pem = it.key.public_key().to_spki_pem().unwrap_or_default();
            hs256(it, format!(" {pem}").as_bytes(), at.provider)
        },
    ),
    fault(
        "hs256-modulus",
        "HS256 with the modulus of the public key for its secret",
        KEY_CONFUSION,
        "CVE-2016-5431",
        |it, at| {
            let jwk = serde_json::to_value(it.jwk).unwrap_or_default();
            let Some(n) = jwk.get("n").and_then(Value::as_str) else {
                return it.token.clone();
            };
            hs256(it, &base64url::decode(n).unwrap_or_default(), at.provider)
        },
    ),
    fault(
        "algorithm-of-another-key-type",
        "the header names an algorithm that the key is not for",
        REFUSE,
        "CVE-2022-23539",
        |it, _| {
            let other = match it.key.algorithm() {
                Algorithm::ES256 | Algorithm::ES384 => "RS256",
                _ => "ES256",
            };
            with_alg(it, json!(other))
        },
    ),
    fault(
        "crit-not-a-list",
        "crit is a text",
        REFUSE,
        "RFC 7515 4.1.11",
        |it, _| with(it, "crit", json!("exp")),
    ),
    fault(
        "crit-with-its-extension",
        "the header has an extension that nobody knows, and names it in crit twice",
        REFUSE,
        "CVE-2026-32597",
        |it, _| {
            let mut header = with_kid(it, it.kid);
            put(
                &mut header,
                "crit",
                json!(["urn:example:bork", "urn:example:bork"]),
            );
            put(&mut header, "urn:example:bork", json!(true));
            signed(it, &header, it.key)
        },
    ),
    fault(
        "unencoded-payload-in-crit",
        "the header says b64: false, and crit says so too",
        REFUSE,
        "CVE-2026-48990",
        |it, _| {
            let mut header = with_kid(it, it.kid);
            put(&mut header, "crit", json!(["b64"]));
            put(&mut header, "b64", json!(false));
            signed(it, &header, it.key)
        },
    ),
    fault(
        "deep-header",
        "a member of the header is nested a thousand deep",
        "refuse the ID token without a stack overflow",
        "CVE-2025-53864",
        |it, _| {
            let deep = (0..1000).fold(Value::Null, |inner, _| json!([inner]));
            with(it, "deep", deep)
        },
    ),
    fault(
        "header-with-a-mark",
        "the header begins with a byte order mark",
        REFUSE,
        "RFC 8259 8.1",
        |it, _| {
            let header = format!("\u{feff}{}", with_kid(it, it.kid));
            of_text(it, &header, &it.payload, it.key)
        },
    ),
    fault(
        "embedded-certificate",
        "the header carries a certificate, and names a key that nobody knows",
        "refuse the ID token: keys come from the set of the issuer",
        "CVE-2018-0114",
        |it, _| {
            let mut header = with_kid(it, "attacker");
            put(&mut header, "x5c", json!(["MIIBszCCAVmgAwIBAgIUAAAA"]));
            put(&mut header, "x5t", json!("dGh1bWJwcmludA"));
            signed(it, &header, it.key)
        },
    ),
    fault(
        "unknown-kid-each-time",
        "each ID token names another key that is not in the set",
        "refuse the ID token, and look no more often whether the set has changed than a bound",
        "CVE-2026-48524",
        |it, at| {
            let random = at.provider.random::<16>().unwrap_or_default();
            signed(it, &with_kid(it, &base64url::encode(random)), it.key)
        },
    ),
    fault(
        "long-kid",
        "the name of the key has forty thousand characters",
        "refuse the ID token, and keep no such name",
        "CVE-2026-81829",
        |it, _| signed(it, &with_kid(it, &"k".repeat(40_000)), it.key),
    ),
    fault(
        "encrypted-with-a-password",
        "the ID token is encrypted with a password that is stretched two billion times",
        "refuse the ID token, and stretch nothing",
        "CVE-2022-36083",
        |_, _| {
            let header = encoded(&json!({
                "alg": "PBES2-HS256+A128KW",
                "enc": "A128GCM",
                "p2c": 2_147_483_647,
                "p2s": "AAAAAAAAAAA"
            }));
            format!("{header}.AAAA.AAAA.AAAA.AAAA")
        },
    ),
    fault(
        "json-serialisation-without-signatures",
        "the ID token is a JWS in JSON, and signatures is absent",
        REFUSE,
        "CVE-2026-96760",
        |it, _| json!({ "payload": it.parts().1 }).to_string(),
    ),
    fault(
        "json-serialisation-unprotected",
        "the ID token is a JWS in JSON with alg in the header that nobody signs",
        REFUSE,
        "GHSA-jc38-x7x8-2xc8",
        |it, _| {
            let (_, payload, signature) = it.parts();
            let header = json!({ "alg": "none" });
            json!({ "payload": payload, "header": header, "signature": signature }).to_string()
        },
    ),
    fault(
        "standard-base64",
        "the ID token ends in the alphabet of base64, not of base64url",
        ONE_SPELLING,
        "CVE-2026-62995",
        |it, _| {
            let (header, payload, signature) = it.parts();
            let standard = signature.replace('-', "+").replace('_', "/");
            // Where neither is there, a plus is one more octet.
            let more = if standard == signature { "+" } else { "" };
            format!("{header}.{payload}.{standard}{more}")
        },
    ),
    fault(
        "spare-bits",
        "the last bits of the signature are set, which belong to no octet",
        ONE_SPELLING,
        "CVE-2026-62995",
        spare_bits,
    ),
    fault(
        "psychic-signature-of-the-order",
        "ES256 with r and s of the order of the curve",
        REFUSE,
        "CVE-2022-21449",
        |it, _| {
            let order: [u8; 32] = [
                0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
                0x25, 0x51,
            ];
            if it.key.algorithm() != Algorithm::ES256 {
                return it.token.clone();
            }
            resigned(it, |octets| *octets = [order, order].concat())
        },
    ),
    fault(
        "claims-with-nan",
        "exp is NaN",
        REFUSE,
        "RFC 8259 6",
        |it, _| {
            let claims = it.payload.replacen("\"exp\":", "\"exp\":NaN,\"x_exp\":", 1);
            of_text(it, &with_kid(it, it.kid).to_string(), &claims, it.key)
        },
    ),
    fault(
        "claims-with-a-lone-surrogate",
        "a claim has half of a pair of surrogates",
        "refuse the ID token: no text has such a character",
        "RFC 8259 8.2",
        |it, _| {
            let claims = it.payload.replacen('{', r#"{"x_half":"\ud800","#, 1);
            of_text(it, &with_kid(it, it.kid).to_string(), &claims, it.key)
        },
    ),
];

fn put(header: &mut Value, name: &str, value: Value) {
    if let Some(members) = header.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn with_alg(genuine: &Genuine<'_>, alg: Value) -> String {
    with(genuine, "alg", alg)
}

/// The next character of the alphabet has one of the lowest bits set; the octets are the same. A
/// signature without spare bits gets a character more.
fn spare_bits(genuine: &Genuine<'_>, _: &Moment<'_>) -> String {
    let token = &genuine.token;
    let signature = genuine.parts().2;
    let last = signature.chars().last().unwrap_or('A');
    let next = match last {
        'A'..='Y' | 'a'..='y' | '0'..='8' => char::from_u32(u32::from(last) + 1),
        'Z' => Some('a'),
        'z' => Some('0'),
        _ => None,
    };
    match (signature.len() % 4, next) {
        (0, _) | (_, None) => format!("{token}B"),
        (_, Some(next)) => {
            let head = token
                .get(..token.len().saturating_sub(1))
                .unwrap_or_default();
            format!("{head}{next}")
        }
    }
}
