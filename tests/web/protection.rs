//! The headers of every kind of answer, the proxy in front, and requests that are too long.

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::get;
use http::{Request, StatusCode};
use smart_axum::web::AppUrl;
use smart_axum::{Embedding, SettingsError, SmartAxum, WebSettings};

use super::rig::{World, told};
use crate::browser::Browser;

/// One answer of each kind, by name.
async fn kinds(world: &World) -> Vec<(&'static str, crate::browser::Answer)> {
    let mut browser = world.browser();
    let launch = browser.get(&world.launch_path("patient-a")).await;
    let callback = world.authorize(launch.location()).await;
    let callback = browser.get(&callback).await;
    let page = callback.location().to_owned();
    vec![
        ("launch", launch),
        ("page", browser.get(&page).await),
        ("sign-out", browser.get("/logout").await),
        ("refused", browser.get("/callback?state=x").await),
        ("no session", world.browser().get(&page).await),
        ("not found", browser.get("/nowhere").await),
        ("no method", browser.post("/launch", &[]).await),
        ("ready", browser.get("/readyz").await),
        ("callback", callback),
    ]
}

#[tokio::test]
async fn every_answer_is_protected() {
    let framed = Embedding::framed_by(["https://ehr.example", "https://ehr.example:8443"]).unwrap();
    for (url, embedding, ancestors, deny) in [
        (
            "https://charts.example",
            Embedding::TopLevel,
            "frame-ancestors 'none'",
            "DENY",
        ),
        (
            "https://charts.example",
            framed,
            "frame-ancestors https://ehr.example https://ehr.example:8443",
            "",
        ),
        (
            "http://localhost:3000",
            Embedding::TopLevel,
            "frame-ancestors 'none'",
            "DENY",
        ),
    ] {
        let world = World::at(url, |it| it.with_embedding(embedding)).await;
        for (kind, answer) in kinds(&world).await {
            let policy = answer.header("content-security-policy");
            assert!(policy.ends_with(ancestors), "{kind} {policy}");
            assert!(
                policy.contains("default-src 'none'") || policy.contains("default-src 'self'"),
                "{kind}"
            );
            assert!(
                policy.contains("base-uri 'none'") && policy.contains("form-action 'self'"),
                "{kind}"
            );
            assert!(!policy.contains("unsafe"), "{kind}");
            assert_eq!(answer.header("x-frame-options"), deny, "{kind}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{kind}");
            assert_eq!(answer.header("cache-control"), "no-store", "{kind}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{kind}");
            let hsts = answer.header("strict-transport-security");
            assert_eq!(!hsts.is_empty(), url.starts_with("https"), "{kind}");
        }
    }
}

#[tokio::test]
async fn an_app_may_be_stricter_and_still_does_not_choose_its_frames() {
    async fn own() -> impl IntoResponse {
        let headers = [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors *",
            ),
            ("cache-control", "public, max-age=60"),
            ("referrer-policy", "same-origin"),
            ("x-frame-options", "ALLOWALL"),
        ];
        (headers, "own")
    }
    let settings = WebSettings::new("https://charts.example").unwrap();
    let pages = Router::<SmartAxum>::new().route("/own", get(own));
    let world = World::with("https://charts.example", settings, pages, 9).await;
    let answer = world.browser().get("/own").await;
    let policies = answer.headers.get_all("content-security-policy").iter();
    let policies: Vec<_> = policies.map(|it| it.to_str().unwrap()).collect();
    assert_eq!(
        policies,
        [
            "default-src 'none'; frame-ancestors *",
            "frame-ancestors 'none'"
        ]
    );
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
}

#[tokio::test]
async fn a_proxys_prefix_is_in_every_address_whether_it_is_passed_on_or_not() {
    let url = "https://charts.example/growth";
    let world = World::at(url, |it| it).await;
    let passed_on: Router<()> = Router::new().nest("/growth", world.router.clone());
    for (router, before) in [(world.router.clone(), ""), (passed_on, "/growth")] {
        let mut browser = Browser::new(router);
        let answer = browser
            .get(&(before.to_owned() + &world.launch_path("patient-a")))
            .await;
        let location = answer.location();
        assert!(location.contains("redirect_uri=https%3A%2F%2Fcharts.example%2Fgrowth%2Fcallback"));
        let callback = world.authorize(location).await;
        let answer = browser.get(&(before.to_owned() + &callback)).await;
        let page = answer.location().to_owned();
        let inside = page.strip_prefix("/growth").unwrap();
        assert!(inside.starts_with("/s/"), "{page}");
        let answer = browser.get(&(before.to_owned() + inside)).await;
        assert_eq!(told(&answer)[3], format!("{page}note"));
        let answer = browser.get(&format!("{before}/logout")).await;
        assert!(
            answer.body.contains("action=\"/growth/logout\""),
            "{}",
            answer.body
        );
        // `__Host-` needs the path of the host.
        assert!(browser.names()[0].starts_with("__Host-session-"));
    }
    assert_eq!(AppUrl::parse(url).unwrap(), *world.app.url());
}

