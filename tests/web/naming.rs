//! Which session a request means, and that no other one answers it.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{Request, StatusCode};
use serde_json::Value;
use smart_axum::{BrowserSession, SmartAxum, WebSettings};
use tower::Layer;

use super::rig::{World, tag_of, told};
use crate::browser::Browser;

const NOBODYS: &str = "AAAAAAAAAAAAAAAA";
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn patient(session: BrowserSession) -> String {
    let patient = session.launch().context().patient.clone();
    patient.unwrap_or_default()
}

async fn visitor(session: Option<BrowserSession>) -> String {
    match session {
        Some(session) => patient(session).await,
        None => "nobody".to_owned(),
    }
}

/// The status, and the code for scripts; the body where there is none.
async fn asked(
    browser: &mut Browser,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in [("accept", "application/json")].iter().chain(headers) {
        request = request.header(*name, *value);
    }
    let answer = browser.send(request.body(Body::empty()).unwrap()).await;
    let body = serde_json::from_str::<Value>(&answer.body);
    let code = body.map(|it| it["code"].as_str().unwrap_or_default().to_owned());
    (answer.status, code.unwrap_or(answer.body))
}

#[tokio::test]
async fn a_path_that_cannot_be_read_is_no_path_without_a_tag() {
    async fn of_layer(axum::Extension(session): axum::Extension<BrowserSession>) -> String {
        patient(session).await
    }
    let settings = WebSettings::new("https://charts.example").unwrap();
    let pages = Router::<SmartAxum>::new()
        .route("/s/{tag}/doc/{name}", get(patient))
        .route("/s/{tag}/open/{name}", get(visitor));
    let world = World::with("https://charts.example", settings, pages, 99).await;
    let layered: Router<()> = Router::new()
        .route("/s/{tag}/in/{name}", get(of_layer))
        .layer(world.app.session_layer());
    let mut browser = Browser::new(world.router.clone().merge(layered));
    let page = world.sign_in(&mut browser, "patient-b").await;
    let own = tag_of(&page);
    for kind in ["doc", "open", "in"] {
        let fine = format!("/s/{}/{kind}/%C3%A9", own.as_str());
        let found = asked(&mut browser, "GET", &fine, &[]).await;
        assert_eq!(found, (StatusCode::OK, "patient-b".to_owned()));
        for tag in [NOBODYS, own.as_str()] {
            let path = format!("/s/{tag}/{kind}/%FF");
            let (status, code) = asked(&mut browser, "GET", &path, &[]).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
            assert_eq!(code, "web-unclear-tag", "{path}");
        }
    }
}

#[tokio::test]
async fn a_layer_that_has_not_seen_the_tag_gives_no_other_session() {
    let world = World::new().await;
    let inner = || {
        let pages = Router::<SmartAxum>::new()
            .route("/chart/{tag}/x", get(patient))
            .route("/chart/{tag}/v", get(visitor));
        pages.with_state(world.app.clone())
    };
    let layer = || world.app.session_layer();
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-b").await;
    let own = tag_of(&page);
    let around: Router<()> = Router::new().fallback_service(layer().layer(inner()));
    let nested: Router<()> = Router::new().nest_service("/in", inner()).layer(layer());
    let fallback: Router<()> = Router::new().fallback_service(inner()).layer(layer());
    let right: Router<()> = Router::new().nest_service("/in", inner().layer(layer()));
    for (router, before, refused) in [
        (around, "", (StatusCode::BAD_REQUEST, "web-unclear-tag")),
        (nested, "/in", (StatusCode::BAD_REQUEST, "web-unclear-tag")),
        (fallback, "", (StatusCode::BAD_REQUEST, "web-unclear-tag")),
        (
            right,
            "/in",
            (StatusCode::UNAUTHORIZED, "web-not-signed-in"),
        ),
    ] {
        let mut there = Browser::new(router);
        there.cookies = browser.cookies.clone();
        for kind in ["x", "v"] {
            let path = format!("{before}/chart/{}/{kind}", own.as_str());
            let found = asked(&mut there, "GET", &path, &[]).await;
            assert_eq!(found, (StatusCode::OK, "patient-b".to_owned()));
            let path = format!("{before}/chart/{NOBODYS}/{kind}");
            let (status, code) = asked(&mut there, "GET", &path, &[]).await;
            assert_eq!((status, code.as_str()), refused, "{path}");
        }
    }
}

