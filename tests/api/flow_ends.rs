//! What is left at the EHR and in the browser by flows that end well, badly, or unheard.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use smart_oidc::discovery::{Clock as _, Finding};
use smart_oidc::flow::{EhrLaunch, SignInWitness};
use smart_oidc::id_token::Report;
use smart_oidc::session::SessionError;
use smart_oidc::{LaunchTag, MemoryStore};
use smart_sandbox::{Fault, Times};

use super::flow::World;
use super::provider;

impl World {
    /// How many tokens the app has asked the server to revoke.
    fn revoked(&self) -> usize {
        let sent = self.http.sent();
        sent.iter().filter(|it| it.url.ends_with("/revoke")).count()
    }

    /// Waits until the flow has asked for so many, with nobody who waits for the flow.
    async fn until_revoked(&self, count: usize) {
        let waiting = async {
            while self.revoked() < count {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        assert!(waited.is_ok(), "{} of {count}", self.revoked());
    }
}

/// Begins something, and goes away.
async fn abandoned<T>(work: impl Future<Output = T>) {
    let mut work = pin!(work);
    let is_done = poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_ready())).await;
    assert!(!is_done);
}

#[tokio::test]
async fn what_was_issued_for_a_sign_in_that_fails_is_revoked() {
    let world = World::with_limit(1).await;
    let (query, binding) = world.callback().await;
    assert!(world.flow.complete(&query, &binding).await.is_ok());
    let (query, binding) = world.callback().await;
    let before = world.revoked();
    let error = world.flow.complete(&query, &binding).await.unwrap_err();
    assert_eq!(error.code(), "store-full");
    let answers = world.http.answers();
    let issued = answers
        .iter()
        .rfind(|it| it.contains("access_token"))
        .unwrap();
    let refresh = usize::from(issued.contains("refresh_token"));
    assert_eq!(world.revoked() - before, 1 + refresh);
    assert_eq!(world.store.len(), 1, "the session that there was");
}

#[tokio::test]
async fn a_browser_that_goes_away_at_the_callback_leaves_no_session() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    abandoned(world.flow.complete(&query, &binding)).await;
    world.until_revoked(1).await;
    assert!(world.store.is_empty());
    // Nor does one that goes away when all is done and nobody has heard of it yet.
    let (query, binding) = world.callback().await;
    let before = world.revoked();
    {
        let mut completing = pin!(world.flow.complete(&query, &binding));
        let first = poll_fn(|context| Poll::Ready(completing.as_mut().poll(context).is_ready()));
        assert!(!first.await);
        world.flow.drain().await;
        assert_eq!((world.store.len(), world.revoked()), (1, before));
    }
    world.flow.drain().await;
    assert_eq!((world.store.len(), world.revoked()), (0, before + 2));
}

#[tokio::test]
async fn a_browser_that_goes_away_at_the_sign_out_is_signed_out() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    abandoned(world.flow.sign_out(&signed_in.id)).await;
    world.until_revoked(1).await;
    let error = world.flow.session(&signed_in.id).await.unwrap_err();
    assert_eq!(error.code(), "session-lost");
}

#[tokio::test]
async fn launches_can_be_kept_apart_from_sessions() {
    let world = World::new().await;
    let launches = Arc::new(MemoryStore::new(world.clock.clone()));
    let flow = world.flow.clone().with_launch_store(launches.clone());
    let (request, binding) = flow.begin_standalone(&world.base).await.unwrap();
    assert_eq!((launches.len(), world.store.len()), (1, 0));
    let query = world.browse(&request.url()).await;
    assert!(flow.complete(&query, &binding).await.is_ok());
    assert_eq!((launches.len(), world.store.len()), (0, 1));
}

