//! The challenge for a verifier: there is a code first.

use super::{Case, verifiers};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    verifiers::brings_code(case).await
}
