//! Scripts of any origin may read the CapabilityStatement.

use super::Case;
use super::cors::allows;
use super::http;
use super::tester::{ORIGIN, Tester};
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    let url = format!("{}/metadata", tester.base());
    let answer = http::send("GET", &url, &[("origin", ORIGIN)], "").await?;
    allows(answer.is(&[200])?)
}
