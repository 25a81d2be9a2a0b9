//! What all endpoints share. The part that changes stands behind one lock, which no `await` is
//! ever reached with.

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smart_discovery::Clock;
use smart_jose::CryptoProvider;

use crate::client::ClientRegistration;
use crate::keys::KeyRing;
use crate::scopes::Scopes;
use crate::store::{Fingerprint, Store};
use crate::urls::Urls;
use crate::user::SandboxUser;

/// The lifetime of an access token, as announced in `expires_in`.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);
/// The lifetime of a code.
pub(crate) const CODE_LIFETIME: Duration = Duration::from_secs(60);
/// So long a consent page can be answered.
const CONSENT_LIFETIME: Duration = Duration::from_secs(600);

/// What is fixed when the sandbox starts, and the state.
pub(crate) struct Context {
    pub(crate) urls: Urls,
    pub(crate) provider: CryptoProvider,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) clients: Vec<ClientRegistration>,
    pub(crate) user: SandboxUser,
    pub(crate) auto_approve: bool,
    pub(crate) state: Mutex<State>,
}

impl Context {
    /// The state. A panic while it was held cannot have left it half changed, as each change is
    /// one call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The registered app of this id.
    pub(crate) fn client(&self, client_id: &str) -> Option<&ClientRegistration> {
        self.clients.iter().find(|it| it.client_id == client_id)
    }
}

/// What changes while the sandbox runs.
pub(crate) struct State {
    pub(crate) keys: KeyRing,
    pub(crate) codes: Store<CodeRecord>,
    pub(crate) pending: Store<AuthorizationRequest>,
    pub(crate) tokens: Store<TokenRecord>,
}

impl State {
    /// Nothing issued yet. An authorization request is at most some kilobytes long, so these
    /// numbers bound the memory too.
    pub(crate) fn new(keys: KeyRing) -> Self {
        Self {
            keys,
            // Kept as long as the token that was issued from it, so that a second use is
            // noticed as long as there is something to revoke.
            codes: Store::new(2_000, TOKEN_LIFETIME),
            pending: Store::new(1_000, CONSENT_LIFETIME),
            tokens: Store::new(10_000, TOKEN_LIFETIME),
        }
    }
}

/// An authorization request that was found sound.
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) scopes: Scopes,
    pub(crate) code_challenge: String,
    pub(crate) nonce: Option<String>,
    /// The app sent `max_age`, so it will look for `auth_time`.
    pub(crate) wants_auth_time: bool,
    /// The app forbade a page (`prompt=none`).
    pub(crate) forbids_page: bool,
}

/// A code that was issued.
pub(crate) struct CodeRecord {
    pub(crate) request: AuthorizationRequest,
    /// When, by the monotonic clock.
    pub(crate) issued: Duration,
    /// When, by the wall clock, in seconds.
    pub(crate) auth_time: u64,
    /// The access token that was issued from it; a code with one is used up.
    pub(crate) token: Option<Fingerprint>,
}

/// An access token that was issued.
pub(crate) struct TokenRecord {
    pub(crate) scopes: Scopes,
}
