//! The pages of a sign-in: who, for which patient, and for which scopes.
//!
//! Their forms need no cookie: the id in them is a secret of the page, so no other page can send one,
//! and a browser that says that another site does is refused.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::context::{Context, PendingRequest};
use crate::pages::{self, Choice, Choose, Consent, Framing, ScopeWords, refusal, show};
use crate::parameters::{Parameters, read_form};
use crate::same_origin::is_of_another_site;
use crate::send_back::{RedirectError, issue, server_error};
use crate::store::{Fingerprint, mint};
use crate::user::SandboxUser;
use crate::words::words;
use crate::world::{Resource, World};

/// Shows the first page that is needed.
pub(crate) fn ask(context: &Context, pending: PendingRequest) -> Response {
    let Ok((request_id, key)) = mint(&context.provider) else {
        return server_error(context, &pending.request, StatusCode::SEE_OTHER);
    };
    let page = next_page(context, &pending, &request_id);
    let now = context.clock.monotonic();
    context.state().pending.insert(key, pending, now);
    page
}

/// `POST /oidc/authorize/decision`: what the user chose on a page.
pub(crate) async fn decision(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if is_of_another_site(&headers) {
        return refusal(&context.urls, "Another site has sent this form.");
    }
    let form = match read_form(&headers, body).await {
        Ok(form) => form,
        Err(error) => return refusal(&context.urls, &error.to_string()),
    };
    let (Some(request_id), Some(choice)) = (form.get("request_id"), form.get("decision")) else {
        return refusal(&context.urls, "The form is not complete.");
    };
    match choice {
        "next" => advance(&context, request_id, &form),
        "approve" => approve(&context, request_id, &form),
        "deny" => deny(&context, request_id),
        _ => refusal(&context.urls, "The form is not complete."),
    }
}

const GONE: &str = "This page has been answered already, or it has expired.";

/// Takes the choice of a user or a patient, and shows the next page.
fn advance(context: &Context, request_id: &str, form: &Parameters) -> Response {
    let key = Fingerprint::of(request_id, &context.provider);
    let now = context.clock.monotonic();
    let mut state = context.state();
    let Some(pending) = state.pending.get_mut(key, now) else {
        return refusal(&context.urls, GONE);
    };
    let world = context.world();
    if let Some(chosen) = form.get("user") {
        let Some(user) = world.user(chosen) else {
            return refusal(&context.urls, "There is no such user.");
        };
        pending.patient = user.patient().map(str::to_owned);
        pending.user = Some(Arc::clone(user));
    }
    if let (Some(chosen), Some(user)) = (form.get("patient"), &pending.user) {
        let mut choices = patients(&world, user);
        if !choices.any(|it| it.id == chosen) {
            return refusal(&context.urls, "There is no such patient.");
        }
        pending.patient = Some(chosen.to_owned());
    }
    next_page(context, pending, request_id)
}

fn approve(context: &Context, request_id: &str, form: &Parameters) -> Response {
    let key = Fingerprint::of(request_id, &context.provider);
    let now = context.clock.monotonic();
    let mut state = context.state();
    let is_ready = state
        .pending
        .get_mut(key, now)
        .map(|it| it.user.is_some() && !lacks_patient(it));
    match is_ready {
        None => return refusal(&context.urls, GONE),
        Some(false) => return refusal(&context.urls, "There is more to choose first."),
        Some(true) => {}
    }
    let Some(mut pending) = state.pending.remove(key, now) else {
        return refusal(&context.urls, GONE);
    };
    drop(state);
    let is_ticked = |place: usize| form.get(&format!("scope-{place}")).is_some();
    let request = &mut pending.request;
    request.scopes = request.scopes.kept(is_ticked);
    if request.scopes.is_empty() {
        return denied(context, &pending);
    }
    issue(context, pending, StatusCode::SEE_OTHER)
}

fn deny(context: &Context, request_id: &str) -> Response {
    let key = Fingerprint::of(request_id, &context.provider);
    let now = context.clock.monotonic();
    let pending = context.state().pending.remove(key, now);
    pending.map_or_else(|| refusal(&context.urls, GONE), |it| denied(context, &it))
}

fn denied(context: &Context, pending: &PendingRequest) -> Response {
    let error = RedirectError::new("access_denied", "the user denied access");
    let request = &pending.request;
    let status = StatusCode::SEE_OTHER;
    error.redirect(context, &request.redirect_uri, Some(&request.state), status)
}

/// Whether a patient must be chosen still. Where the EHR has launched the app, what is open there
/// counts, and nobody may be.
pub(crate) fn lacks_patient(pending: &PendingRequest) -> bool {
    let request = &pending.request;
    pending.patient.is_none() && request.launch.is_none() && request.scopes.has_patient_context()
}

/// The patients whom a user may choose.
fn patients<'a>(world: &'a World, user: &'a SandboxUser) -> impl Iterator<Item = &'a Resource> {
    let all = world.of_type("Patient");
    all.filter(move |it| user.sees(&it.id))
}

/// The page for what is not chosen yet.
fn next_page(context: &Context, pending: &PendingRequest, request_id: &str) -> Response {
    let urls = &context.urls;
    let world = context.world();
    // An app that the EHR shows in a frame asks in that frame.
    let framing = match pending.request.launch {
        Some(_) => Framing::BySelf,
        None => Framing::Refused,
    };
    let (style, action) = (pages::style(urls), urls.decision());
    let choose = |title, question, field, choices| {
        let page = Choose {
            style: &style,
            title,
            client_id: &pending.request.client_id,
            action: &action,
            request_id,
            question,
            field,
            choices,
        };
        show(StatusCode::OK, &page, framing)
    };
    let Some(user) = &pending.user else {
        let users = world.users().iter();
        let choices = users.map(|it| Choice {
            value: it.reference(),
            label: it.name.clone(),
            detail: it.resource_type.name().to_owned(),
        });
        return choose("Sign in", "Who are you?", "user", choices.collect());
    };
    if lacks_patient(pending) {
        let choices = patients(&world, user).map(|it| Choice {
            value: it.id.clone(),
            label: it.label().to_owned(),
            detail: born(it),
        });
        let question = "Which patient is it about?";
        return choose("Choose a patient", question, "patient", choices.collect());
    }
    let patient = pending.patient.as_deref();
    let named = patient.and_then(|it| world.find("Patient", it));
    let scopes = pending.request.scopes.iter().map(|it| ScopeWords {
        name: it.to_owned(),
        words: words(it),
    });
    let page = Consent {
        style: &style,
        title: "Allow access?",
        user: &user.name,
        patient: named.map(Resource::label).or(patient),
        client_id: &pending.request.client_id,
        action: &action,
        request_id,
        scopes: scopes.collect(),
    };
    show(StatusCode::OK, &page, framing)
}

fn born(patient: &Resource) -> String {
    let date = patient.value.get("birthDate").and_then(|it| it.as_str());
    date.map(|it| format!("born {it}")).unwrap_or_default()
}