#[tokio::test]
async fn only_the_methods_that_a_route_is_for() {
    let world = World::new().await;
    let mut browser = world.browser();
    let launch = world.launch_path("patient-a");
    for (path, methods) in [
        (launch.as_str(), &["HEAD", "POST", "PUT", "OPTIONS"][..]),
        ("/callback?state=x&code=y", &["HEAD", "POST", "DELETE"][..]),
        ("/logout", &["PUT", "DELETE"][..]),
        ("/patient", &["GET", "HEAD", "PUT"][..]),
        ("/.well-known/jwks.json", &["POST"][..]),
        ("/healthz", &["POST"][..]),
    ] {
        for method in methods {
            let request = Request::builder().method(*method).uri(path);
            let answer = browser.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                answer.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(!answer.header("allow").is_empty(), "{method} {path}");
        }
    }
    assert!(world.store.is_empty() && browser.names().is_empty());
    // A HEAD of a scanner does not use the callback up.
    let callback = world.callback_path(&mut browser, "patient-a").await;
    let request = Request::head(&callback).body(Body::empty()).unwrap();
    assert_eq!(
        browser.send(request).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(browser.get(&callback).await.status, StatusCode::SEE_OTHER);
    let request = Request::head("/logout").body(Body::empty()).unwrap();
    let answer = browser.send(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn what_is_too_long_is_refused_before_anything_is_asked() {
    let world = World::new().await;
    let mut browser = world.browser();
    let long = "x".repeat(8_200);
    for path in ["/launch", "/callback", "/logout", "/touch"] {
        let answer = browser.get(&format!("{path}?state={long}")).await;
        assert_eq!(answer.status, StatusCode::URI_TOO_LONG, "{path}");
        assert!(!answer.body.contains("xxxx"));
    }
    browser.cookies = (0..5)
        .map(|it| (format!("c{it}"), "y".repeat(4_000)))
        .collect();
    for path in [
        "/launch?iss=x&launch=x",
        "/callback?state=x",
        "/logout",
        "/touch",
        "/",
    ] {
        let answer = browser.get(path).await;
        // The last one is for visitors too; whether this is one cannot be told.
        let expected = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        assert_eq!(answer.status, expected, "{path}");
        // To close its windows takes nothing away of what others have set.
        let advice = answer.body.contains("Delete the cookies of this site");
        assert!(advice, "{path}");
    }
    assert!(world.wire.urls().is_empty() && world.store.is_empty());
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_refused_at_the_start() {
    let code = |it: Result<WebSettings, SettingsError>| {
        it.and_then(WebSettings::checked).unwrap_err().code()
    };
    let development =
        |it: WebSettings| it.with_cookies(smart_axum::CookieMode::LoopbackDevelopment);
    assert_eq!(
        code(WebSettings::new("http://charts.example")),
        "web-public-url"
    );
    assert_eq!(
        code(WebSettings::new("https://charts.example").map(development)),
        "web-development-on-network"
    );
    let framed = Embedding::framed_by(["https://ehr.example"]).unwrap();
    let local = WebSettings::new("http://localhost:1")
        .unwrap()
        .with_embedding(framed);
    assert_eq!(code(Ok(development(local))), "web-development-framed");
    for bad in [
        "https://ehr.example/path",
        "*",
        "https://*.example",
        "https://ehr.example; script-src *",
        "'self'",
        "http://ehr.example",
    ] {
        assert_eq!(
            Embedding::framed_by([bad]).unwrap_err().code(),
            "web-ehr-origin",
            "{bad}"
        );
    }
    assert_eq!(
        Embedding::framed_by([]).unwrap_err().code(),
        "web-no-ehr-origin"
    );
    // The browser would come back to somebody else.
    let world = World::new().await;
    let settings = WebSettings::new("https://charts.example/growth").unwrap();
    let error = SmartAxum::new(settings, world.app.flow().clone()).unwrap_err();
    assert_eq!(error.code(), "web-redirect-uri");
    assert!(
        error
            .to_string()
            .contains("https://charts.example/growth/callback"),
        "{error}"
    );
}
