//! An app with a page that names no launch: whoever has two patients open is asked which one is meant.

use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use smart_axum::{BrowserSession, SmartAxum, WebSettings};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, IssuerRegistry, PlainHttp, ReqwestClient, SystemClock,
};
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_oidc::jose::CryptoProvider;
use smart_oidc::{ClientConfig, ClientId, MemoryStore, RedirectUri};
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext, Sandbox};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::ehr;
use crate::looks;

async fn chart(session: BrowserSession) -> Html<String> {
    let patient = session.launch().context().patient.as_deref();
    Html(format!(
        "<!doctype html><h1>Chart of {}</h1>",
        patient.unwrap()
    ))
}

fn flow(ehr: &Sandbox, url: &str) -> LaunchFlow {
    let provider = CryptoProvider::ring();
    let http = Arc::new(ReqwestClient::builder().allow_loopback().build().unwrap());
    let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly).unwrap();
    let redirect = RedirectUri::new(format!("{url}/callback"));
    let client = ClientConfig::public(ClientId::new(DEFAULT_CLIENT_ID), redirect);
    let client = client.with_scope("launch/patient");
    let registered = Registrations::new().with(base, client).unwrap();
    let clock = Arc::new(SystemClock::new());
    let discovery = Discovery::new(http.clone()).allow_loopback_http();
    let issuers = IssuerRegistry::new(discovery, provider, clock.clone());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    LaunchFlow::new(registered, issuers, http, provider, clock, store)
}

/// Serves the app, and gives its address.
async fn app(ehr: &Sandbox) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = WebSettings::new(&url).unwrap().with_name("Growth Chart");
    let settings = settings.with_help("Help desk: extension 4711");
    let smart = SmartAxum::new(settings, flow(ehr, &url)).unwrap();
    let pages = Router::new()
        .route("/s/{tag}/", get(chart))
        .route("/chart", get(chart));
    let router = smart.mount(pages).with_state(smart);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

#[tokio::test]
async fn a_page_that_could_be_of_two_patients_asks() {
    let Some(browser) = Browser::open().await else {
        return;
    };
    let ehr = ehr::start().await;
    let url = app(&ehr).await;
    for patient in ["p-1", "p-2"] {
        let open = LaunchContext::new().patient(patient);
        let launch = ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
        browser.open_tab().await;
        browser.visit(&launch.url(&format!("{url}/launch"))).await;
        browser
            .wait_for_heading(&format!("Chart of {patient}"))
            .await;
    }
    browser.visit(&format!("{url}/chart")).await;
    browser.wait_for_heading("Which patient?").await;
    assert!(browser.text().await.contains("Help desk: extension 4711"));
    looks::check_page(&browser, "refused-which-patient").await;
    looks::check_keyboard(&browser, "refused-which-patient").await;
    browser.press("patient p-1").await;
    browser.wait_for_heading("Chart of p-1").await;
}
