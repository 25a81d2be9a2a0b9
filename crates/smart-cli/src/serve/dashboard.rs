//! The page of one session, and its button that refreshes the tokens.

use core::time::Duration;

use askama::Template;
use axum::extract::{FromRequestParts as _, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use smart_axum::{BrowserSession, CsrfForm, Profile, Rejection};
use smart_oidc::jose::UnixTime;
use smart_oidc::session::{RenewalError, SessionError};

use super::app::App;
use super::card::Card;
use super::chart::{self, ChartError, Patient};
use super::checks::Checks;
use super::documents::{self, Document, in_words};
use super::page::show;

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'p> {
    root: &'p str,
    card: Card,
    context: &'static str,
    patient_id: Option<&'p str>,
    banner: Option<Banner>,
    encounter: Option<&'p str>,
    scopes: Vec<Scope>,
    lives: Vec<Life>,
    can_refresh: bool,
    note: Option<&'static str>,
    documents: Vec<Document>,
    fhir_base: &'p str,
    checks: Option<Checks>,
    refresh: String,
    csrf: &'p str,
    logout: String,
    tag: &'p str,
    sign_out: &'p str,
}

/// The patient, or why there is none to show.
enum Banner {
    Shown(Patient),
    Problem(&'static str),
}

struct Scope {
    name: String,
    what: &'static str,
    kind: &'static str,
}

/// Something that ends.
struct Life {
    name: &'static str,
    ends_at: u64,
    secs: u64,
    left: String,
}

/// What is said above the page, by the name that stands in its address.
fn note(query: &str) -> Option<&'static str> {
    match query {
        "refreshed" => Some("The tokens were refreshed."),
        "rested" => Some("The tokens are new already. Try again in half a minute."),
        "failed" => Some("The tokens could not be refreshed now. The session goes on."),
        "doubt" => Some(
            "The answer to the refresh was lost. You stay signed in until the access token ends; it is tried again \
             before then, and if that fails, you open the app once more from the patient's record.",
        ),
        _ => None,
    }
}

pub(super) async fn get(State(app): State<App>, mut parts: Parts) -> Response {
    let session = <BrowserSession as axum::extract::FromRequestParts<App>>::from_request_parts(
        &mut parts, &app,
    );
    let session = match session.await {
        Ok(session) => session,
        Err(rejection) => return rejection.into_response(),
    };
    let Profile(user) = match Profile::from_request_parts(&mut parts, &app).await {
        Ok(profile) => profile,
        Err(rejection) => return rejection.into_response(),
    };
    let (session, banner) = match banner(&app, &parts, session).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    let launch = session.launch();
    let context = launch.context();
    let flow = app.smart.flow();
    let now = flow.clock().now();
    let access = launch.access_ends_at().map(|end| ("Access token", end));
    let lives = access.into_iter().chain([("Session", launch.ends_at())]);
    let url = app.smart.url();
    show(&Dashboard {
        root: url.prefix(),
        card: Card::new(&user, &session),
        context: match (context.shows_patient_banner(), &context.patient) {
            (_, None) => "No patient is open.",
            (false, Some(_)) => "The EHR shows the patient itself, so this page does not.",
            (true, Some(_)) => "",
        },
        patient_id: context.patient.as_deref(),
        banner,
        encounter: context.encounter.as_deref(),
        scopes: scopes(&app, &session),
        lives: lives.map(|(name, end)| life(name, end, now)).collect(),
        can_refresh: launch.can_refresh(),
        note: note(parts.uri.query().unwrap_or_default()),
        documents: documents::all(&flow.issuers().issuer(launch.fhir_base()).state()),
        fhir_base: launch.fhir_base().as_str(),
        checks: checks(&app, &session),
        refresh: session.path("refresh"),
        csrf: session.csrf_token(),
        logout: url.path("/logout"),
        tag: session.tag().as_str(),
        sign_out: session.sign_out_token(),
    })
}

/// How the sign-in was judged, where that is held still.
fn checks(app: &App, session: &BrowserSession) -> Option<Checks> {
    let report = app.reports.find(session.tag())?;
    Some(Checks::new(&report, &app.reports.met(session.tag())?))
}

