//! The exchange itself.

use core::fmt;
use std::sync::Arc;

use smart_discovery::{Finding, HttpClient};
use smart_jose::{CryptoProvider, Text, UnixTime};

use super::error::TokenError;
use super::refresh::RefreshRequest;
use super::request;
use super::response::TokenResponse;
use crate::authorize::{AuthorizedLaunch, LaunchIdentity};
use crate::client::{
    Authenticator, AuthorizationServer, ClientAuthentication, ClientAuthenticationError,
    ClientConfig,
};
use crate::quirks::Quirks;
use crate::scope::{ScopeKind, ScopeProblem, Scopes};
use crate::telemetry;
use crate::value::{AuthorizationCode, ClientId, Nonce};

/// Talks to token endpoints as one registered client.
///
/// Every request is a POST of a form; redirects are not followed (the contract of [`HttpClient`]),
/// so neither a secret nor a code goes along one. A request is sent once: after a failure
/// [`TokenError::fate`] says whether it may be sent again, and an assertion is then made anew.
#[derive(Clone)]
pub struct TokenClient {
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) client: Authenticator,
}

/// A launch whose code is spent. It holds what the ID token must answer to, so that the nonce
/// cannot be forgotten.
pub struct ExchangedLaunch {
    context: LaunchIdentity,
    nonce: Option<Nonce>,
    code: AuthorizationCode,
}

impl ExchangedLaunch {
    /// Who takes part.
    #[must_use]
    pub const fn context(&self) -> &LaunchIdentity {
        &self.context
    }

    /// The same by value: nothing else of the launch is needed any more.
    pub(crate) fn into_context(self) -> LaunchIdentity {
        self.context
    }

    /// The nonce that was sent; `None` where none was ([`Quirks::send_no_nonce`]), and then the ID
    /// token may have none.
    #[must_use]
    pub const fn nonce(&self) -> Option<&Nonce> {
        self.nonce.as_ref()
    }

    /// The code that was spent, for `c_hash`.
    #[must_use]
    pub const fn code(&self) -> &AuthorizationCode {
        &self.code
    }
}

impl fmt::Debug for TokenClient {
    /// Shows the registration. What an HTTP client shows of itself is its own affair, and could be
    /// what it has sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenClient")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExchangedLaunch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExchangedLaunch")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl TokenClient {
    /// A token client for the registration that launches begin with.
    #[must_use]
    pub fn new(
        client: &ClientConfig,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
    ) -> Self {
        let (id, authentication) = (client.client_id.clone(), client.authentication.clone());
        Self::without_launch(id, authentication, http, provider).with_quirks(client.quirks)
    }

    /// A token client for a registration without a redirect URI: a backend service, or a resource
    /// server that asks what a token is.
    #[must_use]
    pub fn without_launch(
        client_id: ClientId,
        authentication: ClientAuthentication,
        http: Arc<dyn HttpClient>,
        provider: &CryptoProvider,
    ) -> Self {
        let client = Authenticator {
            client_id,
            authentication,
            quirks: Quirks::default(),
            provider: *provider,
        };
        Self { http, client }
    }

