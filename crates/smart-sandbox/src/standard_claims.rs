//! The claims that the scopes `profile`, `email`, `phone` and `address` stand for (OpenID Connect Core
//! 5.4), as far as the user's resource has them.

use serde_json::{Map, Value, json};

use crate::scopes::Scopes;
use crate::user::SandboxUser;

/// Those that are not in the ID token, for the discovery document.
pub(crate) const NAMES: [&str; 8] = [
    "given_name",
    "middle_name",
    "family_name",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
];

/// Adds what these scopes open. A claim without a value is left out, never `null`.
pub(crate) fn add(claims: &mut Map<String, Value>, user: &SandboxUser, scopes: &Scopes) {
    let resource = user.resource();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            claims.insert(name.to_owned(), value);
        }
    };
    if scopes.has("profile") {
        let name = |pointer| resource.pointer(pointer).cloned();
        put("given_name", name("/name/0/given/0"));
        put("middle_name", name("/name/0/given/1"));
        put("family_name", name("/name/0/family"));
    }
    if scopes.has("email") {
        let email = telecom(&resource, "email");
        put(
            "email_verified",
            email.is_some().then_some(Value::Bool(true)),
        );
        put("email", email);
    }
    if scopes.has("phone") {
        let phone = telecom(&resource, "phone");
        let is_verified = phone.is_some().then_some(Value::Bool(true));
        put("phone_number_verified", is_verified);
        put("phone_number", phone);
    }
    if scopes.has("address") {
        put("address", resource.pointer("/address/0").map(address));
    }
}

fn telecom(resource: &Value, system: &str) -> Option<Value> {
    let all = resource.get("telecom")?.as_array()?;
    let point = all.iter().find(|it| {
        let found = it.get("system").and_then(Value::as_str);
        found == Some(system)
    });
    point?.get("value").cloned()
}

/// An Address of FHIR as OpenID Connect writes it (Core 5.1.1).
fn address(address: &Value) -> Value {
    let text = |name| address.get(name).and_then(Value::as_str);
    let lines = address.get("line").and_then(Value::as_array);
    let lines: Vec<&str> = lines
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let members = [
        (
            "street_address",
            (!lines.is_empty()).then(|| lines.join("\n")),
        ),
        ("locality", text("city").map(str::to_owned)),
        ("region", text("state").map(str::to_owned)),
        ("postal_code", text("postalCode").map(str::to_owned)),
        ("country", text("country").map(str::to_owned)),
    ];
    let members = members
        .into_iter()
        .filter_map(|(name, it)| Some((name.to_owned(), json!(it?))));
    Value::Object(members.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scopes::SmartVersion;
    use crate::user::UserType;

    fn of(user: &SandboxUser, scope: &str) -> Vec<String> {
        let mut claims = Map::new();
        let scopes = Scopes::granted(scope, SmartVersion::V2_2);
        add(&mut claims, user, &scopes);
        claims.keys().cloned().collect()
    }

    #[test]
    fn each_scope_brings_its_claims_and_no_other() {
        let user = SandboxUser::default();
        let mut seen = Vec::new();
        for (scope, expected) in [
            ("openid fhirUser launch/patient patient/*.rs", &[][..]),
            ("profile", &["family_name", "given_name", "middle_name"][..]),
            ("email", &["email", "email_verified"][..]),
            ("phone", &["phone_number", "phone_number_verified"][..]),
            ("address", &["address"][..]),
        ] {
            assert_eq!(of(&user, scope), expected, "{scope}");
            seen.extend(of(&user, scope));
        }
        assert!(
            seen.len() == NAMES.len() && NAMES.iter().all(|it| seen.iter().any(|name| name == it))
        );
        let bare = SandboxUser::new(UserType::Person, "p", "s", "Ada");
        assert!(of(&bare, "openid profile email phone address").is_empty());
    }

    #[test]
    fn an_address_is_written_in_the_words_of_openid_connect() {
        let told = address(&json!({
            "use": "work", "line": ["1 Example Street", "Floor 2"], "city": "Exampleton",
            "postalCode": "00000", "period": {}
        }));
        assert_eq!(
            told,
            json!({
                "street_address": "1 Example Street\nFloor 2", "locality": "Exampleton",
                "postal_code": "00000"
            })
        );
    }
}
