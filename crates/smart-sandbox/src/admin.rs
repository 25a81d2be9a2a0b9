//! The sandbox's own interface, for tests in any language: JSON over HTTP, on this machine only.
//!
//! A page in a browser cannot use it: its requests would have to be `application/json`, which needs a
//! preflight that nobody answers here, and for a name of this machine.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use smart_jose::Algorithm;

use crate::client::{ClientRegistration, RedirectRule};
use crate::context::Context;
use crate::hostile::{Fault, Times};
use crate::key_rings::KeyRings;
use crate::launch::launch;
use crate::launcher::is_web_address;
use crate::launches::LaunchContext;
use crate::parameters::MAX_OCTETS;
use crate::registration::register;
use crate::responses::json as answer;
use crate::same_origin::{is_for_loopback, is_of_another_site};
use crate::user::SandboxUser;

/// Keeps others out, before anything is read.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_for_loopback(headers) || is_of_another_site(headers) {
        let problem = "this interface is for programs on this machine";
        return refused(StatusCode::FORBIDDEN, problem);
    }
    let is_change = request.method() == Method::POST;
    if is_change && !is_json(headers) {
        let problem = "the body must be application/json";
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, problem);
    }
    next.run(request).await
}

fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = said.and_then(|it| it.split(';').next());
    media_type.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json"))
}

fn refused(status: StatusCode, problem: &str) -> Response {
    answer(status, &json!({ "error": problem }))
}

pub(crate) fn bad(problem: impl AsRef<str>) -> Response {
    refused(StatusCode::BAD_REQUEST, problem.as_ref())
}

/// The members of a body, which is a JSON object or nothing at all.
pub(crate) async fn members(body: Body) -> Result<Value, Response> {
    let octets = to_bytes(body, MAX_OCTETS).await;
    let octets = octets.map_err(|_| bad("the body is longer than 64 KiB"))?;
    if octets.is_empty() {
        return Ok(json!({}));
    }
    let value = serde_json::from_slice::<Value>(&octets);
    let value = value.map_err(|_| bad("the body is not JSON"))?;
    match value.is_object() {
        true => Ok(value),
        false => Err(bad("the body is not a JSON object")),
    }
}

pub(crate) fn text<'a>(members: &'a Value, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

/// `GET /_sandbox`: what there is.
pub(crate) async fn describe(State(context): State<Arc<Context>>) -> Response {
    let urls = &context.urls;
    let world = context.world();
    let users = world.users().iter();
    let users = users.map(|it| {
        json!({
            "reference": it.reference(),
            "name": it.name,
            "sub": it.sub,
            "patient": SandboxUser::patient(it)
        })
    });
    let patients = world.of_type("Patient");
    let patients = patients.map(|it| json!({ "id": it.id, "name": it.label() }));
    let body = json!({
        "notice": "A sandbox with invented people and published keys. Not for patients.",
        "fhir_base": urls.fhir(),
        "issuer": urls.issuer(),
        "kid": context.with_keys(|keys| keys.current(None).kid.clone()),
        "users": users.collect::<Vec<_>>(),
        "patients": patients.collect::<Vec<_>>(),
        "clients": context.client_ids(),
        "faults": playing(&context)
    });
    answer(StatusCode::OK, &body)
}

/// `POST /_sandbox/keys/rotate`.
pub(crate) async fn rotate(State(context): State<Arc<Context>>) -> Response {
    match context.with_keys(KeyRings::rotate) {
        Ok(kid) => answer(StatusCode::OK, &json!({ "kid": kid })),
        Err(error) => refused(StatusCode::CONFLICT, &error.to_string()),
    }
}

/// `POST /_sandbox/keys/withdraw`.
pub(crate) async fn withdraw(State(context): State<Arc<Context>>) -> Response {
    context.with_keys(KeyRings::withdraw_former);
    answer(StatusCode::OK, &json!({}))
}

