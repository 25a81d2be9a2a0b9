//! An app with a secret goes the whole way, with a server that is as odd as Inferno's too.

use super::app::{self, Kind};
use super::Case;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    app::each(case, &[Kind::Alcs], |_| Ok(())).await
}
