//! The pages of a sign-in.

use core::time::Duration;
use std::sync::Arc;

use super::flow::{
    NOW, Pairs, STATE, authorize, builder, encode, exchange, redeem, request, verify, with,
};
use super::http::{Answer, get, post_form, send};
use crate::{
    ClientRegistration, DEFAULT_CLIENT_ID, FixedClock, LaunchContext, RedirectRule, Sandbox,
};

async fn asking() -> (Sandbox, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    let builder = builder().auto_approve(false).clock(clock.clone());
    (builder.start().await.unwrap(), clock)
}

fn request_id(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let (_, rest) = page
        .body
        .split_once("name=\"request_id\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn decide(sandbox: &Sandbox, request_id: &str, rest: &[(&'static str, &str)]) -> Answer {
    let mut pairs: Pairs = vec![("request_id", request_id.to_owned())];
    pairs.extend(
        rest.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let url = format!("{}/oidc/authorize/decision", sandbox.base_url());
    post_form(&url, &encode(&pairs)).await
}

const APPROVE: (&str, &str) = ("decision", "approve");
const DENY: (&str, &str) = ("decision", "deny");
const NEXT: (&str, &str) = ("decision", "next");
const DOCTOR: (&str, &str) = ("user", "Practitioner/dr-smith");
const SCOPE: [(&str, &str); 4] = [
    ("scope-0", "on"),
    ("scope-1", "on"),
    ("scope-2", "on"),
    ("scope-3", "on"),
];

/// The consent page, after both choices.
async fn at_consent(sandbox: &Sandbox) -> String {
    let id = request_id(&authorize(sandbox, &request(sandbox)).await);
    decide(sandbox, &id, &[NEXT, DOCTOR]).await;
    let page = decide(sandbox, &id, &[NEXT, ("patient", "p-3")]).await;
    assert!(page.body.contains("Approve"), "{}", page.body);
    id
}

#[tokio::test]
async fn a_user_and_a_patient_are_chosen_and_the_code_comes_once() {
    let (sandbox, _) = asking().await;
    let page = authorize(&sandbox, &request(&sandbox)).await;
    assert_eq!(page.header("location"), None);
    assert_eq!(page.header("x-frame-options"), Some("DENY"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    for shown in [
        "Dr. Jordan Smith, MD",
        "PractitionerRole/dr-okafor-cardiology",
        "Patient/p-2",
        "RelatedPerson/rp-1",
        "Person/person-1",
        "Not for patients",
    ] {
        assert!(page.body.contains(shown), "{shown}");
    }
    let id = request_id(&page);
    let page = decide(&sandbox, &id, &[NEXT, DOCTOR]).await;
    assert_eq!(request_id(&page), id);
    assert_eq!(page.body.matches("name=\"patient\"").count(), 4);
    assert!(page.body.contains("Zoë Beispiel-Çelik"));
    let page = decide(&sandbox, &id, &[NEXT, ("patient", "p-3")]).await;
    assert!(page.body.contains("Quinn Placeholder"));
    assert!(page.body.contains("know which patient it is about"));
    let mut choice = SCOPE.to_vec();
    choice.push(APPROVE);
    let answer = decide(&sandbox, &id, &choice).await;
    assert_eq!(answer.status, 303);
    let (_, parameters) = answer.redirect();
    assert_eq!(parameters["state"], STATE);
    let tokens = redeem(&sandbox, &exchange(&parameters["code"])).await;
    assert_eq!(tokens.json()["patient"], "p-3");
    let again = decide(&sandbox, &id, &choice).await;
    assert_eq!((again.status, again.header("location")), (400, None));
}

#[tokio::test]
async fn each_user_signs_in_as_himself_and_relatives_have_their_patient() {
    let (sandbox, _) = asking().await;
    for (user, patient) in [
        ("Practitioner/dr-smith", None),
        ("PractitionerRole/dr-okafor-cardiology", None),
        ("Patient/p-2", Some("p-2")),
        ("RelatedPerson/rp-1", Some("p-1")),
        ("Person/person-1", Some("p-3")),
    ] {
        let id = request_id(&authorize(&sandbox, &request(&sandbox)).await);
        let page = decide(&sandbox, &id, &[NEXT, ("user", user)]).await;
        let is_asked = page.body.contains("name=\"patient\"");
        assert_eq!(is_asked, patient.is_none(), "{user}");
        if is_asked {
            decide(&sandbox, &id, &[NEXT, ("patient", "p-4")]).await;
        } else {
            // Nobody else can be chosen either.
            let other = decide(&sandbox, &id, &[NEXT, ("patient", "p-4")]).await;
            assert_eq!(other.status, 400, "{user}");
        }
        let mut choice = SCOPE.to_vec();
        choice.push(APPROVE);
        let (_, parameters) = decide(&sandbox, &id, &choice).await.redirect();
        let tokens = redeem(&sandbox, &exchange(&parameters["code"]))
            .await
            .json();
        assert_eq!(tokens["patient"], patient.unwrap_or("p-4"));
        let id_token = tokens["id_token"].as_str().unwrap();
        let (claims, _) = verify(&sandbox, id_token, smart_jose::Algorithms::ID_TOKEN).await;
        let expected = format!("{}/{user}", sandbox.fhir_base());
        assert_eq!(claims["fhirUser"], expected);
    }
}

#[tokio::test]
async fn what_is_unticked_is_not_granted() {
    let (sandbox, _) = asking().await;
    let id = at_consent(&sandbox).await;
    let choice = [SCOPE[0], SCOPE[2], APPROVE];
    let (_, parameters) = decide(&sandbox, &id, &choice).await.redirect();
    let tokens = redeem(&sandbox, &exchange(&parameters["code"]))
        .await
        .json();
    assert_eq!(tokens["scope"], "openid profile");
    assert!(tokens.get("patient").is_none());
    let id = at_consent(&sandbox).await;
    let (_, parameters) = decide(&sandbox, &id, &[APPROVE]).await.redirect();
    assert_eq!(parameters["error"], "access_denied");
}

// covers: SMART-AUT-22, ISSP-1
#[tokio::test]
async fn a_denial_reaches_the_app() {
    let (sandbox, _) = asking().await;
    let id = request_id(&authorize(&sandbox, &request(&sandbox)).await);
    let answer = decide(&sandbox, &id, &[DENY]).await;
    assert_eq!(answer.status, 303);
    let (_, parameters) = answer.redirect();
    assert_eq!(parameters["error"], "access_denied");
    assert_eq!(parameters["state"], STATE);
    assert_eq!(parameters["iss"], sandbox.issuer());
    assert!(!parameters.contains_key("code"));
    assert_eq!(decide(&sandbox, &id, &[APPROVE]).await.status, 400);
}

#[tokio::test]
async fn a_decision_without_a_live_page_is_refused() {
    let (sandbox, clock) = asking().await;
    let first = request_id(&authorize(&sandbox, &request(&sandbox)).await);
    let second = request_id(&authorize(&sandbox, &request(&sandbox)).await);
    decide(&sandbox, &second, &[NEXT, DOCTOR]).await;
    let ready = at_consent(&sandbox).await;
    for (id, choice) in [
        ("guess", &[APPROVE][..]),
        ("", &[APPROVE]),
        (&ready, &[("decision", "maybe")]),
        (&ready, &[]),
        (&first, &[SCOPE[0], APPROVE]),
        (&second, &[SCOPE[0], APPROVE]),
        (&first, &[NEXT, ("user", "Practitioner/nobody")]),
        (&ready, &[NEXT, ("patient", "p-9")]),
    ] {
        let answer = decide(&sandbox, id, choice).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
    let url = format!("{}/oidc/authorize/decision", sandbox.base_url());
    assert_eq!(get(&url).await.status, 405);
    clock.advance(Duration::from_secs(600));
    let answer = decide(&sandbox, &ready, &[SCOPE[0], APPROVE]).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let (sandbox, _) = asking().await;
    let id = at_consent(&sandbox).await;
    let body = format!("request_id={id}&decision=approve&scope-0=on");
    let url = format!("{}/oidc/authorize/decision", sandbox.base_url());
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (site, expected) in [
        ("cross-site", 400),
        ("same-site", 400),
        ("same-origin", 303),
    ] {
        let headers = [form, ("sec-fetch-site", site)];
        let answer = send("POST", &url, &headers, Some(&body)).await;
        assert_eq!(answer.status, expected, "{site}");
    }
}

// covers: OIDC-AUT-6
#[tokio::test]
async fn no_page_is_shown_to_an_app_that_forbids_one() {
    let (sandbox, _) = asking().await;
    let answer = authorize(&sandbox, &with(request(&sandbox), "prompt", "none")).await;
    assert_eq!(answer.status, 302);
    assert_eq!(answer.redirect().1["error"], "consent_required");
}

#[tokio::test]
async fn an_ehr_launch_knows_who_and_about_whom_and_asks_in_the_frame_of_the_ehr() {
    let (sandbox, _) = asking().await;
    let open = LaunchContext::new()
        .patient("p-2")
        .user("PractitionerRole/dr-okafor-cardiology");
    let launch = sandbox.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
    let asked = with(
        request(&sandbox),
        "scope",
        "launch openid fhirUser patient/*.rs",
    );
    let page = authorize(&sandbox, &with(asked, "launch", &launch.launch)).await;
    assert!(page.body.contains("Approve") && page.body.contains("Morgan Sample"));
    assert!(page.body.contains("Dr. Chidi Okafor, Cardiology"));
    assert_eq!(page.header("x-frame-options"), Some("SAMEORIGIN"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'self'"));
    let nobody = LaunchContext::new().user("Practitioner/nobody");
    let error = sandbox.ehr_launch(DEFAULT_CLIENT_ID, nobody).unwrap_err();
    assert_eq!(error.code(), "sandbox-launch-user");
}

#[tokio::test]
async fn names_on_the_page_are_text() {
    let client_id = "<script>alert(1)</script>";
    let rule = RedirectRule::AnyLoopback {
        path: "/callback".into(),
    };
    let sandbox = builder()
        .auto_approve(false)
        .register_client(ClientRegistration::new(client_id, vec![rule]))
        .start()
        .await
        .unwrap();
    let page = authorize(&sandbox, &with(request(&sandbox), "client_id", client_id)).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("&#60;script&#62;"));
    assert!(!page.body.contains("<script>"));
}
