//! An app in axum from the outside: a browser with cookies, an EHR that runs, and a router between
//! them without a socket.

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

mod browser;
mod codes;

#[cfg(feature = "ring")]
#[path = "."]
mod ring {
    use smart_oidc::jose::CryptoProvider;

    mod cookies;
    mod ended;
    mod forgery;
    mod forms;
    mod naming;
    mod neighbours;
    mod operations;
    mod pages;
    mod patient;
    mod protection;
    mod rig;
    mod sign_in;
    mod stopping;
    mod tabs;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::ring()
    }
}

#[cfg(feature = "aws-lc-rs")]
#[path = "."]
mod aws_lc_rs {
    use smart_oidc::jose::CryptoProvider;

    mod cookies;
    mod ended;
    mod forgery;
    mod forms;
    mod naming;
    mod neighbours;
    mod operations;
    mod pages;
    mod patient;
    mod protection;
    mod rig;
    mod sign_in;
    mod stopping;
    mod tabs;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::aws_lc_rs()
    }
}
