//! The metadata of SMART 1.0 name both endpoints and the capabilities.

use super::Case;
use super::tester::{Tester, text, texts};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let configuration = Tester::any(case).await.configuration().await?;
    text(&configuration, "authorization_endpoint")?;
    text(&configuration, "token_endpoint")?;
    let capabilities = texts(&configuration, "capabilities")?;
    check(!capabilities.is_empty(), "it is capable of nothing")
}
