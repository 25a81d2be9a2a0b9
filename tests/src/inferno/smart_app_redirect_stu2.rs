//! The browser comes back to the app with its state, whether it went there by GET or by POST.

use super::Case;
use super::tester::in_each_way;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        for method in ["GET", "POST"] {
            let back = tester.authorize_by(method, &[]).await;
            back.map_err(|it| format!("{method}: {it}"))?;
        }
        Ok(())
    })
    .await
}
