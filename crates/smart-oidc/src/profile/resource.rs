//! A narrow view of the five resources that a user can be.
//!
//! It reads names, identifiers and qualifications and ignores the rest, so that it works with
//! every version of FHIR from DSTU2 on.

use core::fmt;

use serde::Deserialize;

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

/// The members that are read. DSTU2 has one name where later versions have several.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire {
    pub(super) resource_type: Option<String>,
    pub(super) id: Option<String>,
    #[serde(default)]
    name: OneOrMany<HumanName>,
    #[serde(default)]
    identifier: Vec<WireIdentifier>,
    #[serde(default)]
    qualification: Vec<Qualification>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(Box<T>),
    Other(serde::de::IgnoredAny),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

#[derive(Deserialize)]
struct HumanName {
    #[serde(rename = "use")]
    use_: Option<String>,
    text: Option<String>,
    #[serde(default)]
    prefix: Vec<String>,
    #[serde(default)]
    given: Vec<String>,
    family: Option<Family>,
    #[serde(default)]
    suffix: Vec<String>,
}

/// A string since STU3, an array before.
#[derive(Deserialize)]
#[serde(untagged)]
enum Family {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct WireIdentifier {
    system: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct Qualification {
    code: Option<CodeableConcept>,
}

#[derive(Deserialize)]
struct CodeableConcept {
    text: Option<String>,
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    display: Option<String>,
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
        let family: &[String] = match &self.family {
            None => &[],
            Some(Family::One(family)) => core::slice::from_ref(family),
            Some(Family::Many(families)) => families,
        };
        let words: Vec<&str> = [self.prefix.as_slice(), &self.given, family, &self.suffix]
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
        let mut names = match self.name {
            OneOrMany::Many(names) => names,
            OneOrMany::One(name) => vec![*name],
            OneOrMany::Other(_) => Vec::new(),
        };
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
            (r#"[{"text":"  "}]"#, None),
            ("[]", None),
            (r#""Ada""#, None),
        ] {
            assert_eq!(name(json).as_deref(), expected, "{json}");
        }
    }
}
