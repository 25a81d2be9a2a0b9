//! From where the app can be reached, and what may not be on there.

use std::net::SocketAddr;

use smart_axum::web::AppUrl;

use crate::exit::Failure;

/// What decides about it.
pub(super) struct Reach<'a> {
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Where browsers find it.
    pub(super) url: &'a AppUrl,
    pub(super) has_development_cookies: bool,
    /// Whether somebody has said who may show it in a frame.
    pub(super) is_framed: bool,
}

impl Reach<'_> {
    /// Whether other machines may get through to it.
    pub(super) fn is_open(&self) -> bool {
        !self.address.ip().is_loopback()
    }

    /// Refuses what would be open to others without a word, or left out without one.
    ///
    /// # Errors
    ///
    /// An app of this machine that others can reach, or cookies without `Secure` where others can reach it
    /// or where it is framed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let Self { address, url, .. } = self;
        if self.is_open() && url.is_loopback() {
            return Err(Failure::usage(format!(
                "it would listen on {address}, which others can reach, and browsers would find it on this machine \
                 only: bind a loopback address, or say with --redirect-uri where others find it"
            )));
        }
        if !self.has_development_cookies {
            return Ok(());
        }
        if self.is_open() || !url.is_loopback() {
            return Err(Failure::usage(
                "--development-cookies are for an app that listens on this machine and is found there",
            ));
        }
        if self.is_framed {
            return Err(Failure::usage(
                "--development-cookies are not sent in a frame, and framed_by says who may show one: take one of \
                 the two away",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_reach_is_said_to_be_so_and_has_no_cookies_of_development() {
        let (inside, outside) = ("http://127.0.0.1:8080", "https://charts.example");
        for (address, url, has_development_cookies, is_framed, is_good) in [
            ("127.0.0.1:8080", inside, false, false, true),
            ("127.0.0.1:8080", inside, false, true, true),
            ("[::1]:8080", "http://localhost:8080", false, false, true),
            ("127.0.0.1:8080", outside, false, true, true),
            ("0.0.0.0:8080", outside, false, true, true),
            ("0.0.0.0:8080", inside, false, false, false),
            ("[::]:8080", inside, false, false, false),
            (
                "10.0.0.1:8080",
                "http://localhost:8080",
                false,
                false,
                false,
            ),
            ("127.0.0.1:8080", inside, true, false, true),
            ("127.0.0.1:8080", inside, true, true, false),
            ("127.0.0.1:8080", outside, true, false, false),
            ("0.0.0.0:8080", outside, true, false, false),
        ] {
            let url = AppUrl::parse(url).unwrap();
            let reach = Reach {
                address: address.parse().unwrap(),
                url: &url,
                has_development_cookies,
                is_framed,
            };
            let found = reach.check();
            assert_eq!(found.is_ok(), is_good, "{address} {url:?}");
        }
    }
}
