//! Reading a launch context, tolerantly where nobody can be taken for somebody else.

use serde_json::{Map, Value};
use smart_discovery::{EndpointUrl, Finding, PlainHttp};

use super::context::LaunchContext;
use super::error::LaunchContextError;
use super::item::{Canonical, ContextItem, LAUNCH_ROLE};
use super::oddities::{Oddities, Oddity};

use crate::extension::{is_extension, is_uri};
use crate::members::{take_string, type_of};

/// No more items of a `fhirContext` are read.
pub const MAX_CONTEXT_ITEMS: usize = 256;

/// Longer ids are refused, in octets. FHIR's have 64 at most, and some servers' have more.
const MAX_ID_OCTETS: usize = 256;

impl LaunchContext {
    /// Takes the members of a launch context out of an object, with a finding for each oddity;
    /// the other members stay.
    ///
    /// `null` counts as absent, and so does an empty string for all but `tenant`. A reference
    /// such as `Patient/456` is read as the id in it.
    ///
    /// # Errors
    ///
    /// [`LaunchContextError`] for a patient or an encounter that is no id: no guess is made about
    /// whose chart to show. Everything else of a wrong type counts as absent.
    pub fn take_from(
        members: &mut Map<String, Value>,
    ) -> Result<(Self, Vec<Finding>), LaunchContextError> {
        let mut findings = Vec::new();
        drop_nulls(members, &mut findings);
        let context = Self {
            patient: id(members, "patient", "Patient", &mut findings)?,
            encounter: id(members, "encounter", "Encounter", &mut findings)?,
            fhir_context: fhir_context(members, &mut findings),
            need_patient_banner: banner(members, &mut findings),
            smart_style_url: style_url(members, &mut findings),
            intent: text(members, "intent", &mut findings).filter(|it| !it.is_empty()),
            tenant: text(members, "tenant", &mut findings),
            extensions: extensions(members),
        };
        Ok((context, findings))
    }
}

/// The members that are this module's.
const MEMBERS: [&str; 7] = [
    "patient",
    "encounter",
    "fhirContext",
    "need_patient_banner",
    "smart_style_url",
    "intent",
    "tenant",
];

fn drop_nulls(members: &mut Map<String, Value>, findings: &mut Vec<Finding>) {
    for member in MEMBERS {
        if members.get(member).is_some_and(Value::is_null) {
            members.remove(member);
            findings.push(Finding::new(
                "context-null",
                format!("{member} is null, which counts as absent"),
                "leave out what is not in context",
            ));
        }
    }
}

fn wrong_type(member: &'static str, found: impl core::fmt::Display) -> Finding {
    Finding::new(
        "context-type",
        format!("{member} is {found}; it counts as absent"),
        "write the member with the type that the standard gives it, or leave it out",
    )
}

/// An id. It stands in URLs sooner or later, so it must not be able to change their path.
fn id(
    members: &mut Map<String, Value>,
    member: &'static str,
    resource_type: &str,
    findings: &mut Vec<Finding>,
) -> Result<Option<String>, LaunchContextError> {
    let found =
        take_string(members, member).map_err(|found| LaunchContextError::Type { member, found })?;
    let Some(text) = found else { return Ok(None) };
    if text.is_empty() {
        // Under a FHIR base an empty id is the address of all resources of the type.
        findings.push(Finding::new(
            "context-id-empty",
            format!("{member} is an empty string, which counts as absent"),
            "leave out what is not in context",
        ));
        return Ok(None);
    }
    let of_reference = text
        .strip_prefix(resource_type)
        .and_then(|it| it.strip_prefix('/'));
    let id = of_reference.unwrap_or(&text);
    let is_safe = id.len() <= MAX_ID_OCTETS
        && !matches!(id, "" | "." | "..")
        && id
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-._~".contains(&it));
    if !is_safe {
        let octets = text.len();
        return Err(LaunchContextError::Id { member, octets });
    }
    if of_reference.is_some() {
        findings.push(Finding::new(
            "context-id-reference",
            format!("{member} is a reference, and the id in it is used"),
            "write the mere id",
        ));
    }
    if id.len() > 64 || id.contains(['_', '~']) {
        findings.push(Finding::new(
            "context-id-form",
            format!("{member} is no id by the rules of FHIR; it is used as it is"),
            "give resources ids of up to 64 letters, digits, hyphens and dots",
        ));
    }
    Ok(Some(id.to_owned()))
}

