//! `fhirUser`: which FHIR resource is the user.
//!
//! A FHIR read with the access token is only ever made from a [`FhirUser`], and its URL is built
//! from the configured FHIR base. A token cannot send the access token anywhere else.

use core::fmt;

use smart_discovery::FhirBaseUrl;
use smart_jose::Text;

/// The resource types that a user can be (SMART App Launch 2.2, Scopes for requesting identity
/// data).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FhirUserType {
    /// A patient.
    Patient,
    /// A clinician.
    Practitioner,
    /// A clinician in one role; since SMART 2.1.
    PractitionerRole,
    /// Somebody who cares for a patient.
    RelatedPerson,
    /// A person who is none of these.
    Person,
}

impl FhirUserType {
    const ALL: [Self; 5] = [
        Self::Patient,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::RelatedPerson,
        Self::Person,
    ];

    /// The name of the resource type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::RelatedPerson => "RelatedPerson",
            Self::Person => "Person",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for FhirUserType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A reference to the user's own resource, under the FHIR base of the launch.
///
/// ```
/// use smart_discovery::FhirBaseUrl;
/// use smart_oidc::FhirUser;
/// let base = FhirBaseUrl::parse("https://ehr.example/a/fhir").unwrap();
/// let user = FhirUser::parse("Practitioner/123", &base).unwrap();
/// assert_eq!(user.url(), "https://ehr.example/a/fhir/Practitioner/123");
/// assert!(FhirUser::parse("https://evil.example/fhir/Practitioner/123", &base).is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct FhirUser {
    resource_type: FhirUserType,
    id: String,
    url: String,
}

/// Why a `fhirUser` is refused. The identity in the token stays valid.
///
/// The value can name a patient, so no error carries it: only its length, its origin, or the
/// type that it names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FhirUserError {
    /// The value is no `Type/id`, or an absolute URL with more than that behind the FHIR base.
    #[error("fhirUser, of {octets} octets, is no reference of the form Type/id")]
    Form {
        /// The length of the value in octets.
        octets: usize,
    },
    /// The scope `fhirUser` was granted and the claim is missing.
    #[error("fhirUser is missing although its scope was granted")]
    Missing,
    /// The value is a URL outside the FHIR base.
    #[error("fhirUser is a URL at {found}, which is not under the FHIR base {base}")]
    OffBase {
        /// The FHIR base.
        base: Text,
        /// The origin of the value; its path may differ too.
        found: Text,
    },
    /// The type is none that a user can be; case matters.
    #[error("fhirUser names the resource type {found}, which no user is")]
    ResourceType {
        /// The type.
        found: Text,
    },
    /// The claim is no string.
    #[error("fhirUser is not a string")]
    WrongType,
}

impl FhirUserError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "fhir-user-form",
            Self::Missing => "fhir-user-missing",
            Self::OffBase { .. } => "fhir-user-off-base",
            Self::ResourceType { .. } => "fhir-user-type",
            Self::WrongType => "fhir-user-wrong-type",
        }
    }
}

impl FhirUser {
    /// Reads the claim: a relative `Type/id`, or an absolute URL with the origin of the FHIR base
    /// and the path `<base>/Type/id`.
    ///
    /// User info, a query, a fragment, dot segments, percent-encoding and a version are refused.
    ///
    /// # Errors
    ///
    /// [`FhirUserError`].
    pub fn parse(claim: &str, base: &FhirBaseUrl) -> Result<Self, FhirUserError> {
        let form = || FhirUserError::Form {
            octets: claim.len(),
        };
        let reference = if claim.contains("://") {
            let off_base = || FhirUserError::OffBase {
                base: Text::new(base.as_str()),
                // Scheme and host: what stands behind them may name a patient.
                found: Text::new(&claim.split('/').take(3).collect::<Vec<_>>().join("/")),
            };
            let (origin, path) = Origin::split(claim).ok_or_else(off_base)?;
            let (base_origin, base_path) = Origin::split(base.trimmed()).ok_or_else(off_base)?;
            if origin != base_origin {
                return Err(off_base());
            }
            // Whole segments: `https://h/fhirX` is not under `https://h/fhir`.
            let rest = path
                .strip_prefix(base_path)
                .and_then(|it| it.strip_prefix('/'));
            rest.ok_or_else(off_base)?
        } else {
            claim
        };
        let (resource_type, id) = reference.split_once('/').ok_or_else(form)?;
        let is_id = (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
            && !matches!(id, "." | "..");
        if !is_id || !resource_type.bytes().all(|it| it.is_ascii_alphabetic()) {
            return Err(form());
        }
        let resource_type =
            FhirUserType::from_name(resource_type).ok_or_else(|| FhirUserError::ResourceType {
                found: Text::new(resource_type),
            })?;
        let url = base.append(&format!("{resource_type}/{id}"));
        Ok(Self {
            resource_type,
            id: id.to_owned(),
            url,
        })
    }

    /// The type of the resource.
    #[must_use]
    pub const fn resource_type(&self) -> FhirUserType {
        self.resource_type
    }

    /// The id of the resource. It can name a patient: do not log it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `Type/id`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}/{}", self.resource_type, self.id)
    }

