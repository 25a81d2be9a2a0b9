//! What the page says of scopes, of time, and of why the sign-in can be trusted.

use http::StatusCode;
use smart_sandbox::{DEFAULT_CLIENT_ID, Fault, Sandbox, SmartVersion, Times};

use crate::rig::{Answer, Browser, CHOICE, origin, provider, serve};

/// The page of a sign-in while this fault is played.
async fn page(fault: &str) -> Answer {
    let served = serve(&["--fault", fault]);
    let mut browser = Browser::new();
    let page = browser
        .post(&format!("{}/start", served.url()), &CHOICE)
        .await;
    assert_eq!(page.status, StatusCode::OK, "{fault}: {}", page.body);
    page
}

#[tokio::test]
async fn a_scope_beyond_what_was_asked_for_is_said_to_be_one() {
    let page = page("token-of-more-scope").await;
    let beyond = "<code>user/*.cruds</code></th><td class=\"bad\">granted, not asked for</td>";
    assert!(page.body.contains(beyond), "{}", page.body);
    assert!(!page.body.contains("in other words"), "{}", page.body);
}

// What the sign-in has met on its way stands on the page whose verdict it is.
#[tokio::test]
async fn what_was_odd_on_the_way_stands_beside_the_verdict() {
    for (fault, part) in [
        ("jwks-uris-disagree", "/other-keys"),
        (
            "algorithms-missing",
            "id_token_signing_alg_values_supported",
        ),
        ("padded-key", "padded base64url"),
        ("token-without-scope", "scope"),
    ] {
        let page = page(fault).await;
        let (_, odd) = page.body.split_once("<ul class=\"odd\">").unwrap();
        let (odd, _) = odd.split_once("</ul>").unwrap();
        assert!(odd.contains(part), "{fault}: {odd}");
        assert_eq!(odd.matches("<li>").count(), 1, "{fault}: {odd}");
        let verdict = "Every check has passed; what is odd stands below.";
        assert!(page.body.contains(verdict), "{fault}: {}", page.body);
        assert!(
            page.body
                .contains("names its issuer, the issuer names its keys")
        );
    }
}

#[tokio::test]
async fn the_way_to_the_keys_is_the_one_that_was_gone() {
    for (fault, part) in [
        (
            "smart-without-issuer",
            "names no issuer. Its own address was tried",
        ),
        (
            "smart-configuration-absent",
            "is of SMART 1.0 and names no issuer",
        ),
    ] {
        let builder = Sandbox::builder(provider()).version(SmartVersion::V1_0);
        let builder = builder.fault(Fault::named(fault).unwrap(), Times::UntilTakenBack);
        let ehr = builder.start().await.unwrap();
        let base = ehr.fhir_base();
        let served = serve(&[
            "--fhir-base",
            &base,
            "--client-id",
            DEFAULT_CLIENT_ID,
            "--allow-loopback",
            "--smart-1-0",
        ]);
        let page = Browser::new()
            .get(&format!("{}/launch", served.url()))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{fault}: {}", page.body);
        assert!(page.body.contains(part), "{fault}: {}", page.body);
        assert!(!page.body.contains("names its issuer"), "{fault}");
    }
}

// The seconds that are left are counted by the server: a browser whose clock is wrong would count others.
#[tokio::test]
async fn what_is_left_does_not_depend_on_the_clock_of_the_browser() {
    let served = serve(&[]);
    let mut browser = Browser::new();
    let page = browser
        .post(&format!("{}/start", served.url()), &CHOICE)
        .await;
    let mut left = Vec::new();
    for part in page.body.split("data-left=\"").skip(1) {
        left.push(part.split('"').next().unwrap().parse::<u64>().unwrap());
    }
    let [access, session] = left.as_slice() else {
        panic!("{left:?}: {}", page.body);
    };
    // They have only just begun: an hour, and half a day.
    assert!((3_500..=3_600).contains(access), "{access}");
    assert!((43_100..=43_200).contains(session), "{session}");
    let script = browser
        .get(&format!("{}/assets/dashboard.js", served.url()))
        .await;
    assert!(script.body.contains("performance.now()"));
    assert!(!script.body.contains("Date"), "{}", script.body);
}

/// The form of a page of the embedded EHR as a person sends it who unticks `openid`: where it goes, and
/// its fields.
fn without_openid(page: &Answer) -> (String, Vec<(String, String)>) {
    let (_, form) = page.body.split_once("<form").unwrap();
    let form = form.split("</form>").next().unwrap();
    let attribute = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for input in form.split("<input").skip(1) {
        let (tag, label) = input.split_once('>').unwrap();
        let is_chosen = !tag.contains("type=\"radio\"") || tag.contains(" checked");
        if is_chosen && !label.contains("<code>openid</code>") {
            let (name, value) = (attribute(tag, "name"), attribute(tag, "value"));
            fields.push((name.unwrap(), value.unwrap()));
        }
    }
    let (_, button) = form.split_once("<button").unwrap();
    fields.push(("decision".to_owned(), attribute(button, "value").unwrap()));
    (attribute(form, "action").unwrap(), fields)
}

#[tokio::test]
async fn whoever_unticks_openid_ends_on_a_page_and_not_in_a_session_that_nobody_can_end() {
    let served = serve(&["--ask"]);
    let mut browser = Browser::new();
    let mut page = browser.get(&format!("{}/launch", served.url())).await;
    let mut asked = 0;
    // Who, which patient, which scopes.
    while !page.url.starts_with(&served.url()) {
        asked += 1;
        assert!(asked < 5, "{}", page.body);
        let (action, fields) = without_openid(&page);
        let fields = fields.iter().map(|it| (it.0.as_str(), it.1.as_str()));
        let fields: Vec<_> = fields.collect();
        let url = match action.starts_with('/') {
            true => format!("{}{action}", origin(&page.url)),
            false => action,
        };
        page = browser.post(&url, &fields).await;
    }
    assert!(asked > 1);
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    for part in ["Access was not given", "href=\"/launch\""] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let held = browser.cookies.iter().find(|it| it.1.contains("session"));
    assert!(held.is_none(), "{held:?}");
}
