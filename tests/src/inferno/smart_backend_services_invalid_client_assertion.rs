//! A service whose assertion is said to be something else is refused.

use super::Case;
use super::service::Request;
use super::tester::Tester;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let mut request = Request::new(&tester, "RS384").await?;
    request.assertion_type = "not_an_assertion_type";
    request.send(&tester).await?.is(&[400, 401]).map(drop)
}
