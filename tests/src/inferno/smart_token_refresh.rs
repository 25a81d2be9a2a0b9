//! A refresh is answered, with scopes and without.

use super::tester::in_each_way;
use super::{Case, refreshing};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, refreshing::is_answered).await
}
