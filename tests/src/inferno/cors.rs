//! What the browser asks before a script sees an answer.

use super::http::Answer;
use super::tester::ORIGIN;
use crate::named::{Handled, check};

/// Scripts of the app's origin see this.
pub(super) fn allows(answer: &Answer) -> Handled {
    let allowed = answer.header("access-control-allow-origin");
    let allowed = allowed.ok_or("no Access-Control-Allow-Origin")?;
    let is_open = allowed == "*" || allowed == ORIGIN;
    check(is_open, format!("only {allowed} may see it"))
}
