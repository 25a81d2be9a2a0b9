//! What a refresh meets: tokens that are spent, and a user or a patient who has changed.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::fault::Act::{Answer, Body, Claims, Forge, KeepRefreshToken};
use super::fault::At::Refresh;
use super::fault::Which::Refreshed;
use super::fault::{Fault, fault};
use super::wrong;

const CONTINUITY: &str = "OpenID Connect Core 12.2";
const END: &str = "drop every token of the answer unused, and end the session";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "refresh-token-reused",
        "the refresh token counts as used before, and its grant has ended",
        "end the session, and send the user through sign-in",
        "RFC 9700 4.14.2",
        Answer(Refresh, |_| {
            let body = json!({ "error": "invalid_grant" });
            wrong::json(StatusCode::BAD_REQUEST, body.to_string())
        }),
    ),
    fault(
        "refresh-failing",
        "the answer to a refresh is lost behind a 500",
        "keep the session until its access token ends, and try the token once more",
        "RFC 9700 4.14.2",
        Answer(Refresh, wrong::failing),
    ),
    fault(
        "refresh-moved",
        "the token endpoint redirects a refresh to another host",
        "follow no redirect: the refresh token would go along",
        "RFC 9700 4.12",
        Answer(Refresh, wrong::moved),
    ),
    fault(
        "refresh-of-another-subject",
        "the ID token of the refresh is of another user",
        END,
        CONTINUITY,
        Claims(Refreshed, |it, _| put(it, "sub", json!("somebody-else"))),
    ),
    fault(
        "refresh-of-another-issuer",
        "the ID token of the refresh is of another issuer",
        END,
        CONTINUITY,
        Claims(Refreshed, |it, _| {
            put(it, "iss", json!("https://attacker.example"));
        }),
    ),
    fault(
        "refresh-wrong-signature",
        "the ID token of the refresh is not signed by the issuer",
        END,
        CONTINUITY,
        Forge(Refreshed, |it, _| {
            let (header, payload, _) = it.parts();
            format!("{header}.{payload}.AAAA")
        }),
    ),
    fault(
        "refresh-other-nonce",
        "the ID token of the refresh has a nonce, and another one",
        END,
        CONTINUITY,
        Claims(Refreshed, |it, _| put(it, "nonce", json!("another"))),
    ),
    fault(
        "refresh-without-audience",
        "the ID token of the refresh has no aud",
        "keep the new access token and the identity of the sign-in, and refuse the ID token",
        CONTINUITY,
        Claims(Refreshed, |it, _| drop(it.remove("aud"))),
    ),
    fault(
        "refresh-not-rotated",
        "the refresh brings no new refresh token, and the former one stays good",
        "keep the one that is there",
        "RFC 6749 6",
        KeepRefreshToken,
    ),
    fault(
        "refresh-without-id-token",
        "the refresh brings no ID token",
        "keep the identity of the sign-in",
        CONTINUITY,
        Body(Refresh, |it, _| drop_member(it, "id_token")),
    ),
    fault(
        "refresh-of-another-patient",
        "the patient in context is another one after the refresh",
        "show no chart of the one with a token of the other",
        "SMART App Launch 2.2, Launch context arrives with your access token",
        Body(Refresh, |it, _| {
            if let Some(members) = it.as_object_mut() {
                let is_fourth = members.get("patient").is_some_and(|it| it == "p-4");
                let other = if is_fourth { "p-1" } else { "p-4" };
                members.insert("patient".to_owned(), json!(other));
            }
        }),
    ),
];

fn put(claims: &mut Map<String, Value>, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

fn drop_member(body: &mut Value, name: &str) {
    if let Some(members) = body.as_object_mut() {
        members.remove(name);
    }
}
