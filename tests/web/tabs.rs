//! Two patients in two tabs of one browser.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderName, Request, StatusCode};
use smart_axum::BrowserSession;

use super::rig::{World, tag_of, told};

#[tokio::test]
async fn each_tab_keeps_its_own_patient() {
    let world = World::new().await;
    let mut browser = world.browser();
    // Both launches are under way at one time.
    let first = world.callback_path(&mut browser, "patient-a").await;
    let second = world.callback_path(&mut browser, "patient-b").await;
    let second = browser.get(&second).await.location().to_owned();
    let first = browser.get(&first).await.location().to_owned();
    assert_ne!(first, second);
    for _ in 0..2 {
        let answer = browser.get(&first).await;
        assert_eq!(told(&answer)[1], "patient-a");
        let answer = browser.get(&second).await;
        assert_eq!(told(&answer)[1], "patient-b");
    }
    // Signing out of one leaves the other.
    let token = told(&browser.get(&first).await)[4].clone();
    let tag = tag_of(&first);
    let fields = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
    assert_eq!(
        browser.post("/logout", &fields).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.get(&first).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(told(&browser.get(&second).await)[1], "patient-b");
}

#[tokio::test]
async fn a_page_without_a_tag_never_shows_one_of_several_patients() {
    let world = World::new().await;
    let mut browser = world.browser();
    assert_eq!(browser.get("/touch").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/").await.body, "nobody");
    let first = world.sign_in(&mut browser, "patient-a").await;
    assert_eq!(browser.get("/touch").await.body, "patient-a");
    assert_eq!(browser.get("/").await.body, tag_of(&first).as_str());
    let second = world.sign_in(&mut browser, "patient-b").await;
    for path in ["/touch", "/"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::CONFLICT);
        for (page, patient) in [(&first, "patient-a"), (&second, "patient-b")] {
            assert!(
                answer.body.contains(&format!("href=\"{page}\"")),
                "{}",
                answer.body
            );
            assert!(answer.body.contains(patient));
        }
    }
    // One that has ended counts too: its tab must not go over to the other patient.
    world
        .clock
        .advance(std::time::Duration::from_secs(13 * 3600));
    let third = world.sign_in(&mut browser, "patient-c").await;
    browser
        .cookies
        .retain(|it| !it.0.contains(tag_of(&second).as_str()));
    let answer = browser.get("/touch").await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("has ended") && answer.body.contains(&third));
    // A tag that is none, or that the browser has no session of, is refused and not passed over.
    for path in ["/s/nonsense/", "/s/AAAAAAAAAAAAAAAA/"] {
        let status = browser.get(path).await.status;
        assert!(
            status.is_client_error() && status != StatusCode::CONFLICT,
            "{path} {status}"
        );
    }
}

#[tokio::test]
async fn a_script_names_its_launch_where_the_app_says_and_never_two() {
    let header = HeaderName::from_static("x-launch");
    let world = World::at("https://charts.example", |it| {
        it.with_tag_in_header(header).with_tag_in_query("launch")
    })
    .await;
    let mut browser = world.browser();
    let first = tag_of(&world.sign_in(&mut browser, "patient-a").await);
    let second = tag_of(&world.sign_in(&mut browser, "patient-b").await);
    let (first, second) = (first.as_str(), second.as_str());
    for (path, header, expected) in [
        ("/touch".to_owned(), first, Ok("patient-a")),
        ("/touch".to_owned(), second, Ok("patient-b")),
        (format!("/touch?launch={second}"), "", Ok("patient-b")),
        (format!("/touch?launch={second}"), second, Ok("patient-b")),
        (
            format!("/touch?launch={second}"),
            first,
            Err(StatusCode::BAD_REQUEST),
        ),
        (
            format!("/touch?launch={first}&launch={second}"),
            "",
            Err(StatusCode::BAD_REQUEST),
        ),
        (
            "/touch?launch=".to_owned(),
            "",
            Err(StatusCode::BAD_REQUEST),
        ),
        (
            "/touch".to_owned(),
            "nonsense",
            Err(StatusCode::BAD_REQUEST),
        ),
    ] {
        let mut request = Request::get(&path);
        if !header.is_empty() {
            request = request.header("x-launch", header);
        }
        let answer = browser.send(request.body(Body::empty()).unwrap()).await;
        match expected {
            Ok(patient) => assert_eq!(answer.body, patient, "{path} {header}"),
            Err(status) => assert_eq!(answer.status, status, "{path} {header}"),
        }
    }
}

#[tokio::test]
async fn a_browser_that_never_closes_keeps_sixteen_sessions_and_as_many_launches() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut pages = Vec::new();
    for number in 0..17 {
        pages.push(
            world
                .sign_in(&mut browser, &format!("patient-{number}"))
                .await,
        );
    }
    assert_eq!(browser.names().len(), 16);
    world.app.drain().await;
    assert_eq!(world.store.len(), 16, "the oldest was signed out");
    assert_eq!(
        browser.get(&pages[0]).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(told(&browser.get(&pages[1]).await)[1], "patient-1");
    for _ in 0..20 {
        let _ = world.callback_path(&mut browser, "patient-a").await;
    }
    let launches = browser
        .names()
        .into_iter()
        .filter(|it| it.contains("-launch-"));
    assert_eq!(launches.count(), 16);
}

#[tokio::test]
async fn a_layer_gives_the_session_to_routes_that_know_nothing_of_the_app() {
    async fn page(axum::Extension(session): axum::Extension<BrowserSession>) -> String {
        session.launch().context().patient.clone().unwrap()
    }
    let world = World::new().await;
    let plain: Router<()> = Router::new()
        .route("/s/{tag}/plain", get(page).post(page))
        .layer(world.app.session_layer());
    let router: Router<()> = plain.merge(world.app.router());
    let mut browser = crate::browser::Browser::new(router);
    let first = world.sign_in(&mut browser, "patient-a").await;
    let second = world.sign_in(&mut browser, "patient-b").await;
    assert_eq!(
        browser.get(&format!("{first}plain")).await.body,
        "patient-a"
    );
    assert_eq!(
        browser.get(&format!("{second}plain")).await.body,
        "patient-b"
    );
    browser.cookies.clear();
    let answer = browser.get(&format!("{first}plain")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}
