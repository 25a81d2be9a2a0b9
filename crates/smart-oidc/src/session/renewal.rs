//! What keeping a session fresh asks of the outside.

use core::fmt::Debug;

use async_trait::async_trait;

use super::launch_session::LaunchSession;
use super::renewal_error::RenewalError;
use crate::id_token::{Continuity, RefreshError};
use crate::token::TokenResponse;
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// What came of sending a refresh token. The four cases leave a session in four different states.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Tokens.
    Tokens(Box<TokenResponse>),
    /// The server says that the refresh token is worth nothing.
    GrantRefused(RenewalError),
    /// The server refuses, and the refresh token is as good as before.
    Refused(RenewalError),
    /// The request did not leave.
    NotSent(RenewalError),
    /// The request may have arrived, and no answer to it was read.
    Lost(RenewalError),
}

/// Talks to the token endpoint of a session's issuer, and judges what it says.
#[async_trait]
pub(crate) trait Renewal: Debug + Send + Sync {
    /// Sends the refresh token, once, within a bounded time.
    async fn refresh(&self, session: &LaunchSession, token: &RefreshToken) -> Answer;

    /// Judges the ID token that came with a refresh: whether it is of the same user.
    async fn judge(
        &self,
        session: &LaunchSession,
        first: &Continuity,
        id_token: &RawIdToken,
        access_token: &AccessToken,
    ) -> Result<(), RefreshError>;
}
