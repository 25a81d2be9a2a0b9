//! The EHR's first page: choose what is open, and start an app, in a tab or in a frame.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};

use crate::context::Context;
use crate::launch::launch;
use crate::launches::LaunchContext;
use crate::pages::{self, Entry, Framed, Framing, Launcher, refusal, show};
use crate::parameters::{Parameters, read_form};
use crate::responses::{css, redirect};
use crate::same_origin::{is_for_loopback, is_of_another_site};
use crate::world::Resource;

/// An app's launch URL may be this long, in octets.
const MAX_URL_OCTETS: usize = 2048;

/// `GET /_sandbox/style.css`.
pub(crate) async fn style() -> Response {
    css(include_str!("style.css"))
}

/// `GET /`. Under another name of this machine the forms would come from another site. A query fills
/// the form in, by the names of its fields, and starts nothing.
pub(crate) async fn get(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let urls = &context.urls;
    if urls.is_loopback() && is_for_loopback(&headers) && !urls.is_at(&headers) {
        return redirect(StatusCode::SEE_OTHER, &format!("{}/", urls.base()));
    }
    let query = query.unwrap_or_default();
    page(&context, &Parameters::parse(query.as_bytes()), None)
}

/// `POST /launch`.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if is_of_another_site(&headers) {
        return refusal(&context.urls, "Another site has sent this form.");
    }
    match read_form(&headers, body).await {
        Ok(form) => {
            let started = start(&context, &form);
            started.unwrap_or_else(|it| page(&context, &form, Some(&it)))
        }
        Err(error) => refusal(&context.urls, &error.to_string()),
    }
}

/// Starts the app, or says what is wrong with the choice.
fn start(context: &Context, form: &Parameters) -> Result<Response, String> {
    let world = context.world();
    let client = form.get("client_id").and_then(|it| context.client(it));
    let client = client.ok_or("No app of this name is registered.")?;
    let client_id = &client.registration.client_id;
    let launch_url = form.get("launch_url").filter(|it| is_web_address(it));
    let launch_url = launch_url.ok_or("The launch URL must be http or https.")?;
    let user = form.get("user").and_then(|it| world.user(it));
    let user = user.ok_or("There is no such user.")?;
    let mut open = LaunchContext::new().user(user.reference());
    if let Some(id) = form.get("patient") {
        open = open.patient(id);
    }
    if let Some(id) = form.get("encounter") {
        open = open.encounter(id);
    }
    let is_framed = form.get("view") == Some("frame");
    if is_framed {
        open = open.without_banner();
    }
    let launched = launch(context, client_id, open);
    let launched = launched.map_err(|it| format!("The launch could not be made: {it}."))?;
    let url = launched.url(launch_url);
    if !is_framed {
        return Ok(redirect(StatusCode::SEE_OTHER, &url));
    }
    let page = Framed {
        style: &pages::style(&context.urls),
        title: "EHR",
        user: &user.name,
        patient: form
            .get("patient")
            .and_then(|it| world.find("Patient", it))
            .map(Resource::label),
        home: &format!("{}/", context.urls.base()),
        url: &url,
        client_id,
    };
    Ok(show(StatusCode::OK, &page, Framing::ShowsApp))
}

/// Whether a browser can be sent there, and nothing else than a page opens.
pub(crate) fn is_web_address(url: &str) -> bool {
    let is_plain = url.len() <= MAX_URL_OCTETS
        && url.bytes().all(|it| it.is_ascii_graphic())
        && !url.contains('#');
    is_plain
        && url.parse::<Uri>().is_ok_and(|it| {
            matches!(it.scheme_str(), Some("http" | "https")) && it.authority().is_some()
        })
}

fn page(context: &Context, form: &Parameters, problem: Option<&str>) -> Response {
    let urls = &context.urls;
    let entry = |field: &str, value: String, label: String| Entry {
        is_chosen: form.get(field) == Some(&value),
        value,
        label,
    };
    let world = context.world();
    let clients = context.client_ids().into_iter();
    let users = world.users().iter();
    let patients = world.of_type("Patient");
    let encounters = world.of_type("Encounter").map(|it| {
        let patient = it.patient.as_deref().unwrap_or_default();
        let of = world.find("Patient", patient);
        let label = format!("{}: {}", of.map_or(patient, Resource::label), it.label());
        entry("encounter", it.id.clone(), label)
    });
    let playing = context.script.playing().into_iter();
    let page = Launcher {
        style: &pages::style(urls),
        title: "EHR",
        problem,
        action: &urls.launch(),
        launch_url: form.get("launch_url").unwrap_or_default(),
        clients: clients
            .map(|it| entry("client_id", it.clone(), it))
            .collect(),
        users: users
            .map(|it| {
                let label = format!("{} ({})", it.name, it.resource_type.name());
                entry("user", it.reference(), label)
            })
            .collect(),
        patients: patients
            .map(|it| entry("patient", it.id.clone(), it.label().to_owned()))
            .collect(),
        encounters: encounters.collect(),
        fhir: &urls.fhir(),
        issuer: &urls.issuer(),
        authorize: &urls.authorize(),
        token: &urls.token(),
        faults: playing.map(|(it, _)| (it.name(), it.does())).collect(),
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    show(status, &page, Framing::Refused)
}
