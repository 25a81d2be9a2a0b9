//! ID tokens: the claims, the list of checks, and the verifier that runs it.
//!
//! There is one list of checks. `verify` stops at the first that does not pass; `explain` runs
//! every one that still can and reports on each.

mod checks;
mod claim_checks;
mod claims;
mod continuity;
mod error;
mod examination;
mod expected;
mod findings;
mod hash;
mod judgement;
mod outcome;
mod refresh;
mod report;
mod sides;
mod token;
mod user_key;
mod usual_header;
mod verifier;

pub(crate) use claims::not_null;
pub use continuity::{Continuity, ContinuityError};
pub use error::IdTokenError;
pub(crate) use examination::Rules;
pub use expected::Expected;
pub use hash::hash_claim;
pub(crate) use judgement::judge_at_hand;
pub use refresh::{RefreshError, Refreshed};
pub use report::{CheckReport, CheckResult, Report, TokenSummary};
pub use token::IdToken;
pub use user_key::UserKey;
pub use verifier::IdTokenVerifier;
