//! `Type/id` under a FHIR base: what is left of a reference once nothing of it can lead elsewhere.

use core::fmt;

use smart_discovery::{FhirBaseUrl, NotUnder};
use smart_jose::Text;

use super::kind::FhirUserType;

/// A resource under a FHIR base. A URL is made of the base and these two and of nothing else that
/// a server or a token wrote.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) base: FhirBaseUrl,
    pub(crate) resource_type: FhirUserType,
    pub(crate) id: String,
}

/// Why a text is no reference to a user's resource under a FHIR base.
///
/// The text can name a patient, so no error carries it: only its length, its origin, or the type
/// that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceError {
    /// The text is neither `Type/id` nor a plain absolute URL with just that behind the FHIR base.
    #[error("a text of {octets} octets is no reference of the form Type/id")]
    Form {
        /// The length of the text in octets.
        octets: usize,
    },
    /// The text is a URL outside the FHIR base.
    #[error("the URL is at {found}, and not under the FHIR base {base}")]
    OffBase {
        /// The FHIR base.
        base: Text,
        /// Scheme, host and port of the text; its path may differ too.
        found: Text,
    },
    /// The type is none that a user can be; case matters.
    #[error("the reference names the resource type {found}, which no user is")]
    ResourceType {
        /// The type.
        found: Text,
    },
}

impl ReferenceError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "reference-form",
            Self::OffBase { .. } => "reference-off-base",
            Self::ResourceType { .. } => "reference-type",
        }
    }
}

impl Reference {
    /// Reads a relative `Type/id`, or an absolute URL with the origin of the base and the path
    /// `<base>/Type/id`.
    pub(crate) fn parse(text: &str, base: &FhirBaseUrl) -> Result<Self, ReferenceError> {
        let (reference, version) = Self::split(text, base)?;
        match version {
            None => Ok(reference),
            Some(_) => Err(ReferenceError::Form { octets: text.len() }),
        }
    }

    /// The same for a reference inside a resource, which may name a version. It falls away: what is
    /// wanted of somebody is how things are now.
    pub(crate) fn parse_current(text: &str, base: &FhirBaseUrl) -> Result<Self, ReferenceError> {
        Self::split(text, base).map(|(reference, _)| reference)
    }

    /// A reference and the version that it names.
    fn split(text: &str, base: &FhirBaseUrl) -> Result<(Self, Option<String>), ReferenceError> {
        let form = || ReferenceError::Form { octets: text.len() };
        let relative = if is_absolute(text) {
            base.relative(text).map_err(|problem| match problem {
                NotUnder::Elsewhere { origin } => ReferenceError::OffBase {
                    base: Text::new(base.as_str()),
                    found: origin,
                },
                _ => form(),
            })?
        } else {
            text.to_owned()
        };
        let segments: Vec<&str> = relative.split('/').collect();
        let (resource_type, id, version) = match *segments.as_slice() {
            [resource_type, id] => (resource_type, id, None),
            [resource_type, id, "_history", version] if is_id(version) => {
                (resource_type, id, Some(version.to_owned()))
            }
            _ => return Err(form()),
        };
        let is_name =
            !resource_type.is_empty() && resource_type.bytes().all(|it| it.is_ascii_alphabetic());
        if !is_name || !is_id(id) {
            return Err(form());
        }
        let resource_type = FhirUserType::from_name(resource_type).ok_or_else(|| {
            let found = Text::new(resource_type);
            ReferenceError::ResourceType { found }
        })?;
        let reference = Self {
            base: base.clone(),
            resource_type,
            id: id.to_owned(),
        };
        Ok((reference, version))
    }

    /// Where to read it.
    pub(crate) fn url(&self) -> String {
        self.base.append(&self.to_string())
    }
}

impl fmt::Display for Reference {
    /// `Type/id`, which can name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

/// Whether a text names its server. What has no `://` can only be read as relative, and then its
/// characters are those of a type, a slash and an id.
pub(super) fn is_absolute(text: &str) -> bool {
    text.contains("://")
}

/// An id of FHIR (R4 Data Types, id), and neither `.` nor `..`, which are no names in a path.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
        && !matches!(id, "." | "..")
}
