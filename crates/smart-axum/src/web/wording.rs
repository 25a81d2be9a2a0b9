//! How the app's own pages call a patient.

use core::fmt::Debug;

use async_trait::async_trait;
use smart_oidc::session::LaunchSession;

/// How the app's own pages call a patient, where a person has to tell one from another: a name and a
/// date of birth, where the pages know the id of a FHIR `Patient` only.
///
/// ```
/// use async_trait::async_trait;
/// use smart_axum::web::{WebSettings, Wording};
/// use smart_oidc::session::LaunchSession;
///
/// #[derive(Debug)]
/// struct FromTheChart;
///
/// #[async_trait]
/// impl Wording for FromTheChart {
///     async fn patient(&self, session: &LaunchSession, patient: &str) -> Option<String> {
///         // A real one reads `Patient/{patient}` with the access token of the session.
///         let base = session.fhir_base().as_str();
///         (base == "https://ehr.example/fhir" && patient == "maria-example")
///             .then(|| "Maria Example, born 1982-03-04".to_owned())
///     }
/// }
///
/// # fn example() -> Result<WebSettings, smart_axum::SettingsError> {
/// Ok(WebSettings::new("https://charts.example")?.with_wording(FromTheChart))
/// # }
/// # assert!(example().is_ok());
/// ```
#[async_trait]
pub trait Wording: Debug + Send + Sync {
    /// The patient with this id in words, as text and not as markup; `None` where they are not known,
    /// and the page shows the id. The access token of the session may have ended, or may be for another
    /// patient; nothing is refreshed for a page like this. Whoever takes longer than two seconds is not
    /// waited for.
    async fn patient(&self, session: &LaunchSession, patient: &str) -> Option<String>;
}
