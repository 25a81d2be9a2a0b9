//! Whom an assertion must be for.

use smart_jose::Text;
use smart_jose::jwt::Audience;

use super::error::AssertionError;

/// The values that `aud` may have. An assertion has one of them and nothing beside it: one that is
/// also for another server can be used there by whoever runs this one, and here by whoever runs
/// that one. Both are this server's own, written as its metadata writes them, and are compared character
/// for character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionAudience {
    token_endpoint: Option<String>,
    issuer: Option<String>,
    others: Vec<String>,
}

impl AssertionAudience {
    /// The URL of the token endpoint: what SMART App Launch 2.2 says.
    #[must_use]
    pub fn token_endpoint(url: impl Into<String>) -> Self {
        Self {
            token_endpoint: Some(url.into()),
            issuer: None,
            others: Vec::new(),
        }
    }

    /// The issuer and nothing else: what the successor of RFC 7523 and FAPI 2.0 say. SMART clients
    /// are refused.
    #[must_use]
    pub fn issuer(issuer: impl Into<String>) -> Self {
        Self {
            token_endpoint: None,
            issuer: Some(issuer.into()),
            others: Vec::new(),
        }
    }

    /// Either of the two: for a server with clients of both kinds.
    #[must_use]
    pub fn either(token_endpoint: impl Into<String>, issuer: impl Into<String>) -> Self {
        Self {
            token_endpoint: Some(token_endpoint.into()),
            issuer: Some(issuer.into()),
            others: Vec::new(),
        }
    }

    /// Also the URL of another endpoint of this server, such as the one for revocation: SMART says
    /// that an assertion is for the URL to which it is posted, and some clients hold to it there
    /// too.
    #[must_use]
    pub fn or_endpoint(mut self, url: impl Into<String>) -> Self {
        self.others.push(url.into());
        self
    }

    fn accepted(&self) -> impl Iterator<Item = &str> {
        let both = [&self.token_endpoint, &self.issuer].into_iter().flatten();
        both.chain(&self.others).map(String::as_str)
    }

    /// Checks the claim. An array of one says the same as its one string.
    pub(super) fn check(&self, found: &Audience) -> Result<(), AssertionError> {
        let mut values = found.iter();
        if let (Some(one), None) = (values.next(), values.next())
            && self.accepted().any(|it| it == one)
        {
            return Ok(());
        }
        let all = found.iter().take(8).collect::<Vec<_>>().join(", ");
        Err(AssertionError::Audience {
            expected: Text::new(&self.accepted().collect::<Vec<_>>().join(" or ")),
            found: Text::new(&all),
        })
    }
}
