//! The CapabilityStatement of SMART 1.0 has the endpoints, and they are those of the metadata.

use serde_json::Value;

use super::Case;
use super::http;
use super::tester::Tester;
use crate::named::{Handled, check};

const EXTENSION: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// What an endpoint is called here and there.
const NAMES: [(&str, &str); 6] = [
    ("authorize", "authorization_endpoint"),
    ("token", "token_endpoint"),
    ("introspect", "introspection_endpoint"),
    ("manage", "management_endpoint"),
    ("register", "registration_endpoint"),
    ("revoke", "revocation_endpoint"),
];

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let statement = http::get(&format!("{}/metadata", tester.base())).await?;
    let statement = statement.is(&[200])?.json()?;
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let security = all(&statement["rest"]).into_iter().map(|it| it["security"].clone());
    let mut smart = security.filter(|it| {
        let mut codings = all(&it["service"]).into_iter().flat_map(|it| all(&it["coding"]));
        codings.any(|it| it["code"] == "SMART-on-FHIR")
    });
    let smart = smart.next().ok_or("SMART-on-FHIR is not named")?;
    let mut extensions = all(&smart["extension"]).into_iter();
    let found = extensions.find(|it| it["url"] == EXTENSION).ok_or("no oauth-uris")?;
    let inner = all(&found["extension"]);
    let configuration = tester.configuration().await?;
    for (here, there) in NAMES {
        let stated = inner.iter().find(|it| it["url"] == here);
        let stated = stated.map_or(&Value::Null, |it| &it["valueUri"]);
        if matches!(here, "authorize" | "token") {
            check(stated.is_string(), format!("{here} is not stated"))?;
        }
        let known = &configuration[there];
        check(stated == known, format!("{here} is {stated} and {there} is {known}"))?;
    }
    Ok(())
}
