//! An app that was sent by another FHIR server comes to no code.

use super::Case;
use super::http::one;
use super::tester::in_each_way;
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    in_each_way(case, async |tester| {
        let aud = ("aud", "https://inferno.example/invalid_aud");
        for method in ["GET", "POST"] {
            let back = tester.authorize_by(method, &[aud]).await?;
            let code = one(&back.parameters, "code");
            check(code.is_err(), format!("{method} brought a code"))?;
            one(&back.parameters, "error")?;
        }
        Ok(())
    })
    .await
}
