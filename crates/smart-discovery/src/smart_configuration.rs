//! `.well-known/smart-configuration`: what a FHIR server says of its authorization.

use core::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use smart_jose::Text;
use smart_jose::member::Member;

use crate::document::{self, DocumentError};
use crate::finding::{Finding, optional};
use crate::http_client::get_json;
use crate::url::{EndpointUrl, FhirBaseUrl, PlainHttp, UrlError};

/// The SMART configuration of a FHIR server (SMART App Launch 2.2, section Conformance).
///
/// Everything but `token_endpoint` may be missing: servers of SMART 1.0 leave out much, and a
/// back-end server has no `authorization_endpoint`.
#[derive(Clone)]
#[non_exhaustive]
pub struct SmartConfiguration {
    /// The OpenID issuer as written, unchecked: [`crate::Discovery`] judges it.
    pub issuer: Option<String>,
    /// Where the keys are, as written; openid-configuration wins where they differ.
    pub jwks_uri: Option<String>,
    /// Where to send the browser.
    pub authorization_endpoint: Option<EndpointUrl>,
    /// Where codes are exchanged.
    pub token_endpoint: EndpointUrl,
    /// What the server can do, in the guide's own terms such as `sso-openid-connect`.
    pub capabilities: Vec<String>,
    /// PKCE methods, if the document lists them.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Grant types, if the document lists them.
    pub grant_types_supported: Option<Vec<String>>,
    /// Scopes; the list need not be complete.
    pub scopes_supported: Vec<String>,
    /// Every other member, as it was found.
    pub extra: Map<String, Value>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    issuer: Member<String>,
    #[serde(default)]
    jwks_uri: Member<String>,
    #[serde(default)]
    authorization_endpoint: Member<String>,
    token_endpoint: String,
    #[serde(default)]
    capabilities: Member<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Member<Vec<String>>,
    #[serde(default)]
    grant_types_supported: Member<Vec<String>>,
    #[serde(default)]
    scopes_supported: Member<Vec<String>>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

impl fmt::Debug for SmartConfiguration {
    /// Leaves out `extra`, which can be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmartConfiguration")
            .field("issuer", &self.issuer.as_deref().map(Text::new))
            .field("authorization_endpoint", &self.authorization_endpoint)
            .field("token_endpoint", &self.token_endpoint)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl SmartConfiguration {
    /// Where the document is: appended to the base, with or without its final slash. This departs
    /// from RFC 8615 on purpose (SMART App Launch, Using Well-Known).
    #[must_use]
    pub fn url(base: &FhirBaseUrl) -> String {
        base.append(".well-known/smart-configuration")
    }

    /// The request for the document.
    #[must_use]
    pub fn request(base: &FhirBaseUrl) -> Request<Bytes> {
        get_json(&Self::url(base))
    }

    /// Reads the document.
    ///
    /// # Errors
    ///
    /// [`DocumentError`].
    pub fn from_response(
        base: &FhirBaseUrl,
        response: &Response<Bytes>,
        plain: PlainHttp,
    ) -> Result<Self, DocumentError> {
        let url = Self::url(base);
        let (wire, mut findings): (Wire, _) = document::read(&url, response)?;
        let mut endpoint = |member: &'static str, text: &str| {
            let (endpoint, was_relative) =
                EndpointUrl::resolve(text, base, plain).map_err(|problem| DocumentError::Url {
                    url: Text::new(&url),
                    member,
                    problem,
                })?;
            if was_relative {
                findings.push(Finding::new(
                    "relative-endpoint",
                    format!("{member} is relative: {}", Text::new(text)),
                    "publish absolute URLs",
                ));
            }
            Ok::<_, DocumentError>(endpoint)
        };
        if wire.token_endpoint.is_empty() {
            let problem = UrlError::Syntax {
                url: Text::new(""),
                problem: "it is empty",
            };
            let (url, member) = (Text::new(&url), "token_endpoint");
            return Err(DocumentError::Url {
                url,
                member,
                problem,
            });
        }
        let token_endpoint = endpoint("token_endpoint", &wire.token_endpoint)?;
        let named = wire
            .authorization_endpoint
            .into_value()
            .filter(|it| !it.is_empty());
        let authorization_endpoint = match named {
            Some(text) => Some(endpoint("authorization_endpoint", &text)?),
            None => None,
        };
        let mut words = |member, found| optional(member, found, &mut findings);
        let configuration = Self {
            capabilities: words("capabilities", wire.capabilities).unwrap_or_default(),
            code_challenge_methods_supported: words(
                "code_challenge_methods_supported",
                wire.code_challenge_methods_supported,
            ),
            grant_types_supported: words("grant_types_supported", wire.grant_types_supported),
            scopes_supported: words("scopes_supported", wire.scopes_supported).unwrap_or_default(),
            issuer: optional("issuer", wire.issuer, &mut findings).filter(|it| !it.is_empty()),
            jwks_uri: optional("jwks_uri", wire.jwks_uri, &mut findings),
            authorization_endpoint,
            token_endpoint,
            extra: wire.extra,
            findings,
        };
        Ok(configuration.with_own_findings())
    }

    /// Whether the document lists this capability.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|it| it == capability)
    }

    /// Whether the document is of SMART 1.0: it has neither of the members that 2.0 requires.
    /// Such servers may name the user in `profile` instead of `fhirUser`.
    #[must_use]
    pub const fn is_smart_1_0(&self) -> bool {
        self.grant_types_supported.is_none() && self.code_challenge_methods_supported.is_none()
    }

    fn with_own_findings(mut self) -> Self {
        let methods = self.code_challenge_methods_supported.as_deref();
        match methods {
            None => self.findings.push(Finding::new(
                "pkce-not-announced",
                "code_challenge_methods_supported is missing; S256 is sent all the same",
                "publish code_challenge_methods_supported with S256",
            )),
            Some(methods) if !methods.iter().any(|it| it == "S256") => {
                self.findings.push(Finding::new(
                    "pkce-without-s256",
                    "code_challenge_methods_supported lacks S256; S256 is sent all the same",
                    "support and publish S256",
                ));
            }
            Some(methods) if methods.iter().any(|it| it == "plain") => {
                self.findings.push(Finding::new(
                    "pkce-plain",
                    "code_challenge_methods_supported lists plain, which SMART forbids",
                    "remove plain",
                ));
            }
            Some(_) => {}
        }
        if self.has("sso-openid-connect") {
            for (member, found) in [("issuer", &self.issuer), ("jwks_uri", &self.jwks_uri)] {
                if found.is_none() {
                    self.findings.push(Finding::new(
                        "sso-incomplete",
                        format!("sso-openid-connect is announced, but {member} is missing"),
                        "publish issuer and jwks_uri in smart-configuration",
                    ));
                }
            }
        }
        self
    }
}
