//! `.well-known/openid-configuration`: what an issuer says of itself.

use core::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use smart_jose::member::Member;
use smart_jose::{Algorithm, Algorithms, Text};

use crate::document::{self, DocumentError};
use crate::finding::{Finding, optional};
use crate::http_client::get_json;
use crate::url::{EndpointUrl, Issuer, PlainHttp};

/// OpenID Provider Metadata (OpenID Connect Discovery 3), which RFC 8414 shares.
///
/// To judge a token only `issuer` and `jwks_uri` are needed, so only these two must be there;
/// lists that are absent have their default where the standard gives one. It serializes to a
/// document that reads back to the same metadata.
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
    /// The same list as the document has it.
    pub id_token_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether callbacks carry `iss` (RFC 9207 3).
    pub authorization_response_iss_parameter_supported: bool,
    /// Where to send the browser.
    pub authorization_endpoint: Option<EndpointUrl>,
    /// Where codes are exchanged; smart-configuration has it too, and that one is used.
    pub token_endpoint: Option<EndpointUrl>,
    /// Where claims about the user are.
    pub userinfo_endpoint: Option<EndpointUrl>,
    /// Where apps are registered.
    pub registration_endpoint: Option<EndpointUrl>,
    /// Where a resource server asks what a token is (RFC 7662).
    pub introspection_endpoint: Option<EndpointUrl>,
    /// Where a token is revoked (RFC 7009).
    pub revocation_endpoint: Option<EndpointUrl>,
    /// Where to send the browser to sign out (OpenID Connect RP-Initiated Logout 2.1).
    pub end_session_endpoint: Option<EndpointUrl>,
    /// Scopes, if the document lists them.
    pub scopes_supported: Option<Vec<String>>,
    /// Response types, if the document lists them.
    pub response_types_supported: Option<Vec<String>>,
    /// Subject types, if the document lists them.
    pub subject_types_supported: Option<Vec<String>>,
    /// Claims, if the document lists them.
    pub claims_supported: Option<Vec<String>>,
    /// PKCE methods, if the document lists them (RFC 8414 2).
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Grant types; `authorization_code` and `implicit` where the document says nothing.
    pub grant_types_supported: Vec<String>,
    /// How clients authenticate; `client_secret_basic` where the document says nothing.
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// The algorithms of client assertions, if the document lists them.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether requests may be passed by reference; true where the document says nothing.
    pub request_uri_parameter_supported: bool,
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
    #[serde(default)]
    authorization_endpoint: Member<String>,
    #[serde(default)]
    token_endpoint: Member<String>,
    #[serde(default)]
    userinfo_endpoint: Member<String>,
    #[serde(default)]
    registration_endpoint: Member<String>,
    #[serde(default)]
    introspection_endpoint: Member<String>,
    #[serde(default)]
    revocation_endpoint: Member<String>,
    #[serde(default)]
    end_session_endpoint: Member<String>,
    #[serde(default)]
    scopes_supported: Member<Vec<String>>,
    #[serde(default)]
    response_types_supported: Member<Vec<String>>,
    #[serde(default)]
    subject_types_supported: Member<Vec<String>>,
    #[serde(default)]
    claims_supported: Member<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Member<Vec<String>>,
    #[serde(default)]
    grant_types_supported: Member<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Member<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Member<Vec<String>>,
    #[serde(default)]
    request_uri_parameter_supported: Member<bool>,
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

    /// What the issuer announces of these algorithms; all of them where it announces nothing that
    /// exists here. It narrows what a caller accepts and never widens it.
    #[must_use]
    pub fn narrow(&self, accepted: Algorithms) -> Algorithms {
        let announced = self.id_token_algorithms.unwrap_or(accepted);
        accepted.intersection(announced)
    }

    /// The request for the metadata of an authorization server that is none of OpenID (RFC 8414
    /// 3): for clients that know it only by its issuer. The chain of trust does not use it.
    #[must_use]
    pub fn oauth_request(issuer: &Issuer) -> Request<Bytes> {
        get_json(&issuer.oauth_configuration_url())
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
        Self::read(&issuer.configuration_url(), issuer, response, plain)
    }

    /// Reads the answer to [`ProviderMetadata::oauth_request`], by the same checks.
    ///
    /// # Errors
    ///
    /// [`MetadataError`].
    pub fn from_oauth_response(
        issuer: &Issuer,
        response: &Response<Bytes>,
        plain: PlainHttp,
    ) -> Result<Self, MetadataError> {
        Self::read(&issuer.oauth_configuration_url(), issuer, response, plain)
    }

    fn read(
        url: &str,
        issuer: &Issuer,
        response: &Response<Bytes>,
        plain: PlainHttp,
    ) -> Result<Self, MetadataError> {
        let (wire, mut findings): (Wire, _) = document::read(url, response)?;
        if wire.issuer.contains(['{', '}']) {
            return Err(MetadataError::IssuerTemplate {
                found: Text::new(&wire.issuer),
            });
        }
        let bad_url = |member, problem| DocumentError::Url {
            url: Text::new(url),
            member,
            problem,
        };
        let found = Issuer::parse_with(&wire.issuer, plain).map_err(|it| bad_url("issuer", it))?;
        if found != *issuer {
            if !issuer.is_but_for_a_slash(found.as_str()) {
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
        let by_reference = optional(
            "request_uri_parameter_supported",
            wire.request_uri_parameter_supported,
            &mut findings,
        );
        let mut endpoint = |member: &'static str, found: Member<String>| {
            let text = optional(member, found, &mut findings).filter(|it| !it.is_empty())?;
            EndpointUrl::parse_with(&text, plain)
                .map_err(|problem| {
                    findings.push(Finding::new(
                        "endpoint-refused",
                        format!("{member}: {problem}; it counts as absent"),
                        "publish absolute https URLs",
                    ));
                })
                .ok()
        };
        let authorization_endpoint =
            endpoint("authorization_endpoint", wire.authorization_endpoint);
        let token_endpoint = endpoint("token_endpoint", wire.token_endpoint);
        let userinfo_endpoint = endpoint("userinfo_endpoint", wire.userinfo_endpoint);
        let registration_endpoint = endpoint("registration_endpoint", wire.registration_endpoint);
        let introspection_endpoint =
            endpoint("introspection_endpoint", wire.introspection_endpoint);
        let revocation_endpoint = endpoint("revocation_endpoint", wire.revocation_endpoint);
        let end_session_endpoint = endpoint("end_session_endpoint", wire.end_session_endpoint);
        let mut words = |member, found| optional(member, found, &mut findings);
        let one = |word: &str| vec![word.to_owned()];
        Ok(Self {
            issuer: found,
            jwks_uri,
            id_token_algorithms,
            id_token_signing_alg_values_supported: names,
            authorization_response_iss_parameter_supported: callbacks_carry_iss.unwrap_or(false),
            authorization_endpoint,
            token_endpoint,
            userinfo_endpoint,
            registration_endpoint,
            introspection_endpoint,
            revocation_endpoint,
            end_session_endpoint,
            scopes_supported: words("scopes_supported", wire.scopes_supported),
            response_types_supported: words(
                "response_types_supported",
                wire.response_types_supported,
            ),
            subject_types_supported: words("subject_types_supported", wire.subject_types_supported),
            claims_supported: words("claims_supported", wire.claims_supported),
            code_challenge_methods_supported: words(
                "code_challenge_methods_supported",
                wire.code_challenge_methods_supported,
            ),
            grant_types_supported: words("grant_types_supported", wire.grant_types_supported)
                .unwrap_or_else(|| [one("authorization_code"), one("implicit")].concat()),
            token_endpoint_auth_methods_supported: words(
                "token_endpoint_auth_methods_supported",
                wire.token_endpoint_auth_methods_supported,
            )
            .unwrap_or_else(|| one("client_secret_basic")),
            token_endpoint_auth_signing_alg_values_supported: words(
                "token_endpoint_auth_signing_alg_values_supported",
                wire.token_endpoint_auth_signing_alg_values_supported,
            ),
            request_uri_parameter_supported: by_reference.unwrap_or(true),
            extra: wire.extra,
            findings,
        })
    }
}

