//! `.well-known/openid-configuration`: what an issuer says of itself.

use core::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use smart_jose::member::Member;
use smart_jose::{Algorithm, Algorithms, Text};

use crate::document::{self, DocumentError};
use crate::finding::{Finding, optional};
use crate::http_client::get_json;
use crate::url::{EndpointUrl, Issuer, PlainHttp};

/// OpenID Provider Metadata (OpenID Connect Discovery 3), as far as a client needs it.
#[derive(Clone)]
#[non_exhaustive]
pub struct ProviderMetadata {
    /// The issuer as the document writes it: what `iss` in a token must equal.
    pub issuer: Issuer,
    /// Where the keys are.
    pub jwks_uri: EndpointUrl,
    /// The algorithms that the issuer says it signs ID tokens with, as far as they exist here;
    /// `None` where the list is absent or names none of ours, and then it narrows nothing.
    pub id_token_algorithms: Option<Algorithms>,
    /// Whether callbacks carry `iss` (RFC 9207 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Every other member, as it was found.
    pub extra: Map<String, Value>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl fmt::Debug for ProviderMetadata {
    /// Leaves out `extra`, which can be long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderMetadata")
            .field("issuer", &self.issuer)
            .field("jwks_uri", &self.jwks_uri)
            .field("id_token_algorithms", &self.id_token_algorithms)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Wire {
    issuer: String,
    jwks_uri: String,
    #[serde(default)]
    id_token_signing_alg_values_supported: Member<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: Member<bool>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

/// Why the metadata of an issuer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The document could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The document is another issuer's (OpenID Connect Discovery 4.3).
    #[error("the document names the issuer {found}, expected {expected}")]
    IssuerMismatch {
        /// The issuer that was looked for.
        expected: Text,
        /// The issuer that the document names.
        found: Text,
    },
    /// The issuer is a template such as `https://…/{tenantid}/`, which no token ever names.
    #[error("the document names the issuer template {found}; configure the tenant's own issuer")]
    IssuerTemplate {
        /// The template.
        found: Text,
    },
}

impl MetadataError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Document(error) => error.code(),
            Self::IssuerMismatch { .. } => "issuer-mismatch",
            Self::IssuerTemplate { .. } => "issuer-template",
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Document(error) => error.remedy(),
            Self::IssuerMismatch { .. } => {
                "ask the server's operator to publish one issuer in both documents, or pin the issuer you trust"
            }
            Self::IssuerTemplate { .. } => "pin the issuer with the tenant id filled in",
        }
    }
}

impl ProviderMetadata {
    /// The request for the metadata of an issuer.
    #[must_use]
    pub fn request(issuer: &Issuer) -> Request<Bytes> {
        get_json(&issuer.configuration_url())
    }

    /// Reads the document and checks that it is the issuer's own: it names exactly `issuer`, but
    /// for one final slash, which gives a finding. The issuer as the document writes it is the one
    /// that tokens must name.
    ///
    /// # Errors
    ///
    /// [`MetadataError`].
    pub fn from_response(
        issuer: &Issuer,
        response: &Response<Bytes>,
        plain: PlainHttp,
    ) -> Result<Self, MetadataError> {
        let url = issuer.configuration_url();
        let (wire, mut findings): (Wire, _) = document::read(&url, response)?;
        if wire.issuer.contains(['{', '}']) {
            return Err(MetadataError::IssuerTemplate {
                found: Text::new(&wire.issuer),
            });
        }
        let bad_url = |member, problem| DocumentError::Url {
            url: Text::new(&url),
            member,
            problem,
        };
        let found = Issuer::parse_with(&wire.issuer, plain).map_err(|it| bad_url("issuer", it))?;
        if found != *issuer {
            let trim = |it: &str| it.strip_suffix('/').unwrap_or(it).to_owned();
            if trim(found.as_str()) != trim(issuer.as_str()) {
                return Err(MetadataError::IssuerMismatch {
                    expected: Text::new(issuer.as_str()),
                    found: Text::new(found.as_str()),
                });
            }
            findings.push(Finding::new(
                "issuer-slash",
                format!("the issuer is looked up as {issuer} and names itself {found}"),
                "write the issuer with the same final slash everywhere",
            ));
        }
        let jwks_uri =
            EndpointUrl::parse_with(&wire.jwks_uri, plain).map_err(|it| bad_url("jwks_uri", it))?;
        let names = optional(
            "id_token_signing_alg_values_supported",
            wire.id_token_signing_alg_values_supported,
            &mut findings,
        );
        let id_token_algorithms = algorithms(names.as_deref(), &mut findings);
        let callbacks_carry_iss = optional(
            "authorization_response_iss_parameter_supported",
            wire.authorization_response_iss_parameter_supported,
            &mut findings,
        );
        Ok(Self {
            issuer: found,
            jwks_uri,
            id_token_algorithms,
            authorization_response_iss_parameter_supported: callbacks_carry_iss.unwrap_or(false),
            extra: wire.extra,
            findings,
        })
    }
}

/// Reads the list of algorithms. It can narrow what a caller accepts and never widen it, so
/// names that do not exist here are passed over.
fn algorithms(names: Option<&[String]>, findings: &mut Vec<Finding>) -> Option<Algorithms> {
    const MEMBER: &str = "id_token_signing_alg_values_supported";
    const REMEDY: &str = "publish the algorithms that ID tokens are signed with";
    let Some(names) = names else {
        findings.push(Finding::new(
            "algorithms-missing",
            format!("{MEMBER} is missing"),
            REMEDY,
        ));
        return None;
    };
    // A long list is no reason to print a long list.
    let unknown: Vec<&String> = names
        .iter()
        .filter(|it| Algorithm::from_name(it).is_none())
        .take(16)
        .collect();
    if !unknown.is_empty() {
        let unknown = unknown
            .iter()
            .map(|it| Text::new(it).to_string())
            .collect::<Vec<_>>();
        let found = format!(
            "{MEMBER} names {}, which are not used here",
            unknown.join(", ")
        );
        findings.push(Finding::new(
            "algorithms-unknown",
            found,
            "nothing, if tokens use another",
        ));
    }
    let known: Algorithms = names
        .iter()
        .filter_map(|it| Algorithm::from_name(it))
        .collect();
    if !known.contains(Algorithm::RS256) {
        let found = format!("{MEMBER} lacks RS256, which OpenID requires");
        findings.push(Finding::new("algorithms-without-rs256", found, REMEDY));
    }
    if known.is_empty() { None } else { Some(known) }
}
