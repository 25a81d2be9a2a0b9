//! The public keys of an app, for the servers that it authenticates to.

use core::time::Duration;

use smart_jose::jwt::check::MAX_LEEWAY;
use smart_jose::{CryptoProvider, ErrorClass, Jwk, JwkSet, Text};

use super::assertion::{ASSERTION_LIFE, AssertionSigner};
use crate::served_keys::ServedKeys;

/// So many keys fit a set. Servers refuse large ones, and an app has one or two.
const LIMIT: usize = 32;

/// How long servers may keep the set unless it is said otherwise: a key that is lost opens nothing
/// after that time.
const USUAL_MAX_AGE: Duration = Duration::from_secs(600);

/// A longer life would keep a lost key good for days.
const LONGEST_MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// Some servers keep a set for a minute even where it says less.
const LEAST_MAX_AGE: Duration = Duration::from_secs(60);

/// What is added to the longest time for which a server may hold an older set: the fetch itself,
/// and clocks that differ.
const MARGIN: Duration = Duration::from_secs(60);

/// The public keys of an app, as it serves them at the address that it registered (SMART App Launch
/// 2.2, Registering a client): the key that signs, and beside it the next one and the one before
/// while one takes over from the other.
///
/// Serve the document over TLS, without any authentication, with `Content-Type: application/json`
/// and its own `Cache-Control` and `ETag`. It is the same text for the same keys, on every node and
/// in whichever order they are given.
///
/// Each key has `kty` and its numbers, `kid`, `use: sig` and `alg`. There is no `key_ops`, which
/// should not stand beside `use` (RFC 7517 4.3).
///
/// To change keys: publish the next one on every node, wait for [`PublishedKeys::lead_after`] from
/// the last of them on, let it sign, and take the one before out no earlier than [`PublishedKeys::tail`] after its last assertion. A key that
/// is in other hands is taken out at once; servers refuse it when they have fetched the set again.
///
/// ```
/// # #[cfg(feature = "ring")] {
/// use smart_oidc::jose::key::PrivateKey;
/// use smart_oidc::jose::{Algorithm, CryptoProvider};
/// use smart_oidc::{AssertionSigner, PublishedKeys};
///
/// let ring = CryptoProvider::ring();
/// # let pair = || PrivateKey::generate(Algorithm::ES384, ring).unwrap();
/// # let (this_years, next_years) = (pair(), pair());
/// let signer = |kid: &str, key: &PrivateKey| {
///     let key = ring.signing_key(key, Algorithm::ES384)?;
///     Ok::<_, Box<dyn std::error::Error>>(AssertionSigner::new(kid, key, ring)?)
/// };
/// let signs = signer("2027", &this_years).unwrap();
/// let waits = signer("2028", &next_years).unwrap();
/// let keys = PublishedKeys::new([&signs, &waits]).unwrap();
/// let served = keys.document(ring);
/// assert_eq!(served.cache_control, "public, max-age=600");
/// assert!(served.body.contains(r#""kid":"2028""#) && !served.body.contains(r#""d":"#));
/// // So long the new key is published before it signs.
/// assert_eq!(keys.lead().as_secs(), 660);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    /// In the order of their names, each of which occurs once.
    keys: Vec<Jwk>,
    max_age: Duration,
}

/// Why keys are not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedKeysError {
    /// Two keys have one name, by which no server could choose (SMART App Launch 2.2).
    #[error("two keys are called {kid}")]
    DuplicateKid {
        /// Their name.
        kid: Text,
    },
    /// There is no key, so no assertion of the app would be accepted.
    #[error("there is no key to publish")]
    Empty,
    /// There are too many keys.
    #[error("more than {limit} keys")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// Servers would keep a lost key for too long.
    #[error("a max-age of {} s, more than {} s", .found.as_secs(), .limit.as_secs())]
    MaxAge {
        /// The limit.
        limit: Duration,
        /// What was asked for.
        found: Duration,
    },
    /// A key has no name, so no server could choose it.
    #[error("a key has no kid")]
    NoKid,
}

