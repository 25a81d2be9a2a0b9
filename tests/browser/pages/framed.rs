//! The app in the frame of an EHR, which is another site: its cookies must reach it there, and nobody
//! else may frame it.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::Html;
use axum::routing::get;
use smart_sandbox::Sandbox;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::browser::Browser;
use crate::ehr;
use crate::looks;
use crate::meddler::{self, Change, Meddler};
use crate::served::Served;

#[tokio::test]
async fn an_ehr_on_another_site_shows_the_app_in_its_frame() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let served = Served::start(&[]);
    browser.visit(&format!("{}/", served.url())).await;
    browser.press("From the launcher of the EHR").await;
    browser.wait_for("button", "Launch in a frame").await;
    assert!(browser.url().await.starts_with(&served.ehr()));
    looks::check_page(&browser, "ehr-launcher").await;
    looks::check_keyboard(&browser, "ehr-launcher").await;
    browser.choose("user", "Practitioner/dr-smith").await;
    browser.choose("patient", "p-1").await;
    browser.press("Launch in a frame").await;
    browser.enter_frame().await;
    browser.wait_for_heading("Dashboard").await;
    let place = browser.value("[top === window, location.hostname]").await;
    assert_eq!(place, serde_json::json!([false, "127.0.0.1"]));
    let text = browser.text().await;
    assert!(
        text.contains("Dr. Jordan Smith, MD") && text.contains("The EHR shows the patient itself"),
        "{text}"
    );
    // A click is a request too, and has the cookie.
    browser.press("Refresh the tokens").await;
    browser.wait_for("p", "Try again in half a minute").await;
    browser.leave_frame().await;
    looks::check_page(&browser, "ehr-frame").await;
    browser.enter_frame().await;
    browser.press("Sign out").await;
    browser.wait_for_heading("You are signed out").await;
}

/// Launches in a frame from the page of this EHR, and gives back what the frame shows.
async fn framed(browser: &Browser, ehr: &Sandbox, app: &Served) {
    browser
        .visit(&format!(
            "{}/?launch_url={}/launch",
            ehr.base_url(),
            app.url()
        ))
        .await;
    browser.choose("patient", "p-1").await;
    browser.press("Launch in a frame").await;
    browser.enter_frame().await;
}

/// Whoever writes cookies for the first party only, or for all sites alike, has an app that no EHR can
/// frame: the test above would not pass.
#[tokio::test]
async fn other_cookies_do_not_reach_a_frame_of_another_site() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let cases: [(Change, &str); 3] = [
        (meddler::nothing, "Dashboard"),
        (meddler::lax_cookies, "This sign-in is over"),
        (meddler::shared_cookies, "This sign-in is over"),
    ];
    for (change, heading) in cases {
        let ehr = ehr::start().await;
        let meddler = Meddler::before(&ehr, change).await;
        let served = meddler.app();
        framed(&browser, &ehr, served).await;
        browser.wait_for_heading(heading).await;
        let has_name = browser.text().await.contains("Jordan Smith");
        assert_eq!(has_name, heading == "Dashboard");
        browser.leave_frame().await;
    }
}

/// A page of somebody else, with whatever is asked for in a frame.
async fn stranger() -> (String, JoinHandle<()>) {
    async fn page(RawQuery(query): RawQuery) -> Html<String> {
        Html(format!(
            "<!doctype html><title>Stranger</title><iframe src=\"{}\"></iframe>",
            query.unwrap()
        ))
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/", get(page));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (format!("http://localhost:{port}"), task)
}

#[tokio::test]
async fn a_page_of_somebody_else_frames_nothing_of_the_app() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let (stranger, task) = stranger().await;
    let cases: [(Change, bool); 2] = [(meddler::nothing, true), (meddler::no_frame_rules, false)];
    for (change, is_refused) in cases {
        let ehr = ehr::start().await;
        let meddler = Meddler::before(&ehr, change).await;
        let served = meddler.app();
        let url = served.url();
        // The first page, one that says what went wrong, and one that nothing is at.
        for path in ["/", "/s/AAAAAAAAAAAAAAAAAAAAAA/", "/logout", "/nothing"] {
            browser.visit(&format!("{stranger}/?{url}{path}")).await;
            browser.enter_frame().await;
            assert_eq!(browser.is_refused().await.unwrap(), is_refused, "{path}");
            browser.leave_frame().await;
        }
    }
    task.abort();
}
