//! What a refresh asks for (RFC 6749 6).

use super::error::TokenError;
use crate::scope::Scopes;
use crate::value::RefreshToken;

/// A refresh: the token, and what was granted at the launch, beyond which nothing can be asked for.
///
/// ```
/// use smart_oidc::token::RefreshRequest;
/// use smart_oidc::{RefreshToken, Scopes};
/// let (token, granted) = (RefreshToken::new("8xLOxBtZp8"), Scopes::parse("launch patient/*.rs"));
/// let all_of_it = RefreshRequest::new(&token, &granted);
/// let less = Scopes::parse("patient/Observation.rs");
/// let less_of_it = RefreshRequest::new(&token, &granted).asking_for(&less);
/// # let _ = (all_of_it, less_of_it);
/// ```
#[derive(Clone, Debug)]
pub struct RefreshRequest<'a> {
    refresh_token: &'a RefreshToken,
    granted: &'a Scopes,
    asked: Option<&'a Scopes>,
}

impl<'a> RefreshRequest<'a> {
    /// Asks for all that was granted at the launch: the request then names no scope.
    #[must_use]
    pub const fn new(refresh_token: &'a RefreshToken, granted: &'a Scopes) -> Self {
        Self {
            refresh_token,
            granted,
            asked: None,
        }
    }

    /// Asks for these only. They must be within what was granted ([`Scopes::is_within`]), however
    /// they are written; a server that compares words may want them as it granted them.
    #[must_use]
    pub const fn asking_for(mut self, scopes: &'a Scopes) -> Self {
        self.asked = Some(scopes);
        self
    }

    pub(super) const fn refresh_token(&self) -> &RefreshToken {
        self.refresh_token
    }

    /// The scopes that the request names.
    pub(super) const fn asked(&self) -> Option<&Scopes> {
        self.asked
    }

    /// What is granted if the server does not say.
    pub(super) fn expected(&self) -> &Scopes {
        self.asked.unwrap_or(self.granted)
    }

    /// Refuses to ask for more than was granted (SMART App Launch 2.2, Refresh), and for nothing,
    /// which a server would read as all.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        let Some(asked) = self.asked else {
            return Ok(());
        };
        if asked.is_empty() {
            return Err(TokenError::NoScope);
        }
        let wider = asked.missing_from(self.granted);
        match wider.iter().next() {
            Some(scope) => Err(TokenError::ScopeNotGranted {
                scope: scope.shown(),
            }),
            None => Ok(()),
        }
    }
}
