//! Scripts of a public app see the token response.

use super::Case;
use super::cors::allows;
use super::tester::{Kind, in_each_way};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        if tester.kind != Kind::Public {
            // An app with a credential has no business in a browser.
            return Ok(());
        }
        allows(tester.token_answer().await?.is(&[200])?)
    })
    .await
}
