//! The token requests of a public app.

use super::app::{self, Kind};
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    app::each(case, &[Kind::Alp], client::token_requests).await
}
