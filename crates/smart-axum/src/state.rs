//! The app in axum: what handlers and extractors have of it.

use core::ops::Deref;

use axum::body::{Body, Bytes};
use axum::http::Response;
use smart_oidc::flow::LaunchFlow;

use crate::web::{SettingsError, WebApp, WebSettings};

/// The app in axum: state for handlers and extractors, and the routes. It is cheap to clone.
///
/// Where an app has a state of its own, `FromRef` leads from that one to this.
#[derive(Clone, Debug)]
pub struct SmartAxum {
    web: WebApp,
}

impl SmartAxum {
    /// An app with these settings that signs people in by this flow.
    ///
    /// # Errors
    ///
    /// [`SettingsError`].
    pub fn new(settings: WebSettings, flow: LaunchFlow) -> Result<Self, SettingsError> {
        let web = WebApp::new(settings, flow)?;
        Ok(Self { web })
    }
}

impl Deref for SmartAxum {
    type Target = WebApp;

    fn deref(&self) -> &WebApp {
        &self.web
    }
}

/// The answer of the core as axum has it.
pub(crate) fn into_axum(response: Response<Bytes>) -> Response<Body> {
    response.map(Body::from)
}
