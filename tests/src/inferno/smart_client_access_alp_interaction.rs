//! A public app goes the whole way, with a server that is as odd as Inferno's too; and where a nonce
//! was sent, it insists on it.

use super::app::{self, Kind};
use super::{Case, client};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    app::each(case, &[Kind::Alp], |_| Ok(())).await?;
    client::insists_on_nonce(case).await
}
