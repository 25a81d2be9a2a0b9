//! The CapabilityStatement of a FHIR server: where SMART 1.0 put the endpoints. [`crate::Discovery`]
//! reads it only where the caller chose [`crate::Smart10Fallback`] and the server has no
//! smart-configuration.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use serde::Deserialize;
use smart_jose::Text;

use crate::document::{self, DocumentError};
use crate::finding::Finding;
use crate::http_client::get_json;
use crate::smart_configuration::SmartConfiguration;
use crate::url::{EndpointUrl, FhirBaseUrl, PlainHttp};

/// The extension that holds the endpoints (SMART App Launch 1.0, Conformance).
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
/// A statement may be this long, in octets: it lists every resource that a server has. The HTTP
/// client has a limit of its own, 256 KiB unless set.
const MAX_STATEMENT_OCTETS: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Rest {
    #[serde(default)]
    security: Option<Security>,
}

#[derive(Deserialize)]
struct Security {
    #[serde(default)]
    extension: Vec<Extension>,
}

#[derive(Deserialize)]
struct Extension {
    url: String,
    #[serde(default)]
    extension: Vec<Self>,
    #[serde(default, rename = "valueUri")]
    value: Option<String>,
}

/// Where the statement is: `metadata` below the base.
#[must_use]
pub fn url(base: &FhirBaseUrl) -> String {
    base.append("metadata")
}

/// The request for the statement, in JSON.
#[must_use]
pub fn request(base: &FhirBaseUrl) -> Request<Bytes> {
    let mut request = get_json(&url(base));
    let json = HeaderValue::from_static("application/fhir+json, application/json;q=0.9");
    request.headers_mut().insert(header::ACCEPT, json);
    request
}

/// Reads the endpoints out of the statement (extension `oauth-uris`, SMART App Launch 1.0). Such a
/// server names no issuer.
///
/// # Errors
///
/// [`DocumentError`]; [`DocumentError::Missing`] where there is no token endpoint.
pub fn from_response(
    base: &FhirBaseUrl,
    response: &Response<Bytes>,
    plain: PlainHttp,
) -> Result<SmartConfiguration, DocumentError> {
    let url = url(base);
    let (statement, mut findings): (Statement, _) =
        document::read_with_limit(&url, response, MAX_STATEMENT_OCTETS)?;
    findings.push(Finding::new(
        "smart-1.0",
        "the server has no smart-configuration; its endpoints are those of its CapabilityStatement",
        "publish .well-known/smart-configuration, as SMART asks since 2.0",
    ));
    let securities = statement.rest.into_iter().filter_map(|it| it.security);
    let uris: Vec<Extension> = securities
        .flat_map(|it| it.extension)
        .filter(|it| it.url == OAUTH_URIS)
        .flat_map(|it| it.extension)
        .collect();
    let mut endpoint = |name: &'static str, member: &'static str| {
        let found = uris.iter().find(|it| it.url == name);
        let Some(text) = found.and_then(|it| it.value.as_deref()) else {
            return Ok::<_, DocumentError>(None);
        };
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
        Ok(Some(endpoint))
    };
    let authorization_endpoint = endpoint("authorize", "oauth-uris authorize")?;
    let token_endpoint = endpoint("token", "oauth-uris token")?;
    let Some(token_endpoint) = token_endpoint else {
        return Err(DocumentError::Missing {
            url: Text::new(&url),
            member: "the oauth-uris extension with a token endpoint",
        });
    };
    Ok(SmartConfiguration::of_smart_1_0(
        base,
        authorization_endpoint,
        token_endpoint,
        findings,
    ))
}
