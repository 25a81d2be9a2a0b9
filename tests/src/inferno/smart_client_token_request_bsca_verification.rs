//! The token requests of a backend service.

use super::app::{self, Kind};
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    app::each(case, &Kind::BSCA, client::token_requests).await
}
