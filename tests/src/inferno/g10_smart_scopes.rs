//! Every scope that certification asks for is granted, type by type.

use smart_sandbox::SmartVersion;

use super::Case;
use super::tester::{Launcher, in_each_way, scopes};
use crate::named::{Handled, check};

/// What an app of a patient reads.
const TYPES: [&str; 13] = [
    "Patient",
    "AllergyIntolerance",
    "CarePlan",
    "CareTeam",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Goal",
    "Immunization",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "Provenance",
];

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let (level, first) = match tester.launcher {
            Launcher::Standalone => ("patient", "launch/patient"),
            Launcher::Ehr => ("user", "launch"),
        };
        let letters = match tester.version {
            SmartVersion::V1_0 => "read",
            _ => "rs",
        };
        let each = TYPES.map(|it| format!("{level}/{it}.{letters}"));
        let asked = format!("{first} openid fhirUser offline_access {}", each.join(" "));
        let back = tester.authorize_by("GET", &[("scope", &asked)]).await?;
        let tokens = tester.exchange(&back).await?.is(&[200])?.json()?;
        let granted = scopes(&tokens)?;
        asked.split(' ').try_for_each(|it| {
            check(granted.contains(&it), format!("{it} was not granted"))
        })
    })
    .await
}
