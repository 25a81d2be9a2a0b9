//! The token endpoint: who asks, for what, and then the grant.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use smart_oidc::server::Refusal;

use crate::client_auth::{PeerError, authenticate, form, required};
use crate::context::Context;
use crate::grants;
use crate::hostile::At;
use crate::responses::{self, with_no_store};

/// `POST /oidc/token`. Errors must not be cached either.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let mut asked = None;
    let mut response = match answer(&context, &headers, body, &mut asked).await {
        Ok(body) => with_no_store(responses::json(StatusCode::OK, &body)),
        Err(error) => error.into_response(),
    };
    if let Some(asked) = asked {
        response.extensions_mut().insert(asked);
    }
    response
}

async fn answer(
    context: &Context,
    headers: &HeaderMap,
    body: Body,
    asked: &mut Option<At>,
) -> Result<Value, PeerError> {
    let form = form(headers, body).await?;
    let grant_type = required(&form, "grant_type")?;
    // A fault is for the one or for the other.
    *asked = match grant_type {
        "authorization_code" => Some(At::Code),
        "refresh_token" => Some(At::Refresh),
        _ => None,
    };
    let client = authenticate(context, headers, &form).await?;
    match grant_type {
        "authorization_code" => grants::code(context, &client, &form),
        "refresh_token" => grants::refresh(context, &client, &form),
        "client_credentials" => grants::backend(context, &client, &form),
        _ => Err(PeerError::new(
            Refusal::UnsupportedGrantType,
            "grant_type must be authorization_code, refresh_token or client_credentials",
        )),
    }
}
