//! The consent page.

use core::time::Duration;
use std::sync::Arc;

use super::flow::{NOW, STATE, authorize, builder, exchange, redeem, request, with};
use super::http::{Answer, get, post_form};
use crate::{ClientRegistration, FixedClock, RedirectRule, Sandbox};

async fn asking() -> (Sandbox, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    let builder = builder().auto_approve(false).clock(clock.clone());
    (builder.start().await.unwrap(), clock)
}

fn request_id(page: &Answer) -> String {
    assert_eq!(page.status, 200);
    let (_, rest) = page
        .body
        .split_once("name=\"request_id\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn decide(sandbox: &Sandbox, request_id: &str, decision: &str) -> Answer {
    let url = format!("{}/authorize/decision", sandbox.issuer());
    post_form(
        &url,
        &format!("request_id={request_id}&decision={decision}"),
    )
    .await
}

#[tokio::test]
async fn the_code_comes_when_the_user_approves_and_once() {
    let (sandbox, _) = asking().await;
    let page = authorize(&sandbox, &request(&sandbox)).await;
    assert_eq!(page.header("location"), None);
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(page.body.contains("Approve") && page.body.contains("Deny"));
    let id = request_id(&page);
    let answer = decide(&sandbox, &id, "approve").await;
    assert_eq!(answer.status, 303);
    let (_, parameters) = answer.redirect();
    assert_eq!(parameters["state"], STATE);
    let tokens = redeem(&sandbox, &exchange(&parameters["code"])).await;
    assert_eq!(tokens.status, 200);
    let again = decide(&sandbox, &id, "approve").await;
    assert_eq!((again.status, again.header("location")), (400, None));
}

// covers: SMART-AUT-22, ISSP-1
#[tokio::test]
async fn a_denial_reaches_the_app() {
    let (sandbox, _) = asking().await;
    let id = request_id(&authorize(&sandbox, &request(&sandbox)).await);
    let answer = decide(&sandbox, &id, "deny").await;
    assert_eq!(answer.status, 303);
    let (_, parameters) = answer.redirect();
    assert_eq!(parameters["error"], "access_denied");
    assert_eq!(parameters["state"], STATE);
    assert_eq!(parameters["iss"], sandbox.issuer());
    assert!(!parameters.contains_key("code"));
    assert_eq!(decide(&sandbox, &id, "approve").await.status, 400);
}

#[tokio::test]
async fn a_decision_without_a_live_page_is_refused() {
    let (sandbox, clock) = asking().await;
    let id = request_id(&authorize(&sandbox, &request(&sandbox)).await);
    for (id, decision) in [
        ("guess", "approve"),
        ("", "approve"),
        (&id, "maybe"),
        (&id, ""),
    ] {
        let answer = decide(&sandbox, id, decision).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
    let url = format!("{}/authorize/decision", sandbox.issuer());
    assert_eq!(get(&url).await.status, 405);
    clock.advance(Duration::from_secs(600));
    assert_eq!(decide(&sandbox, &id, "approve").await.status, 400);
}

// covers: OIDC-AUT-6
#[tokio::test]
async fn no_page_is_shown_to_an_app_that_forbids_one() {
    let (sandbox, _) = asking().await;
    let answer = authorize(&sandbox, &with(request(&sandbox), "prompt", "none")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.redirect().1["error"], "consent_required");
}

// covers: OAUTH-9
#[tokio::test]
async fn names_on_the_page_are_text() {
    let client_id = "<script>alert(1)</script>";
    let rule = RedirectRule::AnyLoopback {
        path: "/callback".into(),
    };
    let sandbox = builder()
        .auto_approve(false)
        .register_client(ClientRegistration::new(client_id, vec![rule]))
        .start()
        .await
        .unwrap();
    let page = authorize(&sandbox, &with(request(&sandbox), "client_id", client_id)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("&lt;script&gt;"));
    assert!(!page.body.contains("<script>"));
}
