//! The authorization server as a client sees it: where requests go, and who vouches for that.

use smart_discovery::{EndpointUrl, FhirBaseUrl, Issuer, SmartConfiguration, TrustedIssuer};
use smart_jose::Text;

use super::assertion::AssertionAudience;
use super::authentication::ClientAuthentication;
use super::error::ClientAuthenticationError;

/// The endpoints of one authorization server, and how it says that clients authenticate there.
///
/// It is made of documents that discovery has checked and never of a token or a request, so that
/// neither a secret nor an assertion goes to a place of somebody else's choosing. It belongs to one
/// FHIR server, for which its access tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationServer {
    fhir_base: FhirBaseUrl,
    issuer: Option<Issuer>,
    token: Endpoint,
    revocation: Option<Endpoint>,
    introspection: Option<Endpoint>,
    /// `token_endpoint_auth_methods_supported`, as far as the server says something.
    methods: Option<Vec<String>>,
    /// `token_endpoint_auth_signing_alg_values_supported`, likewise.
    algorithms: Option<Vec<String>>,
}

/// Where one kind of request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: EndpointUrl,
    /// Whether the issuer's own metadata names it. The FHIR server's document may name endpoints
    /// elsewhere; whoever runs those must not get an assertion that the issuer would take.
    pub(crate) is_vouched: bool,
}

impl AuthorizationServer {
    /// The server that the chain of trust led to.
    #[must_use]
    pub fn of(trusted: &TrustedIssuer) -> Self {
        let (smart, provider) = (trusted.smart_configuration(), trusted.provider_metadata());
        let either = |smart: Option<&EndpointUrl>, issuers: Option<&EndpointUrl>| {
            smart.or(issuers).map(|url| Endpoint {
                url: url.clone(),
                is_vouched: issuers == Some(url),
            })
        };
        let token = &smart.token_endpoint;
        Self {
            issuer: Some(trusted.issuer().clone()),
            token: Endpoint {
                url: token.clone(),
                is_vouched: provider.token_endpoint.as_ref() == Some(token),
            },
            revocation: either(
                smart.revocation_endpoint.as_ref(),
                provider.revocation_endpoint.as_ref(),
            ),
            introspection: either(
                smart.introspection_endpoint.as_ref(),
                provider.introspection_endpoint.as_ref(),
            ),
            ..Self::of_fhir_server(smart)
        }
    }

    /// The server that a FHIR server names, where there is no issuer: for backend services, which
    /// trust no user. The document must be that of a FHIR base which you configured
    /// ([`smart_discovery::Discovery::smart_configuration`]).
    #[must_use]
    pub fn of_fhir_server(smart: &SmartConfiguration) -> Self {
        let endpoint = |url: &EndpointUrl| Endpoint {
            url: url.clone(),
            is_vouched: false,
        };
        let algorithms = &smart.token_endpoint_auth_signing_alg_values_supported;
        Self {
            fhir_base: smart.fhir_base().clone(),
            issuer: None,
            token: endpoint(&smart.token_endpoint),
            revocation: smart.revocation_endpoint.as_ref().map(endpoint),
            introspection: smart.introspection_endpoint.as_ref().map(endpoint),
            methods: smart.token_endpoint_auth_methods_supported.clone(),
            algorithms: algorithms.clone(),
        }
    }

    /// The server of a launch, as it was judged when the launch began. Who authenticates there now
    /// may do so in another way than was planned then, so what was found about the endpoint stays
    /// with it.
    pub(crate) const fn of_launch(fhir_base: FhirBaseUrl, issuer: Issuer, token: Endpoint) -> Self {
        Self {
            fhir_base,
            issuer: Some(issuer),
            token,
            revocation: None,
            introspection: None,
            methods: None,
            algorithms: None,
        }
    }

    /// The FHIR server that names it, and that its access tokens are for.
    #[must_use]
    pub const fn fhir_base(&self) -> &FhirBaseUrl {
        &self.fhir_base
    }

    /// The issuer, where the chain of trust led to one.
    #[must_use]
    pub const fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// Where tokens are asked for.
    #[must_use]
    pub const fn token_endpoint(&self) -> &EndpointUrl {
        &self.token.url
    }

    /// Whether a client that authenticates like this can do so here.
    ///
    /// A server that does not list its methods is taken to know what it has registered. One that
    /// lists others than this one would refuse it, and the secret would have left for nothing.
    ///
    /// # Errors
    ///
    /// [`ClientAuthenticationError::EmptySecret`],
    /// [`ClientAuthenticationError::MethodNotAnnounced`],
    /// [`ClientAuthenticationError::AlgorithmNotAnnounced`], and
    /// [`ClientAuthenticationError::AudienceNotVouched`].
    pub fn check(
        &self,
        authentication: &ClientAuthentication,
    ) -> Result<(), ClientAuthenticationError> {
        authentication.check()?;
        authentication.check_announced(self.methods.as_deref(), self.algorithms.as_deref())?;
        if let ClientAuthentication::PrivateKeyJwt(signer) = authentication {
            self.audience(&self.token, signer.audience())?;
        }
        Ok(())
    }

    /// The best of several ways in which a client can authenticate here: a key pair before a
    /// secret, and a secret in a header before one in a body (RFC 9700 2.5). `None` where none of
    /// them works.
    #[must_use]
    pub fn best_of<'a>(
        &self,
        configured: &'a [ClientAuthentication],
    ) -> Option<&'a ClientAuthentication> {
        configured
            .iter()
            .filter(|it| self.check(it).is_ok())
            .max_by_key(|it| it.rank())
    }

    /// The text that says whom an assertion is for that goes to one of the endpoints.
    pub(super) fn audience<'s>(
        &'s self,
        endpoint: &'s Endpoint,
        audience: AssertionAudience,
    ) -> Result<&'s str, ClientAuthenticationError> {
        match (audience, &self.issuer) {
            (AssertionAudience::TokenEndpoint, _)
                if endpoint.url.has_same_origin(&self.token.url) =>
            {
                Ok(self.token.url.as_str())
            }
            (AssertionAudience::TokenEndpoint | AssertionAudience::PostedEndpoint, _) => {
                Ok(endpoint.url.as_str())
            }
            (AssertionAudience::Issuer, Some(issuer)) if endpoint.is_vouched => Ok(issuer.as_str()),
            (AssertionAudience::Issuer, _) => Err(ClientAuthenticationError::AudienceNotVouched {
                endpoint: Text::new(endpoint.url.as_str()),
            }),
        }
    }

    pub(crate) const fn token(&self) -> &Endpoint {
        &self.token
    }

    pub(crate) const fn revocation(&self) -> Option<&Endpoint> {
        self.revocation.as_ref()
    }

    pub(crate) const fn introspection(&self) -> Option<&Endpoint> {
        self.introspection.as_ref()
    }
}
