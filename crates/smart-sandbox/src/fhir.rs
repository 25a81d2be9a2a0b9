//! The FHIR endpoint: a few resources, read with a bearer token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::context::{Context, TokenRecord};
use crate::resources;
use crate::responses::{fhir, outcome};
use crate::scopes::{ReadFacts, Scopes};
use crate::store::Fingerprint;

/// `GET /fhir/metadata`, which is open.
pub(crate) async fn metadata(State(context): State<Arc<Context>>) -> Response {
    fhir(StatusCode::OK, &resources::capability_statement(&context))
}

/// `GET /fhir/{type}/{id}`. Whether a resource exists is told only to those who may read it.
pub(crate) async fn read(
    State(context): State<Arc<Context>>,
    Path((resource_type, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let token = bearer(&headers);
    let Some((scopes, patient)) = token.and_then(|it| live(&context, it, opened)) else {
        return challenge(
            outcome(
                StatusCode::UNAUTHORIZED,
                "login",
                "a valid access token is needed",
            ),
            "Bearer error=\"invalid_token\"",
        );
    };
    let Some(resource) = resources::find(&context, &resource_type, &id) else {
        return outcome(StatusCode::NOT_FOUND, "not-found", "no such resource");
    };
    let facts = ReadFacts {
        user: &context.user,
        patient: patient.as_deref(),
    };
    if !scopes.may_read(&resource_type, &id, &facts) {
        return challenge(
            outcome(
                StatusCode::FORBIDDEN,
                "forbidden",
                "the granted scopes do not cover this resource",
            ),
            "Bearer error=\"insufficient_scope\"",
        );
    }
    fhir(StatusCode::OK, &resource)
}

fn challenge(mut response: Response, challenge: &'static str) -> Response {
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

/// What an access token opens, and which patient is in context: the one of its grant. A backend
/// service has none.
fn opened(record: &TokenRecord) -> (Scopes, Option<String>) {
    let grant = record.grant.as_ref();
    let patient = grant.and_then(|it| it.patient.clone());
    (record.scopes.clone(), patient)
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
