//! The charts of four invented patients: encounters, conditions and observations.

use serde_json::{Value, json};

/// A patient, and what is in the chart.
struct Chart {
    patient: Value,
    encounters: &'static [Encounter],
    conditions: &'static [Coded],
    observations: &'static [Observation],
}

struct Encounter {
    id: &'static str,
    class: &'static str,
    status: &'static str,
    start: &'static str,
    reason: &'static str,
}

/// A condition, by SNOMED CT.
struct Coded {
    id: &'static str,
    code: &'static str,
    display: &'static str,
    onset: &'static str,
}

/// A measurement, by LOINC, in hundredths of its unit: a binary fraction would not print as it was
/// written.
struct Observation {
    id: &'static str,
    code: &'static str,
    display: &'static str,
    hundredths: u32,
    unit: &'static str,
    at: &'static str,
}

/// All resources of all charts.
pub(crate) fn resources() -> Vec<Value> {
    charts().iter().flat_map(Chart::resources).collect()
}

impl Chart {
    fn resources(&self) -> Vec<Value> {
        let id = self.patient.get("id").and_then(Value::as_str);
        let subject = json!({ "reference": format!("Patient/{}", id.unwrap_or_default()) });
        let first = self.encounters.first().map(|it| it.id).unwrap_or_default();
        let encounter = json!({ "reference": format!("Encounter/{first}") });
        let mut all = vec![self.patient.clone()];
        all.extend(self.encounters.iter().map(|it| it.resource(&subject)));
        all.extend(self.conditions.iter().map(|it| it.resource(&subject)));
        let observations = self.observations.iter();
        all.extend(observations.map(|it| it.resource(&subject, &encounter)));
        all
    }
}

impl Encounter {
    fn resource(&self, subject: &Value) -> Value {
        json!({
            "resourceType": "Encounter",
            "id": self.id,
            "status": self.status,
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": self.class
            },
            "subject": subject,
            "participant": [{ "individual": { "reference": "Practitioner/dr-smith" } }],
            "period": { "start": self.start },
            "reasonCode": [{ "text": self.reason }]
        })
    }
}

impl Coded {
    fn resource(&self, subject: &Value) -> Value {
        json!({
            "resourceType": "Condition",
            "id": self.id,
            "clinicalStatus": {
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                    "code": "active"
                }]
            },
            "code": {
                "coding": [{
                    "system": "http://snomed.info/sct",
                    "code": self.code,
                    "display": self.display
                }],
                "text": self.display
            },
            "subject": subject,
            "onsetDateTime": self.onset
        })
    }
}

impl Observation {
    fn resource(&self, subject: &Value, encounter: &Value) -> Value {
        let value = f64::from(self.hundredths) / 100.0;
        json!({
            "resourceType": "Observation",
            "id": self.id,
            "status": "final",
            "category": [{
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "vital-signs"
                }]
            }],
            "code": {
                "coding": [{
                    "system": "http://loinc.org",
                    "code": self.code,
                    "display": self.display
                }],
                "text": self.display
            },
            "subject": subject,
            "encounter": encounter,
            "effectiveDateTime": self.at,
            "valueQuantity": {
                "value": value,
                "unit": self.unit,
                "system": "http://unitsofmeasure.org",
                "code": self.unit
            }
        })
    }
}

fn patient(id: &str, number: &str, family: &str, given: &str, gender: &str, birth: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "id": id,
        "active": true,
        "identifier": [{ "system": "urn:oid:2.999.1", "value": number }],
        "name": [{
            "use": "official",
            "text": format!("{given} {family}"),
            "family": family,
            "given": [given]
        }],
        "gender": gender,
        "birthDate": birth
    })
}

/// The patient who signs in too.
pub(crate) fn morgan() -> Value {
    patient(
        "p-2",
        "MRN-0002",
        "Sample",
        "Morgan",
        "female",
        "1979-09-09",
    )
}

fn charts() -> [Chart; 4] {
    [
        Chart {
            patient: patient("p-1", "MRN-0001", "Example", "Riley", "other", "2015-04-01"),
            encounters: &RILEY_ENCOUNTERS,
            conditions: &RILEY_CONDITIONS,
            observations: &RILEY_OBSERVATIONS,
        },
        Chart {
            patient: morgan(),
            encounters: &MORGAN_ENCOUNTERS,
            conditions: &MORGAN_CONDITIONS,
            observations: &MORGAN_OBSERVATIONS,
        },
        Chart {
            patient: patient(
                "p-3",
                "MRN-0003",
                "Placeholder",
                "Quinn",
                "male",
                "1961-02-28",
            ),
            encounters: &QUINN_ENCOUNTERS,
            conditions: &QUINN_CONDITIONS,
            observations: &QUINN_OBSERVATIONS,
        },
        Chart {
            patient: patient(
                "p-4",
                "MRN-0004",
                "Beispiel-Çelik",
                "Zoë",
                "female",
                "1944-12-31",
            ),
            encounters: &ZOE_ENCOUNTERS,
            conditions: &ZOE_CONDITIONS,
            observations: &ZOE_OBSERVATIONS,
        },
    ]
}

