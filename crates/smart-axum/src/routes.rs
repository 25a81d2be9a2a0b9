//! The routes.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::header::ALLOW;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{get, post};

use crate::layer::SessionLayer;
use crate::state::{SmartAxum, into_axum};
use crate::web::MAX_FORM_OCTETS;

impl SmartAxum {
    /// The pages of an app with the routes of a sign-in, and with the headers that protect both.
    ///
    /// Behind a proxy that passes its prefix on, nest the whole under that prefix; behind one that
    /// takes it away, serve it as it is. The address in the settings has the prefix in both cases.
    pub fn mount<S>(&self, pages: Router<S>) -> Router<S>
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
    /// else's business: merge them where the proxy does not lead, or serve them on another port.
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
    let mut response = next.run(request).await;
    app.protect(response.headers_mut());
    response
}

async fn launch(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.launch(&parts).await)
}

async fn callback(State(app): State<SmartAxum>, parts: Parts) -> Response<Body> {
    into_axum(app.callback(&parts).await)
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

async fn logout(State(app): State<SmartAxum>, parts: Parts, body: Bytes) -> Response<Body> {
    into_axum(app.logout(&parts, &body).await)
}

async fn accept_patient(State(app): State<SmartAxum>, parts: Parts, body: Bytes) -> Response<Body> {
    into_axum(app.accept_patient(&parts, &body).await)
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
