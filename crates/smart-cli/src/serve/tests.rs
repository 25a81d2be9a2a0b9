//! The pages as a browser sees them, over a clock that a test moves and without a socket.

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use serde_json::{Value, json};
use smart_axum::web::SignInReports;
use smart_axum::{SmartAxum, WebSettings};
use smart_oidc::discovery::{FhirBaseUrl, FixedClock, HttpClient, PlainHttp};
use smart_oidc::jose::{UnixTime, base64url};
use smart_oidc::{ClientConfig, ClientId, RedirectUri, SessionId};
use smart_sandbox::{
    ClientRegistration, DEFAULT_CLIENT_ID, Fault, LaunchContext, RedirectRule, Sandbox,
    SandboxUser, Times, UserType,
};
use tower::ServiceExt as _;

use super::app::{App, Ehr};
use super::{flow, router};
use crate::args::NetworkArgs;
use crate::discover;
use crate::provider::provider;

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const URL: &str = "https://charts.example";

/// An EHR, the dashboard, and a browser.
struct World {
    ehr: Sandbox,
    clock: Arc<FixedClock>,
    http: Arc<dyn HttpClient>,
    smart: SmartAxum,
    router: Router,
    cookies: Vec<(String, String)>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    /// What stands between these.
    fn between(&self, before: &str, after: &str) -> &str {
        let (_, rest) = self.body.split_once(before).unwrap();
        rest.split_once(after).unwrap().0
    }
}

impl World {
    async fn new(user: Option<SandboxUser>) -> Self {
        let clock = Arc::new(FixedClock::at(NOW));
        let callback = format!("{URL}/callback");
        let rule = RedirectRule::Exact(callback.clone());
        let client = ClientRegistration::new(DEFAULT_CLIENT_ID, vec![rule]);
        let builder = Sandbox::builder(provider()).clock(clock.clone());
        let builder = builder.register_client(client).auto_approve(true);
        let builder = match user {
            Some(user) => builder.user(user),
            None => builder,
        };
        let ehr = builder.start().await.unwrap();
        let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
        let client =
            ClientConfig::public(ClientId::new(DEFAULT_CLIENT_ID), RedirectUri::new(callback));
        let scope = "launch/patient patient/Patient.rs user/Practitioner.rs offline_access";
        let ehrs = vec![Ehr {
            name: "the EHR".to_owned(),
            base,
            client: client.with_scope(scope),
        }];
        let network = NetworkArgs::loopback();
        let flow = flow(&network, &ehrs, clock.clone()).unwrap();
        let smart = SmartAxum::new(WebSettings::new(URL).unwrap(), flow).unwrap();
        let app = App::new(smart.clone(), None, SignInReports::new(), ehrs);
        Self {
            ehr,
            clock,
            http: discover::client(&network).unwrap(),
            router: router(&smart, app),
            smart,
            cookies: Vec::new(),
        }
    }

    async fn send(&mut self, path: &str, form: Option<&[(&str, &str)]>) -> Answer {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|it| format!("{}={}", it.0, it.1))
            .collect();
        let mut request = Request::builder()
            .uri(path)
            .header(COOKIE, cookies.join("; "));
        let mut body = Body::empty();
        if let Some(form) = form {
            let mut fields = form_urlencoded::Serializer::new(String::new());
            fields.extend_pairs(form);
            request = request
                .method("POST")
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            body = Body::from(fields.finish());
        }
        let answer = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|it| it.0 != name);
            if !attributes.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(path, None).await
    }

    /// Time goes by for somebody who looks at the page often enough not to be signed out.
    async fn stay(&mut self, page: &str, seconds: u64) {
        for left in (0..seconds).step_by(1200) {
            self.get(page).await;
            self.clock
                .advance(Duration::from_secs((seconds - left).min(1200)));
        }
    }

    /// Signs in, and gives the path of the page.
    async fn sign_in(&mut self, open: LaunchContext) -> String {
        let launch = self.ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        let begun = self.get(&launch.url("/launch")).await;
        let request = Request::get(begun.location()).body(Bytes::new()).unwrap();
        let back = self.http.send(request).await.unwrap();
        let back = back.headers()[LOCATION].to_str().unwrap();
        let back = back.strip_prefix(URL).unwrap().to_owned();
        let page = self.get(&back).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        page.location().to_owned()
    }

    /// Presses the button, and gives the page on which that ends.
    async fn refresh(&mut self, page: &str) -> Answer {
        let shown = self.get(page).await;
        let action = format!("{page}refresh");
        let token = shown.between(&action, "</form>");
        let (_, token) = token.split_once("name=\"csrf_token\" value=\"").unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        let pressed = self.send(&action, Some(&[("csrf_token", &token)])).await;
        assert_eq!(pressed.status, StatusCode::SEE_OTHER, "{}", pressed.body);
        let location = pressed.location().to_owned();
        self.get(&location).await
    }

    /// The access token of the session, as the next page would use it.
    async fn token(&self) -> String {
        let cookie = self.cookies.iter().find(|it| it.0.contains("session"));
        let id = SessionId::new(cookie.unwrap().1.as_str());
        let session = self.smart.flow().session(&id).await.unwrap();
        session.access_token().expose_secret().to_owned()
    }
}

