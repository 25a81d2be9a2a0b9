//! An app that began by itself refreshes without scopes.

use super::tester::Launcher;
use super::{Case, refreshing};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    refreshing::group(case, Launcher::Standalone, false).await
}
