//! Signatures that do not fit.

use serde_json::json;
use smart_tests::forge::{Forge, b64, kid_of};

use crate::{Minter, NOW, and, claims, reject, with};

pub(crate) fn mint(m: &mut Minter) {
    m.group = "signature";
    let other = Forge::other();
    for alg in ["RS256", "RS384", "ES256", "ES384"] {
        let token = other.token(alg, &claims());
        m.token(
            &format!("wrong-key-{alg}"),
            "somebody else signed",
            token,
            reject("signature"),
        );
    }
    for (says, signs) in [
        ("RS256", "RS384"),
        ("RS384", "RS256"),
        ("RS256", "RS512"),
        ("RS256", "PS256"),
    ] {
        let header = json!({"alg": says, "kid": kid_of(says)});
        let token = m.forge.token_with(signs, &header, &claims());
        m.token(
            &format!("says-{says}-signs-{signs}"),
            "signed otherwise than it says",
            token,
            reject("signature"),
        );
    }
    for (says, signs) in [("PS256", "RS256"), ("PS384", "PS256"), ("RS512", "PS512")] {
        let header = json!({"alg": says, "kid": "rsa"});
        let token = m.forge.token_with(signs, &header, &claims());
        let asked = json!({"allowed_algs": ["RS256", "RS512", "PS256", "PS384"]});
        m.token(
            &format!("says-{says}-signs-{signs}"),
            "signed otherwise than it says",
            token,
            and(reject("signature"), asked),
        );
    }
    let good = m.forge.token("RS256", &claims());
    let parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    let another = m.forge.token("RS256", &with("sub", "user-2"));
    let other_parts: Vec<&str> = another.split('.').collect();
    let octets = m
        .forge
        .signature("RS256", format!("{}.{}", parts[0], parts[1]).as_bytes());
    let signed = |octets: &[u8]| format!("{}.{}.{}", parts[0], parts[1], b64(octets));
    let flipped = |at: usize| {
        let mut octets = octets.clone();
        octets[at] ^= 1;
        octets
    };
    for (id, why, token) in [
        (
            "of-another-token",
            "the signature of other claims",
            format!("{}.{}.{}", parts[0], parts[1], other_parts[2]),
        ),
        (
            "claims-of-another-token",
            "other claims under the signature",
            format!("{}.{}.{}", parts[0], other_parts[1], parts[2]),
        ),
        (
            "header-changed",
            "another header over the signature",
            format!(
                "{}.{}.{}",
                b64(r#"{"alg":"RS256","kid":"rsa","x":1}"#),
                parts[1],
                parts[2]
            ),
        ),
        ("first-bit", "one bit differs", signed(&flipped(0))),
        ("last-bit", "one bit differs", signed(&flipped(255))),
        ("short", "an octet is missing", signed(&octets[..255])),
        (
            "long",
            "an octet too many",
            signed(&[octets.as_slice(), &[0]].concat()),
        ),
        (
            "leading-zero",
            "an octet too many",
            signed(&[&[0], octets.as_slice()].concat()),
        ),
        ("one-octet", "nearly nothing", signed(&[1])),
        ("zeros", "nothing but zeros", signed(&[0; 256])),
        ("ones", "more than the modulus", signed(&[0xff; 256])),
        ("huge", "a long one", signed(&[1; 4096])),
    ] {
        m.token(id, why, token, reject("signature"));
    }
    ecdsa(m);
    let expired = other.token("RS256", &with("exp", NOW - 9999));
    m.token(
        "wrong-key-and-expired",
        "the signature is judged before any claim",
        expired,
        reject("signature"),
    );
    let foreign = other.token("RS256", &with("iss", "https://evil.example"));
    m.token(
        "wrong-key-and-issuer",
        "the signature is judged before any claim",
        foreign,
        reject("signature"),
    );
}

fn ecdsa(m: &mut Minter) {
    // The orders of the groups.
    let order_256 = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order_384 = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    let octets = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    for (alg, order) in [("ES256", octets(order_256)), ("ES384", octets(order_384))] {
        let width = order.len();
        let header = json!({"alg": alg, "kid": kid_of(alg)});
        let input = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        let good = m.forge.signature(alg, input.as_bytes());
        let (r, s) = good.split_at(width);
        let (zero, mut one) = (vec![0; width], vec![0; width]);
        one[width - 1] = 1;
        let der = {
            let integer = |number: &[u8]| {
                let from = number.iter().position(|it| *it != 0).unwrap();
                let mut body = number[from..].to_vec();
                if body[0] >= 0x80 {
                    body.insert(0, 0);
                }
                [vec![2, body.len() as u8], body].concat()
            };
            let body = [integer(r), integer(s)].concat();
            [vec![0x30, body.len() as u8], body].concat()
        };
        for (id, why, signature) in [
            (
                "zeros",
                "r and s are zero",
                [zero.clone(), zero.clone()].concat(),
            ),
            ("r-zero", "r is zero", [&zero, s].concat()),
            ("s-zero", "s is zero", [r, &zero].concat()),
            (
                "r-order",
                "r is the order of the group",
                [&order, s].concat(),
            ),
            (
                "s-order",
                "s is the order of the group",
                [r, &order].concat(),
            ),
            (
                "ones",
                "r and s are one",
                [one.clone(), one.clone()].concat(),
            ),
            ("der", "in DER", der),
            (
                "short",
                "an octet is missing",
                good[..good.len() - 1].to_vec(),
            ),
            (
                "long",
                "an octet too many",
                [good.as_slice(), &[0]].concat(),
            ),
            (
                "leading-zeros",
                "both a whole octet wider",
                [&[0], r, &[0], s].concat(),
            ),
            ("swapped", "s before r", [s, r].concat()),
            ("half", "r alone", r.to_vec()),
        ] {
            m.token(
                &format!("{alg}-{id}"),
                why,
                format!("{input}.{}", b64(signature)),
                reject("signature"),
            );
        }
    }
}
