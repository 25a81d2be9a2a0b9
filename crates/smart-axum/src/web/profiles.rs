//! Profiles that were read a short while ago, so that not every page costs a read at the EHR.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smart_oidc::UserProfile;
use smart_oidc::profile::{Photo, UserResource};
use smart_oidc::session::StoreKey;

/// So long a profile serves.
const LIFE: Duration = Duration::from_secs(600);
/// So long one serves that has no card, since the FHIR server may give it a moment later.
const LIFE_WITHOUT_CARD: Duration = Duration::from_secs(30);
/// So many octets are held, by a count that is a little high: a photo may have 64 KiB.
const LIMIT: usize = 32 * 1024 * 1024;
/// What a profile takes beside its text and its photo.
const FRAME: usize = 2048;
/// What a text takes beside its letters.
const TEXT: usize = 32;

/// Profiles by session, in the memory of this process. What is over is forgotten with the next one
/// that is kept, so whoever has gone does not stay.
pub(super) struct Profiles(Mutex<Shelf<UserProfile>>);

/// What ends at a time, and takes room until then.
struct Shelf<T> {
    held: HashMap<StoreKey, Kept<T>>,
    /// What ends when; the number tells apart what ends at one moment.
    ends: BTreeMap<(Duration, u64), StoreKey>,
    octets: usize,
    limit: usize,
    count: u64,
}

struct Kept<T> {
    what: Arc<T>,
    octets: usize,
    end: (Duration, u64),
}

impl Default for Profiles {
    fn default() -> Self {
        Self(Mutex::new(Shelf::new(LIMIT)))
    }
}

impl Profiles {
    pub(super) fn find(&self, key: &StoreKey, now: Duration) -> Option<Arc<UserProfile>> {
        self.lock().find(key, now)
    }

    pub(super) fn keep(&self, key: StoreKey, profile: &Arc<UserProfile>, now: Duration) {
        let life = match profile.resource {
            Ok(_) => LIFE,
            Err(_) => LIFE_WITHOUT_CARD,
        };
        let (what, octets) = (Arc::clone(profile), octets(profile));
        self.lock().keep(key, what, octets, life, now);
    }

    pub(super) fn forget(&self, key: &StoreKey) {
        self.lock().remove(key);
    }

    /// Nothing is half done under the lock, so a thread that panicked has left nothing odd.
    fn lock(&self) -> MutexGuard<'_, Shelf<UserProfile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shelf<T> {
    fn new(limit: usize) -> Self {
        Self {
            held: HashMap::new(),
            ends: BTreeMap::new(),
            octets: 0,
            limit,
            count: 0,
        }
    }

    fn find(&self, key: &StoreKey, now: Duration) -> Option<Arc<T>> {
        let kept = self.held.get(key)?;
        (now < kept.end.0).then(|| Arc::clone(&kept.what))
    }

    fn keep(&mut self, key: StoreKey, what: Arc<T>, octets: usize, life: Duration, now: Duration) {
        while self.ends.first_key_value().is_some_and(|it| it.0.0 <= now) {
            self.remove_first();
        }
        self.remove(&key);
        if octets > self.limit {
            return;
        }
        // Where it is full, the one that would end first is read again, which is slow and not wrong.
        while self.octets.saturating_add(octets) > self.limit && self.remove_first() {}
        self.count = self.count.wrapping_add(1);
        let end = (now.saturating_add(life), self.count);
        self.octets = self.octets.saturating_add(octets);
        self.ends.insert(end, key.clone());
        self.held.insert(key, Kept { what, octets, end });
    }

    fn remove_first(&mut self) -> bool {
        let key = self.ends.first_key_value().map(|it| it.1.clone());
        key.is_some_and(|it| {
            self.remove(&it);
            true
        })
    }

    fn remove(&mut self, key: &StoreKey) {
        if let Some(kept) = self.held.remove(key) {
            self.ends.remove(&kept.end);
            self.octets = self.octets.saturating_sub(kept.octets);
        }
    }
}

impl fmt::Debug for Profiles {
    /// Shows nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profiles(***)")
    }
}

/// About how much memory a profile takes.
fn octets(profile: &UserProfile) -> usize {
    let own = text(profile.name.as_deref()) + text(profile.language.as_deref());
    let resource = profile.resource.as_ref();
    // What went wrong has a few texts too.
    FRAME + own + resource.map_or(FRAME, octets_of_resource)
}

fn octets_of_resource(resource: &UserResource) -> usize {
    let identifiers = resource.identifiers.iter().map(|it| {
        let more = [&it.system, &it.purpose, &it.kind];
        text(Some(&it.value))
            + more
                .into_iter()
                .map(|it| text(it.as_deref()))
                .sum::<usize>()
    });
    let qualifications = resource.qualifications.iter();
    let qualifications = qualifications.map(|it| text(Some(&it.text)) + text(it.issuer.as_deref()));
    let telecoms = resource.telecoms.iter().map(|it| {
        let more = [&it.system, &it.purpose];
        text(Some(&it.value))
            + more
                .into_iter()
                .map(|it| text(it.as_deref()))
                .sum::<usize>()
    });
    let lists = resource.roles.iter().chain(&resource.specialties);
    let single = [&resource.name, &resource.language, &resource.organization];
    let photo = match &resource.photo {
        Some(Photo::Inline { data, .. }) => data.len(),
        Some(Photo::Url(url)) => url.as_str().len(),
        _ => 0,
    };
    identifiers
        .chain(qualifications)
        .chain(telecoms)
        .chain(lists.map(|it| text(Some(it))))
        .chain(single.into_iter().map(|it| text(it.as_deref())))
        .sum::<usize>()
        + photo
}

fn text(text: Option<&str>) -> usize {
    text.map_or(0, |it| it.len() + TEXT)
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use smart_oidc::SessionId;
    use smart_oidc::jose::CryptoProvider;

    use super::*;

    fn key(number: usize) -> StoreKey {
        let id = SessionId::new(format!("session {number}"));
        StoreKey::of_session(&id, CryptoProvider::ring())
    }

    #[test]
    fn what_is_over_is_forgotten_and_the_room_is_bounded() {
        let mut shelf = Shelf::new(1000);
        let at = Duration::from_secs;
        for number in 0..100 {
            shelf.keep(key(number), Arc::new(number), 100, at(600), at(1));
            assert!(shelf.octets <= 1000 && shelf.held.len() <= 10);
        }
        assert_eq!(shelf.held.len(), 10);
        assert_eq!(shelf.ends.len(), 10);
        // The newest stay, and what stays is found until its end.
        assert_eq!(shelf.find(&key(89), at(1)), None);
        assert_eq!(shelf.find(&key(90), at(600)), Some(Arc::new(90)));
        assert_eq!(shelf.find(&key(90), at(601)), None);
        // The same once more takes no more room.
        shelf.keep(key(99), Arc::new(7), 100, at(600), at(2));
        assert_eq!((shelf.held.len(), shelf.octets), (10, 1000));
        // One that comes later makes all the others go, which are over.
        shelf.keep(key(1), Arc::new(1), 100, at(600), at(700));
        assert_eq!(
            (shelf.held.len(), shelf.ends.len(), shelf.octets),
            (1, 1, 100)
        );
        shelf.keep(key(2), Arc::new(2), 1001, at(600), at(700));
        assert_eq!(shelf.held.len(), 1, "what is larger than all is not kept");
        shelf.remove(&key(1));
        assert!(shelf.held.is_empty() && shelf.ends.is_empty() && shelf.octets == 0);
    }
}
