//! The request that a browser brings to the authorization endpoint.

use core::fmt;

use smart_discovery::EndpointUrl;
use smart_jose::Secret;

use crate::launch_tag::LaunchTag;

/// A query that is longer than this goes as a form, where the server takes one: scopes that name
/// many resource types make URLs that browsers, proxies and logs cut.
const LONG_QUERY_OCTETS: usize = 2_000;

/// Where to send the browser, and with what: by a redirect ([`AuthorizationRequest::url`]) or by a
/// form that it posts ([`AuthorizationRequest::fields`]). Both say the same.
///
/// It holds state and nonce, so `Debug` shows the endpoint only.
#[derive(Clone)]
pub struct AuthorizationRequest {
    endpoint: EndpointUrl,
    query: Secret<String>,
    takes_post: bool,
    tag: LaunchTag,
}

impl AuthorizationRequest {
    pub(crate) const fn new(
        endpoint: EndpointUrl,
        query: Secret<String>,
        takes_post: bool,
        tag: LaunchTag,
    ) -> Self {
        Self {
            endpoint,
            query,
            takes_post,
            tag,
        }
    }

    /// The URL for a redirect with status 302 or 303. A query that the endpoint has is kept
    /// (RFC 6749 3.1).
    #[must_use]
    pub fn url(&self) -> String {
        let separator = if self.endpoint.as_str().contains('?') {
            '&'
        } else {
            '?'
        };
        format!("{}{separator}{}", self.endpoint, self.query.expose_secret())
    }

    /// The name of the launch, for the cookie that holds its binding.
    #[must_use]
    pub const fn tag(&self) -> &LaunchTag {
        &self.tag
    }

    /// Where a form is posted to.
    #[must_use]
    pub const fn endpoint(&self) -> &EndpointUrl {
        &self.endpoint
    }

    /// The fields of the form, names and values as they are meant. Whoever writes them into HTML
    /// escapes them.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(self.query.expose_secret().as_bytes())
            .into_owned()
            .collect()
    }

    /// Whether a form is the better way: the request is long, and the server announces that it
    /// takes forms (`authorize-post`; SMART App Launch 2.2, Scope size).
    #[must_use]
    pub fn prefers_form(&self) -> bool {
        self.takes_post && self.query.expose_secret().len() > LONG_QUERY_OCTETS
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(endpoint: &str, query: &str, takes_post: bool) -> AuthorizationRequest {
        let endpoint = EndpointUrl::parse(endpoint).unwrap();
        let tag = LaunchTag::parse("0123456789abcdef").unwrap();
        AuthorizationRequest::new(endpoint, Secret::new(query.to_owned()), takes_post, tag)
    }

    // covers: SMART-AUT-14, SMART-AUT-15, SMART-AUT-23
    #[test]
    fn url_and_form_say_the_same() {
        let plain = request("https://ehr.example/auth", "state=a%2Bb&scope=x+y", true);
        assert_eq!(
            plain.url(),
            "https://ehr.example/auth?state=a%2Bb&scope=x+y"
        );
        let fields = plain.fields();
        let field = |name: &str| fields.iter().find(|it| it.0 == name).unwrap().1.clone();
        assert_eq!(
            (field("state"), field("scope")),
            ("a+b".into(), "x y".into())
        );
        let tenant = request("https://ehr.example/auth?tenant=1", "state=a", true);
        assert_eq!(tenant.url(), "https://ehr.example/auth?tenant=1&state=a");
        assert_eq!(
            tenant.endpoint().as_str(),
            "https://ehr.example/auth?tenant=1"
        );
        assert!(!format!("{plain:?}").contains("state"));
        let long = format!("scope={}", "x".repeat(LONG_QUERY_OCTETS));
        assert!(!plain.prefers_form());
        assert!(request("https://ehr.example/auth", &long, true).prefers_form());
        assert!(!request("https://ehr.example/auth", &long, false).prefers_form());
    }
}
