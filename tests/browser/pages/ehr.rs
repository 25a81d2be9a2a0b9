//! The EHR of a test that needs another one than the one that `smart serve` brings along.

use smart_oidc::jose::CryptoProvider;
use smart_sandbox::{DEFAULT_CLIENT_ID, LaunchContext, Sandbox, SandboxBuilder};

use crate::served::Served;

/// On `localhost`, which is another site than `127.0.0.1`.
pub(crate) fn builder() -> SandboxBuilder {
    Sandbox::builder(CryptoProvider::ring()).named_localhost()
}

pub(crate) async fn start() -> Sandbox {
    builder().start().await.unwrap()
}

/// The address that the EHR opens for its default user and this patient.
pub(crate) fn launch(ehr: &Sandbox, app: &Served, patient: &str) -> String {
    let open = LaunchContext::new().patient(patient);
    let launch = ehr.ehr_launch(DEFAULT_CLIENT_ID, open).unwrap();
    launch.url(&format!("{}/launch", app.url()))
}
