//! A local directory as the source of profiles: a list of staff that a site exported.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;
use smart_discovery::FhirBaseUrl;
use smart_jose::json::{self, JsonError};
use smart_jose::member::Member;
use smart_jose::{ErrorClass, UnixTime};

use super::draft::Draft;
use super::lenient::One;
use super::read_error::ReadError;
use super::resource::UserResource;
use super::source::ProfileSource;
use super::wire::Wire;
use crate::fhir_user::{FhirRead, FhirUserType, Reference};

/// Longer texts are refused, in octets: 64 MiB.
pub const MAX_DIRECTORY_OCTETS: usize = 64 * 1024 * 1024;

/// Resources of users, in memory, for sites that export their list of staff.
///
/// It belongs to one FHIR base, and answers for users of that base only: ids are unique on their
/// server and nowhere else, and another server's `Practitioner/1` is another person. It makes no
/// request, so the access token stays where it is.
///
/// ```
/// use smart_oidc::discovery::FhirBaseUrl;
/// use smart_oidc::profile::DirectoryProfileSource;
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let base = FhirBaseUrl::parse("https://ehr.example/fhir")?;
/// let mut staff = DirectoryProfileSource::new(base);
/// staff.add_ndjson(concat!(
///     r#"{"resourceType":"Practitioner","id":"1","name":[{"text":"Ada Smith"}]}"#, "\n",
///     r#"{"resourceType":"Organization","id":"1"}"#, "\n",
/// ).as_bytes())?;
/// assert_eq!(staff.len(), 1);
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone)]
pub struct DirectoryProfileSource {
    base: FhirBaseUrl,
    resources: HashMap<(FhirUserType, String), Wire>,
}

/// Why a text cannot be added to a directory. Nothing of it was added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// A Bundle of the type `history` holds former versions of its resources.
    #[error("line {line} is a history, and only what is current is added")]
    History {
        /// The line, from one.
        line: usize,
    },
    /// The text is no strict JSON object.
    #[error("line {line} is no JSON object: {problem}")]
    Json {
        /// The line, from one; always one for a text that is a single resource.
        line: usize,
        /// What is wrong with it.
        problem: JsonError,
    },
    /// The text is too long.
    #[error("the text has {found} octets, more than the limit of {limit}")]
    TooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
}

impl DirectoryError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::History { .. } => "directory-history",
            Self::Json { .. } => "directory-json",
            Self::TooLong { .. } => "directory-too-long",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

/// A resource, or a Bundle of them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entries {
    #[serde(rename = "type")]
    type_: Member<String>,
    entry: Option<Vec<One<Entry>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    full_url: Member<String>,
    resource: One<Wire>,
}

impl Entry {
    /// The resource, unless its `fullUrl` says that it is another server's, whose ids are others
    /// (FHIR, Bundle, fullUrl).
    fn resource_of(&self, base: &FhirBaseUrl) -> Option<&Wire> {
        let wire = self.resource.get()?;
        let Some(url) = self.full_url.value().filter(|it| it.contains("://")) else {
            return Some(wire);
        };
        let (resource_type, id) = (wire.resource_type.value()?, wire.id.value()?);
        let is_ours = base
            .relative(url)
            .is_ok_and(|it| it == format!("{resource_type}/{id}"));
        is_ours.then_some(wire)
    }
}

impl DirectoryProfileSource {
    /// An empty directory of the users of this FHIR base.
    #[must_use]
    pub fn new(base: FhirBaseUrl) -> Self {
        Self {
            base,
            resources: HashMap::new(),
        }
    }

    /// Adds a resource, or those of a Bundle, from JSON text, and says how many. Resources of types
    /// that no user is fall away, and so do those whose `fullUrl` is on another server; of two with
    /// one type and id the later one stays.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`].
    pub fn add_json(&mut self, text: &[u8]) -> Result<usize, DirectoryError> {
        let text = checked(text)?;
        let found = self.resources(text, 1)?;
        Ok(self.add(found))
    }

