//! The chain of trust: FHIR base, SMART configuration, issuer, provider metadata, keys.

use std::sync::Arc;

use http::StatusCode;
use smart_jose::{ErrorClass, Text};

use crate::capability_statement;
use crate::document::DocumentError;
use crate::finding::Finding;
use crate::http_client::HttpClient;
use crate::provider_metadata::{MetadataError, ProviderMetadata};
use crate::smart_configuration::SmartConfiguration;
use crate::url::{EndpointUrl, FhirBaseUrl, Issuer, PlainHttp, UrlError};

/// Follows the chain of trust from a FHIR base that the caller has configured.
///
/// Nothing is ever fetched because of what a token says, and the issuer is never assumed to be
/// the FHIR base.
#[derive(Clone, Debug)]
pub struct Discovery {
    http: Arc<dyn HttpClient>,
    plain: PlainHttp,
    pinned: Option<Issuer>,
    fallback: Smart10Fallback,
}

/// What to do where a FHIR server has no smart-configuration at all (404 or 410).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Smart10Fallback {
    /// Stop there.
    #[default]
    Refused,
    /// Read the endpoints from the CapabilityStatement, as with SMART 1.0. Such a server names no
    /// issuer, so that its FHIR base is tried, or the pinned one.
    CapabilityStatement,
}

/// An issuer that the chain of trust led to: what a verifier is built from.
///
/// Only [`Discovery`] makes one.
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    fhir_base: FhirBaseUrl,
    smart: Arc<SmartConfiguration>,
    provider: Arc<ProviderMetadata>,
}

impl TrustedIssuer {
    /// The end of a chain whose steps have been checked.
    pub(crate) const fn new(
        fhir_base: FhirBaseUrl,
        smart: Arc<SmartConfiguration>,
        provider: Arc<ProviderMetadata>,
    ) -> Self {
        Self {
            fhir_base,
            smart,
            provider,
        }
    }

    /// The FHIR base that the chain began with.
    #[must_use]
    pub const fn fhir_base(&self) -> &FhirBaseUrl {
        &self.fhir_base
    }

    /// What `iss` in a token must equal, character for character.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.provider.issuer
    }

    /// Where the keys are.
    #[must_use]
    pub fn jwks_uri(&self) -> &EndpointUrl {
        &self.provider.jwks_uri
    }

    /// What the FHIR server says of its authorization.
    #[must_use]
    pub fn smart_configuration(&self) -> &SmartConfiguration {
        &self.smart
    }

    /// What the issuer says of itself.
    #[must_use]
    pub fn provider_metadata(&self) -> &ProviderMetadata {
        &self.provider
    }
}

/// One step of the chain, for a report.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Step {
    /// What was done.
    pub name: &'static str,
    /// The document that was fetched.
    pub url: String,
    /// What came of it: a sentence, or the error.
    pub outcome: Result<String, DiscoveryError>,
    /// What is odd but was met.
    pub findings: Vec<Finding>,
}

/// The whole chain: the steps as far as they went, and the end.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Trace {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// The end of the chain.
    pub outcome: Result<TrustedIssuer, DiscoveryError>,
}

/// Why the chain of trust broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoveryError {
    /// The server names another issuer than before, or the issuer names itself otherwise. What
    /// was trusted before stays.
    #[error("the server names the issuer {found}, and {held} before")]
    IssuerChanged {
        /// The issuer that was trusted.
        held: Text,
        /// The issuer that is named now.
        found: Text,
    },
    /// `issuer` in smart-configuration is refused.
    #[error("the issuer in smart-configuration: {0}")]
    IssuerUrl(UrlError),
    /// The server names another issuer than the one that the caller pinned.
    #[error("the server names the issuer {found}, pinned is {pinned}")]
    NotPinned {
        /// The issuer that the caller trusts.
        pinned: Text,
        /// The issuer that the server names.
        found: Text,
    },
    /// The provider metadata cannot be used.
    #[error("openid-configuration: {0}")]
    Provider(MetadataError),
    /// What was fetched may not be used any more: it was forgotten on purpose meanwhile, or the
    /// clock has jumped past its end. A later try fetches again.
    #[error("discovery was interrupted")]
    Interrupted,
    /// The SMART configuration cannot be used.
    #[error("smart-configuration: {0}")]
    Smart(DocumentError),
}

impl DiscoveryError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::IssuerChanged { .. } => "issuer-changed",
            Self::IssuerUrl(error) => error.code(),
            Self::NotPinned { .. } => "issuer-not-pinned",
            Self::Provider(error) => error.code(),
            Self::Interrupted => "discovery-interrupted",
            Self::Smart(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Smart(error) | Self::Provider(MetadataError::Document(error)) => error.class(),
            _ => ErrorClass::Upstream,
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::IssuerChanged { .. } => {
                "find out whether the server has moved to another issuer; purge what is held if so"
            }
            Self::IssuerUrl(_) => "ask the server's operator to publish an https issuer",
            Self::NotPinned { .. } => "find out which issuer is right before you change the pin",
            Self::Provider(error) => error.remedy(),
            Self::Interrupted => "try again",
            Self::Smart(error) => error.remedy(),
        }
    }

    /// The document that could not be had, where that is the reason: then nothing is known of the
    /// server's trust, as opposed to something that is wrong with it.
    #[must_use]
    pub const fn document(&self) -> Option<&DocumentError> {
        match self {
            Self::Smart(error) | Self::Provider(MetadataError::Document(error)) => Some(error),
            _ => None,
        }
    }
}

