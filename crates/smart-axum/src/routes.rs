//! The routes.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};

use crate::extract::refuse_body;
use crate::form::with_token;
use crate::layer::SessionLayer;
use crate::state::{SmartAxum, into_axum};
use crate::web::{MAX_FORM_OCTETS, WebError};

impl SmartAxum {
    /// The pages of an app with the routes of a sign-in, and with the headers that protect both.
    ///
    /// Behind a proxy that passes its prefix on, nest the whole under that prefix; behind one that
    /// takes it away, serve it as it is. The address in the settings has the prefix in both cases.
    ///
    /// Unknown paths get a page too, with the same headers, also where the whole is nested or merged.
    /// What is added to the router afterwards has neither: add it to `pages`.
    ///
    /// # Panics
    ///
    /// As `Router::merge` does: where `pages` has a route that a sign-in has, or a fallback of its own,
    /// for which there is [`SmartAxum::mount_with_fallback`].
    pub fn mount<S>(&self, pages: Router<S>) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        Self: FromRef<S>,
    {
        let unknown: Router<S> = Router::new().fallback(not_found);
        self.mount_with_fallback(pages.merge(unknown))
    }

    /// The same for pages that have a fallback of their own, which then has the headers too.
    pub fn mount_with_fallback<S>(&self, pages: Router<S>) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        Self: FromRef<S>,
    {
        let protect = from_fn_with_state(self.clone(), protect);
        pages.merge(self.router()).layer(protect)
    }

    /// The routes of a sign-in alone.
    pub fn router<S>(&self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        Router::new()
            // A HEAD must not use up what a GET is for.
            .route("/launch", get(launch).head(only_get))
            .route("/callback", get(callback).head(only_get))
            .route("/logout", get(logout_page).post(logout))
            .route("/patient", post(accept_patient))
            .route("/.well-known/jwks.json", get(jwks))
            .layer(DefaultBodyLimit::max(MAX_FORM_OCTETS))
            .with_state(self.clone())
    }

    /// The routes for whoever runs the app. Their answers name nobody, and still they are nobody
    /// else's business: serve them on a port of their own, to which no proxy leads.
    pub fn operations<S>(&self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        Router::new()
            .route("/healthz", get(healthz))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            // Of two routers that are merged, the answer to unknown paths is that of the second.
            .layer(from_fn_with_state(self.clone(), protect))
            .with_state(self.clone())
    }

    /// A layer for routes that want the session and nothing else of axum's state: whoever has none is
    /// refused, and the handler finds the [`crate::BrowserSession`] in the extensions of its request.
    #[must_use]
    pub fn session_layer(&self) -> SessionLayer {
        SessionLayer::new(self.clone())
    }
}

async fn protect(State(app): State<SmartAxum>, request: Request, next: Next) -> Response<Body> {
    let mut response = match with_token(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(rejection) => rejection.into_response(),
    };
    app.protect(response.headers_mut());
    response
}

async fn launch(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.launch(&parts).await)
}

async fn callback(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.callback(&parts).await)
}

async fn not_found(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.refuse(&parts, &WebError::NotFound).into_response())
}

async fn only_get() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    let allowed = HeaderValue::from_static("GET");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

async fn logout_page(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.logout_page(&parts).await)
}

type Octets = Result<Bytes, BytesRejection>;

async fn logout(State(app): State<SmartAxum>, parts: Parts, body: Octets) -> Response<Body> {
    match body {
        Ok(body) => into_axum(app.logout(&parts, &body).await),
        Err(rejection) => refuse_body(&app, &parts, &rejection).into_response(),
    }
}

async fn accept_patient(
    State(app): State<SmartAxum>,
    parts: Parts,
    body: Octets,
) -> Response<Body> {
    match body {
        Ok(body) => into_axum(app.accept_patient(&parts, &body).await),
        Err(rejection) => refuse_body(&app, &parts, &rejection).into_response(),
    }
}

async fn jwks(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.jwks(&parts))
}

async fn healthz(State(app): State<SmartAxum>) -> Response<Body> {
    into_axum(app.healthz())
}

async fn readyz(State(app): State<SmartAxum>) -> Response<Body> {
    into_axum(app.readyz())
}

async fn metrics(State(app): State<SmartAxum>) -> Response<Body> {
    into_axum(app.metrics_text())
}
