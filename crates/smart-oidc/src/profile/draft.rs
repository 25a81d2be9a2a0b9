//! A card in the making: the resource that was asked for, and at most one step behind it.

use smart_jose::UnixTime;

use super::follow::{FollowError, Place, PractitionerLink, place};
use super::read_error::ReadError;
use super::resource::{UserResource, display};
use super::wire::{Resource, Wire};
use crate::fhir_user::{FhirRead, FhirUserType};

/// A card in the making.
///
/// The step is taken once: what comes back from it is joined as a Practitioner, which refers to
/// nobody, so there is nothing to go on from.
pub(super) struct Draft {
    card: UserResource,
    /// The reference of a role that has not been followed.
    reference: Option<String>,
    now: UnixTime,
}

impl Draft {
    /// Begins with a resource of the user.
    pub(super) fn new(wire: &Wire, resource_type: FhirUserType, now: UnixTime) -> Self {
        let mut draft = Self {
            card: UserResource::of(wire, resource_type, now),
            reference: None,
            now,
        };
        if resource_type == FhirUserType::PractitionerRole {
            draft.card.name = draft.card.name.or_else(|| display(&wire.practitioner));
            let followed = match place(wire) {
                Ok(Place::Contained(practitioner)) => {
                    draft.join(Ok(practitioner));
                    return draft;
                }
                Ok(Place::Reference(reference)) => {
                    draft.reference = Some(reference.to_owned());
                    Err(FollowError::NotRead)
                }
                Err(error) => Err(error),
            };
            draft.link(None, followed);
        }
        draft
    }

    /// The one step: the read of the Practitioner that a role names on its own server, under the
    /// rule of the role's own read.
    pub(super) fn next<'t>(&mut self, read: &FhirRead<'t>) -> Option<FhirRead<'t>> {
        let reference = self.reference.take()?;
        let next = read.follow(&reference).map_err(FollowError::from);
        let next = next.and_then(|next| match next.target().resource_type {
            FhirUserType::Practitioner => Ok(next),
            found => Err(FollowError::OtherType { found }),
        });
        match next {
            Ok(next) => {
                let id = next.target().id.clone();
                self.link(Some(id), Err(FollowError::NotRead));
                Some(next)
            }
            Err(error) => {
                self.link(None, Err(error));
                None
            }
        }
    }

    /// Adds the Practitioner, or why there is none.
    pub(super) fn join<C>(&mut self, practitioner: Result<&Resource<C>, ReadError>) {
        let id = self.card.practitioner.take().and_then(|it| it.id);
        let followed = practitioner.map_err(FollowError::from).map(|wire| {
            let added = UserResource::of(wire, FhirUserType::Practitioner, self.now);
            self.card = self.card.clone().with_practitioner(added);
        });
        self.link(id, followed);
    }

    fn link(&mut self, id: Option<String>, followed: Result<(), FollowError>) {
        self.card.practitioner = Some(PractitionerLink { id, followed });
    }

    /// The card.
    pub(super) fn finish(self) -> UserResource {
        self.card
    }
}
