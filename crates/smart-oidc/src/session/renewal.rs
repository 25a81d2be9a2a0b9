//! What keeping a session fresh asks of the outside.

use core::fmt::Debug;

use async_trait::async_trait;

use super::launch_session::LaunchSession;
use crate::id_token::{Continuity, RefreshError};
use crate::token::{TokenError, TokenResponse};
use crate::value::{AccessToken, RawIdToken, RefreshToken};

/// What came of sending a refresh token. The four cases leave a session in four different states.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Tokens.
    Tokens(Box<TokenResponse>),
    /// The server says that the refresh token is worth nothing.
    GrantRefused(TokenError),
    /// The server refuses, and the refresh token is as good as before.
    Refused(TokenError),
    /// The request did not leave.
    NotSent(TokenError),
    /// The request may have arrived, and no answer to it was read.
    Lost(TokenError),
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
