//! A tower layer for apps that want the session and nothing else.

use core::convert::Infallible;
use core::fmt;
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use axum::body::Body;
use axum::http::{Request, Response};
use axum::response::IntoResponse;
use tower_layer::Layer;
use tower_service::Service;

use crate::extract::{Rejection, tag_in_path};
use crate::form::with_token;
use crate::state::SmartAxum;

/// Refuses requests without a session, and gives the others their [`crate::BrowserSession`] in the
/// extensions. [`SmartAxum::session_layer`] makes one.
///
/// It belongs on the `Router` that has `{tag}` in its paths, by `Router::layer` or `route_layer`, which
/// knows the parts of the path by then. Around a router, or on one that nests it, it cannot see them and
/// takes the request for one without a tag. The extractors compare, and refuse such a session with
/// `web-unclear-tag`; a handler that takes it from the extensions by itself compares
/// [`crate::BrowserSession::tag`].
#[derive(Clone, Debug)]
pub struct SessionLayer {
    app: SmartAxum,
}

impl SessionLayer {
    pub(crate) const fn new(app: SmartAxum) -> Self {
        Self { app }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        let app = self.app.clone();
        SessionService { app, inner }
    }
}

/// What [`SessionLayer`] makes of a service.
#[derive(Clone)]
pub struct SessionService<S> {
    app: SmartAxum,
    inner: S,
}

impl<S> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<S> Service<Request<Body>> for SessionService<S>
where
    S: Service<Request<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Answer {
        let app = self.app.clone();
        // The one that was asked whether it is ready goes; the copy is asked the next time.
        let copy = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let request = match with_token(&app, request).await {
                Ok(request) => request,
                Err(rejection) => return Ok(rejection.into_response()),
            };
            let (mut parts, body) = request.into_parts();
            let tag = match tag_in_path(&app, &mut parts).await {
                Ok(tag) => tag,
                Err(rejection) => return Ok(rejection.into_response()),
            };
            match app.session(&parts, tag.as_deref()).await {
                Ok(session) => {
                    parts.extensions.insert(session);
                    let request = Request::from_parts(parts, body);
                    inner.call(request).await.map(IntoResponse::into_response)
                }
                Err(refusal) => Ok(Rejection::from(refusal).into_response()),
            }
        })
    }
}
