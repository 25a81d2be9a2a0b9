//! Project Wycheproof's signatures against every backend that is compiled in.
//!
//! The vectors were made to find mistakes that others have made: sloppy padding, a second
//! encoding of a number, a point that is none.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]

use smart_jose as jose;
use smart_jose::CryptoProvider;

#[path = "wycheproof/runner.rs"]
mod runner;

/// Every backend of this build.
fn providers() -> Vec<&'static CryptoProvider> {
    vec![
        #[cfg(feature = "ring")]
        CryptoProvider::ring(),
        #[cfg(feature = "aws-lc-rs")]
        CryptoProvider::aws_lc_rs(),
    ]
}

// covers: JWA-3, JWA-4, JWA-6, JWA-7, JWS-17, OKP-2
#[test]
fn every_group_of_vectors_is_judged_as_expected() {
    for provider in providers() {
        let groups = runner::run(provider);
        assert_eq!(groups.len(), 8);
        for runner::Group {
            name,
            found,
            expected,
        } in groups
        {
            assert_eq!(found, expected, "{} {name}", provider.name);
        }
    }
}