impl Serialize for ProviderMetadata {
    /// Writes the members that are there; empty lists are left out (OpenID Connect Discovery 4.2).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("issuer", self.issuer.as_str())?;
        map.serialize_entry("jwks_uri", self.jwks_uri.as_str())?;
        let endpoints = [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("registration_endpoint", &self.registration_endpoint),
            ("introspection_endpoint", &self.introspection_endpoint),
            ("revocation_endpoint", &self.revocation_endpoint),
            ("end_session_endpoint", &self.end_session_endpoint),
        ];
        for (name, endpoint) in endpoints {
            if let Some(endpoint) = endpoint {
                map.serialize_entry(name, endpoint.as_str())?;
            }
        }
        let flags = [
            (
                "authorization_response_iss_parameter_supported",
                self.authorization_response_iss_parameter_supported,
            ),
            (
                "request_uri_parameter_supported",
                self.request_uri_parameter_supported,
            ),
        ];
        for (name, flag) in flags {
            map.serialize_entry(name, &flag)?;
        }
        let lists = [
            (
                "id_token_signing_alg_values_supported",
                self.id_token_signing_alg_values_supported.as_ref(),
            ),
            ("scopes_supported", self.scopes_supported.as_ref()),
            (
                "response_types_supported",
                self.response_types_supported.as_ref(),
            ),
            (
                "subject_types_supported",
                self.subject_types_supported.as_ref(),
            ),
            ("claims_supported", self.claims_supported.as_ref()),
            (
                "code_challenge_methods_supported",
                self.code_challenge_methods_supported.as_ref(),
            ),
            ("grant_types_supported", Some(&self.grant_types_supported)),
            (
                "token_endpoint_auth_methods_supported",
                Some(&self.token_endpoint_auth_methods_supported),
            ),
            (
                "token_endpoint_auth_signing_alg_values_supported",
                self.token_endpoint_auth_signing_alg_values_supported
                    .as_ref(),
            ),
        ];
        for (name, list) in lists {
            if let Some(list) = list.filter(|it| !it.is_empty()) {
                map.serialize_entry(name, list)?;
            }
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
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
