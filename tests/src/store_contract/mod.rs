//! What every store of sessions must do, as checks that any of them can be put through.
//!
//! A test module names the function that makes its [`Bench`] and gets one test for each check:
//!
//! ```text
//! smart_tests::store_contract!(bench);
//! ```

use core::fmt::Debug;
use core::time::Duration;
use std::sync::Arc;

use smart_oidc::discovery::FixedClock;
use smart_oidc::jose::{CryptoProvider, Secret};
use smart_oidc::session::{
    Fence, Lease, RefreshLease, Revision, SessionId, SessionStore, StoreError, StoreKey, Write,
};
use smart_oidc::{BrowserBinding, LaunchKey, State};
use tokio::time::{Instant, MissedTickBehavior, interval};

pub mod check;

/// Longer than any test runs.
pub const LONG: Duration = Duration::from_secs(3600);
/// Short enough to be waited for.
pub const SHORT: Duration = Duration::from_millis(150);
/// What has not happened by then does not happen.
const DEADLINE: Duration = Duration::from_secs(20);

/// Both halves of a store.
pub trait Store: SessionStore + RefreshLease {}

impl<T: SessionStore + RefreshLease> Store for T {}

/// How time passes for a store.
#[derive(Clone, Debug)]
pub enum Time {
    /// When it is told to.
    Told(Arc<FixedClock>),
    /// As it does.
    Real,
}

impl Time {
    /// Lets so much time pass, and asserts that something has happened then, or soon after where
    /// time is real.
    pub async fn until(&self, after: Duration, what: &str, has_happened: impl AsyncFn() -> bool) {
        match self {
            Self::Told(clock) => {
                clock.advance(after);
                assert!(has_happened().await, "{what}");
            }
            Self::Real => eventually(what, has_happened).await,
        }
    }
}

/// Asks again and again, until it is so.
pub async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    let mut ticks = interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within the time: {what}");
        ticks.tick().await;
    }
}

/// A store on the bench.
#[derive(Debug)]
pub struct Bench {
    /// The store.
    pub store: Arc<dyn Store>,
    /// How time passes for it.
    pub time: Time,
    /// Makes names.
    pub provider: &'static CryptoProvider,
    /// Whatever must live as long as the store.
    pub keeps: Option<Box<dyn Debug + Send + Sync>>,
}

impl Bench {
    /// The name of a session that nobody else has.
    #[must_use]
    pub fn session(&self) -> StoreKey {
        StoreKey::of_session(&SessionId::generate(self.provider).unwrap(), self.provider)
    }

    /// The name of a launch that nobody else has.
    #[must_use]
    pub fn launch(&self) -> StoreKey {
        let state = State::generate(self.provider).unwrap();
        let binding = BrowserBinding::generate(self.provider).unwrap();
        let query = format!("code=c&state={}", state.expose_secret());
        StoreKey::of_launch(&LaunchKey::of_callback(&query, &binding, self.provider).unwrap())
    }

    /// A new session with this value, and a long life.
    pub async fn with_session(&self, value: &[u8]) -> StoreKey {
        let key = self.session();
        self.insert(&key, value, LONG).await.unwrap();
        key
    }

    /// As [`SessionStore::insert`].
    pub async fn insert(
        &self,
        key: &StoreKey,
        value: &[u8],
        life: Duration,
    ) -> Result<(), StoreError> {
        self.store
            .insert(key, &Secret::new(value.to_vec()), life)
            .await
    }

    /// What [`SessionStore::take`] gives, if it gives no error.
    pub async fn take(&self, key: &StoreKey) -> Option<Vec<u8>> {
        let taken = self.store.take(key).await.unwrap();
        taken.map(|it| it.expose_secret().clone())
    }

    /// What [`SessionStore::read`] gives, and its revision.
    pub async fn read(&self, key: &StoreKey) -> Option<(Vec<u8>, u64)> {
        let read = self.store.read(key).await.unwrap();
        read.map(|it| (it.value.expose_secret().clone(), it.revision.0))
    }

    /// As [`SessionStore::replace`].
    pub async fn replace(
        &self,
        key: &StoreKey,
        value: &[u8],
        expected: u64,
        fence: Fence,
        life: Duration,
    ) -> Result<u64, StoreError> {
        let write = Write {
            value: &Secret::new(value.to_vec()),
            expected: Revision(expected),
            fence,
            life,
        };
        self.store.replace(key, write).await.map(|it| it.0)
    }

    /// What [`RefreshLease::acquire`] gives, if it gives no error.
    pub async fn acquire(&self, key: &StoreKey, life: Duration) -> Option<Lease> {
        self.store.acquire(key, life).await.unwrap()
    }
}

/// Makes one test of each check, for the stores that a function makes: `async fn() -> Option<Bench>`,
/// with `None` where it has said why there is no such store here.
#[macro_export]
macro_rules! store_contract {
    ($bench:path) => {
        $crate::store_contract! { $bench:
            a_lease_and_a_removal_concern_one_record
            a_lease_ends_by_itself
            a_lease_has_one_holder
            a_lease_keeps_no_record_alive
            a_record_ends_by_itself
            a_record_is_inserted_once
            a_record_is_taken_once
            a_removed_record_takes_its_lease_along
            a_taken_session_is_not_written_again
            a_value_is_any_octets
            a_value_that_is_too_long_is_refused
            a_write_gives_a_new_life
            a_write_keeps_the_lease
            a_write_on_another_revision_is_refused
            a_write_under_an_earlier_lease_is_refused
            each_lease_has_a_greater_fence
            nothing_shows_a_value
            of_many_writers_one_wins
            only_the_holder_gives_a_lease_back
            the_last_write_is_read
            what_is_not_there_is_gone
        }
    };
    ($bench:path: $($name:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if let Some(bench) = $bench().await {
                $crate::store_contract::check::$name(&bench).await;
            }
        }
    )*};
}
