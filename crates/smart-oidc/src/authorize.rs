//! The authorization request and the callback, as types that are used up one after the other.

use core::fmt;

use smart_discovery::{EndpointUrl, FhirBaseUrl, Finding, Issuer, TrustedIssuer};
use smart_jose::alg::HashAlgorithm;
use smart_jose::crypto::RandomFailed;
use smart_jose::{CryptoProvider, ErrorClass, Secret, Text, UnixTime, base64url};

use crate::authorization_request::AuthorizationRequest;
use crate::callback::{CallbackError, LAUNCH_LIFE, Parameters};
use crate::client::{AuthorizationServer, ClientAuthenticationError, ClientConfig, Endpoint};
use crate::launch_tag::LaunchTag;
use crate::pkce;
use crate::scope::{Scope, ScopeKind, ScopeProblem, ScopeUse, Scopes};
use crate::telemetry;
use crate::untrusted::UntrustedText;
use crate::value::{
    AuthorizationCode, BrowserBinding, ClientId, CodeVerifier, LaunchHandle, Nonce, RedirectUri,
    State,
};

/// A `launch` value may be this long, in octets.
const MAX_HANDLE_OCTETS: usize = 4096;

/// A launch that has not begun.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    issuer: &'a TrustedIssuer,
    client: &'a ClientConfig,
    handle: Option<LaunchHandle>,
    /// `aud` as it is to be sent: the FHIR base as configured, or as an EHR wrote it.
    aud: String,
}

/// What beginning a launch yields. The URL holds state and nonce, so `Debug` does not show it.
#[non_exhaustive]
pub struct Begun {
    /// Where to send the browser.
    pub request: AuthorizationRequest,
    /// For a cookie of the app: only the browser that holds it can finish the launch.
    pub binding: BrowserBinding,
    /// For the app's store, on the server.
    pub pending: PendingLaunch,
    /// What is odd about the scopes that are asked for ([`Scopes::lint`]).
    pub findings: Vec<Finding>,
}

/// A launch that waits for its callback. It is used up by [`PendingLaunch::authorize`], so one
/// state serves one callback.
///
/// Keep it on the server under [`PendingLaunch::key`], and look it up by
/// [`LaunchKey::of_callback`]: a callback from another browser, or with another state, then finds
/// nothing and uses nothing up.
pub struct PendingLaunch {
    pub(crate) key: LaunchKey,
    /// None where none was sent.
    pub(crate) nonce: Option<Nonce>,
    pub(crate) verifier: CodeVerifier,
    pub(crate) expires_at: UnixTime,
    pub(crate) context: LaunchIdentity,
    pub(crate) callbacks_carry_iss: bool,
}

/// The name of a pending launch: SHA-256 of state and browser binding.
///
/// It tells nothing of either, so a store may log it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LaunchKey(String);

impl LaunchKey {
    fn new(state: &str, binding: &BrowserBinding, provider: &CryptoProvider) -> Self {
        // The binding has no separator in it, so no two pairs run together.
        let octets = [binding.expose_secret().as_bytes(), b"|", state.as_bytes()].concat();
        Self(base64url::encode(
            provider.hash(HashAlgorithm::Sha256, &octets),
        ))
    }

    /// The key of the launch that a callback answers: `query` is everything behind the `?`, and
    /// `binding` comes from the cookie of the browser that brought it.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Duplicate`] and [`CallbackError::Missing`] for a query without one state.
    pub fn of_callback(
        query: &str,
        binding: &BrowserBinding,
        provider: &CryptoProvider,
    ) -> Result<Self, CallbackError> {
        let state = Parameters::read(query)?.state;
        let state = state.ok_or(CallbackError::Missing { name: "state" })?;
        Ok(Self::new(&state, binding, provider))
    }

