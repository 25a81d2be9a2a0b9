//! A code brings JSON with status 200, for apps that sign too, as in the version before; what their origin
//! brings them is looked at by `smart_cors_token_exchange`.

use super::Case;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let answer = tester.token_answer().await?;
        check(answer.is(&[200])?.json()?.is_object(), "it is no object")
    })
    .await
}