fn chart() -> LaunchContext {
    LaunchContext::new()
        .user("Practitioner/dr-smith")
        .patient("p-1")
}

fn end_of(page: &Answer) -> u64 {
    page.between("Access token ends in</dt><dd><span data-ends-at=\"", "\"")
        .parse()
        .unwrap()
}

#[tokio::test]
async fn the_button_brings_a_token_that_ends_later_and_is_used() {
    let mut world = World::new(None).await;
    let page = world.sign_in(chart()).await;
    let before = world.get(&page).await;
    let (first_end, first_token) = (end_of(&before), world.token().await);
    world.clock.advance(Duration::from_secs(1200));
    let after = world.refresh(&page).await;
    assert!(
        after.body.contains("The tokens were refreshed."),
        "{}",
        after.body
    );
    assert_eq!(end_of(&after), first_end + 1200);
    assert_ne!(world.token().await, first_token);
    // The first token has ended, and the record is read with the other one.
    world.stay(&page, 2460).await;
    let late = world.get(&page).await;
    assert!(NOW.as_secs() + 3660 > first_end, "{first_end}");
    assert!(late.body.contains("Riley Example"), "{}", late.body);
    assert_eq!(end_of(&late), first_end + 1200);
}

#[tokio::test]
async fn a_refresh_whose_answer_is_lost_signs_nobody_out_before_the_token_ends() {
    let mut world = World::new(None).await;
    let page = world.sign_in(chart()).await;
    world.clock.advance(Duration::from_secs(60));
    let failing = Fault::named("refresh-failing").unwrap();
    world.ehr.play(failing, Times::UntilTakenBack).unwrap();
    let doubtful = world.refresh(&page).await;
    assert_eq!(doubtful.status, StatusCode::OK, "{}", doubtful.body);
    for part in [
        "The answer to the refresh was lost",
        "Riley Example",
        "Sign out",
    ] {
        assert!(doubtful.body.contains(part), "{part}: {}", doubtful.body);
    }
    assert_eq!(end_of(&doubtful), NOW.as_secs() + 3600);
    let later = world.get(&page).await;
    assert!(later.body.contains("Riley Example"), "{}", later.body);
    // When the token has ended nobody knows what the session may do, and the page says so.
    world.stay(&page, 4000).await;
    let over = world.get(&page).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED, "{}", over.body);
    assert!(over.body.contains("the answer was lost"), "{}", over.body);
    assert!(!over.body.contains("Riley"), "{}", over.body);
}

#[tokio::test]
async fn a_refresh_that_the_ehr_refuses_leaves_the_page_until_the_token_ends() {
    let mut world = World::new(None).await;
    let page = world.sign_in(chart()).await;
    world.clock.advance(Duration::from_secs(60));
    let refusing = Fault::named("refresh-token-reused").unwrap();
    world.ehr.play(refusing, Times::UntilTakenBack).unwrap();
    let refused = world.refresh(&page).await;
    assert_eq!(refused.status, StatusCode::OK, "{}", refused.body);
    assert!(
        refused.body.contains("The tokens could not be refreshed"),
        "{}",
        refused.body
    );
    // There is nothing left to press.
    assert!(
        refused.body.contains("The tokens cannot be refreshed"),
        "{}",
        refused.body
    );
    world.stay(&page, 3600).await;
    let over = world.get(&page).await;
    assert_eq!(over.status, StatusCode::UNAUTHORIZED, "{}", over.body);
    assert!(
        over.body.contains("the app cannot prolong it"),
        "{}",
        over.body
    );
}

#[tokio::test]
async fn a_page_without_scripts_says_what_ends_when() {
    let mut world = World::new(None).await;
    let page = world.sign_in(chart()).await;
    world.clock.advance(Duration::from_secs(59));
    let page = world.get(&page).await;
    assert_eq!(page.between("data-left=\"3541\">", "<"), "59 min 1 s");
    // The script stands in a file of its own and is the only one.
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(
        page.body
            .contains("<script src=\"/assets/dashboard.js\" defer></script>")
    );
}