    /// What a store has kept.
    pub(crate) fn stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key as text, 43 characters of base64url.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who takes part in a launch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LaunchIdentity {
    /// The issuer that the chain of trust led to.
    pub issuer: Issuer,
    /// The FHIR base of the launch.
    pub fhir_base: FhirBaseUrl,
    /// Where the code is exchanged.
    pub token_endpoint: EndpointUrl,
    /// The app.
    pub client_id: ClientId,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// The scopes that are asked for.
    pub scopes: Scopes,
    /// Whether the issuer's own metadata named the token endpoint when the launch began.
    pub(crate) token_endpoint_is_vouched: bool,
}

/// A launch whose callback was genuine. It holds the code and is used up by exchanging it.
pub struct AuthorizedLaunch {
    pub(crate) context: LaunchIdentity,
    pub(crate) code: AuthorizationCode,
    pub(crate) verifier: CodeVerifier,
    pub(crate) nonce: Option<Nonce>,
}

/// Why a launch cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The client could not authenticate at the end of the launch, so nobody is sent away for it.
    #[error(transparent)]
    Authentication(#[from] ClientAuthenticationError),
    /// The server has no authorization endpoint, so it offers no launch.
    #[error("the server publishes no authorization_endpoint")]
    NoAuthorizationEndpoint,
    /// `fhirUser` without `openid` gets no ID token (SMART App Launch 2.2, Quick Start).
    #[error("the scope fhirUser is asked for without openid")]
    FhirUserWithoutOpenid,
    /// The `launch` value is longer than any EHR's; it would go into a URL of ours.
    #[error("a launch value of {found} octets, more than {limit}")]
    HandleTooLong {
        /// The limit in octets.
        limit: usize,
        /// The length in octets.
        found: usize,
    },
    /// No scope is configured, and a request has to say what it asks for (SMART App Launch 2.2,
    /// Obtain authorization code).
    #[error("no scope is asked for")]
    NoScope,
    /// A scope holds a character that scopes do not have (RFC 6749 3.3), or it is a launch scope
    /// with more than one role (SMART App Launch 2.2, Requesting context with scopes).
    #[error("{scope} is no scope: {problem}")]
    Scope {
        /// The scope, without what stands behind a `?`.
        scope: Text,
        /// What is wrong with it.
        problem: ScopeProblem,
    },
    /// The `iss` of an EHR launch is not the FHIR base that is configured.
    #[error("the EHR names the FHIR base {found}, configured is {expected}")]
    UnknownFhirBase {
        /// The FHIR base that is configured.
        expected: Text,
        /// The `iss` of the launch.
        found: Text,
    },
    /// No random octets.
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

impl LaunchError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Authentication(error) => error.code(),
            Self::NoAuthorizationEndpoint => "launch-no-authorization-endpoint",
            Self::FhirUserWithoutOpenid => "launch-fhir-user-without-openid",
            Self::HandleTooLong { .. } => "launch-handle-too-long",
            Self::NoScope => "launch-no-scope",
            Self::Scope { .. } => "launch-scope",
            Self::UnknownFhirBase { .. } => "launch-unknown-fhir-base",
            Self::Random(_) => "random-failed",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Authentication(error) => error.class(),
            Self::UnknownFhirBase { .. } | Self::HandleTooLong { .. } => ErrorClass::InvalidRequest,
            Self::NoAuthorizationEndpoint => ErrorClass::Upstream,
            _ => ErrorClass::Configuration,
        }
    }
}

impl<'a> Launch<'a> {
    /// A launch from the app's own page.
    #[must_use]
    pub fn standalone(issuer: &'a TrustedIssuer, client: &'a ClientConfig) -> Self {
        let aud = issuer.fhir_base().as_str().to_owned();
        Self {
            issuer,
            client,
            handle: None,
            aud,
        }
    }

