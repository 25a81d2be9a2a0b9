//! The members of FHIR resources that are read, and no others.
//!
//! One view serves the five types that a user can be, in every version from DSTU2 on: no member
//! means one thing in one of them and another thing in the next. Reading never fails; what is not
//! as expected is absent.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use smart_jose::member::Member;

use super::lenient::{Few, One};
use super::period::Period;

/// A resource as it comes.
pub(super) type Wire = Resource<Few<One<Contained>>>;

/// A resource within another one, which has none within itself (FHIR, References, contained).
/// Were it read with those all the same, a short text could fill the memory.
pub(super) type Contained = Resource<Nothing>;

/// Whatever stands there, it is not kept.
#[derive(Clone, Default)]
pub(super) struct Nothing;

impl<'de> Deserialize<'de> for Nothing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

/// A resource, and what is contained in it.
#[derive(Clone, Default, Deserialize)]
#[serde(
    default,
    rename_all = "camelCase",
    bound(deserialize = "C: Deserialize<'de> + Default")
)]
pub(super) struct Resource<C> {
    pub(super) resource_type: Member<String>,
    pub(super) id: Member<String>,
    pub(super) active: Member<bool>,
    pub(super) period: One<Period>,
    pub(super) name: Few<One<HumanName>>,
    pub(super) identifier: Few<One<Identifier>>,
    pub(super) qualification: Few<One<Qualification>>,
    pub(super) telecom: Few<One<ContactPoint>>,
    pub(super) photo: Few<One<Attachment>>,
    pub(super) communication: Few<One<Communication>>,
    /// What a role does (PractitionerRole).
    pub(super) code: Few<One<CodeableConcept>>,
    pub(super) specialty: Few<One<CodeableConcept>>,
    pub(super) organization: One<Reference>,
    pub(super) practitioner: One<Reference>,
    /// Who somebody is to the patient (RelatedPerson); several since R4.
    pub(super) relationship: Few<One<CodeableConcept>>,
    /// The roles of a Practitioner of DSTU2, which has no PractitionerRole.
    pub(super) practitioner_role: Few<One<RoleOfDstu2>>,
    pub(super) contained: C,
}

/// Arrays in a name hold `null` where only an extension says something (FHIR, JSON).
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct HumanName {
    #[serde(rename = "use")]
    pub(super) use_: Member<String>,
    pub(super) text: Member<String>,
    pub(super) prefix: Few<Member<String>>,
    pub(super) given: Few<Member<String>>,
    /// A string since STU3, an array before.
    pub(super) family: Few<Member<String>>,
    pub(super) suffix: Few<Member<String>>,
    pub(super) period: One<Period>,
}

/// An identifier.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Identifier {
    #[serde(rename = "use")]
    pub(super) use_: Member<String>,
    #[serde(rename = "type")]
    pub(super) type_: One<CodeableConcept>,
    pub(super) system: Member<String>,
    pub(super) value: Member<String>,
    pub(super) period: One<Period>,
}

/// What somebody has learnt.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Qualification {
    pub(super) code: One<CodeableConcept>,
    pub(super) issuer: One<Reference>,
    pub(super) period: One<Period>,
}

/// A telephone number, an address of mail, and so on.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct ContactPoint {
    pub(super) system: Member<String>,
    pub(super) value: Member<String>,
    #[serde(rename = "use")]
    pub(super) use_: Member<String>,
    pub(super) rank: Member<f64>,
    pub(super) period: One<Period>,
}

/// A photo.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Attachment {
    pub(super) content_type: Member<String>,
    pub(super) data: Member<String>,
    pub(super) url: Member<String>,
}

/// A language: an object around it says whether it is preferred, but a Practitioner has the bare
/// concept before R5.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Communication {
    pub(super) language: One<CodeableConcept>,
    pub(super) preferred: Member<bool>,
    pub(super) coding: Few<One<Coding>>,
}

/// The roles of a Practitioner of DSTU2.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RoleOfDstu2 {
    pub(super) role: One<CodeableConcept>,
    pub(super) specialty: Few<One<CodeableConcept>>,
    pub(super) managing_organization: One<Reference>,
    pub(super) period: One<Period>,
}

/// A concept, in words or in codes.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct CodeableConcept {
    pub(super) text: Member<String>,
    pub(super) coding: Few<One<Coding>>,
}

/// A code of one system.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Coding {
    pub(super) system: Member<String>,
    pub(super) code: Member<String>,
    pub(super) display: Member<String>,
}

/// A reference to another resource.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    pub(super) reference: Member<String>,
    pub(super) identifier: One<Identifier>,
    pub(super) display: Member<String>,
}
