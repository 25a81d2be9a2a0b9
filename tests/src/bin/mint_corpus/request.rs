//! What a token has to answer to: nonce, access token, code, `acr_values`.

use serde_json::{Value, json};
use smart_tests::forge::{ed25519_token, half_hash, kid_of};

use crate::{Minter, NONCE, accept, and, choice, claims, reject, with, without};

const ACCESS_TOKEN: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
const CODE: &str = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";

pub(crate) fn mint(m: &mut Minter) {
    nonces(m);
    hashes(m);
    acr(m);
}

fn nonces(m: &mut Minter) {
    m.group = "nonce";
    for (id, nonce) in [
        ("other", json!("other")),
        ("case", json!("N-0s6_wZa2mJ")),
        ("prefix", json!("n-0S6")),
        ("longer", json!(format!("{NONCE}x"))),
        ("blank", json!(format!("{NONCE} "))),
        ("line-break", json!(format!("{NONCE}\n"))),
        ("empty", json!("")),
        ("array", json!([NONCE])),
        ("object", json!({"nonce": NONCE})),
    ] {
        m.claims(
            id,
            "not the one that was sent",
            &with("nonce", nonce),
            reject("nonce claims"),
        );
    }
    let none = |verdict| and(verdict, json!({"nonce": null}));
    m.claims(
        "none-sent",
        "none was sent and none came",
        &without("nonce"),
        none(accept()),
    );
    m.claims(
        "unsolicited",
        "none was sent",
        &claims(),
        none(reject("nonce")),
    );
    m.claims(
        "unsolicited-empty",
        "none was sent",
        &with("nonce", ""),
        none(reject("nonce")),
    );
    m.claims(
        "unsolicited-number",
        "none was sent",
        &with("nonce", 1),
        none(reject("nonce claims")),
    );
    m.claims(
        "unsolicited-null",
        "null stands for absent where nobody needs the claim",
        &with("nonce", json!(null)),
        none(accept()),
    );
    let sent = |nonce: &str, verdict| and(verdict, json!({ "nonce": nonce }));
    m.claims(
        "of-the-case",
        "another one was sent",
        &with("nonce", "x"),
        sent("x", accept()),
    );
    m.claims(
        "of-the-file",
        "another one was sent",
        &claims(),
        sent("x", reject("nonce")),
    );
    m.claims(
        "not-ascii",
        "compared octet for octet",
        &with("nonce", "\u{e9}"),
        sent("\u{e9}", accept()),
    );
    m.claims(
        "decomposed",
        "compared octet for octet",
        &with("nonce", "e\u{301}"),
        sent("\u{e9}", reject("nonce")),
    );
    m.claims(
        "not-supported",
        "a token cannot turn a check off",
        &and(without("nonce"), json!({"nonce_supported": false})),
        reject("nonce claims"),
    );
    // An empty nonce ties a token to nothing, even where somebody has sent one.
    m.claims(
        "both-empty",
        "an empty nonce ties a token to nothing",
        &with("nonce", ""),
        sent("", choice(reject("nonce"))),
    );
}

fn signed(m: &Minter, alg: &str, claims: &Value) -> String {
    if alg == "EdDSA" {
        ed25519_token(&json!({"alg": "EdDSA", "kid": "ed25519"}), claims)
    } else {
        m.forge
            .token_with(alg, &json!({"alg": alg, "kid": kid_of(alg)}), claims)
    }
}