    /// A launch from within the EHR, with the `iss` and `launch` parameters as received.
    ///
    /// `iss` comes from outside, so it only chooses among what is configured: it must be the FHIR
    /// base of `issuer`, one final slash aside. It is sent back as `aud` exactly as it came.
    ///
    /// # Errors
    ///
    /// [`LaunchError::UnknownFhirBase`].
    pub fn from_ehr(
        issuer: &'a TrustedIssuer,
        client: &'a ClientConfig,
        iss: &str,
        launch: LaunchHandle,
    ) -> Result<Self, LaunchError> {
        let base = issuer.fhir_base();
        if iss.strip_suffix('/').unwrap_or(iss) != base.trimmed() {
            return Err(LaunchError::UnknownFhirBase {
                expected: Text::new(base.as_str()),
                found: Text::new(iss),
            });
        }
        let found = launch.as_str().len();
        if found > MAX_HANDLE_OCTETS {
            return Err(LaunchError::HandleTooLong {
                limit: MAX_HANDLE_OCTETS,
                found,
            });
        }
        Ok(Self {
            issuer,
            client,
            handle: Some(launch),
            aud: iss.to_owned(),
        })
    }

    /// Begins the launch: makes `state`, `nonce`, `code_verifier` and the browser binding, each
    /// of 256 bits, and the URL for the browser. A query that the endpoint has is kept.
    ///
    /// An EHR launch asks for the scope `launch`, whether it is configured or not. Each scope is
    /// asked for once, and launch scopes with their resource type in lower case. What else is odd
    /// about the scopes is among the findings.
    ///
    /// A client that could not authenticate afterwards does not begin: one without its secret, or
    /// whose method or algorithm is not among those that the server announces.
    ///
    /// # Errors
    ///
    /// [`LaunchError`].
    pub fn begin(self, provider: &CryptoProvider, now: UnixTime) -> Result<Begun, LaunchError> {
        let smart = self.issuer.smart_configuration();
        let endpoint = smart
            .authorization_endpoint
            .as_ref()
            .ok_or(LaunchError::NoAuthorizationEndpoint)?;
        let scopes = self.scopes()?;
        let server = AuthorizationServer::of(self.issuer);
        server.check(&self.client.authentication)?;
        let state = State::generate(provider)?;
        let nonce = match self.client.quirks.send_no_nonce {
            false => Some(Nonce::generate(provider)?),
            true => {
                telemetry::relaxed("send-no-nonce");
                None
            }
        };
        let verifier = CodeVerifier::generate(provider)?;
        let binding = BrowserBinding::generate(provider)?;

        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client.client_id.as_str())
            .append_pair("redirect_uri", self.client.redirect_uri.as_str())
            .append_pair("scope", scopes.as_str())
            .append_pair("state", state.expose_secret())
            .append_pair("aud", &self.aud)
            .append_pair("code_challenge", &pkce::challenge(&verifier, provider))
            .append_pair("code_challenge_method", "S256");
        if let Some(nonce) = &nonce {
            query.append_pair("nonce", nonce.expose_secret());
        }
        if let Some(handle) = &self.handle {
            query.append_pair("launch", handle.as_str());
        }
        let takes_post = smart.capabilities.iter().any(|it| it == "authorize-post");
        let query = Secret::new(query.finish());
        let tag = LaunchTag::of_state(state.expose_secret(), provider);
        let request = AuthorizationRequest::new(endpoint.clone(), query, takes_post, tag);

