//! Profiles that were read a short while ago, so that not every page costs a read at the EHR.

use core::fmt;
use core::time::Duration;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smart_oidc::UserProfile;
use smart_oidc::session::StoreKey;

/// So long a profile serves.
const LIFE: Duration = Duration::from_secs(600);
/// So long one serves that has no card, since the FHIR server may give it a moment later.
const LIFE_WITHOUT_CARD: Duration = Duration::from_secs(30);
/// So many are held.
const LIMIT: usize = 10_000;

/// Profiles by session, in the memory of this process.
#[derive(Default)]
pub(super) struct Profiles {
    held: Mutex<HashMap<StoreKey, (Duration, Arc<UserProfile>)>>,
}

impl Profiles {
    pub(super) fn find(&self, key: &StoreKey, now: Duration) -> Option<Arc<UserProfile>> {
        let held = self.lock();
        let (until, profile) = held.get(key)?;
        (now < *until).then(|| Arc::clone(profile))
    }

    pub(super) fn keep(&self, key: StoreKey, profile: &Arc<UserProfile>, now: Duration) {
        let life = match profile.resource {
            Ok(_) => LIFE,
            Err(_) => LIFE_WITHOUT_CARD,
        };
        let mut held = self.lock();
        if held.len() >= LIMIT {
            held.retain(|_, (until, _)| now < *until);
        }
        // Where it is full all the same, the next page reads again, which is slow and not wrong.
        if held.len() < LIMIT {
            held.insert(key, (now.saturating_add(life), Arc::clone(profile)));
        }
    }

    pub(super) fn forget(&self, key: &StoreKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StoreKey, (Duration, Arc<UserProfile>)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Profiles {
    /// Shows nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profiles(***)")
    }
}
