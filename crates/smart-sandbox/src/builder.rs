//! The choices before the start, and what is refused.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::sync::{Arc, Mutex};

use smart_discovery::{Clock, EndpointUrl, HttpClient, PlainHttp, SystemClock, UrlError};
use smart_jose::jwk::JwkSetError;
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, CryptoProvider, JwkSet};
use smart_oidc::server::{
    AssertionAudience, ClientAssertionVerifier, ClientKeys, ClientRegistration as Registered,
    MemoryReplayStore,
};
use tokio::net::TcpListener;

use crate::client::{Authentication, ClientRegistration};
use crate::context::{Client, Context, State, TOKEN_LIFETIME};
use crate::keys::{KeyRing, KeysError, is_demo_key};
use crate::sandbox::Sandbox;
use crate::urls::Urls;
use crate::user::SandboxUser;

/// A sandbox that has not been started.
pub struct SandboxBuilder {
    provider: CryptoProvider,
    clock: Arc<dyn Clock>,
    bind: SocketAddr,
    public_url: Option<String>,
    algorithm: Algorithm,
    own_key: Option<OwnKey>,
    auto_approve: bool,
    clients: Vec<ClientRegistration>,
    http: Option<Arc<dyn HttpClient>>,
    token_lifetime: Duration,
    user: SandboxUser,
}

/// A key that the caller brought.
struct OwnKey {
    key: PrivateKey,
    kid: String,
    algorithm: Algorithm,
}

impl Sandbox {
    /// A sandbox with other choices than the defaults.
    #[must_use]
    pub fn builder(provider: &CryptoProvider) -> SandboxBuilder {
        SandboxBuilder {
            provider: *provider,
            clock: Arc::new(SystemClock::new()),
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            algorithm: Algorithm::RS256,
            own_key: None,
            auto_approve: true,
            clients: Vec::new(),
            http: None,
            token_lifetime: TOKEN_LIFETIME,
            user: SandboxUser::default(),
        }
    }

    /// Starts a sandbox with all defaults on a free loopback port. As many as you like can run
    /// at once. It needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(provider: &CryptoProvider) -> Result<Self, StartError> {
        Self::builder(provider).start().await
    }
}

impl SandboxBuilder {
    /// Where to listen; the default is a free port of `127.0.0.1`. Another address than loopback
    /// needs [`SandboxBuilder::signing_key`].
    #[must_use]
    pub const fn bind(mut self, address: SocketAddr) -> Self {
        self.bind = address;
        self
    }

    /// The base to announce, where a proxy stands in front, such as `https://ehr.example`.
    ///
    /// Unless its host is this machine, it needs [`SandboxBuilder::signing_key`]: the demo keys
    /// protect nothing.
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// The algorithm of the ID tokens; RS256 unless another is named. RSA algorithms use the
    /// demo keys, others a fresh key. [`SandboxBuilder::signing_key`] brings its own.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Signs with a key of your own, published under `kid`.
    #[must_use]
    pub fn signing_key(
        mut self,
        key: PrivateKey,
        kid: impl Into<String>,
        algorithm: Algorithm,
    ) -> Self {
        self.own_key = Some(OwnKey {
            key,
            kid: kid.into(),
            algorithm,
        });
        self
    }

    /// Whether access is granted without asking, which is the default. Otherwise a page with
    /// two buttons asks.
    #[must_use]
    pub const fn auto_approve(mut self, auto_approve: bool) -> Self {
        self.auto_approve = auto_approve;
        self
    }

    /// Registers an app. Without any, [`ClientRegistration::default`] is registered; a second
    /// one of the same id takes the place of the first.
    #[must_use]
    pub fn register_client(mut self, client: ClientRegistration) -> Self {
        self.clients.retain(|it| it.client_id != client.client_id);
        self.clients.push(client);
        self
    }

    /// Reads the key sets of apps that are registered with an address of theirs. Nothing else is ever
    /// fetched.
    #[must_use]
    pub fn http_client(mut self, http: Arc<dyn HttpClient>) -> Self {
        self.http = Some(http);
        self
    }

