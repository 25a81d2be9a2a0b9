//! Apps use the tokens that they are given, each of them.

use super::app::{self, Kind};
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let kinds = [
        &[Kind::Alp, Kind::Alcs][..],
        &Kind::ALCA,
        &Kind::BSCA,
    ];
    app::each(case, &kinds.concat(), client::token_use).await
}
