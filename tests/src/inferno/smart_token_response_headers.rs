//! No cache keeps what the token endpoint says, at a launch or at a refresh.

use super::Case;
use super::http::Answer;
use super::tester::{in_each_way, text};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let answer = tester.token_answer().await?;
        is_kept_by_nobody(answer.is(&[200])?)?;
        let tokens = answer.json()?;
        let answer = tester.refresh(text(&tokens, "refresh_token")?, None).await?;
        is_kept_by_nobody(answer.is(&[200])?)
    })
    .await
}

pub(super) fn is_kept_by_nobody(answer: &Answer) -> Handled {
    let is_stored = !answer.lists("cache-control", "no-store");
    check(!is_stored, "Cache-Control has no no-store")?;
    check(answer.lists("pragma", "no-cache"), "Pragma has no no-cache")
}
