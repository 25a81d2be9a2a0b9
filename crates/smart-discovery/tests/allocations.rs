//! A hit asks the allocator for nothing, counted by a kept library that stands in for it.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]

#[path = "../benches/common/mod.rs"]
mod common;

use std::sync::Arc;

use allocation_counter::measure;
use smart_discovery::{Discovery, IssuerRegistry, KeySource, SystemClock};

use common::{
    KEYS, Silence, base, key_set, keys_of, live, prepare, provider, snapshot, with_header,
};

#[test]
fn a_hit_allocates_nothing() {
    let of_issuer = keys_of(&live(0, &key_set(), &Arc::new(SystemClock::new())));
    // A key is prepared once, by its first token.
    prepare(&of_issuer);
    for (kid, alg) in KEYS {
        with_header(kid, alg, |header| {
            let counted = measure(|| {
                for _ in 0..100 {
                    assert!(of_issuer.cached(header).is_some());
                }
            });
            assert_eq!(counted.count_total, 0, "{kid}");
        });
    }
}

#[test]
fn an_issuer_that_is_held_is_found_without_allocating() {
    let clock = Arc::new(SystemClock::new());
    let registry = IssuerRegistry::new(Discovery::new(Arc::new(Silence)), provider(), clock);
    let base = base(0);
    let key_set = key_set();
    registry
        .issuer(&base)
        .import(&snapshot(&base, &key_set))
        .unwrap();
    let counted = measure(|| {
        for _ in 0..100 {
            assert!(registry.issuer(&base).at_hand().is_some());
        }
    });
    assert_eq!(counted.count_total, 0);
}