    /// The lifetime of access tokens, in whole seconds from 1 on; an hour unless another is chosen.
    /// Backend services get five minutes at most.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = Duration::from_secs(lifetime.as_secs().max(1));
        self
    }

    /// Signs in another user.
    #[must_use]
    pub fn user(mut self, user: SandboxUser) -> Self {
        self.user = user;
        self
    }

    /// Reads another clock, so that a test can let codes and tokens expire.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another provider of cryptography.
    #[must_use]
    pub const fn provider(mut self, provider: &CryptoProvider) -> Self {
        self.provider = *provider;
        self
    }

    /// Binds and serves.
    ///
    /// # Errors
    ///
    /// [`StartError`]: a choice that cannot be served safely, or an address that is not free.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        let address = self.bind;
        let clients = self.checked_clients()?;
        if let Some(problem) = self.user.problem() {
            return Err(StartError::User { problem });
        }
        let public = match &self.public_url {
            Some(url) => Some(Urls::public(url).ok_or(StartError::PublicUrl)?),
            None => None,
        };
        let provider = &self.provider;
        let is_exposed =
            !address.ip().is_loopback() || public.as_ref().is_some_and(|it| !it.is_loopback());
        // A demo key is one of ours whichever way it came in.
        let is_demo = self
            .own_key
            .as_ref()
            .is_none_or(|it| is_demo_key(&it.key, provider));
        if is_exposed && is_demo {
            return Err(StartError::DemoKeysOnNetwork { address });
        }
        let keys = match self.own_key {
            None => KeyRing::demo(self.algorithm, provider)?,
            Some(OwnKey {
                key,
                kid,
                algorithm,
            }) => KeyRing::own(&key, kid, algorithm, is_exposed, provider)?,
        };
        let failed = |source| StartError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let urls = public.unwrap_or_else(|| Urls::bound(bound));
        let audience = AssertionAudience::either(urls.token(), urls.issuer());
        let replay = Arc::new(MemoryReplayStore::default());
        let context = Context {
            assertions: ClientAssertionVerifier::new(audience, replay, &self.provider),
            urls,
            provider: self.provider,
            clock: self.clock,
            clients,
            user: self.user,
            auto_approve: self.auto_approve,
            token_lifetime: self.token_lifetime,
            state: Mutex::new(State::new(keys, self.token_lifetime, &self.provider)),
        };
        Ok(Sandbox::serve(context, listener, bound))
    }

    fn checked_clients(&self) -> Result<Vec<Client>, StartError> {
        let default = [ClientRegistration::default()];
        let registrations = match self.clients.as_slice() {
            [] => default.as_slice(),
            some => some,
        };
        registrations
            .iter()
            .map(|it| self.checked_client(it))
            .collect()
    }

    fn checked_client(&self, client: &ClientRegistration) -> Result<Client, StartError> {
        let client_id = || client.client_id.clone();
        if client.client_id.is_empty() {
            return Err(StartError::ClientId);
        }
        if let Some(rule) = client.redirect_uris.iter().find(|it| !it.is_sound()) {
            return Err(StartError::RedirectUri {
                client_id: client_id(),
                redirect_uri: rule.to_string(),
            });
        }
        let authentication = self.checked_authentication(client)?;
        let is_backend = client.system_scopes.is_some();
        if is_backend && !matches!(authentication, Registered::PrivateKeyJwt(_)) {
            return Err(StartError::BackendWithoutKeys {
                client_id: client_id(),
            });
        }
        Ok(Client {
            registration: client.clone(),
            authentication,
        })
    }

    fn checked_authentication(
        &self,
        client: &ClientRegistration,
    ) -> Result<Registered, StartError> {
        let client_id = || client.client_id.clone();
        match &client.authentication {
            Authentication::Public => Ok(Registered::Public),
            Authentication::Basic(secret) | Authentication::Post(secret)
                if secret.expose_secret().is_empty() =>
            {
                Err(StartError::ClientSecret {
                    client_id: client_id(),
                })
            }
            Authentication::Basic(secret) => Ok(Registered::SecretBasic(secret.clone())),
            Authentication::Post(secret) => Ok(Registered::SecretPost(secret.clone())),
            Authentication::Jwks(text) => {
                let set = JwkSet::parse(text.as_bytes(), &self.provider).map_err(|source| {
                    StartError::Jwks {
                        client_id: client_id(),
                        source,
                    }
                })?;
                if set.keys().is_empty() {
                    return Err(StartError::NoClientKey {
                        client_id: client_id(),
                    });
                }
                Ok(Registered::PrivateKeyJwt(ClientKeys::inline(set)))
            }
            Authentication::JwksUri(url) => {
                let url =
                    EndpointUrl::parse_with(url, PlainHttp::LoopbackOnly).map_err(|source| {
                        StartError::JwksUri {
                            client_id: client_id(),
                            source,
                        }
                    })?;
                let http = self.http.clone().ok_or_else(|| StartError::NoHttpClient {
                    client_id: client_id(),
                })?;
                let clock = Arc::clone(&self.clock);
                let keys = ClientKeys::at(url, http, &self.provider, clock);
                Ok(Registered::PrivateKeyJwt(keys))
            }
        }
    }
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder")
            .field("bind", &self.bind)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A backend service has no keys to authenticate with.
    #[error("the backend service {client_id:?} needs keys: with_jwks or with_jwks_uri")]
    BackendWithoutKeys {
        /// The service.
        client_id: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// A client id is empty.
    #[error("a client_id is empty")]
    ClientId,
    /// A secret is empty.
    #[error("the secret of {client_id:?} is empty")]
    ClientSecret {
        /// The app.
        client_id: String,
    },
    /// The demo keys would be trusted over a network.
    #[error(
        "the sandbox on {address} can be reached from the network, and the private halves of the demo keys are \
         published with the source, so anybody could sign tokens: pass --signing-key FILE, or bind \
         to a loopback address"
    )]
    DemoKeysOnNetwork {
        /// The address.
        address: SocketAddr,
    },
    /// The key set of an app cannot be read.
    #[error("the key set of {client_id:?}: {source}")]
    Jwks {
        /// The app.
        client_id: String,
        /// What is wrong with it.
        source: JwkSetError,
    },
    /// The address of an app's key set is none.
    #[error("the jwks_uri of {client_id:?}: {source}")]
    JwksUri {
        /// The app.
        client_id: String,
        /// What is wrong with it.
        source: UrlError,
    },
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key set of an app has no key that can be used.
    #[error("the key set of {client_id:?} has no usable key")]
    NoClientKey {
        /// The app.
        client_id: String,
    },
    /// Nothing can read an app's key set.
    #[error("{client_id:?} has a jwks_uri, and no http_client is there to read it")]
    NoHttpClient {
        /// The app.
        client_id: String,
    },
    /// The public URL is not one.
    #[error("the public URL must be http or https, without user information, query and fragment")]
    PublicUrl,
    /// A redirect URI cannot be registered.
    #[error(
        "{redirect_uri:?} of {client_id:?} is not an absolute URI without a fragment, of at most 2048 octets"
    )]
    RedirectUri {
        /// The app.
        client_id: String,
        /// What was registered.
        redirect_uri: String,
    },
    /// The user cannot be represented.
    #[error("the user cannot be signed in: {problem}")]
    User {
        /// What is wrong.
        problem: &'static str,
    },
}

impl StartError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BackendWithoutKeys { .. } => "sandbox-backend-without-keys",
            Self::Bind { .. } => "sandbox-bind",
            Self::ClientId => "sandbox-client-id",
            Self::ClientSecret { .. } => "sandbox-client-secret",
            Self::DemoKeysOnNetwork { .. } => "sandbox-demo-keys-on-network",
            Self::Jwks { source, .. } => source.code(),
            Self::JwksUri { .. } => "sandbox-jwks-uri",
            Self::Keys(error) => error.code(),
            Self::NoClientKey { .. } => "sandbox-no-client-key",
            Self::NoHttpClient { .. } => "sandbox-no-http-client",
            Self::PublicUrl => "sandbox-public-url",
            Self::RedirectUri { .. } => "sandbox-redirect-uri",
            Self::User { .. } => "sandbox-user",
        }
    }
}
