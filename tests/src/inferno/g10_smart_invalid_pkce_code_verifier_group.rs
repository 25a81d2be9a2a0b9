//! None of the wrong verifiers brings a token, and the right one does.

use super::tester::in_each_way;
use super::verifiers::{self, Verifier};
use super::Case;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        for verifier in Verifier::ALL {
            verifiers::refuses(tester, verifier).await?;
        }
        tester.tokens().await.map(drop)
    })
    .await
}