/// `POST /_sandbox/launches`: `client_id`, and what is open.
pub(crate) async fn make_launch(State(context): State<Arc<Context>>, body: Body) -> Response {
    let members = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    let Some(client_id) = text(&members, "client_id") else {
        return bad("client_id is missing");
    };
    if context.client(client_id).is_none() {
        return bad("no app of this client_id is registered");
    }
    let mut open = LaunchContext::new();
    if let Some(it) = text(&members, "patient") {
        open = open.patient(it);
    }
    if let Some(it) = text(&members, "encounter") {
        open = open.encounter(it);
    }
    if let Some(it) = text(&members, "intent") {
        open = open.intent(it);
    }
    if let Some(it) = text(&members, "user") {
        open = open.user(it);
    }
    let launch = match launch(&context, client_id, open) {
        Ok(launch) => launch,
        Err(error) => return bad(error.to_string()),
    };
    let mut body = json!({ "iss": launch.iss, "launch": launch.launch });
    if let (Some(launch_url), Some(members)) = (text(&members, "launch_url"), body.as_object_mut())
    {
        if !is_web_address(launch_url) {
            return bad("launch_url must be http or https");
        }
        members.insert("url".to_owned(), launch.url(launch_url).into());
    }
    answer(StatusCode::OK, &body)
}

/// `POST /_sandbox/clients`: registers an app, with the member names of RFC 7591.
pub(crate) async fn add_client(State(context): State<Arc<Context>>, body: Body) -> Response {
    let members = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    let client = match registration(&members) {
        Ok(client) => client,
        Err(problem) => return bad(problem),
    };
    match register(&context, &client) {
        Ok(()) => {
            let body = json!({ "client_id": client.client_id });
            answer(StatusCode::CREATED, &body)
        }
        Err(error) => bad(error.to_string()),
    }
}

fn registration(members: &Value) -> Result<ClientRegistration, &'static str> {
    let client_id = text(members, "client_id").ok_or("client_id is missing")?;
    let list = |name: &str| {
        let items = members.get(name).and_then(Value::as_array);
        let items = items.into_iter().flatten();
        items
            .map(|it| it.as_str().map(str::to_owned))
            .collect::<Option<Vec<String>>>()
    };
    let rules = list("redirect_uris").ok_or("redirect_uris are strings")?;
    let mut rules: Vec<RedirectRule> = rules.into_iter().map(RedirectRule::Exact).collect();
    if let Some(path) = text(members, "loopback_redirect_path") {
        rules.push(RedirectRule::AnyLoopback { path: path.into() });
    }
    let is_backend = list("grant_types").ok_or("grant_types are strings")?;
    let is_backend = is_backend.iter().any(|it| it == "client_credentials");
    let mut client = match is_backend {
        true => {
            let scopes = text(members, "scope").ok_or("a backend service needs its scope")?;
            ClientRegistration::backend_service(client_id, scopes)
        }
        false => ClientRegistration::new(client_id, rules),
    };
    let secret = || text(members, "client_secret").ok_or("client_secret is missing");
    client = match text(members, "token_endpoint_auth_method").unwrap_or("none") {
        "none" => client,
        "client_secret_basic" => client.with_secret_basic(secret()?),
        "client_secret_post" => client.with_secret_post(secret()?),
        "private_key_jwt" => match (members.get("jwks"), text(members, "jwks_uri")) {
            (Some(jwks), None) => client.with_jwks(jwks.to_string()),
            (None, Some(uri)) => client.with_jwks_uri(uri),
            _ => return Err("jwks or jwks_uri is needed, and not both"),
        },
        _ => return Err("token_endpoint_auth_method is not known"),
    };
    if let Some(name) = text(members, "id_token_signed_response_alg") {
        let algorithm = Algorithm::from_name(name);
        let algorithm = algorithm.ok_or("id_token_signed_response_alg is not known")?;
        client = client.with_id_token_algorithm(algorithm);
    }
    if let Some(name) = text(members, "userinfo_signed_response_alg") {
        let algorithm = Algorithm::from_name(name);
        let algorithm = algorithm.ok_or("userinfo_signed_response_alg is not known")?;
        client = client.with_userinfo_algorithm(algorithm);
    }
    for origin in list("origins").ok_or("origins are strings")? {
        client = client.with_origin(origin);
    }
    Ok(client)
}

