//! The first page: whom to sign in, and with which patient open.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext};

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

/// What the embedded EHR has to choose from, as values and labels.
struct Choices {
    users: Vec<(String, String)>,
    patients: Vec<(String, String)>,
    launcher: String,
}

#[derive(Deserialize)]
pub(super) struct Start {
    user: String,
    patient: String,
}

pub(super) async fn get(State(app): State<App>) -> Response {
    page(&app, None)
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
    let mut open = LaunchContext::new().user(form.user);
    if !form.patient.is_empty() {
        if !sandbox.patients().iter().any(|it| it.0 == form.patient) {
            return refused(&app, StatusCode::BAD_REQUEST, "There is no such patient.");
        }
        open = open.patient(form.patient);
    }
    match sandbox.ehr_launch(DEFAULT_CLIENT_ID, open) {
        Ok(launch) => Redirect::to(&launch.url(&app.smart.url().path("/launch"))).into_response(),
        Err(error) => refused(&app, StatusCode::BAD_REQUEST, &error.to_string()),
    }
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
    let mut response = page(app, Some(problem));
    *response.status_mut() = status;
    response
}

fn page(app: &App, problem: Option<&str>) -> Response {
    let url = app.smart.url();
    let ehr = app.sandbox.as_ref().map(|it| {
        let mut fields = form_urlencoded::Serializer::new(String::new());
        fields.append_pair("client_id", DEFAULT_CLIENT_ID);
        fields.append_pair("launch_url", &url.join("/launch"));
        let users = it.users().into_iter().map(|it| {
            let label = format!("{} ({})", it.name, it.resource_type.name());
            (it.reference(), label)
        });
        Choices {
            users: users.collect(),
            patients: it.patients(),
            launcher: format!("{}/?{}", it.base_url(), fields.finish()),
        }
    });
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
