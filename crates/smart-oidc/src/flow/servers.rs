//! The servers that an app is registered with, and what is asked of them.

use std::sync::Arc;

use async_trait::async_trait;
use smart_discovery::{
    Clock, DiscoveryError, FhirBaseUrl, Finding, HttpClient, Issuer, IssuerRegistry, TrustedIssuer,
};
use smart_jose::{Algorithms, CryptoProvider, Text};

use super::registrations::{Registration, Registrations};
use crate::authorize::LaunchIdentity;
use crate::client::AuthorizationServer;
use crate::id_token::{Continuity, IdTokenVerifier, RefreshError};
use crate::session::{Answer, LaunchSession, Renewal, RenewalError, SessionError};
use crate::telemetry;
use crate::token::{
    Fate, IssuedTokens, RefreshRequest, RevocationError, TokenClient, TokenResponse,
};
use crate::value::{AccessToken, ClientId, RawIdToken, RefreshToken};

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

    /// What is odd along the chain of trust that is held, and was met.
    pub(super) fn chain_findings(&self, registration: &Registration) -> Vec<Finding> {
        self.issuers.issuer(&registration.fhir_base).findings()
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

    /// The registration and the server of a session.
    async fn of_session(
        &self,
        session: &LaunchSession,
    ) -> Result<(&Registration, Arc<TrustedIssuer>), RenewalError> {
        self.of_grant(session.fhir_base(), session.client_id(), session.issuer())
            .await
    }

    /// The registration and the server that gave tokens. The server may have moved its endpoints
    /// since the launch; its issuer must be the one of the launch.
    async fn of_grant(
        &self,
        fhir_base: &FhirBaseUrl,
        client_id: &ClientId,
        issuer: &Issuer,
    ) -> Result<(&Registration, Arc<TrustedIssuer>), RenewalError> {
        let fhir_base = fhir_base.as_str();
        let registration = self.registrations.find(fhir_base).ok();
        let registration = registration
            .filter(|it| &it.client.client_id == client_id)
            .ok_or_else(|| RenewalError::NotRegistered {
                fhir_base: Text::new(fhir_base),
            })?;
        let trusted = self.trusted(registration).await?;
        if trusted.issuer() != issuer {
            return Err(RenewalError::OtherIssuer {
                expected: Text::new(issuer.as_str()),
                found: Text::new(trusted.issuer().as_str()),
            });
        }
        Ok((registration, trusted))
    }

    /// Asks the server to revoke the tokens of a session.
    pub(super) async fn revoke_session(
        &self,
        session: &LaunchSession,
    ) -> Result<Vec<RevocationError>, RenewalError> {
        let (registration, trusted) = self.of_session(session).await?;
        let (refresh, access) = session.all_tokens();
        Ok(self
            .revoke_all(registration, &trusted, &refresh, &access)
            .await)
    }

    /// Asks the server to revoke what it has given for a launch that came to nothing.
    pub(super) async fn revoke_issued(&self, launch: &LaunchIdentity, issued: &IssuedTokens) {
        let (base, client_id, issuer) = (&launch.fhir_base, &launch.client_id, &launch.issuer);
        let (registration, trusted) = match self.of_grant(base, client_id, issuer).await {
            Ok(found) => found,
            Err(error) => return telemetry::odd("revocation", error.code()),
        };
        let refresh: Vec<_> = issued.refresh_token.iter().collect();
        let access: Vec<_> = issued.access_token.iter().collect();
        let failed = self.revoke_all(registration, &trusted, &refresh, &access);
        tell_failed(&failed.await);
    }

    /// What the server says instead of revoking; that it offers no revocation is no failure.
    /// Refresh tokens go first: they are those that get new ones.
    async fn revoke_all(
        &self,
        registration: &Registration,
        trusted: &TrustedIssuer,
        refresh: &[&RefreshToken],
        access: &[&AccessToken],
    ) -> Vec<RevocationError> {
        let (client, now) = (self.token_client(registration), self.clock.now());
        let server = AuthorizationServer::of(trusted);
        let mut results = Vec::new();
        for token in refresh {
            results.push(client.revoke_refresh_token(&server, token, now).await);
        }
        for token in access {
            results.push(client.revoke_access_token(&server, token, now).await);
        }
        let failed = results.into_iter().filter_map(Result::err);
        failed
            .filter(|it| *it != RevocationError::NoEndpoint)
            .collect()
    }

    async fn ask(
        &self,
        session: &LaunchSession,
        token: &RefreshToken,
    ) -> Result<TokenResponse, RenewalError> {
        let (registration, trusted) = self.of_session(session).await?;
        let server = AuthorizationServer::of(&trusted);
        let request = RefreshRequest::new(token, session.scopes());
        let client = self.token_client(registration);
        Ok(client.refresh(&server, &request, self.clock.now()).await?)
    }
}

/// Tells of tokens that live on, where nobody else hears of it.
fn tell_failed(failed: &[RevocationError]) {
    for error in failed {
        telemetry::odd("revocation", error.code());
    }
}

#[async_trait]
impl Renewal for Servers {
    async fn check(&self, session: &LaunchSession) -> Result<(), RenewalError> {
        self.of_session(session).await.map(drop)
    }

    async fn refresh(&self, session: &LaunchSession, token: &RefreshToken) -> Answer {
        match self.ask(session, token).await {
            Ok(response) => Answer::Tokens(Box::new(response)),
            Err(RenewalError::Token(error)) => match error.fate() {
                Fate::NotSent => Answer::NotSent(error.into()),
                Fate::Refused if error.needs_launch() => Answer::GrantRefused(error.into()),
                Fate::Refused => Answer::Refused(error.into()),
                Fate::Spent => Answer::Spent(error.into()),
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
    ) -> Result<(), SessionError> {
        let (registration, trusted) = self.of_session(session).await?;
        let verifier = self.verifier(registration, &trusted);
        let judged = verifier.verify_refreshed(id_token, first, access_token, self.clock.now());
        judged.await.map(drop).map_err(|error| match error {
            RefreshError::Undecided(_) => SessionError::Undecided(error),
            _ => SessionError::Identity(error),
        })
    }

    async fn revoke(&self, session: &LaunchSession) {
        match self.revoke_session(session).await {
            Ok(failed) => tell_failed(&failed),
            Err(error) => telemetry::odd("revocation", error.code()),
        }
    }
}
