//! The EHR starts the app at its launch URL, and says at which FHIR server it is.

use super::http::one;
use super::tester::{Kind, Launcher, Tester};
use super::{Case, ehr};
use crate::named::{Handled, check};

pub(super) async fn play(case: Case) -> Handled {
    let tester = Tester::new(case, Launcher::Ehr, Kind::Public).await;
    let parameters = ehr::start(&tester).await?;
    let iss = one(&parameters, "iss")?;
    check(iss == tester.base(), format!("iss is {iss}"))
}
