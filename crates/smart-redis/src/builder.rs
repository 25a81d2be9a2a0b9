//! Making a store: where, under which names, how long to wait, whom to trust.

use core::fmt;
use core::time::Duration;

use smart_oidc::jose::{ErrorClass, Text};
use smart_oidc::seal::SealingKeys;

use crate::dial::Dial;
use crate::link::Wire;
use crate::server::Server;
use crate::store::RedisStore;
#[cfg(feature = "tls")]
use crate::tls::{self, TlsOptions};

/// How long a connection may take, TLS and login included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the answer to a command may take.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// What the name of each record begins with.
pub const KEY_PREFIX: &str = "smart:";

/// A prefix may be this long, in octets.
const PREFIX_OCTETS: usize = 64;

/// Why a store is not made. No variant holds the URL, as it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The connection would be in the clear, beyond this machine.
    #[error("{host} would be spoken to in the clear: use rediss, or allow_plaintext")]
    Plaintext {
        /// The host.
        host: Text,
    },
    /// A prefix is at most 64 letters, digits, `-`, `_`, `.`, `:` and `/`. Braces would put every
    /// record into one slot of a cluster.
    #[error("the prefix {found} is not at most {limit} letters, digits, - _ . : and /")]
    Prefix {
        /// How long it may be, in octets.
        limit: usize,
        /// The prefix.
        found: Text,
    },
    /// TLS is asked for and cannot be had.
    #[error("TLS cannot be set up: {problem}")]
    Tls {
        /// What is wrong.
        problem: Text,
    },
    /// The URL is none of a server.
    #[error("the URL of the server: {problem}")]
    Url {
        /// What is wrong.
        problem: Text,
    },
}

impl SetupError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Plaintext { .. } => "redis-plaintext",
            Self::Prefix { .. } => "redis-prefix",
            Self::Tls { .. } => "redis-tls",
            Self::Url { .. } => "redis-url",
        }
    }

    /// Whose fault it is: always our own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }

    fn tls(problem: &str) -> Self {
        Self::Tls {
            problem: Text::new(problem),
        }
    }
}

/// Makes a [`RedisStore`] with settings of your own.
///
/// ```
/// # #[cfg(all(feature = "ring", feature = "tls"))] {
/// use core::time::Duration;
/// use smart_redis::{RedisStore, SetupError};
/// use smart_oidc::seal::SealingKeys;
///
/// fn of_the_fleet(keys: SealingKeys, roots: &[u8]) -> Result<RedisStore, SetupError> {
///     RedisStore::builder("rediss://app:password@redis.internal:6380/1", keys)?
///         .key_prefix("growth-chart:")?
///         .roots_pem(roots)?
///         .response_timeout(Duration::from_millis(500))
///         .build()
/// }
/// # }
/// ```
pub struct RedisStoreBuilder {
    server: Server,
    keys: SealingKeys,
    prefix: String,
    connect_timeout: Duration,
    response_timeout: Duration,
    allows_plaintext: bool,
    #[cfg(feature = "tls")]
    tls: TlsOptions,
}

impl RedisStore {
    /// A store with the defaults. `url` is `redis://` or `rediss://`, then `user:password@` if there
    /// is one (percent-encoded), the host, a port unless it is 6379, and `/` with the database unless
    /// it is 0. The keys seal what is kept; every node has the same.
    ///
    /// # Errors
    ///
    /// [`SetupError`].
    pub fn new(url: &str, keys: SealingKeys) -> Result<Self, SetupError> {
        Self::builder(url, keys)?.build()
    }

    /// A store with settings of your own.
    ///
    /// # Errors
    ///
    /// [`SetupError::Url`].
    pub fn builder(url: &str, keys: SealingKeys) -> Result<RedisStoreBuilder, SetupError> {
        RedisStoreBuilder::new(url, keys)
    }
}

impl RedisStoreBuilder {
    fn new(url: &str, keys: SealingKeys) -> Result<Self, SetupError> {
        let server = Server::parse(url).map_err(|problem| SetupError::Url {
            problem: Text::new(problem),
        })?;
        Ok(Self {
            server,
            keys,
            prefix: KEY_PREFIX.to_owned(),
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            allows_plaintext: false,
            #[cfg(feature = "tls")]
            tls: TlsOptions::default(),
        })
    }

    /// How long a connection may take, TLS and login included; 2 s unless set. It is also how long a
    /// call waits for one. After an attempt that failed the next one begins 50 to 100 ms later.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long the answer to a command may take; 2 s unless set. A call takes no longer than this
    /// and the time for a connection together. A connection on which nobody was answered in this
    /// time is made anew.
    #[must_use]
    pub const fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// What the name of each record begins with, `smart:` unless set: so that two apps share a
    /// server. The name is sealed with the value, so under another prefix nothing can be read.
    ///
    /// # Errors
    ///
    /// [`SetupError::Prefix`].
    pub fn key_prefix(mut self, prefix: &str) -> Result<Self, SetupError> {
        let is_fit = |it: u8| it.is_ascii_alphanumeric() || b"-_.:/".contains(&it);
        if prefix.len() > PREFIX_OCTETS || !prefix.bytes().all(is_fit) {
            return Err(SetupError::Prefix {
                limit: PREFIX_OCTETS,
                found: Text::new(prefix),
            });
        }
        prefix.clone_into(&mut self.prefix);
        Ok(self)
    }

