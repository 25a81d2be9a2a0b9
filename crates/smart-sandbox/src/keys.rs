//! The signing keys: eight demo keys that are compiled in, fresh ones, or the caller's own.

use core::fmt;
use std::sync::Arc;

use smart_jose::crypto::{GenerateError, RandomFailed, SigningKey, SigningKeyError};
use smart_jose::jwk::{SkipReason, thumbprint};
use smart_jose::key::{EncodingError, PrivateKey};
use smart_jose::{Algorithm, CryptoProvider, Jwk};

/// The demo keys. They are published with this source, so they protect nothing; they are here
/// because making an RSA key takes long, and one of the backends makes none.
const DEMO_KEYS: [(&str, &str); 8] = [
    ("demo-rsa-1", include_str!("keys/demo-rsa-1.pem")),
    ("demo-rsa-2", include_str!("keys/demo-rsa-2.pem")),
    ("demo-rsa-3", include_str!("keys/demo-rsa-3.pem")),
    ("demo-rsa-4", include_str!("keys/demo-rsa-4.pem")),
    ("demo-rsa-5", include_str!("keys/demo-rsa-5.pem")),
    ("demo-rsa-6", include_str!("keys/demo-rsa-6.pem")),
    ("demo-rsa-7", include_str!("keys/demo-rsa-7.pem")),
    ("demo-rsa-8", include_str!("keys/demo-rsa-8.pem")),
];

