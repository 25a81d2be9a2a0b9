//! What an access token opens: its scopes, for its user, about its patient.

use std::sync::Arc;

use crate::context::TokenRecord;
use crate::scopes::{Interaction, Scopes};
use crate::user::SandboxUser;
use crate::world::Resource;

/// What a request is judged by.
pub(crate) struct Access {
    scopes: Scopes,
    /// None for a backend service.
    user: Option<Arc<SandboxUser>>,
    /// The patient in context, where there is one.
    patient: Option<String>,
}

impl Access {
    /// What a token opens.
    pub(crate) fn of(record: &TokenRecord) -> Self {
        let grant = record.grant.as_ref();
        Self {
            scopes: record.scopes.clone(),
            user: grant.map(|it| Arc::clone(&it.user)),
            patient: grant.and_then(|it| it.patient.clone()),
        }
    }

    /// Whether a resource is opened: by a `system/` scope, by a `user/` scope where the user may see
    /// it, by a `patient/` scope where it is in the compartment of the patient in context and the user
    /// may see it, or by `openid fhirUser` where it is the user, or the practitioner whose role the user
    /// has.
    pub(crate) fn opens(&self, interaction: Interaction, resource: &Resource) -> bool {
        let is_read = interaction == Interaction::Read;
        if is_read && self.is_self(&resource.resource_type, &resource.id) {
            return true;
        }
        let of = resource.patient.as_deref();
        let allows = |level| {
            self.scopes
                .allows(level, &resource.resource_type, interaction)
        };
        allows("system")
            || (allows("user") && self.user_sees(of))
            || (allows("patient")
                && of.is_some()
                && of == self.patient.as_deref()
                && self.user_sees(of))
    }

    /// Whether anything of a type may be opened, so that a search can be answered.
    pub(crate) fn opens_some(&self, interaction: Interaction, resource_type: &str) -> bool {
        let levels = ["system", "user", "patient"];
        let mut levels = levels.into_iter();
        levels.any(|it| self.scopes.allows(it, resource_type, interaction))
    }

    /// Whether the token would open this id if there were such a resource: only who would be shown
    /// it learns that it does not exist.
    pub(crate) fn may_know_of(&self, resource_type: &str, id: &str) -> bool {
        let allows = |level| self.scopes.allows(level, resource_type, Interaction::Read);
        let sees_all = self.user.as_ref().is_some_and(|it| it.is_clinician());
        self.is_self(resource_type, id) || allows("system") || (allows("user") && sees_all)
    }

    fn is_self(&self, resource_type: &str, id: &str) -> bool {
        let is_told = self.scopes.has("openid") && self.scopes.has("fhirUser");
        let Some(user) = self.user.as_ref().filter(|_| is_told) else {
            return false;
        };
        (resource_type == user.resource_type.name() && id == user.id)
            || (resource_type == "Practitioner" && user.practitioner() == Some(id))
    }

    /// Clinicians see every chart, others the one of their patient; what is in no chart is for all.
    fn user_sees(&self, of: Option<&str>) -> bool {
        let Some(user) = &self.user else {
            return false;
        };
        of.is_none_or(|it| user.sees(it))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people;
    use crate::scopes::SmartVersion;
    use crate::world::World;

    fn opens(scope: &str, user: usize, patient: Option<&str>, what: &str) -> bool {
        let users = people::invented();
        let access = Access {
            scopes: Scopes::granted(scope, SmartVersion::V2_2),
            user: users.get(user).cloned().map(Arc::new),
            patient: patient.map(str::to_owned),
        };
        let world = World::new(&users, Vec::new());
        let (resource_type, id) = what.split_once('/').unwrap();
        let resource = world.find(resource_type, id).unwrap();
        access.opens(Interaction::Read, resource)
    }

    // covers: SMART-USR-8
    #[test]
    fn a_scope_opens_what_it_names_and_whom_it_is_about() {
        let (doctor, role, patient, mother, person) = (0, 1, 2, 3, 4);
        let me = "openid fhirUser";
        for (scope, user, context, what, expected) in [
            (me, doctor, None, "Practitioner/dr-smith", true),
            ("openid", doctor, None, "Practitioner/dr-smith", false),
            ("fhirUser", doctor, None, "Practitioner/dr-smith", false),
            (me, doctor, None, "Practitioner/dr-okafor", false),
            (me, doctor, Some("p-1"), "Patient/p-1", false),
            (
                me,
                role,
                None,
                "PractitionerRole/dr-okafor-cardiology",
                true,
            ),
            (me, role, None, "Practitioner/dr-okafor", true),
            (me, role, None, "Practitioner/dr-smith", false),
            (me, patient, None, "Patient/p-2", true),
            (me, patient, None, "Patient/p-1", false),
            (me, mother, None, "RelatedPerson/rp-1", true),
            (me, person, None, "Person/person-1", true),
            (
                "user/Practitioner.r",
                doctor,
                None,
                "Practitioner/dr-smith",
                true,
            ),
            (
                "user/Practitioner.s",
                doctor,
                None,
                "Practitioner/dr-smith",
                false,
            ),
            ("user/*.rs", doctor, None, "Patient/p-1", true),
            ("user/*.rs", patient, None, "Patient/p-2", true),
            ("user/*.rs", patient, None, "Observation/o-5", true),
            ("user/*.rs", patient, None, "Patient/p-1", false),
            ("user/*.rs", patient, None, "Observation/o-1", false),
            ("user/*.rs", patient, None, "Practitioner/dr-smith", true),
            ("user/*.rs", mother, None, "Condition/c-1", true),
            ("user/*.rs", mother, None, "Condition/c-3", false),
            ("user/*.rs", person, None, "Encounter/e-5", true),
            ("user/*.rs", person, None, "Encounter/e-1", false),
            (
                "patient/Patient.r",
                doctor,
                Some("p-1"),
                "Patient/p-1",
                true,
            ),
            (
                "patient/*.read",
                doctor,
                Some("p-1"),
                "Observation/o-1",
                true,
            ),
            (
                "patient/*.read",
                doctor,
                Some("p-1"),
                "Observation/o-5",
                false,
            ),
            ("patient/*.read", doctor, Some("p-1"), "Patient/p-2", false),
            ("patient/*.read", doctor, None, "Patient/p-1", false),
            (
                "patient/*.read",
                doctor,
                Some("p-1"),
                "Practitioner/dr-smith",
                false,
            ),
            (
                "patient/Observation.r",
                doctor,
                Some("p-1"),
                "Condition/c-1",
                false,
            ),
            ("launch/patient", doctor, Some("p-1"), "Patient/p-1", false),
            ("patient/*.rs", patient, Some("p-2"), "Patient/p-2", true),
            ("patient/*.rs", patient, Some("p-1"), "Patient/p-1", false),
            ("patient/*.rs", mother, Some("p-2"), "Condition/c-3", false),
        ] {
            let found = opens(scope, user, context, what);
            assert_eq!(found, expected, "{scope} {user} {context:?} {what}");
        }
    }
}
