//! Mints `fixtures/corpus/id-tokens.json`: run it after adding a case here.
//!
//! `cargo run -p smart-tests --bin mint-corpus`

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a chore that a person runs"
)]

use std::fs;

use serde_json::{Map, Value, json};
use smart_tests::fixture;
use smart_tests::forge::{Forge, b64, hs256, kid_of};

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart";
const NONCE: &str = "n-0S6_WzA2Mj";
const BASE: &str = "https://ehr.example/a/fhir";

fn main() {
    let mut minter = Minter {
        forge: Forge::issuer(),
        cases: Vec::new(),
    };
    minter.sound();
    minter.form();
    minter.header();
    minter.signature();
    minter.registered_claims();
    minter.request();
    minter.profile();
    let corpus = json!({
        "format": 1,
        "note": "Minted by `cargo run -p smart-tests --bin mint-corpus`, apart from smart-jose.",
        "now": NOW,
        "issuer": ISSUER,
        "client_id": CLIENT,
        "nonce": NONCE,
        "fhir_base": BASE,
        "leeway_s": 60,
        "allowed_algs": ["RS256", "RS384", "ES256", "ES384"],
        "jwks": minter.forge.jwks(),
        "cases": minter.cases,
    });
    let path = fixture::path("corpus/id-tokens.json");
    let text = serde_json::to_string_pretty(&corpus).expect("JSON");
    fs::write(&path, text + "\n").expect("a writable fixture");
    println!("{} cases", minter.cases.len());
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "user-1",
        "aud": CLIENT,
        "exp": NOW + 300,
        "iat": NOW - 10,
        "nonce": NONCE,
        "fhirUser": format!("{BASE}/Practitioner/123"),
    })
}

/// The claims with one of them changed; `None` takes it away.
fn with(claim: &str, value: impl Into<Option<Value>>) -> Value {
    let mut claims = claims();
    let object = claims.as_object_mut().expect("an object");
    match value.into() {
        Some(value) => object.insert(claim.to_owned(), value),
        None => object.remove(claim),
    };
    claims
}

struct Minter {
    forge: Forge,
    cases: Vec<Value>,
}

impl Minter {
    fn case(&mut self, group: &str, id: &str, token: String, more: Value) {
        let mut case = Map::new();
        case.insert("id".into(), id.into());
        case.insert("group".into(), group.into());
        case.insert("token".into(), token.into());
        case.extend(more.as_object().cloned().unwrap_or_default());
        self.cases.push(Value::Object(case));
    }

    fn accept(&mut self, group: &str, id: &str, claims: &Value) {
        let token = self.forge.token("RS256", claims);
        self.case(group, id, token, json!({"expect": "accept"}));
    }

    fn reject(&mut self, group: &str, id: &str, token: String, class: &str) {
        self.case(
            group,
            id,
            token,
            json!({"expect": "reject", "reason_class": class}),
        );
    }

    fn reject_claims(&mut self, group: &str, id: &str, claims: &Value, class: &str) {
        let token = self.forge.token("RS256", claims);
        self.reject(group, id, token, class);
    }

    fn sound(&mut self) {
        for alg in ["RS256", "RS384", "ES256", "ES384"] {
            let token = self.forge.token(alg, &claims());
            self.case(
                "sound",
                &format!("sound-{alg}"),
                token,
                json!({"expect": "accept"}),
            );
        }
        for (id, typ) in [
            ("no-typ", None),
            ("typ-lower", Some("jwt")),
            ("typ-long", Some("application/jwt")),
        ] {
            let mut header = json!({"alg": "RS256", "kid": "rsa"});
            if let (Some(typ), Some(header)) = (typ, header.as_object_mut()) {
                header.insert("typ".into(), typ.into());
            }
            let token = self.forge.token_with("RS256", &header, &claims());
            self.case("sound", id, token, json!({"expect": "accept"}));
        }
        let token = self
            .forge
            .token_with("RS256", &json!({"alg": "RS256"}), &claims());
        self.case("sound", "no-kid", token, json!({"expect": "accept"}));
        let header = br#" { "alg" : "RS256" , "kid":"rsa" } "#;
        let token = self
            .forge
            .raw_token("RS256", header, claims().to_string().as_bytes());
        self.case("sound", "odd-spacing", token, json!({"expect": "accept"}));
    }