#[tokio::test]
async fn two_launches_of_one_browser_are_told_apart() {
    let world = World::new().await;
    let mut tags = Vec::new();
    for _ in 0..2 {
        let (request, binding) = world.flow.begin_standalone(&world.base).await.unwrap();
        let query = world.browse(&request.url()).await;
        let tag = LaunchTag::of_callback(&query, provider()).unwrap();
        assert_eq!(&tag, request.tag());
        let signed_in = world.flow.complete(&query, &binding).await.unwrap();
        assert_eq!(signed_in.tag, tag);
        // It fits a cookie's name and a path, and tells nothing of the state.
        assert!(
            tag.as_str()
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
        );
        assert!(!request.url().contains(tag.as_str()));
        assert_eq!(LaunchTag::parse(tag.as_str()).as_ref(), Some(&tag));
        tags.push(tag);
    }
    assert_ne!(tags[0], tags[1]);
    for no_tag in [
        "",
        "short",
        "seventeen-letters",
        "0123456789abcde/",
        "0123456789abcdé",
    ] {
        assert_eq!(LaunchTag::parse(no_tag), None, "{no_tag}");
    }
}

// covers: SMART-SEC-3
#[tokio::test]
async fn what_goes_into_cookies_and_urls_is_no_token() {
    let world = World::new().await;
    let (request, binding) = world.flow.begin_standalone(&world.base).await.unwrap();
    let query = world.browse(&request.url()).await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    let answers = world.http.answers();
    let tokens: Vec<&str> = answers
        .iter()
        .filter(|it| it.contains("access_token"))
        .flat_map(|it| it.split('"'))
        .filter(|it| it.len() >= 20)
        .collect();
    assert!(tokens.len() >= 2, "an access token and an ID token");
    let browser = [
        request.url(),
        binding.expose_secret().to_owned(),
        signed_in.id.expose_secret().to_owned(),
        signed_in.tag.as_str().to_owned(),
    ];
    for held in &browser {
        for token in &tokens {
            assert!(!held.contains(token) && !token.contains(held.as_str()));
        }
    }
}

// covers: SBCP-2
#[tokio::test]
async fn nobody_outside_says_where_the_browser_is_sent() {
    let world = World::new().await;
    let endpoint = format!("{}/authorize", world.ehr.issuer());
    for extra in [
        "&redirect_uri=https%3A%2F%2Fevil.example",
        "&authorization_endpoint=https%3A%2F%2Fevil.example",
        "&target_link_uri=https%3A%2F%2Fevil.example&url=https%3A%2F%2Fevil.example",
    ] {
        let iss = form_urlencoded::byte_serialize(world.base.as_str().as_bytes());
        let iss: String = iss.collect();
        let launch = EhrLaunch::parse(&format!("iss={iss}&launch=x{extra}")).unwrap();
        let (request, _) = world.flow.begin_from_ehr(launch).await.unwrap();
        assert_eq!(request.endpoint().as_str(), endpoint);
        assert!(!request.url().contains("evil"), "{}", request.url());
    }
}

#[tokio::test]
async fn tokens_beside_something_that_is_not_accepted_are_revoked() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    world.http.rewrite("\"Bearer\"", "\"mac\"");
    let before = world.revoked();
    let error = world.flow.complete(&query, &binding).await.unwrap_err();
    assert_eq!(error.code(), "token-type");
    assert_eq!(world.revoked() - before, 2);
    assert!(world.store.is_empty());
}

