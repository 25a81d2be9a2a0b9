//! Spoils answers on their way out, where a fault is played.

use core::time::Duration;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::header::CONTENT_LENGTH;

use crate::context::Context;
use crate::hostile::{Answering, At, Moment};

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
    match marked.or(asked).filter(|it| context.script.acts_at(*it)) {
        Some(at) => spoilt(&context, response, at).await,
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

async fn spoilt(context: &Context, response: Response, at: At) -> Response {
    let (head, body) = response.into_parts();
    let body = to_bytes(body, MAX_OCTETS).await.unwrap_or_default();
    let mut answer = Answering {
        head,
        body: body.into(),
        is_late: false,
        instead: None,
    };
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: context.clock.now().as_secs(),
    };
    context.script.spoil_answer(at, &mut answer, &moment);
    if answer.is_late {
        tokio::time::sleep(LATE).await;
    }
    if let Some(instead) = answer.instead {
        return instead;
    }
    answer.head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(answer.head, Body::from(answer.body))
}
