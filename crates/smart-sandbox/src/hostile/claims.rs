//! ID tokens that are signed well and say what they must not.

use serde_json::{Map, Value, json};

use super::fault::Act::Claims;
use super::fault::Fault;
use super::fault::Which::First;
use super::moment::Moment;

type Object = Map<String, Value>;

const REFUSE_CLAIM: &str = "refuse the ID token";
const CORE: &str = "OpenID Connect Core 3.1.3.7";

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&mut Object, &Moment<'_>),
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Claims(First, act),
    }
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "wrong-issuer",
        "the ID token names another issuer",
        "refuse the ID token, and fetch nothing from the issuer that it names",
        CORE,
        |it, _| put(it, "iss", json!("https://attacker.example")),
    ),
    fault(
        "issuer-with-slash",
        "the ID token names the issuer with one slash more",
        "refuse the ID token: issuers are compared as written",
        CORE,
        |it, at| put(it, "iss", json!(format!("{}/", at.urls.issuer()))),
    ),
    fault(
        "issuer-upper-case",
        "the ID token names the issuer in upper case",
        "refuse the ID token: issuers are compared as written",
        CORE,
        |it, at| put(it, "iss", json!(at.urls.issuer().to_uppercase())),
    ),
    fault(
        "issuer-prefix-twin",
        "the ID token names an issuer that begins with the right one",
        "refuse the ID token: no part of an issuer counts",
        "CVE-2024-53861",
        |it, at| {
            put(
                it,
                "iss",
                json!(format!("{}.attacker.example", at.urls.issuer())),
            )
        },
    ),
    fault(
        "issuer-array",
        "iss is an array that holds the issuer",
        REFUSE_CLAIM,
        "CVE-2025-30144",
        |it, at| {
            put(
                it,
                "iss",
                json!([at.urls.issuer(), "https://attacker.example"]),
            )
        },
    ),
    fault(
        "no-issuer",
        "the ID token has no iss",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| drop(it.remove("iss")),
    ),
    fault(
        "wrong-audience",
        "the ID token is for another app",
        "refuse the ID token: it was issued to somebody else",
        CORE,
        |it, _| put(it, "aud", json!("another-app")),
    ),
    fault(
        "further-audience",
        "the ID token is for another app too",
        "refuse the ID token unless that audience is trusted",
        CORE,
        further_audience,
    ),
    fault(
        "empty-audience",
        "aud is an empty array",
        REFUSE_CLAIM,
        CORE,
        |it, _| put(it, "aud", json!([])),
    ),
    fault(
        "no-audience",
        "the ID token has no aud",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| drop(it.remove("aud")),
    ),
    fault(
        "null-audience",
        "aud is null",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "aud", Value::Null),
    ),
    fault(
        "wrong-authorized-party",
        "azp is another app",
        REFUSE_CLAIM,
        CORE,
        |it, _| put(it, "azp", json!("another-app")),
    ),
    fault(
        "no-nonce",
        "the ID token has no nonce",
        "refuse the ID token: it may be of another launch",
        "OpenID Connect Core 3.1.3.7; CVE-2024-10318",
        |it, _| drop(it.remove("nonce")),
    ),
    fault(
        "other-nonce",
        "the ID token has the nonce of another launch",
        "refuse the ID token: it answers another request",
        "OpenID Connect Core 3.1.3.7",
        |it, _| {
            put(
                it,
                "nonce",
                json!("0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"),
            )
        },
    ),
    fault(
        "empty-nonce",
        "the nonce is empty",
        REFUSE_CLAIM,
        "OpenID Connect Core 3.1.3.7",
        |it, _| put(it, "nonce", json!("")),
    ),
    fault(
        "nonce-declared-off",
        "the ID token has no nonce and says nonce_supported: false",
        "refuse the ID token: it cannot relax what is asked of it",
        "CVE-2026-114617",
        nonce_declared_off,
    ),
    fault(
        "expired",
        "the ID token ended five minutes ago",
        "refuse the ID token, whatever the clock skew allowed",
        CORE,
        expired,
    ),
    fault(
        "expired-just-now",
        "the ID token ends at this second",
        "accept the ID token within the clock skew allowed",
        CORE,
        |it, at| put(it, "exp", json!(at.now)),
    ),
    fault(
        "issued-in-future",
        "the ID token was issued in ten minutes",
        "refuse the ID token",
        CORE,
        |it, at| put(it, "iat", json!(at.now + 600)),
    ),
    fault(
        "not-yet-valid",
        "nbf is in ten minutes",
        "refuse the ID token",
        "RFC 7519 4.1.5",
        |it, at| put(it, "nbf", json!(at.now + 600)),
    ),
    fault(
        "no-expiry",
        "the ID token has no exp",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| drop(it.remove("exp")),
    ),
    fault(
        "expiry-as-text",
        "exp is a string of digits",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, at| put(it, "exp", json!((at.now + 300).to_string())),
    ),
    fault(
        "expiry-in-milliseconds",
        "exp counts milliseconds",
        "refuse the ID token: it would live for thousands of years",
        "RFC 7519 2",
        |it, at| put(it, "exp", json!((at.now + 300) * 1000)),
    ),
    fault(
        "expiry-without-bound",
        "exp is 1e300",
        "refuse the ID token without an overflow",
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(1e300)),
    ),
    fault(
        "expiry-negative",
        "exp is before 1970",
        "refuse the ID token without an overflow",
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(-1)),
    ),
    fault(
        "no-issue-time",
        "the ID token has no iat",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| drop(it.remove("iat")),
    ),
    fault(
        "no-subject",
        "the ID token has no sub",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| drop(it.remove("sub")),
    ),
    fault(
        "empty-subject",
        "sub is empty",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| put(it, "sub", json!("")),
    ),
    fault(
        "long-subject",
        "sub has 256 characters",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| put(it, "sub", json!("s".repeat(256))),
    ),
    fault(
        "numeric-subject",
        "sub is a number",
        REFUSE_CLAIM,
        "CVE-2026-25537",
        |it, _| put(it, "sub", json!(7)),
    ),
    fault(
        "wrong-access-token-hash",
        "at_hash is of another access token",
        "refuse the tokens: somebody has put them together",
        "OpenID Connect Core 3.1.3.8",
        |it, _| put(it, "at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
    ),
    fault(
        "deep-claim",
        "a claim is nested a thousand deep",
        "refuse the ID token without a stack overflow",
        "CVE-2025-53864",
        deep_claim,
    ),
    fault(
        "unknown-claim",
        "the ID token has a claim that nobody knows",
        "accept the ID token: claims that are not understood are ignored",
        "OpenID Connect Core 2",
        |it, _| put(it, "urn:example:shoe-size", json!({ "eu": 41.5 })),
    ),
    fault(
        "issuer-with-user-information",
        "the ID token names the issuer as the user information of another host",
        "refuse the ID token: no part of an issuer counts",
        "CVE-2024-53861",
        |it, at| {
            put(
                it,
                "iss",
                json!(format!("{}@attacker.example", at.urls.issuer())),
            )
        },
    ),
    fault(
        "issuer-with-a-query",
        "the ID token names the issuer with a query",
        "refuse the ID token: issuers are compared as written",
        "CVE-2024-53861",
        |it, at| put(it, "iss", json!(format!("{}?", at.urls.issuer()))),
    ),
    fault(
        "issuer-null",
        "iss is null",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "iss", Value::Null),
    ),
    fault(
        "audience-of-a-part",
        "aud begins with the app, and goes on",
        "refuse the ID token: no part of an audience counts",
        "CVE-2024-53861",
        |it, _| {
            put(
                it,
                "aud",
                json!(format!("{}-other", crate::DEFAULT_CLIENT_ID)),
            )
        },
    ),
    fault(
        "audience-object",
        "aud is an object",
        REFUSE_CLAIM,
        "CVE-2026-25537",
        |it, _| put(it, "aud", json!({ "app": crate::DEFAULT_CLIENT_ID })),
    ),
    fault(
        "audience-of-lists",
        "aud is a list in a list",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "aud", json!([[crate::DEFAULT_CLIENT_ID]])),
    ),
    fault(
        "nonce-number",
        "the nonce is a number",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "nonce", json!(7)),
    ),
    fault(
        "nonce-list",
        "the nonce is a list",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "nonce", json!(["nonce"])),
    ),
    fault(
        "nonce-null",
        "the nonce is null",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "nonce", Value::Null),
    ),
    fault(
        "expiry-null",
        "exp is null",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "exp", Value::Null),
    ),
    fault(
        "expiry-true",
        "exp is true",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "exp", json!(true)),
    ),
    fault(
        "expiry-zero",
        "exp is 0",
        REFUSE_CLAIM,
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(0)),
    ),
    fault(
        "expiry-tiny",
        "exp is 1e-300",
        "refuse the ID token without an overflow",
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(1e-300)),
    ),
    fault(
        "expiry-largest",
        "exp is the largest number of 64 bits",
        "refuse the ID token without an overflow",
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(u64::MAX)),
    ),
    fault(
        "expiry-in-year-ten-thousand",
        "exp is in the year 10000",
        "refuse the ID token: no clock that is right says so",
        "RFC 7519 2",
        |it, _| put(it, "exp", json!(253_402_300_800_u64)),
    ),
    fault(
        "issue-time-as-text",
        "iat is a string of digits",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, at| put(it, "iat", json!(at.now.to_string())),
    ),
    fault(
        "not-before-as-text",
        "nbf is a string of digits",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, at| put(it, "nbf", json!((at.now + 600).to_string())),
    ),
    fault(
        "subject-null",
        "sub is null",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "sub", Value::Null),
    ),
    fault(
        "subject-beyond-ascii",
        "sub has a letter beyond ASCII",
        REFUSE_CLAIM,
        "OpenID Connect Core 2",
        |it, _| put(it, "sub", json!("s\u{fc}bject")),
    ),
    fault(
        "access-token-hash-number",
        "at_hash is a number",
        "refuse the ID token: a wrong type is not an absent claim",
        "CVE-2026-25537",
        |it, _| put(it, "at_hash", json!(7)),
    ),
    fault(
        "name-of-markup",
        "the name in the ID token is markup",
        "accept the ID token, and show the name as text",
        "CWE-79",
        |it, _| put(it, "name", json!("<script>alert(1)</script>")),
    ),
];

fn put(claims: &mut Object, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

fn further_audience(claims: &mut Object, _: &Moment<'_>) {
    let own = claims.get("aud").cloned().unwrap_or_default();
    put(claims, "aud", json!([own, "another-app"]));
}

fn nonce_declared_off(claims: &mut Object, _: &Moment<'_>) {
    claims.remove("nonce");
    put(claims, "nonce_supported", json!(false));
}

fn expired(claims: &mut Object, at: &Moment<'_>) {
    put(claims, "iat", json!(at.now.saturating_sub(900)));
    put(claims, "exp", json!(at.now.saturating_sub(300)));
}

fn deep_claim(claims: &mut Object, _: &Moment<'_>) {
    let deep = (0..1000).fold(Value::Null, |inner, _| json!([inner]));
    put(claims, "deep", deep);
}
