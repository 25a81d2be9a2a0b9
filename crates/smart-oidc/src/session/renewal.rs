//! What keeping a session fresh asks of the outside.

use core::fmt::Debug;

use async_trait::async_trait;

use super::launch_session::LaunchSession;
use super::renewal_error::RenewalError;
use super::session_error::SessionError;
use crate::id_token::Continuity;
use crate::token::TokenResponse;
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// What came of sending a refresh token. Each case leaves a session in a state of its own.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Tokens.
    Tokens(Box<TokenResponse>),
    /// The server says that the refresh token is worth nothing.
    GrantRefused(RenewalError),
    /// The server refuses, and the refresh token is as good as before.
    Refused(RenewalError),
    /// Tokens came that are not accepted: what was sent is used up.
    Spent(RenewalError),
    /// The request did not leave.
    NotSent(RenewalError),
    /// The request may have arrived, and no answer to it was read.
    Lost(RenewalError),
}

/// Talks to the token endpoint of a session's issuer, and judges what it says.
#[async_trait]
pub(crate) trait Renewal: Debug + Send + Sync {
    /// Whether the server that the session belongs to is known and can be asked. Nothing is sent to
    /// its token endpoint.
    async fn check(&self, session: &LaunchSession) -> Result<(), RenewalError>;

    /// Sends the refresh token, once, within a bounded time.
    async fn refresh(&self, session: &LaunchSession, token: &RefreshToken) -> Answer;

    /// Judges the ID token that came with a refresh: whether it is of the same user. Any error but
    /// [`SessionError::Identity`] says that this cannot be told now.
    async fn judge(
        &self,
        session: &LaunchSession,
        first: &Continuity,
        id_token: &RawIdToken,
        access_token: &AccessToken,
    ) -> Result<(), SessionError>;

    /// Asks the server to revoke every token of the session, each within a bounded time. Nobody
    /// waits for the outcome, since nobody could do anything about it.
    async fn revoke(&self, session: &LaunchSession);
}
