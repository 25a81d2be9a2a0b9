//! Requests that the person at the screen did not mean.

use axum::body::Body;
use http::{Request, StatusCode};

use super::rig::{World, tag_of, told};
use crate::browser::Browser;

const OURS: (&str, &str) = ("origin", "https://charts.example");

async fn signed_in(world: &World) -> (Browser, String, String) {
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let token = told(&browser.get(&page).await)[2].clone();
    (browser, page, token)
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_session() {
    let world = World::new().await;
    let (mut browser, page, token) = signed_in(&world).await;
    let (_, _, of_another) = signed_in(&world).await;
    let id = browser.cookies[0].1.clone();
    assert_ne!(token, id);
    let note = format!("{page}note");
    let tag = tag_of(&page);
    let of_sign_out = told(&browser.get(&page).await)[4].clone();
    assert_ne!(token, of_sign_out);
    for wrong in [
        "",
        "x",
        &of_another,
        &id,
        &token.to_lowercase(),
        &token[1..],
    ] {
        for headers in [&[][..], &[OURS, ("sec-fetch-site", "same-origin")][..]] {
            let fields = [("text", "hi"), ("csrf_token", wrong)];
            let answer = browser.post_with(&note, &fields, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
            let fields = [("tag", tag.as_str()), ("csrf_token", wrong)];
            let answer = browser.post_with("/logout", &fields, headers).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong}");
            assert!(answer.set_cookies().is_empty());
        }
    }
    for fields in [
        vec![("text", "hi")],
        vec![
            ("text", "hi"),
            ("csrf_token", &token),
            ("csrf_token", &token),
        ],
    ] {
        let answer = browser.post(&note, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    // Neither stands in for the other.
    let fields = [("text", "hi"), ("csrf_token", of_sign_out.as_str())];
    assert_eq!(
        browser.post(&note, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    let fields = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
    assert_eq!(
        browser.post("/logout", &fields).await.status,
        StatusCode::FORBIDDEN
    );
    // A field of the app's own that is missing is another thing.
    let answer = browser.post(&note, &[("csrf_token", &token)]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let fields = [("text", "hi"), ("csrf_token", token.as_str())];
    assert_eq!(browser.post(&note, &fields).await.body, "patient-a|hi");
    assert_eq!(
        browser.get(&page).await.status,
        StatusCode::OK,
        "still signed in"
    );
}

#[tokio::test]
async fn what_the_browser_says_of_the_sender_is_heeded() {
    let world = World::new().await;
    let (mut browser, page, token) = signed_in(&world).await;
    let note = format!("{page}note");
    let fields = [("text", "hi"), ("csrf_token", token.as_str())];
    for (headers, expected) in [
        (vec![], StatusCode::OK),
        // So it is under `Referrer-Policy: no-referrer`.
        (vec![("origin", "null")], StatusCode::OK),
        (
            vec![("origin", "null"), ("sec-fetch-site", "same-origin")],
            StatusCode::OK,
        ),
        (vec![OURS], StatusCode::OK),
        (vec![("sec-fetch-site", "none")], StatusCode::OK),
        (
            vec![("sec-fetch-site", "cross-site")],
            StatusCode::FORBIDDEN,
        ),
        (vec![("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (
            vec![
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("sec-fetch-site", "SAME-ORIGIN")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("origin", "https://evil.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("origin", "http://charts.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![("origin", "https://charts.example.evil.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![OURS, ("origin", "https://evil.example")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![OURS, ("sec-fetch-site", "cross-site")],
            StatusCode::FORBIDDEN,
        ),
    ] {
        let answer = browser.post_with(&note, &fields, &headers).await;
        assert_eq!(answer.status, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_handler_that_forgets_the_token_is_protected_too() {
    let world = World::new().await;
    let (mut browser, page, token) = signed_in(&world).await;
    let touch = format!("{page}touch");
    for (headers, expected) in [
        (vec![("sec-fetch-site", "same-origin")], StatusCode::OK),
        (vec![OURS], StatusCode::OK),
        (vec![("x-csrf-token", token.as_str())], StatusCode::OK),
        (vec![], StatusCode::FORBIDDEN),
        (vec![("origin", "null")], StatusCode::FORBIDDEN),
        (vec![("x-csrf-token", "x")], StatusCode::FORBIDDEN),
        (vec![OURS, ("x-csrf-token", "x")], StatusCode::FORBIDDEN),
        (vec![OURS, ("x-csrf-token", "")], StatusCode::FORBIDDEN),
        (
            vec![("x-csrf-token", token.as_str()), ("x-csrf-token", "x")],
            StatusCode::FORBIDDEN,
        ),
        (
            vec![
                ("x-csrf-token", token.as_str()),
                ("sec-fetch-site", "cross-site"),
            ],
            StatusCode::FORBIDDEN,
        ),
    ] {
        let answer = browser.post_with(&touch, &[], &headers).await;
        assert_eq!(answer.status, expected, "{headers:?}");
    }
    // Every method that may change something, and the layer as well as the extractor.
    let put = Request::put("/touch").body(Body::empty()).unwrap();
    assert_eq!(browser.send(put).await.status, StatusCode::FORBIDDEN);
    let layered: axum::Router<()> = axum::Router::new()
        .route("/s/{tag}/x", axum::routing::any(async || "done"))
        .layer(world.app.session_layer());
    let mut there = Browser::new(layered);
    there.cookies = browser.cookies.clone();
    let path = format!("{page}x");
    assert_eq!(there.get(&path).await.body, "done");
    for method in ["POST", "PUT", "PATCH", "DELETE", "QUERY"] {
        let request = Request::builder().method(method).uri(&path);
        let answer = there.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method}");
    }
}

#[tokio::test]
async fn a_form_that_is_none_changes_nothing() {
    let world = World::new().await;
    let (mut browser, page, _) = signed_in(&world).await;
    let token = told(&browser.get(&page).await)[4].clone();
    let tag = tag_of(&page);
    let good = format!("tag={}&csrf_token={token}", tag.as_str());
    for (content_type, body) in [
        ("text/plain", good.clone()),
        ("multipart/form-data; boundary=x", good.clone()),
        (
            "application/json",
            format!("{{\"tag\":\"{}\"}}", tag.as_str()),
        ),
        ("", good.clone()),
        ("application/x-www-form-urlencoded", String::new()),
        (
            "application/x-www-form-urlencoded",
            format!("{good}&tag={}", tag.as_str()),
        ),
        (
            "application/x-www-form-urlencoded",
            "tag=nonsense".to_owned(),
        ),
    ] {
        let mut request = Request::post("/logout");
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let answer = browser.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{content_type}");
    }
    let long = format!("{good}&x={}", "x".repeat(5_000));
    let request =
        Request::post("/logout").header("content-type", "application/x-www-form-urlencoded");
    let answer = browser.send(request.body(Body::from(long)).unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    let request = Request::post("/logout").header(
        "content-type",
        "application/x-www-form-urlencoded; charset=UTF-8",
    );
    let answer = browser.send(request.body(Body::from(good)).unwrap()).await;
    assert!(answer.body.contains("You are signed out"));
}
