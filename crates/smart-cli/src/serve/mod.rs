//! `smart serve`: a dashboard that signs people in, with an EHR in the same program or with real ones.

mod app;
mod assets;
mod card;
mod chart;
mod checks;
mod credentials;
mod dashboard;
mod documents;
mod ehr;
mod file;
mod home;
mod page;
mod reach;
mod settings;
#[cfg(test)]
mod tests;

use core::time::Duration;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use smart_axum::web::{AppUrl, ClientKeys, ReportsFor, SignInReports};
use smart_axum::{CookieMode, Embedding, Metrics, SettingsError, SmartAxum, WebSettings};
use smart_oidc::discovery::{
    Clock, Discovery, FhirBaseUrl, IssuerRegistry, PlainHttp, Smart10Fallback, SystemClock,
};
use smart_oidc::flow::{LaunchFlow, Registrations};
use smart_oidc::{ClientAuthentication, ClientConfig, ClientId, MemoryStore, RedirectUri};
use smart_sandbox::{DEFAULT_CLIENT_ID, Fault, Sandbox, Times};
use tokio::net::TcpListener;

use self::app::{App, Ehr};
use self::reach::Reach;
use self::settings::{Settings, without_query};
use crate::args::{NetworkArgs, ServeArgs};
use crate::exit::{Exit, Failure};
use crate::provider::provider;
use crate::{discover, log, output, sandbox, signals};

/// A screen that somebody walks away from is signed out.
const IDLE_LIFE: Duration = Duration::from_secs(30 * 60);

/// The path of the redirect URI of every app.
const CALLBACK: &str = "/callback";

pub(crate) async fn run(args: &ServeArgs) -> Result<Exit, Failure> {
    let mut settings = Settings::read(args)?;
    let credentials = settings.ehrs.iter().map(|it| &it.credentials);
    let keys = credentials::published(credentials, &settings.published_key_files);
    let keys = keys.map_err(Failure::usage)?.map(ClientKeys::new);
    let metrics = Metrics::new();
    log::start(&settings.log, Some(&metrics))?;
    // From here on a signal lets what has begun be finished.
    let stop = signals::told_to_stop();

    let listener = TcpListener::bind(settings.bind).await;
    let listener = listener.map_err(|error| Failure::io(format!("{}: {error}", settings.bind)))?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::io(error.to_string()))?;
    let callback = callback(settings.redirect_uri.as_deref(), address)?;
    let url = without_query(&callback)
        .strip_suffix(CALLBACK)
        .ok_or_else(|| Failure::usage(format!("the redirect URI must end with {CALLBACK}")))?;
    let app_url = AppUrl::parse(url).map_err(|error| Failure::usage(error.to_string()))?;
    let reach = Reach {
        address,
        url: &app_url,
        has_development_cookies: args.development_cookies,
        is_framed: !settings.framed_by.is_empty(),
    };
    reach.check()?;
    let is_open = reach.is_open();
    let sandbox = match settings.ehrs.is_empty() {
        true => Some(Arc::new(start_sandbox(args).await?)),
        false => None,
    };
    if sandbox.is_some() {
        settings.network = NetworkArgs::loopback();
    }
    let ehrs = clients(&settings, sandbox.as_deref(), &callback)?;
    settings
        .framed_by
        .extend(sandbox.iter().map(|it| it.base_url()));
    let reports = SignInReports::new();
    let web = web_settings(url, &settings, args.development_cookies);
    let mut web = web.map_err(|error| Failure::usage(error.to_string()))?;
    if let Some(help) = settings.help_desk {
        web = web.with_help(help);
    }
    if let Some(keys) = keys {
        web = web.with_keys(keys);
    }
    // Whoever sees a page of an app on this machine is whoever runs it, and the people of the sandbox
    // are invented.
    let is_own = sandbox.is_some() || app_url.is_loopback();
    let readers = match settings.has_shown_reports || is_own {
        true => ReportsFor::Everybody,
        false => ReportsFor::Operators,
    };
    let web = web
        .with_metrics(metrics)
        .with_reports(reports.clone(), readers);
    let clock = Arc::new(SystemClock::new());
    let flow = flow(&settings.network, &ehrs, clock)?.with_witness(Arc::new(reports.clone()));
    let smart = SmartAxum::new(web, flow).map_err(|error| Failure::usage(error.to_string()))?;

    output::line(format_args!("dashboard   {url}/"));
    output::line(format_args!("launch URL  {url}/launch"));
    for ehr in &ehrs {
        output::line(format_args!("FHIR base   {}", ehr.base.as_str()));
    }
    if let Some(sandbox) = &sandbox {
        output::line(format_args!("EHR         {}/", sandbox.base_url()));
        output::line("The people are invented: this is no server for patients.");
    }
    if is_open {
        output::line(format_args!(
            "It listens on {address}, where other machines can reach it: let a proxy with TLS stand before it."
        ));
    }
    output::line("Stop it with Ctrl-C.");
    let app = App::new(smart.clone(), sandbox.clone(), reports, ehrs);
    let served = smart_axum::serve(&smart, listener, router(&smart, app), stop).await;
    // Whoever else has a handle of it is gone with the router.
    if let Some(sandbox) = sandbox.and_then(Arc::into_inner) {
        sandbox.shutdown().await;
    }
    served.map_err(|error| Failure::io(error.to_string()))?;
    Ok(Exit::Valid)
}

