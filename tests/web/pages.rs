//! What pages say, and what they do not.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use smart_axum::web::ReportsFor;
use smart_sandbox::{Fault, SandboxUser, Times, UserType};

use super::rig::{World, tag_of};

const HOSTILE: &str = "\"><script>alert(1)</script><a href='javascript:x'>&quot;";

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn text_from_outside_is_never_markup() {
    let user = SandboxUser::new(UserType::Practitioner, "p-1", "sub-1", HOSTILE);
    let world = World::of_user(user).await;
    let hostile = encoded(HOSTILE);
    let mut browser = world.browser();
    let _ = world.sign_in(&mut browser, "patient-a").await;
    let _ = world.sign_in(&mut browser, "patient-b").await;
    let callback = world.callback_path(&mut browser, "patient-a").await;
    let mut parts = callback.split(['?', '&']);
    let state = parts.find(|it| it.starts_with("state=")).unwrap();
    let issuer = encoded(&world.ehr.issuer());
    let denied =
        format!("/callback?{state}&iss={issuer}&error={hostile}&error_description={hostile}");
    for (path, status, shows_name) in [
        (
            format!("/launch?iss={hostile}&launch={hostile}"),
            400,
            false,
        ),
        (
            format!("/callback?state={hostile}&code={hostile}"),
            400,
            false,
        ),
        (denied, 400, false),
        (format!("/logout?tag={hostile}"), 200, false),
        (format!("/s/{hostile}/"), 400, false),
        // The person's own name is shown, as text.
        ("/logout".to_owned(), 200, true),
        ("/touch".to_owned(), 409, true),
    ] {
        let answer = browser.get(&path).await;
        assert_eq!(answer.status, status, "{path}");
        let body = answer.body.as_str();
        assert!(
            !body.contains("<script") && !body.contains("<a href='"),
            "{path} {body}"
        );
        assert_eq!(body.contains("alert(1)"), shows_name, "{path} {body}");
        assert!(!shows_name || body.contains("script&"), "{path} {body}");
    }
}

#[tokio::test]
async fn an_error_page_holds_no_secret_and_says_what_to_do() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let callback = world.callback_path(&mut browser, "patient-b").await;
    let secrets: Vec<String> = browser
        .values()
        .into_values()
        .chain(world.wire.tokens())
        .collect();
    let query = callback.split_once('?').unwrap().1.to_owned();
    let given: Vec<String> = query
        .split(['&', '='])
        .filter(|it| it.len() >= 20 && !it.starts_with("http"))
        .map(str::to_owned)
        .collect();
    assert!(secrets.len() >= 5 && given.len() >= 2, "a code and a state");
    let mut answers = vec![
        world.browser().get(&callback).await,
        world.browser().get(&page).await,
        browser.get(&format!("/s/{}/", "A".repeat(16))).await,
        browser
            .get("/launch?iss=x&launch=secret-handle-of-the-ehr")
            .await,
        browser
            .post(&format!("{page}note"), &[("csrf_token", "x")])
            .await,
    ];
    world.wire.set_down(true);
    answers.push(browser.get(&callback).await);
    world.clock.advance(Duration::from_secs(3_700));
    answers.push(browser.get(&page).await);
    for answer in answers {
        assert!(answer.status.is_client_error() || answer.status.is_server_error());
        for secret in secrets.iter().chain(&given) {
            assert!(!answer.body.contains(secret), "{}", answer.body);
        }
        assert!(!answer.body.contains("secret-handle"));
        let reference = answer.reference();
        assert_eq!(reference.len(), 11, "{reference}");
        assert!(answer.body.contains("Help desk: 4711"));
        for part in [
            "<!doctype html>",
            "<html lang=\"en\">",
            "<main>",
            "<header>",
            "<h1>",
            "name=\"viewport\"",
            "<title>",
        ] {
            assert!(answer.body.contains(part), "{part}");
        }
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn the_status_says_whose_fault_it_is() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    // The access token has ended, and nobody gives another: the session stays.
    world.wire.set_down(true);
    world.clock.advance(Duration::from_secs(3_700));
    for _ in 0..2 {
        let answer = browser.get(&page).await;
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            answer.body
        );
        let secs: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&secs), "{secs}");
        assert!(answer.body.contains("You are still signed in"));
    }
    world.wire.set_down(false);
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    // At the end of its life it is over, whatever could be refreshed.
    world.clock.advance(Duration::from_secs(12 * 3_600));
    let answer = browser.get(&page).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("Your session has ended"));
}

#[tokio::test]
async fn a_script_gets_no_page() {
    let world = World::new().await;
    let mut browser = world.browser();
    for (headers, is_json) in [
        (vec![("accept", "application/json")], true),
        (vec![("accept", "*/*"), ("sec-fetch-dest", "empty")], true),
        (vec![("accept", "text/html,application/json")], false),
        (vec![("accept", "*/*")], false),
        (vec![], false),
    ] {
        let mut request = Request::get("/touch");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let body = serde_json::from_str::<serde_json::Value>(&answer.body);
        assert_eq!(body.is_ok(), is_json, "{headers:?}");
        if let Ok(body) = body {
            assert_eq!(answer.header("content-type"), "application/problem+json");
            assert_eq!(body["code"], "web-not-signed-in");
            assert_eq!(body["status"], 401);
            assert_eq!(body["reference"].as_str().unwrap().len(), 11);
        }
    }
}

#[tokio::test]
async fn the_profile_is_read_once_in_ten_minutes_and_is_that_of_the_session() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let reads = || {
        world
            .wire
            .urls()
            .iter()
            .filter(|it| it.contains("/Practitioner/"))
            .count()
    };
    for _ in 0..3 {
        assert!(
            browser
                .get(&page)
                .await
                .body
                .starts_with("Dr. Jordan Smith, MD|")
        );
    }
    assert_eq!(reads(), 1);
    world.clock.advance(Duration::from_secs(600));
    let _ = browser.get(&page).await;
    assert_eq!(reads(), 2);
    let other = world.sign_in(&mut browser, "patient-b").await;
    let _ = browser.get(&other).await;
    assert_eq!(reads(), 3);
    assert_ne!(tag_of(&page), tag_of(&other));
}

#[tokio::test]
async fn how_each_check_went_is_on_the_page_only_where_the_settings_say_so() {
    for readers in [ReportsFor::Operators, ReportsFor::Everybody] {
        let world = World::reporting(readers).await;
        let fault = Fault::named("wrong-audience").unwrap();
        world.ehr.play(fault, Times::UntilTakenBack).unwrap();
        let mut browser = world.browser();
        let callback = world.callback_path(&mut browser, "patient-a").await;
        let answer = browser.get(&callback).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.reference().len(), 11);
        let is_shown = readers == ReportsFor::Everybody;
        for part in [
            "What was checked",
            "aud names this app",
            "To do: check the client id",
        ] {
            assert_eq!(
                answer.body.contains(part),
                is_shown,
                "{part}: {}",
                answer.body
            );
        }
        for secret in world.wire.tokens() {
            assert!(!answer.body.contains(&secret), "{}", answer.body);
        }
        for person in ["Jordan", "Practitioner", "dr-smith", "patient-a"] {
            assert!(!answer.body.contains(person), "{person}: {}", answer.body);
        }
        // A launch that fails before there is a token has nothing to report.
        let answer = browser.get("/launch?iss=https://x.example&launch=x").await;
        assert!(!answer.body.contains("What was checked"));
    }
}
