//! Launches from the EHR: what the user was looking at, under a handle for one app.

use core::time::Duration;

use serde_json::{Value, json};

use crate::scopes::SmartVersion;

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
    /// The reference of the user who is signed in to the EHR.
    pub(crate) user: Option<String>,
    items: Vec<(String, Option<String>)>,
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

    /// Who is signed in to the EHR, by reference: `Practitioner/dr-smith`. Without one it is the
    /// sandbox's default user. A reference that is nobody's is refused when the launch is made.
    #[must_use]
    pub fn user(mut self, reference: impl Into<String>) -> Self {
        self.user = Some(reference.into());
        self
    }

    /// Something else that is open, by reference (`ImagingStudy/1`) and in a role, which is a URI or
    /// left out: an item of `fhirContext`, in the form that the played version has.
    #[must_use]
    pub fn also_open(mut self, reference: impl Into<String>, role: Option<&str>) -> Self {
        let role = role.map(str::to_owned);
        self.items.push((reference.into(), role));
        self
    }

    /// `fhirContext`: strings in SMART 2.0, objects later, and unknown before.
    pub(crate) fn fhir_context(&self, version: SmartVersion) -> Option<Value> {
        let item = |(reference, role): &(String, Option<String>)| match (version, role) {
            (SmartVersion::V2_0, _) => json!(reference),
            (_, None) => json!({ "reference": reference }),
            (_, Some(role)) => json!({ "reference": reference, "role": role }),
        };
        let is_told = version != SmartVersion::V1_0 && !self.items.is_empty();
        is_told.then(|| self.items.iter().map(item).collect())
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
