//! Registered apps, and the rule that keeps codes away from everybody else.

use core::fmt;

use http::{HeaderValue, Uri};
use smart_jose::{Algorithm, Secret};

/// The client id that is registered unless another is given: the one of the SMART guide's
/// examples.
pub const DEFAULT_CLIENT_ID: &str = "growth-chart-app-123";

/// The path of [`RedirectRule::AnyLoopback`] in the default registration.
const DEFAULT_PATH: &str = "/callback";

/// A redirect URI may be this long, in octets.
const MAX_REDIRECT_OCTETS: usize = 2048;

/// A registered app: a public one, unless a method says how it authenticates.
///
/// ```
/// use smart_sandbox::{ClientRegistration, RedirectRule};
/// let app = ClientRegistration::new(
///     "my-app",
///     vec![RedirectRule::Exact("https://app.example/callback".into())],
/// )
/// .with_secret_basic("not a good secret");
/// assert!(app.redirect_uris[0].allows("https://app.example/callback"));
/// assert!(!app.redirect_uris[0].allows("https://app.example/callback/"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientRegistration {
    /// The `client_id`.
    pub client_id: String,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectRule>,
    pub(crate) authentication: Authentication,
    pub(crate) system_scopes: Option<String>,
    pub(crate) id_token_algorithm: Option<Algorithm>,
    pub(crate) userinfo_algorithm: Option<Algorithm>,
    pub(crate) origins: Vec<String>,
}

/// How an app authenticates, as it was registered and before it was read.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    Public,
    Basic(Secret<String>),
    Post(Secret<String>),
    Jwks(String),
    JwksUri(String),
}

impl ClientRegistration {
    /// A registration of a public app.
    #[must_use]
    pub fn new(client_id: impl Into<String>, redirect_uris: Vec<RedirectRule>) -> Self {
        Self {
            client_id: client_id.into(),
            redirect_uris,
            authentication: Authentication::Public,
            system_scopes: None,
            id_token_algorithm: None,
            userinfo_algorithm: None,
            origins: Vec::new(),
        }
    }

    /// A backend service: it signs nobody in, and gets these `system/` scopes, or those of them
    /// that it asks for, with `client_credentials`. It needs [`ClientRegistration::with_jwks`] or
    /// [`ClientRegistration::with_jwks_uri`].
    #[must_use]
    pub fn backend_service(client_id: impl Into<String>, scopes: impl Into<String>) -> Self {
        Self {
            system_scopes: Some(scopes.into()),
            ..Self::new(client_id, Vec::new())
        }
    }

    /// The app authenticates with this secret, in the header.
    #[must_use]
    pub fn with_secret_basic(self, secret: impl Into<String>) -> Self {
        self.with(Authentication::Basic(Secret::new(secret.into())))
    }

    /// The app authenticates with this secret, in the form.
    #[must_use]
    pub fn with_secret_post(self, secret: impl Into<String>) -> Self {
        self.with(Authentication::Post(Secret::new(secret.into())))
    }

    /// The app authenticates with assertions signed by a key of this set, which is the text of a JWK
    /// Set.
    #[must_use]
    pub fn with_jwks(self, jwks: impl Into<String>) -> Self {
        self.with(Authentication::Jwks(jwks.into()))
    }

    /// The app authenticates with assertions signed by a key of the set at this address: https, or
    /// http on this machine. It needs [`crate::SandboxBuilder::http_client`].
    #[must_use]
    pub fn with_jwks_uri(self, url: impl Into<String>) -> Self {
        self.with(Authentication::JwksUri(url.into()))
    }

    /// Signs this app's ID tokens so, whatever the others get.
    #[must_use]
    pub const fn with_id_token_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.id_token_algorithm = Some(algorithm);
        self
    }

    /// Signs this app's UserInfo so. Without it UserInfo is plain JSON.
    #[must_use]
    pub const fn with_userinfo_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.userinfo_algorithm = Some(algorithm);
        self
    }

    /// Scripts of this origin, such as `https://app.example`, may call the token endpoint, UserInfo,
    /// revocation and FHIR. The origins of the redirect URIs may anyhow.
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Whether scripts of this origin belong to the app.
    pub(crate) fn has_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|it| it == origin)
            || self.redirect_uris.iter().any(|it| it.has_origin(origin))
    }

    fn with(self, authentication: Authentication) -> Self {
        Self {
            authentication,
            ..self
        }
    }

    pub(crate) fn allows(&self, redirect_uri: &str) -> bool {
        self.redirect_uris.iter().any(|it| it.allows(redirect_uri))
    }
}

impl Default for ClientRegistration {
    /// [`DEFAULT_CLIENT_ID`], with any loopback URL whose path is `/callback`.
    fn default() -> Self {
        Self::new(
            DEFAULT_CLIENT_ID,
            vec![RedirectRule::AnyLoopback {
                path: DEFAULT_PATH.to_owned(),
            }],
        )
    }
}

/// Which redirect URIs belong to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedirectRule {
    /// This one, compared as a string (OpenID Connect Core 3.1.2.1).
    Exact(String),
    /// `http` to `127.0.0.1`, `[::1]` or `localhost` at any port and with any query, since an
    /// app on the same machine learns its port only when it runs (RFC 8252 7.3).
    AnyLoopback {
        /// The path, compared as a string.
        path: String,
    },
}

