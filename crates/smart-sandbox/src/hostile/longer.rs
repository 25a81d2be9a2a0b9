//! The right value with something more at its end: who compares beginnings takes it for the right one.

use serde_json::{Map, Value};

use super::fault::Act::{Body, Claims};
use super::fault::At::{OpenidConfiguration, UserInfo};
use super::fault::Which::{First, Refreshed};
use super::fault::{Fault, fault};

const REFUSE: &str = "refuse the ID token: no part of a value counts";
const END: &str = "drop every token of the answer unused, and end the session";
const CORE: &str = "OpenID Connect Core 3.1.3.7";
const CONTINUITY: &str = "OpenID Connect Core 12.2";

pub(super) const METADATA: &[Fault] = &[fault(
    "openid-issuer-one-longer",
    "the openid-configuration names the issuer with one character more",
    "refuse the document",
    "OpenID Connect Discovery 4.3",
    Body(OpenidConfiguration, |it, _| longer_in(it, "issuer")),
)];

pub(super) const CLAIMS: &[Fault] = &[
    fault(
        "issuer-one-longer",
        "the ID token names the issuer with one character more",
        REFUSE,
        CORE,
        Claims(First, |it, _| longer(it, "iss")),
    ),
    fault(
        "audience-one-longer",
        "the ID token is for the app's client_id with one character more",
        REFUSE,
        CORE,
        Claims(First, |it, _| longer(it, "aud")),
    ),
    fault(
        "nonce-one-longer",
        "the ID token has the nonce of this launch with one character more",
        REFUSE,
        CORE,
        Claims(First, |it, _| longer(it, "nonce")),
    ),
    fault(
        "access-token-hash-one-longer",
        "at_hash is the right one with one character more",
        "refuse the tokens: no part of a hash counts",
        "OpenID Connect Core 3.1.3.8",
        Claims(First, |it, _| longer(it, "at_hash")),
    ),
];

pub(super) const REFRESHES: &[Fault] = &[
    fault(
        "refresh-subject-one-longer",
        "the ID token of the refresh has the user's sub with one character more",
        END,
        CONTINUITY,
        Claims(Refreshed, |it, _| longer(it, "sub")),
    ),
    fault(
        "refresh-issuer-one-longer",
        "the ID token of the refresh names the issuer with one character more",
        END,
        CONTINUITY,
        Claims(Refreshed, |it, _| longer(it, "iss")),
    ),
];

pub(super) const USER_INFO: &[Fault] = &[fault(
    "userinfo-subject-one-longer",
    "UserInfo has the sub of the ID token with one character more",
    "use nothing of it",
    "OpenID Connect Core 5.3.2",
    Body(UserInfo, |it, _| longer_in(it, "sub")),
)];

fn longer_in(object: &mut Value, name: &str) {
    if let Some(members) = object.as_object_mut() {
        longer(members, name);
    }
}

/// A claim that is not there stays so: a token without it is another fault.
fn longer(claims: &mut Map<String, Value>, name: &str) {
    if let Some(Value::String(text)) = claims.get_mut(name) {
        text.push('1');
    }
}