fn all_played(context: &Context) -> Value {
    let coming = told(context.script.coming());
    json!({ "playing": playing(context), "coming": coming })
}

fn playing(context: &Context) -> Vec<Value> {
    told(context.script.playing())
}

fn told(faults: Vec<(&'static Fault, Times)>) -> Vec<Value> {
    let faults = faults.into_iter();
    faults
        .map(|(fault, times)| json!({ "name": fault.name(), "times": times.left() }))
        .collect()
}

/// `GET /_sandbox/faults`: what can be played, and what is.
pub(crate) async fn faults(State(context): State<Arc<Context>>) -> Response {
    let all = Fault::all().map(|it| {
        json!({
            "name": it.name(),
            "does": it.does(),
            "client_must": it.client_must(),
            "clause": it.clause()
        })
    });
    let mut body = all_played(&context);
    if let Some(members) = body.as_object_mut() {
        members.insert("faults".to_owned(), all.collect());
    }
    answer(StatusCode::OK, &body)
}

/// `POST /_sandbox/faults`: `name`, and `times` unless it stays until it is taken back; or a `sequence`
/// of these, in which each waits for the one before.
pub(crate) async fn play(State(context): State<Arc<Context>>, body: Body) -> Response {
    let members = match members(body).await {
        Ok(members) => members,
        Err(response) => return response,
    };
    let played = match (members.get("sequence"), members.get("name")) {
        (Some(_), Some(_)) => return bad("there is a name, and a sequence too"),
        (Some(sequence), None) => {
            let steps = sequence.as_array().filter(|it| it.len() <= MAX_STEPS);
            let Some(steps) = steps else {
                return bad("sequence is a list of at most 100 steps");
            };
            match steps.iter().map(step).collect::<Result<Vec<_>, _>>() {
                Ok(steps) => context.play_in_turn(steps),
                Err(problem) => return bad(problem),
            }
        }
        (None, _) => match step(&members) {
            Ok((fault, times)) => context.play(fault, times),
            Err(problem) => return bad(problem),
        },
    };
    match played {
        Ok(()) => answer(StatusCode::OK, &all_played(&context)),
        Err(error) => refused(StatusCode::CONFLICT, &error.to_string()),
    }
}

/// A sequence has so many steps at most.
const MAX_STEPS: usize = 100;

fn step(members: &Value) -> Result<(&'static Fault, Times), &'static str> {
    let fault = text(members, "name").and_then(Fault::named);
    let fault = fault.ok_or("there is no fault of this name")?;
    let times = match members.get("times") {
        None | Some(Value::Null) => Times::UntilTakenBack,
        Some(it) => match it.as_u64().and_then(|it| u32::try_from(it).ok()) {
            Some(times) if times > 0 => Times::So(times),
            _ => return Err("times must be a number from 1 on"),
        },
    };
    Ok((fault, times))
}

/// `DELETE /_sandbox/faults`.
pub(crate) async fn take_all_back(State(context): State<Arc<Context>>) -> Response {
    context.script.take_all_back();
    answer(StatusCode::OK, &all_played(&context))
}

/// `DELETE /_sandbox/faults/{name}`.
pub(crate) async fn take_back(
    State(context): State<Arc<Context>>,
    Path(name): Path<String>,
) -> Response {
    let Some(fault) = Fault::named(&name) else {
        return refused(StatusCode::NOT_FOUND, "there is no fault of this name");
    };
    context.script.take_back(fault);
    answer(StatusCode::OK, &all_played(&context))
}