impl PublishedKeysError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DuplicateKid { .. } => "published-duplicate-kid",
            Self::Empty => "published-empty",
            Self::Full { .. } => "published-full",
            Self::MaxAge { .. } => "published-max-age",
            Self::NoKid => "published-no-kid",
        }
    }

    /// Whose fault it is: always the app's own.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Configuration
    }
}

impl PublishedKeys {
    /// The public halves of these keys: of the one that signs, and of the next ones that are at
    /// hand.
    ///
    /// # Errors
    ///
    /// [`PublishedKeysError`]: no key, too many, or two of one name.
    pub fn new<'s>(
        signers: impl IntoIterator<Item = &'s AssertionSigner>,
    ) -> Result<Self, PublishedKeysError> {
        let mut published = Self {
            keys: Vec::new(),
            max_age: USUAL_MAX_AGE,
        };
        for signer in signers {
            published.insert(signer.jwk().clone())?;
        }
        if published.keys.is_empty() {
            return Err(PublishedKeysError::Empty);
        }
        Ok(published)
    }

    /// Publishes one key more whose private half is not at hand: one that has signed, or one that
    /// another node will sign with.
    ///
    /// # Errors
    ///
    /// [`PublishedKeysError`]: a key without a name, or with one that another key has, or one too
    /// many.
    pub fn with_key(mut self, key: Jwk) -> Result<Self, PublishedKeysError> {
        self.insert(key)?;
        Ok(self)
    }

    /// Lets servers keep the set for so long, in whole seconds; 10 min unless set. A longer time
    /// saves fetches, and leaves a lost key good for longer.
    ///
    /// # Errors
    ///
    /// [`PublishedKeysError::MaxAge`] for more than a day.
    pub fn with_max_age(mut self, max_age: Duration) -> Result<Self, PublishedKeysError> {
        if max_age > LONGEST_MAX_AGE {
            return Err(PublishedKeysError::MaxAge {
                limit: LONGEST_MAX_AGE,
                found: max_age,
            });
        }
        self.max_age = max_age;
        Ok(self)
    }

    fn insert(&mut self, key: Jwk) -> Result<(), PublishedKeysError> {
        let kid = key.kid().filter(|it| !it.is_empty());
        let kid = kid.ok_or(PublishedKeysError::NoKid)?;
        let at = self.keys.binary_search_by(|it| it.kid().cmp(&Some(kid)));
        let Err(at) = at else {
            let kid = Text::new(kid);
            return Err(PublishedKeysError::DuplicateKid { kid });
        };
        if self.keys.len() >= LIMIT {
            return Err(PublishedKeysError::Full { limit: LIMIT });
        }
        self.keys.insert(at, key);
        Ok(())
    }

    /// The document as it is served, with the headers that go with it.
    #[must_use]
    pub fn document(&self, provider: &CryptoProvider) -> ServedKeys {
        let set = JwkSet::from_keys(self.keys.clone(), provider);
        ServedKeys::new(&set, self.max_age, provider)
    }

    /// The keys, in the order of their names.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// How long servers may keep the set.
    #[must_use]
    pub const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// How long a new key is published before it signs, so that no server meets its first
    /// assertion with a set without it: `max-age`, or a minute where it is less, and a minute. It
    /// counts from when the last node serves the set, and where the set before had a longer `max-age`
    /// it is [`PublishedKeys::lead_after`].
    #[must_use]
    pub fn lead(&self) -> Duration {
        self.max_age.max(LEAST_MAX_AGE).saturating_add(MARGIN)
    }

    /// The same where this set takes the place of another one: servers keep that one for as long as
    /// it said, whatever this one says.
    #[must_use]
    pub fn lead_after(&self, before: &Self) -> Duration {
        self.lead().max(before.lead())
    }

    /// How long a key stays published after it has signed its last assertion: the life of an
    /// assertion, and the longest leeway of a server.
    #[must_use]
    pub const fn tail(&self) -> Duration {
        ASSERTION_LIFE.saturating_add(MAX_LEEWAY)
    }
}
