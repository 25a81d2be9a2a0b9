//! From the first page to the dashboard, with all that it shows.

use serde_json::json;

use crate::browser::Browser;
use crate::ehr;
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
pub(crate) async fn check_dashboard(browser: &Browser) {
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
pub(crate) async fn check_checks(browser: &Browser) {
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
    // Each is there with its result, and none of them is missing.
    let rows = browser.value(
        "[...document.querySelectorAll('details tbody tr')].map((it) => it.cells[1].textContent)",
    );
    let rows = rows.await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 18, "{text}");
    assert!(rows.iter().all(|it| it == "passed"), "{rows:?}");
}

/// The browser holds one cookie, which no script reads and no other site's frame shares.
async fn check_cookie(browser: &Browser) {
    let asked = json!({ "urls": [browser.url().await] });
    let cookies = browser.command("Network.getCookies", asked).await;
    let cookies = cookies["cookies"].as_array().unwrap();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let cookie = &cookies[0];
    assert!(
        cookie["name"]
            .as_str()
            .unwrap()
            .starts_with("__Host-session-"),
        "{cookie}"
    );
    for (name, expected) in [
        ("httpOnly", json!(true)),
        ("secure", json!(true)),
        ("path", json!("/")),
        ("sameSite", json!("None")),
        (
            "partitionKey",
            json!({ "topLevelSite": "http://127.0.0.1", "hasCrossSiteAncestor": false }),
        ),
    ] {
        assert_eq!(cookie[name], expected, "{cookie}");
    }
    assert_eq!(browser.value("document.cookie").await, "");
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
    check_cookie(&browser).await;
    looks::check_page(&browser, "dashboard").await;
    check_checks(&browser).await;
    looks::check_page(&browser, "dashboard-checks").await;
    looks::check_keyboard(&browser, "dashboard-checks").await;
}

#[tokio::test]
async fn a_card_has_the_role_and_the_page_of_a_real_ehr_a_button() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&[]);
    browser.visit(&format!("{}/", served.url())).await;
    let role = "PractitionerRole/dr-okafor-cardiology";
    browser.choose("user", role).await;
    browser.press("Launch").await;
    browser.wait_for_heading("Dashboard").await;
    let text = browser.text().await;
    for part in ["Chidi Okafor", "Role", "Cardiology"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    looks::check_page(&browser, "dashboard-role").await;

    let ehr = ehr::start().await;
    let served = Served::beside(&ehr);
    browser.visit(&format!("{}/", served.url())).await;
    browser.wait_for("a", "Sign in").await;
    looks::check_page(&browser, "home-of-a-real-ehr").await;
    browser.press("Sign in").await;
    browser.wait_for_heading("Dashboard").await;
    assert!(browser.text().await.contains("Dr. Jordan Smith, MD"));
}
