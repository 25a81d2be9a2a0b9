//! The CapabilityStatement: what the FHIR server does, and where to sign in.

use serde_json::{Value, json};

use crate::context::Context;
use crate::search::parameters;
use crate::world::TYPES;

/// The CapabilityStatement. Older apps find the endpoints in its extension and nowhere else.
pub(crate) fn statement(context: &Context) -> Value {
    let urls = &context.urls;
    let resources: Vec<Value> = TYPES.iter().map(|it| resource(it)).collect();
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "experimental": true,
        "date": "2026-01-01",
        "kind": "instance",
        "software": { "name": "smart-sandbox", "version": env!("CARGO_PKG_VERSION") },
        "implementation": {
            "description": "A sandbox with invented people, for demos and tests; not for patients",
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
                        { "url": "token", "valueUri": urls.token() },
                        { "url": "introspect", "valueUri": urls.introspect() },
                        { "url": "revoke", "valueUri": urls.revoke() }
                    ]
                }]
            },
            "resource": resources
        }]
    })
}

fn resource(name: &str) -> Value {
    let parameters = parameters(name)
        .map(|(name, kind)| json!({ "name": name, "type": kind }))
        .collect::<Vec<_>>();
    json!({
        "type": name,
        "interaction": [{ "code": "read" }, { "code": "search-type" }],
        "searchParam": parameters
    })
}
