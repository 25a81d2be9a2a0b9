//! Project Wycheproof's signatures, as a suite.

use smart_oidc::jose;
use smart_oidc::jose::CryptoProvider;

use crate::suite::Tally;

// `smart-jose` has the runner, since its tests run in builds that this package is no part of.
#[path = "../../crates/smart-jose/tests/wycheproof/runner.rs"]
mod runner;

/// Runs every group of vectors on one backend. A total that is not the expected one fails too.
#[must_use]
pub fn run(provider: &CryptoProvider) -> Tally {
    let mut tally = Tally::default();
    for (name, run) in runner::GROUPS {
        let runner::Group { found, expected } = run(provider);
        let wrong = found.wrong.iter().map(|it| format!("{name}: {it}"));
        tally.failed.extend(wrong);
        tally.passed += (found.accepted + found.refused).saturating_sub(found.wrong.len());
        let skipped = found.skipped.iter();
        tally
            .skipped
            .extend(skipped.map(|(why, cases)| (*cases, format!("{name}: {why}"))));
        let total = |it: &runner::Tally| (it.accepted, it.refused, it.skipped.clone());
        if total(&found) != total(&expected) {
            tally.failed.push(format!(
                "{name}: {} accepted, {} refused, skipped {:?}; expected {}, {} and {:?}",
                found.accepted,
                found.refused,
                found.skipped,
                expected.accepted,
                expected.refused,
                expected.skipped
            ));
        }
    }
    tally
}
