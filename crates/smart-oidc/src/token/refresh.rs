//! What a refresh asks for (RFC 6749 6).

use smart_jose::Text;

use super::error::TokenError;
use crate::scope::Scopes;
use crate::value::RefreshToken;

/// A refresh: the token, and what was granted at the launch, beyond which nothing can be asked for.
///
/// ```
/// use smart_oidc::RefreshToken;
/// use smart_oidc::token::RefreshRequest;
/// let (token, granted) = (RefreshToken::new("8xLOxBtZp8"), ["launch", "patient/*.rs"].map(String::from));
/// let all_of_it = RefreshRequest::new(&token, &granted);
/// let less = [String::from("launch")];
/// let less_of_it = RefreshRequest::new(&token, &granted).asking_for(&less);
/// # let _ = (all_of_it, less_of_it);
/// ```
#[derive(Clone, Debug)]
pub struct RefreshRequest<'a> {
    refresh_token: &'a RefreshToken,
    granted: &'a [String],
    asked: Option<&'a [String]>,
}

impl<'a> RefreshRequest<'a> {
    /// Asks for all that was granted at the launch: the request then names no scope.
    #[must_use]
    pub const fn new(refresh_token: &'a RefreshToken, granted: &'a [String]) -> Self {
        Self {
            refresh_token,
            granted,
            asked: None,
        }
    }

    /// Asks for these of the granted scopes only, each written as it was granted.
    #[must_use]
    pub const fn asking_for(mut self, scopes: &'a [String]) -> Self {
        self.asked = Some(scopes);
        self
    }

    pub(super) const fn refresh_token(&self) -> &RefreshToken {
        self.refresh_token
    }

    /// The scopes that the request names.
    pub(super) const fn asked(&self) -> Option<&[String]> {
        self.asked
    }

    /// What is granted if the server does not say.
    pub(super) fn expected(&self) -> Scopes {
        Scopes::parse(&self.asked.unwrap_or(self.granted).join(" "))
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
        match asked.iter().find(|it| !self.granted.contains(it)) {
            Some(scope) => Err(TokenError::ScopeNotGranted {
                scope: Text::new(scope),
            }),
            None => Ok(()),
        }
    }
}
