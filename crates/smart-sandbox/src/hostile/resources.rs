//! What the FHIR server and UserInfo answer when the user is looked up.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::fault::Act::{Answer, Body, Late};
use super::fault::At::Read;
use super::fault::{Fault, fault};
use super::{people, wrong};

const USER: &str = "SMART App Launch 2.2, Scopes for requesting identity data";
const NO_CARD: &str = "keep the identity without the resource, and say why";

fn outcome(status: StatusCode, code: &str) -> Response {
    let body = json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": code }]
    });
    wrong::json(status, body.to_string())
}

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "resource-refused",
        "the FHIR server does not take the access token",
        NO_CARD,
        "RFC 6750 3.1",
        Answer(Read, |_| outcome(StatusCode::UNAUTHORIZED, "login")),
    ),
    fault(
        "resource-forbidden",
        "the FHIR server does not show the user",
        NO_CARD,
        USER,
        Answer(Read, |_| outcome(StatusCode::FORBIDDEN, "forbidden")),
    ),
    fault(
        "resource-absent",
        "the FHIR server does not know the user",
        NO_CARD,
        USER,
        Answer(Read, |_| outcome(StatusCode::NOT_FOUND, "not-found")),
    ),
    fault(
        "resource-moved",
        "the FHIR server redirects to another host",
        "follow no redirect: the access token would go along",
        "CVE-2026-34361",
        Answer(Read, wrong::moved),
    ),
    fault(
        "resource-page",
        "the resource is a page",
        NO_CARD,
        "FHIR R4 http",
        Answer(Read, wrong::page),
    ),
    fault(
        "resource-broken",
        "the resource is cut short",
        NO_CARD,
        "FHIR R4 http",
        Answer(Read, wrong::broken),
    ),
    fault(
        "resource-huge",
        "the resource has eight megabytes",
        "read no more than a bound",
        "CVE-2025-61920",
        Answer(Read, wrong::huge),
    ),
    fault(
        "resource-deep",
        "the resource is nested five thousand deep",
        "refuse it without a stack overflow",
        "CVE-2025-53864",
        Answer(Read, wrong::deep),
    ),
    fault(
        "resource-late",
        "the resource comes after ten seconds",
        "wait for a bounded time",
        "FHIR R4 http",
        Late(Read),
    ),
    fault(
        "resource-of-somebody-else",
        "the resource has another id than was asked for",
        "refuse it: it is somebody else's",
        USER,
        Body(Read, |it, _| put(it, "id", json!("somebody-else"))),
    ),
    fault(
        "resource-of-another-type",
        "the resource is of another type than was asked for",
        "refuse it: it is something else",
        USER,
        Body(Read, |it, _| put(it, "resourceType", json!("Person"))),
    ),
    fault(
        "resource-of-hostile-text",
        "the names in the resource are markup, run backwards, and are very long",
        "show them as text, within their place",
        "CWE-79",
        Body(Read, |it, _| people::spoil_names(it)),
    ),
    fault(
        "resource-of-hostile-links",
        "photo and telecom of the resource lead to scripts, files and other hosts",
        "make no link of them that is not http, https, mailto or tel, and fetch none",
        "CWE-79; CVE-2026-34360",
        Body(Read, |it, _| people::spoil_links(it)),
    ),
];

fn put(resource: &mut Value, name: &str, value: Value) {
    if let Some(members) = resource.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}
