//! Another verifier brings no token.

use super::verifiers::{self, Verifier};
use super::Case;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    verifiers::is_refused(case, Verifier::Bad).await
}
