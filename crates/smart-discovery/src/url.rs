//! URLs that are kept as written.
//!
//! Issuers and FHIR bases are compared character for character (OpenID Connect Discovery 4.3,
//! RFC 8414 4), and URL types that normalise break that: `https://a` silently becomes
//! `https://a/`. So these are checked text. An issuer, a FHIR base and an endpoint are three
//! types, since "iss" means a different one of them in each place where it occurs.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use http::Uri;
use smart_jose::Text;

/// Longer URLs are refused, in octets.
const LIMIT: usize = 2048;

/// Whether http without TLS is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlainHttp {
    /// https everywhere.
    Refused,
    /// http where the host is `localhost`, 127.0.0.0/8 or `[::1]`: for sandboxes and tests.
    LoopbackOnly,
}

/// Why a URL is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// A fragment, which none of these URLs has.
    #[error("{url} has a fragment")]
    Fragment {
        /// The URL.
        url: Text,
    },
    /// http without TLS.
    #[error("{url} is not https")]
    NotHttps {
        /// The URL.
        url: Text,
    },
    /// A query, where none is allowed.
    #[error("{url} has a query")]
    Query {
        /// The URL.
        url: Text,
    },
    /// The text is no absolute http or https URL.
    #[error("{url} is no absolute https URL: {problem}")]
    Syntax {
        /// The URL.
        url: Text,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A user name or password in the URL.
    #[error("the URL holds credentials")]
    UserInfo,
}

impl UrlError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Fragment { .. } => "url-fragment",
            Self::NotHttps { .. } => "url-not-https",
            Self::Query { .. } => "url-query",
            Self::Syntax { .. } => "url-syntax",
            Self::UserInfo => "url-user-info",
        }
    }
}

/// Whether a URL of some kind may have a query.
#[derive(Clone, Copy, PartialEq)]
enum Query {
    Allowed,
    Refused,
}

/// Checks a URL and gives back its parts.
fn check(text: &str, plain: PlainHttp, query: Query) -> Result<Uri, UrlError> {
    let uri = parts(text)?;
    let url = Text::new(text);
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if plain == PlainHttp::LoopbackOnly && uri.host().is_some_and(is_loopback) => {
        }
        _ => return Err(UrlError::NotHttps { url }),
    }
    if query == Query::Refused && text.contains('?') {
        return Err(UrlError::Query { url });
    }
    Ok(uri)
}

/// Takes a URL of any scheme apart, where all parsers read it in the same way.
fn parts(text: &str) -> Result<Uri, UrlError> {
    let url = Text::new(text);
    let syntax = |problem| UrlError::Syntax {
        url: url.clone(),
        problem,
    };
    if text.len() > LIMIT {
        return Err(syntax("longer than 2048 octets"));
    }
    // RFC 3986 2: what is no URL character is no URL, whatever a lenient parser makes of it.
    let is_url_octet =
        |it: u8| it.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&it);
    if !text.bytes().all(is_url_octet) {
        return Err(syntax("it holds a character that URLs do not have"));
    }
    if text.contains('#') {
        return Err(UrlError::Fragment { url });
    }
    let uri: Uri = text.parse().map_err(|_| syntax("it does not parse"))?;
    let authority = uri.authority().ok_or_else(|| syntax("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(UrlError::UserInfo);
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(syntax("it has no host"));
    }
    if !is_host(host) {
        return Err(syntax("its host is a malformed address"));
    }
    let port = authority.as_str().get(host.len()..).unwrap_or_default();
    if !port.is_empty() && !is_port(port) {
        return Err(syntax("its port is no number from 1 to 65535"));
    }
    // Other parsers take `%2e` for a dot and would read another path than the one written.
    let is_dots = |it: &str| {
        matches!(
            it.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    };
    if uri.path().split('/').any(is_dots) {
        return Err(syntax("it has a dot segment"));
    }
    Ok(uri)
}

/// Scheme, host and port. Scheme and host do not depend on case (RFC 3986 6.2.2.1), and a port
/// that is not written is that of the scheme.
fn origin(uri: &Uri) -> (String, String, Option<u16>) {
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let port = uri.port_u16().or(match scheme.as_str() {
        "https" => Some(443),
        "http" => Some(80),
        _ => None,
    });
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    (scheme, host, port)
}

/// Whether text is a colon and a port; the digits alone, as `u16` also reads a sign.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|digits| {
        digits.bytes().all(|it| it.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|it| it > 0)
    })
}

