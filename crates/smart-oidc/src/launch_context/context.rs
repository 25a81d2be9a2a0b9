//! The launch context as an app uses it, stores it, and carries it through refreshes.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smart_discovery::Finding;

use super::item::ContextItem;

/// What is in context.
///
/// It is read from a token response ([`TokenResponse::context`](crate::TokenResponse::context)),
/// or from any other object with these members by [`LaunchContext::take_from`]. It can be
/// serialised, to be kept with the session on the server; what is read back is not checked again.
///
/// `Debug` shows what there is and nothing that names a patient.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LaunchContext {
    /// The id of the patient in context. It is not who the user is, also where the user is a
    /// patient. It has no character that could change the path of a URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The id of the encounter in context, in the same form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    /// What else is in context; `None` where the server says nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fhir_context: Option<Vec<ContextItem>>,
    /// Whether the app has to show who the patient is; see
    /// [`LaunchContext::shows_patient_banner`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_patient_banner: Option<bool>,
    /// Where the EHR describes its look, an absolute https URL (http on a loopback host).
    /// Nothing here ever fetches it. A changed look has a new URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smart_style_url: Option<String>,
    /// What the user wants to do. One that the app does not know means its usual view.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// The organisation of the launch, a text that means something to the EHR alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Members whose name is a full URI or begins with `__`, as they were found.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extensions: Map<String, Value>,
}

impl LaunchContext {
    /// What is in context beside patient and encounter.
    #[must_use]
    pub fn fhir_context(&self) -> &[ContextItem] {
        self.fhir_context.as_deref().unwrap_or_default()
    }

    /// Whether to show who the patient is: always, unless the server says that it does so itself.
    #[must_use]
    pub fn shows_patient_banner(&self) -> bool {
        self.need_patient_banner != Some(false)
    }

    /// Takes over the context of a refresh response: what it has replaces what was there, and
    /// what it does not have stays (SMART App Launch 2.2, Refresh access token).
    ///
    /// Where a patient comes who was not in context before, what was said without him and does not come
    /// anew is let go: encounter, `fhirContext`, intent, extensions, and that the EHR shows the patient's
    /// banner. One who takes the place of another gives a finding; the first to be named gives none.
    #[must_use]
    pub fn merge(&mut self, newer: Self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if newer.patient.is_some() && newer.patient != self.patient {
            // What was said of the patient before, or of none, is not said of this one: that the EHR
            // shows who he is least of all.
            self.encounter = None;
            self.fhir_context = None;
            self.need_patient_banner = None;
            self.intent = None;
            self.extensions.clear();
            if self.patient.is_some() {
                findings.push(Finding::new(
                    "context-patient-changed",
                    "a refresh brings another patient than the launch did",
                    "show the new patient's name before anything else, or begin a new launch",
                ));
            }
        }
        let Self {
            patient,
            encounter,
            fhir_context,
            need_patient_banner,
            smart_style_url,
            intent,
            tenant,
            extensions,
        } = newer;
        replace(&mut self.patient, patient);
        replace(&mut self.encounter, encounter);
        replace(&mut self.fhir_context, fhir_context);
        replace(&mut self.need_patient_banner, need_patient_banner);
        replace(&mut self.smart_style_url, smart_style_url);
        replace(&mut self.intent, intent);
        replace(&mut self.tenant, tenant);
        self.extensions.extend(extensions);
        findings
    }
}

fn replace<T>(old: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *old = new;
    }
}

