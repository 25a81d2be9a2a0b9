//! A refresh token that there is not brings nothing.

use super::Case;
use super::tester::in_each_way;
use crate::forge;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        for scope in [None, Some(tester.scopes())] {
            let answer = tester.refresh(&forge::random(), scope).await?;
            answer.is(&[400, 401])?;
        }
        Ok(())
    })
    .await
}
