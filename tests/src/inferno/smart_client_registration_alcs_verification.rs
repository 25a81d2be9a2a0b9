//! What an app with a secret says of itself when it is registered.

use super::app::Kind;
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let kinds: &[Kind] = &[Kind::Alcs];
    kinds.iter().try_for_each(|it| client::registration(case, *it))
}
