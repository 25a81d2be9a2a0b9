//! A code that there is not brings nothing, and neither does a code of another app.

use super::Case;
use super::tester::{CALLBACK, in_each_way};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let back = tester.authorize().await?;
        let form = |code| {
            [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", &back.verifier),
            ]
        };
        tester.ask(&form("BAD_CODE")).await?.is(&[400])?;
        let good = form(back.code()?);
        tester.ask_as("BAD_CLIENT_ID", &good).await?.is(&[400, 401])?;
        // Neither has used the code up.
        tester.ask(&good).await?.is(&[200]).map(drop)
    })
    .await
}