    /// Where to read the resource: the FHIR base and `Type/id`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Debug for FhirUser {
    /// Shows the type and not the id, which can name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FhirUser({}/***)", self.resource_type)
    }
}

/// Scheme, host and port. Scheme and host do not depend on case, and https means 443.
#[derive(PartialEq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Takes a URL apart into its origin and the rest.
    fn split(url: &str) -> Option<(Self, &str)> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        if authority.contains('@') {
            return None;
        }
        // A colon inside the brackets of an IPv6 address is no port.
        let colon = authority
            .rfind(':')
            .filter(|at| !authority.get(*at..).is_some_and(|it| it.contains(']')));
        let (host, port) = match colon {
            Some(at) => {
                let digits = authority.get(at + 1..)?;
                let is_number = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
                (
                    authority.get(..at)?,
                    is_number.then(|| digits.parse().ok()).flatten()?,
                )
            }
            None => (authority, default_port),
        };
        Some((
            Self {
                scheme,
                host: host.to_ascii_lowercase(),
                port,
            },
            path,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(claim: &str) -> Result<String, &'static str> {
        let base = FhirBaseUrl::parse("https://ehr.example/a/fhir").unwrap();
        FhirUser::parse(claim, &base)
            .map(|user| {
                assert_eq!(
                    user.url(),
                    format!("https://ehr.example/a/fhir/{}", user.reference())
                );
                user.reference()
            })
            .map_err(|error| error.code())
    }

    // covers: SMART-ID-3, SMART-ID-4, SMART-USR-2, SMART-USR-13
    #[test]
    fn both_forms_name_the_same_resource() {
        for claim in [
            "Practitioner/123",
            "https://ehr.example/a/fhir/Practitioner/123",
            "https://EHR.example:443/a/fhir/Practitioner/123",
            "HTTPS://ehr.example/a/fhir/Practitioner/123",
        ] {
            assert_eq!(parse(claim), Ok("Practitioner/123".into()), "{claim}");
        }
        for kind in [
            "Patient",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
            "Person",
        ] {
            assert_eq!(parse(&format!("{kind}/a.B-9")), Ok(format!("{kind}/a.B-9")));
        }
        let id = "x".repeat(64);
        assert_eq!(parse(&format!("Person/{id}")), Ok(format!("Person/{id}")));
    }

    // covers: SMART-USR-3, SMART-USR-4
    #[test]
    fn adv_bearer_origin_nothing_else_becomes_a_read() {
        for (claim, expected) in [
            ("Device/1", "fhir-user-type"),
            ("practitioner/1", "fhir-user-type"),
            ("", "fhir-user-form"),
            ("123", "fhir-user-form"),
            ("Patient", "fhir-user-form"),
            ("Patient/", "fhir-user-form"),
            ("/Patient/1", "fhir-user-form"),
            ("Patient/1/", "fhir-user-form"),
            ("Patient/1/_history/2", "fhir-user-form"),
            ("Patient/.", "fhir-user-form"),
            ("Patient/..", "fhir-user-form"),
            ("Patient/../Observation/1", "fhir-user-form"),
            ("Patient/%2e%2e", "fhir-user-form"),
            ("Patient/1?x=1", "fhir-user-form"),
            ("Patient/1#x", "fhir-user-form"),
            ("Patient/a b", "fhir-user-form"),
            ("Patient/a_b", "fhir-user-form"),
            (" Patient/1", "fhir-user-form"),
            ("Patient/1\n", "fhir-user-form"),
            ("urn:uuid:7", "fhir-user-form"),
            ("//evil.example/Patient/1", "fhir-user-form"),
            (
                "https://evil.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example.evil.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example@evil.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://u@ehr.example/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            (
                "https://ehr.example:8443/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("http://ehr.example/a/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example/a/fhirX/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example/a/fhir?x/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/A/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example/a/./fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("ftp://ehr.example/a/fhir/Patient/1", "fhir-user-off-base"),
            (
                "https://ehr.example:/a/fhir/Patient/1",
                "fhir-user-off-base",
            ),
            ("https://ehr.example/a/fhir/", "fhir-user-form"),
            ("https://ehr.example/a/fhir", "fhir-user-off-base"),
            ("https://ehr.example/a/fhir/x/Patient/1", "fhir-user-form"),
            ("https://ehr.example/a/fhir/Patient/1?a", "fhir-user-form"),
        ] {
            assert_eq!(parse(claim), Err(expected), "{claim}");
        }
        assert!(parse(&format!("Patient/{}", "x".repeat(65))).is_err());
    }

    #[test]
    fn debug_does_not_show_the_id() {
        let base = FhirBaseUrl::parse("https://ehr.example").unwrap();
        let user = FhirUser::parse("Patient/p-4711", &base).unwrap();
        assert_eq!(format!("{user:?}"), "FhirUser(Patient/***)");
    }
}
