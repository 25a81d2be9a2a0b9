//! Discovery documents that are not there, or lie.

use serde_json::{Value, json};

use super::fault::Act::{Answer, Body, Late};
use super::fault::At::{OpenidConfiguration, SmartConfiguration};
use super::fault::{Act, At, Fault, fault};
use super::moment::Moment;
use super::wrong;

const CHAIN: &str = "SMART App Launch 2.2, Conformance; OpenID Connect Discovery 4.3";
const LIMITS: &str = "OpenID Connect Discovery 4.2";

const fn set(at: At, act: fn(&mut Value, &Moment<'_>)) -> Act {
    Body(at, act)
}

const STOP: &str = "begin no launch, and say why";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "smart-configuration-absent",
        "the smart-configuration is not found",
        "begin no launch; guess no endpoint unless SMART 1.0 was chosen",
        CHAIN,
        Answer(SmartConfiguration, wrong::absent),
    ),
    fault(
        "smart-configuration-failing",
        "the smart-configuration answers 500",
        STOP,
        CHAIN,
        Answer(SmartConfiguration, wrong::failing),
    ),
    fault(
        "smart-configuration-page",
        "the smart-configuration is a page",
        STOP,
        CHAIN,
        Answer(SmartConfiguration, wrong::page),
    ),
    fault(
        "smart-configuration-broken",
        "the smart-configuration is cut short",
        STOP,
        CHAIN,
        Answer(SmartConfiguration, wrong::broken),
    ),
    fault(
        "smart-configuration-huge",
        "the smart-configuration has eight megabytes",
        "read no more than a bound",
        "CVE-2025-61920",
        Answer(SmartConfiguration, wrong::huge),
    ),
    fault(
        "smart-configuration-deep",
        "the smart-configuration is nested five thousand deep",
        "refuse it without a stack overflow",
        "CVE-2025-53864",
        Answer(SmartConfiguration, wrong::deep),
    ),
    fault(
        "smart-configuration-moved",
        "the smart-configuration redirects to another host",
        "follow no redirect of a discovery document",
        "CVE-2026-102267",
        Answer(SmartConfiguration, wrong::moved),
    ),
    fault(
        "smart-configuration-late",
        "the smart-configuration comes after ten seconds",
        "wait for a bounded time",
        LIMITS,
        Late(SmartConfiguration),
    ),
    fault(
        "openid-configuration-absent",
        "the openid-configuration is not found",
        STOP,
        CHAIN,
        Answer(OpenidConfiguration, wrong::absent),
    ),
    fault(
        "openid-configuration-page",
        "the openid-configuration is a page",
        STOP,
        CHAIN,
        Answer(OpenidConfiguration, wrong::page),
    ),
    fault(
        "openid-configuration-moved",
        "the openid-configuration redirects to the metadata service of a cloud",
        "follow no redirect of a discovery document",
        "CVE-2026-102267",
        Answer(OpenidConfiguration, wrong::moved_inside),
    ),
    fault(
        "openid-issuer-differs",
        "the openid-configuration names another issuer than was asked",
        "refuse the document",
        "OpenID Connect Discovery 4.3",
        set(OpenidConfiguration, |it, _| {
            put(it, "issuer", json!("https://attacker.example"));
        }),
    ),
    fault(
        "openid-issuer-with-slash",
        "the openid-configuration names the issuer with one slash more, and nothing else does",
        "refuse the callback and the ID token: their issuer is not the one of the document",
        "OpenID Connect Discovery 4.3",
        set(OpenidConfiguration, |it, at| {
            put(it, "issuer", json!(format!("{}/", at.urls.issuer())));
        }),
    ),
    fault(
        "openid-issuer-template",
        "the openid-configuration names an issuer with a place for a tenant",
        "refuse the document: a template is no issuer",
        "OpenID Connect Discovery 4.3",
        set(OpenidConfiguration, |it, _| {
            put(it, "issuer", json!("https://login.example/{tenantid}/v2.0"));
        }),
    ),
    fault(
        "smart-without-issuer",
        "the smart-configuration names no issuer, and announces sign-in",
        "begin no launch: the FHIR base is not the issuer by assumption",
        CHAIN,
        set(SmartConfiguration, |it, _| drop_member(it, "issuer")),
    ),
    fault(
        "smart-issuer-nowhere",
        "the smart-configuration names an issuer that has no openid-configuration",
        STOP,
        CHAIN,
        set(SmartConfiguration, |it, at| {
            put(it, "issuer", json!(format!("{}/nowhere", at.urls.base())));
        }),
    ),
    fault(
        "smart-issuer-inside",
        "the smart-configuration names the metadata service of a cloud as issuer",
        "fetch nothing from addresses of the own network",
        "CVE-2026-34360",
        set(SmartConfiguration, |it, _| {
            put(it, "issuer", json!("https://169.254.169.254"));
        }),
    ),
    fault(
        "smart-issuer-not-https",
        "the smart-configuration names an issuer without TLS on another host",
        "refuse the document",
        "OpenID Connect Discovery 3",
        set(SmartConfiguration, |it, _| {
            put(it, "issuer", json!("http://ehr.example/oidc"));
        }),
    ),
    fault(
        "token-endpoint-not-https",
        "the token endpoint is without TLS on another host",
        "refuse the document, and send no code there",
        "RFC 6749 3.2",
        set(SmartConfiguration, |it, _| {
            put(it, "token_endpoint", json!("http://ehr.example/token"));
        }),
    ),
    fault(
        "authorization-endpoint-script",
        "the authorization endpoint is a javascript: URL",
        "refuse the document, and send no browser there",
        "RFC 6749 3.1",
        set(SmartConfiguration, |it, _| {
            put(it, "authorization_endpoint", json!("javascript:alert(1)"));
        }),
    ),
    fault(
        "no-token-endpoint",
        "the smart-configuration names no token endpoint",
        STOP,
        CHAIN,
        set(SmartConfiguration, |it, _| {
            drop_member(it, "token_endpoint")
        }),
    ),
    fault(
        "jwks-uri-file",
        "jwks_uri is a file: URL",
        "refuse the document, and read no file",
        "CVE-2026-48522",
        set(OpenidConfiguration, |it, _| {
            put(it, "jwks_uri", json!("file:///etc/passwd"));
        }),
    ),
    fault(
        "jwks-uri-inside",
        "jwks_uri leads to the metadata service of a cloud",
        "fetch nothing from addresses of the own network",
        "CVE-2024-21643",
        set(OpenidConfiguration, |it, _| {
            put(it, "jwks_uri", json!("https://169.254.169.254/keys"));
        }),
    ),
    fault(
        "jwks-uris-disagree",
        "the two documents name different key sets",
        "take the one of the openid-configuration, and say so",
        CHAIN,
        set(SmartConfiguration, |it, at| {
            put(
                it,
                "jwks_uri",
                json!(format!("{}/other-keys", at.urls.base())),
            );
        }),
    ),
    fault(
        "algorithms-narrowed",
        "the announced algorithms leave out the one that signs",
        "refuse the ID token",
        "OpenID Connect Core 3.1.3.7",
        set(OpenidConfiguration, |it, _| {
            let others = ["ES384", "ES256", "PS512"];
            let held = it.get(ALGORITHMS).and_then(Value::as_array).cloned();
            let is_held = |it: &str| held.iter().flatten().any(|held| held == it);
            let other = others.into_iter().find(|it| !is_held(it));
            put(it, ALGORITHMS, json!([other]));
        }),
    ),
    fault(
        "algorithms-widened",
        "the announced algorithms have none and HS256 among them",
        "accept no more algorithms than before, and say so",
        "CVE-2022-23540",
        set(OpenidConfiguration, |it, _| {
            let held = it.get_mut(ALGORITHMS).and_then(Value::as_array_mut);
            if let Some(held) = held {
                held.extend(["none", "HS256", "rs512"].map(Value::from));
            }
        }),
    ),
    fault(
        "algorithms-missing",
        "no algorithms are announced",
        "accept those of the client, and say so",
        "OpenID Connect Discovery 3",
        set(OpenidConfiguration, |it, _| drop_member(it, ALGORITHMS)),
    ),
    fault(
        "smart-issuer-inside-mapped",
        "the smart-configuration names the metadata service of a cloud as an IPv6 address",
        "fetch nothing from addresses of the own network",
        "CVE-2026-34360",
        set(SmartConfiguration, |it, _| {
            put(it, "issuer", json!("https://[::ffff:169.254.169.254]"))
        }),
    ),
    fault(
        "smart-issuer-null",
        "the issuer of the smart-configuration is null",
        STOP,
        "SMART App Launch 2.2, Conformance",
        set(SmartConfiguration, |it, _| put(it, "issuer", Value::Null)),
    ),
    fault(
        "smart-issuer-list",
        "the issuer of the smart-configuration is a list",
        STOP,
        "CVE-2025-30144",
        set(SmartConfiguration, |it, at| {
            put(it, "issuer", json!([at.urls.issuer()]))
        }),
    ),
    fault(
        "jwks-uri-inside-in-decimal",
        "jwks_uri leads to the metadata service of a cloud as one number",
        "fetch nothing from addresses of the own network",
        "CVE-2024-21643",
        set(OpenidConfiguration, |it, _| {
            put(it, "jwks_uri", json!("https://2852039166/keys"))
        }),
    ),
    fault(
        "jwks-uri-data",
        "jwks_uri is a data: URL with a key set",
        "refuse the document, and read no keys from it",
        "CVE-2026-48522",
        set(OpenidConfiguration, |it, _| {
            put(
                it,
                "jwks_uri",
                json!("data:application/json,{%22keys%22:[]}"),
            )
        }),
    ),
    fault(
        "jwks-uri-not-https",
        "jwks_uri is without TLS on another host",
        "refuse the document, and fetch no keys from there",
        "OpenID Connect Discovery 3",
        set(OpenidConfiguration, |it, _| {
            put(it, "jwks_uri", json!("http://ehr.example/jwks"))
        }),
    ),
    fault(
        "jwks-uri-with-user-information",
        "jwks_uri has the issuer for its user information",
        "refuse the document, or ask the host that is named behind it and no other",
        "CVE-2026-34359",
        set(OpenidConfiguration, |it, at| {
            let base = at.urls.base().replace("http://", "https://");
            put(
                it,
                "jwks_uri",
                json!(format!("{base}@169.254.169.254/jwks")),
            );
        }),
    ),
    fault(
        "no-jwks-uri",
        "the openid-configuration names no key set",
        STOP,
        "OpenID Connect Discovery 3",
        set(OpenidConfiguration, |it, _| drop_member(it, "jwks_uri")),
    ),
    fault(
        "token-endpoint-inside",
        "the token endpoint is the metadata service of a cloud",
        "send no code, no secret and no assertion there",
        "CVE-2026-34360",
        set(SmartConfiguration, |it, _| {
            put(it, "token_endpoint", json!("https://169.254.169.254/token"))
        }),
    ),
    fault(
        "token-endpoints-disagree",
        "the openid-configuration names another token endpoint, so an assertion could be for either",
        "send code and assertion to the one of the smart-configuration, and make the assertion for that one",
        "CVE-2025-27370",
        set(OpenidConfiguration, |it, _| {
            put(
                it,
                "token_endpoint",
                json!("https://attacker.example/token"),
            );
        }),
    ),
    fault(
        "authentication-methods-emptied",
        "no way to authenticate is announced",
        "go on as the app is registered, and say so",
        "RFC 8414 2",
        set(SmartConfiguration, |it, _| {
            put(it, "token_endpoint_auth_methods_supported", json!([]));
        }),
    ),
    fault(
        "pkce-plain-only",
        "only plain is announced for PKCE",
        "send S256 all the same, or begin no launch; never plain",
        "RFC 9700 2.1.1",
        set(SmartConfiguration, |it, _| {
            put(it, "code_challenge_methods_supported", json!(["plain"]));
        }),
    ),
];

const ALGORITHMS: &str = "id_token_signing_alg_values_supported";

fn put(document: &mut Value, name: &str, value: Value) {
    if let Some(members) = document.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn drop_member(document: &mut Value, name: &str) {
    if let Some(members) = document.as_object_mut() {
        members.remove(name);
    }
}
