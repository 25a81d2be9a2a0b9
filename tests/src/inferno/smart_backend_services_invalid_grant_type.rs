//! A service that asks for a grant that there is not is refused.

use super::Case;
use super::service::Request;
use super::tester::Tester;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let mut request = Request::new(&tester, "RS384").await?;
    request.grant_type = "not_a_grant_type";
    request.send(&tester).await?.is(&[400]).map(drop)
}
