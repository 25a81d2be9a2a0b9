//! The metadata of the issuer whom the ID token names are where they must be.

use super::Case;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let id_token = tester.id_token().await?;
        let answer = tester.openid_answer(&id_token).await?;
        let kind = answer.is(&[200])?.header("content-type");
        let kind = kind.unwrap_or_default();
        check(kind.starts_with("application/json"), format!("it is {kind}"))?;
        check(answer.json()?.is_object(), "it is no object")
    })
    .await
}
