//! Who may sign in: a person with a resource, of one of the five types.

use serde_json::{Value, json};

/// The user types that `fhirUser` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserType {
    /// A patient.
    Patient,
    /// A person, where nothing else fits.
    Person,
    /// A clinician.
    Practitioner,
    /// A clinician in one role.
    PractitionerRole,
    /// A relative or a carer of a patient.
    RelatedPerson,
}

impl UserType {
    /// The name of the FHIR resource type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Person => "Person",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::RelatedPerson => "RelatedPerson",
        }
    }
}

impl UserType {
    /// The type of this name, exactly.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Patient,
            Self::Person,
            Self::Practitioner,
            Self::PractitionerRole,
            Self::RelatedPerson,
        ];
        all.into_iter().find(|it| it.name() == name)
    }
}

/// The user whom the sandbox signs in.
///
/// The default is the fictional clinician `Practitioner/dr-smith`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SandboxUser {
    /// The type of the user's resource.
    pub resource_type: UserType,
    /// The id of the user's resource: 1 to 64 characters of `A-Z a-z 0-9 - .`.
    pub id: String,
    /// The `sub` of the ID token: 1 to 255 ASCII characters.
    pub sub: String,
    /// The `name` of the ID token.
    pub name: String,
    resource: Value,
}

impl SandboxUser {
    /// A user with a resource that holds the name and nothing else.
    ///
    /// ```
    /// use smart_sandbox::{SandboxUser, UserType};
    /// let user = SandboxUser::new(UserType::Patient, "p-7", "sub-7", "Ada Example");
    /// assert_eq!(user.reference(), "Patient/p-7");
    /// ```
    #[must_use]
    pub fn new(
        resource_type: UserType,
        id: impl Into<String>,
        sub: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let resource = match resource_type {
            UserType::PractitionerRole => json!({ "practitioner": { "display": name } }),
            _ => json!({ "name": [{ "text": name }] }),
        };
        Self {
            resource_type,
            id: id.into(),
            sub: sub.into(),
            name,
            resource,
        }
    }

    /// The same user with this FHIR resource; its `resourceType` and `id` are set to the user's.
    #[must_use]
    pub fn with_resource(mut self, resource: Value) -> Self {
        self.resource = resource;
        self
    }

    /// The relative reference, such as `Practitioner/dr-smith`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}/{}", self.resource_type.name(), self.id)
    }

    /// The FHIR resource.
    #[must_use]
    pub fn resource(&self) -> Value {
        let mut resource = self.resource.clone();
        if let Value::Object(members) = &mut resource {
            members.insert("resourceType".into(), self.resource_type.name().into());
            members.insert("id".into(), self.id.as_str().into());
        }
        resource
    }

    /// Whether the user looks after patients, and so sees all of them.
    pub(crate) const fn is_clinician(&self) -> bool {
        matches!(
            self.resource_type,
            UserType::Practitioner | UserType::PractitionerRole
        )
    }

    /// The one patient whose chart a user who is no clinician has: the own one, or the one whom the
    /// user's resource names.
    pub(crate) fn patient(&self) -> Option<&str> {
        match self.resource_type {
            UserType::Patient => Some(&self.id),
            _ if self.is_clinician() => None,
            _ => patient_of(&self.resource),
        }
    }

    /// Whether the user may see the chart of the patient of this id: a clinician sees all, whoever else
    /// signs in the own one or that of the person to whom they are related. A launch that has another
    /// one open is refused ([`crate::LaunchError::NoAccess`]).
    #[must_use]
    pub fn sees(&self, patient: &str) -> bool {
        self.is_clinician() || self.patient() == Some(patient)
    }

    /// The practitioner whose role the user has.
    pub(crate) fn practitioner(&self) -> Option<&str> {
        let reference = self.resource.get("practitioner")?.get("reference")?;
        reference.as_str()?.strip_prefix("Practitioner/")
    }

    /// What is wrong with the user, where something is.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let is_id = (1..=64).contains(&self.id.len())
            && self
                .id
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'.');
        if !is_id {
            return Some("the id needs 1 to 64 characters of A-Z a-z 0-9 - .");
        }
        if !(1..=255).contains(&self.sub.len()) || !self.sub.is_ascii() {
            return Some("the sub needs 1 to 255 ASCII characters");
        }
        if !self.resource.is_object() {
            return Some("the resource is not a JSON object");
        }
        None
    }
}

