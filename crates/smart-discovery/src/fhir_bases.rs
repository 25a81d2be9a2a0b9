//! The FHIR servers that are configured, and no others.

use std::collections::HashMap;

use crate::url::{FhirBaseUrl, trimmed};

/// The FHIR bases that may launch an app.
///
/// The `iss` of an EHR launch is whatever the sender wrote: it chooses among these and leads
/// nowhere else. One final slash is tolerated for the look-up; everything else is compared
/// character for character.
///
/// ```
/// use smart_discovery::{FhirBaseUrl, FhirBases, UrlError};
/// # fn example() -> Result<(), UrlError> {
/// let bases: FhirBases = [FhirBaseUrl::parse("https://ehr.example/fhir")?].into_iter().collect();
/// assert!(bases.find("https://ehr.example/fhir/").is_some());
/// assert!(bases.find("https://ehr.example/fhir2").is_none());
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct FhirBases {
    /// By their text without a final slash.
    bases: HashMap<Box<str>, FhirBaseUrl>,
}

impl FhirBases {
    /// The configured base that an `iss` names, if it is one.
    #[must_use]
    pub fn find(&self, iss: &str) -> Option<&FhirBaseUrl> {
        self.bases.get(trimmed(iss))
    }

    /// The bases, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &FhirBaseUrl> {
        self.bases.values()
    }
}

impl FromIterator<FhirBaseUrl> for FhirBases {
    /// Of two that differ in their final slash the last one stays.
    fn from_iter<I: IntoIterator<Item = FhirBaseUrl>>(bases: I) -> Self {
        let bases = bases.into_iter();
        Self {
            bases: bases.map(|it| (it.trimmed().into(), it)).collect(),
        }
    }
}
