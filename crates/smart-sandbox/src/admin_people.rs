//! The part of the sandbox's own interface that changes who is there, what the time is, and what is
//! remembered.

use core::time::Duration;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::admin::{bad, members, text};
use crate::context::Context;
use crate::hostile::people;
use crate::responses::json as answer;
use crate::user::{SandboxUser, UserType};

/// `POST /_sandbox/users`: `type`, `id`, and `sub`, `name` and `resource`.
pub(crate) async fn add_user(State(context): State<Arc<Context>>, body: Body) -> Response {
    let members = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    let user = match user(&members) {
        Ok(user) => user,
        Err(problem) => return bad(problem),
    };
    let reference = user.reference();
    match context.change_world(|it| it.add_user(user)) {
        Ok(()) => answer(StatusCode::CREATED, &json!({ "reference": reference })),
        Err(error) => bad(error.to_string()),
    }
}

fn user(members: &Value) -> Result<SandboxUser, &'static str> {
    let kind = text(members, "type").and_then(UserType::named);
    let kind = kind.ok_or("type is none of the five that a user can have")?;
    let id = text(members, "id").ok_or("id is missing")?;
    let name = text(members, "name").unwrap_or(id);
    let sub = text(members, "sub").map_or_else(|| format!("sub-{id}"), str::to_owned);
    let user = SandboxUser::new(kind, id, sub, name);
    Ok(match members.get("resource") {
        Some(resource) => user.with_resource(resource.clone()),
        None => user,
    })
}

/// `POST /_sandbox/resources`: a FHIR resource, a patient among others.
pub(crate) async fn add_resource(State(context): State<Arc<Context>>, body: Body) -> Response {
    let resource = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    let reference = |name: &str| text(&resource, name).unwrap_or_default().to_owned();
    let reference = format!("{}/{}", reference("resourceType"), reference("id"));
    match context.change_world(|it| it.add(resource)) {
        Ok(()) => answer(StatusCode::CREATED, &json!({ "reference": reference })),
        Err(error) => bad(error.to_string()),
    }
}

/// `POST /_sandbox/hostile-people`: those whose names and links test who shows them.
pub(crate) async fn add_hostile_people(State(context): State<Arc<Context>>) -> Response {
    let users = people::users();
    let patients = people::patients();
    let added: Vec<String> = users.iter().map(SandboxUser::reference).collect();
    let change = context.change_world(|it| {
        patients
            .into_iter()
            .try_for_each(|patient| it.add(patient))?;
        users.into_iter().try_for_each(|user| it.add_user(user))
    });
    match change {
        Ok(()) => answer(StatusCode::CREATED, &json!({ "users": added })),
        Err(error) => bad(error.to_string()),
    }
}

/// `POST /_sandbox/clock`: sets it ahead by `advance`, in seconds, and says what it shows.
pub(crate) async fn advance(State(context): State<Arc<Context>>, body: Body) -> Response {
    let members = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    match members.get("advance").map(Value::as_u64) {
        Some(Some(seconds)) => context.clock.advance(Duration::from_secs(seconds)),
        Some(None) => return bad("advance is a number of seconds, and not back"),
        None => {}
    }
    let now = context.clock.now().as_secs();
    answer(StatusCode::OK, &json!({ "now": now }))
}

/// `GET /_sandbox/requests`: what was asked lately, without anything secret.
pub(crate) async fn requests(State(context): State<Arc<Context>>) -> Response {
    let requests = context.journal.requests().into_iter().map(|it| {
        json!({
            "method": it.method,
            "path": it.path,
            "parameters": it.parameters,
            "authorization": it.authorization,
            "status": it.status
        })
    });
    let requests: Vec<Value> = requests.collect();
    answer(StatusCode::OK, &json!({ "requests": requests }))
}

/// `DELETE /_sandbox/requests`.
pub(crate) async fn forget_requests(State(context): State<Arc<Context>>) -> Response {
    context.journal.clear();
    answer(StatusCode::OK, &json!({ "requests": [] }))
}

/// `POST /_sandbox/reset`.
pub(crate) async fn reset(State(context): State<Arc<Context>>) -> Response {
    context.reset();
    answer(StatusCode::OK, &json!({}))
}
