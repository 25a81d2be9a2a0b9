//! The button that refreshes the tokens, and the time that runs down until somebody presses it.

use core::time::Duration;

use serde_json::Value;

use crate::browser::Browser;
use crate::launch;
use crate::looks;
use crate::served::Served;

/// When the access token ends, in seconds.
async fn end(browser: &Browser) -> u64 {
    let end = browser
        .value("document.querySelector('[data-ends-at]').dataset.endsAt")
        .await;
    end.as_str().and_then(|it| it.parse().ok()).unwrap()
}

#[tokio::test]
async fn the_button_brings_new_tokens_and_says_so() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&[]);
    launch::launch(&browser, &served.url()).await;
    launch::check_dashboard(&browser).await;
    let first = end(&browser).await;
    // A token that has only just come is not asked for again, and the page says when it may be.
    browser.press("Refresh the tokens").await;
    browser.wait_for("p", "Try again in half a minute").await;
    assert_eq!(end(&browser).await, first);
    looks::check_page(&browser, "dashboard-rested").await;
    // The page counts by itself: half a minute of the hour of the token has gone.
    let later = "starts-with(., '58 min') or starts-with(., '57 min')";
    let seconds = "substring-before(substring-after(., '59 min '), ' s')";
    let half = format!("//dd[{later} or (starts-with(., '59 min ') and {seconds} < 30)]");
    browser.wait_until(Duration::from_secs(60), &half).await;
    browser.press("Refresh the tokens").await;
    browser.wait_for("p", "The tokens were refreshed.").await;
    assert!(end(&browser).await >= first + 30);
    launch::check_dashboard(&browser).await;
    looks::check_page(&browser, "dashboard-refreshed").await;
    let requests = browser
        .value("performance.getEntriesByType('resource').map((it) => it.name)")
        .await;
    let is_own = |it: &Value| it.as_str().is_some_and(|it| it.starts_with(&served.url()));
    assert!(
        requests.as_array().unwrap().iter().all(is_own),
        "{requests}"
    );
}
