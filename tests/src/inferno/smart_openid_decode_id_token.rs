//! The ID token can be read.

use super::Case;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let id_token = tester.id_token().await?;
        check(id_token.claims.is_object(), "its claims are no object")
    })
    .await
}
