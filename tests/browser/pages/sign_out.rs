//! Signing out, and the back button that whoever sits down next presses.

use crate::browser::Browser;
use crate::ehr;
use crate::launch;
use crate::looks;
use crate::meddler::{self, Meddler};
use crate::served::Served;

/// What nobody may read any more.
const PERSONAL: [&str; 4] = ["Riley", "Smith", "1234567893", "p-1"];

#[tokio::test]
async fn after_signing_out_the_back_button_shows_nothing() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&[]);
    launch::launch(&browser, &served.url()).await;
    launch::check_dashboard(&browser).await;
    let page = browser.url().await;
    browser.press("Sign out").await;
    browser.wait_for_heading("You are signed out").await;
    looks::check_page(&browser, "signed-out").await;
    let source = browser.source().await;
    assert!(PERSONAL.iter().all(|it| !source.contains(it)), "{source}");
    browser.back().await;
    browser.wait_for_heading("You are not signed in").await;
    assert_eq!(browser.url().await, page);
    let source = browser.source().await;
    assert!(PERSONAL.iter().all(|it| !source.contains(it)), "{source}");
    looks::check_page(&browser, "refused-not-signed-in").await;
    looks::check_keyboard(&browser, "refused-not-signed-in").await;
    browser.visit(&page).await;
    browser.wait_for_heading("You are not signed in").await;
    let cookies = browser
        .command("Network.getCookies", serde_json::json!({ "urls": [page] }))
        .await;
    assert_eq!(cookies["cookies"], serde_json::json!([]));
}

/// Without `no-store` the browser keeps the page: the test above would see it.
#[tokio::test]
async fn a_page_that_browsers_may_keep_is_there_again() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let ehr = ehr::start().await;
    let meddler = Meddler::before(&ehr, meddler::kept_pages).await;
    let served = meddler.app();
    browser.visit(&ehr::launch(&ehr, served, "p-1")).await;
    browser.wait_for_heading("Dashboard").await;
    browser.press("Sign out").await;
    browser.wait_for_heading("You are signed out").await;
    browser.back().await;
    browser.wait_for_heading("Dashboard").await;
    assert!(browser.text().await.contains("Riley Example"));
}

#[tokio::test]
async fn who_has_two_patients_open_chooses_which_to_leave() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&[]);
    launch::launch(&browser, &served.url()).await;
    launch::check_dashboard(&browser).await;
    let first = browser.url().await;
    browser.open_tab().await;
    browser.visit(&format!("{}/", served.url())).await;
    browser.choose("patient", "p-2").await;
    browser.press("Launch").await;
    browser.wait_for("strong", "Morgan Sample").await;
    let second = browser.url().await;
    assert_ne!(first, second);
    browser.visit(&format!("{}/logout", served.url())).await;
    browser.wait_for_heading("Sign out").await;
    looks::check_page(&browser, "sign-out-of-one").await;
    looks::check_keyboard(&browser, "sign-out-of-one").await;
    browser.press("Sign out").await;
    browser.wait_for_heading("You are signed out").await;
    browser.visit(&first).await;
    browser.wait_for_heading("You are not signed in").await;
    browser.visit(&second).await;
    browser.wait_for("strong", "Morgan Sample").await;
}
