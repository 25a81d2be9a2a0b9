//! Whom an assertion must be for.

use smart_discovery::{EndpointUrl, Issuer};
use smart_jose::Text;
use smart_jose::jwt::Audience;

use super::error::AssertionError;

/// The values that `aud` may have. An assertion has one of them and nothing beside it: one that is
/// also for another server can be used there by whoever runs this one, and here by whoever runs
/// that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertionAudience {
    token_endpoint: Option<EndpointUrl>,
    issuer: Option<Issuer>,
}

impl AssertionAudience {
    /// The URL of the token endpoint as the metadata announces it, character for character: what
    /// SMART App Launch 2.2 says.
    #[must_use]
    pub const fn token_endpoint(url: EndpointUrl) -> Self {
        Self {
            token_endpoint: Some(url),
            issuer: None,
        }
    }

    /// The issuer and nothing else: what the successor of RFC 7523 and FAPI 2.0 say. SMART clients
    /// are refused.
    #[must_use]
    pub const fn issuer(issuer: Issuer) -> Self {
        Self {
            token_endpoint: None,
            issuer: Some(issuer),
        }
    }

    /// Either of the two: for a server with clients of both kinds.
    #[must_use]
    pub const fn either(token_endpoint: EndpointUrl, issuer: Issuer) -> Self {
        Self {
            token_endpoint: Some(token_endpoint),
            issuer: Some(issuer),
        }
    }

    fn accepted(&self) -> impl Iterator<Item = &str> {
        let url = self.token_endpoint.as_ref().map(|it| it.as_str());
        url.into_iter()
            .chain(self.issuer.as_ref().map(|it| it.as_str()))
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
