//! Whole sign-ins, and those that end elsewhere.

use http::StatusCode;
use smart_oidc::LaunchTag;

use super::rig::{World, tag_of, told};

// covers: SMART-SEC-3, SMART-TOK-16
#[tokio::test]
async fn a_launch_ends_on_the_page_of_its_session_and_a_sign_out_ends_that() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let answer = browser.get(&page).await;
    let [name, patient, _, note, _] = told(&answer);
    assert_eq!(
        (name.as_str(), patient.as_str()),
        ("Dr. Jordan Smith, MD", "patient-a")
    );
    assert_eq!(note, format!("{page}note"));
    // The browser has one cookie, and no token of the EHR is in it.
    assert_eq!(browser.names().len(), 1);
    for token in world.wire.tokens() {
        let held = browser.values();
        assert!(!held.values().any(|it| it.contains(&token)));
        assert!(!answer.body.contains(&token));
    }

    // A GET signs nobody out.
    let tag = tag_of(&page);
    let asked = browser.get(&format!("/logout?tag={}", tag.as_str())).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body.contains("patient patient-a"), "{}", asked.body);
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);

    let token = asked.field("csrf_token");
    let fields = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
    let kept = browser.clone();
    let done = browser.post("/logout", &fields).await;
    assert_eq!(done.status, StatusCode::OK);
    assert!(done.body.contains("You are signed out"));
    assert!(browser.names().is_empty() && world.store.is_empty());
    let urls = world.wire.urls();
    let revoked = urls.iter().filter(|it| it.ends_with("/revoke")).count();
    assert_eq!(revoked, 2, "the refresh token and the access token");
    // The cookie is worth nothing to whoever kept it.
    let mut thief = kept;
    let answer = thief.get(&page).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(!answer.header("www-authenticate").is_empty());
    assert_eq!(browser.get(&page).await.status, StatusCode::UNAUTHORIZED);
    // A second time there is nothing to do, and it says so.
    let again = browser.post("/logout", &fields).await;
    assert_eq!(again.status, StatusCode::OK);
    assert!(again.body.contains("You are not signed in"));
}