const fn encounter(
    id: &'static str,
    class: &'static str,
    status: &'static str,
    start: &'static str,
    reason: &'static str,
) -> Encounter {
    Encounter {
        id,
        class,
        status,
        start,
        reason,
    }
}

const fn condition(
    id: &'static str,
    code: &'static str,
    display: &'static str,
    onset: &'static str,
) -> Coded {
    Coded {
        id,
        code,
        display,
        onset,
    }
}

const WEIGHT: (&str, &str, &str) = ("29463-7", "Body weight", "kg");
const HEIGHT: (&str, &str, &str) = ("8302-2", "Body height", "cm");
const PULSE: (&str, &str, &str) = ("8867-4", "Heart rate", "/min");
const TEMPERATURE: (&str, &str, &str) = ("8310-5", "Body temperature", "Cel");

const fn observation(
    id: &'static str,
    kind: (&'static str, &'static str, &'static str),
    hundredths: u32,
    at: &'static str,
) -> Observation {
    Observation {
        id,
        code: kind.0,
        display: kind.1,
        hundredths,
        unit: kind.2,
        at,
    }
}

const RILEY_ENCOUNTERS: [Encounter; 2] = [
    encounter(
        "e-1",
        "AMB",
        "in-progress",
        "2026-01-05T09:00:00Z",
        "Well child visit",
    ),
    encounter("e-2", "AMB", "finished", "2025-01-07T09:30:00Z", "Cough"),
];
const RILEY_CONDITIONS: [Coded; 2] = [
    condition("c-1", "195967001", "Asthma", "2021-03-02"),
    condition("c-2", "91935009", "Allergy to peanut", "2018-06-11"),
];
const RILEY_OBSERVATIONS: [Observation; 4] = [
    observation("o-1", HEIGHT, 13_800, "2026-01-05T09:05:00Z"),
    observation("o-2", WEIGHT, 3_240, "2026-01-05T09:06:00Z"),
    observation("o-3", HEIGHT, 13_250, "2025-01-07T09:35:00Z"),
    observation("o-4", WEIGHT, 2_910, "2025-01-07T09:36:00Z"),
];

const MORGAN_ENCOUNTERS: [Encounter; 2] = [
    encounter(
        "e-3",
        "EMER",
        "in-progress",
        "2026-01-06T22:10:00Z",
        "Sprained ankle",
    ),
    encounter(
        "e-4",
        "AMB",
        "finished",
        "2025-08-19T14:00:00Z",
        "Annual check",
    ),
];
const MORGAN_CONDITIONS: [Coded; 1] = [condition(
    "c-3",
    "38341003",
    "Hypertensive disorder",
    "2019-10-01",
)];
const MORGAN_OBSERVATIONS: [Observation; 2] = [
    observation("o-5", PULSE, 8_800, "2026-01-06T22:15:00Z"),
    observation("o-6", WEIGHT, 7_130, "2025-08-19T14:05:00Z"),
];

const QUINN_ENCOUNTERS: [Encounter; 1] = [encounter(
    "e-5",
    "IMP",
    "in-progress",
    "2026-01-02T07:45:00Z",
    "Elective surgery",
)];
const QUINN_CONDITIONS: [Coded; 2] = [
    condition("c-4", "44054006", "Type 2 diabetes mellitus", "2008-05-20"),
    condition("c-5", "396275006", "Osteoarthritis", "2017-01-15"),
];
const QUINN_OBSERVATIONS: [Observation; 3] = [
    observation("o-7", TEMPERATURE, 3_720, "2026-01-03T06:00:00Z"),
    observation("o-8", TEMPERATURE, 3_680, "2026-01-04T06:00:00Z"),
    observation("o-9", PULSE, 6_400, "2026-01-04T06:01:00Z"),
];

const ZOE_ENCOUNTERS: [Encounter; 1] = [encounter(
    "e-6",
    "HH",
    "planned",
    "2026-02-01T10:00:00Z",
    "Wound care",
)];
const ZOE_CONDITIONS: [Coded; 1] = [condition(
    "c-6",
    "49436004",
    "Atrial fibrillation",
    "2012-09-30",
)];
const ZOE_OBSERVATIONS: [Observation; 1] =
    [observation("o-10", PULSE, 9_200, "2025-12-20T10:20:00Z")];
