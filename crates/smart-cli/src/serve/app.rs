//! What the pages of the dashboard share.

use std::sync::Arc;

use axum::extract::FromRef;
use smart_axum::SmartAxum;
use smart_axum::web::SignInReports;
use smart_oidc::ClientConfig;
use smart_oidc::discovery::FhirBaseUrl;
use smart_sandbox::Sandbox;

/// The state of the router; it is cheap to clone.
#[derive(Clone)]
pub(super) struct App {
    pub(super) smart: SmartAxum,
    /// The EHR in the same program, where it is not a real one.
    pub(super) sandbox: Option<Arc<Sandbox>>,
    pub(super) reports: SignInReports,
    /// The EHRs that the app is registered with, in the order in which they are shown.
    pub(super) ehrs: Arc<[Ehr]>,
}

/// One EHR.
pub(super) struct Ehr {
    /// What people call it.
    pub(super) name: String,
    pub(super) base: FhirBaseUrl,
    pub(super) client: ClientConfig,
}

impl App {
    pub(super) fn new(
        smart: SmartAxum,
        sandbox: Option<Arc<Sandbox>>,
        reports: SignInReports,
        ehrs: Vec<Ehr>,
    ) -> Self {
        Self {
            smart,
            sandbox,
            reports,
            ehrs: ehrs.into(),
        }
    }

    /// The EHR of a session.
    pub(super) fn ehr(&self, base: &FhirBaseUrl) -> Option<&Ehr> {
        self.ehrs.iter().find(|it| it.base == *base)
    }
}

impl FromRef<App> for SmartAxum {
    fn from_ref(app: &App) -> Self {
        app.smart.clone()
    }
}