// covers: SBCP-3
#[tokio::test]
async fn a_callback_in_another_browser_signs_nobody_in() {
    let world = World::new().await;
    let (mut attacker, mut victim) = (world.browser(), world.browser());
    let callback = world.callback_path(&mut attacker, "patient-a").await;
    let answer = victim.get(&callback).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.body.contains("began in another browser"));
    assert!(victim.names().is_empty());
    // A launch of the victim's own does not help.
    let _ = world.callback_path(&mut victim, "patient-b").await;
    assert_eq!(victim.get(&callback).await.status, StatusCode::BAD_REQUEST);
    // Nothing was used up.
    assert_eq!(attacker.get(&callback).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_callback_that_is_loaded_again_leads_to_its_page_and_nobody_else_to_it() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback_path(&mut browser, "patient-a").await;
    let first = browser.get(&callback).await;
    let again = browser.get(&callback).await;
    assert_eq!(first.location(), again.location());
    assert!(again.set_cookies().is_empty());
    let elsewhere = world.browser().get(&callback).await;
    assert_eq!(elsewhere.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_id_that_was_there_before_the_sign_in_is_not_used() {
    let world = World::new().await;
    let mut browser = world.browser();
    let callback = world.callback_path(&mut browser, "patient-a").await;
    let query = callback.split_once('?').unwrap().1;
    let tag = LaunchTag::of_callback(query, super::provider()).unwrap();
    // Whose it is stands behind the tag.
    let names = browser.names();
    let of_launch = names.iter().find(|it| it.contains(tag.as_str()));
    let suffix = of_launch.unwrap().rsplit_once('.').unwrap().1.to_owned();
    let name = format!("__Host-session-{}.{suffix}", tag.as_str());
    let planted = "A".repeat(43);
    browser.cookies.push((name.clone(), planted.clone()));
    let answer = browser.get(&callback).await;
    let page = answer.location().to_owned();
    let held = browser.values();
    assert_ne!(held[&name], planted);
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
    // Whoever planted it has nothing.
    let mut planter = world.browser();
    planter.cookies.push((name, planted));
    let answer = planter.get(&page).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(answer.body.contains("session has ended"));
}

#[tokio::test]
async fn a_launch_of_the_apps_own_is_allowed_where_the_app_says_so() {
    let world = World::at("https://charts.example", |it| it.with_standalone_launch()).await;
    let base = world.ehr.fhir_base();
    let iss: String = form_urlencoded::byte_serialize(base.as_bytes()).collect();
    for path in [
        "/launch".to_owned(),
        format!("/launch?iss={iss}"),
        format!("/launch?iss={iss}%2F"),
    ] {
        let mut browser = world.browser();
        let answer = browser.get(&path).await;
        let callback = world.authorize(answer.location()).await;
        let answer = browser.get(&callback).await;
        let page = answer.location().to_owned();
        assert_eq!(browser.get(&page).await.status, StatusCode::OK, "{path}");
    }
    // An EHR's launch without its server is none of the app's own.
    let answer = world.browser().get("/launch?launch=x").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let answer = world
        .browser()
        .get("/launch?iss=https%3A%2F%2Fevil.example")
        .await;
    assert!(answer.body.contains("not set up for this system"));

    // Whoever may begin one is offered it where it helps.
    let failed = world.browser().get("/callback?state=x&code=y").await;
    assert!(
        failed.body.contains("href=\"/launch\">Sign in again</a>"),
        "{}",
        failed.body
    );

    let world = World::new().await;
    let failed = world.browser().get("/callback?state=x&code=y").await;
    assert!(!failed.body.contains("<a "), "{}", failed.body);
    let answer = world.browser().get("/launch").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.wire.urls().len(), 0);
}

// covers: SMART-SEC-2, SBCP-2
#[tokio::test]
async fn nothing_in_a_request_says_where_a_redirect_leads() {
    let world = World::new().await;
    let endpoint = format!("{}/authorize?", world.ehr.issuer());
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-original-url", "//evil.example"),
        ("referer", "https://evil.example/"),
    ] {
        let mut browser = world.browser();
        let extra = "&redirect_uri=https%3A%2F%2Fevil.example&url=%2F%2Fevil.example&next=https%3A%2F%2Fevil.example";
        let request =
            http::Request::get(world.launch_path("patient-a") + extra).header(name, value);
        let answer = browser
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        let location = answer.location().to_owned();
        assert!(
            location.starts_with(&endpoint) && !location.contains("evil"),
            "{location}"
        );
        let callback = world.authorize(&location).await + extra;
        let request = http::Request::get(callback).header(name, value);
        let answer = browser
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        let location = answer.location();
        assert!(
            location.starts_with("/s/") && !location.contains("evil"),
            "{location}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_not_the_persons_fault() {
    let world = World::new().await;
    world.wire.set_down(true);
    let mut browser = world.browser();
    let answer = browser.get(&world.launch_path("patient-a")).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("Please try again in a moment"));
    assert!(browser.names().is_empty());
}

#[tokio::test]
async fn a_store_that_is_full_gives_no_session_and_leaves_no_token() {
    let settings = smart_axum::WebSettings::new("https://charts.example").unwrap();
    let world = World::with("https://charts.example", settings, axum::Router::new(), 1).await;
    let mut browser = world.browser();
    let callback = world.callback_path(&mut browser, "patient-a").await;
    assert_eq!(browser.get(&callback).await.status, StatusCode::SEE_OTHER);
    let callback = world.callback_path(&mut browser, "patient-b").await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!answer.header("retry-after").is_empty());
    assert!(answer.body.contains("cannot keep your sign-in"));
    assert_eq!(browser.names().len(), 1, "the session that there was");
}

#[tokio::test]
async fn whoever_does_not_say_who_they_are_has_no_session_and_leaves_no_token() {
    let world = World::at("https://charts.example", |it| it.with_standalone_launch()).await;
    world.wire.leave_out_openid();
    let mut browser = world.browser();
    let callback = world.callback_path(&mut browser, "patient-a").await;
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    for part in [
        "Access was not given",
        "Reference: <code>",
        "href=\"/launch\"",
    ] {
        assert!(answer.body.contains(part), "{part}: {}", answer.body);
    }
    assert!(browser.names().is_empty(), "{:?}", browser.names());
    assert!(world.store.is_empty());
    let urls = world.wire.urls();
    let revoked = urls.iter().filter(|it| it.ends_with("/revoke")).count();
    assert_eq!(revoked, 2, "the refresh token and the access token");
    let told = browser.get("/metrics").await.body;
    assert!(!told.contains("smart_axum_sign_ins_total"), "{told}");
    // Loaded again it does not become another page.
    let again = browser.get(&callback).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
}

// covers: SMART-AUT-14
#[tokio::test]
async fn a_request_that_is_too_long_for_an_address_goes_as_a_form() {
    let scopes: Vec<String> = (0..80)
        .map(|it| format!("patient/Observation.rs?category=kind-{it}"))
        .collect();
    let world = World::asking(&scopes).await;
    let answer = world.browser().get(&world.launch_path("patient-a")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let endpoint = format!("{}/authorize", world.ehr.issuer());
    assert!(
        answer
            .body
            .contains(&format!("<form method=\"post\" action=\"{endpoint}\">"))
    );
    assert_eq!(answer.field("response_type"), "code");
    assert_eq!(answer.field("state").len(), 43);
    assert_eq!(answer.set_cookies().len(), 1);
    // Browsers would apply it to the redirects after the form as well.
    let policy = answer.header("content-security-policy");
    assert!(
        !policy.contains("form-action") && policy.ends_with("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}