#[tokio::test]
async fn a_page_that_shows_another_patient_than_is_in_context_gets_no_session() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    let (id, flow) = (&signed_in.id, &world.flow);
    let patient = signed_in.session.context().patient.clone().unwrap();
    assert!(flow.session_showing(id, &patient).await.is_ok());
    let code = |error: SessionError| error.code();
    let other = flow.session_showing(id, "other").await.map_err(code);
    assert_eq!(other.map(drop), Err("session-patient-changed"));
    // The EHR turns to somebody else.
    world.http.rewrite(
        &format!("\"patient\":\"{patient}\""),
        "\"patient\":\"other\"",
    );
    let ends_at = signed_in.session.access_ends_at().unwrap();
    let life = ends_at.as_secs() - world.clock.now().as_secs();
    world.clock.advance(Duration::from_secs(life));
    for _ in 0..2 {
        let session = flow.session(id).await.map_err(code);
        assert_eq!(session.map(drop), Err("session-patient-changed"));
    }
    let accepted = flow.accept_patient(id, &patient).await.map_err(code);
    assert_eq!(accepted.map(drop), Err("session-patient-changed"));
    let session = flow.accept_patient(id, "other").await.unwrap();
    assert_eq!(session.context().patient.as_deref(), Some("other"));
    assert!(flow.session_showing(id, "other").await.is_ok());
    let stale = flow.session_showing(id, &patient).await.map_err(code);
    assert_eq!(stale.map(drop), Err("session-patient-changed"));
}

#[tokio::test]
async fn what_goes_on_is_over_when_it_is_drained() {
    let world = World::new().await;
    let (query, binding) = world.callback().await;
    let signed_in = world.flow.complete(&query, &binding).await.unwrap();
    abandoned(world.flow.sign_out(&signed_in.id)).await;
    assert_eq!(world.revoked(), 0);
    world.flow.drain().await;
    assert_eq!(world.revoked(), 2);
}

/// Keeps what it is told.
#[derive(Default)]
struct Witness(
    Mutex<Vec<(LaunchTag, Report)>>,
    Mutex<Vec<(LaunchTag, Vec<Finding>)>>,
);

impl SignInWitness for Witness {
    fn judged(&self, launch: &LaunchTag, report: Report) {
        self.0.lock().unwrap().push((launch.clone(), report));
    }

    fn met(&self, launch: &LaunchTag, findings: Vec<Finding>) {
        self.1.lock().unwrap().push((launch.clone(), findings));
    }
}

#[tokio::test]
async fn a_witness_hears_of_every_check_and_changes_nothing() {
    let world = World::new().await;
    let witness = Arc::new(Witness::default());
    let flow = world.flow.clone().with_witness(witness.clone());
    let (query, binding) = world.callback().await;
    let signed_in = flow.complete(&query, &binding).await.unwrap();
    world
        .ehr
        .play(Fault::named("other-nonce").unwrap(), Times::Once)
        .unwrap();
    let (query, binding) = world.callback().await;
    let error = flow.complete(&query, &binding).await.unwrap_err();
    let told = witness.0.lock().unwrap();
    let [(first, good), (second, bad)] = told.as_slice() else {
        panic!("{}", told.len());
    };
    assert_eq!(*first, signed_in.tag);
    assert!(good.valid);
    assert_ne!(first, second);
    assert!(!bad.valid && !bad.passed_what_ran);
    assert_eq!(bad.error.as_ref().unwrap().code(), error.code());
    assert_eq!(bad.check("nonce").unwrap().code, Some(error.code()));
}

// What is odd along the way and is met is for whoever explains a sign-in, be it in a document, in a
// key or in the answer with the tokens.
#[tokio::test]
async fn a_witness_hears_what_was_odd_along_the_whole_way() {
    for (fault, code) in [
        ("jwks-uris-disagree", "jwks-uri-differs"),
        ("padded-key", "jwk-padded"),
        ("token-without-scope", "scope-missing"),
        ("algorithms-missing", "algorithms-missing"),
    ] {
        let world = World::new().await;
        let witness = Arc::new(Witness::default());
        let flow = world.flow.clone().with_witness(witness.clone());
        let usual = Fault::named(fault).unwrap();
        world.ehr.play(usual, Times::UntilTakenBack).unwrap();
        let (query, binding) = world.callback().await;
        let signed_in = flow.complete(&query, &binding).await.unwrap();
        let told = witness.1.lock().unwrap();
        let [(tag, findings)] = told.as_slice() else {
            panic!("{fault}: {}", told.len());
        };
        assert_eq!(*tag, signed_in.tag);
        let codes: Vec<_> = findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, [code], "{fault}");
    }
}
