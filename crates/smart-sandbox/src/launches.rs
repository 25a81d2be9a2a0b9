//! Launches from the EHR: what the user was looking at, under a handle for one app.

use core::time::Duration;

/// So long a launch can be used.
pub(crate) const LAUNCH_LIFETIME: Duration = Duration::from_secs(300);

/// What the user has open in the EHR, which comes to the app beside the access token.
///
/// ```
/// use smart_sandbox::LaunchContext;
/// let context = LaunchContext::new().patient("p-1").encounter("e-1").intent("reconcile");
/// # let _ = context;
/// ```
#[derive(Clone, Default)]
pub struct LaunchContext {
    pub(crate) patient: Option<String>,
    pub(crate) encounter: Option<String>,
    pub(crate) intent: Option<String>,
    pub(crate) hides_banner: bool,
}

impl LaunchContext {
    /// Nothing is open.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of a patient.
    #[must_use]
    pub fn patient(mut self, id: impl Into<String>) -> Self {
        self.patient = Some(id.into());
        self
    }

    /// The id of an encounter.
    #[must_use]
    pub fn encounter(mut self, id: impl Into<String>) -> Self {
        self.encounter = Some(id.into());
        self
    }

    /// What the user wants to do.
    #[must_use]
    pub fn intent(mut self, intent: impl Into<String>) -> Self {
        self.intent = Some(intent.into());
        self
    }

    /// The EHR shows the patient's banner itself: `need_patient_banner` is false.
    #[must_use]
    pub const fn without_banner(mut self) -> Self {
        self.hides_banner = true;
        self
    }
}

impl core::fmt::Debug for LaunchContext {
    /// Shows no patient, as an app should not either.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("LaunchContext(***)")
    }
}

/// A launch that was made for one app.
pub(crate) struct LaunchRecord {
    pub(crate) client_id: String,
    pub(crate) context: LaunchContext,
}

/// The two parameters with which the EHR starts an app (SMART App Launch 2.2, EHR launch).
#[derive(Clone)]
#[non_exhaustive]
pub struct EhrLaunch {
    /// The FHIR base.
    pub iss: String,
    /// The handle, which the app hands back.
    pub launch: String,
}

impl EhrLaunch {
    /// The app's launch URL with both parameters behind its own query: what the EHR opens.
    #[must_use]
    pub fn url(&self, launch_url: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("iss", &self.iss)
            .append_pair("launch", &self.launch)
            .finish();
        let separator = if launch_url.contains('?') { '&' } else { '?' };
        format!("{launch_url}{separator}{query}")
    }
}

impl core::fmt::Debug for EhrLaunch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EhrLaunch")
            .field("iss", &self.iss)
            .finish_non_exhaustive()
    }
}