/// Why the sandbox has no key to sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// A demo key could not be read.
    #[error("a demo key could not be read: {0}")]
    DemoKey(#[from] EncodingError),
    /// No key was generated.
    #[error("no key was generated: {0}")]
    Generate(#[from] GenerateError),
    /// The key cannot be published.
    #[error("the key cannot be published: {0}")]
    Publish(#[from] SkipReason),
    /// There are no random octets.
    #[error(transparent)]
    Random(#[from] RandomFailed),
    /// The backend does not sign with the key.
    #[error("the key does not sign: {0}")]
    Signing(#[from] SigningKeyError),
}

impl KeysError {
    /// A stable name for this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DemoKey(_) => "sandbox-demo-key",
            Self::Generate(_) => "sandbox-key-generate",
            Self::Publish(_) => "sandbox-key-publish",
            Self::Random(_) => "sandbox-random",
            Self::Signing(_) => "sandbox-key-signing",
        }
    }
}

/// A key that signs, with the name it is published under.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) key: Arc<dyn SigningKey>,
    pub(crate) jwk: Jwk,
}

impl Signer {
    fn new(
        key: &PrivateKey,
        kid: String,
        algorithm: Algorithm,
        provider: &CryptoProvider,
    ) -> Result<Self, KeysError> {
        Ok(Self {
            key: provider.signing_key(key, algorithm)?,
            jwk: Jwk::new(key.public_key(), kid.clone(), algorithm)?,
            kid,
        })
    }

    fn demo(
        place: usize,
        algorithm: Algorithm,
        is_beside: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, KeysError> {
        let (name, pem) = DEMO_KEYS.get(place).copied().unwrap_or(FIRST_DEMO_KEY);
        let key = PrivateKey::from_pem(pem, provider)?;
        // Two rings may be at the same demo key, and a name is for one algorithm.
        let kid = match is_beside {
            true => format!("{name}.{}", algorithm.name()),
            false => name.to_owned(),
        };
        Self::new(&key, kid, algorithm, provider)
    }

    fn fresh(algorithm: Algorithm, provider: &CryptoProvider) -> Result<Self, KeysError> {
        let key = PrivateKey::generate(algorithm, provider)?;
        let kid = thumbprint(&key.public_key(), provider);
        Self::new(&key, kid, algorithm, provider)
    }
}

/// Whether a key is one of the demo keys, whose private halves everybody has.
pub(crate) fn is_demo_key(key: &PrivateKey, provider: &CryptoProvider) -> bool {
    let public = key.public_key();
    DEMO_KEYS.iter().any(|(_, pem)| {
        PrivateKey::from_pem(pem, provider).is_ok_and(|it| it.public_key() == public)
    })
}

/// A key of somebody else with the same algorithm, for tokens that must be refused: of RSA a demo key
/// that is not published with the current one.
pub(crate) fn strangers_key(
    algorithm: Algorithm,
    current_kid: &str,
    provider: &CryptoProvider,
) -> Result<Signer, KeysError> {
    if !is_rsa(algorithm) {
        return Signer::fresh(algorithm, provider);
    }
    let is_current = |(name, _): &(&str, &str)| current_kid.starts_with(name);
    let current = DEMO_KEYS.iter().position(is_current).unwrap_or_default();
    let far = (current + DEMO_KEYS.len() / 2) % DEMO_KEYS.len();
    Signer::demo(far, algorithm, true, provider)
}

const FIRST_DEMO_KEY: (&str, &str) = DEMO_KEYS[0];

/// Where the next key comes from.
#[derive(Clone, Copy)]
enum Source {
    /// The demo key at this place is the current one.
    Demo { place: usize, is_beside: bool },
    /// The backend makes one.
    Fresh,
}

/// A key that is ready to follow the current one.
pub(crate) struct NextKey {
    signer: Signer,
    source: Source,
}

/// The current key, the one before, and an RSA key for readers who know nothing else.
#[derive(Clone)]
pub(crate) struct KeyRing {
    current: Signer,
    former: Option<Jwk>,
    companion: Option<Jwk>,
    source: Source,
    provider: CryptoProvider,
}

impl KeyRing {
    /// A demo key for an RSA algorithm, since making one takes long, and a fresh key for another,
    /// with an RSA demo key beside it.
    pub(crate) fn demo(algorithm: Algorithm, provider: &CryptoProvider) -> Result<Self, KeysError> {
        if is_rsa(algorithm) {
            return Self::of_demo_keys(algorithm, false, provider);
        }
        let place = any_place(provider)?;
        let companion = Signer::demo(place, Algorithm::RS256, false, provider)?;
        let current = Signer::fresh(algorithm, provider)?;
        let companion = Some(companion.jwk);
        Ok(Self::new(current, companion, Source::Fresh, provider))
    }

    fn of_demo_keys(
        algorithm: Algorithm,
        is_beside: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, KeysError> {
        let place = any_place(provider)?;
        let current = Signer::demo(place, algorithm, is_beside, provider)?;
        let source = Source::Demo { place, is_beside };
        Ok(Self::new(current, None, source, provider))
    }

    /// The caller's own key. Where others than this machine may see the set, the RSA key beside
    /// it is a fresh one or, where the backend makes none, missing: a demo key in the set would
    /// let anybody sign.
    pub(crate) fn own(
        key: &PrivateKey,
        kid: String,
        algorithm: Algorithm,
        is_exposed: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, KeysError> {
        let current = Signer::new(key, kid, algorithm, provider)?;
        let companion = if is_rsa(algorithm) {
            None
        } else if is_exposed {
            Signer::fresh(Algorithm::RS256, provider).ok()
        } else {
            let place = any_place(provider)?;
            Some(Signer::demo(place, Algorithm::RS256, false, provider)?)
        };
        // Two keys under one name would make the name useless.
        let companion = companion.filter(|it| it.kid != current.kid);
        Ok(Self::new(
            current,
            companion.map(|it| it.jwk),
            Source::Fresh,
            provider,
        ))
    }

    const fn new(
        current: Signer,
        companion: Option<Jwk>,
        source: Source,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            current,
            former: None,
            companion,
            source,
            provider: *provider,
        }
    }

    /// The key that signs now.
    pub(crate) const fn current(&self) -> &Signer {
        &self.current
    }

    /// The key that follows; nothing is changed yet.
    pub(crate) fn next(&self) -> Result<NextKey, KeysError> {
        let algorithm = self.current.key.algorithm();
        let (signer, source) = match self.source {
            Source::Demo { place, is_beside } => {
                let place = (place + 1) % DEMO_KEYS.len();
                let next = Signer::demo(place, algorithm, is_beside, &self.provider)?;
                (next, Source::Demo { place, is_beside })
            }
            Source::Fresh => (Signer::fresh(algorithm, &self.provider)?, Source::Fresh),
        };
        Ok(NextKey { signer, source })
    }

    /// The next key signs from now on, and the one before stays published.
    pub(crate) fn replace(&mut self, next: NextKey) {
        let former = core::mem::replace(&mut self.current, next.signer);
        self.former = Some(former.jwk);
        self.source = next.source;
    }

    /// A key of another algorithm beside the first ring, which has the RSA key that all must have. A
    /// demo key is taken only where nobody else sees the set.
    pub(crate) fn beside(
        algorithm: Algorithm,
        is_exposed: bool,
        provider: &CryptoProvider,
    ) -> Result<Self, KeysError> {
        if is_rsa(algorithm) && !is_exposed {
            return Self::of_demo_keys(algorithm, true, provider);
        }
        let current = Signer::fresh(algorithm, provider)?;
        Ok(Self::new(current, None, Source::Fresh, provider))
    }

    /// Publishes the former key no longer.
    pub(crate) fn withdraw_former(&mut self) {
        self.former = None;
    }

    /// The public halves.
    pub(crate) fn public(&self) -> impl Iterator<Item = &Jwk> {
        let keys = [
            Some(&self.current.jwk),
            self.former.as_ref(),
            self.companion.as_ref(),
        ];
        keys.into_iter().flatten()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("kid", &self.current.kid)
            .finish_non_exhaustive()
    }
}

fn is_rsa(algorithm: Algorithm) -> bool {
    algorithm.key_type() == smart_jose::alg::KeyType::Rsa
}

fn any_place(provider: &CryptoProvider) -> Result<usize, KeysError> {
    let [octet] = provider.random::<1>()?;
    Ok(usize::from(octet) % DEMO_KEYS.len())
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests {
    use super::*;

    fn rotate(ring: &mut KeyRing) -> String {
        let next = ring.next().unwrap();
        ring.replace(next);
        ring.current().kid.clone()
    }

    fn kids(ring: &KeyRing) -> Vec<String> {
        let kids = ring.public().filter_map(Jwk::kid);
        kids.map(str::to_owned).collect()
    }

    // covers: OIDC-KEY-5, DISC-13
    #[test]
    fn rotation_visits_every_demo_key_and_keeps_the_former_one() {
        let mut ring = KeyRing::demo(Algorithm::RS256, CryptoProvider::ring()).unwrap();
        let first = ring.current().kid.clone();
        let mut seen = vec![first.clone()];
        assert_eq!(kids(&ring), seen);
        for _ in 1..DEMO_KEYS.len() {
            let former = ring.current().kid.clone();
            let kid = rotate(&mut ring);
            assert_eq!(kids(&ring), [kid.clone(), former]);
            seen.push(kid);
        }
        assert_eq!(rotate(&mut ring), first);
        seen.sort();
        assert_eq!(seen, DEMO_KEYS.map(|(kid, _)| kid.to_owned()));
        let set = smart_jose::JwkSet::from_keys(ring.public().cloned().collect(), &ring.provider);
        let json = serde_json::to_string(&set).unwrap();
        assert!(!json.contains(r#""d":"#) && json.contains(r#""use":"sig""#));
    }

    #[test]
    fn other_algorithms_have_an_rsa_key_beside_them() {
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
            let mut ring = KeyRing::demo(algorithm, CryptoProvider::ring()).unwrap();
            rotate(&mut ring);
            let algorithms: Vec<_> = ring.public().filter_map(Jwk::algorithm).collect();
            assert_eq!(algorithms, [algorithm, algorithm, Algorithm::RS256]);
            assert_eq!(ring.current().kid.len(), 43);
        }
    }

    #[test]
    fn no_demo_key_stands_beside_an_own_key_that_others_trust() {
        let provider = CryptoProvider::ring();
        let key = PrivateKey::generate(Algorithm::ES256, provider).unwrap();
        let own = |is_exposed| {
            KeyRing::own(&key, "mine".into(), Algorithm::ES256, is_exposed, provider).unwrap()
        };
        assert_eq!(kids(&own(true)), ["mine"]);
        assert_eq!(kids(&own(false)).len(), 2);
    }

    #[test]
    fn a_key_of_another_type_is_refused() {
        let provider = CryptoProvider::ring();
        let key = PrivateKey::generate(Algorithm::ES256, provider).unwrap();
        let error = KeyRing::own(&key, "mine".into(), Algorithm::ES384, false, provider);
        assert_eq!(error.unwrap_err().code(), "sandbox-key-signing");
    }
}
