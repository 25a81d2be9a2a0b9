//! The metadata announce all that certification asks for.

use smart_sandbox::SmartVersion;

use super::Case;
use super::tester::{Tester, texts};
use crate::named::{Handled, check};

/// For patients who start the app, and for clinicians in whose EHR it is started.
const ALL: [&str; 12] = [
    "launch-standalone",
    "launch-ehr",
    "client-public",
    "client-confidential-symmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-banner",
    "context-style",
    "permission-offline",
    "permission-patient",
];

/// Of these SMART 1.0 knows nothing but the last.
const LATER: [&str; 5] = [
    "client-confidential-asymmetric",
    "authorize-post",
    "permission-v1",
    "permission-v2",
    "permission-user",
];

pub(super) async fn play(case: Case) -> Handled {
    let configuration = Tester::any(case).await.configuration().await?;
    let announced = texts(&configuration, "capabilities")?;
    let later = match case.version {
        SmartVersion::V1_0 => &LATER[4..],
        _ => &LATER[..],
    };
    ALL.iter().chain(later).try_for_each(|it| {
        check(announced.contains(it), format!("{it} is not announced"))
    })
}