fn text(
    members: &mut Map<String, Value>,
    member: &'static str,
    findings: &mut Vec<Finding>,
) -> Option<String> {
    take_string(members, member).unwrap_or_else(|found| {
        findings.push(wrong_type(member, format_args!("{found}, not a string")));
        None
    })
}

fn banner(members: &mut Map<String, Value>, findings: &mut Vec<Finding>) -> Option<bool> {
    let member = "need_patient_banner";
    match members.remove(member)? {
        Value::Bool(value) => Some(value),
        Value::String(text) if matches!(text.as_str(), "true" | "false") => {
            findings.push(Finding::new(
                "banner-string",
                "need_patient_banner is a string",
                "send need_patient_banner as a boolean",
            ));
            Some(text == "true")
        }
        other => {
            let found = type_of(&other);
            findings.push(wrong_type(member, format_args!("{found}, not a boolean")));
            None
        }
    }
}

fn style_url(members: &mut Map<String, Value>, findings: &mut Vec<Finding>) -> Option<String> {
    let member = "smart_style_url";
    let text = text(members, member, findings)?;
    match EndpointUrl::parse_with(&text, PlainHttp::LoopbackOnly) {
        Ok(_) => Some(text),
        Err(problem) => {
            findings.push(Finding::new(
                "context-style-url",
                // The URL itself is not shown: its query may say whose chart is open.
                format!(
                    "{member} is refused ({}) and counts as absent",
                    problem.code()
                ),
                "write an absolute https URL",
            ));
            None
        }
    }
}

fn extensions(members: &mut Map<String, Value>) -> Map<String, Value> {
    let names: Vec<String> = members
        .keys()
        .filter(|it| is_extension(it))
        .cloned()
        .collect();
    names
        .into_iter()
        .filter_map(|name| members.remove_entry(&name))
        .collect()
}

