//! The header that an issuer's tokens usually have, so that it is read once and not for each.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};
use smart_jose::jws::{JwsError, KnownHeader};
use smart_jose::{Algorithms, UnverifiedJws};

/// Of so many verified tokens with another header one is remembered: an issuer that signs with two
/// keys by turns must not make every token pay for being remembered.
const ONE_OF: u32 = 16;

/// The header of a token that has verified. The clones of a verifier share it.
#[derive(Clone, Default)]
pub(super) struct UsualHeader {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    known: ArcSwapOption<KnownHeader>,
    others: AtomicU32,
}

/// What was usual when a token came.
pub(crate) struct Usual(Guard<Option<Arc<KnownHeader>>>);

impl Usual {
    /// Takes a token apart, as [`UnverifiedJws::parse_with_limit`] does.
    pub(super) fn parse<'t>(
        &self,
        token: &'t str,
        accepted: Algorithms,
        limit: usize,
    ) -> Result<UnverifiedJws<'t>, JwsError> {
        match &*self.0 {
            Some(known) => UnverifiedJws::parse_knowing(known, token, accepted, limit),
            None => UnverifiedJws::parse_with_limit(token, accepted, limit),
        }
    }

    fn is_of(&self, token: &str) -> bool {
        self.0.as_ref().is_some_and(|it| it.is_of(token))
    }
}

impl UsualHeader {
    /// What is usual now.
    pub(super) fn now(&self) -> Usual {
        Usual(self.inner.known.load())
    }

    /// Remembers the header of a token that has verified: nobody but the issuer decides what is
    /// usual.
    pub(super) fn verified(&self, usual: &Usual, token: &str, accepted: Algorithms, limit: usize) {
        if !usual.is_of(token) {
            self.remember(token, accepted, limit);
        }
    }

    #[cold]
    fn remember(&self, token: &str, accepted: Algorithms, limit: usize) {
        let others = self.inner.others.fetch_add(1, Ordering::Relaxed);
        if others.is_multiple_of(ONE_OF)
            && let Ok(token) = UnverifiedJws::parse_with_limit(token, accepted, limit)
        {
            self.inner.known.store(Some(Arc::new(token.known_header())));
        }
    }
}

impl fmt::Debug for UsualHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UsualHeader")
            .field(&*self.inner.known.load())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1024;

    fn verified(usual: &UsualHeader, token: &str) {
        usual.verified(&usual.now(), token, Algorithms::ID_TOKEN, LIMIT);
    }

    #[test]
    fn what_has_verified_becomes_usual_but_not_every_time() {
        // The headers {"alg":"RS256"} and {"alg":"ES256"}.
        let (one, other) = ("eyJhbGciOiJSUzI1NiJ9.e30.AA", "eyJhbGciOiJFUzI1NiJ9.e30.AA");
        let usual = UsualHeader::default();
        assert!(!usual.now().is_of(one));
        verified(&usual, one);
        assert!(usual.now().is_of(one));
        // A token by the way changes nothing; the usual one does not count.
        for _ in 1..ONE_OF {
            verified(&usual, other);
            verified(&usual, one);
            assert!(usual.now().is_of(one));
        }
        // An issuer that goes on with another one is followed.
        verified(&usual, other);
        assert!(usual.now().is_of(other));
        // What is no token is never usual.
        (0..=ONE_OF).for_each(|_| verified(&usual, "e30.e30.AA"));
        assert!(usual.now().is_of(other));
    }
}
