//! Cookies that others have set on the same host.

use axum::body::Body;
use http::header::COOKIE;
use http::{HeaderValue, Request, StatusCode};
use smart_sandbox::DEFAULT_CLIENT_ID;

use super::rig::World;
use crate::browser::Browser;

/// A request for this page, with these octets as its cookies.
async fn status(world: &World, page: &str, cookies: &[u8]) -> StatusCode {
    let mut request = Request::get(page).body(Body::empty()).unwrap();
    let cookies = HeaderValue::from_bytes(cookies).unwrap();
    request.headers_mut().insert(COOKIE, cookies);
    world.browser().send(request).await.status
}

#[tokio::test]
async fn a_cookie_that_is_no_ascii_hides_none_of_ours() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let (name, value) = browser.cookies[0].clone();
    let ours = format!("{name}={value}");
    for (before, after) in [
        ("displayname=José; ".as_bytes(), &b""[..]),
        (b"displayname=Jos\xe9; ", b""),
        (b"", b"; displayname=Jos\xe9"),
        (b"\xff\xfe; =; ;\t", b"\t;\xff=\xff"),
    ] {
        let cookies = [before, ours.as_bytes(), after].concat();
        assert_eq!(
            status(&world, &page, &cookies).await,
            StatusCode::OK,
            "{before:?}"
        );
    }
    // What only looks like one of ours when more than blanks is taken off is none, and harms none.
    for odd in ["\u{2000}", "\u{a0}", "\u{85}", "\u{feff}", "\u{3000}"] {
        let planted = format!("{odd}{name}={}", "A".repeat(43));
        let both = format!("{planted}; {ours}");
        assert_eq!(status(&world, &page, both.as_bytes()).await, StatusCode::OK);
        let alone = format!("{odd}{ours}");
        let found = status(&world, &page, alone.as_bytes()).await;
        assert_eq!(found, StatusCode::UNAUTHORIZED, "{odd:?}");
    }
}

#[tokio::test]
async fn two_apps_behind_two_prefixes_of_one_host_do_not_see_each_others_sessions() {
    let growth = World::at("https://charts.example/growth", |it| it).await;
    let labs = World::at("https://charts.example/labs", |it| it).await;
    let mut browser = growth.browser();
    let first = growth.sign_in(&mut browser, "patient-a").await;
    // The browser sends the same cookies to both, since all have the path of the host.
    let mut there = labs.browser();
    there.cookies = browser.cookies.clone();
    assert_eq!(there.get("/").await.body, "nobody");
    assert_eq!(there.get(&first).await.status, StatusCode::UNAUTHORIZED);
    let listed = there.get("/logout").await.body;
    assert!(listed.contains("You are not signed in"), "{listed}");
    let _ = labs.sign_in(&mut there, "patient-b").await;
    assert_eq!(there.get("/touch").await.body, "patient-b");
    let listed = there.get("/logout").await.body;
    assert!(listed.contains("patient-b") && !listed.contains("patient-a"));
    // Neither does one app make room for its own by ending the other's.
    for number in 0..17 {
        let _ = labs.sign_in(&mut there, &format!("patient-{number}")).await;
    }
    labs.app.drain().await;
    assert_eq!(labs.store.len(), 16);
    browser.cookies = there.cookies.clone();
    assert_eq!(browser.names().len(), 17);
    assert_eq!(browser.get(&first).await.status, StatusCode::OK);
}

#[tokio::test]
async fn two_apps_that_share_a_store_do_not_open_each_others_sessions() {
    let world = World::at("https://charts.example/growth", |it| it).await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let begun = world.callback_path(&mut browser, "patient-b").await;
    let other = world.sharing("https://charts.example/labs", DEFAULT_CLIENT_ID, &[]);
    let mut there = Browser::new(other);
    there.cookies = browser.cookies.clone();
    for path in [page.as_str(), "/touch"] {
        assert_eq!(there.get(path).await.status, StatusCode::UNAUTHORIZED);
    }
    assert!(there.get("/logout").await.body.contains("not signed in"));
    assert_eq!(there.get(&begun).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    assert_eq!(browser.get(&begun).await.status, StatusCode::SEE_OTHER);
}