        let findings = scopes.lint(self.scope_use());
        let pending = PendingLaunch {
            key: LaunchKey::new(state.expose_secret(), &binding, provider),
            nonce,
            verifier,
            expires_at: now.saturating_add(LAUNCH_LIFE),
            context: LaunchIdentity {
                issuer: self.issuer.issuer().clone(),
                fhir_base: self.issuer.fhir_base().clone(),
                token_endpoint: server.token_endpoint().clone(),
                client_id: self.client.client_id.clone(),
                redirect_uri: self.client.redirect_uri.clone(),
                scopes,
                token_endpoint_is_vouched: server.token().is_vouched,
            },
            callbacks_carry_iss: self
                .issuer
                .provider_metadata()
                .authorization_response_iss_parameter_supported,
        };
        Ok(Begun {
            request,
            binding,
            pending,
            findings,
        })
    }

    const fn scope_use(&self) -> ScopeUse {
        match self.handle {
            Some(_) => ScopeUse::EhrLaunch,
            None => ScopeUse::StandaloneLaunch,
        }
    }

    fn scopes(&self) -> Result<Scopes, LaunchError> {
        let asked = &self.client.scopes;
        if asked.is_empty() {
            return Err(LaunchError::NoScope);
        }
        for word in asked.iter() {
            // What is merely odd may be a server's own; these two would break the request.
            if let ScopeKind::Invalid(problem @ (ScopeProblem::Character | ScopeProblem::Role)) =
                word.kind()
            {
                let scope = word.shown();
                return Err(LaunchError::Scope { scope, problem });
            }
        }
        let launch = self.handle.as_ref().map(|_| "launch");
        let words = asked.iter().map(Scope::as_str).chain(launch);
        let scopes = words.collect::<Scopes>().for_request();
        if scopes.has("fhirUser") && !scopes.has("openid") {
            return Err(LaunchError::FhirUserWithoutOpenid);
        }
        Ok(scopes)
    }
}

impl PendingLaunch {
    /// Judges the callback: `query` is everything behind the `?`, and `binding` comes from the
    /// cookie of the browser that brought it.
    ///
    /// The state is judged first; then the age, the issuer (on errors too,
    /// RFC 9207 2.4), and only then what the server says.
    ///
    /// # Errors
    ///
    /// [`CallbackError`]. The launch is used up either way.
    pub fn authorize(
        self,
        query: &str,
        binding: &BrowserBinding,
        provider: &CryptoProvider,
        now: UnixTime,
    ) -> Result<AuthorizedLaunch, CallbackError> {
        let parameters = Parameters::read(query)?;
        let state = parameters
            .state
            .ok_or(CallbackError::Missing { name: "state" })?;
        // Hashes of secrets of 256 bits: comparing them takes no care for time.
        if LaunchKey::new(&state, binding, provider) != self.key {
            return Err(CallbackError::State);
        }
        if now >= self.expires_at {
            return Err(CallbackError::Expired);
        }
        let expected = self.context.issuer.as_str();
        let is_issuer = match &parameters.iss {
            Some(iss) => iss == expected,
            None => !self.callbacks_carry_iss,
        };
        if !is_issuer {
            return Err(CallbackError::Issuer {
                expected: Text::new(expected),
                found: parameters.iss.as_deref().map(Text::new),
            });
        }
        if let Some(error) = parameters.error {
            return Err(CallbackError::Denied {
                error: Text::new(&error),
                description: parameters
                    .error_description
                    .as_deref()
                    .map(UntrustedText::new),
            });
        }
        let code = parameters
            .code
            .ok_or(CallbackError::Missing { name: "code" })?;
        Ok(AuthorizedLaunch {
            context: self.context,
            code: AuthorizationCode::new(code),
            verifier: self.verifier,
            nonce: self.nonce,
        })
    }

    /// Who takes part.
    #[must_use]
    pub const fn context(&self) -> &LaunchIdentity {
        &self.context
    }

    /// The name under which to keep the launch.
    #[must_use]
    pub const fn key(&self) -> &LaunchKey {
        &self.key
    }
}

impl LaunchIdentity {
    /// The server of the launch, for [`TokenClient::refresh`](crate::TokenClient::refresh). It knows
    /// of no other endpoint than the token endpoint; [`AuthorizationServer::of`] does.
    #[must_use]
    pub fn authorization_server(&self) -> AuthorizationServer {
        let token = Endpoint {
            url: self.token_endpoint.clone(),
            is_vouched: self.token_endpoint_is_vouched,
        };
        AuthorizationServer::of_launch(self.fhir_base.clone(), self.issuer.clone(), token)
    }
}

impl AuthorizedLaunch {
    /// Who takes part.
    #[must_use]
    pub const fn context(&self) -> &LaunchIdentity {
        &self.context
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun")
            .field("pending", &self.pending)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PendingLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLaunch")
            .field("context", &self.context)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AuthorizedLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizedLaunch")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
