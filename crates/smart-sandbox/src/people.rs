//! The invented people who may sign in: one of each type.

use serde_json::{Value, json};

use crate::user::{SandboxUser, UserType};

/// One user of each type, the clinician first. Each patient of theirs is in the charts.
pub(crate) fn invented() -> Vec<SandboxUser> {
    vec![
        SandboxUser::default(),
        SandboxUser::new(
            UserType::PractitionerRole,
            "dr-okafor-cardiology",
            "1d83c0aa-dr-okafor",
            "Dr. Chidi Okafor, Cardiology",
        )
        .with_resource(role()),
        SandboxUser::new(UserType::Patient, "p-2", "52f6e7d4-morgan", "Morgan Sample")
            .with_resource(crate::charts::morgan()),
        SandboxUser::new(
            UserType::RelatedPerson,
            "rp-1",
            "9a04bb17-casey",
            "Casey Example",
        )
        .with_resource(mother()),
        SandboxUser::new(
            UserType::Person,
            "person-1",
            "e3b6180f-quinn",
            "Quinn Placeholder",
        )
        .with_resource(person()),
    ]
}

/// The practitioner whose role signs in. Nobody signs in as him.
pub(crate) fn practitioner() -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": "dr-okafor",
        "active": true,
        "identifier": [{ "system": "urn:oid:2.999.2", "value": "STAFF-0002" }],
        "name": [{
            "use": "official",
            "text": "Dr. Chidi Okafor",
            "family": "Okafor",
            "given": ["Chidi"],
            "prefix": ["Dr."]
        }],
        "gender": "male"
    })
}

fn role() -> Value {
    json!({
        "active": true,
        "practitioner": {
            "reference": "Practitioner/dr-okafor",
            "display": "Dr. Chidi Okafor"
        },
        "code": [{ "text": "Cardiologist" }],
        "specialty": [{
            "coding": [{
                "system": "http://snomed.info/sct",
                "code": "394579002",
                "display": "Cardiology"
            }],
            "text": "Cardiology"
        }]
    })
}

fn mother() -> Value {
    json!({
        "active": true,
        "patient": { "reference": "Patient/p-1", "display": "Riley Example" },
        "relationship": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
                "code": "MTH",
                "display": "mother"
            }]
        }],
        "name": [{
            "use": "official",
            "text": "Casey Example",
            "family": "Example",
            "given": ["Casey"]
        }],
        "birthDate": "1986-11-23"
    })
}

fn person() -> Value {
    json!({
        "active": true,
        "name": [{
            "use": "official",
            "text": "Quinn Placeholder",
            "family": "Placeholder",
            "given": ["Quinn"]
        }],
        "birthDate": "1961-02-28",
        "link": [{ "target": { "reference": "Patient/p-3" }, "assurance": "level3" }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-ID-4
    #[test]
    fn there_is_a_user_of_each_type_and_none_is_another() {
        let users = invented();
        let types = users.iter().map(|it| it.resource_type.name());
        let mut types: Vec<_> = types.collect();
        types.sort_unstable();
        let all = [
            "Patient",
            "Person",
            "Practitioner",
            "PractitionerRole",
            "RelatedPerson",
        ];
        assert_eq!(types, all);
        for (place, user) in users.iter().enumerate() {
            assert_eq!(user.problem(), None);
            let rest = users.iter().skip(place + 1);
            assert!(rest.clone().all(|it| it.sub != user.sub));
        }
        let patients: Vec<_> = users.iter().map(SandboxUser::patient).collect();
        let expected = [None, None, Some("p-2"), Some("p-1"), Some("p-3")];
        assert_eq!(patients, expected);
        assert_eq!(users[1].practitioner(), practitioner()["id"].as_str());
    }
}
