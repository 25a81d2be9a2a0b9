//! Sessions that end, that are over, and that are listed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::{Request, StatusCode};
use smart_axum::web::Wording;
use smart_oidc::session::LaunchSession;

use super::rig::{World, tag_of};

#[tokio::test]
async fn a_browser_that_is_closed_is_signed_out_and_one_that_is_open_forgets_nothing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let _ = world.sign_in(&mut browser, "patient-a").await;
    let _ = world.sign_in(&mut browser, "patient-b").await;
    let _ = world.callback_path(&mut browser, "patient-c").await;
    assert_eq!(browser.names().len(), 3);
    // An open tab stays one of two, however long ago its session has ended.
    world.clock.advance(Duration::from_secs(13 * 3600));
    let third = world.sign_in(&mut browser, "patient-c").await;
    assert_eq!(browser.get("/touch").await.status, StatusCode::CONFLICT);
    assert_eq!(browser.names().len(), 3, "the launch is over");
    let mut later = browser.reopened();
    assert!(later.names().is_empty());
    assert_eq!(later.get(&third).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_sign_in_does_not_wait_for_the_session_that_makes_room() {
    let world = World::new().await;
    let mut browser = world.browser();
    let mut pages = Vec::new();
    for number in 0..16 {
        let patient = format!("patient-{number}");
        pages.push(world.sign_in(&mut browser, &patient).await);
    }
    world.wire.hold_revocations(true);
    let signing_in = world.sign_in(&mut browser, "patient-16");
    let newest = tokio::time::timeout(Duration::from_secs(20), signing_in)
        .await
        .unwrap();
    assert_eq!(browser.names().len(), 16);
    let gone = browser.get(&pages[0]).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    // What comes of it is counted as at any sign-out, and the program waits for it.
    let text = browser.get("/metrics").await.body;
    assert!(!text.contains("smart_axum_sign_outs_total"), "{text}");
    world.wire.set_down(true);
    world.wire.hold_revocations(false);
    world.app.drain().await;
    assert_eq!(world.store.len(), 16);
    let text = browser.get("/metrics").await.body;
    assert!(text.contains("smart_axum_sign_outs_total 1\n"), "{text}");
    let not_revoked = "smart_axum_tokens_not_revoked_total{code=\"http-connect\"}";
    assert!(text.contains(not_revoked), "{text}");
    world.wire.set_down(false);
    assert_eq!(browser.get(&newest).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_visitor_whose_session_has_ended_is_a_visitor_and_can_leave() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    world.clock.advance(Duration::from_secs(13 * 3600));
    assert_eq!(browser.get("/").await.body, "nobody");
    assert_eq!(browser.names().len(), 1, "its tab may be open still");
    let other = world.sign_in(&mut browser, "patient-b").await;
    assert_eq!(browser.get("/").await.status, StatusCode::CONFLICT);
    world.clock.advance(Duration::from_secs(13 * 3600));
    assert_eq!(browser.get("/").await.body, "nobody");
    // A page about one that has ended leads out.
    for (page, left) in [(page, 1), (other, 0)] {
        let ended = browser.get(&page).await;
        assert_eq!(ended.status, StatusCode::UNAUTHORIZED);
        let way = format!("/logout?tag={}", tag_of(&page).as_str());
        assert!(
            ended.body.contains(&format!("href=\"{way}\"")),
            "{}",
            ended.body
        );
        let form = browser.get(&way).await;
        assert!(form.body.contains("A session that has ended"));
        let (tag, token) = (form.field("tag"), form.field("csrf_token"));
        let fields = [("tag", tag.as_str()), ("csrf_token", token.as_str())];
        let _ = browser.post("/logout", &fields).await;
        assert_eq!(browser.names().len(), left);
    }
}

#[tokio::test]
async fn only_what_has_ended_is_said_to_have_ended() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    world.wire.turn_to("patient-b");
    world.clock.advance(Duration::from_secs(3_601));
    assert_eq!(browser.get(&page).await.status, StatusCode::CONFLICT);
    let listed = browser.get("/logout").await.body;
    assert!(listed.contains("another patient is open in the record"));
    assert!(
        listed.contains("patient patient-a") && !listed.contains("ended"),
        "{listed}"
    );

    // The app is registered under another name by now; the session is there.
    let world = World::new().await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let other = world.sharing("https://charts.example", "another-client", &[]);
    let mut there = crate::browser::Browser::new(other);
    there.cookies = browser.cookies.clone();
    world.clock.advance(Duration::from_secs(3_601));
    let refused = there.get(&page).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(
        refused.body.contains("Open the app again") && !refused.body.contains("ended"),
        "{}",
        refused.body
    );
    assert_eq!(browser.get(&page).await.status, StatusCode::OK);
}

#[tokio::test]
async fn to_be_listed_is_no_use_of_a_session() {
    let idle = Duration::from_secs(1_800);
    let world = World::flowing(|it| it.with_idle_life(idle)).await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let mut used = world.browser();
    let in_use = world.sign_in(&mut used, "patient-b").await;
    for _ in 0..8 {
        world.clock.advance(Duration::from_secs(300));
        let listed = browser.get("/logout").await;
        assert_eq!(listed.status, StatusCode::OK);
        assert_eq!(used.get(&in_use).await.status, StatusCode::OK);
        world.app.drain().await;
    }
    assert_eq!(browser.get(&page).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(used.get(&in_use).await.status, StatusCode::OK);

    // Neither is anything refreshed for a list.
    let world = World::new().await;
    let mut browser = world.browser();
    let _ = world.sign_in(&mut browser, "patient-a").await;
    let asked = world.wire.urls().len();
    world.clock.advance(Duration::from_secs(3_500));
    let _ = browser.get("/logout").await;
    world.clock.advance(Duration::from_secs(600));
    let listed = browser.get("/logout").await;
    assert!(listed.body.contains("patient patient-a"));
    world.app.drain().await;
    assert_eq!(world.wire.urls().len(), asked);
}

/// Knows one patient, and counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Names(Arc<AtomicUsize>);

#[async_trait]
impl Wording for Names {
    async fn patient(&self, _: &LaunchSession, patient: &str) -> Option<String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match patient {
            "patient-a" => Some("Ann <b>Example</b>, born 1982-03-04".to_owned()),
            "patient-b" => Some("\u{1b}[1mB\u{2067}en \u{c9}xample, born 1990-01-02".to_owned()),
            "patient-slow" => std::future::pending().await,
            _ => None,
        }
    }
}

#[tokio::test]
async fn patients_are_called_by_the_words_of_the_app() {
    let names = Names::default();
    let world = World::at("https://charts.example", |it| {
        it.with_wording(names.clone())
    });
    let world = world.await;
    let mut browser = world.browser();
    let page = world.sign_in(&mut browser, "patient-a").await;
    let _ = world.sign_in(&mut browser, "patient-c").await;
    let listed = browser.get("/touch").await;
    assert_eq!(listed.status, StatusCode::CONFLICT);
    let ann = "Ann &#60;b&#62;Example&#60;/b&#62;, born 1982-03-04";
    assert!(listed.body.contains(ann), "{}", listed.body);
    assert!(listed.body.contains("patient patient-c"));
    assert!(!listed.body.contains("patient-a"));
    // A script has nothing to choose from, so nobody is asked.
    assert_eq!(names.0.load(Ordering::Relaxed), 2);
    let request = Request::get("/touch").header("accept", "application/json");
    let answer = browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(names.0.load(Ordering::Relaxed), 2);

    world.wire.turn_to("patient-b");
    world.clock.advance(Duration::from_secs(3_601));
    let changed = browser.get(&page).await;
    assert_eq!(changed.status, StatusCode::CONFLICT);
    let go_on = format!("(\u{2068}[1mBen \u{c9}xample, born 1990-01-02\u{2069} instead of {ann})");
    assert!(changed.body.contains(&go_on), "{}", changed.body);
    assert!(!changed.body.contains("patient-b"));
}

#[tokio::test]
async fn whoever_is_slow_to_find_words_holds_nobody_up() {
    let world = World::at("https://charts.example", |it| {
        it.with_wording(Names::default())
    });
    let world = world.await;
    let mut browser = world.browser();
    for _ in 0..3 {
        let _ = world.sign_in(&mut browser, "patient-slow").await;
    }
    // Time goes on by itself where everybody waits.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let listed = browser.get("/logout").await.body;
    assert!(began.elapsed() <= Duration::from_secs(4));
    assert_eq!(listed.matches("patient patient-slow").count(), 3);
}
