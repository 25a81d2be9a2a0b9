//! The introspection endpoint (RFC 7662): what an access token opens.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};
use smart_oidc::server::Refusal;

use crate::client_auth::{PeerError, authenticate, form, required};
use crate::context::{Context, TokenRecord};
use crate::fhir::{bearer, live};
use crate::grants::put_launch_context;
use crate::responses::{self, with_no_store};

/// `POST /oidc/introspect`. Access tokens are described; anything else is not active.
pub(crate) async fn post(
    State(context): State<Arc<Context>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match answer(&context, &headers, body).await {
        Ok(body) => with_no_store(responses::json(StatusCode::OK, &body)),
        Err(error) => error.into_response(),
    }
}

async fn answer(context: &Context, headers: &HeaderMap, body: Body) -> Result<Value, PeerError> {
    let form = form(headers, body).await?;
    // An app that holds a good token of ours may ask about any (SMART App Launch 2.2, Token
    // Introspection), and so may an app that proves who it is.
    let has_token = bearer(headers).is_some_and(|it| live(context, it, |_| ()).is_some());
    if !has_token && authenticate(context, headers, &form).await?.is_public() {
        return Err(PeerError::new(
            Refusal::InvalidClient,
            "a public app asks with an access token",
        ));
    }
    let token = required(&form, "token")?;
    let described = live(context, token, |record| describe(context, record));
    Ok(described.unwrap_or_else(|| json!({ "active": false })))
}

fn describe(context: &Context, record: &TokenRecord) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("active", true.into());
    put("scope", record.scopes.as_parameter().into());
    put("client_id", record.client_id.as_str().into());
    put("token_type", "Bearer".into());
    put("exp", record.exp.into());
    if let Some(grant) = &record.grant {
        if grant.scopes.has("openid") {
            put("iss", context.urls.issuer().into());
            put("sub", grant.user.sub.as_str().into());
        }
        if grant.scopes.has("openid") && grant.scopes.has("fhirUser") {
            let user = format!("{}/{}", context.urls.fhir(), grant.user.reference());
            put("fhirUser", user.into());
        }
        put_launch_context(context, grant, &record.scopes, &mut body);
    }
    Value::Object(body)
}
