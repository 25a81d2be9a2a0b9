//! Where the server is and who we are there, from a URL that may hold a password.

use core::fmt;
use core::net::IpAddr;

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

/// A server, and a user there. `Debug` shows neither name nor password.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) uses_tls: bool,
    pub(crate) login: RedisConnectionInfo,
}

impl Server {
    /// Reads `redis://` and `rediss://`, also as `valkey://` and `valkeys://`, with
    /// `user:password@`, port and database where they are given.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
        let uses_tls = match scheme {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            _ => return Err("its scheme is none of redis, rediss, valkey and valkeys"),
        };
        // The library reads options there, one of which turns the check of certificates off.
        if rest.contains(['?', '#']) {
            return Err("it has a query or a fragment");
        }
        // Its TLS is not used, so it is told of none. Its error may show the URL.
        let info = format!("redis://{rest}").into_connection_info();
        let info = info.map_err(|_| "it cannot be read")?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err("it names no host");
        };
        if info.redis_settings().db() < 0 {
            return Err("its database is no number from 0 on");
        }
        Ok(Self {
            host: host.clone(),
            port: *port,
            uses_tls,
            login: info.redis_settings().clone().set_skip_set_lib_name(),
        })
    }

    /// Whether nobody but this machine sees what is sent there.
    pub(crate) fn is_loopback(&self) -> bool {
        let is_loopback = |it: IpAddr| it.is_loopback();
        self.host == "localhost" || self.host.parse().is_ok_and(is_loopback)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("uses_tls", &self.uses_tls)
            .field("database", &self.login.db())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_port_database_and_login_are_read() {
        let server = Server::parse("rediss://app:s%40cret@redis.example:6380/3").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("redis.example", 6380));
        assert!(server.uses_tls);
        assert_eq!(server.login.db(), 3);
        assert_eq!(server.login.username(), Some("app"));
        assert_eq!(server.login.password(), Some("s@cret"));

        let plain = Server::parse("valkey://[::1]").unwrap();
        assert_eq!((plain.host.as_str(), plain.port), ("::1", 6379));
        assert!(!plain.uses_tls && plain.is_loopback());
    }

    #[test]
    fn nobody_sees_the_login() {
        let server = Server::parse("redis://app:s3cret@127.0.0.1").unwrap();
        let shown = format!("{server:?}");
        assert!(
            !shown.contains("app") && !shown.contains("s3cret"),
            "{shown}"
        );
    }

    #[test]
    fn another_url_is_refused() {
        for url in [
            "",
            "redis.example",
            "http://redis.example",
            "unix:///run/redis.sock",
            "redis://",
            "redis://redis.example/x",
            "redis://redis.example/-1",
            "redis://redis.example:port",
            // The library would no longer check the certificate.
            "rediss://redis.example/#insecure",
            "redis://redis.example/?protocol=resp3",
        ] {
            assert!(Server::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, is_loopback) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("10.0.0.1", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
        ] {
            let server = Server::parse(&format!("redis://{host}")).unwrap();
            assert_eq!(server.is_loopback(), is_loopback, "{host}");
        }
    }
}
