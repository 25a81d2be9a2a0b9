//! Scopes in words, for the page on which a user decides about them.

use crate::scopes::clinical;

/// What a scope lets an app do, to be read after "The app may".
pub(crate) fn words(scope: &str) -> String {
    match scope {
        "openid" => "know that it is you".to_owned(),
        "fhirUser" => "read your own entry in the directory".to_owned(),
        "profile" => "know your name".to_owned(),
        "email" => "know your e-mail address".to_owned(),
        "phone" => "know your telephone number".to_owned(),
        "address" => "know your postal address".to_owned(),
        "launch" => "know what you have open in the EHR".to_owned(),
        "launch/patient" => "know which patient it is about".to_owned(),
        "offline_access" => "keep its access when you are away".to_owned(),
        "online_access" => "keep its access while you are signed in".to_owned(),
        _ => of_resources(scope).unwrap_or_else(|| format!("use {scope}")),
    }
}

fn of_resources(scope: &str) -> Option<String> {
    let scope = clinical(scope)?;
    let verbs: Vec<&str> = scope.letters().chars().filter_map(verb).collect();
    let verbs = match verbs.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((only, _)) => (*only).to_owned(),
        None => return None,
    };
    let things = match scope.resource_type {
        "*" => "everything",
        "Condition" => "conditions",
        "Encounter" => "encounters",
        "Observation" => "observations",
        "Patient" => "personal details",
        other => other,
    };
    let whose = match scope.level {
        "patient" => "of this patient",
        "user" => "that you may see",
        _ => "of everybody",
    };
    Some(format!("{verbs} {things} {whose}"))
}

const fn verb(letter: char) -> Option<&'static str> {
    match letter {
        'c' => Some("create"),
        'r' => Some("read"),
        'u' => Some("change"),
        'd' => Some("delete"),
        's' => Some("search"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_has_words() {
        for (scope, expected) in [
            ("openid", "know that it is you"),
            ("patient/*.rs", "read and search everything of this patient"),
            (
                "patient/*.read",
                "read and search everything of this patient",
            ),
            ("user/Observation.r", "read observations that you may see"),
            (
                "user/Patient.cruds",
                "create, read, change, delete and search personal details that you may see",
            ),
            ("email", "know your e-mail address"),
            ("phone", "know your telephone number"),
            ("address", "know your postal address"),
            ("unheard/of", "use unheard/of"),
        ] {
            assert_eq!(words(scope), expected);
        }
    }
}
