//! Scripts of the app may read the user.

use super::Case;
use super::cors::allows;
use super::fhir_user;
use super::tester::in_each_way;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        let (_, answer) = fhir_user::read(tester, &tokens).await?;
        allows(answer.is(&[200])?)
    })
    .await
}
