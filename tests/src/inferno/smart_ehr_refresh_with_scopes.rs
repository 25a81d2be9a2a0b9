//! An app that the EHR has started refreshes with the scopes that were granted.

use super::tester::Launcher;
use super::{Case, refreshing};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    refreshing::group(case, Launcher::Ehr, true).await
}
