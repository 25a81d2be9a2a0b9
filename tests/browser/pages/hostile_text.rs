//! What a server sends as a name stays text: on the pages of the app and on those of the EHR.

use serde_json::{Value, json};
use smart_sandbox::{SandboxUser, UserType};

use crate::browser::Browser;
use crate::ehr;
use crate::looks;
use crate::meddler::{self, Change, Meddler};

const SCRIPT: &str = "<script>window.pwned = 1</script>";
const IMAGE: &str = "<img src=x onerror='window.pwned = 2'>";
/// It turns the text beside it, unless somebody sees to it.
const TURNED: &str = "\u{202e}\u{5e9}\u{5dc}\u{5d5}\u{5dd}";

#[tokio::test]
async fn names_run_no_script_and_turn_nothing_around() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    // The escapes hold by themselves, also where a policy is lost on the way.
    let cases: [Change; 2] = [meddler::nothing, meddler::no_frame_rules];
    for (number, change) in cases.into_iter().enumerate() {
        let name = format!("{SCRIPT}{IMAGE}{TURNED}");
        let user = SandboxUser::new(UserType::Practitioner, "dr-x", "sub-x", &name);
        let user = user.with_resource(json!({
            "name": [{ "text": name }],
            "qualification": [{ "code": { "text": IMAGE } }],
            "photo": [{ "url": "javascript:window.pwned = 3" }],
        }));
        let patient = json!({ "resourceType": "Patient", "id": "p-x", "name": [{ "text": name }] });
        let ehr = ehr::builder()
            .user(user)
            .resource(patient)
            .auto_approve(false);
        let ehr = ehr.start().await.unwrap();
        let meddler = Meddler::before(&ehr, change).await;
        let served = meddler.app();
        browser.visit(&ehr::launch(&ehr, served, "p-x")).await;
        browser.wait_for("button", "Approve").await;
        assert!(browser.text().await.contains(SCRIPT));
        assert_eq!(
            browser.value("window.pwned === undefined").await,
            json!(true)
        );
        looks::keep(&browser, "ehr-consent.hostile").await;
        browser.press("Approve").await;
        browser.wait_for_heading("Dashboard").await;
        let text = browser.text().await;
        assert!(
            text.matches(SCRIPT).count() >= 2 && text.contains(IMAGE),
            "{text}"
        );
        assert!(!text.contains('\u{202e}'), "{text}");
        assert_eq!(
            browser.value("window.pwned === undefined").await,
            json!(true)
        );
        assert_eq!(
            browser.value("document.querySelector('main img')").await,
            Value::Null
        );
        if number == 0 {
            looks::check_page(&browser, "dashboard-hostile").await;
        }
        // And what a stranger puts into a link.
        let link = format!(
            "{}/launch?iss=%3Cscript%3Ewindow.pwned=4%3C/script%3E&launch=x",
            served.url()
        );
        browser.visit(&link).await;
        browser
            .wait_for_heading("The app is not set up for this system")
            .await;
        assert_eq!(
            browser.value("window.pwned === undefined").await,
            json!(true)
        );
        assert!(!browser.source().await.contains("pwned"));
    }
}
