//! Running the list of checks, up to the first that does not pass.

use std::sync::Arc;

use smart_jose::{Candidates, UnixTime};

use super::checks::CHECKS;
use super::error::IdTokenError;
use super::examination::{Evidence, Examination, Mode, Parsed, Rules};
use super::expected::Expected;
use super::findings::{findings, is_of_quirk};
use super::outcome::Outcome;
use super::token::{IdToken, Kept};
use crate::telemetry;
use crate::value::RawIdToken;

/// Makes an ID token of the evidence, if every check passes.
pub(crate) fn judge(
    evidence: &mut Evidence,
    rules: &Rules,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<IdToken, IdTokenError> {
    let examination = Examination::new(evidence, rules, expected, now);
    for check in &CHECKS {
        match (check.run)(&examination) {
            Outcome::Passed => {}
            Outcome::Failed(error) => return Err(error),
            Outcome::NotRun(because) => {
                return Err(IdTokenError::CheckNotRun {
                    check: check.id,
                    because,
                });
            }
        }
    }
    let findings = findings(&examination);
    for finding in findings.iter().filter(|it| is_of_quirk(it)) {
        telemetry::relaxed(finding.code);
    }
    let kept = match &examination.claims {
        Some(Ok(claims)) => Kept::of(claims, evidence.text(), rules.reads_profile),
        _ => None,
    };
    let payload = evidence.payload.take();
    // Every check has passed, and those on signature, header and claims are among them; they are
    // asked for once more here, so that no later change can make a token of less.
    match (&evidence.signature, &evidence.header, kept, payload) {
        (Some(Ok(())), Ok(header), Some(kept), Some(Ok(payload))) => Ok(IdToken::assertion(
            payload,
            header.algorithm(),
            Arc::clone(&rules.issuer),
            kept,
            findings,
        )),
        _ => Err(IdTokenError::CheckNotRun {
            check: "claims",
            because: "nothing was read",
        }),
    }
}

/// Makes an ID token of a raw one with keys at hand, without waiting for anything.
pub(crate) fn judge_at_hand(
    token: &RawIdToken,
    keys: Candidates,
    rules: &Rules,
    expected: &Expected<'_>,
    now: UnixTime,
) -> Result<IdToken, IdTokenError> {
    let parsed = Parsed::new(token.expose_secret(), rules, rules.accepted);
    let mut evidence = Evidence::gather(parsed, Some(Ok(keys)), rules, Mode::Verify);
    judge(&mut evidence, rules, expected, now)
}
