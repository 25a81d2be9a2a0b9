//! Another verifier: the browser comes back first.

use super::{Case, verifiers};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    verifiers::redirects(case).await
}
