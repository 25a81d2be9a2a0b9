//! A service that signs gets its token, with either algorithm.

use super::Case;
use super::service::Request;
use super::tester::Tester;
use crate::named::Handled;

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::any(case).await;
    for alg in ["RS384", "ES384"] {
        let request = Request::new(&tester, alg).await?;
        let answer = request.send(&tester).await?;
        answer.is(&[200, 201]).map_err(|it| format!("{alg}: {it}"))?;
    }
    Ok(())
}
