//! Backend services: a program that reads FHIR in its own name (SMART App Launch 2.2).

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderValue;
use smart_discovery::{Clock, FhirBaseUrl, Finding, NotUnder, SingleFlight};
use smart_jose::{ErrorClass, UnixTime};

use super::backend::{DEFAULT_LIFE, Held, Moment, Ruling};
use super::client::{TokenClient, check_scopes};
use super::error::TokenError;
use super::response::TokenResponse;
use crate::client::{AuthorizationServer, ClientAuthentication, ClientAuthenticationError};
use crate::scope::{Scope, ScopeUse, Scopes};
use crate::value::AccessToken;

/// How often it is looked again after waiting for a flight that brought nothing of use.
const ROUNDS: usize = 3;

/// Gets a backend service its access tokens, and keeps them for as long as they serve.
///
/// - Many callers share one request. It goes on when they go away.
/// - A token is asked for anew in the background a minute before its end, and is not handed out in
///   its last 5 s. Its life counts from the moment of the request, by both clocks. One whose life
///   the server does not name is used for 60 s.
/// - After a failure nobody is asked for 1 s, doubling up to 30 s, give or take a fifth, and for as
///   long as the server asks for (`Retry-After`, at most 15 min); a token that still serves is
///   handed out meanwhile. A failure is never kept as a token.
/// - Every request has an assertion of its own. A secret is refused.
///
/// Cloning shares everything. How long a request may take is the contract of
/// [`smart_discovery::HttpClient`].
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use std::sync::Arc;
/// use smart_oidc::discovery::{Discovery, FhirBaseUrl, HttpClient, SystemClock};
/// use smart_oidc::jose::CryptoProvider;
/// use smart_oidc::token::BackendServices;
/// use smart_oidc::{
///     AssertionSigner, AuthorizationServer, ClientAuthentication, ClientId, Scopes, TokenClient,
/// };
///
/// async fn backend(
///     http: Arc<dyn HttpClient>,
///     signer: AssertionSigner,
/// ) -> Result<BackendServices, Box<dyn std::error::Error>> {
///     let base = FhirBaseUrl::parse("https://ehr.example/fhir")?;
///     let smart = Discovery::new(http.clone()).smart_configuration(&base).await?;
///     let server = AuthorizationServer::of_fhir_server(&smart);
///     let (id, key) = (ClientId::new("nightly"), ClientAuthentication::PrivateKeyJwt(signer));
///     let client = TokenClient::without_launch(id, key, http, CryptoProvider::ring());
///     let scopes = Scopes::parse("system/Observation.rs");
///     let clock = Arc::new(SystemClock::new());
///     Ok(BackendServices::new(client, server, scopes, clock)?)
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct BackendServices {
    inner: Arc<Inner>,
    flight: SingleFlight,
}

struct Inner {
    client: TokenClient,
    server: AuthorizationServer,
    scopes: Scopes,
    clock: Arc<dyn Clock>,
    /// Whether the caller has said that a secret may stand where SMART forbids it.
    allows_secret: bool,
    findings: Vec<Finding>,
    held: Mutex<Held<BackendToken, BackendError>>,
}

/// An access token of a backend service, and the FHIR server that it is for.
#[non_exhaustive]
pub struct BackendToken {
    access_token: AccessToken,
    base: FhirBaseUrl,
    /// What was granted; it may be less than was asked for.
    pub scopes: Scopes,
    /// When it ends by the clock of this machine; `None` where the server does not say.
    pub expires_at: Option<UnixTime>,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl BackendToken {
    /// The value of the `Authorization` header for a request to this URL, marked so that no client
    /// logs it (RFC 6750 2.1). A URL that a resource names may lie with somebody else, and is then
    /// read without the token or not at all (SMART App Launch 2.2, Backend Services).
    ///
    /// # Errors
    ///
    /// [`NotUnder`] where the URL is not under the FHIR base. Follow no redirect with the header.
    pub fn authorization_for(&self, url: &str) -> Result<HeaderValue, NotUnder> {
        self.base.relative(url)?;
        // A token that no header can carry was refused when it came.
        self.access_token.bearer().ok_or(NotUnder::Form)
    }

    /// The token itself, for an HTTP stack that makes its own header. It is for the FHIR base and
    /// for nobody else.
    #[must_use]
    pub const fn access_token(&self) -> &AccessToken {
        &self.access_token
    }
}

impl fmt::Debug for BackendToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendToken")
            .field("base", &self.base)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BackendServices {
    /// Shows how it was set up, and neither its token nor its last failure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackendServices")
            .field("client", &self.inner.client)
            .field("server", &self.inner.server)
            .field("scopes", &self.inner.scopes)
            .field("findings", &self.inner.findings)
            .finish_non_exhaustive()
    }
}

