//! What a service gets has its members.

use super::Case;
use super::service::{Request, SCOPE};
use super::tester::{Tester, scopes};
use super::body;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let answer = Request::new(&tester, "ES384").await?.send(&tester).await?;
    let tokens = answer.is(&[200, 201])?.json()?;
    body::is_sound(&tester, &tokens)?;
    let granted = scopes(&tokens)?;
    check(granted == [SCOPE], format!("scope is {granted:?}"))
}
