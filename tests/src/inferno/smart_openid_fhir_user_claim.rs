//! `fhirUser` names a person whom the app can read.

use super::Case;
use super::fhir_user;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        let (kind, answer) = fhir_user::read(tester, &tokens).await?;
        let found = &answer.is(&[200])?.json()?["resourceType"];
        check(*found == kind, format!("{found} was read, not {kind}"))
    })
    .await
}
