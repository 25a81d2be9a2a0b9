//! `fhirUser`: which references are followed, and which are not.

use serde_json::{Value, json};

use crate::{BASE, Minter, NOW, accept, and, choice, reject, with, without};

fn resource(resource_type: &str, id: &str) -> Value {
    json!({"outcome": "resource", "resource_type": resource_type, "id": id})
}

fn refused() -> Value {
    json!({"outcome": "reject"})
}

fn nobody() -> Value {
    json!({"outcome": "none"})
}

fn user(profile: Value) -> Value {
    and(accept(), json!({ "profile_expect": profile }))
}

pub(crate) fn mint(m: &mut Minter) {
    m.group = "fhir-user";
    for resource_type in [
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "RelatedPerson",
        "Person",
    ] {
        for (form, base) in [
            ("relative", String::new()),
            ("absolute", format!("{BASE}/")),
        ] {
            let value = format!("{base}{resource_type}/123");
            m.claims(
                &format!("{resource_type}-{form}"),
                "a user of this type",
                &with("fhirUser", value),
                user(resource(resource_type, "123")),
            );
        }
    }
    let longest = "a".repeat(64);
    for id in ["a", "a.b-c", "A-1.9", "...", "-", "1.", longest.as_str()] {
        m.claims(
            &format!("id-{}", id.chars().take(8).collect::<String>()),
            "an id as FHIR has it",
            &with("fhirUser", format!("Patient/{id}")),
            user(resource("Patient", id)),
        );
    }
    m.claims(
        "default-port",
        "the same origin",
        &with("fhirUser", "https://ehr.example:443/a/fhir/Patient/1"),
        user(resource("Patient", "1")),
    );
    m.claims(
        "host-case",
        "hosts do not depend on case",
        &with("fhirUser", "https://EHR.Example/a/fhir/Patient/1"),
        choice(user(resource("Patient", "1"))),
    );
    m.claims(
        "scheme-case",
        "schemes do not depend on case",
        &with("fhirUser", "HTTPS://ehr.example/a/fhir/Patient/1"),
        choice(user(resource("Patient", "1"))),
    );
    for (id, why, value) in [
        ("empty", "nothing", ""),
        ("type-alone", "no id", "Patient"),
        ("type-slash", "no id", "Patient/"),
        ("id-alone", "no type", "/1"),
        ("slash-before", "not relative to the base", "/Patient/1"),
        ("slash-behind", "something behind the id", "Patient/1/"),
        ("two-slashes", "an empty segment", "Patient//1"),
        ("dot-before", "a dot segment", "./Patient/1"),
        ("dots-before", "a dot segment", "../Patient/1"),
        ("dots", "a dot segment", "Patient/../Observation/1"),
        ("dot-id", "a dot segment", "Patient/."),
        ("dots-id", "a dot segment", "Patient/.."),
        ("deeper", "more than type and id", "x/Patient/1"),
        ("history", "a version", "Patient/1/_history/1"),
        ("history-alone", "a version", "Patient/_history"),
        ("query", "a query", "Patient/1?_format=json"),
        ("query-alone", "a search", "Patient?identifier=1"),
        ("fragment", "a fragment", "Patient/1#x"),
        ("percent", "percent-encoding", "Patient/%31"),
        ("percent-slash", "percent-encoding", "Patient%2F1"),
        ("percent-dots", "percent-encoding", "Patient/%2e%2e"),
        ("underscore", "no character of an id", "Patient/a_b"),
        ("colon", "no character of an id", "Patient/a:b"),
        ("at", "no character of an id", "Patient/a@b"),
        ("umlaut", "no character of an id", "Patient/\u{e9}"),
        ("blank-before", "white space", " Patient/1"),
        ("blank-behind", "white space", "Patient/1 "),
        ("line-break", "white space", "Patient/1\n"),
        ("line-break-inside", "white space", "Patient/1\r\nX: y"),
        ("nul", "a control character", "Patient/1\0"),
        ("backslash", "no slash", "Patient\\1"),
        ("lower", "types depend on case", "patient/1"),
        ("upper", "types depend on case", "PATIENT/1"),
        ("device", "no type of a user", "Device/1"),
        ("group", "no type of a user", "Group/1"),
        ("organization", "no type of a user", "Organization/1"),
        ("observation", "no type of a user", "Observation/1"),
        ("unknown-type", "no type at all", "Patients/1"),
        (
            "urn",
            "no reference of a server",
            "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
        ),
        ("contained", "a contained resource", "#patient"),
        ("e-mail", "no reference", "alice@ehr.example"),
        ("two", "two references", "Patient/1 Patient/2"),
        ("script", "no reference", "javascript:alert(1)"),
        ("file", "another scheme", "file:///etc/passwd"),
        (
            "scheme-relative",
            "another host could stand there",
            "//ehr.example/a/fhir/Patient/1",
        ),
        (
            "off-base",
            "another host",
            "https://evil.example/a/fhir/Patient/1",
        ),
        (
            "twin-host",
            "a host that begins alike",
            "https://ehr.example.evil.example/a/fhir/Patient/1",
        ),
        (
            "twin-host-end",
            "a host that ends alike",
            "https://evil-ehr.example/a/fhir/Patient/1",
        ),
        (
            "host-dot",
            "another spelling of the host",
            "https://ehr.example./a/fhir/Patient/1",
        ),
        (
            "sub-domain",
            "another host",
            "https://a.ehr.example/a/fhir/Patient/1",
        ),
        (
            "http",
            "another scheme",
            "http://ehr.example/a/fhir/Patient/1",
        ),
        (
            "http-443",
            "another scheme",
            "http://ehr.example:443/a/fhir/Patient/1",
        ),
        (
            "ftp",
            "another scheme",
            "ftp://ehr.example/a/fhir/Patient/1",
        ),
        (
            "other-port",
            "another port",
            "https://ehr.example:8443/a/fhir/Patient/1",
        ),
        (
            "port-80",
            "another port",
            "https://ehr.example:80/a/fhir/Patient/1",
        ),
        (
            "port-text",
            "no port",
            "https://ehr.example:https/a/fhir/Patient/1",
        ),
        (
            "port-large",
            "no port",
            "https://ehr.example:65979/a/fhir/Patient/1",
        ),
        (
            "user-info",
            "another host behind a user",
            "https://ehr.example@evil.example/a/fhir/Patient/1",
        ),
        (
            "user",
            "a user before the host",
            "https://u:p@ehr.example/a/fhir/Patient/1",
        ),
        (
            "empty-user",
            "a user before the host",
            "https://@ehr.example/a/fhir/Patient/1",
        ),
        (
            "twin-path",
            "a path that begins alike",
            "https://ehr.example/a/fhirX/Patient/1",
        ),
        (
            "twin-path-dash",
            "a path that begins alike",
            "https://ehr.example/a/fhir-2/Patient/1",
        ),
        (
            "path-case",
            "paths depend on case",
            "https://ehr.example/A/fhir/Patient/1",
        ),
        (
            "other-tenant",
            "the base of somebody else",
            "https://ehr.example/b/fhir/Patient/1",
        ),
        (
            "shorter-base",
            "above the base",
            "https://ehr.example/Patient/1",
        ),
        (
            "deeper-base",
            "below the base",
            "https://ehr.example/a/fhir/x/Patient/1",
        ),
        (
            "base-alone",
            "no type and no id",
            "https://ehr.example/a/fhir",
        ),
        (
            "base-slash",
            "no type and no id",
            "https://ehr.example/a/fhir/",
        ),
        (
            "base-two-slashes",
            "an empty segment",
            "https://ehr.example/a/fhir//Patient/1",
        ),
        (
            "path-two-slashes",
            "an empty segment",
            "https://ehr.example//a/fhir/Patient/1",
        ),
        (
            "path-dots",
            "dot segments",
            "https://ehr.example/a/fhir/../fhir/Patient/1",
        ),
        (
            "path-dots-out",
            "dot segments",
            "https://ehr.example/a/fhir/../../b/Patient/1",
        ),
        (
            "path-dot",
            "a dot segment",
            "https://ehr.example/a/./fhir/Patient/1",
        ),
        (
            "path-percent",
            "percent-encoding",
            "https://ehr.example/a/%66hir/Patient/1",
        ),
        (
            "path-percent-slash",
            "percent-encoding",
            "https://ehr.example/a%2Ffhir/Patient/1",
        ),
        (
            "absolute-query",
            "a query",
            "https://ehr.example/a/fhir/Patient/1?x",
        ),
        (
            "absolute-fragment",
            "a fragment",
            "https://ehr.example/a/fhir/Patient/1#x",
        ),
        (
            "absolute-history",
            "a version",
            "https://ehr.example/a/fhir/Patient/1/_history/2",
        ),
        (
            "absolute-device",
            "no type of a user",
            "https://ehr.example/a/fhir/Device/1",
        ),
        (
            "absolute-slash",
            "something behind the id",
            "https://ehr.example/a/fhir/Patient/1/",
        ),
        (
            "absolute-parameter",
            "something behind the id",
            "https://ehr.example/a/fhir/Patient/1;x",
        ),
        (
            "absolute-blank",
            "white space",
            "https://ehr.example/a/fhir/Patient/1 ",
        ),
        (
            "blank-absolute",
            "white space",
            " https://ehr.example/a/fhir/Patient/1",
        ),
        (
            "backslashes",
            "no slashes",
            "https:\\\\ehr.example\\a\\fhir\\Patient\\1",
        ),
        (
            "backslash-host",
            "two readings of the host",
            "https://evil.example\\@ehr.example/a/fhir/Patient/1",
        ),
        (
            "one-slash",
            "no host",
            "https:/ehr.example/a/fhir/Patient/1",
        ),
        ("no-slash", "no host", "https:ehr.example/a/fhir/Patient/1"),
        (
            "three-slashes",
            "no host",
            "https:///ehr.example/a/fhir/Patient/1",
        ),
        ("no-scheme", "no scheme", "ehr.example/a/fhir/Patient/1"),
        (
            "query-host",
            "the host ends at the question mark",
            "https://ehr.example?/a/fhir/Patient/1",
        ),
        (
            "fragment-host",
            "the host ends at the hash",
            "https://ehr.example#/a/fhir/Patient/1",
        ),
        (
            "tab-in-scheme",
            "white space that some readers drop",
            "ht\ttps://ehr.example/a/fhir/Patient/1",
        ),
    ] {
        m.claims(id, why, &with("fhirUser", value), user(refused()));
    }
    m.claims(
        "id-65",
        "an id that is too long",
        &with("fhirUser", format!("Patient/{}", "a".repeat(65))),
        user(refused()),
    );
    m.claims(
        "long",
        "a value without end",
        &with("fhirUser", "Patient/".repeat(2000)),
        user(refused()),
    );
    for (id, value) in [
        ("number", json!(1)),
        ("true", json!(true)),
        ("array", json!(["Patient/1"])),
        ("empty-array", json!([])),
        ("object", json!({"reference": "Patient/1"})),
    ] {
        m.claims(id, "no string", &with("fhirUser", value), user(refused()));
    }
    m.claims(
        "null",
        "null stands for absent",
        &with("fhirUser", json!(null)),
        user(nobody()),
    );
    m.claims(
        "missing",
        "nobody is named",
        &without("fhirUser"),
        user(nobody()),
    );
    m.claims(
        "case-of-the-name",
        "names of claims depend on case",
        &and(without("fhirUser"), json!({"fhiruser": "Patient/1"})),
        user(nobody()),
    );
    let expired = and(reject("expired"), json!({"profile_expect": refused()}));
    m.claims(
        "of-an-expired-token",
        "who is named does not matter",
        &with("exp", NOW - 60),
        expired,
    );
    profile(m);
}

