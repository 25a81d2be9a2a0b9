//! What a handler asks for.

use core::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, RawPathParamsRejection};
use axum::extract::{
    Form, FromRef, FromRequest, FromRequestParts, OptionalFromRequestParts, RawPathParams, Request,
};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use smart_oidc::UserProfile;

use crate::state::{SmartAxum, into_axum};
use crate::web::{BrowserSession, CSRF_FIELD, Refusal, WebError};

/// The part of a route that names the launch: `/s/{tag}/`.
const TAG: &str = "tag";

/// Why a handler is not called: the page for the person is made already.
#[derive(Debug)]
pub struct Rejection(Refusal);

impl Rejection {
    /// The stable name of what is wrong: `web-not-signed-in`, or the code of a `SessionError`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.0.code()
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response<Body> {
        into_axum(self.0.into_response())
    }
}

/// The part of the path that names the launch, where the route has one. A path that cannot be read is
/// refused: it must not count as one without a tag, which another session might answer.
pub(crate) async fn tag_in_path(
    app: &SmartAxum,
    parts: &mut Parts,
) -> Result<Option<String>, Rejection> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let unclear = |parts: &Parts| Rejection(app.refuse(parts, &WebError::UnclearTag));
    let params = match params {
        Ok(params) => params,
        // A route without any has none to read.
        Err(RawPathParamsRejection::MissingPathParams(_)) => return Ok(None),
        Err(_) => return Err(unclear(parts)),
    };
    let mut found = params.iter().filter(|(name, _)| *name == TAG);
    let first = found.next().map(|(_, value)| value.to_owned());
    // Of nested routers both may have one.
    match found.all(|(_, value)| Some(value) == first.as_deref()) {
        true => Ok(first),
        false => Err(unclear(parts)),
    }
}

/// A body that cannot be had, as an answer of ours.
pub(crate) fn refuse_body(app: &SmartAxum, parts: &Parts, rejection: &BytesRejection) -> Rejection {
    let error = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => WebError::BodyTooLong,
        _ => WebError::Form,
    };
    Rejection(app.refuse(parts, &error))
}

/// The session of the tag in the path; see [`crate::web::WebApp::session`].
impl<S> FromRequestParts<S> for BrowserSession
where
    SmartAxum: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let app = SmartAxum::from_ref(state);
        let tag = tag_in_path(&app, parts).await?;
        if let Some(session) = parts.extensions.get::<Self>() {
            // A layer around the router has found it, and may not have seen the tag.
            app.check_found(parts, tag.as_deref(), session)?;
            return Ok(session.clone());
        }
        let session = app.session(parts, tag.as_deref()).await?;
        // Whoever asks for it again within this request is given the same.
        parts.extensions.insert(session.clone());
        Ok(session)
    }
}

/// The session, or nothing where the browser has no cookie of one, or, on a route without a tag, where
/// all that it has have ended. Of several, none is taken, and a tag in the path names one as ever.
impl<S> OptionalFromRequestParts<S> for BrowserSession
where
    SmartAxum: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        if parts.extensions.get::<Self>().is_some() {
            let session = <Self as FromRequestParts<S>>::from_request_parts(parts, state);
            return session.await.map(Some);
        }
        let app = SmartAxum::from_ref(state);
        let tag = tag_in_path(&app, parts).await?;
        let session = app.session_or_visitor(parts, tag.as_deref()).await?;
        if let Some(session) = &session {
            parts.extensions.insert(session.clone());
        }
        Ok(session)
    }
}

/// Who is at the screen, read from the EHR at most every ten minutes.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a handler takes it apart")]
pub struct Profile(pub Arc<UserProfile>);

impl<S> FromRequestParts<S> for Profile
where
    SmartAxum: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = <BrowserSession as FromRequestParts<S>>::from_request_parts(parts, state);
        let session = session.await?;
        let app = SmartAxum::from_ref(state);
        Ok(Self(app.profile(parts, &session).await?))
    }
}

/// A form of a session, which has brought its token in the field [`CSRF_FIELD`].
///
/// It takes the place of `axum::Form` and of the session: a handler that changes something asks for
/// this and can forget neither.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a handler takes it apart")]
pub struct CsrfForm<T> {
    /// The session.
    pub session: BrowserSession,
    /// The fields.
    pub form: T,
}

impl<S, T> FromRequest<S> for CsrfForm<T>
where
    SmartAxum: FromRef<S>,
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Response<Body>;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response<Body>> {
        let app = SmartAxum::from_ref(state);
        let (mut parts, body) = request.into_parts();
        let tag = tag_in_path(&app, &mut parts).await;
        let tag = tag.map_err(IntoResponse::into_response)?;
        let request = Request::from_parts(parts.clone(), body);
        // It keeps to the limit of the router.
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|it| refuse_body(&app, &parts, &it).into_response())?;
        let mut tokens = form_urlencoded::parse(&body).filter(|it| it.0 == CSRF_FIELD);
        let token = tokens.next().filter(|_| tokens.next().is_none());
        let token = token.map(|it| it.1);
        let refused = |it: Refusal| Rejection(it).into_response();
        let session = app.session_of_form(&parts, tag.as_deref(), token.as_deref());
        let session = session.await.map_err(refused)?;
        let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
        match Form::<T>::from_request(request, state).await {
            Ok(Form(form)) => Ok(Self { session, form }),
            Err(_) => Err(refused(app.refuse(&parts, &WebError::Form))),
        }
    }
}

/// The app itself, for handlers.
impl<S> FromRequestParts<S> for SmartAxum
where
    Self: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::from_ref(state))
    }
}
