//! The first page: whom to sign in, and with which patient open.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext, LaunchError, Sandbox, SandboxUser};

use super::app::App;
use super::page::show;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'p> {
    root: &'p str,
    problem: Option<&'p str>,
    ehr: Option<Choices>,
    /// Real EHRs, as addresses that begin a sign-in there, names and FHIR bases.
    ehrs: Vec<(String, String, String)>,
}

/// What the embedded EHR has to choose from.
struct Choices {
    users: Vec<Choice>,
    /// As ids and names.
    patients: Vec<(String, String)>,
    launcher: String,
}

/// One user.
struct Choice {
    reference: String,
    label: String,
    is_chosen: bool,
}

impl Choices {
    /// All who may sign in and all who have a chart; where a user is chosen, only the charts that this one
    /// may see.
    fn new(sandbox: &Sandbox, chosen: Option<&str>, launch_url: &str) -> Self {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.append_pair("client_id", DEFAULT_CLIENT_ID);
        fields.append_pair("launch_url", launch_url);
        let (users, all) = (sandbox.users(), sandbox.patients());
        let seen_by = |user: &SandboxUser| {
            let seen = all.iter().filter(|it| user.sees(&it.0));
            seen.cloned().collect::<Vec<_>>()
        };
        let chosen = users
            .iter()
            .find(|it| Some(it.reference().as_str()) == chosen);
        let choices = users.iter().map(|it| {
            let (kind, seen) = (it.resource_type.name(), seen_by(it));
            let names: Vec<_> = seen.iter().map(|it| it.1.as_str()).collect();
            let limit = match names.as_slice() {
                _ if seen.len() == all.len() => String::new(),
                [] => ", sees no record".to_owned(),
                names => format!(", sees only the record of {}", names.join(" and ")),
            };
            Choice {
                reference: it.reference(),
                label: format!("{} ({kind}{limit})", it.name),
                is_chosen: chosen.is_some_and(|chosen| chosen.reference() == it.reference()),
            }
        });
        Self {
            users: choices.collect(),
            patients: chosen.map_or_else(|| all.clone(), seen_by),
            launcher: format!("{}/?{}", sandbox.base_url(), fields.finish()),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Start {
    user: String,
    patient: String,
}

pub(super) async fn get(State(app): State<App>) -> Response {
    page(&app, None, None)
}

/// `POST /start`: makes a launch in the embedded EHR, as its user would by a click.
pub(super) async fn start(
    State(app): State<App>,
    headers: HeaderMap,
    form: Result<Form<Start>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Some(sandbox) = &app.sandbox else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if is_of_another_site(&app, &headers) {
        return refused(
            &app,
            StatusCode::FORBIDDEN,
            "Another site has sent this form.",
        );
    }
    let Ok(Form(form)) = form else {
        let what = "The form was not complete.";
        return refused(&app, StatusCode::BAD_REQUEST, what);
    };
    let mut open = LaunchContext::new().user(form.user.as_str());
    if !form.patient.is_empty() {
        open = open.patient(form.patient);
    }
    match sandbox.ehr_launch(DEFAULT_CLIENT_ID, open) {
        Ok(launch) => Redirect::to(&launch.url(&app.smart.url().path("/launch"))).into_response(),
        // The page then has the choices that there are.
        Err(LaunchError::NoAccess) => {
            let what = "This user may not see that patient. Choose one of those below, or none, and launch again.";
            let shown = page(&app, Some(what), Some(&form.user));
            (StatusCode::BAD_REQUEST, shown).into_response()
        }
        Err(error) => {
            let what = format!("{error}. Choose again.");
            refused(&app, StatusCode::BAD_REQUEST, &capital(&what))
        }
    }
}

/// With a capital letter, as a sentence begins.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

fn is_of_another_site(app: &App, headers: &HeaderMap) -> bool {
    let own = app.smart.url().origin();
    let says = |name: &str, allowed: &[&str]| {
        let mut values = headers.get_all(name).iter();
        values.any(|it| !it.to_str().is_ok_and(|it| allowed.contains(&it)))
    };
    // Browsers write `null` for our own forms, because of `no-referrer`.
    says("sec-fetch-site", &["same-origin", "none"]) || says(ORIGIN.as_str(), &[own, "null"])
}

fn refused(app: &App, status: StatusCode, problem: &str) -> Response {
    let mut response = page(app, Some(problem), None);
    *response.status_mut() = status;
    response
}

fn page(app: &App, problem: Option<&str>, chosen: Option<&str>) -> Response {
    let url = app.smart.url();
    let ehr = app.sandbox.as_deref();
    let ehr = ehr.map(|it| Choices::new(it, chosen, &url.join("/launch")));
    let ehrs = app.ehrs.iter().map(|it| {
        let base = it.base.as_str();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("iss", base);
        let address = url.path(&format!("/launch?{}", query.finish()));
        (address, it.name.clone(), base.to_owned())
    });
    let page = Home {
        root: url.prefix(),
        problem,
        ehr,
        ehrs: ehrs.collect(),
    };
    let mut response = show(&page);
    // `form-action` is left out: browsers apply it to the redirects after the form too, and those
    // lead through the EHR.
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'";
    let policy = HeaderValue::from_static(policy);
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, policy);
    response
}
