//! The smallest app: it greets who signed in. `cargo run -p smart-axum --example greeting` starts it
//! together with an EHR to try it with, on this machine.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::response::Html;
use axum::routing::get;
use smart_axum::{BrowserSession, CookieMode, Profile, SmartAxum, WebSettings};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, HttpClient, IssuerRegistry, PlainHttp, ReqwestClient, SystemClock,
};
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_oidc::jose::CryptoProvider;
use smart_oidc::{ClientConfig, ClientId, MemoryStore, RedirectUri};
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext, Sandbox};
use tokio::net::TcpListener;

/// The page. A template escapes what it is given, and a name comes from outside.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Greeting</title></head>
<body><main>
<h1>Hello, {{ name }}</h1>
<p>You are {{ who }}, signed in by {{ issuer }}.</p>
<p>Patient: {{ patient }}</p>
<p><a href="{{ logout }}">Sign out</a></p>
</main></body>
</html>
"#
)]
struct Greeting<'p> {
    name: &'p str,
    who: String,
    issuer: &'p str,
    patient: &'p str,
    logout: String,
}

/// Where a sign-in ends, once for each patient that is open.
async fn home(app: SmartAxum, session: BrowserSession, Profile(user): Profile) -> Html<String> {
    let context = session.launch().context();
    let page = Greeting {
        name: user.name.as_deref().unwrap_or("whoever you are"),
        who: user
            .fhir_user
            .as_ref()
            .map_or_else(String::new, |it| it.url()),
        issuer: user.issuer(),
        patient: context.patient.as_deref().unwrap_or("none"),
        logout: app
            .url()
            .path(&format!("/logout?tag={}", session.tag().as_str())),
    };
    Html(page.render().unwrap_or_default())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let ehr = Sandbox::start(CryptoProvider::ring()).await?;

    // With a real EHR only these lines differ: its FHIR base, the client id, and https.
    let base = FhirBaseUrl::parse_with(&ehr.fhir_base(), PlainHttp::LoopbackOnly)?;
    let callback = RedirectUri::new(format!("{address}/callback"));
    let client = ClientConfig::public(ClientId::new(DEFAULT_CLIENT_ID), callback);
    let client = client.with_scope("launch/patient");
    let registered = Registrations::new().with(base, client)?;
    let http: Arc<dyn HttpClient> = Arc::new(ReqwestClient::builder().allow_loopback().build()?);
    let discovery = Discovery::new(http.clone()).allow_loopback_http();

    let (ring, clock) = (CryptoProvider::ring(), Arc::new(SystemClock::new()));
    let issuers = IssuerRegistry::new(discovery, ring, clock.clone());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    // Whoever walks away from the screen is signed out.
    let idle = Duration::from_secs(30 * 60);
    let flow = LaunchFlow::new(registered, issuers, http, ring, clock, store).with_idle_life(idle);

    // Safari refuses Secure cookies over http, hence the development mode; leave it out elsewhere.
    let settings = WebSettings::new(&address)?
        .with_name("Greeting")
        .with_cookies(CookieMode::LoopbackDevelopment)
        .with_time_to_leave(Duration::ZERO)
        .with_standalone_launch();
    let app = SmartAxum::new(settings, flow)?;
    let pages = Router::new().route("/s/{tag}/", get(home));
    let router = app.mount(pages).with_state(app.clone());
    // On a port of their own, to which no proxy leads.
    let operators = TcpListener::bind("127.0.0.1:0").await?;
    let operations = format!("http://{}", operators.local_addr()?);
    let routes = app.operations().with_state(app.clone());
    let operating = tokio::spawn(async move { axum::serve(operators, routes).await });

    let open = LaunchContext::new().patient("p-1");
    let launch = ehr.ehr_launch(DEFAULT_CLIENT_ID, open)?;
    let from_ehr = launch.url(&format!("{address}/launch"));
    show(&format!("as the EHR would open it, once: {from_ehr}"));
    show(&format!("by itself: {address}/launch"));
    show(&format!("for operators: {operations}/readyz"));
    show("Stop it with Ctrl-C.");
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    smart_axum::serve(&app, listener, router, stop).await?;
    // To the end it says that the program stops.
    operating.abort();
    ehr.shutdown().await;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "an example speaks to whoever runs it")]
fn show(line: &str) {
    println!("{line}");
}
