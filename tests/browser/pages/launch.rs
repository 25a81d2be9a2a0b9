//! From the first page to the dashboard, with all that it shows.

use crate::browser::{Browser, Setup};
use crate::looks;
use crate::served::Served;

/// Launches from the first page, for the doctor and Riley.
pub(crate) async fn launch(browser: &Browser, url: &str) {
    browser.visit(&format!("{url}/")).await;
    browser.choose("user", "Practitioner/dr-smith").await;
    browser.choose("patient", "p-1").await;
    browser.press("Launch").await;
}

/// What the dashboard shows of the doctor and of Riley.
async fn check_dashboard(browser: &Browser) {
    browser.wait_for_heading("Dashboard").await;
    let text = browser.text().await;
    for part in [
        "Riley Example",
        "p-1",
        "Dr. Jordan Smith, MD",
        "1234567893",
        "Doctor of Medicine",
        "Practitioner/dr-smith",
        "patient/Patient.rs",
        "offline_access",
        "granted",
        "Access token",
        "Every check has passed.",
        "Sign out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// The panel has each check with its result and its clause.
async fn check_checks(browser: &Browser) {
    browser.press("Each check").await;
    browser.wait_for("tr", "the signature verifies").await;
    let text = browser.text().await;
    for part in [
        "the token has the compact form",
        "the algorithm is accepted",
        "the issuer has a key for the token",
        "iss is the trusted issuer",
        "aud names this app",
        "the token has not expired",
        "the token answers this request",
        "RFC 8725 3.1",
        "OpenID Connect Core 3.1.3.7 (2)",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.matches("passed\n").count() + text.matches("passed ").count() >= 18, true, "{text}");
}

#[tokio::test]
async fn two_clicks_and_a_consent_lead_to_the_dashboard() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&["--ask"]);
    let url = served.url();
    browser.visit(&format!("{url}/")).await;
    browser.wait_for_heading("Launch the dashboard").await;
    looks::check_page(&browser, "home").await;
    looks::check_keyboard(&browser, "home").await;
    launch(&browser, &url).await;
    browser.wait_for("button", "Approve").await;
    assert!(browser.url().await.starts_with(&served.ehr()));
    looks::check_page(&browser, "ehr-consent").await;
    looks::check_keyboard(&browser, "ehr-consent").await;
    browser.press("Approve").await;
    check_dashboard(&browser).await;
    assert!(browser.url().await.starts_with(&format!("{url}/s/")));
    looks::check_page(&browser, "dashboard").await;
    check_checks(&browser).await;
    looks::check_page(&browser, "dashboard-checks").await;
    looks::check_keyboard(&browser, "dashboard-checks").await;
}
