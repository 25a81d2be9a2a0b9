//! The FHIR resources: invented people, and the statement of what the server does.

use serde_json::{Value, json};

use crate::context::Context;
use crate::user::UserType;

/// The patient in context, unless the user is a patient.
const PATIENT_ID: &str = "p-1";

/// The patient in context: a patient looks at the own record.
pub(crate) fn patient_id(context: &Context) -> &str {
    match context.user.resource_type {
        UserType::Patient => &context.user.id,
        _ => PATIENT_ID,
    }
}

/// The resource of this type and id.
pub(crate) fn find(context: &Context, resource_type: &str, id: &str) -> Option<Value> {
    let user = &context.user;
    if resource_type == user.resource_type.name() && id == user.id {
        return Some(user.resource());
    }
    (resource_type == "Patient" && id == PATIENT_ID).then(patient)
}

/// An invented patient.
fn patient() -> Value {
    json!({
        "resourceType": "Patient",
        "id": PATIENT_ID,
        "active": true,
        "identifier": [{ "system": "urn:oid:2.999.1", "value": "MRN-0001" }],
        "name": [{
            "use": "official",
            "text": "Riley Example",
            "family": "Example",
            "given": ["Riley"]
        }],
        "gender": "other",
        "birthDate": "2015-04-01"
    })
}

/// The CapabilityStatement. Older apps find the endpoints in its extension and nowhere else.
pub(crate) fn capability_statement(context: &Context) -> Value {
    let urls = &context.urls;
    let read_only = |name: &str| json!({ "type": name, "interaction": [{ "code": "read" }] });
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": { "name": "smart-sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": {
            "description": "A sandbox with invented people, for demos and tests",
            "url": urls.fhir()
        },
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "security": {
                "cors": true,
                "service": [{
                    "coding": [{
                        "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                        "code": "SMART-on-FHIR"
                    }]
                }],
                "extension": [{
                    "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                    "extension": [
                        { "url": "authorize", "valueUri": urls.authorize() },
                        { "url": "token", "valueUri": urls.token() }
                    ]
                }]
            },
            "resource": [read_only("Patient"), read_only("Practitioner")]
        }]
    })
}
