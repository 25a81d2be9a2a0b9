//! The handle of a running sandbox.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::client::ClientRegistration;
use crate::context::Context;
use crate::hostile::{Fault, FaultError, Times};
use crate::journal::SandboxRequest;
use crate::key_rings::KeyRings;
use crate::keys::KeysError;
use crate::launch::{LaunchError, launch};
use crate::launches::{EhrLaunch, LaunchContext};
use crate::listener::BoundedListener;
use crate::registration::register;
use crate::router::router;
use crate::start_error::StartError;
use crate::user::SandboxUser;

/// Connections that are being answered get this long when the sandbox is told to stop.
const TIME_TO_STOP: Duration = Duration::from_secs(5);

/// And these to be cut off, which takes no time.
const TIME_TO_CUT: Duration = Duration::from_secs(1);

/// A running EHR. It serves until this is dropped, which ends every connection too.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_jose::CryptoProvider;
/// use smart_sandbox::Sandbox;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let sandbox = Sandbox::start(CryptoProvider::ring()).await.unwrap();
/// assert!(sandbox.fhir_base().starts_with("http://127.0.0.1:"));
/// sandbox.shutdown().await;
/// # });
/// # }
/// ```
pub struct Sandbox {
    context: Arc<Context>,
    address: SocketAddr,
    task: JoinHandle<()>,
    /// Told `true`, the server takes nothing more and ends its answers. When this end is gone it ends
    /// at once, with every connection: so dropping the handle stops it.
    stop: watch::Sender<bool>,
    /// The other end lives in the task.
    ended: watch::Receiver<()>,
}