    fn form(&mut self) {
        let good = self.forge.token("RS256", &claims());
        let parts: Vec<&str> = good.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return;
        };
        for (id, token) in [
            ("one-part", (*header).to_owned()),
            ("two-parts", format!("{header}.{payload}")),
            ("four-parts", format!("{good}.AA")),
            ("five-parts", format!("{good}.AA.AA")),
            ("many-dots", ".".repeat(10_000)),
            ("empty", String::new()),
            ("empty-payload", format!("{header}..{signature}")),
            ("padded", format!("{good}=")),
            ("white-space", format!(" {good}")),
            ("line-break", format!("{good}\n")),
            (
                "header-not-json",
                format!("{}.{payload}.{signature}", b64("x")),
            ),
            (
                "header-array",
                format!("{}.{payload}.{signature}", b64("[]")),
            ),
            (
                "json-serialization",
                r#"{"payload":"e30","signatures":[]}"#.to_owned(),
            ),
            ("cut", good.chars().take(good.len() - 1).collect()),
        ] {
            let class = json!({"expect": "reject", "reason_class": "malformed", "reason_also": ["signature"]});
            self.case("form", id, token, class);
        }
        let size = json!({"expect": "reject", "reason_class": "size"});
        self.case(
            "form",
            "too-long",
            format!("{good}{}", "A".repeat(70_000)),
            size,
        );
    }

    fn header(&mut self) {
        for (id, header, class) in [
            ("alg-none", json!({"alg": "none"}), "algorithm"),
            ("alg-missing", json!({"kid": "rsa"}), "algorithm"),
            ("alg-lower", json!({"alg": "rs256"}), "algorithm"),
            (
                "alg-not-accepted",
                json!({"alg": "RS512", "kid": "rsa"}),
                "algorithm",
            ),
            ("alg-number", json!({"alg": 256}), "malformed"),
            ("alg-null", json!({"alg": null}), "malformed"),
            ("kid-number", json!({"alg": "RS256", "kid": 1}), "malformed"),
            (
                "crit-unknown",
                json!({"alg": "RS256", "kid": "rsa", "crit": ["x"], "x": 1}),
                "crit",
            ),
            (
                "crit-empty",
                json!({"alg": "RS256", "kid": "rsa", "crit": []}),
                "crit",
            ),
            (
                "crit-string",
                json!({"alg": "RS256", "kid": "rsa", "crit": "exp"}),
                "crit",
            ),
            (
                "crit-b64",
                json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false}),
                "crit",
            ),
            (
                "b64-false",
                json!({"alg": "RS256", "kid": "rsa", "b64": false}),
                "malformed",
            ),
            (
                "zip",
                json!({"alg": "RS256", "kid": "rsa", "zip": "DEF"}),
                "malformed",
            ),
            (
                "cty-jwt",
                json!({"alg": "RS256", "kid": "rsa", "cty": "JWT"}),
                "malformed",
            ),
            (
                "typ-at",
                json!({"alg": "RS256", "kid": "rsa", "typ": "at+jwt"}),
                "claims",
            ),
            (
                "typ-logout",
                json!({"alg": "RS256", "kid": "rsa", "typ": "logout+jwt"}),
                "claims",
            ),
            (
                "kid-unknown",
                json!({"alg": "RS256", "kid": "other"}),
                "key",
            ),
            (
                "kid-of-another-type",
                json!({"alg": "RS256", "kid": "p256"}),
                "key",
            ),
            ("kid-case", json!({"alg": "RS256", "kid": "RSA"}), "key"),
        ] {
            let token = self.forge.token_with("RS256", &header, &claims());
            self.reject("header", id, token, class);
        }
        let twice = br#"{"alg":"RS256","kid":"rsa","\u0061lg":"RS384"}"#;
        let token = self
            .forge
            .raw_token("RS256", twice, claims().to_string().as_bytes());
        self.reject("header", "alg-twice", token, "malformed");
    }

    fn signature(&mut self) {
        let other = Forge::other();
        let token = other.token("RS256", &claims());
        self.reject("signature", "wrong-key", token, "signature");
        for (says, signs) in [("RS256", "RS384"), ("RS384", "RS256"), ("RS256", "PS256")] {
            let header = json!({"alg": says, "kid": kid_of(says)});
            let token = self.forge.token_with(signs, &header, &claims());
            self.reject(
                "signature",
                &format!("says-{says}-signs-{signs}"),
                token,
                "signature",
            );
        }
        let embedded = json!({"alg": "RS256", "jwk": other.jwks()["keys"][0]});
        let token = other.token_with("RS256", &embedded, &claims());
        self.reject("signature", "embedded-jwk", token, "signature");
        for (id, length) in [("es256-short", 63), ("es256-long", 65), ("es256-zero", 64)] {
            let input = format!(
                "{}.{}",
                b64(r#"{"alg":"ES256","kid":"p256"}"#),
                b64(claims().to_string())
            );
            let token = format!("{input}.{}", b64(vec![0; length]));
            self.reject("signature", id, token, "signature");
        }
        // The public key as an HMAC secret.
        let pem = fixture::text("keys/issuer-rsa-2048.spki.pem");
        let input = format!(
            "{}.{}",
            b64(r#"{"alg":"HS256","kid":"rsa"}"#),
            b64(claims().to_string())
        );
        let token = format!("{input}.{}", b64(hs256(pem.as_bytes(), input.as_bytes())));
        self.reject("signature", "hs256-with-public-key", token, "algorithm");
        // A bad signature is reported before an expired claim.
        let token = other.token("RS256", &with("exp", json!(NOW - 9999)));
        self.reject("signature", "wrong-key-and-expired", token, "signature");
    }

    fn registered_claims(&mut self) {
        let group = "claims";
        for (claim, class) in [
            ("iss", "issuer"),
            ("sub", "claims"),
            ("aud", "audience"),
            ("exp", "expired"),
            ("iat", "iat"),
        ] {
            self.reject_claims(
                group,
                &format!("{claim}-missing"),
                &with(claim, None),
                class,
            );
            for (name, value) in [
                ("null", json!(null)),
                ("boolean", json!(true)),
                ("object", json!({})),
                ("nested", json!([[1]])),
            ] {
                self.reject_claims(
                    group,
                    &format!("{claim}-{name}"),
                    &with(claim, value),
                    class,
                );
            }
        }
        for (id, claim, value, class) in [
            (
                "iss-other",
                "iss",
                json!("https://evil.example/oidc"),
                "issuer",
            ),
            ("iss-slash", "iss", json!(format!("{ISSUER}/")), "issuer"),
            ("iss-prefix", "iss", json!("https://ehr.example"), "issuer"),
            (
                "iss-case",
                "iss",
                json!("https://EHR.example/oidc"),
                "issuer",
            ),
            ("iss-array", "iss", json!([ISSUER]), "issuer"),
            ("sub-empty", "sub", json!(""), "claims"),
            ("sub-long", "sub", json!("x".repeat(256)), "claims"),
            ("sub-not-ascii", "sub", json!("jos\u{e9}"), "claims"),
            ("sub-number", "sub", json!(7), "claims"),
            ("aud-other", "aud", json!("other"), "audience"),
            ("aud-empty-array", "aud", json!([]), "audience"),
            (
                "aud-stranger",
                "aud",
                json!([CLIENT, "stranger"]),
                "audience",
            ),
            ("aud-number-in-array", "aud", json!([CLIENT, 1]), "audience"),
            ("aud-case", "aud", json!("Growth-Chart"), "audience"),
            ("azp-other", "azp", json!("other"), "azp"),
            ("azp-number", "azp", json!(1), "azp"),
            ("exp-past", "exp", json!(NOW - 61), "expired"),
            ("exp-at-leeway", "exp", json!(NOW - 60), "expired"),
            ("exp-string", "exp", json!("1700000300"), "expired"),
            (
                "exp-milliseconds",
                "exp",
                json!((NOW + 300) * 1000),
                "expired",
            ),
            ("exp-zero", "exp", json!(0), "expired"),
            ("exp-negative", "exp", json!(-1), "expired"),
            ("exp-huge", "exp", json!(1e300), "expired"),
            ("nbf-future", "nbf", json!(NOW + 61), "not_yet_valid"),
            ("nbf-string", "nbf", json!("0"), "not_yet_valid"),
            ("iat-future", "iat", json!(NOW + 61), "iat"),
            ("iat-milliseconds", "iat", json!(NOW * 1000), "iat"),
            ("iat-string", "iat", json!("1700000000"), "iat"),
        ] {
            self.reject_claims(group, id, &with(claim, value), class);
        }
        for (id, claim, value) in [
            ("aud-array", "aud", json!([CLIENT])),
            ("aud-twice", "aud", json!([CLIENT, CLIENT])),
            ("azp-own", "azp", json!(CLIENT)),
            ("azp-null", "azp", json!(null)),
            ("exp-in-leeway", "exp", json!(NOW - 59)),
            ("exp-fraction", "exp", json!(1_700_000_000.5)),
            ("exp-exponent", "exp", json!(1.7e10)),
            ("nbf-now", "nbf", json!(NOW)),
            ("nbf-in-leeway", "nbf", json!(NOW + 60)),
            ("nbf-null", "nbf", json!(null)),
            ("iat-in-leeway", "iat", json!(NOW + 60)),
            ("iat-old", "iat", json!(0)),
            ("sub-255", "sub", json!("x".repeat(255))),
            ("unknown-claim", "x-y", json!({"deep": [1, {"a": null}]})),
        ] {
            self.accept(group, id, &with(claim, value));
        }
        let token = self
            .forge
            .token("RS256", &with("aud", json!([CLIENT, "partner"])));
        self.case(
            group,
            "aud-trusted",
            token,
            json!({"expect": "accept", "trusted_audiences": ["partner"]}),
        );
        for (id, payload) in [
            (
                "claims-twice",
                claims().to_string().replacen('{', r#"{"iss":"x","#, 1),
            ),
            (
                "claims-twice-escaped",
                claims().to_string().replacen('{', r#"{"\u0069ss":"x","#, 1),
            ),
            ("claims-array", "[]".to_owned()),
            ("claims-trailing", format!("{}x", claims())),
            (
                "claims-surrogate",
                claims().to_string().replacen('{', r#"{"x":"\ud800","#, 1),
            ),
            (
                "claims-deep",
                claims().to_string().replacen(
                    '{',
                    &format!(r#"{{"x":{}{},"#, "[".repeat(70), "]".repeat(70)),
                    1,
                ),
            ),
            (
                "claims-number-range",
                claims().to_string().replacen('{', r#"{"x":1e400,"#, 1),
            ),
        ] {
            let header = br#"{"alg":"RS256","kid":"rsa"}"#;
            let token = self.forge.raw_token("RS256", header, payload.as_bytes());
            self.reject(group, id, token, "malformed");
        }
    }

    fn request(&mut self) {
        let group = "request";
        for (id, value) in [
            ("nonce-other", Some(json!("other"))),
            ("nonce-missing", None),
            ("nonce-null", Some(json!(null))),
            ("nonce-number", Some(json!(1))),
        ] {
            self.reject_claims(group, id, &with("nonce", value), "nonce");
        }
        let token = self.forge.token("RS256", &claims());
        self.case(
            group,
            "nonce-unsolicited",
            token,
            json!({"expect": "reject", "reason_class": "nonce", "nonce": null}),
        );
        let token = self.forge.token("RS256", &with("nonce", None));
        self.case(
            group,
            "nonce-none-sent",
            token,
            json!({"expect": "accept", "nonce": null}),
        );
        // OpenID Connect Core, appendix A.
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        for (claim, member, value, hash, class) in [
            (
                "at_hash",
                "access_token",
                access_token,
                "77QmUPtjPfzWtF2AnpK9RQ",
                "at_hash",
            ),
            ("c_hash", "code", code, "LDktKdoQak3Pk0cnXxCltA", "c_hash"),
        ] {
            let token = self.forge.token("RS256", &with(claim, json!(hash)));
            self.case(
                group,
                &format!("{claim}-fits"),
                token.clone(),
                json!({"expect": "accept", member: value}),
            );
            self.case(
                group,
                &format!("{claim}-without-value"),
                token.clone(),
                json!({"expect": "accept"}),
            );
            let other = json!({"expect": "reject", "reason_class": class, member: "other"});
            self.case(group, &format!("{claim}-other"), token, other);
            // The hash of another algorithm.
            let token = self.forge.token("ES384", &with(claim, json!(hash)));
            let other = json!({"expect": "reject", "reason_class": class, member: value});
            self.case(group, &format!("{claim}-of-another-alg"), token, other);
            let token = self
                .forge
                .token("RS256", &with(claim, json!(format!("{hash}=="))));
            let other = json!({"expect": "reject", "reason_class": class, member: value});
            self.case(group, &format!("{claim}-padded"), token, other);
        }
        let max_age = |claims: Value, expect: Value, id: &str, it: &mut Self| {
            let token = it.forge.token("RS256", &claims);
            it.case(group, id, token, expect);
        };
        let accept = json!({"expect": "accept", "max_age": 600});
        let reject = json!({"expect": "reject", "reason_class": "auth_time", "max_age": 600});
        max_age(
            with("auth_time", json!(NOW - 660)),
            accept,
            "max-age-at-leeway",
            self,
        );
        max_age(
            with("auth_time", json!(NOW - 661)),
            reject.clone(),
            "max-age-too-old",
            self,
        );
        max_age(claims(), reject.clone(), "max-age-missing", self);
        max_age(
            with("auth_time", json!("1700000000")),
            reject.clone(),
            "max-age-string",
            self,
        );
        max_age(
            with("auth_time", json!(NOW + 61)),
            reject,
            "auth-time-future",
            self,
        );
        let asked = json!({"expect": "accept", "acr_values": ["gold", "silver"]});
        max_age(with("acr", json!("silver")), asked, "acr-asked", self);
        let other = json!({"expect": "reject", "reason_class": "claims", "acr_values": ["gold"]});
        max_age(
            with("acr", json!("silver")),
            other.clone(),
            "acr-other",
            self,
        );
        max_age(claims(), other, "acr-missing", self);
    }

    fn profile(&mut self) {
        let group = "profile";
        let resource =
            |kind: &str, id: &str| json!({"outcome": "resource", "resource_type": kind, "id": id});
        let reject = json!({"outcome": "reject"});
        for (id, value, profile) in [
            (
                "user-absolute",
                json!(format!("{BASE}/Practitioner/123")),
                resource("Practitioner", "123"),
            ),
            (
                "user-relative",
                json!("PractitionerRole/a.b-c"),
                resource("PractitionerRole", "a.b-c"),
            ),
            ("user-patient", json!("Patient/1"), resource("Patient", "1")),
            ("user-device", json!("Device/1"), reject.clone()),
            (
                "user-off-base",
                json!("https://evil.example/a/fhir/Patient/1"),
                reject.clone(),
            ),
            (
                "user-twin-host",
                json!("https://ehr.example.evil.example/a/fhir/Patient/1"),
                reject.clone(),
            ),
            (
                "user-twin-path",
                json!("https://ehr.example/a/fhirX/Patient/1"),
                reject.clone(),
            ),
            (
                "user-http",
                json!("http://ehr.example/a/fhir/Patient/1"),
                reject.clone(),
            ),
            (
                "user-history",
                json!("Patient/1/_history/1"),
                reject.clone(),
            ),
            (
                "user-dots",
                json!("Patient/../Observation/1"),
                reject.clone(),
            ),
            ("user-number", json!(1), reject),
            ("user-null", json!(null), json!({"outcome": "none"})),
        ] {
            let token = self.forge.token("RS256", &with("fhirUser", value));
            self.case(
                group,
                id,
                token,
                json!({"expect": "accept", "profile_expect": profile}),
            );
        }
        let mut claims = with("fhirUser", None);
        let none = json!({"expect": "accept", "profile_expect": {"outcome": "none"}});
        let token = self.forge.token("RS256", &claims);
        self.case(group, "user-missing", token, none.clone());
        claims["profile"] = json!("Practitioner/123");
        let token = self.forge.token("RS256", &claims);
        self.case(group, "profile-not-read", token.clone(), none);
        let read = json!({"expect": "accept", "smart_1_0": true, "profile_expect": resource("Practitioner", "123")});
        self.case(group, "profile-of-smart-1-0", token, read);
        claims["profile"] = json!("https://blog.example/alice");
        let token = self.forge.token("RS256", &claims);
        let none =
            json!({"expect": "accept", "smart_1_0": true, "profile_expect": {"outcome": "none"}});
        self.case(group, "profile-is-a-web-page", token, none);
    }
}
