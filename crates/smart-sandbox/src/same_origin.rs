//! Whether a browser sends a request of our own page: what protects forms without cookies.

use http::{HeaderMap, Uri};

/// Whether a page of another site may be behind a request. Every browser of today says what is
/// behind it, to servers on this machine and over TLS; a program says nothing, and may ask.
pub(crate) fn is_of_another_site(headers: &HeaderMap) -> bool {
    let mut said = headers.get_all("sec-fetch-site").iter();
    said.any(|it| it != "same-origin" && it != "none")
}

/// Whether the request is for this machine by one of its own names. A name of somebody else that
/// leads here is how a page reaches what listens on loopback only.
pub(crate) fn is_for_loopback(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all("host").iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let uri = host.to_str().ok().and_then(|it| it.parse::<Uri>().ok());
    let authority = uri.as_ref().and_then(Uri::authority);
    authority.is_some_and(|it| {
        let host = it.host();
        matches!(host, "127.0.0.1" | "[::1]" | "localhost") && !it.as_str().contains('@')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_page_of_another_site_is_noticed() {
        for (values, expected) in [
            (&[][..], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "")], true),
        ] {
            assert_eq!(is_of_another_site(&headers(values)), expected, "{values:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_its_names() {
        for good in ["127.0.0.1:80", "localhost", "localhost:9", "[::1]:1"] {
            assert!(is_for_loopback(&headers(&[("host", good)])), "{good}");
        }
        for bad in [
            "evil.example",
            "localhost.evil.example:80",
            "a@localhost",
            "",
        ] {
            assert!(!is_for_loopback(&headers(&[("host", bad)])), "{bad}");
        }
        assert!(!is_for_loopback(&headers(&[])));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert!(!is_for_loopback(&headers(&twice)));
    }
}
