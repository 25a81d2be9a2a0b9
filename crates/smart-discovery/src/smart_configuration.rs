//! `.well-known/smart-configuration`: what a FHIR server says of its authorization.

use core::fmt;

use bytes::Bytes;
use http::{Request, Response};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use smart_jose::Text;
use smart_jose::member::Member;

use crate::capability::{Capability, CapabilitySet};
use crate::document::{self, DocumentError};
use crate::finding::{Finding, optional};
use crate::http_client::get_json;
use crate::url::{EndpointUrl, FhirBaseUrl, PlainHttp, UrlError};

/// The SMART configuration of a FHIR server (SMART App Launch 1.0 to 2.2, section Conformance).
///
/// Everything but `token_endpoint` may be missing: servers of SMART 1.0 leave out much, and a
/// back-end server has no `authorization_endpoint`. It serializes to a document that reads back
/// to the same configuration.
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
    /// Where apps are registered.
    pub registration_endpoint: Option<EndpointUrl>,
    /// Where users see and withdraw what they have allowed.
    pub management_endpoint: Option<EndpointUrl>,
    /// Where a resource server asks what a token is (RFC 7662).
    pub introspection_endpoint: Option<EndpointUrl>,
    /// Where a token is revoked (RFC 7009).
    pub revocation_endpoint: Option<EndpointUrl>,
    /// Where apps keep state (2.1; deprecated since).
    pub smart_app_state_endpoint: Option<EndpointUrl>,
    /// Other endpoints that share the authorization (2.2, experimental).
    pub associated_endpoints: Vec<AssociatedEndpoint>,
    /// What the server can do, in the guide's own terms such as `sso-openid-connect`.
    pub capabilities: Vec<String>,
    /// PKCE methods, if the document lists them.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Grant types, if the document lists them.
    pub grant_types_supported: Option<Vec<String>>,
    /// Response types, if the document lists them.
    pub response_types_supported: Option<Vec<String>>,
    /// Scopes; the list need not be complete.
    pub scopes_supported: Vec<String>,
    /// How clients authenticate, if the document says so; 1.0 calls the member
    /// `token_endpoint_auth_methods` in its text, which is read where the other is absent or empty.
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms of client assertions, if the document lists them.
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// Every other member, as it was found.
    pub extra: Map<String, Value>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
    fhir_base: FhirBaseUrl,
    from_capability_statement: bool,
}

