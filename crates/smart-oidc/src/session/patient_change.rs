//! That a refresh has brought another patient.

use core::fmt;

/// A refresh has brought another patient than the app shows. Nothing is done for the new one before
/// the app says that it shows him: see [`crate::flow::LaunchFlow::accept_patient`].
///
/// Both are ids of FHIR `Patient` resources. `Debug` and `Display` show neither.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientChange {
    pub(crate) before: String,
    pub(crate) now: String,
}

impl PatientChange {
    /// The id of the patient whom the app shows.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The id of the patient in context now.
    #[must_use]
    pub fn now(&self) -> &str {
        &self.now
    }
}

impl fmt::Debug for PatientChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientChange(***)")
    }
}
