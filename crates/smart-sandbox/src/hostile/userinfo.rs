//! What UserInfo says, plain and signed.

use serde_json::{Map, Value, json};

use super::fault::Act::{Answer, Body, SignedUserInfo};
use super::fault::At::UserInfo;
use super::fault::{Fault, fault};
use super::forged;
use super::moment::Genuine;
use super::wrong;

const USE_NOTHING: &str = "use nothing of it";
const SIGNED: &str = "OpenID Connect Core 5.3.4";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "userinfo-of-somebody-else",
        "UserInfo is about another user than the ID token",
        "use nothing of it",
        "OpenID Connect Core 5.3.2",
        Body(UserInfo, |it, _| {
            if let Some(members) = it.as_object_mut() {
                put(members, "sub", json!("somebody-else"));
            }
        }),
    ),
    fault(
        "userinfo-without-subject",
        "UserInfo does not say whom it is about",
        "use nothing of it",
        "OpenID Connect Core 5.3.2",
        Body(UserInfo, |it, _| {
            if let Some(members) = it.as_object_mut() {
                members.remove("sub");
            }
        }),
    ),
    fault(
        "userinfo-page",
        "UserInfo is a page",
        "use nothing of it",
        "OpenID Connect Core 5.3.2",
        Answer(UserInfo, wrong::page),
    ),
    fault(
        "userinfo-moved",
        "UserInfo redirects to another host",
        "follow no redirect: the access token would go along",
        "RFC 6750 5.3",
        Answer(UserInfo, wrong::moved),
    ),
    fault(
        "userinfo-signed",
        "UserInfo is signed, also for an app that did not ask for it",
        "verify the signature, the issuer and the audience, or refuse it",
        SIGNED,
        SignedUserInfo(|it, _| it.token.clone()),
    ),
    fault(
        "userinfo-signed-by-nobody",
        "UserInfo is a token that says none",
        USE_NOTHING,
        "CVE-2015-2951",
        SignedUserInfo(|it, _| forged::unsigned(it, "none", "")),
    ),
    fault(
        "userinfo-signed-by-an-attacker",
        "an attacker's key has signed UserInfo under the name of the issuer's",
        USE_NOTHING,
        SIGNED,
        SignedUserInfo(|it, at| {
            forged::forged(it, at, |alg, _| json!({ "alg": alg, "kid": it.kid }))
        }),
    ),
    fault(
        "userinfo-signed-for-another-app",
        "UserInfo is signed, for another app",
        USE_NOTHING,
        SIGNED,
        SignedUserInfo(|it, _| with_claims(it, |claims| put(claims, "aud", json!("another-app")))),
    ),
    fault(
        "userinfo-signed-by-another-issuer",
        "UserInfo is signed, and names another issuer",
        USE_NOTHING,
        SIGNED,
        SignedUserInfo(|it, _| {
            with_claims(it, |claims| {
                put(claims, "iss", json!("https://attacker.example"))
            })
        }),
    ),
    fault(
        "userinfo-signed-for-nobody",
        "UserInfo is signed, and says neither by whom nor for whom",
        USE_NOTHING,
        SIGNED,
        SignedUserInfo(|it, _| {
            with_claims(it, |claims| {
                claims.remove("iss");
                claims.remove("aud");
            })
        }),
    ),
    fault(
        "userinfo-signed-of-somebody-else",
        "UserInfo is signed well, about another user than the ID token",
        USE_NOTHING,
        "OpenID Connect Core 5.3.2",
        SignedUserInfo(|it, _| {
            with_claims(it, |claims| put(claims, "sub", json!("somebody-else")))
        }),
    ),
    fault(
        "userinfo-signed-as-access-token",
        "UserInfo is signed, and its typ is the one of an access token",
        "use nothing of it: it is another kind of token",
        "RFC 8725 3.11",
        SignedUserInfo(|it, _| forged::with(it, "typ", json!("at+jwt"))),
    ),
];

fn put(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

/// Signed well, with other claims.
fn with_claims(genuine: &Genuine<'_>, act: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims: Value = serde_json::from_str(&genuine.payload).unwrap_or_default();
    if let Some(members) = claims.as_object_mut() {
        act(members);
    }
    let header = forged::with_kid(genuine, genuine.kid).to_string();
    forged::of_text(genuine, &header, &claims.to_string(), genuine.key)
}
