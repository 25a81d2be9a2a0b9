//! ID tokens whose `fhirUser` leads somewhere else. The sign-in is good; the profile is not.

use serde_json::{Map, Value, json};

use super::fault::Act::Claims;
use super::fault::Fault;
use super::fault::Which::First;
use super::moment::Moment;

const IDENTITY: &str = "SMART App Launch 2.2, Scopes for requesting identity data";

const fn fault(
    name: &'static str,
    does: &'static str,
    client_must: &'static str,
    clause: &'static str,
    act: fn(&mut Map<String, Value>, &Moment<'_>),
) -> Fault {
    Fault {
        name,
        does,
        client_must,
        clause,
        act: Claims(First, act),
    }
}

const KEEP: &str = "keep the identity, read nothing, and send no token there";

pub(super) const FAULTS: &[Fault] = &[
    fault(
        "fhir-user-on-another-host",
        "fhirUser is on another host",
        KEEP,
        "CVE-2026-34361",
        |it, _| {
            put(
                it,
                "https://attacker.example/fhir/Practitioner/dr-smith".into(),
            )
        },
    ),
    fault(
        "fhir-user-on-a-twin-host",
        "fhirUser is on a host that begins like the FHIR base",
        KEEP,
        "CVE-2026-34359",
        |it, at| {
            put(
                it,
                format!("{}.attacker.example/Practitioner/1", at.urls.fhir()),
            )
        },
    ),
    fault(
        "fhir-user-with-user-information",
        "fhirUser has the FHIR base for its user information",
        KEEP,
        "CVE-2026-34359",
        |it, at| {
            let base = at.urls.fhir().replace("/fhir", "");
            put(it, format!("{base}@attacker.example/fhir/Practitioner/1"));
        },
    ),
    fault(
        "fhir-user-with-dot-segments",
        "fhirUser climbs out of the FHIR base",
        KEEP,
        "RFC 3986 5.2.4",
        |it, at| put(it, format!("{}/../oidc/Practitioner/1", at.urls.fhir())),
    ),
    fault(
        "fhir-user-with-a-query",
        "fhirUser has a query",
        KEEP,
        IDENTITY,
        |it, at| put(it, format!("{}/Practitioner/1?_format=xml", at.urls.fhir())),
    ),
    fault(
        "fhir-user-of-another-type",
        "fhirUser is an Organization",
        "keep the identity, and read nothing: only five types are users",
        IDENTITY,
        |it, at| put(it, format!("{}/Organization/1", at.urls.fhir())),
    ),
    fault(
        "fhir-user-relative",
        "fhirUser is relative",
        "accept it: it is under the FHIR base",
        IDENTITY,
        |it, _| put(it, "Practitioner/dr-smith".into()),
    ),
    fault(
        "fhir-user-number",
        "fhirUser is a number",
        "keep the identity, and read nothing",
        IDENTITY,
        |it, _| drop(it.insert("fhirUser".into(), json!(7))),
    ),
    fault(
        "no-fhir-user",
        "fhirUser is granted and left out",
        "keep the identity, and say that nobody knows who it is",
        IDENTITY,
        |it, _| drop(it.remove("fhirUser")),
    ),
    fault(
        "fhir-user-on-another-port",
        "fhirUser is on another port of the same host",
        KEEP,
        "CVE-2026-34359",
        |it, at| {
            let base = at.urls.fhir();
            let host = base.rsplit_once(':').map_or("", |it| it.0);
            put(it, format!("{host}:9/fhir/Practitioner/dr-smith"));
        },
    ),
    fault(
        "fhir-user-in-percent-encoding",
        "fhirUser hides a slash in percent-encoding",
        KEEP,
        "RFC 3986 2.1",
        |it, at| {
            put(
                it,
                format!("{}/Practitioner/..%2f..%2foidc", at.urls.fhir()),
            )
        },
    ),
    fault(
        "fhir-user-of-history",
        "fhirUser is a version of the user",
        KEEP,
        IDENTITY,
        |it, at| {
            put(
                it,
                format!("{}/Practitioner/dr-smith/_history/1", at.urls.fhir()),
            )
        },
    ),
    fault(
        "fhir-user-script",
        "fhirUser is a javascript: URL",
        KEEP,
        "CWE-79",
        |it, _| put(it, "javascript:alert(1)".into()),
    ),
];

fn put(claims: &mut Map<String, Value>, fhir_user: String) {
    claims.insert("fhirUser".to_owned(), fhir_user.into());
}
