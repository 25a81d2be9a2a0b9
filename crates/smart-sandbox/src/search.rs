//! Simple searches: which resources of a type fit, in pages.

use core::iter;

use serde_json::{Value, json};

use crate::world::Resource;

/// So many resources are in a page at most, and unless another number is asked for.
const MOST: usize = 50;

/// What may be asked of a type, beside `_count` and `_offset`, and of which FHIR type it is.
pub(crate) fn parameters(
    resource_type: &str,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_person = matches!(
        resource_type,
        "Patient" | "Person" | "Practitioner" | "RelatedPerson"
    );
    let is_clinical = matches!(resource_type, "Condition" | "Encounter" | "Observation");
    let has_patient = is_clinical || matches!(resource_type, "RelatedPerson" | "Person");
    let has_identifier = is_person || resource_type == "PractitionerRole";
    let id = iter::once(("_id", "token"));
    id.chain(has_patient.then_some(("patient", "reference")))
        .chain(is_clinical.then_some(("subject", "reference")))
        .chain(is_person.then_some(("name", "string")))
        .chain(has_identifier.then_some(("identifier", "token")))
}

/// A search that was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    filters: Vec<(String, String)>,
    count: Option<usize>,
    offset: usize,
}

/// Why a search is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SearchError {
    #[error("_count and _offset are numbers")]
    Number,
    #[error("a parameter is not one of this type, and the handling is strict")]
    Unknown,
    #[error("there are more than 32 parameters")]
    TooMany,
}

impl Search {
    /// Reads a query. What is not known is left out, as FHIR wants it, unless the app asked for
    /// strictness; a parameter that comes twice must hold twice.
    pub(crate) fn read(
        resource_type: &str,
        query: &[u8],
        is_strict: bool,
    ) -> Result<Self, SearchError> {
        let mut search = Self::default();
        for (place, (name, value)) in form_urlencoded::parse(query).enumerate() {
            if place >= 32 {
                return Err(SearchError::TooMany);
            }
            let number = || value.parse().map_err(|_| SearchError::Number);
            match &*name {
                "_count" => search.count = Some(number()?),
                "_offset" => search.offset = number()?,
                "_format" => {}
                // Of a clinical resource the subject is its patient.
                "subject" if parameters(resource_type).any(|(it, _)| it == "subject") => {
                    search.filters.push(("patient".into(), value.into_owned()));
                }
                known if parameters(resource_type).any(|(it, _)| it == known) => {
                    search.filters.push((known.into(), value.into_owned()));
                }
                _ if is_strict => return Err(SearchError::Unknown),
                _ => {}
            }
        }
        Ok(search)
    }

    /// The page of those that fit, as a Bundle. `base` is the FHIR base.
    pub(crate) fn bundle<'a>(
        &self,
        resource_type: &str,
        all: impl Iterator<Item = &'a Resource>,
        base: &str,
    ) -> Value {
        let fitting: Vec<&Resource> = all.filter(|it| self.fits(it)).collect();
        let most = self.count.unwrap_or(MOST).min(MOST);
        let page = fitting.iter().skip(self.offset).take(most);
        let entries: Vec<Value> = page
            .map(|it| {
                json!({
                    "fullUrl": format!("{base}/{}/{}", it.resource_type, it.id),
                    "resource": it.value,
                    "search": { "mode": "match" }
                })
            })
            .collect();
        let link = |offset: usize| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(&self.filters);
            query.append_pair("_count", &most.to_string());
            query.append_pair("_offset", &offset.to_string());
            format!("{base}/{resource_type}?{}", query.finish())
        };
        let mut links = vec![json!({ "relation": "self", "url": link(self.offset) })];
        let next = self.offset.saturating_add(most);
        if most > 0 && next < fitting.len() {
            links.push(json!({ "relation": "next", "url": link(next) }));
        }
        let mut bundle = json!({
            "resourceType": "Bundle",
            "type": "searchset",
            "total": fitting.len(),
            "link": links
        });
        // An empty array is not FHIR.
        if let (Some(members), false) = (bundle.as_object_mut(), entries.is_empty()) {
            members.insert("entry".to_owned(), entries.into());
        }
        bundle
    }

    fn fits(&self, resource: &Resource) -> bool {
        self.filters.iter().all(|(name, value)| {
            // A comma is an or.
            value
                .split(',')
                .any(|value| fits_one(resource, name, value))
        })
    }
}

fn fits_one(resource: &Resource, name: &str, value: &str) -> bool {
    match name {
        "_id" => resource.id == value,
        "patient" => {
            let id = value.strip_prefix("Patient/").unwrap_or(value);
            resource.patient.as_deref() == Some(id)
        }
        "name" => has_name(&resource.value, value),
        "identifier" => has_identifier(&resource.value, value),
        _ => false,
    }
}

