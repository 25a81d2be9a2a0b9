//! One at a time for each session of this process, so that a crowd asks the store once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync;

use super::key::StoreKey;

/// So many entries are looked through for those that nobody uses any more.
const SWEEP: usize = 1024;

/// The gates of the sessions that are being refreshed now.
#[derive(Debug, Default)]
pub(super) struct Gates {
    gates: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_key: HashMap<StoreKey, Weak<sync::Mutex<()>>>,
    /// How many there were when they were last swept.
    swept: usize,
}

impl Gates {
    /// The gate of this session; it lives as long as somebody holds it.
    pub(super) fn of(&self, key: &StoreKey) -> Arc<sync::Mutex<()>> {
        let mut held = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = held.by_key.get(key).and_then(Weak::upgrade) {
            return gate;
        }
        if held.by_key.len() >= held.swept.saturating_add(SWEEP) {
            held.by_key.retain(|_, gate| gate.strong_count() > 0);
            held.swept = held.by_key.len();
        }
        let gate = Arc::new(sync::Mutex::new(()));
        held.by_key.insert(key.clone(), Arc::downgrade(&gate));
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_gate_while_it_is_used_and_none_is_kept_for_ever() {
        let gates = Gates::default();
        let (one, other) = (StoreKey::for_test("one"), StoreKey::for_test("other"));
        let gate = gates.of(&one);
        assert!(Arc::ptr_eq(&gate, &gates.of(&one)));
        assert!(!Arc::ptr_eq(&gate, &gates.of(&other)));
        for at in 0..10 * SWEEP {
            drop(gates.of(&StoreKey::for_test(&at.to_string())));
        }
        let held = gates.gates.lock().unwrap().by_key.len();
        assert!(held <= 2 * SWEEP, "{held}");
        assert!(Arc::ptr_eq(&gate, &gates.of(&one)));
    }
}
