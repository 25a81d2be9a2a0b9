//! The body of a token response.

use serde_json::Value;
use smart_sandbox::SmartVersion;

use super::tester::{Tester, scopes, text};
use crate::named::{Handled, check};

/// It has what it must have, and each member has its type.
pub(super) fn is_sound(tester: &Tester, tokens: &Value) -> Handled {
    text(tokens, "access_token")?;
    let kind = text(tokens, "token_type")?;
    let is_bearer = kind.eq_ignore_ascii_case("bearer");
    check(is_bearer, format!("token_type is {kind}"))?;
    let life = &tokens["expires_in"];
    check(life.is_u64(), format!("expires_in is {life}"))?;
    scopes(tokens)?;
    for name in [
        "refresh_token",
        "id_token",
        "patient",
        "encounter",
        "intent",
        "tenant",
    ] {
        if tokens.get(name).is_some() {
            text(tokens, name)?;
        }
    }
    let banner = tokens.get("need_patient_banner");
    let is_boolean = banner.is_none_or(Value::is_boolean);
    check(is_boolean, "need_patient_banner is no boolean")?;
    let Some(context) = tokens.get("fhirContext") else {
        return Ok(());
    };
    let items = context.as_array().ok_or("fhirContext is no array")?;
    items.iter().try_for_each(|item| match tester.version {
        SmartVersion::V2_0 => {
            let is_reference = item.as_str().is_some_and(|it| it.contains('/'));
            check(is_reference, format!("an item of fhirContext is {item}"))
        }
        SmartVersion::V2_2 => {
            let names = ["reference", "canonical", "identifier"];
            let named = names.iter().any(|it| item.get(it).is_some());
            check(named, format!("an item of fhirContext is {item}"))?;
            ["reference", "canonical", "type", "role"]
                .iter()
                .try_for_each(|it| {
                    let is_text = item.get(it).is_none_or(Value::is_string);
                    check(is_text, format!("{it} of fhirContext is {}", item[it]))
                })
        }
        _ => Err("SMART 1.0 has no fhirContext".to_owned()),
    })
}

/// Every scope that was asked for is there.
pub(super) fn has_all(tester: &Tester, tokens: &Value) -> Handled {
    let granted = scopes(tokens)?;
    let mut asked = tester.scopes().split(' ');
    asked.try_for_each(|it| check(granted.contains(&it), format!("{it} was not granted")))
}
