//! With which FHIR servers an app is registered, and how.

use std::collections::HashMap;

use smart_discovery::{EndpointUrl, FhirBaseUrl, PlainHttp};
use smart_jose::Text;

use super::error::{FlowError, RegistrationError};
use crate::client::ClientConfig;
use crate::scope::Scopes;
use crate::value::RedirectUri;

/// The FHIR servers that an app is registered with, and as what with each. It is the list of
/// those that may launch the app: nothing is ever sent to another.
#[derive(Clone, Debug, Default)]
pub struct Registrations {
    /// By the FHIR base without a final slash.
    by_base: HashMap<Box<str>, Registration>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) fhir_base: FhirBaseUrl,
    pub(crate) client: ClientConfig,
}

impl Registrations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what the app is to this FHIR server.
    ///
    /// # Errors
    ///
    /// [`RegistrationError`].
    pub fn with(
        mut self,
        fhir_base: FhirBaseUrl,
        client: ClientConfig,
    ) -> Result<Self, RegistrationError> {
        check_redirect_uri(client.redirect_uri.as_str())?;
        let name = trimmed(fhir_base.as_str()).into();
        let registration = Registration { fhir_base, client };
        match self.by_base.insert(name, registration) {
            None => Ok(self),
            Some(before) => Err(RegistrationError::Duplicate {
                fhir_base: Text::new(before.fhir_base.as_str()),
            }),
        }
    }

    /// The registration with this FHIR server. One final slash does not count.
    pub(crate) fn find(&self, iss: &str) -> Result<&Registration, FlowError> {
        let found = self.by_base.get(trimmed(iss));
        found.ok_or_else(|| FlowError::NotRegistered {
            found: Text::new(iss),
        })
    }

    /// Where browsers come back to, once for each FHIR server and in no order.
    pub fn redirect_uris(&self) -> impl Iterator<Item = &RedirectUri> {
        self.by_base.values().map(|it| &it.client.redirect_uri)
    }

    /// What is asked for at each sign-in with this FHIR server; `None` where the app is not registered
    /// with it. One final slash does not count.
    #[must_use]
    pub fn scopes(&self, fhir_base: &FhirBaseUrl) -> Option<&Scopes> {
        let found = self.by_base.get(trimmed(fhir_base.as_str()));
        found.map(|it| &it.client.scopes)
    }

    /// The FHIR servers, in no order.
    pub fn fhir_bases(&self) -> impl Iterator<Item = &FhirBaseUrl> {
        self.by_base.values().map(|it| &it.fhir_base)
    }
}

fn trimmed(base: &str) -> &str {
    base.strip_suffix('/').unwrap_or(base)
}

fn check_redirect_uri(redirect_uri: &str) -> Result<(), RegistrationError> {
    let problem = if EndpointUrl::parse_with(redirect_uri, PlainHttp::LoopbackOnly).is_err() {
        "it is no absolute https URL, or http on this machine, without user and fragment"
    } else if redirect_uri.contains('*') {
        "servers compare it as it is, and a wildcard matches nothing"
    } else {
        return Ok(());
    };
    Err(RegistrationError::RedirectUri {
        redirect_uri: Text::new(redirect_uri),
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::ClientId;

    fn with(base: &str, redirect_uri: &str) -> Result<Registrations, &'static str> {
        let client = ClientConfig::public(ClientId::new("app"), RedirectUri::new(redirect_uri));
        let base = FhirBaseUrl::parse(base).unwrap();
        let added = Registrations::new().with(base.clone(), client.clone());
        let added = added.map_err(|it| it.code())?;
        // A second time is once too often, a final slash aside.
        let again = FhirBaseUrl::parse(&format!("{}/", base.as_str().trim_end_matches('/')));
        let again = added.clone().with(again.unwrap(), client).unwrap_err();
        assert_eq!(again.code(), "registration-duplicate");
        Ok(added)
    }

    // covers: SMART-LCH-6, SMART-LCH-7, OIDC-AUT-3, SBCP-19, OAUTH-4, ISSP-8
    #[test]
    fn only_what_is_registered_is_found() {
        let base = "https://ehr.example/fhir";
        let added = with(base, "https://app.example/callback?tenant=1").unwrap();
        for iss in [base, "https://ehr.example/fhir/"] {
            let found = added.find(iss).unwrap();
            assert_eq!(found.fhir_base.as_str(), base);
            let asked = added.scopes(&FhirBaseUrl::parse(iss).unwrap());
            assert!(asked.is_some_and(|it| it.has("openid")), "{iss}");
        }
        for iss in [
            "https://ehr.example/fhir//",
            "https://ehr.example/FHIR",
            "https://EHR.example/fhir",
            "https://ehr.example:443/fhir",
            "https://169.254.169.254/",
            "https://ehr.example/fhir/../fhir",
            "",
        ] {
            let base = FhirBaseUrl::parse(iss).ok();
            assert!(base.is_none_or(|it| added.scopes(&it).is_none()), "{iss}");
            let error = added.find(iss).unwrap_err();
            assert_eq!(error.code(), "launch-not-registered", "{iss}");
        }
        for good in ["http://127.0.0.1:5001/cb", "http://localhost/cb"] {
            assert!(with(base, good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "app.example/callback",
            "http://app.example/callback",
            "https://app.example/callback#there",
            "https://*.app.example/callback",
            "https://app.example/*",
            "https://user@app.example/callback",
        ] {
            assert_eq!(
                with(base, bad).unwrap_err(),
                "registration-redirect-uri",
                "{bad}"
            );
        }
    }
}