/// `profile`, which named the user in SMART 1.0 and is a web page elsewhere.
fn profile(m: &mut Minter) {
    m.group = "profile";
    let older = |profile: Value| and(user(profile), json!({"smart_1_0": true}));
    let only = |value: Value| and(without("fhirUser"), json!({ "profile": value }));
    m.claims(
        "not-read",
        "the server is not of SMART 1.0",
        &only(json!("Practitioner/123")),
        user(nobody()),
    );
    m.claims(
        "not-read-false",
        "the server is not of SMART 1.0",
        &only(json!("Practitioner/123")),
        and(user(nobody()), json!({"smart_1_0": false})),
    );
    m.claims(
        "relative",
        "a reference",
        &only(json!("Practitioner/123")),
        older(resource("Practitioner", "123")),
    );
    m.claims(
        "absolute",
        "a reference",
        &only(json!(format!("{BASE}/Patient/1"))),
        older(resource("Patient", "1")),
    );
    for (id, why, value) in [
        (
            "web-page",
            "a web page",
            json!("https://blog.example/alice"),
        ),
        (
            "off-base",
            "another server",
            json!("https://evil.example/a/fhir/Patient/1"),
        ),
        ("device", "no type of a user", json!("Device/1")),
        ("history", "a version", json!("Patient/1/_history/1")),
        ("empty", "nothing", json!("")),
        ("number", "no string", json!(1)),
        ("null", "nothing", json!(null)),
    ] {
        m.claims(id, why, &only(value), older(nobody()));
    }
    m.claims("absent", "neither", &without("fhirUser"), older(nobody()));
    let both = |user: Value| and(with("fhirUser", user), json!({"profile": "Patient/2"}));
    m.claims(
        "beside",
        "fhirUser is the claim",
        &both(json!("Practitioner/1")),
        older(resource("Practitioner", "1")),
    );
    m.claims(
        "beside-bad",
        "a bad fhirUser is not mended by profile",
        &both(json!("Device/1")),
        older(refused()),
    );
    m.claims(
        "beside-number",
        "a bad fhirUser is not mended by profile",
        &both(json!(1)),
        older(refused()),
    );
    m.claims(
        "beside-null",
        "null stands for absent",
        &both(json!(null)),
        older(resource("Patient", "2")),
    );
}
