//! One prepared key in several shares, so that threads do not count on the same place.
//!
//! Handing out a key counts its owners up, and dropping it counts them down. Where all threads
//! count on one number, its cache line travels between the processors, and two threads find keys
//! hardly faster than one.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use crate::alg::Algorithm;
use crate::crypto::{BadSignature, VerifyingKey};

/// How many threads count apart; more of them share.
const SHARES: usize = 4;

/// The shares of one key.
#[derive(Debug)]
pub(super) struct Shares([Arc<dyn VerifyingKey>; SHARES]);

/// One share: the key itself is behind it, and its own count stands on cache lines of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Share(Arc<dyn VerifyingKey>);

impl VerifyingKey for Share {
    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.0.verify(message, signature)
    }
}

impl Shares {
    pub(super) fn of(key: &Arc<dyn VerifyingKey>) -> Self {
        Self(core::array::from_fn(|_| {
            let share: Arc<dyn VerifyingKey> = Arc::new(Share(Arc::clone(key)));
            share
        }))
    }

    /// The share of this thread.
    pub(super) fn mine(&self) -> Option<&Arc<dyn VerifyingKey>> {
        self.0.get(number())
    }
}

/// Threads are numbered in the order in which they first ask.
fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    NUMBER.with(|mine| {
        let number = mine
            .get()
            .unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARES);
        mine.set(Some(number));
        number
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Key;

    impl VerifyingKey for Key {
        fn algorithm(&self) -> Algorithm {
            Algorithm::ES384
        }
        fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
            if message == signature {
                Ok(())
            } else {
                Err(BadSignature)
            }
        }
    }

    #[test]
    fn threads_have_shares_of_their_own_and_all_are_the_key() {
        let key: Arc<dyn VerifyingKey> = Arc::new(Key);
        let shares = Shares::of(&key);
        let place = |key: &Arc<dyn VerifyingKey>| Arc::as_ptr(key).cast::<()>().addr();
        let ask = || {
            let mine = shares.mine().unwrap();
            assert_eq!(mine.algorithm(), Algorithm::ES384);
            assert!(mine.verify(b"a", b"a").is_ok() && mine.verify(b"a", b"b").is_err());
            // A thread keeps its share.
            assert_eq!(place(mine), place(shares.mine().unwrap()));
            place(mine)
        };
        // Other tests may take numbers in between, so look at many threads.
        let mut places: Vec<usize> = (0..64)
            .map(|_| std::thread::scope(|scope| scope.spawn(ask).join().unwrap()))
            .collect();
        places.sort_unstable();
        places.dedup();
        assert!((2..=SHARES).contains(&places.len()), "{places:?}");
        for pair in places.windows(2) {
            assert!(pair[1] - pair[0] >= 64);
        }
    }
}
