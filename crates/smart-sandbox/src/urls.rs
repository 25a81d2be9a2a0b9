//! Every address that the sandbox announces, from one base.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

/// The base without a final slash, and what hangs below it.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    base: String,
    /// As with SMART 1.0, which has no other way to name the issuer.
    fhir_is_issuer: bool,
}

impl Urls {
    /// The base is where we listen. Nobody can call the unspecified address, so loopback stands
    /// in for it.
    pub(crate) fn bound(address: SocketAddr) -> Self {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Self {
            base: format!("http://{}", SocketAddr::new(ip, address.port())),
            fhir_is_issuer: false,
        }
    }

    /// The base is what a proxy in front of us is called; `None` where it is no such URL.
    pub(crate) fn public(url: &str) -> Option<Self> {
        let base = url.strip_suffix('/').unwrap_or(url);
        // `Uri` drops a fragment without a word, so it is looked for here.
        if base.ends_with('/') || base.contains(['?', '#']) {
            return None;
        }
        let uri: Uri = base.parse().ok()?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?.as_str();
        (is_http && !authority.contains('@')).then(|| Self {
            base: base.to_owned(),
            fhir_is_issuer: false,
        })
    }

    /// The base is `localhost` at this port: another site than `127.0.0.1` to a browser.
    pub(crate) fn localhost(port: u16) -> Self {
        Self {
            base: format!("http://localhost:{port}"),
            fhir_is_issuer: false,
        }
    }

    /// The same with the FHIR base for its issuer.
    pub(crate) fn with_fhir_as_issuer(mut self, is_issuer: bool) -> Self {
        self.fhir_is_issuer = is_issuer;
        self
    }

    /// Whether the FHIR base is the issuer.
    pub(crate) const fn fhir_is_issuer(&self) -> bool {
        self.fhir_is_issuer
    }

    /// Whether the base is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let uri: Option<Uri> = self.base.parse().ok();
        let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    }

    /// Whether a request was sent to the host and port of the base.
    pub(crate) fn is_at(&self, headers: &HeaderMap) -> bool {
        let uri: Option<Uri> = self.base.parse().ok();
        let authority = uri.as_ref().and_then(Uri::authority);
        let host = headers.get(HOST).and_then(|it| it.to_str().ok());
        host.is_some() && host == authority.map(Authority::as_str)
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn fhir(&self) -> String {
        format!("{}/fhir", self.base)
    }

    pub(crate) fn issuer(&self) -> String {
        let path = if self.fhir_is_issuer { "fhir" } else { "oidc" };
        format!("{}/{path}", self.base)
    }

    pub(crate) fn jwks(&self) -> String {
        format!("{}/oidc/jwks", self.base)
    }

    pub(crate) fn authorize(&self) -> String {
        format!("{}/oidc/authorize", self.base)
    }

    pub(crate) fn decision(&self) -> String {
        format!("{}/oidc/authorize/decision", self.base)
    }

    pub(crate) fn launch(&self) -> String {
        format!("{}/launch", self.base)
    }

    pub(crate) fn style(&self) -> String {
        format!("{}{}", self.base, crate::host_style::PATH)
    }

    pub(crate) fn token(&self) -> String {
        format!("{}/oidc/token", self.base)
    }

    pub(crate) fn userinfo(&self) -> String {
        format!("{}/oidc/userinfo", self.base)
    }

    pub(crate) fn introspect(&self) -> String {
        format!("{}/oidc/introspect", self.base)
    }

    pub(crate) fn revoke(&self) -> String {
        format!("{}/oidc/revoke", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_base_is_a_plain_web_address() {
        for (given, base) in [
            ("https://ehr.example", "https://ehr.example"),
            ("https://ehr.example/", "https://ehr.example"),
            (
                "http://ehr.example:8080/demo/",
                "http://ehr.example:8080/demo",
            ),
        ] {
            assert_eq!(Urls::public(given).unwrap().base(), base);
        }
        for bad in [
            "",
            "/",
            "ehr.example",
            "ftp://ehr.example",
            "https://",
            "https://a@ehr.example",
            "https://ehr.example?x",
            "https://ehr.example#x",
            "https://ehr.example//",
            "https://e h",
        ] {
            assert!(Urls::public(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_unspecified_address_is_announced_as_loopback() {
        let bound = |text: &str| Urls::bound(text.parse().unwrap()).fhir();
        assert_eq!(bound("0.0.0.0:80"), "http://127.0.0.1:80/fhir");
        assert_eq!(bound("[::]:80"), "http://[::1]:80/fhir");
        assert_eq!(bound("127.0.0.1:80"), "http://127.0.0.1:80/fhir");
    }
}