    /// Lets `redis://` leave this machine. Whoever listens on the way then has the password of the
    /// server, and with it can delete and delay; what is kept stays sealed.
    #[must_use]
    pub const fn allow_plaintext(mut self) -> Self {
        self.allows_plaintext = true;
        self
    }

    /// Trusts the certificates of this PEM text and no others, in the place of the platform's.
    ///
    /// # Errors
    ///
    /// [`SetupError::Tls`] where the text holds no certificate.
    #[cfg(feature = "tls")]
    pub fn roots_pem(mut self, pem: &[u8]) -> Result<Self, SetupError> {
        self.tls.trust_pem(pem).map_err(SetupError::tls)?;
        Ok(self)
    }

    /// Shows this certificate to the server (mutual TLS): the chain, the client's own certificate
    /// first, and its private key, both PEM.
    ///
    /// # Errors
    ///
    /// [`SetupError::Tls`] where a text holds none. Whether the two fit is found by
    /// [`RedisStoreBuilder::build`].
    #[cfg(feature = "tls")]
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self, SetupError> {
        self.tls.show_pem(chain, key).map_err(SetupError::tls)?;
        Ok(self)
    }

    /// Makes the store. Nothing is connected to yet.
    ///
    /// # Errors
    ///
    /// [`SetupError::Plaintext`], and [`SetupError::Tls`] where the feature `tls` or a backend is
    /// off, or where a client certificate and its key do not fit.
    pub fn build(self) -> Result<RedisStore, SetupError> {
        let is_open = !self.server.uses_tls && !self.server.is_loopback();
        if is_open && !self.allows_plaintext {
            return Err(SetupError::Plaintext {
                host: Text::new(&self.server.host),
            });
        }
        #[cfg(not(feature = "tls"))]
        if self.server.uses_tls {
            return Err(SetupError::tls("the feature `tls` is off"));
        }
        #[cfg(feature = "tls")]
        let tls = match self.server.uses_tls {
            true => {
                let config = tls::client_config(self.tls).map_err(SetupError::tls)?;
                Some(tokio_rustls::TlsConnector::from(std::sync::Arc::new(
                    config,
                )))
            }
            false => None,
        };
        let dial = Dial::new(
            self.server,
            #[cfg(feature = "tls")]
            tls,
        );
        let wire = Wire::new(dial, self.connect_timeout, self.response_timeout);
        Ok(RedisStore::of(wire, self.keys, self.prefix))
    }
}

impl fmt::Debug for RedisStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStoreBuilder")
            .field("server", &self.server)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use super::*;
    use smart_oidc::jose::CryptoProvider;
    use smart_oidc::seal::SealingKey;

    fn builder(url: &str) -> Result<RedisStoreBuilder, SetupError> {
        let key = SealingKey::generate("test", CryptoProvider::ring()).unwrap();
        RedisStoreBuilder::new(url, SealingKeys::new(key))
    }

    fn code(url: &str) -> Option<&'static str> {
        let built = builder(url).and_then(RedisStoreBuilder::build);
        built.err().map(|it| it.code())
    }

    #[test]
    fn beyond_this_machine_it_is_tls_or_said() {
        assert_eq!(code("redis://127.0.0.1"), None);
        assert_eq!(code("redis://redis.example"), Some("redis-plaintext"));
        let allowed = builder("redis://redis.example").unwrap().allow_plaintext();
        assert!(allowed.build().is_ok());
        let tls = (!cfg!(feature = "tls")).then_some("redis-tls");
        assert_eq!(code("rediss://redis.example"), tls);
        assert_eq!(code("https://redis.example"), Some("redis-url"));
    }

    #[test]
    fn a_prefix_is_short_and_has_no_braces() {
        let code = |prefix: &str| {
            let built = builder("redis://localhost").unwrap().key_prefix(prefix);
            built.err().map(|it| it.code())
        };
        for fit in ["", "growth-chart:", "a/B_9.", &"x".repeat(64)] {
            assert_eq!(code(fit), None, "{fit}");
        }
        for unfit in ["{smart}", "a b", "ä", "a\r\n", &"x".repeat(65)] {
            assert_eq!(code(unfit), Some("redis-prefix"), "{unfit}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        let url = "redis://app:s3cret@redis.example:port";
        assert!(!format!("{:?}", builder(url).unwrap_err()).contains("s3cret"));
        let built = builder("redis://app:s3cret@redis.example").unwrap();
        assert!(!format!("{built:?}").contains("s3cret"));
        let refused = built.build().unwrap_err();
        assert!(!format!("{refused:?} {refused}").contains("s3cret"));
        let store = builder("redis://app:s3cret@localhost").unwrap().build();
        assert!(!format!("{:?}", store.unwrap()).contains("s3cret"));
    }
}