#[tokio::test]
async fn what_changes_something_names_its_launch_or_brings_a_token_that_does() {
    let world = World::new().await;
    let mut browser = world.browser();
    let first = world.sign_in(&mut browser, "patient-a").await;
    let of_first = told(&browser.get(&first).await)[2].clone();
    let refused = |code: &str| (StatusCode::BAD_REQUEST, code.to_owned());
    // Even with one session: the page may be that of another one, which has ended.
    let found = asked(&mut browser, "PUT", "/touch", &[OURS]).await;
    assert_eq!(found, refused("web-tag-missing"));
    let token = [OURS, ("x-csrf-token", of_first.as_str())];
    let done = |patient: &str| (StatusCode::OK, patient.to_owned());
    let found = asked(&mut browser, "PUT", "/touch", &token).await;
    assert_eq!(found, done("patient-a"));
    // What only reads, and what names its launch, goes on as it is.
    assert_eq!(browser.get("/touch").await.body, "patient-a");
    let named = format!("{first}touch");
    let found = asked(&mut browser, "POST", &named, &[OURS]).await;
    assert_eq!(found, done("patient-a"));

    let second = world.sign_in(&mut browser, "patient-b").await;
    let of_second = told(&browser.get(&second).await)[2].clone();
    for (token, patient) in [(&of_first, "patient-a"), (&of_second, "patient-b")] {
        let headers = [OURS, ("x-csrf-token", token.as_str())];
        let found = asked(&mut browser, "PUT", "/touch", &headers).await;
        assert_eq!(found, done(patient));
    }
    let several = asked(&mut browser, "PUT", "/touch", &[OURS]).await;
    assert_eq!(several.0, StatusCode::CONFLICT);
    // The name is no secret and opens nothing.
    let (tag, _) = of_first.split_once('.').unwrap();
    let (_, rest) = of_second.split_once('.').unwrap();
    let mixed = format!("{tag}.{rest}");
    for wrong in ["x", "", tag, mixed.as_str()] {
        let headers = [OURS, ("x-csrf-token", wrong)];
        let (status, _) = asked(&mut browser, "PUT", "/touch", &headers).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{wrong}");
    }
    // The page of a session that is gone is not answered with what is left.
    browser.cookies.retain(|it| !it.0.contains(tag));
    let found = asked(&mut browser, "PUT", "/touch", &token).await;
    assert_eq!(found.0, StatusCode::UNAUTHORIZED, "{found:?}");
    let found = asked(&mut browser, "PUT", "/touch", &[OURS]).await;
    assert_eq!(found, refused("web-tag-missing"));
}

#[tokio::test]
async fn the_handshake_of_a_websocket_needs_the_word_of_the_browser() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let socket = ("upgrade", "websocket");
    let evil = ("origin", "https://evil.example");
    for (headers, status) in [
        (&[socket][..], StatusCode::FORBIDDEN),
        (&[("upgrade", "h2c, WebSocket/13")], StatusCode::FORBIDDEN),
        (&[socket, evil], StatusCode::FORBIDDEN),
        (&[socket, ("origin", "null")], StatusCode::FORBIDDEN),
        (
            &[socket, ("origin", "https://charts.example")],
            StatusCode::OK,
        ),
        (&[socket, OURS], StatusCode::OK),
        // What is none goes on as a GET does.
        (&[("upgrade", "h2c")], StatusCode::OK),
        (&[evil], StatusCode::OK),
    ] {
        let found = asked(&mut browser, "GET", &page, headers).await;
        assert_eq!(found.0, status, "{headers:?} {found:?}");
    }
    // Over HTTP/2 it is a CONNECT.
    let (status, _) = asked(&mut browser, "CONNECT", &page, &[]).await;
    assert!(status.is_client_error(), "{status}");
    let found = asked(&mut browser, "GET", "/touch", &[socket, OURS]).await;
    assert_eq!(found.1, "web-tag-missing");
}