impl Sandbox {
    /// Serves on a listener that is bound.
    pub(crate) fn serve(context: Context, listener: TcpListener, address: SocketAddr) -> Self {
        let context = Arc::new(context);
        let router = router(Arc::clone(&context));
        let (stop, mut stopped) = watch::channel(false);
        let (ending, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let listener = BoundedListener::new(listener, stopped.clone());
            let server = axum::serve(listener, router);
            let stopped = async move {
                // An error means that the handle is gone, which says the same.
                let _ = stopped.wait_for(|it| *it).await;
            };
            // The server never fails: errors of a connection end that connection.
            let _ = server.with_graceful_shutdown(stopped).await;
            drop(ending);
        });
        Self {
            context,
            address,
            task,
            stop,
            ended,
        }
    }

    /// The base of all addresses, without a final slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.context.urls.base().to_owned()
    }

    /// The FHIR base: what an app is told as `iss` of a launch, and sends as `aud`.
    #[must_use]
    pub fn fhir_base(&self) -> String {
        self.context.urls.fhir()
    }

    /// The issuer of the ID tokens. It is not the FHIR base, as with the large vendors, so that
    /// an app that takes the one for the other fails here and not at a customer's.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.context.urls.issuer()
    }

    /// Where the sandbox listens, which differs from [`Sandbox::base_url`] behind a proxy.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The `kid` of the key that signs at present.
    #[must_use]
    pub fn kid(&self) -> String {
        self.context
            .with_keys(|keys| keys.current(None).kid.clone())
    }

    /// Signs with the next key from now on and returns its `kid`; the former key stays
    /// published. The next key is the next demo key, or a fresh one of the same algorithm where
    /// the key is fresh or the caller's own.
    ///
    /// # Errors
    ///
    /// [`KeysError::Generate`] where the backend makes no such key: ring makes no RSA keys, so
    /// an own RSA key cannot be followed by another with it.
    pub fn rotate_keys(&self) -> Result<String, KeysError> {
        self.context.with_keys(KeyRings::rotate)
    }

    /// Publishes the former keys no longer, as after a key was stolen: what they have signed is not
    /// good any more.
    pub fn withdraw_former_keys(&self) {
        self.context.with_keys(KeyRings::withdraw_former);
    }

    /// Registers an app while the sandbox runs; an earlier one of the same id makes room.
    ///
    /// # Errors
    ///
    /// [`StartError`] where the registration cannot be served.
    pub fn register_client(&self, client: &ClientRegistration) -> Result<(), StartError> {
        register(&self.context, client)
    }

    /// Plays a fault from now on. One that is played already is played so often anew.
    ///
    /// # Errors
    ///
    /// [`FaultError`] where it would change nothing with the keys that sign here.
    pub fn play(&self, fault: &'static Fault, times: Times) -> Result<(), FaultError> {
        self.context.play(fault, times)
    }

    /// Plays these faults one after another: each as often as is said, before it is the turn of the
    /// next. A sequence that is going on makes room; what is played otherwise goes on beside it.
    ///
    /// # Errors
    ///
    /// [`FaultError`] where one of them would change nothing with the keys that sign here: none is then
    /// played.
    pub fn play_in_turn(
        &self,
        sequence: impl IntoIterator<Item = (&'static Fault, Times)>,
    ) -> Result<(), FaultError> {
        self.context.play_in_turn(sequence)
    }

    /// Plays a fault no longer.
    pub fn take_back(&self, fault: &Fault) {
        self.context.script.take_back(fault);
    }

    /// Plays no fault any more.
    pub fn take_all_back(&self) {
        self.context.script.take_all_back();
    }

    /// The faults that are played, and how often each still will be.
    #[must_use]
    pub fn playing(&self) -> Vec<(&'static Fault, Times)> {
        self.context.script.playing()
    }

    /// Sets the sandbox's clock ahead, by whole seconds: what lives shorter than that has ended. No
    /// way leads back.
    pub fn advance(&self, by: Duration) {
        self.context.clock.advance(by);
    }

    /// What the sandbox was asked lately, the oldest first; nothing secret is among it.
    #[must_use]
    pub fn requests(&self) -> Vec<SandboxRequest> {
        self.context.journal.requests()
    }

    /// Forgets everything that was issued, begun, used and asked, and plays no fault any more. Apps,
    /// people and keys stay, and so does the clock.
    pub fn reset(&self) {
        self.context.reset();
    }

    /// One more who may sign in, behind the others; one of the same reference makes room.
    ///
    /// # Errors
    ///
    /// [`StartError::User`], [`StartError::Resource`] or [`StartError::Full`].
    pub fn add_user(&self, user: SandboxUser) -> Result<(), StartError> {
        self.context.change_world(|it| it.add_user(user))
    }

    /// Serves one more FHIR resource; one of the same type and id makes room.
    ///
    /// # Errors
    ///
    /// [`StartError::Resource`] or [`StartError::Full`].
    pub fn add_resource(&self, resource: Value) -> Result<(), StartError> {
        self.context.change_world(|it| it.add(resource))
    }

    /// Makes a launch for an app, as if the user had clicked on it in the EHR. The handle is good for
    /// five minutes, for this app, until a code is issued for it.
    ///
    /// # Errors
    ///
    /// [`LaunchError`]: the user, the patient or the encounter is nobody's here, the user may not see
    /// the patient, the encounter is another patient's, or the operating system gives no random octets.
    pub fn ehr_launch(
        &self,
        client_id: &str,
        context: LaunchContext,
    ) -> Result<EhrLaunch, LaunchError> {
        launch(&self.context, client_id, context)
    }

    /// Who may sign in, the default user first.
    #[must_use]
    pub fn users(&self) -> Vec<SandboxUser> {
        let world = self.context.world();
        let users = world.users().iter();
        users.map(|it| SandboxUser::clone(it)).collect()
    }

    /// The patients: the id of each and what a person calls them, by id.
    #[must_use]
    pub fn patients(&self) -> Vec<(String, String)> {
        let world = self.context.world();
        let patients = world.of_type("Patient");
        patients
            .map(|it| (it.id.clone(), it.label().to_owned()))
            .collect()
    }

    /// Waits until the server has ended, which it does not do by itself.
    pub async fn wait(&self) {
        let mut ended = self.ended.clone();
        // Nothing is ever sent: the only change is that the other end goes away.
        while ended.changed().await.is_ok() {}
    }

    /// Stops: takes no more connections, lets answers that have begun finish for up to five
    /// seconds, cuts off those that have not, and returns when the port is free.
    pub async fn shutdown(self) {
        let Self { mut task, stop, .. } = self;
        // Nobody listens where the server has ended already.
        let _ = stop.send(true);
        let is_slow = timeout(TIME_TO_STOP, &mut task).await.is_err();
        drop(stop);
        if is_slow && timeout(TIME_TO_CUT, &mut task).await.is_err() {
            task.abort();
            // Aborted or ended meanwhile: it is over either way.
            let _ = task.await;
        }
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("base_url", &self.context.urls.base())
            .field("local_addr", &self.address)
            .finish_non_exhaustive()
    }
}
