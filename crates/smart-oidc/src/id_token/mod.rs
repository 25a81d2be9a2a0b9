//! ID tokens: the claims, the list of checks, and the verifier that runs it.
//!
//! There is one list of checks. `verify` stops at the first that does not pass; `explain` runs
//! every one that still can and reports on each.

mod checks;
mod claims;
mod error;
mod examination;
mod expected;
mod hash;
mod report;
mod verifier;

pub use claims::{IdToken, UserKey};
pub use error::IdTokenError;
pub use expected::Expected;
pub use hash::hash_claim;
pub use report::{CheckReport, CheckResult, Report, TokenSummary};
pub use verifier::IdTokenVerifier;