/// Whether a part of a name begins so, without regard to case.
fn has_name(resource: &Value, begin: &str) -> bool {
    let begin = begin.to_lowercase();
    let fits = |it: &Value| {
        it.as_str()
            .is_some_and(|it| it.to_lowercase().starts_with(&begin))
    };
    let names = resource.get("name").and_then(Value::as_array);
    names.into_iter().flatten().any(|name| {
        let one = ["text", "family"];
        let many = ["given", "prefix", "suffix"];
        one.iter().filter_map(|it| name.get(it)).any(fits)
            || many
                .iter()
                .filter_map(|it| name.get(it)?.as_array())
                .flatten()
                .any(fits)
    })
}

/// `value`, `system|value`, `|value` (no system) or `system|` (any value).
fn has_identifier(resource: &Value, asked: &str) -> bool {
    let identifiers = resource.get("identifier").and_then(Value::as_array);
    identifiers.into_iter().flatten().any(|it| {
        let text = |name: &str| it.get(name).and_then(Value::as_str).unwrap_or_default();
        match asked.split_once('|') {
            None => text("value") == asked,
            Some((system, "")) => text("system") == system,
            Some((system, value)) => text("system") == system && text("value") == value,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people;
    use crate::world::World;

    fn ids(resource_type: &str, query: &str) -> Vec<String> {
        let bundle = bundle(resource_type, query);
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let ids = entries.iter().map(|it| it["resource"]["id"].as_str());
        ids.map(|it| it.unwrap().to_owned()).collect()
    }

    fn bundle(resource_type: &str, query: &str) -> Value {
        let world = World::new(&people::invented(), Vec::new());
        let search = Search::read(resource_type, query.as_bytes(), false).unwrap();
        search.bundle(
            resource_type,
            world.of_type(resource_type),
            "https://e/fhir",
        )
    }

    #[test]
    fn each_parameter_finds_what_fits_and_nothing_else() {
        for (resource_type, query, expected) in [
            ("Patient", "", &["p-1", "p-2", "p-3", "p-4"][..]),
            ("Patient", "_id=p-2", &["p-2"]),
            ("Patient", "_id=p-2,p-4", &["p-2", "p-4"]),
            ("Patient", "_id=p-2&_id=p-4", &[]),
            ("Patient", "name=exa", &["p-1"]),
            ("Patient", "name=ample", &[]),
            ("Patient", "name=zo%C3%AB", &["p-4"]),
            ("Patient", "identifier=MRN-0003", &["p-3"]),
            ("Patient", "identifier=urn:oid:2.999.1%7CMRN-0003", &["p-3"]),
            ("Patient", "identifier=urn:oid:2.999.9%7CMRN-0003", &[]),
            ("Patient", "identifier=%7CMRN-0003", &[]),
            ("Patient", "unheard=of", &["p-1", "p-2", "p-3", "p-4"]),
            ("Encounter", "patient=p-1", &["e-1", "e-2"]),
            ("Encounter", "subject=Patient/p-1", &["e-1", "e-2"]),
            ("Encounter", "patient=Practitioner/p-1", &[]),
            ("RelatedPerson", "patient=p-1&name=casey", &["rp-1"]),
            ("Person", "patient=p-3", &["person-1"]),
            ("Practitioner", "name=smith", &["dr-smith"]),
        ] {
            assert_eq!(
                ids(resource_type, query),
                expected,
                "{resource_type}?{query}"
            );
        }
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let first = bundle("Patient", "_count=3");
        assert_eq!(first["total"], 4);
        let next = first["link"][1]["url"].as_str().unwrap();
        assert_eq!(next, "https://e/fhir/Patient?_count=3&_offset=3");
        let rest = bundle("Patient", next.split_once('?').unwrap().1);
        assert_eq!(rest["entry"].as_array().unwrap().len(), 1);
        assert!(rest["link"].get(1).is_none());
        let none = bundle("Patient", "_count=0");
        assert!(none.get("entry").is_none() && none["total"] == 4);
        assert_eq!(
            ids("Patient", "_count=1000000&_offset=99999999999"),
            [""; 0]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let read = |query: &str, is_strict| Search::read("Patient", query.as_bytes(), is_strict);
        assert_eq!(read("_count=-1", false), Err(SearchError::Number));
        assert_eq!(read("_offset=x", false), Err(SearchError::Number));
        assert_eq!(read("unheard=of", true), Err(SearchError::Unknown));
        assert_eq!(read(&"a&".repeat(33), false), Err(SearchError::TooMany));
    }
}
