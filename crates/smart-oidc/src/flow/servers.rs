//! The servers that an app is registered with, and what is asked of them.

use std::sync::Arc;

use async_trait::async_trait;
use smart_discovery::{Clock, DiscoveryError, HttpClient, IssuerRegistry, TrustedIssuer};
use smart_jose::{Algorithms, CryptoProvider, Text};

use super::registrations::{Registration, Registrations};
use crate::client::AuthorizationServer;
use crate::id_token::{Continuity, IdTokenError, IdTokenVerifier, RefreshError};
use crate::session::{Answer, LaunchSession, Renewal, RenewalError};
use crate::token::{Fate, RefreshRequest, RevocationError, TokenClient, TokenResponse};
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// Everything outside that a flow talks to, its store aside.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) registrations: Registrations,
    pub(super) issuers: IssuerRegistry,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) provider: CryptoProvider,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) accepted: Algorithms,
}

impl Servers {
    pub(super) async fn trusted(
        &self,
        registration: &Registration,
    ) -> Result<Arc<TrustedIssuer>, DiscoveryError> {
        self.issuers.issuer(&registration.fhir_base).trusted().await
    }

    pub(super) fn token_client(&self, registration: &Registration) -> TokenClient {
        TokenClient::new(&registration.client, Arc::clone(&self.http), &self.provider)
    }

    /// A verifier for the app's ID tokens of this issuer, which follows the issuer's keys.
    pub(super) fn verifier(
        &self,
        registration: &Registration,
        trusted: &TrustedIssuer,
    ) -> IdTokenVerifier {
        let keys = self
            .issuers
            .issuer(&registration.fhir_base)
            .keys_of(trusted);
        let client_id = registration.client.client_id.clone();
        IdTokenVerifier::new(
            trusted,
            client_id,
            self.accepted,
            Arc::new(keys),
            &self.provider,
        )
        .with_quirks(registration.client.quirks)
    }

    /// The registration and the server of a session. The server may have moved its endpoints since
    /// the launch; its issuer must be the one of the launch.
    async fn of_session(
        &self,
        session: &LaunchSession,
    ) -> Result<(&Registration, Arc<TrustedIssuer>), RenewalError> {
        let fhir_base = session.fhir_base().as_str();
        let registration = self.registrations.find(fhir_base).ok();
        let registration = registration
            .filter(|it| &it.client.client_id == session.client_id())
            .ok_or_else(|| RenewalError::NotRegistered {
                fhir_base: Text::new(fhir_base),
            })?;
        let trusted = self.trusted(registration).await?;
        if trusted.issuer() != session.issuer() {
            return Err(RenewalError::OtherIssuer {
                expected: Text::new(session.issuer().as_str()),
                found: Text::new(trusted.issuer().as_str()),
            });
        }
        Ok((registration, trusted))
    }

    /// Asks the server to revoke the tokens of a session: first the one that gets new ones.
    pub(super) async fn revoke(
        &self,
        session: &LaunchSession,
    ) -> Result<Vec<RevocationError>, RenewalError> {
        let (registration, trusted) = self.of_session(session).await?;
        let (client, now) = (self.token_client(registration), self.clock.now());
        let server = AuthorizationServer::of(&trusted);
        let mut results = Vec::new();
        if let Some(token) = session.refresh_token() {
            results.push(client.revoke_refresh_token(&server, token, now).await);
        }
        let access = session.access_token();
        results.push(client.revoke_access_token(&server, access, now).await);
        let failed = results.into_iter().filter_map(Result::err);
        Ok(failed
            .filter(|it| *it != RevocationError::NoEndpoint)
            .collect())
    }

    async fn ask(
        &self,
        session: &LaunchSession,
        token: &RefreshToken,
    ) -> Result<TokenResponse, RenewalError> {
        let (registration, trusted) = self.of_session(session).await?;
        let server = AuthorizationServer::of(&trusted);
        let granted: Vec<String> = session
            .scopes()
            .iter()
            .map(|it| it.as_str().to_owned())
            .collect();
        let request = RefreshRequest::new(token, &granted);
        let client = self.token_client(registration);
        Ok(client.refresh(&server, &request, self.clock.now()).await?)
    }
}

#[async_trait]
impl Renewal for Servers {
    async fn refresh(&self, session: &LaunchSession, token: &RefreshToken) -> Answer {
        match self.ask(session, token).await {
            Ok(response) => Answer::Tokens(Box::new(response)),
            Err(RenewalError::Token(error)) => match error.fate() {
                Fate::NotSent => Answer::NotSent(error.into()),
                Fate::Refused if error.is_invalid_grant() => Answer::GrantRefused(error.into()),
                Fate::Refused => Answer::Refused(error.into()),
                Fate::InDoubt => Answer::Lost(error.into()),
            },
            // Nothing was sent to a token endpoint.
            Err(error) => Answer::NotSent(error),
        }
    }

    async fn judge(
        &self,
        session: &LaunchSession,
        first: &Continuity,
        id_token: &RawIdToken,
        access_token: &AccessToken,
    ) -> Result<(), RefreshError> {
        let undecided = |_| RefreshError::Undecided(IdTokenError::NoToken);
        let (registration, trusted) = self.of_session(session).await.map_err(undecided)?;
        let verifier = self.verifier(registration, &trusted);
        let judged = verifier.verify_refreshed(id_token, first, access_token, self.clock.now());
        judged.await.map(drop)
    }
}
