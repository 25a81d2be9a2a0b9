//! The FHIR endpoint: resources that are read and searched with a bearer token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::access::Access;
use crate::capability;
use crate::context::{Context, TokenRecord};
use crate::parameters::{MAX_OCTETS, read_octets};
use crate::responses::{fhir, outcome};
use crate::scopes::Interaction;
use crate::search::Search;
use crate::store::Fingerprint;
use crate::world::TYPES;

/// `GET /fhir/metadata`, which is open.
pub(crate) async fn metadata(State(context): State<Arc<Context>>) -> Response {
    fhir(StatusCode::OK, &capability::statement(&context))
}

/// `GET /fhir/{type}/{id}`. Whether a resource exists is told only to those who may read it.
pub(crate) async fn read(
    State(context): State<Arc<Context>>,
    Path((resource_type, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let access = match access(&context, &headers) {
        Ok(access) => access,
        Err(response) => return *response,
    };
    let world = context.world();
    match world.find(&resource_type, &id) {
        Some(found) if access.opens(Interaction::Read, found) => fhir(StatusCode::OK, &found.value),
        None if access.may_know_of(&resource_type, &id) => {
            outcome(StatusCode::NOT_FOUND, "not-found", "no such resource")
        }
        _ => not_covered(),
    }
}

/// `GET /fhir/{type}?…`.
pub(crate) async fn search(
    State(context): State<Arc<Context>>,
    Path(resource_type): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    searched(&context, &resource_type, query.as_bytes(), &headers)
}

/// `POST /fhir/{type}/_search`, which keeps what is looked for out of logs.
pub(crate) async fn search_by_form(
    State(context): State<Arc<Context>>,
    Path(resource_type): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match read_octets(&headers, body).await {
        Ok(form) => searched(&context, &resource_type, &form, &headers),
        Err(error) => outcome(StatusCode::BAD_REQUEST, "invalid", &error.to_string()),
    }
}

/// What is neither read nor searched.
pub(crate) async fn not_supported() -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    outcome(status, "not-supported", "resources are read and searched")
}

/// Below the FHIR base, where nothing is.
pub(crate) fn nothing() -> Response {
    outcome(StatusCode::NOT_FOUND, "not-found", "nothing is here")
}

fn searched(context: &Context, resource_type: &str, query: &[u8], headers: &HeaderMap) -> Response {
    let access = match access(context, headers) {
        Ok(access) => access,
        Err(response) => return *response,
    };
    if !TYPES.contains(&resource_type) {
        return outcome(StatusCode::NOT_FOUND, "not-supported", "no such type");
    }
    if query.len() > MAX_OCTETS {
        return outcome(StatusCode::BAD_REQUEST, "too-long", "the query is too long");
    }
    if !access.opens_some(Interaction::Search, resource_type) {
        return not_covered();
    }
    let prefers = headers.get("prefer").and_then(|it| it.to_str().ok());
    let is_strict = prefers.is_some_and(|it| it.contains("handling=strict"));
    let search = match Search::read(resource_type, query, is_strict) {
        Ok(search) => search,
        Err(error) => return outcome(StatusCode::BAD_REQUEST, "invalid", &error.to_string()),
    };
    let world = context.world();
    let opened = world.of_type(resource_type);
    let opened = opened.filter(|it| access.opens(Interaction::Search, it));
    let bundle = search.bundle(resource_type, opened, &context.urls.fhir());
    fhir(StatusCode::OK, &bundle)
}

/// What the request's token opens, or the refusal.
fn access(context: &Context, headers: &HeaderMap) -> Result<Access, Box<Response>> {
    let opened = bearer(headers).and_then(|it| live(context, it, Access::of));
    opened.ok_or_else(|| {
        let refusal = outcome(
            StatusCode::UNAUTHORIZED,
            "login",
            "a valid access token is needed",
        );
        Box::new(challenge(refusal, "Bearer error=\"invalid_token\""))
    })
}

fn not_covered() -> Response {
    let refusal = outcome(
        StatusCode::FORBIDDEN,
        "forbidden",
        "the granted scopes do not cover this resource",
    );
    challenge(refusal, "Bearer error=\"insufficient_scope\"")
}

/// The same answer with a challenge.
pub(crate) fn challenge(mut response: Response, challenge: &'static str) -> Response {
    let challenge = HeaderValue::from_static(challenge);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The bearer token; the name of the scheme is compared without case (RFC 9110 11.1). Two such
/// headers are none, since the next reader might take the other one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("Bearer")
        .then(|| token.trim_matches(' '))
}

/// Looks at an access token that is known and has not expired.
pub(crate) fn live<T>(
    context: &Context,
    token: &str,
    look: impl FnOnce(&TokenRecord) -> T,
) -> Option<T> {
    let key = Fingerprint::of(token, &context.provider);
    let now = context.clock.monotonic();
    let mut state = context.state();
    let record = state.tokens.get_mut(key, now)?;
    (now < record.until).then(|| look(record))
}
