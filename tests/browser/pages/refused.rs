//! Each page that a person meets when something fails: what it says, what to do, a reference, and no
//! secret.

use core::time::Duration;

use serde_json::json;
use smart_sandbox::{Fault, Sandbox, Times};

use crate::browser::Browser;
use crate::ehr;
use crate::launch;
use crate::looks;
use crate::served::Served;

/// What the person can do.
const ADVICE: [&str; 4] = [
    "help desk",
    "open the app again from",
    "Go back, load that page again",
    "Wait a minute",
];

/// The page says this, and all that such a page must say.
async fn check_refusal(browser: &Browser, heading: &str, name: &str) {
    browser.wait_for_heading(heading).await;
    let text = browser.text().await;
    assert!(ADVICE.iter().any(|it| text.contains(it)), "{name}: {text}");
    let (_, reference) = text.split_once("Reference: ").unwrap();
    let is_letter = |it: char| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '-';
    let reference = reference.trim();
    assert!(
        reference.len() == 11 && reference.chars().all(is_letter),
        "{name}: {reference}"
    );
    let source = browser.source().await;
    // Nothing that came in the address stands in the page.
    let said = browser
        .value("[...new URL(location).searchParams.values()]")
        .await;
    for value in said.as_array().unwrap() {
        let value = value.as_str().unwrap();
        assert!(
            value.len() < 8 || !source.contains(value),
            "{name}: {value}"
        );
    }
    for secret in ["eyJ", "Jordan", "Riley"] {
        assert!(!source.contains(secret), "{name}: {secret}: {source}");
    }
    // Whoever has to decide between two patients must see which.
    let is_choice = source.contains("Go on with the other patient");
    assert_eq!(source.contains("p-1"), is_choice, "{name}: {source}");
    looks::check_page(browser, &format!("refused-{name}")).await;
}

#[tokio::test]
async fn a_launch_that_fails_ends_on_a_page_for_people() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    for (fault, heading) in [
        ("wrong-signature", "You could not be identified"),
        (
            "launch-of-another-server",
            "The app is not set up for this system",
        ),
        ("callback-denied", "Access was not given"),
        ("token-invalid-grant", "You could not be signed in"),
        ("token-failing", "Please try again in a moment"),
        ("token-invalid-client", "The app cannot go on"),
    ] {
        let served = Served::start(&["--fault", fault]);
        launch::launch(&browser, &served.url()).await;
        check_refusal(&browser, heading, fault).await;
    }
}

#[tokio::test]
async fn what_the_person_or_the_browser_does_is_answered_by_a_page() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&["--ask"]);
    let url = served.url();
    // No is an answer.
    launch::launch(&browser, &url).await;
    browser.press("Deny").await;
    check_refusal(&browser, "Access was not given", "denied").await;
    // Another browser than the one that began; to the app it is one without the cookie.
    launch::launch(&browser, &url).await;
    browser.wait_for("button", "Approve").await;
    browser
        .command("Network.clearBrowserCookies", json!({}))
        .await;
    browser.press("Approve").await;
    check_refusal(&browser, "This sign-in is over", "other-browser").await;
    // Who it is was not to be told, so that there is nobody to sign in.
    launch::launch(&browser, &url).await;
    browser.find("#scope-0").await.click().await.unwrap();
    browser.press("Approve").await;
    check_refusal(&browser, "Access was not given", "no-user").await;

    let long = "x".repeat(9000);
    for (path, heading, name) in [
        (
            "launch?launch=abc".to_owned(),
            "Open the app from a patient's record",
            "launch-without-server",
        ),
        (
            "callback".to_owned(),
            "You could not be signed in",
            "callback-without-anything",
        ),
        (
            format!("callback?{long}"),
            "The address is too long",
            "long-address",
        ),
        (
            "s/A/".to_owned(),
            "The address is not complete",
            "unclear-tag",
        ),
    ] {
        browser.visit(&format!("{url}/{path}")).await;
        check_refusal(&browser, heading, name).await;
    }
    // What nothing is at has no reference: nothing has failed.
    browser.visit(&format!("{url}/nothing")).await;
    browser.wait_for_heading("There is no such page").await;
    looks::check_page(&browser, "not-found").await;

    // A form of a page that is out of date.
    launch::launch(&browser, &url).await;
    browser.press("Approve").await;
    launch::check_dashboard(&browser).await;
    browser
        .load("document.querySelector('form[action$=refresh] [name=csrf_token]').value = 'x'")
        .await;
    browser.press("Refresh the tokens").await;
    check_refusal(&browser, "Nothing was changed", "forged").await;

    for number in 0..6 {
        let cookie = format!("document.cookie = 'c{number}=' + 'x'.repeat(4000) + '; path=/'");
        browser.load(&cookie).await;
    }
    browser.visit(&format!("{url}/logout")).await;
    check_refusal(&browser, "Too many cookies", "many-cookies").await;
}

/// An EHR whose access tokens end at once, so that the first page has to refresh them.
async fn short_lived(fault: &str) -> Sandbox {
    let fault = Fault::named(fault).unwrap();
    let ehr = ehr::builder().token_lifetime(Duration::from_secs(1));
    let ehr = ehr.fault(fault, Times::UntilTakenBack);
    ehr.start().await.unwrap()
}

#[tokio::test]
async fn a_session_that_cannot_go_on_says_why() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    for (fault, heading) in [
        (
            "refresh-of-another-patient",
            "Another patient is open in the record",
        ),
        ("refresh-token-reused", "Your session has ended"),
        ("refresh-of-another-subject", "Your session has ended"),
        ("refresh-failing", "Please try again in a moment"),
    ] {
        let ehr = short_lived(fault).await;
        let served = Served::beside(&ehr);
        browser.visit(&ehr::launch(&ehr, &served, "p-1")).await;
        // The page counts down to the end of the token; on a slow machine it may be over before.
        browser.wait_for_either("//dd[.='ended']", "//footer").await;
        browser.reload().await;
        check_refusal(&browser, heading, fault).await;
    }
}

#[tokio::test]
async fn an_ehr_that_is_gone_is_no_fault_of_the_person() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let ehr = ehr::start().await;
    let served = Served::beside(&ehr);
    ehr.shutdown().await;
    browser.visit(&format!("{}/launch", served.url())).await;
    check_refusal(&browser, "Please try again in a moment", "ehr-gone").await;
}