impl Default for SandboxUser {
    fn default() -> Self {
        Self::new(
            UserType::Practitioner,
            "dr-smith",
            "7c9f2b1e-dr-smith",
            "Dr. Jordan Smith, MD",
        )
        .with_resource(dr_smith())
    }
}

/// The id of the patient to whom a resource belongs, as far as the resource itself says it.
pub(crate) fn patient_of(resource: &Value) -> Option<&str> {
    let named = ["subject", "patient"]
        .iter()
        .find_map(|it| resource.get(it)?.get("reference")?.as_str());
    let linked = || {
        let links = resource.get("link")?.as_array()?;
        let targets = links.iter().filter_map(|it| it.get("target"));
        targets
            .filter_map(|it| it.get("reference")?.as_str())
            .find(|it| it.starts_with("Patient/"))
    };
    named.or_else(linked)?.strip_prefix("Patient/")
}

/// An invented clinician. The NPI is the number that the agency's own text uses to show how the
/// check digit is computed; it belongs to nobody.
fn dr_smith() -> Value {
    json!({
        "active": true,
        "identifier": [{
            "use": "official",
            "system": "http://hl7.org/fhir/sid/us-npi",
            "value": "1234567893"
        }],
        "name": [{
            "use": "official",
            "text": "Dr. Jordan Smith, MD",
            "family": "Smith",
            "given": ["Jordan", "Avery"],
            "prefix": ["Dr."],
            "suffix": ["MD"]
        }],
        "telecom": [
            { "system": "phone", "value": "+1-555-0100", "use": "work" },
            { "system": "email", "value": "jordan.smith@ehr.example", "use": "work" }
        ],
        "address": [{
            "use": "work",
            "line": ["1 Example Street"],
            "city": "Exampleton",
            "country": "US"
        }],
        "gender": "unknown",
        "qualification": [{
            "code": {
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0360",
                    "code": "MD",
                    "display": "Doctor of Medicine"
                }],
                "text": "Doctor of Medicine"
            }
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check digit of an NPI: Luhn over `80840` and the number.
    fn is_npi(number: &str) -> bool {
        let digits = format!("80840{number}");
        let sum: u32 = digits
            .bytes()
            .rev()
            .enumerate()
            .map(|(place, it)| {
                let digit = u32::from(it - b'0');
                match (place % 2, digit) {
                    (1, 0..=4) => digit * 2,
                    (1, _) => digit * 2 - 9,
                    _ => digit,
                }
            })
            .sum();
        number.len() == 10 && sum.is_multiple_of(10)
    }

    #[test]
    fn the_demo_clinician_has_a_full_resource() {
        let resource = SandboxUser::default().resource();
        assert!(is_npi(resource["identifier"][0]["value"].as_str().unwrap()));
        assert!(!is_npi("1234567890"));
        assert_eq!(resource["resourceType"], "Practitioner");
        assert_eq!(resource["id"], "dr-smith");
        assert_eq!(resource["name"][0]["prefix"][0], "Dr.");
        assert_eq!(resource["name"][0]["suffix"][0], "MD");
    }

    // covers: OIDC-IDT-2
    #[test]
    fn a_user_that_no_client_could_take_is_named() {
        let user = |id: &str, sub: &str| SandboxUser::new(UserType::Person, id, sub, "Ada");
        assert_eq!(user("a", "s").problem(), None);
        for wrong in [
            user("", "s"),
            user("a/b", "s"),
            user(&"a".repeat(65), "s"),
            user("a", ""),
            user("a", "é"),
            user("a", &"s".repeat(256)),
            user("a", "s").with_resource(json!([])),
        ] {
            assert!(wrong.problem().is_some(), "{wrong:?}");
        }
    }
}