/// Reads the patient where the page has to show who it is; once more where the token is refused and
/// there is another one.
async fn banner(
    app: &App,
    parts: &Parts,
    mut session: BrowserSession,
) -> Result<(BrowserSession, Option<Banner>), Response> {
    let flow = app.smart.flow();
    let Some(id) = to_show(&session) else {
        return Ok((session, None));
    };
    let mut read = chart::patient(session.launch(), &id, &**flow.http()).await;
    if matches!(read, Err(ChartError::Refused)) {
        let token = session.launch().access_token();
        let renewed = flow
            .session_showing_after_rejection(session.id(), &id, token)
            .await;
        // A token that has only just come is not asked for again; the page does without the patient.
        if renewed.map_or_else(|it| it.needs_launch(), |_| true) {
            let tag = session.tag().as_str().to_owned();
            // Where the session does not go on this is the page that says so.
            session = app
                .smart
                .session(parts, Some(&tag))
                .await
                .map_err(|it| Rejection::from(it).into_response())?;
            let Some(id) = to_show(&session) else {
                return Ok((session, None));
            };
            read = chart::patient(session.launch(), &id, &**flow.http()).await;
        }
    }
    let banner = match read {
        Ok(patient) => Banner::Shown(patient),
        Err(ChartError::Refused) => Banner::Problem("the FHIR server refuses the access token"),
        Err(ChartError::Other(what)) => Banner::Problem(what),
    };
    Ok((session, Some(banner)))
}

/// The patient whom the page has to show.
fn to_show(session: &BrowserSession) -> Option<String> {
    let context = session.launch().context();
    let patient = context.patient.clone();
    patient.filter(|_| context.shows_patient_banner())
}

/// What was asked for and what was granted, beside one another.
fn scopes(app: &App, session: &BrowserSession) -> Vec<Scope> {
    let nothing = smart_oidc::Scopes::parse("");
    let asked = app.ehr(session.launch().fhir_base());
    let asked = asked.map_or(&nothing, |it| &it.client.scopes);
    let granted = session.launch().scopes();
    let mut rows: Vec<Scope> = words(asked)
        .into_iter()
        .map(|name| {
            let (what, kind) = match smart_oidc::Scopes::parse(&name).is_within(granted) {
                true => ("granted", "good"),
                false => ("asked for, not granted", "bad"),
            };
            Scope { name, what, kind }
        })
        .collect();
    let more = words(granted).into_iter().filter(|it| !asked.has(it));
    rows.extend(more.map(|name| {
        let (what, kind) = unasked(&name, asked);
        Scope { name, what, kind }
    }));
    rows
}

/// What to say of a scope that was granted, and is none of the words that were asked for.
fn unasked(name: &str, asked: &smart_oidc::Scopes) -> (&'static str, &'static str) {
    // It is added to what an app asks for where the EHR has opened it.
    if name == "launch" {
        return ("granted, as the EHR has opened the app", "open");
    }
    match smart_oidc::Scopes::parse(name).is_within(asked) {
        true => ("granted, in other words than asked for", "open"),
        false => ("granted, not asked for", "bad"),
    }
}

/// The words of a list of scopes.
fn words(scopes: &smart_oidc::Scopes) -> Vec<String> {
    let words = scopes.as_str().split_ascii_whitespace();
    words.map(str::to_owned).collect()
}

fn life(name: &'static str, end: UnixTime, now: UnixTime) -> Life {
    let left = end.as_secs().saturating_sub(now.as_secs());
    Life {
        name,
        ends_at: end.as_secs(),
        secs: left,
        left: in_words(Duration::from_secs(left)),
    }
}

/// The form of the button has nothing of its own.
#[derive(Deserialize)]
pub(super) struct Nothing {}

/// `POST /s/{tag}/refresh`: refreshes the tokens before their time, for the same patient.
pub(super) async fn refresh(
    State(app): State<App>,
    CsrfForm { session, .. }: CsrfForm<Nothing>,
) -> Response {
    let flow = app.smart.flow();
    let (id, token) = (session.id(), session.launch().access_token());
    let refreshed = match session.launch().context().patient.as_deref() {
        Some(shown) => flow.session_showing_after_rejection(id, shown, token).await,
        None => flow.session_after_rejection(id, token).await,
    };
    let what = match refreshed {
        Ok(_) => "refreshed",
        Err(SessionError::Resting { .. }) => "rested",
        Err(SessionError::Refresh(RenewalError::Token(error))) if error.is_in_doubt() => "doubt",
        // The page says itself what has become of the session.
        Err(_) => "failed",
    };
    Redirect::to(&session.path(&format!("?{what}"))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use smart_oidc::Scopes;

    #[test]
    fn what_was_granted_beyond_what_was_asked_for_is_not_called_other_words() {
        let asked = Scopes::parse("openid launch/patient patient/Patient.rs user/*.read");
        let other = ("granted, in other words than asked for", "open");
        let beyond = ("granted, not asked for", "bad");
        for (name, expected) in [
            ("patient/Patient.r", other),
            ("patient/Patient.read", other),
            ("user/Practitioner.rs", other),
            ("patient/Patient.cruds", beyond),
            ("user/*.cruds", beyond),
            ("patient/*.rs", beyond),
            ("system/*.rs", beyond),
            ("offline_access", beyond),
            ("nonsense", beyond),
            ("launch", ("granted, as the EHR has opened the app", "open")),
        ] {
            assert_eq!(unasked(name, &asked), expected, "{name}");
        }
    }
}