fn hashes(m: &mut Minter) {
    let all = json!({"allowed_algs": ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]});
    for (group, claim, member, value) in [
        ("at-hash", "at_hash", "access_token", ACCESS_TOKEN),
        ("c-hash", "c_hash", "code", CODE),
    ] {
        m.group = group;
        let came = |verdict: Value| and(and(verdict, all.clone()), json!({ member: value }));
        for alg in [
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
        ] {
            let token = signed(m, alg, &with(claim, half_hash(alg, value)));
            m.token(
                alg,
                "the left half of the hash of the algorithm",
                token,
                came(accept()),
            );
            for other in ["RS256", "RS384", "RS512"] {
                let hash = half_hash(other, value);
                if hash == half_hash(alg, value) {
                    continue;
                }
                let token = signed(m, alg, &with(claim, hash));
                m.token(
                    &format!("{alg}-with-{other}"),
                    "the hash of another algorithm",
                    token,
                    came(reject(claim)),
                );
            }
        }
        let hash = half_hash("RS256", value);
        let twisted: String = hash
            .chars()
            .map(|it| {
                if it.is_ascii_lowercase() {
                    it.to_ascii_uppercase()
                } else {
                    it.to_ascii_lowercase()
                }
            })
            .collect();
        for (id, why, found) in [
            ("truncated", "cut", hash[..20].to_owned()),
            ("one-character", "cut", hash[..1].to_owned()),
            ("empty", "nothing", String::new()),
            ("longer", "something behind it", format!("{hash}A")),
            ("padded", "padding", format!("{hash}==")),
            ("other-case", "case matters", twisted),
            ("blank", "white space", format!("{hash} ")),
            ("plain", "the value itself", value.to_owned()),
            (
                "of-another",
                "the hash of another value",
                half_hash("RS256", "other"),
            ),
            ("of-nothing", "the hash of nothing", half_hash("RS256", "")),
        ] {
            m.claims(id, why, &with(claim, found), came(reject(claim)));
        }
        m.claims(
            "absent",
            "no hash, and none is needed",
            &claims(),
            came(accept()),
        );
        m.claims(
            "number",
            "no string",
            &with(claim, 1),
            came(reject(&format!("{claim} claims"))),
        );
        m.claims(
            "array",
            "no string",
            &with(claim, json!([hash])),
            came(reject(&format!("{claim} claims"))),
        );
        m.claims(
            "null",
            "null, and the value is at hand",
            &with(claim, json!(null)),
            came(choice(accept())),
        );
        m.claims(
            "nothing-to-compare",
            "a hash, and nothing that it could be of",
            &with(claim, hash.clone()),
            accept(),
        );
        let other = and(reject(claim), json!({member: "other"}));
        m.claims(
            "of-another-response",
            "another value came with the token",
            &with(claim, hash),
            other,
        );
    }
    m.group = "hashes";
    let both = json!({"access_token": ACCESS_TOKEN, "code": CODE});
    let (at, c) = (half_hash("RS256", ACCESS_TOKEN), half_hash("RS256", CODE));
    for (id, why, at_hash, c_hash, verdict) in [
        ("both", "both fit", &at, &c, accept()),
        (
            "swapped",
            "each is the other's",
            &c,
            &at,
            reject("at_hash c_hash"),
        ),
        ("code-wrong", "one does not fit", &at, &at, reject("c_hash")),
        ("token-wrong", "one does not fit", &c, &c, reject("at_hash")),
    ] {
        let claims = and(with("at_hash", at_hash.as_str()), json!({"c_hash": c_hash}));
        m.claims(id, why, &claims, and(verdict, both.clone()));
    }
}

fn acr(m: &mut Minter) {
    m.group = "acr";
    let asked = |verdict: Value| and(verdict, json!({"acr_values": ["gold", "silver"]}));
    m.claims(
        "first",
        "one of those that were asked for",
        &with("acr", "gold"),
        asked(accept()),
    );
    m.claims(
        "second",
        "one of those that were asked for",
        &with("acr", "silver"),
        asked(accept()),
    );
    m.claims(
        "not-asked",
        "nobody asked",
        &with("acr", "bronze"),
        accept(),
    );
    m.claims(
        "empty-list",
        "nobody asked",
        &claims(),
        and(accept(), json!({"acr_values": []})),
    );
    for (id, acr) in [
        ("other", json!("bronze")),
        ("case", json!("Gold")),
        ("both", json!("gold silver")),
        ("empty", json!("")),
        ("array", json!(["gold"])),
        ("number", json!(2)),
        ("null", json!(null)),
    ] {
        m.claims(
            id,
            "none of those that were asked for",
            &with("acr", acr),
            asked(reject("claims")),
        );
    }
    m.claims(
        "missing",
        "asked for and not there",
        &claims(),
        asked(reject("claims")),
    );
}
