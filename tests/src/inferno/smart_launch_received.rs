//! The EHR gives the app a launch, with which it comes to a code.

use super::http::one;
use super::tester::{Kind, Launcher, Tester, text};
use super::{Case, ehr};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::new(case, Launcher::Ehr, Kind::Public).await;
    let parameters = ehr::start(&tester).await?;
    let launch = one(&parameters, "launch")?;
    check(!launch.is_empty(), "launch is empty")?;
    let back = tester.authorize_by("GET", &[("launch", launch)]).await?;
    let tokens = tester.exchange(&back).await?.is(&[200])?.json()?;
    let patient = text(&tokens, "patient")?;
    check(patient == tester.open_patient(), format!("patient is {patient}"))
}
