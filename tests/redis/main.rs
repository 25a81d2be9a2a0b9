//! Sessions in a real Redis, which each test starts for itself: its promises, and its bad days.
//!
//! Where no `redis-server` is installed the tests say that they are skipped; with `redis` in
//! `SMART_TEST_REQUIRE` they fail instead. `SMART_TEST_REDIS_SERVER` names another program to run,
//! such as `valkey-server`. Time is real here, and lives are short.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected should stop there"
)]
#![cfg_attr(
    all(feature = "ring", feature = "aws-lc-rs"),
    expect(
        clippy::duplicate_mod,
        reason = "the same tests run on both backends on purpose"
    )
)]

mod contention;
mod faults;
mod fleet;
mod link;
mod midway;
mod proxy;
mod rig;
mod tls;
mod witness;

#[cfg(feature = "ring")]
#[path = "."]
mod ring {
    use smart_oidc::jose::CryptoProvider;

    mod contract;
    mod days;
    mod kept;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::ring()
    }
}

#[cfg(feature = "aws-lc-rs")]
#[path = "."]
mod aws_lc_rs {
    use smart_oidc::jose::CryptoProvider;

    mod contract;
    mod days;
    mod kept;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::aws_lc_rs()
    }
}