impl RedirectRule {
    /// Whether a redirect URI falls under this rule.
    #[must_use]
    pub fn allows(&self, redirect_uri: &str) -> bool {
        match self {
            Self::Exact(registered) => registered == redirect_uri,
            Self::AnyLoopback { path } => is_loopback(redirect_uri, path),
        }
    }

    /// Whether this is the origin of the addresses that fall under the rule (RFC 6454 6.1).
    fn has_origin(&self, origin: &str) -> bool {
        match self {
            Self::Exact(registered) => {
                let rest = registered.strip_prefix(origin);
                let is_web = origin.starts_with("https://") || origin.starts_with("http://");
                is_web
                    && !origin.ends_with('/')
                    && rest.is_some_and(|it| it.is_empty() || it.starts_with(['/', '?']))
            }
            Self::AnyLoopback { .. } => is_loopback(&format!("{origin}/"), "/"),
        }
    }

    /// Whether the rule itself can be used: an absolute URI without a fragment that fits into a
    /// header (RFC 6749 3.1.2).
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Exact(uri) => {
                let has_scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
                    !rest.is_empty()
                        && scheme.starts_with(|it: char| it.is_ascii_alphabetic())
                        && scheme
                            .bytes()
                            .all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
                });
                has_scheme && fits_a_header(uri)
            }
            Self::AnyLoopback { path } => {
                path.starts_with('/') && !path.contains(['?', '#']) && fits_a_header(path)
            }
        }
    }
}

impl fmt::Display for RedirectRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(uri) => f.write_str(uri),
            Self::AnyLoopback { path } => write!(f, "http://127.0.0.1:*{path}"),
        }
    }
}

fn fits_a_header(uri: &str) -> bool {
    uri.len() <= MAX_REDIRECT_OCTETS
        && uri.bytes().all(|it| it.is_ascii_graphic() && it != b'#')
        && HeaderValue::from_str(uri).is_ok()
}

fn is_loopback(redirect_uri: &str, path: &str) -> bool {
    // `Uri` drops a fragment without a word, so it is looked for first.
    if !fits_a_header(redirect_uri) {
        return false;
    }
    let Ok(uri) = redirect_uri.parse::<Uri>() else {
        return false;
    };
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let host = authority.host();
    // Compared as text, so that user information or an odd port cannot hide in it.
    let spelled = match authority.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    matches!(host, "127.0.0.1" | "[::1]" | "localhost")
        && authority.as_str() == spelled
        && uri.path() == path
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers: OIDC-AUT-3, OAUTH-4
    #[test]
    fn loopback_means_this_machine_and_this_path() {
        let rule = &ClientRegistration::default().redirect_uris[0];
        for good in [
            "http://127.0.0.1:4000/callback",
            "http://localhost:1/callback?tenant=1",
            "http://[::1]:8080/callback",
            "http://localhost/callback",
        ] {
            assert!(rule.allows(good), "{good}");
        }
        for bad in [
            "https://127.0.0.1:4000/callback",
            "http://127.0.0.1:4000/callback/",
            "http://127.0.0.1:4000/Callback",
            "http://127.0.0.1:4000/callback#fragment",
            "http://127.0.0.1:4000/x/../callback",
            "http://127.0.0.1@evil.example/callback",
            "http://evil.example@127.0.0.1/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://127.0.0.1:port/callback",
            "http://127.0.0.1:004000/callback",
            "http://127.0.0.1:4000\\@evil.example/callback",
            "http://127.0.0.1:4000/callback\r\nSet-Cookie: a=b",
            "http://2130706433/callback",
            "//127.0.0.1/callback",
            "/callback",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!rule.allows(bad), "{bad}");
        }
        let long = format!("http://127.0.0.1:1/callback?{}", "a".repeat(2048));
        assert!(!rule.allows(&long));
    }

    // covers: SMART-SEC-4
    #[test]
    fn the_origin_of_an_app_is_whole() {
        let exact = "https://app.example:8443/callback";
        let app = ClientRegistration::new("a", vec![RedirectRule::Exact(exact.into())])
            .with_origin("https://spa.example");
        for (origin, expected) in [
            ("https://app.example:8443", true),
            ("https://spa.example", true),
            ("https://app.example", false),
            ("https://app.example:8", false),
            ("https://app.example:8443/", false),
            ("https://app.example:8443/callback", true),
            ("https://spa.example:1", false),
            ("https:", false),
            ("", false),
            ("null", false),
        ] {
            // A browser sends no path, so one that fits is nobody's.
            assert_eq!(app.has_origin(origin), expected, "{origin}");
        }
        let local = ClientRegistration::default();
        for (origin, expected) in [
            ("http://127.0.0.1:3000", true),
            ("http://localhost", true),
            ("https://localhost", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1:3000/x", false),
        ] {
            assert_eq!(local.has_origin(origin), expected, "{origin}");
        }
    }

    #[test]
    fn a_rule_must_be_a_complete_address() {
        for bad in [
            "",
            "callback",
            "/callback",
            "https://a.example/cb#x",
            "https://a.example/ cb",
            "a:",
        ] {
            assert!(!RedirectRule::Exact(bad.into()).is_sound(), "{bad}");
        }
        assert!(RedirectRule::Exact("org.example.app:/cb".into()).is_sound());
        for path in ["callback", "/a?b", "/a#b"] {
            assert!(!RedirectRule::AnyLoopback { path: path.into() }.is_sound());
        }
    }
}
