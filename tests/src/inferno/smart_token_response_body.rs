//! The token response has its members, and what was asked for.

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
        let expected = was_open && tester.version != smart_sandbox::SmartVersion::V1_0;
        check(has_context == expected, "fhirContext is not as the EHR has it")
    })
    .await
}
