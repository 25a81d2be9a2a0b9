//! That another patient is in context than the app shows.

use core::fmt;

/// Another patient is in context than the app shows. Nothing is done for the new one before the app
/// says that it shows him: see [`crate::flow::LaunchFlow::accept_patient`].
///
/// Both are ids of FHIR `Patient` resources. `Debug` shows neither, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientChange {
    pub(crate) before: String,
    pub(crate) now: Option<String>,
}

impl PatientChange {
    /// The id of the patient whom the app shows.
    #[must_use]
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The id of the patient in context now; `None` where there is none.
    #[must_use]
    pub fn now(&self) -> Option<&str> {
        self.now.as_deref()
    }
}

impl fmt::Debug for PatientChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientChange(***)")
    }
}
