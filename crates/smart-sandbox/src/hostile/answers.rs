//! What the token endpoint answers to a code.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::fault::Act::{Answer, Body, Late};
use super::fault::At::Code;
use super::fault::{Fault, fault};
use super::moment::Moment;
use super::wrong;

const STOP: &str = "make no session, and say why";
const TOKEN: &str = "SMART App Launch 2.2, Obtain access token";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "token-failing",
        "the token endpoint answers 500",
        STOP,
        "RFC 6749 5.2",
        Answer(Code, wrong::failing),
    ),
    fault(
        "token-busy",
        "the token endpoint answers 503 and says when to come back",
        STOP,
        "RFC 9110 15.6.4",
        Answer(Code, busy),
    ),
    fault(
        "token-page",
        "the token endpoint answers with a page",
        STOP,
        "RFC 6749 5.1",
        Answer(Code, wrong::page),
    ),
    fault(
        "token-broken",
        "the answer is cut short",
        STOP,
        "RFC 6749 5.1",
        Answer(Code, wrong::broken),
    ),
    fault(
        "token-huge",
        "the answer has eight megabytes",
        "read no more than a bound",
        "CVE-2025-61920",
        Answer(Code, wrong::huge),
    ),
    fault(
        "token-deep",
        "the answer is nested five thousand deep",
        "refuse it without a stack overflow",
        "CVE-2025-53864",
        Answer(Code, wrong::deep),
    ),
    fault(
        "token-moved",
        "the token endpoint redirects to another host",
        "follow no redirect: code and secret would go along",
        "RFC 9700 4.12",
        Answer(Code, wrong::moved),
    ),
    fault(
        "token-late",
        "the answer comes after ten seconds",
        "wait for a bounded time",
        "RFC 6749 3.2",
        Late(Code),
    ),
    fault(
        "token-invalid-client",
        "the token endpoint does not know the app",
        STOP,
        "RFC 6749 5.2",
        Answer(Code, |_| {
            let body = json!({ "error": "invalid_client" });
            wrong::json(StatusCode::UNAUTHORIZED, body.to_string())
        }),
    ),
    fault(
        "token-invalid-grant",
        "the token endpoint refuses the code",
        STOP,
        "RFC 6749 5.2",
        Answer(Code, |_| {
            let body = json!({ "error": "invalid_grant" });
            wrong::json(StatusCode::BAD_REQUEST, body.to_string())
        }),
    ),
    fault(
        "token-error-as-success",
        "the answer is an error with status 200",
        STOP,
        "RFC 6749 5.2",
        Answer(Code, |_| {
            let body = json!({ "error": "invalid_grant" });
            wrong::json(StatusCode::OK, body.to_string())
        }),
    ),
    fault(
        "token-without-access-token",
        "the answer has no access token",
        STOP,
        "RFC 6749 5.1",
        Body(Code, |it, _| drop_member(it, "access_token")),
    ),
    fault(
        "token-with-line-break",
        "the access token has a line break",
        "refuse it: it would split a header",
        "RFC 6749 A.12",
        Body(Code, |it, _| {
            put(it, "access_token", json!("a\r\nX-Injected: b"));
        }),
    ),
    fault(
        "token-type-mac",
        "the token type is not Bearer",
        "refuse the answer: the token must be used as it is meant",
        "RFC 6749 7.1",
        Body(Code, |it, _| put(it, "token_type", json!("mac"))),
    ),
    fault(
        "token-type-lower-case",
        "the token type is bearer",
        "accept it: the type has no case",
        "RFC 6749 5.1",
        Body(Code, |it, _| put(it, "token_type", json!("bearer"))),
    ),
    fault(
        "token-without-id-token",
        "openid is granted, and no ID token comes",
        "make no session: nobody knows who has signed in",
        "OpenID Connect Core 3.1.3.3",
        Body(Code, |it, _| drop_member(it, "id_token")),
    ),
    fault(
        "token-life-as-text",
        "expires_in is a string of digits",
        "accept it, and say so",
        "RFC 6749 5.1",
        Body(Code, |it, _| put(it, "expires_in", json!("3600"))),
    ),
    fault(
        "token-without-life",
        "the answer has no expires_in",
        "accept it, and trust the token for a short time only",
        TOKEN,
        Body(Code, |it, _| drop_member(it, "expires_in")),
    ),
    fault(
        "token-without-scope",
        "the answer has no scope",
        "accept it, and say so",
        TOKEN,
        Body(Code, |it, _| drop_member(it, "scope")),
    ),
    fault(
        "token-of-more-scope",
        "the answer grants what was not asked for",
        "accept it, and say so",
        "RFC 6749 3.3",
        Body(Code, |it, _| {
            let scope = it.get("scope").and_then(Value::as_str).unwrap_or_default();
            let more = format!("{scope} user/*.cruds");
            put(it, "scope", json!(more));
        }),
    ),
    fault(
        "patient-as-number",
        "the patient in context is a number",
        "make no session about a patient whom nobody can name",
        "SMART App Launch 2.2, Launch context arrives with your access token",
        Body(Code, |it, _| put(it, "patient", json!(7))),
    ),
    fault(
        "patient-missing",
        "no patient is in context, although one was asked for",
        "say that there is none, and show none of before",
        "SMART App Launch 2.2, Launch context arrives with your access token",
        Body(Code, |it, _| drop_member(it, "patient")),
    ),
    fault(
        "patient-of-a-path",
        "the id of the patient in context climbs through folders",
        "make no URL of it",
        "FHIR R4 id",
        Body(Code, |it, _| {
            put(it, "patient", json!("../../Practitioner/1"))
        }),
    ),
    fault(
        "token-error-of-markup",
        "the refusal of the code says markup and line breaks",
        "show and log none of it as it is",
        "CWE-79; CWE-117",
        Answer(Code, |_| {
            let body = json!({
                "error": "invalid_grant",
                "error_description": "<script>alert(1)</script>\r\nlevel=info user signed in",
                "error_uri": "javascript:alert(1)"
            });
            wrong::json(StatusCode::BAD_REQUEST, body.to_string())
        }),
    ),
    fault(
        "token-life-negative",
        "expires_in is negative",
        "refuse the answer, or trust the token for a short time only",
        "RFC 6749 5.1",
        Body(Code, |it, _| put(it, "expires_in", json!(-1))),
    ),
    fault(
        "token-life-without-bound",
        "expires_in is the largest number of 64 bits",
        "trust the token for a short time only, without an overflow",
        "RFC 6749 5.1",
        Body(Code, |it, _| put(it, "expires_in", json!(u64::MAX))),
    ),
    fault(
        "token-as-number",
        "the access token is a number",
        STOP,
        "RFC 6749 5.1",
        Body(Code, |it, _| put(it, "access_token", json!(7))),
    ),
    fault(
        "id-token-as-object",
        "the ID token is an object",
        STOP,
        "OpenID Connect Core 3.1.3.3",
        Body(Code, |it, _| put(it, "id_token", json!({ "alg": "none" }))),
    ),
];

fn put(body: &mut Value, name: &str, value: Value) {
    if let Some(members) = body.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

fn drop_member(body: &mut Value, name: &str) {
    if let Some(members) = body.as_object_mut() {
        members.remove(name);
    }
}

fn busy(_: &Moment<'_>) -> Response {
    let mut response = wrong::json(StatusCode::SERVICE_UNAVAILABLE, "{}");
    let seconds = http::HeaderValue::from_static("30");
    response.headers_mut().insert("retry-after", seconds);
    response
}
