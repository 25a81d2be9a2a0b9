//! `smart serve`: a dashboard that signs people in, with an EHR in the same program or a real one.

mod app;
mod assets;
mod card;
mod chart;
mod checks;
mod dashboard;
mod documents;
mod home;
mod page;
mod reports;
mod settings;

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use smart_axum::{CookieMode, Embedding, SettingsError, SmartAxum, WebSettings};
use smart_oidc::discovery::{
    Discovery, FhirBaseUrl, IssuerRegistry, PlainHttp, Smart10Fallback, SystemClock,
};
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_oidc::{ClientAuthentication, ClientConfig, ClientId, MemoryStore, RedirectUri};
use smart_sandbox::{DEFAULT_CLIENT_ID, Fault, Sandbox, Times};
use tokio::net::TcpListener;

use self::app::App;
use self::reports::Reports;
use self::settings::{Ehr, Settings};
use crate::args::{NetworkArgs, ServeArgs};
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{discover, output, sandbox};

/// A screen that somebody walks away from is signed out.
const IDLE_LIFE: Duration = Duration::from_secs(30 * 60);

/// The path of the redirect URI of every app.
const CALLBACK: &str = "/callback";

pub(crate) async fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let settings = Settings::read(args)?;
    let listener = TcpListener::bind(settings.bind).await;
    let listener = listener.map_err(|error| Failure::io(format!("{}: {error}", settings.bind)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::io(error.to_string()))?;
    let (ehr, sandbox) = match settings.ehr {
        Some(ehr) => (ehr, None),
        None => {
            let sandbox = Arc::new(start_sandbox(args).await?);
            let ehr = Ehr {
                fhir_base: sandbox.fhir_base(),
                client_id: DEFAULT_CLIENT_ID.to_owned(),
                redirect_uri: format!("http://{address}{CALLBACK}"),
                authentication: ClientAuthentication::Public,
            };
            (ehr, Some(sandbox))
        }
    };
    let url = ehr
        .redirect_uri
        .strip_suffix(CALLBACK)
        .ok_or_else(|| Failure::usage(format!("the redirect URI must end with {CALLBACK}")))?;
    let mut framed_by = settings.framed_by;
    framed_by.extend(sandbox.iter().map(|it| it.base_url()));
    let web = web_settings(url, &framed_by, args.development_cookies);
    let web = web.map_err(|error| Failure::usage(error.to_string()))?;

    let client = ClientConfig::confidential(
        ClientId::new(ehr.client_id.as_str()),
        RedirectUri::new(ehr.redirect_uri.as_str()),
        ehr.authentication.clone(),
    );
    let client = client.with_scope(&settings.scope);
    let asked = client.scopes.clone();
    let reports = Arc::new(Reports::default());
    let flow = flow(args, &ehr, client, sandbox.is_some())?.with_witness(reports.clone());
    let smart = SmartAxum::new(web, flow).map_err(|error| Failure::usage(error.to_string()))?;

    let app = App::new(smart.clone(), sandbox.clone(), reports, asked);
    output::line(format_args!("dashboard   {url}/"));
    output::line(format_args!("launch URL  {url}/launch"));
    output::line(format_args!("FHIR base   {}", ehr.fhir_base));
    if let Some(sandbox) = &sandbox {
        output::line(format_args!("EHR         {}/", sandbox.base_url()));
        output::line("The people are invented: this is no server for patients.");
    }
    output::line("Stop it with Ctrl-C.");
    let stop = async {
        // Where no signal can be listened to it runs until it is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    };
    let served = smart_axum::serve(&smart, listener, router(&smart, app), stop).await;
    // Whoever else has a handle of it is gone with the router.
    if let Some(sandbox) = sandbox.and_then(Arc::into_inner) {
        sandbox.shutdown().await;
    }
    served.map_err(|error| Failure::io(error.to_string()))?;
    Ok(Exit::Valid)
}

async fn start_sandbox(args: &ServeArgs) -> Result<Sandbox, Failure> {
    // Under the other name it is another site to browsers, as an EHR is.
    let mut builder = Sandbox::builder(provider())
        .named_localhost()
        .auto_approve(!args.ask);
    for name in &args.fault {
        let fault = Fault::named(name).ok_or_else(|| {
            Failure::usage(format!(
                "there is no fault {name:?}; smart sandbox --list-faults prints them"
            ))
        })?;
        builder = builder.fault(fault, Times::UntilTakenBack);
    }
    builder.start().await.map_err(sandbox::failure)
}

fn web_settings(
    url: &str,
    framed_by: &[String],
    has_development_cookies: bool,
) -> Result<WebSettings, SettingsError> {
    let settings = WebSettings::new(url)?
        .with_name("SMART dashboard")
        // Nobody spreads requests over this one.
        .with_time_to_leave(Duration::ZERO)
        .with_standalone_launch();
    if has_development_cookies {
        return Ok(settings.with_cookies(CookieMode::LoopbackDevelopment));
    }
    match framed_by {
        [] => Ok(settings),
        origins => {
            let origins = origins.iter().map(String::as_str);
            Ok(settings.with_embedding(Embedding::framed_by(origins)?))
        }
    }
}

fn flow(
    args: &ServeArgs,
    ehr: &Ehr,
    client: ClientConfig,
    is_embedded: bool,
) -> Result<LaunchFlow, Failure> {
    let own = NetworkArgs::loopback();
    let network = match is_embedded {
        true => &own,
        false => &args.network,
    };
    let base = FhirBaseUrl::parse_with(&ehr.fhir_base, network.plain()).map_err(|error| {
        let hint = discover::loopback_hint(&ehr.fhir_base);
        Failure::usage(format!("--fhir-base: {error}{hint}"))
    })?;
    let registered = Registrations::new().with(base, client);
    let registered = registered.map_err(|error| Failure::usage(error.to_string()))?;
    let http = discover::client(network)?;
    let mut discovery = Discovery::new(http.clone());
    if network.plain() == PlainHttp::LoopbackOnly {
        discovery = discovery.allow_loopback_http();
    }
    if network.smart_1_0 {
        discovery = discovery.smart_1_0_fallback(Smart10Fallback::CapabilityStatement);
    }
    let clock = Arc::new(SystemClock::new());
    let issuers = IssuerRegistry::new(discovery, provider(), clock.clone());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let flow = LaunchFlow::new(registered, issuers, http, provider(), clock, store);
    Ok(flow.with_idle_life(IDLE_LIFE))
}

fn router(smart: &SmartAxum, app: App) -> Router {
    let pages = Router::new()
        .route("/", get(home::get))
        .route("/start", post(home::start))
        .route("/s/{tag}/", get(dashboard::get))
        .route("/s/{tag}/refresh", post(dashboard::refresh))
        .route("/s/{tag}/photo", get(card::photo))
        .route("/assets/style.css", get(assets::style))
        .route("/assets/dashboard.js", get(assets::script));
    let router = smart.mount(pages).merge(smart.operations());
    router.with_state(app)
}
