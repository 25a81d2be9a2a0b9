//! UserInfo (OpenID Connect Core 5.3): who has signed in, once more.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::context::{Context, TokenRecord};
use crate::fhir::{bearer, challenge, live};
use crate::responses::{self, with_no_store};
use crate::standard_claims;

/// `GET` and `POST /oidc/userinfo`.
pub(crate) async fn get(State(context): State<Arc<Context>>, headers: HeaderMap) -> Response {
    let told = bearer(&headers).and_then(|it| live(&context, it, |it| claims(&context, it)));
    match told {
        Some(Some(claims)) => with_no_store(responses::json(StatusCode::OK, &claims)),
        Some(None) => challenge(
            error(StatusCode::FORBIDDEN, "insufficient_scope"),
            "Bearer error=\"insufficient_scope\"",
        ),
        None => challenge(
            error(StatusCode::UNAUTHORIZED, "invalid_token"),
            "Bearer error=\"invalid_token\"",
        ),
    }
}

fn error(status: StatusCode, error: &str) -> Response {
    with_no_store(responses::json(status, &json!({ "error": error })))
}

/// What the ID token says of the user, and what belongs to further scopes; nothing where it was no sign-in.
fn claims(context: &Context, record: &TokenRecord) -> Option<Value> {
    let scopes = &record.scopes;
    let user = &record.grant.as_ref().filter(|_| scopes.has("openid"))?.user;
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), user.sub.as_str().into());
    if scopes.has("fhirUser") {
        let fhir_user = format!("{}/{}", context.urls.fhir(), user.reference());
        claims.insert("fhirUser".to_owned(), fhir_user.into());
    }
    if scopes.has_name() {
        claims.insert("name".to_owned(), user.name.as_str().into());
    }
    standard_claims::add(&mut claims, user, scopes);
    Some(Value::Object(claims))
}
