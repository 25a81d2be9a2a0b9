//! The authorization requests of an app with a secret.

use super::app::{self, Kind};
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    app::each(case, &[Kind::Alcs], client::authorization_requests).await
}
