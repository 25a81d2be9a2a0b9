//! The revocation endpoint (RFC 7009): an app gives its tokens back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::client_auth::{PeerError, authenticate, form, required};
use crate::context::Context;
use crate::responses::{self, with_no_store};
use crate::store::Fingerprint;

/// `POST /oidc/revoke`. Whether there was such a token is not told.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match revoke(&context, &headers, body).await {
        Ok(()) => with_no_store(responses::json(StatusCode::OK, &json!({}))),
        Err(error) => error.into_response(),
    }
}

/// A refresh token takes its whole grant along; an access token goes alone.
async fn revoke(context: &Context, headers: &HeaderMap, body: Body) -> Result<(), PeerError> {
    let form = form(headers, body).await?;
    let client = authenticate(context, headers, &form).await?;
    let token = required(&form, "token")?;
    let key = Fingerprint::of(token, &context.provider);
    let now = context.clock.monotonic();
    let mut state = context.state();
    let wall = context.clock.now();
    if let Some(grant_id) = state.refresh.revoke_token(token, &client, wall) {
        state.revoke(grant_id);
    }
    let is_own = state
        .tokens
        .get_mut(key, now)
        .is_some_and(|it| it.client_id == client.client_id().as_str());
    if is_own {
        state.tokens.remove(key, now);
    }
    Ok(())
}