    /// Does these things otherwise for this server's sake.
    #[must_use]
    pub const fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.client.quirks = quirks;
        self
    }

    /// Exchanges the code (RFC 6749 4.1.3).
    ///
    /// # Errors
    ///
    /// [`TokenError`]; the launch is used up either way.
    pub async fn exchange(
        &self,
        launch: AuthorizedLaunch,
        now: UnixTime,
    ) -> Result<(TokenResponse, ExchangedLaunch), TokenError> {
        told("token-response", self.spend(launch, now).await)
    }

    async fn spend(
        &self,
        launch: AuthorizedLaunch,
        now: UnixTime,
    ) -> Result<(TokenResponse, ExchangedLaunch), TokenError> {
        let (expected, found) = (&self.client.client_id, &launch.context.client_id);
        if expected != found {
            let (expected, found) = (Text::new(expected.as_str()), Text::new(found.as_str()));
            return Err(TokenError::OtherClient { expected, found });
        }
        // Where the code came from is where it goes, whatever is known of that server by now.
        let server = launch.context.authorization_server();
        let credentials = self.client.credentials(&server, server.token(), now);
        let credentials = credentials.await?;
        let request = request::authorization_code(&launch, &credentials);
        let AuthorizedLaunch {
            context,
            code,
            nonce,
            verifier: _,
        } = launch;
        let response = self.http.send(request).await?;
        let mut tokens = TokenResponse::of_launch(&response, &context.scopes)?;
        tokens.findings.extend(credentials.findings);
        if nonce.is_none() {
            tokens.findings.push(Finding::new(
                "send-no-nonce",
                "no nonce was sent, so none ties the ID token to this launch",
                "ask the server's operator to put the nonce into the ID token",
            ));
        }
        let launch = ExchangedLaunch {
            context,
            nonce,
            code,
        };
        Ok((tokens, launch))
    }

    /// Asks for new tokens (RFC 6749 6).
    ///
    /// A refresh token in the answer replaces the old one at once; where there is none, the old one
    /// stays (SMART App Launch 2.2, Refresh). An ID token in it is judged by
    /// [`IdTokenVerifier::verify_refreshed`](crate::IdTokenVerifier::verify_refreshed) before the
    /// access token is used.
    ///
    /// Many servers accept a refresh token once. So two callers must not refresh one session at
    /// the same time, and after an error [`TokenError::fate`] decides: after
    /// [`Fate::NotSent`](super::Fate::NotSent) the token may be sent again, after
    /// [`Fate::InDoubt`](super::Fate::InDoubt) once at most.
    ///
    /// # Errors
    ///
    /// [`TokenError`]. A request that asks for more than was granted is not sent.
    pub async fn refresh(
        &self,
        server: &AuthorizationServer,
        refresh: &RefreshRequest<'_>,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        told("refresh-response", self.renew(server, refresh, now).await)
    }

    async fn renew(
        &self,
        server: &AuthorizationServer,
        refresh: &RefreshRequest<'_>,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        refresh.check()?;
        server.check(&self.client.authentication)?;
        let credentials = self.client.credentials(server, server.token(), now);
        let credentials = credentials.await?;
        let request = request::refresh(server.token_endpoint(), refresh, &credentials);
        let response = self.http.send(request).await?;
        let mut tokens = TokenResponse::of_refresh(&response, refresh.expected())?;
        tokens.findings.extend(credentials.findings);
        Ok(tokens)
    }

    /// Asks for a token of the program's own, for nobody who is signed in (RFC 6749 4.4).
    /// [`BackendServices`](super::BackendServices) does this when one is needed and keeps it.
    ///
    /// The client authenticates by `private_key_jwt`: SMART rules secrets out here
    /// (Backend Services; Symmetric Authentication).
    ///
    /// # Errors
    ///
    /// [`TokenError`], with [`ClientAuthenticationError::NotForBackendServices`] for a client with
    /// a secret or with none.
    pub async fn client_credentials(
        &self,
        server: &AuthorizationServer,
        scopes: &Scopes,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        let authentication = &self.client.authentication;
        let result = match authentication {
            ClientAuthentication::PrivateKeyJwt(_) => self.obtain(server, scopes, now).await,
            _ => Err(not_for_backend_services(authentication).into()),
        };
        told("client-credentials-response", result)
    }

    /// The same with a client secret, for a server that knows no other way. It departs from SMART
    /// on purpose: whoever reads the secret once, from a setting or a log of the server, is this
    /// program from then on.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with [`ClientAuthenticationError::NotForBackendServices`] for a client that
    /// does not authenticate.
    pub async fn client_credentials_with_secret_against_smart(
        &self,
        server: &AuthorizationServer,
        scopes: &Scopes,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        let authentication = &self.client.authentication;
        let result = match authentication {
            ClientAuthentication::Public => Err(not_for_backend_services(authentication).into()),
            _ => self.obtain(server, scopes, now).await,
        };
        told("client-credentials-response", result)
    }

    async fn obtain(
        &self,
        server: &AuthorizationServer,
        scopes: &Scopes,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        check_scopes(scopes)?;
        server.check(&self.client.authentication)?;
        let credentials = self.client.credentials(server, server.token(), now);
        let credentials = credentials.await?;
        let request = request::client_credentials(server.token_endpoint(), scopes, &credentials);
        let response = self.http.send(request).await?;
        let mut tokens = TokenResponse::of_client_credentials(&response, scopes)?;
        tokens.findings.extend(credentials.findings);
        Ok(tokens)
    }
}

fn not_for_backend_services(authentication: &ClientAuthentication) -> ClientAuthenticationError {
    ClientAuthenticationError::NotForBackendServices {
        method: authentication.method(),
    }
}

/// Scopes for a request that must name some. What is merely odd may be a server's own.
pub(super) fn check_scopes(scopes: &Scopes) -> Result<(), TokenError> {
    let malformed = ScopeKind::Invalid(ScopeProblem::Character);
    match scopes.iter().find(|it| it.kind() == malformed) {
        Some(bad) => Err(TokenError::Scope { scope: bad.shown() }),
        None if scopes.is_empty() => Err(TokenError::NoScope),
        None => Ok(()),
    }
}

fn told<T>(what: &'static str, result: Result<T, TokenError>) -> Result<T, TokenError> {
    telemetry::judged(what, result.as_ref().err().map(TokenError::code));
    result
}