/// Whether a host is a name or a well-formed address. A last label that is a number makes other
/// parsers read the whole as an IPv4 address, in decimal, octal or hexadecimal, whole or in parts.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|it| it.parse::<Ipv6Addr>().is_ok());
    }
    let last = host
        .trim_end_matches('.')
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let is_number = last.bytes().all(|it| it.is_ascii_digit())
        || last
            .get(..2)
            .is_some_and(|it| it.eq_ignore_ascii_case("0x"));
    !is_number || host.parse::<Ipv4Addr>().is_ok()
}

/// Whether a host, as it stands in a URL, is this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare.parse::<Ipv4Addr>().is_ok_and(|it| it.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|it| it.is_loopback())
}

macro_rules! url_type {
    ($(#[$doc:meta])* $name:ident, $query:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads an https URL.
            ///
            /// # Errors
            ///
            /// [`UrlError`].
            pub fn parse(text: &str) -> Result<Self, UrlError> {
                Self::parse_with(text, PlainHttp::Refused)
            }

            /// Reads a URL, with http allowed as `plain` says.
            ///
            /// # Errors
            ///
            /// [`UrlError`].
            pub fn parse_with(text: &str, plain: PlainHttp) -> Result<Self, UrlError> {
                check(text, plain, $query).map(|_| Self(text.into()))
            }

            /// The URL as written.
            #[must_use]
            pub const fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

url_type! {
    /// The base URL of a FHIR server, as written.
    ///
    /// ```
    /// use smart_discovery::FhirBaseUrl;
    /// let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    /// assert_eq!(base.as_str(), "https://ehr.example/fhir");
    /// assert!(FhirBaseUrl::parse("http://ehr.example/fhir").is_err());
    /// assert!(FhirBaseUrl::parse("https://user@ehr.example/fhir").is_err());
    /// ```
    FhirBaseUrl, Query::Refused
}
url_type! {
    /// An OpenID issuer identifier, as written: `https://a` and `https://a/` are two issuers
    /// (OpenID Connect Core 2, Discovery 4.3).
    Issuer, Query::Refused
}
url_type! {
    /// The URL of an endpoint, which may have a query.
    EndpointUrl, Query::Allowed
}

/// A URL without its final slash; only one falls away.
pub(crate) fn trimmed(url: &str) -> &str {
    url.strip_suffix('/').unwrap_or(url)
}

impl FhirBaseUrl {
    /// The base without a final slash, for appending (FHIR has it without).
    #[must_use]
    pub fn trimmed(&self) -> &str {
        trimmed(&self.0)
    }

    /// Appends a relative path. This is no URL join, which would drop the last segment of the
    /// base.
    #[must_use]
    pub fn append(&self, path: &str) -> String {
        format!("{}/{path}", self.trimmed())
    }

    /// Whether both are the same base: scheme, host and port as a connection would see them, and
    /// the path as written, one final slash aside.
    ///
    /// ```
    /// use smart_discovery::FhirBaseUrl;
    /// let base = |text| FhirBaseUrl::parse(text).unwrap();
    /// assert!(base("https://EHR.example:443/fhir/").is_same(&base("https://ehr.example/fhir")));
    /// assert!(!base("https://ehr.example/FHIR").is_same(&base("https://ehr.example/fhir")));
    /// ```
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        // Both were checked when they were made.
        let (Ok(ours), Ok(theirs)) = (parts(&self.0), parts(&other.0)) else {
            return self == other;
        };
        origin(&ours) == origin(&theirs) && trimmed(ours.path()) == trimmed(theirs.path())
    }

    /// What an absolute URL has behind this base: whole path segments, and the query if there is
    /// one. Scheme, host and port are compared as a connection would see them, and the path
    /// segment by segment as written, so that `https://h/fhirX` is not under `https://h/fhir`.
    ///
    /// # Errors
    ///
    /// [`NotUnder`]; a URL that two parsers could read in two ways is under no base.
    ///
    /// ```
    /// use smart_discovery::{FhirBaseUrl, NotUnder};
    /// let base = FhirBaseUrl::parse("https://ehr.example/fhir").unwrap();
    /// assert_eq!(base.relative("https://EHR.example:443/fhir/Patient/1").unwrap(), "Patient/1");
    /// let elsewhere = base.relative("https://ehr.example.evil.example/fhir/Patient/1");
    /// assert!(matches!(elsewhere, Err(NotUnder::Elsewhere { .. })));
    /// assert!(matches!(base.relative("https://u@ehr.example/fhir/Patient/1"), Err(NotUnder::Form)));
    /// ```
    pub fn relative(&self, url: &str) -> Result<String, NotUnder> {
        // The base was checked when it was made.
        let (Ok(base), Ok(uri)) = (parts(&self.0), parts(url)) else {
            return Err(NotUnder::Form);
        };
        let elsewhere = || NotUnder::Elsewhere {
            origin: Text::new(&{
                let (scheme, host, port) = origin(&uri);
                let port = port.map_or(String::new(), |it| format!(":{it}"));
                format!("{scheme}://{host}{port}")
            }),
        };
        if origin(&uri) != origin(&base) {
            return Err(elsewhere());
        }
        let mut segments = uri.path().split('/');
        let is_under = trimmed(base.path())
            .split('/')
            .all(|it| segments.next() == Some(it));
        let rest: Vec<&str> = segments.collect();
        if !is_under || rest.is_empty() {
            return Err(elsewhere());
        }
        let query = uri.query().map_or(String::new(), |it| format!("?{it}"));
        Ok(rest.join("/") + &query)
    }
}

/// Why an absolute URL is not under a FHIR base. The URL may name a patient, so it is not carried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotUnder {
    /// It lies elsewhere.
    #[error("the URL is at {origin}, and not under the base")]
    Elsewhere {
        /// Its scheme, host and port; the path may differ too.
        origin: Text,
    },
    /// It is no URL that every parser reads in the same way: user info, a fragment, dot segments,
    /// a malformed host or port, or characters that URLs do not have.
    #[error("the text is no plain absolute URL")]
    Form,
}

impl Issuer {
    /// Whether this is the other one but for one final slash, which servers in the field write in
    /// one place and not in another. It finds documents; tokens are compared as written.
    #[must_use]
    pub(crate) fn is_but_for_a_slash(&self, other: &str) -> bool {
        self.trimmed() == trimmed(other)
    }

    fn trimmed(&self) -> &str {
        trimmed(&self.0)
    }

    /// Where the issuer's metadata is: its identifier without a final slash, then
    /// `/.well-known/openid-configuration` (OpenID Connect Discovery 4.1).
    #[must_use]
    pub fn configuration_url(&self) -> String {
        let trimmed = self.trimmed();
        format!("{trimmed}/.well-known/openid-configuration")
    }

    /// Where an OAuth server that is none of OpenID has its metadata: `/.well-known/...` stands
    /// between the host and the path, and a final slash falls away (RFC 8414 3.1).
    #[must_use]
    pub fn oauth_configuration_url(&self) -> String {
        let trimmed = self.trimmed();
        let host_at = trimmed.find("://").map_or(0, |at| at + 3);
        let (before, host) = trimmed.split_at(host_at);
        let (host, path) = host.split_at(host.find('/').unwrap_or(host.len()));
        format!("{before}{host}/.well-known/oauth-authorization-server{path}")
    }
}

impl EndpointUrl {
    /// Whether both are of one origin: scheme, host and port (RFC 6454 4), so that whoever runs one
    /// of them runs the other too.
    ///
    /// ```
    /// use smart_discovery::EndpointUrl;
    /// let endpoint = |text| EndpointUrl::parse(text).unwrap();
    /// let token = endpoint("https://login.example/token");
    /// assert!(token.has_same_origin(&endpoint("https://LOGIN.example:443/revoke")));
    /// assert!(!token.has_same_origin(&endpoint("https://login.example:8443/revoke")));
    /// ```
    #[must_use]
    pub fn has_same_origin(&self, other: &Self) -> bool {
        // Both were checked when they were made; what cannot be read is like nothing else.
        match (parts(&self.0), parts(&other.0)) {
            (Ok(ours), Ok(theirs)) => origin(&ours) == origin(&theirs),
            _ => false,
        }
    }

    /// Reads an endpoint that may be relative: then it is appended to `base`, or to its origin
    /// where it begins with a slash. The second value says whether it was relative.
    pub(crate) fn resolve(
        text: &str,
        base: &FhirBaseUrl,
        plain: PlainHttp,
    ) -> Result<(Self, bool), UrlError> {
        // A first segment with a colon is a scheme, whatever comes behind it (RFC 3986 4.2).
        let first = text.split(['/', '?', '#']).next().unwrap_or_default();
        if text.contains("://") || first.contains(':') {
            return Ok((Self::parse_with(text, plain)?, false));
        }
        let absolute = if text.starts_with("//") {
            // A network-path reference names another host without a scheme; nobody means it.
            text.to_owned()
        } else {
            let mut parts = base.trimmed().splitn(4, '/');
            let origin = parts.by_ref().take(3).collect::<Vec<_>>().join("/");
            let path = if text.starts_with('/') {
                ""
            } else {
                parts.next().unwrap_or_default()
            };
            format!("{origin}{}", resolve_path(path, text))
        };
        Ok((Self::parse_with(&absolute, plain)?, true))
    }
}

/// A path that is relative to `base`, a directory, with its dot segments resolved (RFC 3986
/// 5.2.4). A query stays as it is.
fn resolve_path(base: &str, relative: &str) -> String {
    let (path, query) = relative.split_at(relative.find('?').unwrap_or(relative.len()));
    let mut segments: Vec<&str> = base.split('/').filter(|it| !it.is_empty()).collect();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    format!("/{}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, plain: PlainHttp) -> Result<String, &'static str> {
        FhirBaseUrl::parse_with(text, plain)
            .map(|it| it.as_str().to_owned())
            .map_err(|error| error.code())
    }

    // covers: OIDC-IDT-1, DISC-7, DISC-10
    #[test]
    fn urls_are_https_and_kept_as_written() {
        for text in [
            "https://ehr.example",
            "https://ehr.example/",
            "https://EHR.example:443/fhir/",
            "https://10.0.0.1/fhir",
            "https://[2001:db8::1]:8443/fhir",
            "https://ehr.example/a%2fb/r4",
        ] {
            assert_eq!(code(text, PlainHttp::Refused), Ok(text.to_owned()));
        }
        for (text, expected) in [
            ("", "url-syntax"),
            ("ehr.example/fhir", "url-syntax"),
            ("/fhir", "url-syntax"),
            ("https://", "url-syntax"),
            ("https:///fhir", "url-syntax"),
            ("https://ehr.example:/fhir", "url-syntax"),
            ("https://ehr.example:99999/", "url-syntax"),
            ("https://ehr.example/a b", "url-syntax"),
            ("https://ehr.example\\@evil.example/", "url-syntax"),
            ("https://ehr.example/\u{e9}", "url-syntax"),
            ("https://ehr.example/\n", "url-syntax"),
            ("https://ehr.example/a/../b", "url-syntax"),
            ("https://ehr.example/a/%2e%2E/b", "url-syntax"),
            ("https://ehr.example/a/.%2e/b", "url-syntax"),
            ("https://[127.0.0.1]/", "url-syntax"),
            ("https://1.2.3.4.5/", "url-syntax"),
            ("https://2130706433/", "url-syntax"),
            ("https://0x7f000001/", "url-syntax"),
            ("https://127.1/", "url-syntax"),
            ("https://u:p@ehr.example/", "url-user-info"),
            ("https://@ehr.example/", "url-user-info"),
            ("https://ehr.example/#a", "url-fragment"),
            ("https://ehr.example/?a", "url-query"),
            ("http://ehr.example/", "url-not-https"),
            ("http://127.0.0.1/", "url-not-https"),
            ("ftp://ehr.example/", "url-not-https"),
            ("file:///etc/passwd", "url-syntax"),
        ] {
            assert_eq!(code(text, PlainHttp::Refused), Err(expected), "{text:?}");
        }
    }

    // covers: SMART-USR-3
    #[test]
    fn what_is_under_a_base_is_told_by_origin_and_whole_segments() {
        let relative = |base, url| {
            FhirBaseUrl::parse_with(base, PlainHttp::LoopbackOnly)
                .unwrap()
                .relative(url)
                .map_err(|it| match it {
                    NotUnder::Elsewhere { origin } => origin.as_str().to_owned(),
                    NotUnder::Form => "form".to_owned(),
                })
        };
        for (base, url, rest) in [
            ("https://h/a", "https://h/a/b", "b"),
            ("https://h/a/", "https://H:443/a/b/c", "b/c"),
            ("https://h:443/a", "HTTPS://h/a/b?c", "b?c"),
            ("https://h", "https://h/b", "b"),
            ("https://h/", "https://h/", ""),
            ("https://h/%2f", "https://h/%2f/b", "b"),
            ("http://127.0.0.1:80", "http://127.0.0.1/b", "b"),
        ] {
            assert_eq!(relative(base, url), Ok(rest.to_owned()), "{base} {url}");
        }
        for (url, found) in [
            ("https://h/ab/c", "https://h:443"),
            ("https://h/a", "https://h:443"),
            ("https://h/a?/b", "https://h:443"),
            ("https://h/A/b", "https://h:443"),
            ("https://h/%61/b", "https://h:443"),
            ("https://h//a/b", "https://h:443"),
            ("https://h:8443/a/b", "https://h:8443"),
            ("https://h./a/b", "https://h.:443"),
            ("https://h.evil.example/a/b", "https://h.evil.example:443"),
            ("http://h/a/b", "http://h:80"),
            ("ftp://h/a/b", "ftp://h"),
            ("https://h@evil.example/a/b", "form"),
            ("https://u@h/a/b", "form"),
            ("https://h/a/../b", "form"),
            ("https://h/a/%2E./b", "form"),
            ("https://h:/a/b", "form"),
            ("https://h:+443/a/b", "form"),
            ("https://h/a/b#c", "form"),
            ("https://h\\/a/b", "form"),
            ("https://h/a\t/b", "form"),
            ("https://\u{ff48}/a/b", "form"),
            ("https:/h/a/b", "form"),
            ("h/a/b", "form"),
            ("", "form"),
        ] {
            assert_eq!(relative("https://h/a", url), Err(found.to_owned()), "{url}");
        }
        let long = format!("https://h/a/{}", "b".repeat(LIMIT));
        assert_eq!(relative("https://h/a", &long), Err("form".to_owned()));
    }

    #[test]
    fn plain_http_is_for_loopback_only_and_only_when_allowed() {
        for text in [
            "http://localhost:1/",
            "http://127.0.0.1:80/f",
            "http://127.8.8.8",
            "http://[::1]:9/",
        ] {
            assert!(code(text, PlainHttp::LoopbackOnly).is_ok(), "{text}");
            assert_eq!(
                code(text, PlainHttp::Refused),
                Err("url-not-https"),
                "{text}"
            );
        }
        for text in [
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(
                code(text, PlainHttp::LoopbackOnly),
                Err("url-not-https"),
                "{text}"
            );
        }
    }

    // covers: DISC-1, DISC-2
    #[test]
    fn the_configuration_is_appended_and_a_final_slash_falls_away() {
        for (issuer, expected) in [
            ("https://h", "https://h/.well-known/openid-configuration"),
            ("https://h/", "https://h/.well-known/openid-configuration"),
            (
                "https://h/a",
                "https://h/a/.well-known/openid-configuration",
            ),
            (
                "https://h/a/",
                "https://h/a/.well-known/openid-configuration",
            ),
        ] {
            let issuer = Issuer::parse(issuer).unwrap();
            assert_eq!(issuer.configuration_url(), expected);
        }
    }

    // covers: SMART-DISC-7
    #[test]
    fn d5_relative_endpoints_are_appended_to_the_base() {
        let base = FhirBaseUrl::parse("https://h/a/fhir").unwrap();
        let resolve = |text| {
            EndpointUrl::resolve(text, &base, PlainHttp::Refused)
                .map(|(url, relative)| (url.as_str().to_owned(), relative))
                .map_err(|error| error.code())
        };
        assert_eq!(
            resolve("token"),
            Ok(("https://h/a/fhir/token".into(), true))
        );
        assert_eq!(resolve("/token"), Ok(("https://h/token".into(), true)));
        assert_eq!(
            resolve("https://x/t?a=1"),
            Ok(("https://x/t?a=1".into(), false))
        );
        assert_eq!(resolve("//evil.example/t"), Err("url-syntax"));
        assert_eq!(
            resolve("../auth/t"),
            Ok(("https://h/a/auth/t".into(), true))
        );
        assert_eq!(
            resolve("./t?a=.."),
            Ok(("https://h/a/fhir/t?a=..".into(), true))
        );
        assert_eq!(resolve("../../../t"), Ok(("https://h/t".into(), true)));
        assert_eq!(resolve("%2e%2e/t"), Err("url-syntax"));
        assert_eq!(resolve("http://h/t"), Err("url-not-https"));
        for scheme in ["javascript:alert(1)", "file:/etc/passwd", "data:,x", "a:b"] {
            assert_eq!(resolve(scheme), Err("url-syntax"), "{scheme}");
        }
        let in_query = "t?next=a:b";
        assert!(resolve(in_query).unwrap().0.ends_with(in_query));
    }
}
