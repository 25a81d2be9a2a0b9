//! Project Wycheproof's signatures against every backend that is compiled in.
//!
//! The vectors were made to find mistakes that others have made: sloppy padding, a second
//! encoding of a number, a point that is none.

#![cfg(any(feature = "ring", feature = "aws-lc-rs"))]
#![expect(
    clippy::unwrap_used,
    reason = "a set of vectors that cannot be read should stop the test"
)]

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

/// Runs these groups on every backend and compares every total.
fn run(names: &[&str]) {
    for provider in providers() {
        for name in names {
            let group = runner::GROUPS.iter().find(|it| it.0 == *name);
            let runner::Group { found, expected } = group.unwrap().1(provider);
            assert_eq!(found, expected, "{} {name}", provider.name);
        }
    }
}

// covers: JWA-3, JWS-17
#[test]
fn rsa_pkcs1() {
    run(&["RSASSA-PKCS1-v1_5"]);
}

#[test]
fn rsa_pss() {
    run(&["RSASSA-PSS"]);
}

// covers: JWA-4
#[test]
fn rsa_pss_with_other_parameters_is_refused() {
    run(&["RSASSA-PSS, other parameters"]);
}

#[test]
fn rsa_keys_for_pss_alone_are_told_apart() {
    run(&["RSASSA-PSS, keys"]);
}

// covers: JWA-6, JWA-7
#[test]
fn ecdsa_of_fixed_width() {
    run(&["ES256", "ES384", "ES512"]);
}

// covers: OKP-2
#[test]
fn eddsa() {
    run(&["EdDSA"]);
}
