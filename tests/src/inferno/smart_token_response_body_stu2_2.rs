//! The token response has its members, and an item of `fhirContext` is an object.

use super::tester::{Launcher, in_each_way};
use super::{Case, body};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        body::is_sound(tester, &tokens)?;
        body::has_all(tester, &tokens)?;
        let has_context = tokens.get("fhirContext").is_some();
        let was_open = tester.launcher == Launcher::Ehr;
        check(has_context == was_open, "fhirContext is not as the EHR has it")
    })
    .await
}