impl Discovery {
    /// Discovery over this client.
    #[must_use]
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self {
            http,
            plain: PlainHttp::Refused,
            pinned: None,
            fallback: Smart10Fallback::Refused,
        }
    }

    /// Allows http on loopback in every URL of the chain: for sandboxes and tests.
    #[must_use]
    pub fn allow_loopback_http(mut self) -> Self {
        self.plain = PlainHttp::LoopbackOnly;
        self
    }

    /// Accepts this issuer only, whatever the server names.
    #[must_use]
    pub fn pin_issuer(mut self, issuer: Issuer) -> Self {
        self.pinned = Some(issuer);
        self
    }

    /// Reads the CapabilityStatement of a server that has no smart-configuration: for servers of
    /// SMART 1.0. Only a plain "not found" leads there, never a time-out, a failing server or a
    /// certificate.
    #[must_use]
    pub fn smart_1_0_fallback(mut self, fallback: Smart10Fallback) -> Self {
        self.fallback = fallback;
        self
    }

    /// Follows the chain.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError`]: the first step that fails.
    pub async fn discover(&self, base: &FhirBaseUrl) -> Result<TrustedIssuer, DiscoveryError> {
        self.trace(base).await.outcome
    }

    /// Follows the chain and keeps every step for a report.
    pub async fn trace(&self, base: &FhirBaseUrl) -> Trace {
        let mut steps = Vec::new();
        let outcome = self.follow(base, &mut steps).await;
        Trace { steps, outcome }
    }

    async fn follow(
        &self,
        base: &FhirBaseUrl,
        steps: &mut Vec<Step>,
    ) -> Result<TrustedIssuer, DiscoveryError> {
        let (mut name, mut url) = ("smart-configuration", SmartConfiguration::url(base));
        let mut smart = self.smart_configuration(base).await;
        if let Err(error) = &smart
            && self.falls_back_after(error)
        {
            let _ = fail::<()>(steps, name, url, error.clone());
            (name, url) = ("capability-statement", capability_statement::url(base));
            smart = self.capability_statement(base).await;
        }
        let smart = match smart {
            Ok(smart) => smart,
            Err(error) => return fail(steps, name, url, error),
        };
        let (issuer, finding) = match self.issuer(base, &smart) {
            Ok(found) => found,
            Err(error) => return fail(steps, name, url, error),
        };
        let findings = smart.findings.iter().cloned().chain(finding).collect();
        let found = format!("issuer {issuer}, {} capabilities", smart.capabilities.len());
        steps.push(Step {
            name,
            url,
            outcome: Ok(found),
            findings,
        });

        let url = issuer.configuration_url();
        let provider = match self.provider_metadata(&issuer).await {
            Ok(provider) => provider,
            Err(error) => return fail(steps, "openid-configuration", url, error),
        };
        if let Err(error) = self.check_pin(&provider.issuer) {
            return fail(steps, "openid-configuration", url, error);
        }
        let mut findings = provider.findings.clone();
        findings.extend(differing_jwks(&smart, &provider));
        let found = format!("issuer {}, keys at {}", provider.issuer, provider.jwks_uri);
        steps.push(Step {
            name: "openid-configuration",
            url,
            outcome: Ok(found),
            findings,
        });
        let (smart, provider) = (Arc::new(smart), Arc::new(provider));
        Ok(TrustedIssuer::new(base.clone(), smart, provider))
    }

    /// Reads the smart-configuration of a FHIR base and goes no further: for backend services,
    /// whose server need not be an OpenID issuer. No user can be trusted because of it.
    ///
    /// # Errors
    ///
    /// [`DiscoveryError::Smart`].
    pub async fn smart_configuration(
        &self,
        base: &FhirBaseUrl,
    ) -> Result<SmartConfiguration, DiscoveryError> {
        let response = self.http.send(SmartConfiguration::request(base)).await;
        response
            .map_err(DocumentError::from)
            .and_then(|it| SmartConfiguration::from_response(base, &it, self.plain))
            .map_err(DiscoveryError::Smart)
    }

    async fn capability_statement(
        &self,
        base: &FhirBaseUrl,
    ) -> Result<SmartConfiguration, DiscoveryError> {
        let response = self.http.send(capability_statement::request(base)).await;
        response
            .map_err(DocumentError::from)
            .and_then(|it| capability_statement::from_response(base, &it, self.plain))
            .map_err(DiscoveryError::Smart)
    }

    /// Whether the CapabilityStatement is to be read after this error.
    pub(crate) fn falls_back_after(&self, error: &DiscoveryError) -> bool {
        self.fallback == Smart10Fallback::CapabilityStatement && error.is_not_found()
    }

    /// The network.
    pub(crate) fn http(&self) -> &Arc<dyn HttpClient> {
        &self.http
    }

    /// Whether http on loopback is allowed.
    pub(crate) const fn plain(&self) -> PlainHttp {
        self.plain
    }

    async fn provider_metadata(&self, issuer: &Issuer) -> Result<ProviderMetadata, DiscoveryError> {
        let response = self.http.send(ProviderMetadata::request(issuer)).await;
        response
            .map_err(|error| MetadataError::from(DocumentError::from(error)))
            .and_then(|it| ProviderMetadata::from_response(issuer, &it, self.plain))
            .map_err(DiscoveryError::Provider)
    }

    /// Which issuer to look up, and what is odd about it. A pinned issuer is the one that is
    /// looked up, and a server that names another is refused before anything is fetched there.
    pub(crate) fn issuer(
        &self,
        base: &FhirBaseUrl,
        smart: &SmartConfiguration,
    ) -> Result<(Issuer, Option<Finding>), DiscoveryError> {
        let named = smart.issuer.as_deref().map(without_document);
        match (&self.pinned, named) {
            (Some(pinned), Some((named, finding))) if !is_template(named) => {
                if !pinned.is_but_for_a_slash(named) {
                    return Err(DiscoveryError::NotPinned {
                        pinned: Text::new(pinned.as_str()),
                        found: Text::new(named),
                    });
                }
                Ok((pinned.clone(), finding))
            }
            (Some(pinned), _) => {
                let finding = Finding::new(
                    "issuer-pinned",
                    "smart-configuration names no issuer of its own; the pinned one is used",
                    "publish issuer in smart-configuration",
                );
                Ok((pinned.clone(), Some(finding)))
            }
            (None, None) => {
                // A server that names no issuer may be its own; its document must then say so.
                let finding = Finding::new(
                    "issuer-missing",
                    "smart-configuration names no issuer; the FHIR base is tried",
                    "publish issuer in smart-configuration",
                );
                let issuer = Issuer::parse_with(base.as_str(), self.plain);
                Ok((issuer.map_err(DiscoveryError::IssuerUrl)?, Some(finding)))
            }
            (None, Some((named, _))) if is_template(named) => {
                let found = Text::new(named);
                Err(DiscoveryError::Provider(MetadataError::IssuerTemplate {
                    found,
                }))
            }
            (None, Some((named, finding))) => {
                let issuer =
                    Issuer::parse_with(named, self.plain).map_err(DiscoveryError::IssuerUrl)?;
                Ok((issuer, finding))
            }
        }
    }

    /// Refuses another issuer than the pinned one.
    pub(crate) fn check_pin(&self, found: &Issuer) -> Result<(), DiscoveryError> {
        match &self.pinned {
            Some(pinned) if pinned != found => Err(DiscoveryError::NotPinned {
                pinned: Text::new(pinned.as_str()),
                found: Text::new(found.as_str()),
            }),
            _ => Ok(()),
        }
    }
}

