//! When the record turns to another patient while the app is open.

use std::time::Duration;

use axum::body::Body;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Request, StatusCode};

use smart_axum::BrowserSession;

use super::rig::{World, tag_of, told};
use crate::browser::{Answer, Browser};

/// Lets the access token end, so that the next request refreshes.
async fn after_an_hour(world: &World, browser: &mut Browser, page: &str) -> Answer {
    world.clock.advance(Duration::from_secs(3_601));
    browser.get(page).await
}

async fn go_on(browser: &mut Browser, page: &str, shown: &Answer) -> Answer {
    let (token, seen) = (shown.field("csrf_token"), shown.field("seen"));
    let tag = tag_of(page);
    let fields = [
        ("tag", tag.as_str()),
        ("csrf_token", &token),
        ("seen", &seen),
    ];
    browser.post("/patient", &fields).await
}

#[tokio::test]
async fn the_person_decides_and_nothing_is_shown_before() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    for path in [page.as_str(), "/touch", "/"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert!(answer.body.contains("Another patient is open"));
    }
    let answer = browser.post(&format!("{page}touch"), &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    // Neither does a GET decide, nor a form without the token.
    assert_eq!(
        browser.get("/patient").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let seen = shown.field("seen");
    assert!(!seen.contains("patient"));
    let fields = [("tag", tag_of(&page).as_str().to_owned()), ("seen", seen)];
    let fields: Vec<_> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = browser.post("/patient", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(browser.get(&page).await.status, StatusCode::CONFLICT);

    let answer = go_on(&mut browser, &page, &shown).await;
    assert_eq!(answer.location(), page);
    assert_eq!(told(&browser.get(&page).await)[1], "patient-b");
    // Twice does no harm.
    assert_eq!(go_on(&mut browser, &page, &shown).await.location(), page);
}

#[tokio::test]
async fn whoever_agreed_to_one_patient_has_not_agreed_to_a_third() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    world.wire.turn_to("patient-c");
    let newer = after_an_hour(&world, &mut browser, &page).await;
    assert!(newer.body.contains("patient-c"), "{}", newer.body);
    let answer = go_on(&mut browser, &page, &shown).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("patient-c"));
    assert_eq!(browser.get(&page).await.status, StatusCode::CONFLICT);
    assert_eq!(go_on(&mut browser, &page, &newer).await.location(), page);
    assert_eq!(told(&browser.get(&page).await)[1], "patient-c");
}

#[tokio::test]
async fn who_does_not_go_on_can_sign_out() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    let token = shown.field("csrf_token");
    let fields = [
        ("tag", tag_of(&page).as_str().to_owned()),
        ("csrf_token", token),
    ];
    let fields: Vec<_> = fields.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let answer = browser.post("/logout", &fields).await;
    assert!(answer.body.contains("You are signed out"));
    assert!(world.store.is_empty());
}

#[tokio::test]
async fn what_a_window_still_shows_is_not_saved_for_the_patient_of_another_window() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let before = told(&browser.get(&page).await)[2].clone();
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    let _ = go_on(&mut browser, &page, &shown).await;
    let after = told(&browser.get(&page).await)[2].clone();
    // The other window has loaded nothing since.
    let (note, touch) = (format!("{page}note"), format!("{page}touch"));
    let fields = [("text", "allergic"), ("csrf_token", before.as_str())];
    let answer = browser.post(&note, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    assert!(answer.body.contains("out of date"));
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("x-csrf-token", before.as_str()),
    ];
    let answer = browser.post_with(&touch, &[], &headers).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let fields = [("text", "allergic"), ("csrf_token", after.as_str())];
    assert_eq!(
        browser.post(&note, &fields).await.body,
        "patient-b|allergic"
    );
}

#[tokio::test]
async fn a_page_that_says_whom_it_shows_gets_nothing_of_another_patient() {
    let header = || HeaderName::from_static("x-shown-patient");
    let world = World::at("https://charts.example", |it| {
        it.with_patient_in_header(header())
    });
    let world = world.await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let ask = |values: &[&'static str]| {
        let mut request = Request::get(&page).body(Body::empty()).unwrap();
        for value in values {
            let value = HeaderValue::from_static(value);
            request.headers_mut().append(header(), value);
        }
        request
    };
    let shown = browser.send(ask(&["patient-a"])).await;
    assert_eq!(told(&shown)[1], "patient-a");
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    let _ = go_on(&mut browser, &page, &shown).await;
    // The other window went on with the second patient; this one still shows the first.
    let answer = browser.send(ask(&["patient-a"])).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    assert!(answer.body.contains("Another patient is open"));
    assert_eq!(
        told(&browser.send(ask(&["patient-b"])).await)[1],
        "patient-b"
    );
    for unclear in [&[""][..], &["patient-b", "patient-b"]] {
        let answer = browser.send(ask(unclear)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{unclear:?}");
        assert!(answer.body.contains("does not say whose it is"));
    }
}

#[tokio::test]
async fn a_card_that_needs_a_new_token_is_read_for_the_same_patient() {
    for (turned_to, status) in [
        (None, StatusCode::OK),
        (Some("patient-b"), StatusCode::CONFLICT),
    ] {
        let world = World::new().await;
        let mut browser = world.browser();
        let page = world.sign_in(&mut browser, "patient-a").await;
        if let Some(patient) = turned_to {
            world.wire.turn_to(patient);
        }
        // A token that has only just come is not believed to be refused.
        world.clock.advance(Duration::from_secs(60));
        world.wire.refuse_reads(1);
        let answer = browser.get(&page).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        let asked = |what: &str| {
            let urls = world.wire.urls();
            urls.iter().filter(|it| it.contains(what)).count()
        };
        assert_eq!(asked("/token"), 2);
        let reads = if turned_to.is_none() { 2 } else { 1 };
        assert_eq!(asked("/Practitioner/"), reads);
    }
}

#[tokio::test]
async fn what_was_begun_for_one_patient_does_not_go_on_for_another_after_a_rejection() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let cookies = browser.cookies.iter();
    let cookies: Vec<_> = cookies.map(|it| format!("{}={}", it.0, it.1)).collect();
    let request = Request::get(&page).header(COOKIE, cookies.join("; "));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let tag = tag_of(&page);
    let of_page = world.app.session(&parts, Some(tag.as_str())).await.unwrap();
    // With the same patient it goes on, with another token.
    world.clock.advance(Duration::from_secs(60));
    let after = world.app.session_after_rejection(&parts, &of_page).await;
    let after = after.unwrap();
    let token = |it: &BrowserSession| it.launch().access_token().expose_secret().to_owned();
    assert_ne!(token(&after), token(&of_page));
    assert_eq!(after.csrf_token(), of_page.csrf_token());
    // Meanwhile another window turns to another patient, and goes on with that one.
    world.wire.turn_to("patient-b");
    let shown = after_an_hour(&world, &mut browser, &page).await;
    let _ = go_on(&mut browser, &page, &shown).await;
    assert_eq!(told(&browser.get(&page).await)[1], "patient-b");
    let refused = world.app.session_after_rejection(&parts, &after).await;
    assert_eq!(refused.unwrap_err().code(), "session-patient-changed");
}
