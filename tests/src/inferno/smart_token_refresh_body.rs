//! The answer to a refresh has what it must have, and no more scopes than were granted.

use super::tester::in_each_way;
use super::{Case, refreshing};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        for with_scopes in [false, true] {
            let (before, answer) = refreshing::refreshed(tester, with_scopes).await?;
            refreshing::is_sound(tester, &before, &answer)?;
        }
        Ok(())
    })
    .await
}
