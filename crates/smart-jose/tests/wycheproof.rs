//! Project Wycheproof's signatures and sealed texts against every backend that is compiled in.
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

type Totals = Vec<(&'static str, &'static str, runner::Tally)>;

/// What came of these groups on every backend, and what has to come of them.
fn run(names: &[&'static str]) -> (Totals, Totals) {
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for provider in providers() {
        for name in names {
            let group = runner::GROUPS.iter().find(|it| it.0 == *name);
            let group = group.unwrap().1(provider);
            found.push((provider.name, *name, group.found));
            expected.push((provider.name, *name, group.expected));
        }
    }
    (found, expected)
}

// covers: JWA-3, JWS-17
#[test]
fn rsa_pkcs1() {
    let (found, expected) = run(&["RSASSA-PKCS1-v1_5"]);
    assert_eq!(found, expected);
}

#[test]
fn rsa_pss() {
    let (found, expected) = run(&["RSASSA-PSS"]);
    assert_eq!(found, expected);
}

// covers: JWA-4
#[test]
fn rsa_pss_with_other_parameters_is_refused() {
    let (found, expected) = run(&["RSASSA-PSS, other parameters"]);
    assert_eq!(found, expected);
}

#[test]
fn rsa_keys_for_pss_alone_are_told_apart() {
    let (found, expected) = run(&["RSASSA-PSS, keys"]);
    assert_eq!(found, expected);
}

// covers: JWA-6, JWA-7
#[test]
fn ecdsa_of_fixed_width() {
    let (found, expected) = run(&["ES256", "ES384", "ES512"]);
    assert_eq!(found, expected);
}

// covers: OKP-2
#[test]
fn eddsa() {
    let (found, expected) = run(&["EdDSA"]);
    assert_eq!(found, expected);
}

#[test]
fn aes_256_gcm() {
    let (found, expected) = run(&["AES-256-GCM"]);
    assert_eq!(found, expected);
}
