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

/// Signs an answer as a fault has left it, its type included. What is sent in the place of an answer is
/// none of ours and stays as it is.
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
    let payload = addressed(&body, &context.urls.issuer(), &reader.client_id);
    let signer = context.with_keys(|keys| keys.current(reader.algorithm).clone());
    let Ok(token) = jws::sign(&payload, Some(&signer.kid), &*signer.key) else {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "server_error");
    };
    let genuine = Genuine {
        token,
        payload: String::from_utf8_lossy(&payload).into_owned(),
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
    let is_ours = |it: &&HeaderValue| it.as_bytes() == b"application/json";
    if head.headers.get(CONTENT_TYPE).filter(is_ours).is_some() {
        let token = HeaderValue::from_static("application/jwt");
        head.headers.insert(CONTENT_TYPE, token);
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body))
}

/// The octets with issuer and audience behind the brace that opens the object. They are not read and
/// written again, which would mend what a fault did to them; what opens no object stays as it is.
fn addressed(body: &[u8], issuer: &str, client_id: &str) -> Vec<u8> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let (mark, text) = match body.strip_prefix(MARK) {
        Some(text) => (MARK, text),
        None => (&[][..], body),
    };
    let Some(rest) = text.strip_prefix(b"{") else {
        return body.to_vec();
    };
    let members = json!({ "iss": issuer, "aud": client_id }).to_string();
    let members = members.strip_suffix('}').unwrap_or_default().as_bytes();
    let is_empty = rest.trim_ascii_start().starts_with(b"}");
    let comma: &[u8] = if is_empty { b"" } else { b"," };
    [mark, members, comma, rest].concat()
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

#[cfg(test)]
mod tests {
    use super::addressed;

    #[test]
    fn what_a_fault_left_is_addressed_octet_for_octet() {
        let of = |body: &[u8]| addressed(body, "i", "a\"b");
        let members = |rest: &str| format!("{{\"aud\":\"a\\\"b\",\"iss\":\"i\"{rest}").into_bytes();
        let twice = r#"{"sub":"a","sub":"b","x":1e999}"#;
        assert_eq!(of(twice.as_bytes()), members(&format!(",{}", &twice[1..])));
        assert_eq!(of(b"{ }"), members(" }"));
        assert_eq!(of(b"{}{}"), members("}{}"));
        let marked = [b"\xef\xbb\xbf", &*members(",\"sub\":1}")].concat();
        assert_eq!(of("\u{feff}{\"sub\":1}".as_bytes()), marked);
        for none in [&b""[..], b"\0{\0}", b"[{}]", b"null", b"\xff{}"] {
            assert_eq!(of(none), none);
        }
    }
}
