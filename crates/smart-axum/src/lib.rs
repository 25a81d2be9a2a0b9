//! SMART on FHIR sign-in in axum: an app brings its pages, and has everything else.
//!
//! ```no_run
//! use axum::Router;
//! use axum::routing::get;
//! use smart_axum::{BrowserSession, Profile, SmartAxum, WebSettings};
//! use smart_oidc::flow::LaunchFlow;
//!
//! /// `/s/{tag}/`: where a sign-in ends.
//! async fn home(session: BrowserSession, Profile(user): Profile) -> String {
//!     let patient = session.launch().context().patient.is_some();
//!     format!("{} is signed in, with a patient: {patient}", user.name.as_deref().unwrap_or("Somebody"))
//! }
//!
//! /// What browsers get, and what operators get on a port of their own.
//! fn app(flow: LaunchFlow) -> Result<(Router, Router), smart_axum::SettingsError> {
//!     // A screen that somebody walks away from is signed out.
//!     let flow = flow.with_idle_life(std::time::Duration::from_secs(30 * 60));
//!     let settings = WebSettings::new("https://charts.example")?.with_name("Growth Chart");
//!     let smart = SmartAxum::new(settings, flow)?;
//!     let pages = Router::new().route("/s/{tag}/", get(home));
//!     let operators = smart.operations().with_state(smart.clone());
//!     Ok((smart.mount(pages).with_state(smart), operators))
//! }
//! ```
//!
//! # What it mounts
//!
//! | Route | What it does |
//! |---|---|
//! | `GET /launch` | begins a sign-in for the EHR, or for the app where that is allowed |
//! | `GET /callback` | finishes it: a session with a new id, and on to `/s/{tag}/` |
//! | `GET /logout`, `POST /logout` | the page with the button; the end of the session and of its tokens |
//! | `POST /patient` | goes on after the record has turned to another patient |
//! | `GET /.well-known/jwks.json` | the app's own public keys |
//! | `GET /healthz`, `GET /readyz`, `GET /metrics` | [`SmartAxum::operations`], for whoever runs it |
//!
//! # Two patients in two tabs
//!
//! A browser has a session for each launch. Its cookie is named by the launch's tag, and the pages of
//! a launch are under `/s/{tag}/`. [`BrowserSession`] is the session of the tag in the path. A route
//! without a tag gets the session where there is exactly one, and where there are several the person
//! gets a page to choose from: nobody ever gets the session of another patient silently. What changes
//! something names its launch in any case, in its address or by its token.
//!
//! # What a page is protected by
//!
//! - Tokens stay on the server. The browser has the id of the session in a `__Host-` cookie, a new one
//!   after each sign-in, which the browser keeps until it is closed.
//! - A request that may change something needs the browser's word that a page of the app sent it, or
//!   the session's token; [`CsrfForm`] always needs the token. A `GET` changes nothing; the handshake
//!   of a WebSocket counts as a change.
//! - Every answer has a Content-Security-Policy with `frame-ancestors`, `Referrer-Policy: no-referrer`,
//!   `Cache-Control: no-store` unless the page says otherwise, and HSTS under https.
//! - The address of the app is a setting and is never read from a header, so no header moves a link.
//!
//! # Another framework
//!
//! [`web`] knows `http` and nothing of axum. The routes here hand it the parts of a request and give
//! its answer back; another framework does the same.

mod extract;
mod form;
mod layer;
mod routes;
mod serve;
mod slow;
mod state;
pub mod web;

pub use extract::{CsrfForm, Profile, Rejection};
pub use layer::{SessionLayer, SessionService};
pub use serve::{TIME_TO_STOP, serve};
pub use state::SmartAxum;
pub use web::{BrowserSession, CookieMode, Embedding, Metrics, SettingsError, WebSettings};
