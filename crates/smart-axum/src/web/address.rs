//! Where browsers find the app: its origin, and the prefix behind which a proxy has put it.

use core::fmt;

use http::Uri;
use smart_oidc::discovery::{EndpointUrl, PlainHttp, UrlError};
use smart_oidc::jose::Text;

/// Where browsers find the app: `https://charts.example/growth`. All links, redirects and the
/// comparison of origins come from it and from no header of a request, as a header is the sender's
/// choice.
#[derive(Clone, PartialEq, Eq)]
pub struct AppUrl {
    origin: Origin,
    prefix: String,
}

/// Scheme, host and port, in one spelling.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Origin {
    text: String,
    is_https: bool,
    is_loopback: bool,
}

/// Why a text is no address for an app.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AppUrlError {
    /// It is no absolute https URL (plain http is for loopback addresses).
    #[error(transparent)]
    Url(#[from] UrlError),
    /// It has something that it may not have.
    #[error("{found} cannot be used: {problem}")]
    Part {
        /// The text.
        found: Text,
        /// What is wrong.
        problem: &'static str,
    },
}

impl AppUrlError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Url(error) => error.code(),
            Self::Part { .. } => "web-url-part",
        }
    }
}

impl Origin {
    /// Reads `https://host` or `https://host:port`; http for loopback addresses.
    pub(super) fn parse(text: &str) -> Result<Self, AppUrlError> {
        let (origin, path) = split(text)?;
        if !matches!(path.as_str(), "" | "/") {
            return Err(part(text, "an origin has no path"));
        }
        Ok(origin)
    }

    /// As browsers write it: the port of the scheme is left out.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is the value of a header `Origin` that a browser sends from there.
    pub(super) fn is(&self, header: &str) -> bool {
        Self::parse(header).is_ok_and(|it| &it == self)
    }
}

impl AppUrl {
    /// Reads the address under which browsers know the app, with the prefix of a proxy if there is
    /// one. A final slash does not count.
    ///
    /// # Errors
    ///
    /// [`AppUrlError`].
    pub fn parse(text: &str) -> Result<Self, AppUrlError> {
        let (origin, path) = split(text)?;
        // Two slashes in a path would be another host to whoever reads the path as a link.
        if path.contains("//") {
            return Err(part(text, "the path has an empty segment"));
        }
        let prefix = path.trim_end_matches('/').to_owned();
        Ok(Self { origin, prefix })
    }

    /// The whole address of a path of the app, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin.text, self.prefix)
    }

    /// A path of the app as a browser has to ask for it: for links, forms and redirects.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    /// The origin, as browsers write it.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin.text
    }

    /// What a proxy has put in front of all paths: nothing, or a slash and more without a final one.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether it is https.
    #[must_use]
    pub const fn is_https(&self) -> bool {
        self.origin.is_https
    }

    /// Whether its host is this machine.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.origin.is_loopback
    }

    pub(super) const fn own_origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for AppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin.text, self.prefix)
    }
}

impl fmt::Debug for AppUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn part(text: &str, problem: &'static str) -> AppUrlError {
    let found = Text::new(text);
    AppUrlError::Part { found, problem }
}

/// The origin of a URL, and its path.
fn split(text: &str) -> Result<(Origin, String), AppUrlError> {
    EndpointUrl::parse_with(text, PlainHttp::LoopbackOnly)?;
    if text.contains('?') {
        return Err(part(text, "it has a query"));
    }
    let uri: Uri = text.parse().map_err(|_| part(text, "it does not parse"))?;
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    // It goes into a policy, where a semicolon would begin another directive.
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b".-[]:".contains(&it);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return Err(part(
            text,
            "its host has a character that hosts do not have",
        ));
    }
    let is_https = uri.scheme_str() == Some("https");
    let (scheme, usual) = if is_https {
        ("https", 443)
    } else {
        ("http", 80)
    };
    let port = uri.port_u16().filter(|it| *it != usual);
    let port = port.map_or_else(String::new, |it| format!(":{it}"));
    let origin = Origin {
        text: format!("{scheme}://{host}{port}"),
        is_https,
        is_loopback: is_loopback(&host),
    };
    Ok((origin, uri.path().to_owned()))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<core::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_a_prefix() {
        for (text, origin, prefix) in [
            ("https://charts.example", "https://charts.example", ""),
            ("https://Charts.Example:443/", "https://charts.example", ""),
            (
                "https://charts.example:8443/growth/v1/",
                "https://charts.example:8443",
                "/growth/v1",
            ),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", ""),
            ("http://[::1]:3000/a", "http://[::1]:3000", "/a"),
        ] {
            let url = AppUrl::parse(text).unwrap();
            assert_eq!((url.origin(), url.prefix()), (origin, prefix), "{text}");
            assert_eq!(url.join("/launch"), format!("{origin}{prefix}/launch"));
            assert_eq!(url.path("/launch"), format!("{prefix}/launch"));
        }
        for bad in [
            "",
            "charts.example",
            "http://charts.example",
            "https://charts.example?a=b",
            "https://charts.example/#x",
            "https://user@charts.example",
            "https://charts.example//evil.example",
            "https://charts.example;script-src/",
            "https://charts'example/",
        ] {
            assert!(AppUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn origins_are_compared_as_browsers_write_them() {
        let ours = AppUrl::parse("https://charts.example/growth").unwrap();
        let ours = ours.own_origin();
        assert!(ours.is("https://charts.example") && ours.is("https://charts.example:443"));
        for other in [
            "null",
            "",
            "http://charts.example",
            "https://charts.example:8443",
            "https://charts.example.evil.example",
            "https://charts.example/growth",
            "https://evil.example",
        ] {
            assert!(!ours.is(other), "{other}");
        }
    }
}
