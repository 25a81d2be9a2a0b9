//! Forms beside what asks for the session before them, and answers that are not ours to begin with.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{Request, StatusCode};
use serde::Deserialize;
use smart_axum::{BrowserSession, CsrfForm, Profile, SmartAxum, WebSettings};

use super::rig::{World, told};
use crate::browser::{Answer, Browser};

#[derive(Deserialize)]
struct Note {
    text: String,
}

async fn beside(session: BrowserSession, form: CsrfForm<Note>) -> String {
    assert_eq!(session.tag(), form.session.tag());
    form.form.text
}

async fn beside_profile(
    Profile(_): Profile,
    _: Option<BrowserSession>,
    form: CsrfForm<Note>,
) -> String {
    form.form.text
}

async fn alone(session: BrowserSession) -> String {
    session.launch().context().patient.clone().unwrap()
}

async fn home(session: BrowserSession) -> String {
    format!("a|b|{}|d|e", session.csrf_token())
}

fn pages() -> Router<SmartAxum> {
    Router::new()
        .route("/s/{tag}/", get(home))
        .route("/s/{tag}/beside", post(beside))
        .route("/s/{tag}/profile", post(beside_profile))
        .route("/s/{tag}/alone", post(alone))
        .route("/beside", post(beside))
}

async fn world() -> World {
    let settings = WebSettings::new("https://charts.example").unwrap();
    World::with("https://charts.example", settings, pages(), 99).await
}

#[tokio::test]
async fn a_form_with_its_token_is_served_whatever_asks_for_the_session_first() {
    let world = world().await;
    let layered: Router<()> = pages()
        .layer(world.app.session_layer())
        .with_state(world.app.clone());
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let token = told(&browser.get(&page).await)[2].clone();
    let mut in_layer = Browser::new(layered);
    in_layer.cookies = browser.cookies.clone();
    // A browser that does not say who sent a form, and one that says so for our own pages.
    for headers in [&[][..], &[("origin", "null")]] {
        for there in [&mut browser, &mut in_layer] {
            for path in ["beside", "profile", "alone"] {
                let path = format!("{page}{path}");
                let good = [("text", "hi"), ("csrf_token", token.as_str())];
                let answer = there.post_with(&path, &good, headers).await;
                assert_eq!(answer.status, StatusCode::OK, "{path} {}", answer.body);
                let expected = if path.ends_with("alone") {
                    "patient-a"
                } else {
                    "hi"
                };
                assert_eq!(answer.body, expected);
                let bad = [("text", "hi"), ("csrf_token", "x")];
                let twice = [good[1], good[0], good[1]];
                for fields in [&bad[..], &good[..1], &twice] {
                    let answer = there.post_with(&path, fields, headers).await;
                    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {fields:?}");
                }
                let two = [headers, &[("x-csrf-token", "x")]].concat();
                let answer = there.post_with(&path, &good, &two).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
                let foreign = [headers, &[("sec-fetch-site", "cross-site")]].concat();
                let answer = there.post_with(&path, &good, &foreign).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            }
        }
    }
    // A form whose token was not looked at, as it is of another shape, is none that its page has sent for
    // this patient; a script says what it is.
    for (mode, expected) in [
        ("navigate", StatusCode::FORBIDDEN),
        ("cors", StatusCode::OK),
    ] {
        let request = Request::post(format!("{page}alone"))
            .header("content-type", "multipart/form-data; boundary=x")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", mode);
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, expected, "{mode}");
    }
    // Its token names the session where the path does not.
    let fields = [("text", "hi"), ("csrf_token", token.as_str())];
    assert_eq!(browser.post("/beside", &fields).await.body, "hi");
    // What is no form has its token in the header.
    let body = format!("text=hi&csrf_token={token}");
    for content_type in ["text/plain", "application/json", "multipart/form-data"] {
        let request = Request::post(format!("{page}alone")).header("content-type", content_type);
        let request = request.body(Body::from(body.clone())).unwrap();
        assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN);
    }
}

fn assert_protected(answer: &Answer, what: &str) {
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value, "{what}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{what}");
}

#[tokio::test]
async fn unknown_paths_are_answered_with_our_headers_wherever_the_app_is_mounted() {
    let world = world().await;
    let app = &world.app;
    let mounted = || app.mount(pages()).with_state::<()>(app.clone());
    let more = || Router::<()>::new().route("/more", get(async || "more"));
    for (router, path) in [
        (mounted(), "/nowhere"),
        (Router::new().nest("/growth", mounted()), "/growth/nowhere"),
        (mounted().merge(more()), "/nowhere"),
        (more().merge(mounted()), "/nowhere"),
        (world.router.clone(), "/nowhere"),
    ] {
        let mut browser = Browser::new(router);
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert_protected(&answer, path);
        assert!(answer.body.contains("There is no such page"));
        assert_eq!(answer.reference().len(), 11);
    }
    let own = pages().fallback(async || (StatusCode::NOT_FOUND, "my own"));
    let router = app.mount_with_fallback(own).with_state(app.clone());
    let answer = Browser::new(router).get("/nowhere").await;
    assert_protected(&answer, "my own");
    assert_eq!(answer.body, "my own");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_with_a_page() {
    let world = world().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let token = told(&browser.get(&page).await)[2].clone();
    let beside = format!("{page}beside");
    for (path, length) in [
        ("/logout", 5_000),
        ("/patient", 5_000),
        (beside.as_str(), 3 << 20),
    ] {
        let long = "x".repeat(length);
        let fields = [("text", long.as_str()), ("csrf_token", token.as_str())];
        let answer = browser.post(path, &fields).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.reference().len(), 11);
        assert_protected(&answer, path);
    }
    // One that is long for a look at its token is read as ever.
    let long = "x".repeat(100_000);
    let fields = [("text", long.as_str()), ("csrf_token", token.as_str())];
    assert_eq!(browser.post(&beside, &fields).await.body, long);
}
