//! What the pages of the dashboard share.

use std::sync::Arc;

use axum::extract::FromRef;
use smart_axum::SmartAxum;
use smart_oidc::Scopes;
use smart_sandbox::Sandbox;

use super::reports::Reports;

/// The state of the router; it is cheap to clone.
#[derive(Clone)]
pub(super) struct App {
    pub(super) smart: SmartAxum,
    /// The EHR in the same program, where it is not a real one.
    pub(super) sandbox: Option<Arc<Sandbox>>,
    pub(super) reports: Arc<Reports>,
    /// What is asked for at each sign-in.
    pub(super) asked: Scopes,
}

impl App {
    pub(super) const fn new(
        smart: SmartAxum,
        sandbox: Option<Arc<Sandbox>>,
        reports: Arc<Reports>,
        asked: Scopes,
    ) -> Self {
        Self {
            smart,
            sandbox,
            reports,
            asked,
        }
    }
}

impl FromRef<App> for SmartAxum {
    fn from_ref(app: &App) -> Self {
        app.smart.clone()
    }
}
