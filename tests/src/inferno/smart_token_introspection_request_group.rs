//! Introspection answers with JSON and status 200, of a good token and of none.

use super::tester::{in_each_way, text};
use super::{Case, introspecting};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let tokens = tester.tokens().await?;
        for token in [text(&tokens, "access_token")?, "invalid_token_value"] {
            for answer in introspecting::ask(tester, &tokens, token).await? {
                check(answer.is(&[200])?.json()?.is_object(), "it is no object")?;
            }
        }
        Ok(())
    })
    .await
}
