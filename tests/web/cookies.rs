//! How cookies are written in each mode, and what comes of those that are not as we wrote them.

use http::StatusCode;
use smart_axum::{CookieMode, Embedding};

use super::rig::{World, tag_of};

const LAUNCH: &str = "Max-Age=600";
/// Until the browser is closed.
const SESSION: &str = "";

/// The cookies of a sign-in: the names without the tag, and the attributes in order.
async fn written(world: &World) -> Vec<(String, Vec<String>)> {
    let mut browser = world.browser();
    let answer = browser.get(&world.launch_path("patient-a")).await;
    let mut all = answer.set_cookies();
    let callback = world.authorize(answer.location()).await;
    let answer = browser.get(&callback).await;
    let page = answer
        .location()
        .strip_prefix(world.app.url().prefix())
        .unwrap()
        .to_owned();
    all.extend(answer.set_cookies());
    assert_eq!(
        all.len(),
        3,
        "one for the launch, one for the session, one taken away"
    );
    let split = |cookie: &String| {
        let mut parts = cookie.split("; ").map(str::to_owned);
        let name = parts.next().unwrap();
        let name = name
            .split('=')
            .next()
            .unwrap()
            .replace(tag_of(&page).as_str(), "TAG");
        let mut attributes: Vec<_> = parts.collect();
        attributes.sort();
        (name, attributes)
    };
    all.iter().map(split).collect()
}

fn attributes(more: &[&str], age: &str) -> Vec<String> {
    let mut all: Vec<_> = more
        .iter()
        .chain(&["HttpOnly", "Path=/", age])
        .filter(|it| !it.is_empty())
        .map(|it| (*it).to_owned())
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn each_mode_has_its_attributes() {
    let framed = Embedding::framed_by(["https://ehr.example"]).unwrap();
    for (url, mode, embedding, prefix, more) in [
        (
            "https://charts.example",
            CookieMode::HostPrefixed,
            Embedding::TopLevel,
            "__Host-",
            &["SameSite=Lax", "Secure"][..],
        ),
        (
            "https://charts.example/growth",
            CookieMode::HostPrefixed,
            framed,
            "__Host-",
            &["SameSite=None", "Secure", "Partitioned"][..],
        ),
        (
            "http://127.0.0.1:3000",
            CookieMode::HostPrefixed,
            Embedding::TopLevel,
            "__Host-",
            &["SameSite=Lax", "Secure"][..],
        ),
        (
            "http://127.0.0.1:3000",
            CookieMode::LoopbackDevelopment,
            Embedding::TopLevel,
            "",
            &["SameSite=Lax"][..],
        ),
    ] {
        let world = World::at(url, |it| it.with_cookies(mode).with_embedding(embedding)).await;
        let written = written(&world).await;
        let expected = [
            ("launch", LAUNCH),
            ("session", SESSION),
            ("launch", "Max-Age=0"),
        ];
        for ((name, found), (kind, age)) in written.iter().zip(expected) {
            assert_eq!(found, &attributes(more, age), "{url} {mode:?} {kind}");
            let rest = name.strip_prefix(&format!("{prefix}{kind}-TAG")).unwrap();
            // Cookies ignore ports, and these have the path of the host: the name says which app it is.
            assert!(rest.starts_with('.') && rest.len() == 9, "{name}");
        }
    }
}

#[tokio::test]
async fn two_apps_on_one_loopback_address_do_not_read_each_others_cookies() {
    let first = World::at("http://127.0.0.1:3001", |it| it).await;
    let second = World::at("http://127.0.0.1:3002", |it| it).await;
    let mut browser = first.browser();
    let page = first.sign_in(&mut browser, "patient-a").await;
    // The browser sends the same cookies to both.
    let mut there = second.browser();
    there.cookies = browser.cookies.clone();
    assert_eq!(there.get("/").await.body, "nobody");
    assert_eq!(there.get(&page).await.status, StatusCode::UNAUTHORIZED);
    let other = second.sign_in(&mut there, "patient-b").await;
    assert_eq!(there.get("/touch").await.body, "patient-b");
    browser.cookies = there.cookies.clone();
    assert_eq!(browser.get("/touch").await.body, "patient-a");
    assert_eq!(browser.get(&other).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_not_as_we_write_it_counts_as_nothing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let (name, value) = browser.cookies[0].clone();
    let bare = name.strip_prefix("__Host-").unwrap().to_owned();
    let cut = value[..42].to_owned();
    for cookies in [
        vec![(bare.clone(), value.clone())],
        vec![(format!("__Secure-{bare}"), value.clone())],
        vec![(name.to_uppercase(), value.clone())],
        vec![(name.clone(), cut.clone())],
        vec![(name.clone(), format!("{value}A"))],
        vec![(name.clone(), format!("\"{value}\""))],
        vec![(name.clone(), String::new())],
        // One of the two was not set by us, and nobody knows which.
        vec![
            (name.clone(), value.clone()),
            (name.clone(), "A".repeat(43)),
        ],
    ] {
        let mut other = world.browser();
        other.cookies = cookies.clone();
        let status = other.get(&page).await.status;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{cookies:?}");
    }
    // What others have set beside it does no harm.
    browser
        .cookies
        .insert(0, ("theme".to_owned(), "dark".to_owned()));
    browser.cookies.push((name, value));
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
}