#[tokio::test]
async fn each_of_the_five_types_has_a_card() {
    let mut world = World::new(None).await;
    for (user, patient, parts) in [
        (
            "Practitioner/dr-smith",
            "p-1",
            &["Dr. Jordan Smith, MD", "1234567893", "Doctor of Medicine"][..],
        ),
        (
            "PractitionerRole/dr-okafor-cardiology",
            "p-1",
            &[
                "Dr. Chidi Okafor",
                "<dt>Role</dt><dd><bdi>Cardiologist",
                "Cardiology",
            ],
        ),
        ("Patient/p-2", "p-2", &["Morgan Sample", "Patient/p-2"]),
        (
            "RelatedPerson/rp-1",
            "p-1",
            &["Casey Example", "RelatedPerson/rp-1"],
        ),
        (
            "Person/person-1",
            "p-3",
            &["Quinn Placeholder", "Person/person-1"],
        ),
    ] {
        world.cookies.clear();
        let open = LaunchContext::new().user(user).patient(patient);
        let page = world.sign_in(open).await;
        let page = world.get(&page).await;
        assert_eq!(page.status, StatusCode::OK, "{user}: {}", page.body);
        for part in parts {
            assert!(page.body.contains(part), "{user}: {part}: {}", page.body);
        }
        // Only clinicians have a role to lack.
        let lacks = page.body.contains("none that the EHR names");
        assert_eq!(lacks, user.starts_with("Practitioner/"), "{user}");
        assert!(
            !page.body.contains("There is no more of the card"),
            "{user}"
        );
    }
}

/// The page of a clinician with this resource, and the answer to its photo.
async fn card_of(resource: Value) -> (Answer, Answer) {
    let user = SandboxUser::new(UserType::Practitioner, "dr-x", "sub-x", "Ada Lovelace");
    let mut world = World::new(Some(user.with_resource(resource))).await;
    let open = LaunchContext::new()
        .user("Practitioner/dr-x")
        .patient("p-1");
    let path = world.sign_in(open).await;
    let page = world.get(&path).await;
    let photo = world.get(&format!("{path}photo")).await;
    (page, photo)
}

#[tokio::test]
async fn a_clinician_without_a_role_reads_well() {
    let (page, _) = card_of(json!({ "name": [{ "text": "Ada Lovelace" }] })).await;
    let card = page.between("<div class=\"card\">", "</section>");
    for part in [
        "Ada Lovelace",
        ">AL<",
        "<dt>Role</dt><dd><bdi>none that the EHR names</bdi>",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    for empty in [
        "<bdi></bdi>",
        "Specialty",
        "Qualifications",
        "NPI",
        "Organisation",
    ] {
        assert!(!card.contains(empty), "{empty}: {card}");
    }
}

#[tokio::test]
async fn a_photo_is_a_still_picture_of_the_resource_or_it_is_initials() {
    let encoded = |octets: &[u8]| {
        let text = base64url::encode(octets)
            .replace('-', "+")
            .replace('_', "/");
        let padding = (4 - text.len() % 4) % 4;
        format!("{text}{}", "=".repeat(padding))
    };
    let png: &[u8] = b"\x89PNG\r\n\x1a\n....";
    let jpeg: &[u8] = b"\xff\xd8\xff\xe0....";
    let webp: &[u8] = b"RIFF....WEBPVP8 ";
    let large = [png, &[0; 64 * 1024]].concat();
    let inline =
        |kind: &str, octets: &[u8]| json!({ "contentType": kind, "data": encoded(octets) });
    for (photo, shown) in [
        (inline("image/png", png), Some("image/png")),
        (inline("image/jpeg", jpeg), Some("image/jpeg")),
        (inline("image/webp", webp), Some("image/webp")),
        // What is called a picture is what its octets are.
        (inline("image/svg+xml", png), Some("image/png")),
        (
            inline(
                "image/png",
                b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            ),
            None,
        ),
        (inline("image/svg+xml", b"<svg onload='alert(1)'/>"), None),
        (
            inline("image/png", b"<html><script>alert(1)</script>"),
            None,
        ),
        (inline("image/gif", b"GIF89a......"), None),
        (inline("image/png", &large), None),
        (
            json!({ "url": "https://elsewhere.example/me.png", "contentType": "image/png" }),
            None,
        ),
        (json!({ "url": "javascript:alert(1)" }), None),
        (json!({ "url": "data:image/svg+xml;base64,PHN2Zy8+" }), None),
    ] {
        let resource = json!({ "name": [{ "text": "Ada Lovelace" }], "photo": [photo] });
        let (page, answer) = card_of(resource).await;
        assert_eq!(page.status, StatusCode::OK, "{photo}");
        let has_initials = page.body.contains(">AL</span>");
        assert_eq!(has_initials, shown.is_none(), "{photo}: {}", page.body);
        for bad in ["elsewhere.example", "<svg", "javascript:", "data:"] {
            assert!(!page.body.contains(bad), "{photo}: {bad}: {}", page.body);
        }
        match shown {
            Some(kind) => {
                assert_eq!(answer.headers[CONTENT_TYPE], kind, "{photo}");
                assert_eq!(answer.headers["x-content-type-options"], "nosniff");
                let policy = answer.headers["content-security-policy"].to_str().unwrap();
                assert!(policy.contains("sandbox"), "{policy}");
            }
            None => assert_eq!(answer.status, StatusCode::NOT_FOUND, "{photo}"),
        }
    }
}
