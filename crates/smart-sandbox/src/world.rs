//! Everybody and everything that the FHIR server knows: users, patients, and their charts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::bounds::{MAX_RESOURCES, MAX_USERS};
use crate::start_error::StartError;
use crate::user::{SandboxUser, patient_of};
use crate::{charts, people};

/// The types that are served, in order.
pub(crate) const TYPES: [&str; 8] = [
    "Condition",
    "Encounter",
    "Observation",
    "Patient",
    "Person",
    "Practitioner",
    "PractitionerRole",
    "RelatedPerson",
];

/// A resource, and in whose compartment it is.
pub(crate) struct Resource {
    pub(crate) resource_type: String,
    pub(crate) id: String,
    pub(crate) patient: Option<String>,
    pub(crate) value: Value,
}

impl Resource {
    /// Reads `resourceType` and `id`; `None` where the type is none that is served, or the id none.
    pub(crate) fn of(value: Value) -> Option<Self> {
        let resource_type = value.get("resourceType")?.as_str()?.to_owned();
        let id = value.get("id")?.as_str()?.to_owned();
        let is_id = (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'.');
        if !is_id || !TYPES.contains(&resource_type.as_str()) {
            return None;
        }
        let patient = match resource_type.as_str() {
            "Patient" => Some(id.clone()),
            _ => patient_of(&value).map(str::to_owned),
        };
        Some(Self {
            resource_type,
            id,
            patient,
            value,
        })
    }

    /// What a person calls it: the name of a person, and otherwise what it is about.
    pub(crate) fn label(&self) -> &str {
        let first = |name: &str| self.value.get(name).and_then(|it| it.get(0));
        let named = first("name").or_else(|| first("reasonCode"));
        let text = named.and_then(|it| it.get("text")).and_then(Value::as_str);
        text.unwrap_or(&self.id)
    }
}

/// Who and what there is.
#[derive(Clone)]
pub(crate) struct World {
    users: Vec<Arc<SandboxUser>>,
    /// By type and id.
    resources: BTreeMap<(String, String), Arc<Resource>>,
}

impl World {
    /// The invented people and charts, these users, and these resources; a later one of the same
    /// type and id takes the place of an earlier.
    pub(crate) fn new(users: &[SandboxUser], own: Vec<Resource>) -> Self {
        let invented = charts::resources().into_iter();
        let invented = invented.chain([people::practitioner()]);
        let of_users = users.iter().map(SandboxUser::resource);
        let all = invented.chain(of_users).filter_map(Resource::of).chain(own);
        let resources = all
            .map(|it| ((it.resource_type.clone(), it.id.clone()), Arc::new(it)))
            .collect();
        Self {
            users: users.iter().cloned().map(Arc::new).collect(),
            resources,
        }
    }

    /// Adds a user, behind the others. One of the same reference makes room; another of the same
    /// `sub` is two people whom no app could tell apart.
    pub(crate) fn add_user(&mut self, user: SandboxUser) -> Result<(), StartError> {
        if let Some(problem) = user.problem() {
            return Err(StartError::User { problem });
        }
        let reference = user.reference();
        let mut others = self.users.iter().filter(|it| it.reference() != reference);
        if others.any(|it| it.sub == user.sub) {
            return Err(StartError::User {
                problem: "another user has the same sub",
            });
        }
        self.add(user.resource())?;
        let is_full = self.users.len() >= MAX_USERS;
        let mut same = self
            .users
            .iter_mut()
            .filter(|it| it.reference() == reference);
        match same.next() {
            Some(before) => *before = Arc::new(user),
            None if is_full => return Err(StartError::Full),
            None => self.users.push(Arc::new(user)),
        }
        Ok(())
    }

    /// Adds a resource. One of the same type and id makes room.
    pub(crate) fn add(&mut self, resource: Value) -> Result<(), StartError> {
        let resource = Resource::of(resource).ok_or(StartError::Resource)?;
        let key = (resource.resource_type.clone(), resource.id.clone());
        if self.resources.len() >= MAX_RESOURCES && !self.resources.contains_key(&key) {
            return Err(StartError::Full);
        }
        self.resources.insert(key, Arc::new(resource));
        Ok(())
    }

    /// Who may sign in, the default user first.
    pub(crate) fn users(&self) -> &[Arc<SandboxUser>] {
        &self.users
    }

    /// The user of this reference, such as `Practitioner/dr-smith`.
    pub(crate) fn user(&self, reference: &str) -> Option<&Arc<SandboxUser>> {
        self.users.iter().find(|it| it.reference() == reference)
    }

    /// The resource of this type and id.
    pub(crate) fn find(&self, resource_type: &str, id: &str) -> Option<&Resource> {
        self.resources
            .get(&(resource_type.to_owned(), id.to_owned()))
            .map(|it| &**it)
    }

    /// The resources of a type, by id.
    pub(crate) fn of_type<'a>(
        &'a self,
        resource_type: &'a str,
    ) -> impl Iterator<Item = &'a Resource> {
        let all = self.resources.values().map(|it| &**it);
        all.filter(move |it| it.resource_type == resource_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_patient_has_a_chart_and_each_reference_leads_somewhere() {
        let world = World::new(&people::invented(), Vec::new());
        let patients: Vec<_> = world.of_type("Patient").collect();
        assert_eq!(patients.len(), 4);
        for patient in patients {
            for resource_type in ["Encounter", "Condition", "Observation"] {
                let mut own = world.of_type(resource_type);
                let is_own = |it: &Resource| it.patient.as_deref() == Some(&patient.id);
                assert!(own.any(is_own), "{} {resource_type}", patient.id);
            }
        }
        for resource in world.resources.values() {
            for reference in references(&resource.value) {
                let (resource_type, id) = reference.split_once('/').unwrap();
                assert!(world.find(resource_type, id).is_some(), "{reference}");
            }
        }
    }

    fn references(value: &Value) -> Vec<&str> {
        match value {
            Value::Object(members) => {
                let own = members.get("reference").and_then(Value::as_str);
                let deeper = members.values().flat_map(references);
                own.into_iter().chain(deeper).collect()
            }
            Value::Array(items) => items.iter().flat_map(references).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_has_no_type_or_id_is_no_resource() {
        use serde_json::json;
        for bad in [
            json!({}),
            json!({ "resourceType": "Patient" }),
            json!({ "resourceType": "Patient", "id": "a/b" }),
            json!({ "resourceType": "Patient", "id": 1 }),
            json!({ "resourceType": "Binary", "id": "a" }),
            json!([]),
        ] {
            assert!(Resource::of(bad.clone()).is_none(), "{bad}");
        }
    }
}