/// The issuer in a value that may be the address of its document, as a large vendor has it.
fn without_document(named: &str) -> (&str, Option<Finding>) {
    match named.strip_suffix("/.well-known/openid-configuration") {
        Some(issuer) => {
            let finding = Finding::new(
                "issuer-is-document",
                format!("issuer is the address of a document: {}", Text::new(named)),
                "publish the issuer itself, without /.well-known/openid-configuration",
            );
            (issuer, Some(finding))
        }
        None => (named, None),
    }
}

/// Whether a value is a template such as `https://…/{tenantid}/`.
fn is_template(issuer: &str) -> bool {
    issuer.contains(['{', '}'])
}

fn fail<T>(
    steps: &mut Vec<Step>,
    name: &'static str,
    url: String,
    error: DiscoveryError,
) -> Result<T, DiscoveryError> {
    steps.push(Step {
        name,
        url,
        outcome: Err(error.clone()),
        findings: Vec::new(),
    });
    Err(error)
}

/// Both documents may name a key set; openid-configuration wins.
pub(crate) fn differing_jwks(
    smart: &SmartConfiguration,
    provider: &ProviderMetadata,
) -> Option<Finding> {
    let named = smart.jwks_uri.as_deref()?;
    let used = provider.jwks_uri.as_str();
    (named != used).then(|| {
        Finding::new(
            "jwks-uri-differs",
            format!(
                "smart-configuration names {}, openid-configuration {used}",
                Text::new(named)
            ),
            "publish the same jwks_uri in both; openid-configuration is used",
        )
    })
}

impl DiscoveryError {
    /// Whether the document is simply not there, so that an older way may be tried.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        let gone = [StatusCode::NOT_FOUND.as_u16(), StatusCode::GONE.as_u16()];
        matches!(self, Self::Smart(DocumentError::Status { status, .. }) if gone.contains(status))
    }
}
