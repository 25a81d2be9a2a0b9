//! The public API, as an app calls it.
//!
//! Every module is compiled once for each backend and asks its parent for the provider, so that
//! what holds for one backend has been seen to hold for the other.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
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

mod fake_http;
mod metadata;
mod r4_examples;
mod reqwest_client;
mod scopes;
mod tls;
mod token_response;
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod wire;

#[cfg(feature = "ring")]
#[path = "."]
mod ring {
    use smart_oidc::jose::CryptoProvider;

    mod advisories;
    mod backend_services;
    mod client_assertions;
    mod client_authentication;
    mod discovery;
    mod flow;
    mod flow_ends;
    mod hostile;
    mod id_token;
    mod issuing;
    mod jwk_set;
    mod key_cache;
    mod keys;
    mod launch;
    mod live_issuer;
    mod misbehaving;
    mod mutations;
    mod profile;
    mod published_keys;
    mod quirks;
    mod refreshed;
    mod remote_jwks;
    mod sandbox;
    mod seal;
    mod server;
    mod session_store;
    mod userinfo;
    mod verifier;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::ring()
    }
}

#[cfg(feature = "aws-lc-rs")]
#[path = "."]
mod aws_lc_rs {
    use smart_oidc::jose::CryptoProvider;

    mod advisories;
    mod backend_services;
    mod client_assertions;
    mod client_authentication;
    mod discovery;
    mod flow;
    mod flow_ends;
    mod hostile;
    mod id_token;
    mod issuing;
    mod jwk_set;
    mod key_cache;
    mod keys;
    mod launch;
    mod live_issuer;
    mod misbehaving;
    mod mutations;
    mod profile;
    mod published_keys;
    mod quirks;
    mod refreshed;
    mod remote_jwks;
    mod sandbox;
    mod seal;
    mod server;
    mod session_store;
    mod userinfo;
    mod verifier;

    fn provider() -> &'static CryptoProvider {
        CryptoProvider::aws_lc_rs()
    }
}
