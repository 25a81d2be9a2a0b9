//! What is shown of a user: a narrow view of the five resources that a user can be.

use core::fmt;

use smart_jose::UnixTime;

use super::follow::PractitionerLink;
use super::identifier::{self, Identifier, identifiers, words};
use super::language::language;
use super::lenient::{Few, MOST, One};
use super::name::display_name;
use super::period::{Standing, standing};
use super::photo::{Photo, photo};
use super::telecom::{self, Telecom, telecoms};
use super::text::prose;
use super::wire::{CodeableConcept, Reference, Resource};
use crate::fhir_user::FhirUserType;

/// Longer resources are refused, in octets, unless set otherwise: room for a photo or two.
pub const MAX_RESOURCE_OCTETS: usize = 1024 * 1024;

/// What is shown of a user. All of it comes from outside: escape it where it is shown.
///
/// For a PractitionerRole the card holds the role and, where it could be read, its Practitioner:
/// of what both have (identifiers, telecoms) the best comes first, and among equals that of the
/// role.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserResource {
    /// The type of the user's resource.
    pub resource_type: FhirUserType,
    /// False where the server says that the record or the role is not active, or that its period
    /// does not cover the moment at which it was read.
    pub is_current: bool,
    /// The name to show.
    pub name: Option<String>,
    /// Identifiers such as the NPI, each with its system: what is current first, of that an NPI
    /// that checks out, then by their use, official ones first.
    pub identifiers: Vec<Identifier>,
    /// Qualifications that are not over.
    pub qualifications: Vec<Qualification>,
    /// How the user is reached, best first.
    pub telecoms: Vec<Telecom>,
    /// A photo.
    pub photo: Option<Photo>,
    /// The preferred language, as the tag that the server wrote: well-formed by BCP 47, and not
    /// looked up in its registry, so that `eng` can stand where the registry has `en`.
    pub language: Option<String>,
    /// What the user does (PractitionerRole), or is to the patient (RelatedPerson), in words.
    pub roles: Vec<String>,
    /// The specialties of the role, in words.
    pub specialties: Vec<String>,
    /// The name of the organization of the role, where the role says it.
    pub organization: Option<String>,
    /// For a PractitionerRole, what came of its Practitioner; for all others `None`.
    pub practitioner: Option<PractitionerLink>,
}

/// What somebody has learnt.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Qualification {
    /// The qualification in words.
    pub text: String,
    /// Who says so, in words.
    pub issuer: Option<String>,
}

impl UserResource {
    /// The United States' National Provider Identifier, where there is one that is current and
    /// checks out: ten digits of which the first is 1 or 2 and the last is the check digit of the
    /// others. Of several an official one comes first, then a usual one, one without a use, and any
    /// other. One with a slip in it, or that is over, is among the
    /// [`identifiers`](Self::identifiers) and not here.
    #[must_use]
    pub fn npi(&self) -> Option<&str> {
        identifier::npi(&self.identifiers).map(|it| it.value.as_str())
    }

    /// What a resource says at this moment, without what it refers to.
    pub(super) fn of<C>(wire: &Resource<C>, resource_type: FhirUserType, now: UnixTime) -> Self {
        let is_now = |period| standing(period, now) == Standing::Current;
        let is_active = wire.active.value() != Some(&false);
        // Only DSTU2 has any.
        let roles = || {
            let roles = wire.practitioner_role.objects();
            roles.filter(|it| is_now(it.period.get()))
        };
        let mut card = Self {
            resource_type,
            is_current: is_active && is_now(wire.period.get()),
            name: display_name(&wire.name, now),
            identifiers: identifiers(&wire.identifier, now),
            qualifications: Vec::new(),
            telecoms: telecoms(&wire.telecom, now),
            photo: photo(&wire.photo),
            language: language(&wire.communication),
            roles: all_words([&wire.code, &wire.relationship]),
            specialties: all_words([&wire.specialty]),
            organization: display(&wire.organization)
                .or_else(|| roles().find_map(|it| display(&it.managing_organization))),
            practitioner: None,
        };
        let of_role = roles().filter_map(|it| words(it.role.get()?));
        card.roles.extend(of_role);
        let of_role = roles().flat_map(|it| all_words([&it.specialty]));
        card.specialties.extend(of_role);
        let learnt = wire.qualification.objects();
        let learnt = learnt
            .filter(|it| is_now(it.period.get()))
            .filter_map(|it| {
                Some(Qualification {
                    text: words(it.code.get()?)?,
                    issuer: display(&it.issuer),
                })
            });
        card.qualifications.extend(learnt);
        card.bounded()
    }

    /// The card of a role with what its Practitioner adds.
    pub(super) fn with_practitioner(mut self, practitioner: Self) -> Self {
        self.is_current &= practitioner.is_current;
        // Before, the name was at best what the role displays beside its reference.
        self.name = practitioner.name.or(self.name);
        self.identifiers.extend(practitioner.identifiers);
        self.qualifications.extend(practitioner.qualifications);
        self.telecoms.extend(practitioner.telecoms);
        self.photo = practitioner.photo.or(self.photo);
        self.language = practitioner.language.or(self.language);
        self.bounded()
    }

    /// The best first, and no more of each than the first few. The cut comes after the order, so
    /// that what a role says never pushes out what is better in its Practitioner.
    fn bounded(mut self) -> Self {
        identifier::order(&mut self.identifiers);
        telecom::order(&mut self.telecoms);
        self.identifiers.truncate(MOST);
        self.qualifications.truncate(MOST);
        self.telecoms.truncate(MOST);
        self.roles.truncate(MOST);
        self.specialties.truncate(MOST);
        self
    }
}

/// What a reference displays.
pub(super) fn display(reference: &One<Reference>) -> Option<String> {
    prose(reference.get()?.display.value()?)
}

fn all_words<const N: usize>(concepts: [&Few<One<CodeableConcept>>; N]) -> Vec<String> {
    let concepts = concepts.into_iter().flat_map(Few::objects);
    concepts.filter_map(words).collect()
}

impl fmt::Debug for UserResource {
    /// Shows how much there is, and nothing that names a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserResource")
            .field("resource_type", &self.resource_type)
            .field("is_current", &self.is_current)
            .field("identifiers", &self.identifiers.len())
            .field("qualifications", &self.qualifications.len())
            .field("telecoms", &self.telecoms.len())
            .field("photo", &self.photo)
            .field("practitioner", &self.practitioner)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Qualification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qualification").finish_non_exhaustive()
    }
}