/// An endpoint beside the FHIR server that takes the same tokens (SMART App Launch 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssociatedEndpoint {
    /// Where it is, as written.
    pub url: String,
    /// What it can do.
    pub capabilities: Vec<String>,
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
    registration_endpoint: Member<String>,
    #[serde(default)]
    management_endpoint: Member<String>,
    #[serde(default)]
    introspection_endpoint: Member<String>,
    #[serde(default)]
    revocation_endpoint: Member<String>,
    #[serde(default)]
    smart_app_state_endpoint: Member<String>,
    #[serde(default)]
    capabilities: Member<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Member<Vec<String>>,
    #[serde(default)]
    grant_types_supported: Member<Vec<String>>,
    #[serde(default)]
    response_types_supported: Member<Vec<String>>,
    #[serde(default)]
    scopes_supported: Member<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Member<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_methods: Member<Vec<String>>,
    #[serde(default)]
    token_endpoint_auth_signing_alg_values_supported: Member<Vec<String>>,
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
        let refused = |member, problem| DocumentError::Url {
            url: Text::new(&url),
            member,
            problem,
        };
        if wire.token_endpoint.is_empty() {
            let (url, problem) = (Text::new(""), "it is empty");
            return Err(refused("token_endpoint", UrlError::Syntax { url, problem }));
        }
        let mut endpoint = |member: &'static str, text: &str| {
            let (endpoint, was_relative) = EndpointUrl::resolve(text, base, plain)?;
            if was_relative {
                findings.push(Finding::new(
                    "relative-endpoint",
                    format!("{member} is relative: {}", Text::new(text)),
                    "publish absolute URLs",
                ));
            }
            Ok::<_, UrlError>(endpoint)
        };
        let token_endpoint = endpoint("token_endpoint", &wire.token_endpoint)
            .map_err(|it| refused("token_endpoint", it))?;
        let named = wire
            .authorization_endpoint
            .into_value()
            .filter(|it| !it.is_empty());
        let authorization_endpoint = named
            .map(|text| endpoint("authorization_endpoint", &text))
            .transpose()
            .map_err(|it| refused("authorization_endpoint", it))?;
        let mut further = |member: &'static str, found: Member<String>| {
            let text = optional(member, found, &mut findings).filter(|it| !it.is_empty())?;
            match EndpointUrl::resolve(&text, base, plain) {
                Ok((endpoint, _)) => Some(endpoint),
                // An endpoint that nobody may ever use is no reason to refuse the document.
                Err(problem) => {
                    findings.push(Finding::new(
                        "endpoint-refused",
                        format!("{member}: {problem}; it counts as absent"),
                        "publish absolute https URLs",
                    ));
                    None
                }
            }
        };
        let registration_endpoint = further("registration_endpoint", wire.registration_endpoint);
        let management_endpoint = further("management_endpoint", wire.management_endpoint);
        let introspection_endpoint = further("introspection_endpoint", wire.introspection_endpoint);
        let revocation_endpoint = further("revocation_endpoint", wire.revocation_endpoint);
        let smart_app_state_endpoint =
            further("smart_app_state_endpoint", wire.smart_app_state_endpoint);
        let mut auth_methods = optional(
            "token_endpoint_auth_methods_supported",
            wire.token_endpoint_auth_methods_supported,
            &mut findings,
        );
        if auth_methods.as_ref().is_some_and(Vec::is_empty) {
            findings.push(Finding::new(
                "auth-methods-empty",
                "token_endpoint_auth_methods_supported is an empty list, which counts as absent",
                "list how clients authenticate, or leave the member out",
            ));
            auth_methods = None;
        }
        let mut words = |member, found| optional(member, found, &mut findings);
        let mut extra = wire.extra;
        let configuration = Self {
            capabilities: words("capabilities", wire.capabilities).unwrap_or_default(),
            code_challenge_methods_supported: words(
                "code_challenge_methods_supported",
                wire.code_challenge_methods_supported,
            ),
            grant_types_supported: words("grant_types_supported", wire.grant_types_supported),
            response_types_supported: words(
                "response_types_supported",
                wire.response_types_supported,
            ),
            scopes_supported: words("scopes_supported", wire.scopes_supported).unwrap_or_default(),
            token_endpoint_auth_methods_supported: auth_methods.or_else(|| {
                words(
                    "token_endpoint_auth_methods",
                    wire.token_endpoint_auth_methods,
                )
                .filter(|it| !it.is_empty())
            }),
            token_endpoint_auth_signing_alg_values_supported: words(
                "token_endpoint_auth_signing_alg_values_supported",
                wire.token_endpoint_auth_signing_alg_values_supported,
            ),
            associated_endpoints: associated(&mut extra, &mut findings),
            issuer: optional("issuer", wire.issuer, &mut findings).filter(|it| !it.is_empty()),
            jwks_uri: optional("jwks_uri", wire.jwks_uri, &mut findings),
            authorization_endpoint,
            token_endpoint,
            registration_endpoint,
            management_endpoint,
            introspection_endpoint,
            revocation_endpoint,
            smart_app_state_endpoint,
            extra,
            findings,
            fhir_base: base.clone(),
            from_capability_statement: false,
        };
        Ok(configuration.with_own_findings())
    }

    /// What a server of SMART 1.0 says in its CapabilityStatement.
    pub(crate) fn of_smart_1_0(
        base: &FhirBaseUrl,
        authorization_endpoint: Option<EndpointUrl>,
        token_endpoint: EndpointUrl,
        findings: Vec<Finding>,
    ) -> Self {
        Self {
            issuer: None,
            jwks_uri: None,
            authorization_endpoint,
            token_endpoint,
            registration_endpoint: None,
            management_endpoint: None,
            introspection_endpoint: None,
            revocation_endpoint: None,
            smart_app_state_endpoint: None,
            associated_endpoints: Vec::new(),
            capabilities: Vec::new(),
            code_challenge_methods_supported: None,
            grant_types_supported: None,
            response_types_supported: None,
            scopes_supported: Vec::new(),
            token_endpoint_auth_methods_supported: None,
            token_endpoint_auth_signing_alg_values_supported: None,
            extra: Map::new(),
            findings,
            fhir_base: base.clone(),
            from_capability_statement: true,
        }
    }

    /// Says where this was read, where it was written down in between.
    pub(crate) const fn set_from_capability_statement(&mut self, from: bool) {
        self.from_capability_statement = from;
    }

    /// The FHIR server that says this of itself: the base under which it was read.
    #[must_use]
    pub const fn fhir_base(&self) -> &FhirBaseUrl {
        &self.fhir_base
    }

    /// Whether this was read from a CapabilityStatement, since the server has no
    /// smart-configuration.
    #[must_use]
    pub const fn is_from_capability_statement(&self) -> bool {
        self.from_capability_statement
    }

    /// Whether the document lists this capability, by [`Capability`] or by name.
    ///
    /// ```
    /// # use smart_discovery::{Capability, SmartConfiguration};
    /// # fn example(configuration: &SmartConfiguration) -> bool {
    /// configuration.has(Capability::PermissionV2) && configuration.has("health-cards")
    /// # }
    /// ```
    #[must_use]
    pub fn has(&self, capability: impl AsRef<str>) -> bool {
        let capability = capability.as_ref();
        self.capabilities.iter().any(|it| it == capability)
    }

    /// What the document lacks of a capability set; nothing where it has all of it. Where it
    /// names neither kind of client that a set may have, [`Capability::ClientPublic`] stands for
    /// both.
    #[must_use]
    pub fn lacks(&self, set: CapabilitySet) -> Vec<Capability> {
        let needed = set.needs().iter().filter(|it| !self.has(it));
        let has_client = CapabilitySet::CLIENTS.iter().any(|it| self.has(it));
        let client = (!has_client).then_some(Capability::ClientPublic);
        needed.copied().chain(client).collect()
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
        if self.has(Capability::SsoOpenidConnect) {
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

/// The associated endpoints. What is none is left where it was, with a finding.
fn associated(
    extra: &mut Map<String, Value>,
    findings: &mut Vec<Finding>,
) -> Vec<AssociatedEndpoint> {
    const MEMBER: &str = "associated_endpoints";
    let read = |value: &Value| {
        let words = |it: &Value| it.as_str().map(str::to_owned);
        Some(AssociatedEndpoint {
            url: value.get("url")?.as_str()?.to_owned(),
            capabilities: value
                .get("capabilities")
                .and_then(Value::as_array)
                .map(|it| it.iter().filter_map(words).collect())
                .unwrap_or_default(),
        })
    };
    let Some(found) = extra.get(MEMBER) else {
        return Vec::new();
    };
    let all = found.as_array().map(|it| it.iter().map(read).collect());
    if let Some(Some(endpoints)) = all {
        extra.remove(MEMBER);
        return endpoints;
    }
    findings.push(Finding::new(
        "member-type",
        format!("{MEMBER} is no list of objects with a url; it counts as absent"),
        "publish the member with the right type, or leave it out",
    ));
    Vec::new()
}

impl Serialize for SmartConfiguration {
    /// Writes the members that are there; empty lists are left out.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let texts = [("issuer", &self.issuer), ("jwks_uri", &self.jwks_uri)];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        let endpoints = [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("registration_endpoint", &self.registration_endpoint),
            ("management_endpoint", &self.management_endpoint),
            ("introspection_endpoint", &self.introspection_endpoint),
            ("revocation_endpoint", &self.revocation_endpoint),
            ("smart_app_state_endpoint", &self.smart_app_state_endpoint),
        ];
        map.serialize_entry("token_endpoint", self.token_endpoint.as_str())?;
        for (name, endpoint) in endpoints {
            if let Some(endpoint) = endpoint {
                map.serialize_entry(name, endpoint.as_str())?;
            }
        }
        let some = |list: &'_ Vec<String>| (!list.is_empty()).then(|| list.clone());
        let lists = [
            ("capabilities", some(&self.capabilities)),
            ("scopes_supported", some(&self.scopes_supported)),
            (
                "code_challenge_methods_supported",
                self.code_challenge_methods_supported.clone(),
            ),
            ("grant_types_supported", self.grant_types_supported.clone()),
            (
                "response_types_supported",
                self.response_types_supported.clone(),
            ),
            (
                "token_endpoint_auth_methods_supported",
                self.token_endpoint_auth_methods_supported.clone(),
            ),
            (
                "token_endpoint_auth_signing_alg_values_supported",
                self.token_endpoint_auth_signing_alg_values_supported
                    .clone(),
            ),
        ];
        for (name, list) in lists {
            if let Some(list) = list {
                map.serialize_entry(name, &list)?;
            }
        }
        if !self.associated_endpoints.is_empty() {
            map.serialize_entry("associated_endpoints", &self.associated_endpoints)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