/// Why there is no token now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// What was asked for was lost on the way: the task that asked has ended, or the clock has
    /// jumped. A later try asks again.
    #[error("the request for a token was interrupted")]
    Interrupted,
    /// A token had ended when it arrived.
    #[error("the server gave a token that lives {} s, and it came too late", .life.as_secs())]
    NoLife {
        /// How long it lives.
        life: Duration,
    },
    /// Asking failed a moment ago, and it is too early to ask again.
    #[error("it is asked again in {} s at the earliest: {error}", .retry_after.as_secs_f32())]
    Resting {
        /// How long until then.
        retry_after: Duration,
        /// Why it failed.
        error: Box<Self>,
    },
    /// No token came.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl BackendError {
    /// A stable name for this error; where it is too early to ask again, that of the failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Interrupted => "backend-interrupted",
            Self::NoLife { .. } => "backend-no-life",
            Self::Resting { error, .. } => error.code(),
            Self::Token(error) => error.code(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        match self {
            Self::Interrupted | Self::NoLife { .. } => ErrorClass::Upstream,
            Self::Resting { error, .. } => error.class(),
            Self::Token(error) => error.class(),
        }
    }

    /// How long to wait before it is of use to ask again: nobody is asked earlier.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Resting { retry_after, .. } => Some(*retry_after),
            Self::Token(error) => error.retry_after(),
            Self::Interrupted | Self::NoLife { .. } => None,
        }
    }
}

impl BackendServices {
    /// Tokens of this client for the FHIR base of the server, with these scopes.
    ///
    /// # Errors
    ///
    /// [`TokenError`]: no scope or a malformed one, a client that does not authenticate by
    /// `private_key_jwt`, or a method or an algorithm that the server does not announce.
    pub fn new(
        client: TokenClient,
        server: AuthorizationServer,
        scopes: Scopes,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TokenError> {
        Self::with(client, server, scopes, clock, false)
    }

    /// The same with a client secret, which SMART rules out for backend services: see
    /// [`TokenClient::client_credentials_with_secret_against_smart`].
    ///
    /// # Errors
    ///
    /// [`TokenError`], as [`BackendServices::new`].
    pub fn with_secret_against_smart(
        client: TokenClient,
        server: AuthorizationServer,
        scopes: Scopes,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TokenError> {
        Self::with(client, server, scopes, clock, true)
    }

    fn with(
        client: TokenClient,
        server: AuthorizationServer,
        scopes: Scopes,
        clock: Arc<dyn Clock>,
        allows_secret: bool,
    ) -> Result<Self, TokenError> {
        check_scopes(&scopes)?;
        let authentication = &client.client.authentication;
        let is_fit = match authentication {
            ClientAuthentication::PrivateKeyJwt(_) => true,
            ClientAuthentication::Public => false,
            _ => allows_secret,
        };
        if !is_fit {
            let method = authentication.method();
            return Err(ClientAuthenticationError::NotForBackendServices { method }.into());
        }
        server.check(authentication)?;
        let inner = Inner {
            findings: lint(&scopes),
            client,
            server,
            scopes,
            clock,
            allows_secret,
            held: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
            flight: SingleFlight::new(),
        })
    }

    /// What is odd about the scopes ([`Scopes::lint`]): a backend service normally has `system/`
    /// scopes only.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.inner.findings
    }

