//! Spoils answers on their way out, where a fault is played.

use core::time::Duration;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::context::Context;
use crate::hostile::{At, Moment, Spoiling};

/// So late a late answer is: beyond what a client should wait, and within what a connection has here.
const LATE: Duration = Duration::from_secs(10);
/// Our own answers are far shorter, in octets.
const MAX_OCTETS: usize = 1024 * 1024;

/// The path says which answer it is, or the endpoint itself where the path does not.
pub(crate) async fn spoil(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let asked = match *request.method() {
        Method::OPTIONS => None,
        _ => place(request.uri().path()),
    };
    let response = next.run(request).await;
    let marked = response.extensions().get::<At>().copied();
    let is_success = response.status() == StatusCode::OK;
    let spoiling = marked
        .or(asked)
        .and_then(|it| context.script.spoiling(it, is_success));
    match spoiling {
        Some(spoiling) => spoilt(&context, response, spoiling).await,
        None => response,
    }
}

fn place(path: &str) -> Option<At> {
    match path {
        "/fhir/.well-known/smart-configuration" => Some(At::SmartConfiguration),
        "/oidc/.well-known/openid-configuration" | "/fhir/.well-known/openid-configuration" => {
            Some(At::OpenidConfiguration)
        }
        "/oidc/jwks" => Some(At::Jwks),
        "/oidc/userinfo" => Some(At::UserInfo),
        "/oidc/revoke" => Some(At::Revocation),
        _ => {
            let mut parts = path.strip_prefix("/fhir/")?.split('/');
            let (kind, id, end) = (parts.next()?, parts.next()?, parts.next());
            let is_read = kind.starts_with(|it: char| it.is_ascii_uppercase());
            (is_read && id != "_search" && end.is_none()).then_some(At::Read)
        }
    }
}

async fn spoilt(context: &Context, response: Response, spoiling: Spoiling) -> Response {
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: context.clock.now().as_secs(),
    };
    if spoiling.is_late {
        tokio::time::sleep(LATE).await;
    }
    let (mut head, body) = response.into_parts();
    let mut body = to_bytes(body, MAX_OCTETS).await.unwrap_or_default();
    if let Some(answer) = spoiling.answer {
        return answer(&moment);
    }
    if !spoiling.bodies.is_empty()
        && let Ok(mut value) = serde_json::from_slice::<Value>(&body)
    {
        for act in spoiling.bodies {
            act(&mut value, &moment);
        }
        body = value.to_string().into();
    }
    for act in spoiling.texts {
        body = act(&String::from_utf8_lossy(&body)).into();
    }
    for act in spoiling.heads {
        act(&mut head);
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}
