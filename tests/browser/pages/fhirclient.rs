//! `fhirclient` of npm in the browser: an app of nothing but scripts, on another origin than the EHR.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use smart_sandbox::{ClientRegistration, LaunchContext, RedirectRule};
use smart_tests::installed;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::ehr;

const CLIENT_ID: &str = "app-of-scripts";
const LAUNCH: &str = r#"<!doctype html><html lang="en"><title>Launch</title><script src="/fhir-client.js"></script>
<script>
const digest = crypto.subtle.digest.bind(crypto.subtle);
crypto.subtle.digest = (...it) => (sessionStorage.setItem('hashedBy', 'the browser'), digest(...it));
FHIR.oauth2.authorize({ clientId: 'app-of-scripts', redirectUri: '/app', pkceMode: 'required',
scope: 'openid fhirUser launch offline_access patient/*.rs user/*.rs' });</script></html>"#;
const APP: &str = r#"<!doctype html><html lang="en"><title>App</title><main><h1></h1><pre></pre></main>
<script src="/fhir-client.js"></script><script>
const show = (heading, text) => {
  document.querySelector('pre').textContent = text;
  document.querySelector('h1').textContent = heading;
};
FHIR.oauth2.ready().then(async (client) => {
  const [patient, user] = [await client.patient.read(), await client.user.read()];
  const first = client.state.tokenResponse.access_token;
  await client.refresh();
  const again = await client.request('Patient/' + patient.id);
  show('Signed in', [patient.name[0].text ?? patient.name[0].family, user.name[0].text, client.getFhirUser(),
    first !== client.state.tokenResponse.access_token, again.id, client.getIdToken().sub,
    sessionStorage.getItem('hashedBy'), client.state.codeVerifier.length >= 43].join('\n'));
}).catch((error) => show('Failed', String(error)));
</script></html>"#;

/// The app, at another site than the EHR.
async fn app(folder: &Path) -> String {
    let script = folder.join("node_modules/fhirclient/build/fhir-client.min.js");
    let script: Arc<str> = fs::read_to_string(script).unwrap().into();
    let serve_script = move || {
        let script = script.to_string();
        async move { ([(CONTENT_TYPE, "text/javascript")], script) }
    };
    let router = Router::new()
        .route("/launch", get(|| async { Html(LAUNCH) }))
        .route("/app", get(|| async { Html(APP) }))
        .route("/fhir-client.js", get(serve_script));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

// covers: SMART-CTX-6
#[tokio::test]
async fn fhirclient_signs_in_from_another_origin() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let Some(folder) = installed::of_npm(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let app = app(folder).await;
    let redirect = RedirectRule::Exact(format!("{app}/app"));
    let registered = ClientRegistration::new(CLIENT_ID, vec![redirect]);
    let ehr = ehr::builder().register_client(registered);
    let ehr = ehr.start().await.unwrap();
    let open = LaunchContext::new().patient("p-1");
    let launch = ehr.ehr_launch(CLIENT_ID, open).unwrap();
    browser.visit(&launch.url(&format!("{app}/launch"))).await;
    browser.wait_for_heading("Signed in").await;
    let text = browser.text().await;
    for part in [
        "Riley Example",
        "Dr. Jordan Smith, MD",
        "Practitioner/dr-smith",
        // Refreshed, and the chart read once more.
        "true\np-1\n7c9f2b1e-dr-smith",
        // The challenge is of the browser's own cryptography, and of nothing that stands in for it.
        "the browser\ntrue",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!browser.url().await.contains("code="));
}

/// An origin that no app is registered with is not told what the servers say.
#[tokio::test]
async fn a_script_of_an_unknown_origin_reads_no_token() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let Some(folder) = installed::of_npm(env!("CARGO_TARGET_TMPDIR")) else {
        return;
    };
    let app = app(folder).await;
    let ehr = ehr::builder();
    let other = RedirectRule::Exact("http://127.0.0.1:9/app".to_owned());
    let ehr = ehr.register_client(ClientRegistration::new(CLIENT_ID, vec![other]));
    let ehr = ehr.start().await.unwrap();
    browser.visit(&format!("{app}/app")).await;
    browser.wait_for_heading("Failed").await;
    const ASK: &str = "const [url, done] = arguments;
        fetch(url, { method: 'POST', body: new URLSearchParams({ grant_type: 'authorization_code' }) })
            .then((it) => done('read'), () => done('kept'));";
    let configuration = format!("{}/.well-known/smart-configuration", ehr.fhir_base());
    const READ: &str = "const [url, done] = arguments; fetch(url).then((it) => it.json()).then((it) => done(it.token_endpoint), () => done('kept'));";
    let endpoint = browser.run(READ, vec![configuration.into()]).await;
    assert_ne!(endpoint, "kept");
    assert_eq!(browser.run(ASK, vec![endpoint]).await, "kept");
}
