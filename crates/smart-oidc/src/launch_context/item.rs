//! What is in context beside the patient and the encounter.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smart_jose::Text;

/// The role of an item that names none (SMART App Launch 2.2, fhirContext).
pub const LAUNCH_ROLE: &str = "launch";

/// One item of `fhirContext`. Servers of SMART 2.0 write a mere reference, later ones an object;
/// both end up here.
///
/// Everything in it is text of the server. A reference should be relative and may be absolute all
/// the same: an access token must not follow it anywhere but under the FHIR base.
///
/// `Debug` shows which members there are, and of none but the type what it says.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ContextItem {
    /// A FHIR reference, such as `ImagingStudy/123`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The canonical URL of something that is not a resource of this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canonical: Option<Canonical>,
    /// A FHIR `Identifier`, as it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<Value>,
    /// The resource type that canonical or identifier are about.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The role as it is written; [`ContextItem::role`] knows what a missing one means.
    #[serde(rename = "role", skip_serializing_if = "Option::is_none")]
    pub written_role: Option<String>,
    /// Every other member, as it was found.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ContextItem {
    /// The role in which the item is in context: a URI, or [`LAUNCH_ROLE`], which is also what a
    /// missing or empty one means.
    #[must_use]
    pub fn role(&self) -> &str {
        self.written_role
            .as_deref()
            .filter(|it| !it.is_empty())
            .unwrap_or(LAUNCH_ROLE)
    }

    /// The resource type: the one that the reference names, or else the one that is stated.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        let reference = self.reference.as_deref();
        let of_reference = reference.and_then(|it| {
            let current = it
                .split_once("/_history/")
                .map_or(it, |(current, _)| current);
            current.rsplit('/').nth(1)
        });
        let is_name = |it: &&str| !it.is_empty() && it.bytes().all(|c| c.is_ascii_alphabetic());
        of_reference
            .filter(is_name)
            .or(self.resource_type.as_deref())
    }
}

impl fmt::Debug for ContextItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContextItem")
            .field("resource_type", &self.resource_type().map(Text::new))
            .field("has_reference", &self.reference.is_some())
            .field("has_canonical", &self.canonical.is_some())
            .field("has_identifier", &self.identifier.is_some())
            .field("has_role", &self.written_role.is_some())
            .finish_non_exhaustive()
    }
}

/// A canonical URL, and the version that may stand behind a `|` (FHIR R4, References to canonical
/// resources).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Canonical {
    /// The URL. It is a name and need not lead anywhere.
    pub url: String,
    /// The version, if one is named.
    pub version: Option<String>,
}

impl Canonical {
    /// Takes a canonical URL apart.
    ///
    /// ```
    /// use smart_oidc::launch_context::Canonical;
    /// let form = Canonical::parse("https://x.example/Questionnaire/1|v2");
    /// assert_eq!(form.url, "https://x.example/Questionnaire/1");
    /// assert_eq!(form.version.as_deref(), Some("v2"));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('|') {
            Some((url, version)) => Self {
                url: url.to_owned(),
                version: Some(version.to_owned()),
            },
            None => Self {
                url: text.to_owned(),
                version: None,
            },
        }
    }
}

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canonical")
            .field("url", &Text::new(&self.url))
            .field("version", &self.version.as_deref().map(Text::new))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-CTX-11, SMART-CTX-10
    #[test]
    fn what_is_not_said_of_an_item_has_a_meaning() {
        for (reference, stated, expected) in [
            (Some("Task/1"), None, Some("Task")),
            (Some("Task/1"), Some("Patient"), Some("Task")),
            (Some("Task/1/_history/2"), None, Some("Task")),
            (Some("https://ehr.example/fhir/Task/1"), None, Some("Task")),
            (Some("urn:uuid:1"), Some("Task"), Some("Task")),
            (Some("/1"), None, None),
            (Some("https://1"), None, None),
            (None, Some("Questionnaire"), Some("Questionnaire")),
            (None, None, None),
        ] {
            let item = ContextItem {
                reference: reference.map(str::to_owned),
                resource_type: stated.map(str::to_owned),
                ..ContextItem::default()
            };
            assert_eq!(item.resource_type(), expected, "{reference:?} {stated:?}");
        }
        for (written, expected) in [
            (None, "launch"),
            (Some(""), "launch"),
            (Some("launch"), "launch"),
            (Some("https://x.example/r"), "https://x.example/r"),
        ] {
            let item = ContextItem {
                written_role: written.map(str::to_owned),
                ..ContextItem::default()
            };
            assert_eq!(item.role(), expected, "{written:?}");
        }
    }
}
