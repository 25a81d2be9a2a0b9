//! The request by which an EHR launches an app.

use core::fmt;

use smart_jose::Text;

use super::error::FlowError;
use crate::value::LaunchHandle;

/// What an EHR sends to an app's launch URL (SMART App Launch 2.2, EHR Launch). Both values come
/// from outside: `iss` only chooses among the FHIR servers that are registered.
///
/// This is another request than the callback, which may have an `iss` too: that one names the
/// issuer (RFC 9207).
///
/// ```
/// use smart_oidc::flow::EhrLaunch;
/// let launch = EhrLaunch::parse("iss=https%3A%2F%2Fehr.example%2Ffhir&launch=xyz").unwrap();
/// assert_eq!(launch.iss(), "https://ehr.example/fhir");
/// assert_eq!(EhrLaunch::parse("launch=xyz").unwrap_err().code(), "launch-request-missing");
/// ```
#[derive(Clone)]
pub struct EhrLaunch {
    pub(super) iss: String,
    pub(super) launch: LaunchHandle,
}

impl EhrLaunch {
    /// Reads the query of the request, everything behind the `?`.
    ///
    /// # Errors
    ///
    /// [`FlowError::LaunchRequestMissing`] and [`FlowError::LaunchRequestDuplicate`].
    pub fn parse(query: &str) -> Result<Self, FlowError> {
        let (mut iss, mut launch) = (None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, slot) = match name.as_ref() {
                "iss" => ("iss", &mut iss),
                "launch" => ("launch", &mut launch),
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(FlowError::LaunchRequestDuplicate { name });
            }
        }
        // A parameter without a value counts as left out (RFC 6749 3.1).
        let required = |name, value: Option<String>| {
            let value = value.filter(|it| !it.is_empty());
            value.ok_or(FlowError::LaunchRequestMissing { name })
        };
        Ok(Self {
            iss: required("iss", iss)?,
            launch: LaunchHandle::new(required("launch", launch)?),
        })
    }

    /// The FHIR base that the EHR names.
    #[must_use]
    pub fn iss(&self) -> &str {
        &self.iss
    }
}

impl fmt::Debug for EhrLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EhrLaunch")
            .field("iss", &Text::new(&self.iss))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: SMART-LCH-1, SMART-LCH-3, ISSP-10
    #[test]
    fn a_launch_needs_both_parameters_once() {
        let launch = EhrLaunch::parse("launch=a%2Bb%2F%253D&x=1&iss=https%3A%2F%2Fe%2Ffhir%2F");
        let launch = launch.unwrap();
        assert_eq!(launch.iss(), "https://e/fhir/");
        assert_eq!(launch.launch.as_str(), "a+b/%3D");
        for (query, code) in [
            ("", "launch-request-missing"),
            ("iss=https%3A%2F%2Fe", "launch-request-missing"),
            ("launch=x", "launch-request-missing"),
            ("iss=&launch=x", "launch-request-missing"),
            ("iss=a&launch=", "launch-request-missing"),
            ("iss=a&launch=x&iss=a", "launch-request-duplicate"),
            ("iss=a&launch=x&launch=", "launch-request-duplicate"),
        ] {
            assert_eq!(EhrLaunch::parse(query).unwrap_err().code(), code, "{query}");
        }
        assert!(!format!("{launch:?}").contains("a+b"));
    }
}
