//! A narrow view of the five resources that a user can be.
//!
//! It reads names, identifiers and qualifications and ignores the rest, so that it works with
//! every version of FHIR from DSTU2 on.

use core::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;

/// What is shown of a user.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserResource {
    /// The name to show.
    pub name: Option<String>,
    /// Identifiers such as the NPI, each with its system.
    pub identifiers: Vec<Identifier>,
    /// Qualifications, in words.
    pub qualifications: Vec<String>,
}

/// An identifier with its system.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identifier {
    /// Who gives out such identifiers, as a URI.
    pub system: Option<String>,
    /// The identifier.
    pub value: String,
}

impl UserResource {
    /// The United States' National Provider Identifier, if there is one.
    #[must_use]
    pub fn npi(&self) -> Option<&str> {
        const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
        let npi = self
            .identifiers
            .iter()
            .find(|it| it.system.as_deref() == Some(NPI));
        npi.map(|it| it.value.as_str())
    }
}

impl fmt::Debug for UserResource {
    /// Shows how much there is, and nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserResource")
            .field("identifiers", &self.identifiers.len())
            .field("qualifications", &self.qualifications.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identifier")
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

/// The members that are read. A member that is not as expected counts as absent: a slip in an
/// identifier is no reason to hide a name. DSTU2 has one name where later versions have several.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) resource_type: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "each")]
    name: Vec<HumanName>,
    #[serde(default, deserialize_with = "each")]
    identifier: Vec<WireIdentifier>,
    #[serde(default, deserialize_with = "each")]
    qualification: Vec<Qualification>,
}

/// A value, or nothing where it is of another type.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// The elements that are as expected, of an array or of a single value.
fn each<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let elements = match Value::deserialize(deserializer)? {
        Value::Array(elements) => elements,
        single => vec![single],
    };
    Ok(elements
        .into_iter()
        .filter_map(|it| serde_json::from_value(it).ok())
        .collect())
}

/// Arrays of names hold `null` where only an extension says something (FHIR, JSON).
#[derive(Deserialize)]
struct HumanName {
    #[serde(rename = "use", default, deserialize_with = "lenient")]
    use_: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
    #[serde(default, deserialize_with = "each")]
    prefix: Vec<String>,
    #[serde(default, deserialize_with = "each")]
    given: Vec<String>,
    /// A string since STU3, an array before.
    #[serde(default, deserialize_with = "each")]
    family: Vec<String>,
    #[serde(default, deserialize_with = "each")]
    suffix: Vec<String>,
}

#[derive(Deserialize)]
struct WireIdentifier {
    #[serde(default, deserialize_with = "lenient")]
    system: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Qualification {
    code: Option<CodeableConcept>,
}

#[derive(Deserialize)]
struct CodeableConcept {
    #[serde(default, deserialize_with = "lenient")]
    text: Option<String>,
    #[serde(default, deserialize_with = "each")]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    #[serde(default, deserialize_with = "lenient")]
    display: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    code: Option<String>,
}

impl HumanName {
    /// How gladly a name is shown, best first. An old name is shown only where there is no other.
    fn rank(&self) -> u8 {
        match self.use_.as_deref() {
            Some("official") => 0,
            Some("usual") => 1,
            None => 2,
            Some("temp" | "nickname" | "anonymous" | "maiden") => 4,
            Some("old") => 5,
            Some(_) => 3,
        }
    }

    fn shown(&self) -> Option<String> {
        if let Some(text) = self
            .text
            .as_deref()
            .map(str::trim)
            .filter(|it| !it.is_empty())
        {
            return Some(text.to_owned());
        }
        let words: Vec<&str> = [&self.prefix, &self.given, &self.family, &self.suffix]
            .into_iter()
            .flatten()
            .map(|it| it.trim())
            .filter(|it| !it.is_empty())
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}

impl Wire {
    pub(super) fn into_resource(self) -> UserResource {
        let mut names = self.name;
        names.sort_by_key(HumanName::rank);
        let identifiers = self.identifier.into_iter().filter_map(|it| {
            Some(Identifier {
                system: it.system,
                value: it.value?,
            })
        });
        let qualifications = self.qualification.into_iter().filter_map(|it| {
            let CodeableConcept { text, coding } = it.code?;
            text.or_else(|| coding.into_iter().find_map(|it| it.display.or(it.code)))
        });
        UserResource {
            name: names.iter().find_map(HumanName::shown),
            identifiers: identifiers.collect(),
            qualifications: qualifications.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_member_does_not_hide_the_others() {
        let json = r#"{"resourceType":"Practitioner","id":"1","name":[{"text":"Ada"}],
            "identifier":null,"qualification":[7,{"code":{"text":7,"coding":[{"display":"MD"}]}},{}]}"#;
        let card = serde_json::from_str::<Wire>(json).unwrap().into_resource();
        assert_eq!(card.name.as_deref(), Some("Ada"));
        assert!(card.identifiers.is_empty());
        assert_eq!(card.qualifications, ["MD"]);
    }

    fn name(json: &str) -> Option<String> {
        let json = format!(r#"{{"resourceType":"Practitioner","id":"1","name":{json}}}"#);
        serde_json::from_str::<Wire>(&json)
            .unwrap()
            .into_resource()
            .name
    }

    // covers: SMART-USR-14
    #[test]
    fn the_best_name_is_shown_in_every_version_of_fhir() {
        for (json, expected) in [
            (
                r#"[{"prefix":["Dr."],"given":["Ada","B."],"family":"Smith","suffix":["MD"]}]"#,
                Some("Dr. Ada B. Smith MD"),
            ),
            (
                r#"[{"use":"old","text":"Ada Jones"},{"use":"official","text":"Ada Smith"}]"#,
                Some("Ada Smith"),
            ),
            (r#"[{"use":"old","text":"Ada Jones"}]"#, Some("Ada Jones")),
            (
                r#"[{"use":"official"},{"use":"usual","text":"Ada"}]"#,
                Some("Ada"),
            ),
            (
                r#"{"given":["Ada"],"family":["Smith","Jones"]}"#,
                Some("Ada Smith Jones"),
            ),
            (
                r#"[{"given":[null,"Ada"],"family":"Smith","suffix":null}]"#,
                Some("Ada Smith"),
            ),
            (r#"[7,{"use":7,"text":"Ada"}]"#, Some("Ada")),
            (r#"[{"text":"  "}]"#, None),
            ("[]", None),
            (r#""Ada""#, None),
        ] {
            assert_eq!(name(json).as_deref(), expected, "{json}");
        }
    }
}
