//! Issuer, subject and audience, and every claim in every JSON type.

use serde_json::{Value, json};

use crate::{CLIENT, ISSUER, Minter, NOW, accept, and, choice, claims, reject, with, without};

pub(crate) fn mint(m: &mut Minter) {
    types(m);
    issuer(m);
    audience(m);
    party(m);
    subject(m);
}

/// A wrong type is an error of its own, and never the same as a claim that is missing.
fn types(m: &mut Minter) {
    m.group = "type";
    let values = [
        ("null", json!(null)),
        ("true", json!(true)),
        ("false", json!(false)),
        ("number", json!(NOW)),
        ("string", json!("1700000000")),
        ("array", json!([])),
        ("array-of-one", json!([NOW])),
        ("nested", json!([[ISSUER]])),
        ("object", json!({})),
    ];
    for (claim, reasons) in [
        ("iss", "issuer claims"),
        ("sub", "claims"),
        ("aud", "audience claims"),
        ("exp", "expired claims"),
        ("iat", "iat claims"),
        ("nonce", "nonce claims"),
    ] {
        m.claims(
            &format!("{claim}-missing"),
            "a claim that must be there",
            &without(claim),
            reject(reasons),
        );
        for (name, value) in &values {
            // A number is the right type of a date, and a string that of a name; those are cases
            // of their own.
            let is_date = matches!(claim, "exp" | "iat");
            if (is_date && *name == "number") || (!is_date && *name == "string") {
                continue;
            }
            m.claims(
                &format!("{claim}-{name}"),
                "another JSON type",
                &with(claim, value.clone()),
                reject(reasons),
            );
        }
    }
    for (claim, reasons) in [
        ("azp", "azp claims"),
        ("nbf", "not_yet_valid claims"),
        ("auth_time", "auth_time claims"),
        ("acr", "claims"),
        ("at_hash", "at_hash claims"),
        ("c_hash", "c_hash claims"),
    ] {
        for (name, value) in &values {
            let is_date = matches!(claim, "nbf" | "auth_time");
            if (is_date && *name == "number") || (!is_date && *name == "string") {
                continue;
            }
            let verdict = if *name == "null" {
                accept()
            } else {
                reject(reasons)
            };
            let why = if *name == "null" {
                "null stands for absent where nobody needs the claim"
            } else {
                "another JSON type"
            };
            m.claims(
                &format!("{claim}-{name}"),
                why,
                &with(claim, value.clone()),
                verdict,
            );
        }
    }
    m.claims(
        "none",
        "no claims at all",
        &json!({}),
        reject("issuer claims"),
    );
}

fn issuer(m: &mut Minter) {
    m.group = "iss";
    for (id, iss) in [
        ("other", "https://evil.example/oidc"),
        ("slash", "https://ehr.example/oidc/"),
        ("two-slashes", "https://ehr.example//oidc"),
        ("prefix", "https://ehr.example"),
        ("shorter", "https://ehr.example/oid"),
        ("longer", "https://ehr.example/oidc1"),
        ("deeper", "https://ehr.example/oidc/tenant"),
        ("host-case", "https://EHR.example/oidc"),
        ("path-case", "https://ehr.example/OIDC"),
        ("scheme-case", "HTTPS://ehr.example/oidc"),
        ("http", "http://ehr.example/oidc"),
        ("no-scheme", "ehr.example/oidc"),
        ("port", "https://ehr.example:443/oidc"),
        ("other-port", "https://ehr.example:8443/oidc"),
        ("user-info", "https://ehr.example@evil.example/oidc"),
        ("user", "https://u@ehr.example/oidc"),
        ("twin", "https://ehr.example.evil.example/oidc"),
        ("sub-domain", "https://a.ehr.example/oidc"),
        ("host-dot", "https://ehr.example./oidc"),
        ("query", "https://ehr.example/oidc?x"),
        ("fragment", "https://ehr.example/oidc#x"),
        ("dot-segment", "https://ehr.example/x/../oidc"),
        ("percent", "https://ehr.example/%6Fidc"),
        ("blank-before", " https://ehr.example/oidc"),
        ("blank-after", "https://ehr.example/oidc "),
        ("line-break", "https://ehr.example/oidc\n"),
        ("nul", "https://ehr.example/oidc\0"),
        ("empty", ""),
        ("look-alike", "https://ehr.ex\u{0430}mple/oidc"),
        ("full-width", "https://ehr.example\u{ff0f}oidc"),
        ("list-in-text", "[\"https://ehr.example/oidc\"]"),
        ("two", "https://ehr.example/oidc https://evil.example"),
        (
            "discovery",
            "https://ehr.example/oidc/.well-known/openid-configuration",
        ),
        ("fhir-base", "https://ehr.example/a/fhir"),
    ] {
        m.claims(
            id,
            "compared character for character",
            &with("iss", iss),
            reject("issuer"),
        );
    }
    m.claims(
        "array",
        "a list that has it",
        &with("iss", json!([ISSUER])),
        reject("issuer claims"),
    );
    m.claims(
        "array-of-two",
        "a list that has it",
        &with("iss", json!(["https://evil.example", ISSUER])),
        reject("issuer claims"),
    );
}