    /// The same for text with one resource, or Bundle, in each line (NDJSON, as bulk exports write
    /// it). Empty lines are passed over.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`], with the first line that is not as it should be.
    pub fn add_ndjson(&mut self, text: &[u8]) -> Result<usize, DirectoryError> {
        let text = checked(text)?;
        let mut found = Vec::new();
        for (line, text) in (1..).zip(text.split(|it| *it == b'\n')) {
            let text = text.trim_ascii();
            if !text.is_empty() {
                found.extend(self.resources(text, line)?);
            }
        }
        Ok(self.add(found))
    }

    /// The resources of a text: those of a Bundle, or the one that it is.
    fn resources(&self, text: &[u8], line: usize) -> Result<Vec<Wire>, DirectoryError> {
        let json = |problem| DirectoryError::Json { line, problem };
        let wire: Wire = json::read_object(text, MAX_DIRECTORY_OCTETS).map_err(json)?;
        if wire.resource_type.value().map(String::as_str) != Some("Bundle") {
            return Ok(vec![wire]);
        }
        let bundle: Entries = json::read_object(text, MAX_DIRECTORY_OCTETS).map_err(json)?;
        if bundle.type_.value().map(String::as_str) == Some("history") {
            return Err(DirectoryError::History { line });
        }
        let entries = bundle.entry.iter().flatten().filter_map(One::get);
        let ours = entries.filter_map(|it| it.resource_of(&self.base));
        Ok(ours.cloned().collect())
    }

    fn add(&mut self, found: Vec<Wire>) -> usize {
        let mut added = 0;
        for wire in found {
            let resource_type = wire.resource_type.value().map(String::as_str);
            let resource_type = resource_type.and_then(FhirUserType::from_name);
            let (Some(resource_type), Some(id)) = (resource_type, wire.id.value()) else {
                continue;
            };
            // An id that no reference can name would never be found.
            let reference = format!("{resource_type}/{id}");
            if Reference::parse(&reference, &self.base).is_ok() {
                self.resources.insert((resource_type, id.clone()), wire);
                added += 1;
            }
        }
        added
    }

    /// How many resources there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.resources.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    fn find(&self, target: &Reference) -> Result<&Wire, ReadError> {
        if !target.base.is_same(&self.base) {
            return Err(ReadError::NotInDirectory);
        }
        let key = (target.resource_type, target.id.clone());
        self.resources.get(&key).ok_or(ReadError::NotInDirectory)
    }
}

/// The text without the mark that some editors put before it, if it is not too long.
fn checked(text: &[u8]) -> Result<&[u8], DirectoryError> {
    let (limit, found) = (MAX_DIRECTORY_OCTETS, text.len());
    if found > limit {
        return Err(DirectoryError::TooLong { limit, found });
    }
    Ok(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))
}

#[async_trait]
impl ProfileSource for DirectoryProfileSource {
    async fn resource(
        &self,
        read: &FhirRead<'_>,
        now: UnixTime,
    ) -> Result<UserResource, ReadError> {
        let target = read.target();
        let mut draft = Draft::new(self.find(target)?, target.resource_type, now);
        if let Some(next) = draft.next(read) {
            draft.join(self.find(next.target()));
        }
        Ok(draft.finish())
    }
}

