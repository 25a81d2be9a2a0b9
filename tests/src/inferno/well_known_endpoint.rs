//! The metadata are there, and are JSON.

use super::Case;
use super::http;
use super::tester::Tester;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let base = tester.base();
    let answer = http::get(&format!("{base}/.well-known/smart-configuration")).await?;
    let kind = answer.is(&[200])?.header("content-type");
    let kind = kind.unwrap_or_default();
    check(kind.starts_with("application/json"), format!("it is {kind}"))?;
    check(answer.json()?.is_object(), "it is no object")
}