fn audience(m: &mut Minter) {
    m.group = "aud";
    for (id, aud) in [
        ("other", json!("other")),
        ("case", json!("Growth-Chart")),
        ("prefix", json!("growth")),
        ("longer", json!("growth-chart1")),
        ("blank", json!("growth-chart ")),
        ("empty", json!("")),
        ("list-in-text", json!("growth-chart other")),
        ("comma", json!("growth-chart,other")),
        ("issuer", json!(ISSUER)),
        ("empty-array", json!([])),
        ("array-of-empty", json!([""])),
        ("array-of-other", json!(["other"])),
        ("stranger-last", json!([CLIENT, "stranger"])),
        ("stranger-first", json!(["stranger", CLIENT])),
        (
            "stranger-among-own",
            json!([CLIENT, CLIENT, "stranger", CLIENT]),
        ),
        ("empty-stranger", json!([CLIENT, ""])),
        ("case-stranger", json!([CLIENT, "Growth-Chart"])),
        ("number-beside", json!([CLIENT, 1])),
        ("null-beside", json!([CLIENT, null])),
        ("nested", json!([[CLIENT]])),
        ("object", json!({"0": CLIENT})),
    ] {
        m.claims(
            id,
            "another audience, or one that is not trusted",
            &with("aud", aud),
            reject("audience claims"),
        );
    }
    for (id, aud) in [
        ("array", json!([CLIENT])),
        ("twice", json!([CLIENT, CLIENT])),
    ] {
        m.claims(id, "the app alone", &with("aud", aud), accept());
    }
    for (id, why, aud, trusted, verdict) in [
        (
            "trusted",
            "the other one is trusted",
            json!([CLIENT, "partner"]),
            json!(["partner"]),
            accept(),
        ),
        (
            "trusted-first",
            "the other one is trusted",
            json!(["partner", CLIENT]),
            json!(["partner"]),
            accept(),
        ),
        (
            "two-trusted",
            "both others are trusted",
            json!(["a", CLIENT, "b"]),
            json!(["a", "b", "c"]),
            accept(),
        ),
        (
            "not-needed",
            "nobody else is named",
            json!(CLIENT),
            json!(["partner"]),
            accept(),
        ),
        (
            "one-of-two",
            "one of the others is not trusted",
            json!([CLIENT, "a", "b"]),
            json!(["a"]),
            reject("audience"),
        ),
        (
            "trusted-alone",
            "the app is not named",
            json!("partner"),
            json!(["partner"]),
            reject("audience"),
        ),
        (
            "trusted-alone-array",
            "the app is not named",
            json!(["partner"]),
            json!(["partner"]),
            reject("audience"),
        ),
        (
            "trusted-case",
            "trust depends on case",
            json!([CLIENT, "Partner"]),
            json!(["partner"]),
            reject("audience"),
        ),
        (
            "trusted-prefix",
            "trust is in whole names",
            json!([CLIENT, "partner-2"]),
            json!(["partner"]),
            reject("audience"),
        ),
        (
            "no-wildcard",
            "a star is a star",
            json!([CLIENT, "partner"]),
            json!(["*"]),
            reject("audience"),
        ),
    ] {
        m.claims(
            id,
            why,
            &with("aud", aud),
            and(verdict, json!({"trusted_audiences": trusted})),
        );
    }
    let other = and(reject("audience"), json!({"client_id": "another-app"}));
    m.claims(
        "of-another-app",
        "the token is for another app than the one that asks",
        &claims(),
        other,
    );
}

fn party(m: &mut Minter) {
    m.group = "azp";
    for (id, azp) in [
        ("other", json!("other")),
        ("case", json!("Growth-Chart")),
        ("longer", json!("growth-chart1")),
        ("blank", json!(" growth-chart")),
        ("empty", json!("")),
        ("array", json!([CLIENT])),
    ] {
        m.claims(id, "not this app", &with("azp", azp), reject("azp claims"));
    }
    m.claims("own", "this app", &with("azp", CLIENT), accept());
    let trusted = json!({"trusted_audiences": ["partner"]});
    let two = |azp: Option<&str>| {
        let mut claims = with("aud", json!([CLIENT, "partner"]));
        if let Some(azp) = azp {
            claims["azp"] = json!(azp);
        }
        claims
    };
    m.claims(
        "two-audiences",
        "two audiences, and the app",
        &two(Some(CLIENT)),
        and(accept(), trusted.clone()),
    );
    m.claims(
        "two-audiences-partner",
        "the token was made for the partner",
        &two(Some("partner")),
        and(reject("azp"), trusted.clone()),
    );
    m.claims(
        "two-audiences-none",
        "two audiences, and nothing said",
        &two(None),
        and(accept(), trusted),
    );
}

fn subject(m: &mut Minter) {
    m.group = "sub";
    for (id, why, sub) in [
        ("empty", "no name", Value::from("")),
        ("256", "one character too many", "x".repeat(256).into()),
        ("long", "far too long", "x".repeat(10_000).into()),
        ("umlaut", "not ASCII", "jos\u{e9}".into()),
        ("emoji", "not ASCII", "\u{1f600}".into()),
        ("255-umlauts", "not ASCII", "\u{e9}".repeat(255).into()),
        ("c1-control", "not ASCII", "a\u{80}".into()),
    ] {
        m.claims(id, why, &with("sub", sub), reject("claims"));
    }
    for (id, why, sub) in [
        ("1", "one character", "x".to_owned()),
        ("255", "as long as is allowed", "x".repeat(255)),
        ("blank-inside", "a blank", "Alice Smith".to_owned()),
        (
            "url",
            "a URL",
            "https://ehr.example/user/1?a=b#c".to_owned(),
        ),
        (
            "punctuation",
            "punctuation",
            "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".to_owned(),
        ),
    ] {
        m.claims(id, why, &with("sub", sub), accept());
    }
    m.claims(
        "blank",
        "nothing but a blank",
        &with("sub", " "),
        choice(accept()),
    );
}