fn fhir_context(
    members: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Option<Vec<ContextItem>> {
    let member = "fhirContext";
    let values = match members.remove(member)? {
        Value::Array(values) => values,
        other => {
            let found = type_of(&other);
            findings.push(wrong_type(member, format_args!("{found}, not an array")));
            return None;
        }
    };
    if values.len() > MAX_CONTEXT_ITEMS {
        findings.push(Finding::new(
            "context-items",
            format!(
                "fhirContext has {} items, of which the first {MAX_CONTEXT_ITEMS} are read",
                values.len()
            ),
            "name less in fhirContext",
        ));
    }
    let mut oddities = Oddities::default();
    let read = values.into_iter().take(MAX_CONTEXT_ITEMS);
    let items = read.filter_map(|it| item(it, &mut oddities)).collect();
    findings.extend(oddities.findings());
    Some(items)
}

fn item(value: Value, oddities: &mut Oddities) -> Option<ContextItem> {
    let mut members = match value {
        Value::Object(members) => members,
        Value::String(reference) => {
            oddities.count(Oddity::String);
            Map::from_iter([("reference".to_owned(), Value::String(reference))])
        }
        _ => {
            oddities.count(Oddity::NoItem);
            return None;
        }
    };
    let mut text = |name: &str, oddities: &mut Oddities| {
        take_string(&mut members, name).unwrap_or_else(|_| {
            oddities.count(Oddity::MemberType);
            None
        })
    };
    let reference = text("reference", oddities).filter(|it| !it.is_empty());
    let canonical = text("canonical", oddities).filter(|it| !it.is_empty());
    let resource_type = text("type", oddities);
    let written_role = text("role", oddities);
    let identifier = match members.remove("identifier") {
        None => None,
        Some(it @ Value::Object(_)) => Some(it),
        Some(_) => {
            oddities.count(Oddity::MemberType);
            None
        }
    };
    let item = ContextItem {
        reference,
        canonical: canonical.as_deref().map(Canonical::parse),
        identifier,
        resource_type,
        written_role,
        extra: members,
    };
    judge(&item, oddities);
    Some(item)
}

fn judge(item: &ContextItem, oddities: &mut Oddities) {
    if item.reference.is_none() && item.canonical.is_none() && item.identifier.is_none() {
        oddities.count(Oddity::Empty);
    }
    if item.reference.as_deref().is_some_and(is_not_relative) {
        oddities.count(Oddity::ReferenceAbsolute);
    }
    if (item.canonical.is_some() || item.identifier.is_some()) && item.resource_type.is_none() {
        oddities.count(Oddity::Untyped);
    }
    match item.written_role.as_deref() {
        None | Some(LAUNCH_ROLE) => {}
        Some("") => oddities.count(Oddity::RoleEmpty),
        Some(role) if !is_uri(role) => oddities.count(Oddity::RoleRelative),
        Some(_) => {}
    }
    let is_launch = item.role() == LAUNCH_ROLE;
    if is_launch && matches!(item.resource_type(), Some("Patient" | "Encounter")) {
        oddities.count(Oddity::PatientOrEncounter);
    }
}

fn is_not_relative(reference: &str) -> bool {
    reference.starts_with('/') || is_uri(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(LaunchContext, Vec<&'static str>), &'static str> {
        let mut members: Map<String, Value> = serde_json::from_str(json).unwrap();
        let (context, findings) = LaunchContext::take_from(&mut members).map_err(|it| it.code())?;
        Ok((context, findings.into_iter().map(|it| it.code).collect()))
    }

    // covers: SMART-CTX-1
    #[test]
    fn patient_and_encounter_are_ids() {
        type Expected = Result<(Option<&'static str>, &'static [&'static str]), &'static str>;
        let cases: [(&str, Expected); 21] = [
            (r#""123""#, Ok((Some("123"), &[]))),
            (r#""a-B.9""#, Ok((Some("a-B.9"), &[]))),
            (
                r#""Patient/456""#,
                Ok((Some("456"), &["context-id-reference"])),
            ),
            (r#""a_b""#, Ok((Some("a_b"), &["context-id-form"]))),
            ("null", Ok((None, &["context-null"]))),
            (r#""""#, Ok((None, &["context-id-empty"]))),
            (r#""Patient/""#, Err("context-id")),
            (r#""Patient/..""#, Err("context-id")),
            (r#""Patient/1/_history/2""#, Err("context-id")),
            (r#""Encounter/1""#, Err("context-id")),
            (r#""https://ehr.example/fhir/Patient/1""#, Err("context-id")),
            (r#""..""#, Err("context-id")),
            (r#""../Patient/2""#, Err("context-id")),
            (r#""1?x=y""#, Err("context-id")),
            (r#""1#x""#, Err("context-id")),
            (r#""%2e""#, Err("context-id")),
            (r#"" 1""#, Err("context-id")),
            (r#"{"reference":"Patient/1"}"#, Err("context-type")),
            ("123", Err("context-type")),
            ("true", Err("context-type")),
            (r#"["1"]"#, Err("context-type")),
        ];
        for (value, expected) in cases {
            let found = read(&format!(r#"{{"patient":{value}}}"#));
            let expected = expected.map(|(id, codes)| (id.map(str::to_owned), codes.to_vec()));
            assert_eq!(
                found.map(|(it, codes)| (it.patient, codes)),
                expected,
                "{value}"
            );
        }
        let (context, findings) = read(r#"{"encounter":"Encounter/7"}"#).unwrap();
        assert_eq!(context.encounter.as_deref(), Some("7"));
        assert_eq!(findings, ["context-id-reference"]);
        for (length, expected) in [
            (64, Ok(0)),
            (65, Ok(1)),
            (256, Ok(1)),
            (257, Err("context-id")),
        ] {
            let found = read(&format!(r#"{{"patient":"{}"}}"#, "a".repeat(length)));
            assert_eq!(found.map(|(_, codes)| codes.len()), expected, "{length}");
        }
    }

    // covers: SMART-CTX-2, SMART-CTX-3, SMART-CTX-4, SMART-CTX-5
    #[test]
    fn what_is_not_needed_counts_as_absent_where_it_is_odd() {
        let cases: [(&str, &str, &[&str]); 13] = [
            (
                r#"{"need_patient_banner":true}"#,
                r#"{"need_patient_banner":true}"#,
                &[],
            ),
            (
                r#"{"need_patient_banner":"true"}"#,
                r#"{"need_patient_banner":true}"#,
                &["banner-string"],
            ),
            (
                r#"{"need_patient_banner":"false"}"#,
                r#"{"need_patient_banner":false}"#,
                &["banner-string"],
            ),
            (r#"{"need_patient_banner":"yes"}"#, "{}", &["context-type"]),
            (r#"{"need_patient_banner":0}"#, "{}", &["context-type"]),
            (
                r#"{"intent":"reconcile"}"#,
                r#"{"intent":"reconcile"}"#,
                &[],
            ),
            (
                r#"{"intent":7,"tenant":{}}"#,
                "{}",
                &["context-type", "context-type"],
            ),
            (r#"{"intent":""}"#, "{}", &[]),
            (r#"{"tenant":" a/b "}"#, r#"{"tenant":" a/b "}"#, &[]),
            (
                r#"{"smart_style_url":"https://ehr.example/s.json?v=2"}"#,
                r#"{"smart_style_url":"https://ehr.example/s.json?v=2"}"#,
                &[],
            ),
            (
                r#"{"smart_style_url":"http://ehr.example/s.json"}"#,
                "{}",
                &["context-style-url"],
            ),
            (
                r#"{"smart_style_url":"/s.json"}"#,
                "{}",
                &["context-style-url"],
            ),
            (
                r#"{"smart_style_url":"javascript:alert(1)"}"#,
                "{}",
                &["context-style-url"],
            ),
        ];
        for (json, stored, codes) in cases {
            let (context, findings) = read(json).unwrap();
            assert_eq!(serde_json::to_string(&context).unwrap(), stored, "{json}");
            assert_eq!(findings, codes, "{json}");
        }
    }

    // covers: SMART-CTX-6, SMART-CTX-9
    #[test]
    fn both_forms_of_fhir_context_are_one_model() {
        let (old, of_old) = read(r#"{"fhirContext":["Appointment/1"]}"#).unwrap();
        let (new, of_new) = read(r#"{"fhirContext":[{"reference":"Appointment/1"}]}"#).unwrap();
        assert_eq!(old, new);
        assert_eq!((of_old, of_new), (vec!["context-item-string"], vec![]));
        let [item] = new.fhir_context() else {
            panic!("one item");
        };
        assert_eq!(item.role(), LAUNCH_ROLE);
        assert_eq!(item.resource_type(), Some("Appointment"));

        let (context, findings) = read(
            r#"{"fhirContext":[{"canonical":"https://x.example/Questionnaire/1|v2","type":"Questionnaire"},
                {"identifier":{"system":"urn:s","value":"v"},"type":"Task","role":"https://x.example/r","own":1}]}"#,
        )
        .unwrap();
        assert_eq!(findings, [""; 0]);
        let [form, task] = context.fhir_context() else {
            panic!("two items");
        };
        let canonical = form.canonical.as_ref().unwrap();
        assert_eq!(canonical.url, "https://x.example/Questionnaire/1");
        assert_eq!(canonical.version.as_deref(), Some("v2"));
        assert_eq!(form.resource_type(), Some("Questionnaire"));
        assert_eq!(task.role(), "https://x.example/r");
        assert_eq!(task.identifier.as_ref().unwrap()["value"], "v");
        assert_eq!(task.extra["own"], 1);
    }

    // covers: SMART-CTX-7, SMART-CTX-8, SMART-CTX-10, SMART-CTX-11, SMART-CTX-12
    #[test]
    fn each_oddity_of_an_item_has_a_finding() {
        let cases: [(&str, usize, &[&str]); 21] = [
            ("{}", 1, &["context-item-empty"]),
            (r#"{"type":"Task"}"#, 1, &["context-item-empty"]),
            (
                r#"{"reference":"https://ehr.example/fhir/Task/1"}"#,
                1,
                &["context-item-absolute"],
            ),
            (r#"{"reference":"/Task/1"}"#, 1, &["context-item-absolute"]),
            (
                r#"{"reference":"urn:uuid:1"}"#,
                1,
                &["context-item-absolute"],
            ),
            (
                r#"{"canonical":"https://x.example/q"}"#,
                1,
                &["context-item-untyped"],
            ),
            (r#"{"identifier":{}}"#, 1, &["context-item-untyped"]),
            (r#"{"identifier":{},"type":"Task"}"#, 1, &[]),
            (
                r#"{"reference":"Task/1","role":""}"#,
                1,
                &["context-role-empty"],
            ),
            (
                r#"{"reference":"Task/1","role":"mine"}"#,
                1,
                &["context-role-relative"],
            ),
            (r#"{"reference":"Task/1","role":"launch"}"#, 1, &[]),
            (r#"{"reference":"Task/1"},{"reference":"Task/1"}"#, 2, &[]),
            (r#"{"reference":"Patient/1"}"#, 1, &["context-item-patient"]),
            (
                r#"{"reference":"Encounter/1","role":"launch"}"#,
                1,
                &["context-item-patient"],
            ),
            (
                r#"{"reference":"Patient/1","role":"https://x.example/mother"}"#,
                1,
                &[],
            ),
            (
                r#"{"reference":"https://ehr.example/fhir/Patient/1"}"#,
                1,
                &["context-item-patient", "context-item-absolute"],
            ),
            (
                r#""Patient/1""#,
                1,
                &["context-item-patient", "context-item-string"],
            ),
            ("1,null,[]", 0, &["context-item-type"]),
            (
                r#"{"reference":{"reference":"Task/1"}}"#,
                1,
                &["context-item-empty", "context-member-type"],
            ),
            (
                r#"{"identifier":"x","reference":"Task/1"}"#,
                1,
                &["context-member-type"],
            ),
            (r#"{"reference":""}"#, 1, &["context-item-empty"]),
        ];
        for (items, count, codes) in cases {
            let (context, findings) = read(&format!(r#"{{"fhirContext":[{items}]}}"#)).unwrap();
            assert_eq!(context.fhir_context().len(), count, "{items}");
            assert_eq!(findings, codes, "{items}");
        }
        for odd in [r#"{"reference":"Task/1"}"#, r#""Task/1""#, "1"] {
            let (context, findings) = read(&format!(r#"{{"fhirContext":{odd}}}"#)).unwrap();
            assert_eq!(context.fhir_context, None, "{odd}");
            assert_eq!(findings, ["context-type"], "{odd}");
        }
    }

    #[test]
    fn a_long_context_is_cut_and_has_a_short_report() {
        let items = vec![r#""Task/1""#; 10_000].join(",");
        let (context, findings) = read(&format!(r#"{{"fhirContext":[{items}]}}"#)).unwrap();
        assert_eq!(context.fhir_context().len(), MAX_CONTEXT_ITEMS);
        assert_eq!(findings, ["context-items", "context-item-string"]);
    }

    // covers: SMART-TOK-14
    #[test]
    fn extensions_are_kept_apart_from_what_is_not_known() {
        let mut members: Map<String, Value> = serde_json::from_str(
            r#"{"__darkMode":true,"https://ehr.example/x":[1],"unknown":1,"patient":"p"}"#,
        )
        .unwrap();
        let (context, findings) = LaunchContext::take_from(&mut members).unwrap();
        assert!(findings.is_empty());
        assert_eq!(context.extensions["__darkMode"], true);
        assert_eq!(context.extensions["https://ehr.example/x"][0], 1);
        assert_eq!(context.extensions.len(), 2);
        assert_eq!(members.keys().collect::<Vec<_>>(), ["unknown"]);
    }
}
