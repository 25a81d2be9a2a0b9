//! The browser comes back to the app with its state; SMART 1.0 knows GET alone.

use super::Case;
use super::tester::in_each_way;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        tester.authorize_by("GET", &[]).await.map(drop)
    })
    .await
}
