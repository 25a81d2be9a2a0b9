//! The choices before the start, and what is refused.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::{Arc, Mutex, RwLock};

use serde_json::Value;
use smart_discovery::{Clock, HttpClient, SystemClock};
use smart_jose::key::PrivateKey;
use smart_jose::{Algorithm, CryptoProvider};
use tokio::net::TcpListener;

use crate::ahead::AheadClock;
use crate::client::ClientRegistration;
use crate::context::{Context, State, TOKEN_LIFETIME};
use crate::hostile::people::{
    patients as patients_of_hostile_names, users as people_of_hostile_names,
};
use crate::hostile::{Fault, Script, Times};
use crate::key_rings::KeyRings;
use crate::keys::{KeyRing, is_demo_key};
use crate::people;
use crate::registration::register;
use crate::sandbox::Sandbox;
use crate::scopes::SmartVersion;
use crate::start_error::StartError;
use crate::urls::Urls;
use crate::user::SandboxUser;
use crate::world::{Resource, World};

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
    users: Vec<SandboxUser>,
    resources: Vec<Value>,
    version: SmartVersion,
    is_localhost: bool,
    rotate_every: Option<Duration>,
    faults: Vec<(&'static Fault, Times)>,
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
            users: people::invented(),
            resources: Vec::new(),
            version: SmartVersion::default(),
            is_localhost: false,
            rotate_every: None,
            faults: Vec::new(),
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

    /// Whether everybody is signed in and access is granted without asking, which is the default: the
    /// default user, or whom the EHR's launch names. Otherwise pages ask who signs in, for which
    /// patient, and for which scopes.
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

    /// The default user from now on, beside the invented ones. One of these with the same reference
    /// or `sub` makes room.
    #[must_use]
    pub fn user(mut self, user: SandboxUser) -> Self {
        let is_other = |it: &SandboxUser| it.sub != user.sub && it.reference() != user.reference();
        self.users.retain(is_other);
        self.users.insert(0, user);
        self
    }

    /// Serves this FHIR resource too. One of the same type and id makes room.
    #[must_use]
    pub fn resource(mut self, resource: Value) -> Self {
        self.resources.push(resource);
        self
    }

    /// Clinicians and patients whose names and links are markup, templates, formulas, line breaks, text
    /// that runs backwards, emoji, very long, and scripts: whoever shows them must escape them. Their
    /// ids begin with `hostile-`.
    #[must_use]
    pub fn hostile_people(mut self) -> Self {
        let is_other = |it: &SandboxUser| !it.id.starts_with("hostile-");
        self.users.retain(is_other);
        self.users.extend(people_of_hostile_names());
        self.resources.extend(patients_of_hostile_names());
        self
    }

    /// Plays this version of SMART App Launch; 2.2 unless another is named.
    #[must_use]
    pub const fn version(mut self, version: SmartVersion) -> Self {
        self.version = version;
        self
    }

    /// Calls itself `http://localhost:PORT` and not by its address. To a browser that is another site
    /// than `127.0.0.1`, so that an app at the one, in a frame of the other, meets what it meets in
    /// the frame of an EHR.
    #[must_use]
    pub const fn named_localhost(mut self) -> Self {
        self.is_localhost = true;
        self
    }

    /// Changes the keys so often, by the sandbox's clock; the former keys stay published until the
    /// next change.
    #[must_use]
    pub const fn rotate_keys_every(mut self, every: Duration) -> Self {
        self.rotate_every = Some(every);
        self
    }

    /// Plays this fault from the start.
    #[must_use]
    pub fn fault(mut self, fault: &'static Fault, times: Times) -> Self {
        self.faults.push((fault, times));
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
        let world = self.world()?;
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
        let mut keys = KeyRings::new(keys, is_exposed, provider);
        if let Some(every) = self.rotate_every {
            keys.can_rotate().map_err(StartError::Rotation)?;
            keys.change_every(every, self.clock.monotonic());
        }
        let failed = |source| StartError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let named = match self.is_localhost {
            true => Urls::localhost(bound.port()),
            false => Urls::bound(bound),
        };
        let urls = public.unwrap_or(named);
        let urls = urls.with_fhir_as_issuer(self.version == SmartVersion::V1_0);
        let state = State::new(keys, &urls, self.token_lifetime, &self.provider);
        let context = Context {
            urls,
            provider: self.provider,
            clock: Arc::new(AheadClock::new(self.clock)),
            journal: Arc::default(),
            clients: RwLock::default(),
            http: self.http,
            people: RwLock::new(Arc::new(world)),
            version: self.version,
            is_exposed,
            script: Script::default(),
            auto_approve: self.auto_approve,
            token_lifetime: self.token_lifetime,
            state: Mutex::new(state),
        };
        let default = [ClientRegistration::default()];
        let clients = match self.clients.as_slice() {
            [] => default.as_slice(),
            some => some,
        };
        for client in clients {
            register(&context, client)?;
        }
        for (fault, times) in self.faults {
            context.play(fault, times)?;
        }
        Ok(Sandbox::serve(context, listener, bound))
    }

    fn world(&self) -> Result<World, StartError> {
        for (place, user) in self.users.iter().enumerate() {
            let mut earlier = self.users.iter().take(place);
            let problem = user.problem().or_else(|| {
                earlier
                    .any(|it| it.sub == user.sub)
                    .then_some("another user has the same sub")
            });
            if let Some(problem) = problem {
                return Err(StartError::User { problem });
            }
        }
        let own = self.resources.iter().cloned().map(Resource::of);
        let own: Option<Vec<Resource>> = own.collect();
        Ok(World::new(&self.users, own.ok_or(StartError::Resource)?))
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
