//! Mints `fixtures/corpus/id-tokens.json`: run it after adding a case here.
//!
//! `cargo run -p smart-tests --bin mint-corpus`
//!
//! Tokens are made with the raw backend, `serde_json` and, for keys that no backend signs with,
//! with arithmetic of this program's own. Nothing here goes through `smart-jose`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a chore that a person runs"
)]

mod claims;
mod form;
mod header;
mod json_text;
mod keys;
mod profile;
mod request;
mod rsa;
mod signature;
mod times;

use std::fs;

use serde_json::{Map, Value, json};
use smart_tests::fixture;
use smart_tests::forge::{Forge, ed25519_jwk, ed25519_token};

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://ehr.example/oidc";
const CLIENT: &str = "growth-chart";
const NONCE: &str = "n-0S6_WzA2Mj";
const BASE: &str = "https://ehr.example/a/fhir";

fn main() {
    let mut minter = Minter {
        forge: Forge::issuer(),
        group: "",
        cases: Vec::new(),
    };
    sound(&mut minter);
    form::mint(&mut minter);
    json_text::mint(&mut minter);
    header::mint(&mut minter);
    signature::mint(&mut minter);
    keys::mint(&mut minter);
    claims::mint(&mut minter);
    times::mint(&mut minter);
    request::mint(&mut minter);
    profile::mint(&mut minter);
    let mut jwks = minter.forge.jwks();
    jwks["keys"].as_array_mut().unwrap().push(ed25519_jwk());
    let head = json!({
        "format": 1,
        "note": "Minted by `cargo run -p smart-tests --bin mint-corpus`, apart from smart-jose.",
        "now": NOW,
        "issuer": ISSUER,
        "client_id": CLIENT,
        "nonce": NONCE,
        "fhir_base": BASE,
        "leeway_s": 60,
        "allowed_algs": ["RS256", "RS384", "ES256", "ES384"],
        "jwks": jwks,
    });
    // A line for each member and each case, so that a change shows which ones it touches.
    let members = head.as_object().unwrap().iter();
    let members: String = members
        .map(|(name, value)| format!("  \"{name}\": {value},\n"))
        .collect();
    let cases: Vec<String> = minter.cases.iter().map(|it| format!("    {it}")).collect();
    let text = format!(
        "{{\n{members}  \"cases\": [\n{}\n  ]\n}}\n",
        cases.join(",\n")
    );
    fs::write(fixture::path("corpus/id-tokens.json"), text).expect("a writable fixture");
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

/// The claims with one of them changed.
fn with(claim: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[claim] = value.into();
    claims
}

/// The claims without one of them.
fn without(claim: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

/// The text of the claims with this at the front, which need not be JSON.
fn claims_text(front: &str) -> String {
    claims().to_string().replacen('{', &format!("{{{front}"), 1)
}

/// The text of the claims with a claim of exactly this spelling.
fn spelled(claim: &str, value: &str) -> String {
    let rest = without(claim).to_string();
    rest.replacen('{', &format!("{{\"{claim}\":{value},"), 1)
}

fn accept() -> Value {
    json!({"expect": "accept"})
}

/// Refused for the first of these reasons; the others are as good.
fn reject(reasons: &str) -> Value {
    let mut reasons = reasons.split(' ');
    let first = reasons.next();
    let also: Vec<&str> = reasons.collect();
    let mut verdict = json!({"expect": "reject", "reason_class": first});
    if !also.is_empty() {
        verdict["reason_also"] = json!(also);
    }
    verdict
}

/// Where the standards leave room and the choice is ours.
fn choice(verdict: Value) -> Value {
    and(verdict, json!({"policy": true}))
}

fn and(mut verdict: Value, more: Value) -> Value {
    let members = verdict.as_object_mut().unwrap();
    members.extend(more.as_object().cloned().unwrap());
    verdict
}

struct Minter {
    forge: Forge,
    group: &'static str,
    cases: Vec<Value>,
}

impl Minter {
    fn token(&mut self, id: &str, why: &str, token: String, verdict: Value) {
        let mut case = Map::new();
        case.insert("id".into(), format!("{}-{id}", self.group).into());
        case.insert("group".into(), self.group.into());
        case.insert("why".into(), why.into());
        case.insert("token".into(), token.into());
        case.extend(verdict.as_object().cloned().unwrap());
        self.cases.push(Value::Object(case));
    }

    /// Claims that are signed as an issuer would.
    fn claims(&mut self, id: &str, why: &str, claims: &Value, verdict: Value) {
        let token = self.forge.token("RS256", claims);
        self.token(id, why, token, verdict);
    }

    /// Good claims under a header, signed with RS256 whatever it says.
    fn header(&mut self, id: &str, why: &str, header: &Value, verdict: Value) {
        let token = self.forge.token_with("RS256", header, &claims());
        self.token(id, why, token, verdict);
    }

    /// Texts that need not be JSON, signed with RS256.
    fn texts(&mut self, id: &str, why: &str, header: &[u8], claims: &[u8], verdict: Value) {
        let token = self.forge.raw_token("RS256", header, claims);
        self.token(id, why, token, verdict);
    }
}

fn sound(m: &mut Minter) {
    m.group = "sound";
    for alg in ["RS256", "RS384", "ES256", "ES384"] {
        let token = m.forge.token(alg, &claims());
        m.token(alg, "nothing is wrong", token, accept());
    }
    for alg in ["RS512", "PS256", "PS384", "PS512"] {
        let token = m.forge.token(alg, &claims());
        let asked = and(accept(), json!({"allowed_algs": [alg]}));
        m.token(alg, "accepted where it is asked for", token, asked);
    }
    for (id, says, allowed) in [
        ("EdDSA", "EdDSA", "EdDSA"),
        ("Ed25519", "Ed25519", "EdDSA"),
        ("Ed25519-allowed", "EdDSA", "Ed25519"),
    ] {
        let token = ed25519_token(&json!({"alg": says, "kid": "ed25519"}), &claims());
        let asked = and(accept(), json!({"allowed_algs": [allowed]}));
        m.token(id, "two names of one algorithm", token, asked);
    }
    for (id, typ) in [
        ("typ-lower", "jwt"),
        ("typ-long", "application/jwt"),
        ("typ-long-upper", "APPLICATION/JWT"),
    ] {
        let header = json!({"alg": "RS256", "kid": "rsa", "typ": typ});
        m.header(
            id,
            "a media type does not depend on case",
            &header,
            accept(),
        );
    }
    m.header(
        "no-typ",
        "typ is optional",
        &json!({"alg": "RS256", "kid": "rsa"}),
        accept(),
    );
    m.header("no-kid", "one key fits", &json!({"alg": "RS256"}), accept());
    m.texts(
        "odd-spacing",
        "white space between the tokens of JSON",
        b" { \"alg\" : \"RS256\" , \"kid\":\t\"rsa\" } ",
        format!("\r\n{}", claims_text("\n  ")).as_bytes(),
        accept(),
    );
    m.texts(
        "escapes",
        "escapes are another spelling of the same text",
        br#"{"\u0061lg":"RS\u003256","kid":"\u0072sa"}"#,
        spelled("iss", r#""https:\/\/ehr.example\/\u006fidc""#).as_bytes(),
        accept(),
    );
    let mut many = claims();
    for (claim, value) in [
        ("jti", json!("a")),
        ("email", json!("a@b.example")),
        ("name", json!("Dr. \u{c4}\u{1f600}")),
        ("amr", json!(["pwd", "otp"])),
        ("x-y", json!({"deep": [1, {"a": null}], "e": 1e300})),
        ("", json!("an empty name")),
    ] {
        many[claim] = value;
    }
    m.claims(
        "unknown-claims",
        "claims that nobody knows are ignored",
        &many,
        accept(),
    );
    let later = json!({"now": NOW + 200});
    m.claims(
        "another-now",
        "the clock of the case",
        &claims(),
        and(accept(), later),
    );
    let other = json!({"client_id": "another-app"});
    m.claims(
        "another-client",
        "the client of the case",
        &with("aud", "another-app"),
        and(accept(), other),
    );
}
