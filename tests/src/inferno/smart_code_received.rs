//! The browser brings a code, and no error.

use super::Case;
use super::tester::in_each_way;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        tester.authorize().await?.code().map(drop)
    })
    .await
}