impl fmt::Debug for DirectoryProfileSource {
    /// Shows how many there are, and nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryProfileSource")
            .field("base", &self.base)
            .field("resources", &self.resources.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir_user::FhirUser;
    use crate::value::AccessToken;

    const BASE: &str = "https://ehr.example/fhir";

    fn base(text: &str) -> FhirBaseUrl {
        FhirBaseUrl::parse(text).unwrap()
    }

    fn entry(full_url: &str, name: &str) -> String {
        format!(
            r#"{{"fullUrl":"{full_url}","resource":{{"resourceType":"Practitioner","id":"1","name":[{{"text":"{name}"}}]}}}}"#
        )
    }

    fn bundle(type_: &str, entries: &[String]) -> String {
        let entries = entries.join(",");
        format!(r#"{{"resourceType":"Bundle","type":"{type_}","entry":[{entries}]}}"#)
    }

    /// The name under which a directory of one base knows `Practitioner/1` of another spelling.
    fn name(directory: &DirectoryProfileSource, of: &str) -> Option<String> {
        let user = FhirUser::parse("Practitioner/1", &base(of)).unwrap();
        let token = AccessToken::new("at");
        let read = user.read(&token);
        let wire = directory.find(read.target()).ok()?;
        UserResource::of(wire, FhirUserType::Practitioner, UnixTime::from_secs(0)).name
    }

    #[test]
    fn another_servers_resource_is_another_person() {
        let ours = entry(&format!("{BASE}/Practitioner/1"), "Ours");
        for theirs in [
            "https://other.example/fhir/Practitioner/1",
            "https://ehr.example/fhirX/Practitioner/1",
            "https://ehr.example/fhir/Practitioner/2",
            "https://ehr.example/fhir/Patient/1",
            "https://ehr.example@other.example/fhir/Practitioner/1",
            "ftp://ehr.example/fhir/Practitioner/1",
        ] {
            let mut directory = DirectoryProfileSource::new(base(BASE));
            let text = bundle("collection", &[ours.clone(), entry(theirs, "Theirs")]);
            assert_eq!(directory.add_json(text.as_bytes()), Ok(1), "{theirs}");
            assert_eq!(name(&directory, BASE).as_deref(), Some("Ours"), "{theirs}");
        }
        for url in [
            "urn:uuid:7",
            "Practitioner/1",
            "https://EHR.example:443/fhir/Practitioner/1",
        ] {
            let mut directory = DirectoryProfileSource::new(base(BASE));
            let text = bundle("collection", &[entry(url, "Ours")]);
            assert_eq!(directory.add_json(text.as_bytes()), Ok(1), "{url}");
        }
    }

    #[test]
    fn one_base_has_several_spellings() {
        let mut directory = DirectoryProfileSource::new(base("https://EHR.example:443/fhir/"));
        let text = r#"{"resourceType":"Practitioner","id":"1","name":[{"text":"Ada"}]}"#;
        directory.add_json(text.as_bytes()).unwrap();
        assert_eq!(name(&directory, BASE).as_deref(), Some("Ada"));
        assert_eq!(name(&directory, "https://ehr.example/FHIR"), None);
        assert_eq!(name(&directory, "https://other.example/fhir"), None);
    }

    #[test]
    fn a_history_is_refused_and_an_empty_bundle_is_not() {
        let mut directory = DirectoryProfileSource::new(base(BASE));
        let versions = [entry("urn:uuid:1", "New"), entry("urn:uuid:2", "Old")];
        let error = directory.add_json(bundle("history", &versions).as_bytes());
        assert_eq!(error.unwrap_err().code(), "directory-history");
        assert!(directory.is_empty());
        for text in [
            r#"{"resourceType":"Bundle"}"#,
            r#"{"resourceType":"Bundle","entry":null}"#,
            r#"{"resourceType":"Bundle","entry":[]}"#,
        ] {
            assert_eq!(directory.add_json(text.as_bytes()), Ok(0), "{text}");
        }
        let marked = format!("\u{feff}{}\n", bundle("collection", &versions));
        assert_eq!(directory.add_ndjson(marked.as_bytes()), Ok(2));
        assert_eq!(directory.add_json(marked.as_bytes()), Ok(2));
    }

    #[test]
    fn what_is_contained_contains_nothing() {
        let inner = r#"{"resourceType":"Practitioner","id":"p"}"#;
        let nested = format!(r#"{{"resourceType":"Basic","id":"b","contained":[{inner}]}}"#);
        let role = |contained: &str| -> Wire {
            let text = format!(
                r##"{{"resourceType":"PractitionerRole","id":"r","practitioner":{{"reference":"#p"}},"contained":[{contained}]}}"##
            );
            serde_json::from_str(&text).unwrap()
        };
        let now = UnixTime::from_secs(0);
        let found = |wire: &Wire| {
            let draft = Draft::new(wire, FhirUserType::PractitionerRole, now);
            draft.finish().practitioner.unwrap().followed.is_ok()
        };
        assert!(found(&role(inner)));
        assert!(!found(&role(&nested)));
    }
}
