//! An app that the EHR has started may ask for what one patient has.

use smart_sandbox::SmartVersion;

use super::Case;
use super::tester::{Launcher, in_each_way, scopes, text};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        if tester.launcher != Launcher::Ehr {
            return Ok(());
        }
        let scope = match tester.version {
            SmartVersion::V1_0 => "patient/Patient.read",
            _ => "patient/Patient.rs",
        };
        let asked = format!("launch openid fhirUser offline_access {scope}");
        let back = tester.authorize_by("GET", &[("scope", &asked)]).await?;
        let tokens = tester.exchange(&back).await?.is(&[200])?.json()?;
        check(scopes(&tokens)?.contains(&scope), format!("{scope} was not granted"))?;
        let patient = text(&tokens, "patient")?;
        let answer = tester.read(&format!("Patient/{patient}"), &tokens).await?;
        answer.is(&[200]).map(drop)
    })
    .await
}
