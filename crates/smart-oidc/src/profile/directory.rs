//! A local directory as the source of profiles: a list of staff that a site exported.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;
use smart_discovery::FhirBaseUrl;
use smart_jose::json::{self, JsonError};
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
    entry: Vec<One<Entry>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    resource: One<Wire>,
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
    /// that no user is fall away; of two with one type and id the later one stays.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`].
    pub fn add_json(&mut self, text: &[u8]) -> Result<usize, DirectoryError> {
        check_length(text)?;
        let found = resources(text).map_err(|problem| DirectoryError::Json { line: 1, problem })?;
        Ok(self.add(found))
    }

    /// The same for text with one resource, or Bundle, in each line (NDJSON, as bulk exports write
    /// it). Empty lines are passed over.
    ///
    /// # Errors
    ///
    /// [`DirectoryError`], with the first line that is not as it should be.
    pub fn add_ndjson(&mut self, text: &[u8]) -> Result<usize, DirectoryError> {
        check_length(text)?;
        let mut found = Vec::new();
        for (line, text) in (1..).zip(text.split(|it| *it == b'\n')) {
            let text = text.trim_ascii();
            if !text.is_empty() {
                let all =
                    resources(text).map_err(|problem| DirectoryError::Json { line, problem })?;
                found.extend(all);
            }
        }
        Ok(self.add(found))
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
        if target.base.trimmed() != self.base.trimmed() {
            return Err(ReadError::NotInDirectory);
        }
        let key = (target.resource_type, target.id.clone());
        self.resources.get(&key).ok_or(ReadError::NotInDirectory)
    }
}

fn check_length(text: &[u8]) -> Result<(), DirectoryError> {
    let (limit, found) = (MAX_DIRECTORY_OCTETS, text.len());
    if found > limit {
        return Err(DirectoryError::TooLong { limit, found });
    }
    Ok(())
}

/// The resources of a text: those of a Bundle, or the one that it is.
fn resources(text: &[u8]) -> Result<Vec<Wire>, JsonError> {
    let wire: Wire = json::read_object(text, MAX_DIRECTORY_OCTETS)?;
    if wire.resource_type.value().map(String::as_str) != Some("Bundle") {
        return Ok(vec![wire]);
    }
    let bundle: Entries = json::read_object(text, MAX_DIRECTORY_OCTETS)?;
    let entries = bundle.entry.iter().filter_map(One::get);
    Ok(entries
        .filter_map(|it| it.resource.get().cloned())
        .collect())
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
