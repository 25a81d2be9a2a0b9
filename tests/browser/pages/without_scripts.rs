//! A browser that runs no scripts, as some hospitals set theirs up: every page does its work.

use crate::browser::{Browser, Setup};
use crate::launch;
use crate::looks;
use crate::served::Served;

#[tokio::test]
async fn every_page_works_without_scripts() {
    let setup = Setup {
        has_no_scripts: true,
    };
    let Some(browser) = Browser::open_with(setup).await else {
        return;
    };
    let served = Served::start(&["--ask"]);
    // The browser is what it is said to be.
    let page = "data:text/html,<title>quiet</title><script>document.title='loud'</script>";
    browser.visit(page).await;
    assert_eq!(browser.title().await, "quiet");

    launch::launch(&browser, &served.url()).await;
    browser.press("Approve").await;
    launch::check_dashboard(&browser).await;
    launch::check_checks(&browser).await;
    looks::keep(&browser, "dashboard.without-scripts").await;
    browser.press("Refresh the tokens").await;
    browser.wait_for("p", "Try again in half a minute").await;
    browser.press("Sign out").await;
    browser.wait_for_heading("You are signed out").await;
    assert!(!browser.text().await.contains("Riley"));
}