    /// A token that serves now: the one that is held, or a new one.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn token(&self) -> Result<Arc<BackendToken>, BackendError> {
        for _ in 0..ROUNDS {
            match self.inner.rule() {
                Ruling::Use(token) => return Ok(token),
                Ruling::UseAndRenew(token) => {
                    self.flight.take_off(|| self.work());
                    return Ok(token);
                }
                Ruling::Rest { error, left } => {
                    return Err(BackendError::Resting {
                        retry_after: left,
                        error: Box::new(error),
                    });
                }
                Ruling::Get => self.flight.fly(|| self.work()).await,
            }
        }
        Err(BackendError::Interrupted)
    }

    /// Lets go of a token that the FHIR server has refused with 401, so that the next call gets
    /// another. Says whether it did: a token that was got less than 30 s ago stays, since another
    /// one would be refused as well, and so does one that has been replaced already.
    pub fn discard(&self, token: &BackendToken) -> bool {
        let now = self.inner.now();
        self.inner.held().discard(token, now)
    }

    fn work(&self) -> impl Future<Output = ()> + Send + 'static {
        let inner = Arc::clone(&self.inner);
        async move { inner.get().await }
    }
}

impl Inner {
    fn now(&self) -> Moment {
        Moment {
            monotonic: self.clock.monotonic(),
            wall: self.clock.now(),
        }
    }

    /// Never held across a wait.
    fn held(&self) -> MutexGuard<'_, Held<BackendToken, BackendError>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rule(&self) -> Ruling<BackendToken, BackendError> {
        let now = self.now();
        self.held().rule(now)
    }

    async fn get(&self) {
        // Somebody may have landed since it was found to be due.
        if let Ruling::Use(_) | Ruling::Rest { .. } = self.rule() {
            return;
        }
        let asked_at = self.now();
        let result = match self.allows_secret {
            false => {
                let asked =
                    self.client
                        .client_credentials(&self.server, &self.scopes, asked_at.wall);
                asked.await
            }
            true => {
                let asked = self.client.client_credentials_with_secret_against_smart(
                    &self.server,
                    &self.scopes,
                    asked_at.wall,
                );
                asked.await
            }
        };
        self.take(result, asked_at);
    }

    fn take(&self, result: Result<TokenResponse, TokenError>, asked_at: Moment) {
        let now = self.now();
        match result {
            Ok(tokens) => {
                let life = tokens.expires_in;
                let token = BackendToken {
                    access_token: tokens.access_token,
                    base: self.server.fhir_base().clone(),
                    scopes: tokens.scopes,
                    expires_at: life.map(|it| asked_at.wall.saturating_add(it)),
                    findings: tokens.findings,
                };
                let life = life.unwrap_or(DEFAULT_LIFE);
                let serves = self.held().got(token, asked_at, now, life);
                if !serves {
                    self.fail(BackendError::NoLife { life }, now);
                }
            }
            Err(error) => self.fail(error.into(), now),
        }
    }

    fn fail(&self, error: BackendError, now: Moment) {
        let at_least = error.retry_after().unwrap_or_default();
        let drawn = self.client.client.provider.random::<4>();
        // Where the system gives no random octets nothing is spread, which does no harm.
        let chance = drawn.map_or(0.5, |octets| {
            f64::from(u32::from_ne_bytes(octets)) / f64::from(u32::MAX)
        });
        self.held().failed(error, now, at_least, chance);
    }
}

/// Scopes of another level are for users, by agreement at most (SMART App Launch 2.2, Backend
/// Services, Scopes).
fn lint(scopes: &Scopes) -> Vec<Finding> {
    let words = scopes.iter().map(Scope::as_str);
    let odd: Scopes = words.filter(|it| !it.starts_with("system/")).collect();
    let mut findings = scopes.lint(ScopeUse::BackendService);
    // It is said here of other scopes too.
    findings.retain(|it| it.code != "scope-level");
    if !odd.is_empty() {
        findings.push(Finding::new(
            "backend-scope",
            format!("a backend service asks for {}", odd.shown()),
            "ask for system/ scopes, or agree on others with the server's operator",
        ));
    }
    findings
}