/// Where browsers come back to. On this machine it is where the program listens, unless it is said.
fn callback(said: Option<&str>, address: SocketAddr) -> Result<String, Failure> {
    match said {
        Some(uri) => Ok(uri.to_owned()),
        None if address.ip().is_loopback() => Ok(format!("http://{address}{CALLBACK}")),
        None => Err(Failure::usage(format!(
            "{address} can be reached from elsewhere, so the app needs --redirect-uri: where browsers find it"
        ))),
    }
}

/// What the app is to each EHR.
fn clients(
    settings: &Settings,
    sandbox: Option<&Sandbox>,
    callback: &str,
) -> Result<Vec<Ehr>, Failure> {
    let plain = settings.network.plain();
    let ehr = |name: &str, base: &str, client: ClientConfig, scope: &str| {
        let base = FhirBaseUrl::parse_with(base, plain).map_err(|error| {
            let hint = discover::loopback_hint(base);
            Failure::usage(format!("the fhir_base of {name}: {error}{hint}"))
        })?;
        Ok(Ehr {
            name: name.to_owned(),
            base,
            client: client.with_scope(scope),
        })
    };
    let client = |id: &str, uri: &str, authentication| {
        ClientConfig::confidential(ClientId::new(id), RedirectUri::new(uri), authentication)
    };
    if let Some(sandbox) = sandbox {
        let client = client(DEFAULT_CLIENT_ID, callback, ClientAuthentication::Public);
        let base = sandbox.fhir_base();
        return Ok(vec![ehr("the sandbox", &base, client, &settings.scope)?]);
    }
    let all = settings.ehrs.iter().map(|it| {
        let uri = it.redirect_uri.as_deref().unwrap_or(callback);
        let scope = it.scope.as_deref().unwrap_or(&settings.scope);
        let client = client(&it.client_id, uri, it.credentials.authentication.clone());
        ehr(&it.name, &it.fhir_base, client, scope)
    });
    all.collect()
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
    settings: &Settings,
    has_development_cookies: bool,
) -> Result<WebSettings, SettingsError> {
    let web = WebSettings::new(url)?
        .with_name("SMART dashboard")
        // Nobody spreads requests over this one.
        .with_time_to_leave(Duration::ZERO)
        .with_standalone_launch();
    if has_development_cookies {
        return Ok(web.with_cookies(CookieMode::LoopbackDevelopment));
    }
    match settings.framed_by.as_slice() {
        [] => Ok(web),
        origins => {
            let origins = origins.iter().map(String::as_str);
            Ok(web.with_embedding(Embedding::framed_by(origins)?))
        }
    }
}

fn flow(network: &NetworkArgs, ehrs: &[Ehr], clock: Arc<dyn Clock>) -> Result<LaunchFlow, Failure> {
    let mut registered = Registrations::new();
    for ehr in ehrs {
        let added = registered.with(ehr.base.clone(), ehr.client.clone());
        registered =
            added.map_err(|error| Failure::usage(format!("the EHR {}: {error}", ehr.name)))?;
    }
    let http = discover::client(network)?;
    let mut discovery = Discovery::new(http.clone());
    if network.plain() == PlainHttp::LoopbackOnly {
        discovery = discovery.allow_loopback_http();
    }
    if network.smart_1_0 {
        discovery = discovery.smart_1_0_fallback(Smart10Fallback::CapabilityStatement);
    }
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
        .route("/assets/dashboard.js", get(assets::script))
        .fallback(page::not_found);
    let router = smart.mount_with_fallback(pages);
    router.merge(smart.operations()).with_state(app)
}
