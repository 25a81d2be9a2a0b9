//! What the web part of an app does, whichever framework carries it.
//!
//! Nothing in here knows more of the web than the crate `http`: a request comes as its
//! [`http::request::Parts`], an answer goes as an [`http::Response`]. [`WebApp`] has a method for
//! each route. A framework brings the routes and the part of the path that names the launch, and
//! hands what it is given back to the browser.

mod address;
mod advice;
mod app;
mod cookies;
mod csrf;
mod form;
mod headers;
mod keys;
mod leave;
mod listing;
mod metrics;
mod operations;
mod page;
mod patient;
mod problem;
mod profiles;
mod reference;
mod refusal;
mod reports;
mod sessions;
mod settings;
mod sign_in;
mod wording;
mod words;

pub use address::{AppUrl, AppUrlError};
pub use app::WebApp;
pub use cookies::CookieMode;
pub use csrf::{CSRF_FIELD, CSRF_HEADER, CsrfError};
pub use form::MAX_FORM_OCTETS;
pub use keys::ClientKeys;
pub use metrics::Metrics;
pub use problem::WebError;
pub use refusal::Refusal;
pub use reports::{ReportsFor, SignInReports};
pub use sessions::BrowserSession;
pub use settings::{EhrOrigins, Embedding, SettingsError, WebSettings};
pub use wording::Wording;
pub use words::{ErrorPage, error_pages};
