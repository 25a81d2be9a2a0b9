//! The EHR's own page, from which a user starts the app.

use super::http;
use super::tester::{CLIENT, LAUNCH, Tester};
use crate::named::check;

/// What the browser brings to the app's launch URL.
pub(super) async fn start(tester: &Tester) -> Result<Vec<(String, String)>, String> {
    let user = tester.ehr.users().swap_remove(0).reference();
    let patient = tester.open_patient();
    let form = [
        ("client_id", CLIENT),
        ("launch_url", LAUNCH),
        ("user", &user),
        ("patient", &patient),
    ];
    let url = format!("{}/launch", tester.ehr.base_url());
    let (target, parameters) = http::post(&url, &[], &form).await?.redirect()?;
    check(target == LAUNCH, format!("sent to {target}"))?;
    Ok(parameters)
}