impl fmt::Debug for LaunchContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaunchContext")
            .field("has_patient", &self.patient.is_some())
            .field("has_encounter", &self.encounter.is_some())
            .field("fhir_context", &self.fhir_context().len())
            .field("need_patient_banner", &self.need_patient_banner)
            .field("has_smart_style_url", &self.smart_style_url.is_some())
            .field("has_intent", &self.intent.is_some())
            .field("has_tenant", &self.tenant.is_some())
            .field("extensions", &self.extensions.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(json: &str) -> LaunchContext {
        let mut members: Map<String, Value> = serde_json::from_str(json).unwrap();
        LaunchContext::take_from(&mut members).unwrap().0
    }

    // covers: SMART-CTX-17
    #[test]
    fn newer_values_replace_and_absent_ones_stay() {
        let mut kept = context(
            r#"{"patient":"p","encounter":"e","fhirContext":[{"reference":"Task/1"}],
                "need_patient_banner":true,"smart_style_url":"https://ehr.example/a",
                "intent":"a","tenant":"t","__x":1,"__y":1}"#,
        );
        let whole = kept.clone();
        assert!(kept.merge(LaunchContext::default()).is_empty());
        assert_eq!(kept, whole);

        let findings = kept.merge(context(
            r#"{"patient":"p","encounter":"f","fhirContext":[],"need_patient_banner":false,
                "smart_style_url":"https://ehr.example/b","intent":"b","tenant":"u","__x":2}"#,
        ));
        assert!(findings.is_empty());
        let expected = context(
            r#"{"patient":"p","encounter":"f","fhirContext":[],"need_patient_banner":false,
                "smart_style_url":"https://ehr.example/b","intent":"b","tenant":"u",
                "__x":2,"__y":1}"#,
        );
        assert_eq!(kept, expected);
        assert_eq!(kept.fhir_context, Some(vec![]));
    }

    #[test]
    fn what_belonged_to_another_patient_does_not_stay() {
        let first = context(
            r#"{"patient":"p","encounter":"e","fhirContext":["Task/1"],"intent":"i",
                "need_patient_banner":false,"tenant":"t","__x":1}"#,
        );
        let mut kept = first.clone();
        let findings = kept.merge(context(r#"{"patient":"q"}"#));
        assert_eq!(findings[0].code, "context-patient-changed");
        assert_eq!(kept, context(r#"{"patient":"q","tenant":"t"}"#));
        assert!(kept.shows_patient_banner());

        let mut kept = first;
        let findings = kept.merge(context(r#"{"patient":"q","encounter":"f"}"#));
        assert_eq!(findings.len(), 1);
        assert_eq!(kept.encounter.as_deref(), Some("f"));

        // The first patient to be named takes nobody's place, and is not he of whom nobody spoke.
        let mut kept = context(
            r#"{"encounter":"e","fhirContext":["Task/1"],"intent":"i","need_patient_banner":false,
                "tenant":"t","__x":1}"#,
        );
        assert!(kept.merge(context(r#"{"patient":"q"}"#)).is_empty());
        assert_eq!(kept, context(r#"{"patient":"q","tenant":"t"}"#));
        assert!(kept.shows_patient_banner());
        let mut kept = context(r#"{"encounter":"e"}"#);
        assert!(
            kept.merge(context(r#"{"patient":"q","encounter":"e"}"#))
                .is_empty()
        );
        assert_eq!(kept, context(r#"{"patient":"q","encounter":"e"}"#));
    }

    #[test]
    fn a_banner_is_shown_unless_the_ehr_shows_one() {
        for (json, expected) in [
            ("{}", true),
            (r#"{"need_patient_banner":true}"#, true),
            (r#"{"need_patient_banner":false}"#, false),
        ] {
            assert_eq!(context(json).shows_patient_banner(), expected, "{json}");
        }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let whole = context(
            r#"{"patient":"p","encounter":"e","need_patient_banner":false,"intent":"i","tenant":"",
                "fhirContext":["Task/1",{"canonical":"https://x.example/q|2","type":"Questionnaire",
                "role":"https://x.example/r","identifier":{"value":"v"},"more":[1]}],
                "smart_style_url":"https://ehr.example/style.json","urn:x:y":{"a":null}}"#,
        );
        let stored = serde_json::to_string(&whole).unwrap();
        assert_eq!(
            serde_json::from_str::<LaunchContext>(&stored).unwrap(),
            whole
        );
        let empty = serde_json::to_string(&LaunchContext::default()).unwrap();
        assert_eq!(empty, "{}");
    }

    #[test]
    fn debug_shows_nobody() {
        let context = context(
            r#"{"patient":"hidden","encounter":"hidden","intent":"hidden","tenant":"hidden","__x":"hidden",
                "fhirContext":["Patient/hidden",{"canonical":"urn:x","identifier":{"value":"hidden"},"role":"urn:hidden"}]}"#,
        );
        let shown = format!("{context:?} {:?}", context.fhir_context);
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(
            shown.contains("has_patient: true") && shown.contains("Patient"),
            "{shown}"
        );
    }
}
