//! The choices before the start, and what is refused.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use std::io;
use std::sync::{Arc, Mutex};

use smart_discovery::{Clock, SystemClock};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, CryptoProvider};
use tokio::net::TcpListener;

use crate::client::ClientRegistration;
use crate::context::{Context, State};
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
        let context = Context {
            urls: public.unwrap_or_else(|| Urls::bound(bound)),
            provider: self.provider,
            clock: self.clock,
            clients,
            user: self.user,
            auto_approve: self.auto_approve,
            state: Mutex::new(State::new(keys)),
        };
        Ok(Sandbox::serve(context, listener, bound))
    }

    fn checked_clients(&self) -> Result<Vec<ClientRegistration>, StartError> {
        if self.clients.is_empty() {
            return Ok(vec![ClientRegistration::default()]);
        }
        for client in &self.clients {
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
        }
        Ok(self.clients.clone())
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
    /// There is no key to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
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
            Self::Bind { .. } => "sandbox-bind",
            Self::ClientId => "sandbox-client-id",
            Self::DemoKeysOnNetwork { .. } => "sandbox-demo-keys-on-network",
            Self::Keys(error) => error.code(),
            Self::PublicUrl => "sandbox-public-url",
            Self::RedirectUri { .. } => "sandbox-redirect-uri",
            Self::User { .. } => "sandbox-user",
        }
    }
}
