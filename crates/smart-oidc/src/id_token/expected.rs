//! What one request expects of its ID token.

use core::time::Duration;

use super::continuity::Continuity;
use crate::token::{ExchangedLaunch, TokenResponse};
use crate::value::{AccessToken, AuthorizationCode, Nonce};

/// What an ID token has to answer to: the nonce that was sent, and what came with the token.
///
/// ```
/// use smart_oidc::id_token::Expected;
/// use smart_oidc::{AccessToken, Nonce};
/// let (nonce, access_token) = (Nonce::new("n-0S6_WzA2Mj"), AccessToken::new("at"));
/// let expected = Expected::nonce(&nonce).with_access_token(&access_token);
/// ```
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    pub(super) nonce: NonceRule<'a>,
    pub(super) access_token: Option<&'a AccessToken>,
    pub(super) code: Option<&'a AuthorizationCode>,
    pub(super) max_age: Option<Duration>,
    pub(super) acr_values: &'a [String],
    /// What the first token of the session said, for a token that came with a refresh.
    pub(super) first: Option<&'a Continuity>,
}

#[derive(Clone, Debug)]
pub(super) enum NonceRule<'a> {
    Sent(&'a Nonce),
    NoneSent,
    /// A refresh normally has none.
    OfFirst(&'a Continuity),
    Unknown,
}

impl<'a> Expected<'a> {
    const fn with(nonce: NonceRule<'a>) -> Self {
        Self {
            nonce,
            access_token: None,
            code: None,
            max_age: None,
            acr_values: &[],
            first: None,
        }
    }

    /// This nonce was sent, so it must come back.
    #[must_use]
    pub const fn nonce(nonce: &'a Nonce) -> Self {
        Self::with(NonceRule::Sent(nonce))
    }

    /// What the ID token of a launch has to answer to: its nonce, its access token and its code.
    #[must_use]
    pub const fn of_launch(launch: &'a ExchangedLaunch, tokens: &'a TokenResponse) -> Self {
        let expected = match launch.nonce() {
            Some(nonce) => Self::nonce(nonce),
            None => Self::no_nonce_sent(),
        };
        expected
            .with_access_token(&tokens.access_token)
            .with_code(launch.code())
    }

    /// No nonce was sent, for a server that does not echo one. A token that has one all the same
    /// was made for another request and is refused.
    #[must_use]
    pub const fn no_nonce_sent() -> Self {
        Self::with(NonceRule::NoneSent)
    }

    /// The token came with a refresh: it must go on where the first token of the session began
    /// (OpenID Connect Core 12.2). [`super::IdTokenVerifier::verify_refreshed`] says what becomes
    /// of the session.
    #[must_use]
    pub const fn refreshed(first: &'a Continuity, access_token: &'a AccessToken) -> Self {
        let mut expected = Self::with(NonceRule::OfFirst(first)).with_access_token(access_token);
        expected.first = Some(first);
        expected
    }

    /// Nobody knows whether a nonce was sent: for a report on a token that was found somewhere.
    /// `verify` refuses such a token; `explain` says that the check was not run.
    #[must_use]
    pub const fn nonce_unknown_for_report() -> Self {
        Self::with(NonceRule::Unknown)
    }

    /// The access token that came with the ID token: `at_hash`, where present, must fit it.
    #[must_use]
    pub const fn with_access_token(mut self, token: &'a AccessToken) -> Self {
        self.access_token = Some(token);
        self
    }

    /// The code that was exchanged: `c_hash`, where present, must fit it.
    #[must_use]
    pub const fn with_code(mut self, code: &'a AuthorizationCode) -> Self {
        self.code = Some(code);
        self
    }

    /// `max_age` was asked for: `auth_time` is required and at most this old.
    #[must_use]
    pub const fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// `acr_values` were asked for: `acr` must be one of them.
    #[must_use]
    pub const fn with_acr_values(mut self, acr_values: &'a [String]) -> Self {
        self.acr_values = acr_values;
        self
    }
}
