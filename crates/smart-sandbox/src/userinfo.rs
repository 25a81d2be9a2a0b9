//! UserInfo (OpenID Connect Core 5.3): who has signed in, once more; plain, or signed for an app that is
//! registered so.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use smart_jose::Algorithm;
use smart_jose::jws;

use crate::context::{Context, TokenRecord};
use crate::fhir::{bearer, challenge, live};
use crate::hostile::{Genuine, Moment};
use crate::responses::{self, with_no_store};
use crate::standard_claims;

/// `GET` and `POST /oidc/userinfo`.
pub(crate) async fn get(State(context): State<Arc<Context>>, headers: HeaderMap) -> Response {
    let told = bearer(&headers).and_then(|it| {
        live(&context, it, |record| {
            Some((claims(&context, record)?, record.client_id.clone()))
        })
    });
    match told {
        Some(Some((claims, client_id))) => {
            let mut response = with_no_store(responses::json(StatusCode::OK, &claims));
            let client = context.client(&client_id);
            let algorithm = client.and_then(|it| it.registration.userinfo_algorithm);
            let reader = Reader {
                client_id,
                algorithm,
            };
            response.extensions_mut().insert(reader);
            response
        }
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

/// For whom an answer is, and by which algorithm it is signed, if it is.
#[derive(Clone)]
struct Reader {
    client_id: String,
    algorithm: Option<Algorithm>,
}

/// The longest answer that is signed; our own are far shorter.
const MAX_OCTETS: usize = 64 * 1024;

/// Signs an answer, after what a fault did to it. What is no answer of ours any more stays as it is.
pub(crate) async fn sign(
    State(context): State<Arc<Context>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(reader) = response.extensions().get::<Reader>().cloned() else {
        return response;
    };
    let is_asked_for = reader.algorithm.is_some();
    if !is_asked_for && !context.script.signs_userinfo() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = to_bytes(body, MAX_OCTETS).await.unwrap_or_default();
    let Ok(mut claims) = serde_json::from_slice::<Map<String, Value>>(&body) else {
        return Response::from_parts(head, Body::from(body));
    };
    claims.insert("iss".to_owned(), context.urls.issuer().into());
    claims.insert("aud".to_owned(), reader.client_id.into());
    let payload = Value::Object(claims).to_string();
    let signer = context.with_keys(|keys| keys.current(reader.algorithm).clone());
    let Ok(token) = jws::sign(payload.as_bytes(), Some(&signer.kid), &*signer.key) else {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "server_error");
    };
    let genuine = Genuine {
        token,
        payload,
        kid: &signer.kid,
        key: &*signer.key,
        jwk: &signer.jwk,
    };
    let moment = Moment {
        urls: &context.urls,
        provider: &context.provider,
        now: context.clock.now().as_secs(),
    };
    let script = &context.script;
    let body = script.forge_userinfo(is_asked_for, genuine, &moment);
    let token = HeaderValue::from_static("application/jwt");
    head.headers.insert(CONTENT_TYPE, token);
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
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
