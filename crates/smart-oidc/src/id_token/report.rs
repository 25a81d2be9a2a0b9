//! What an operator reads: every check with its result.

use serde::Serialize;
use smart_discovery::Finding;
use smart_jose::Text;

use super::checks::CHECKS;
use super::error::IdTokenError;
use super::examination::Examination;
use super::findings::findings;
use super::outcome::Outcome;

/// The whole list of checks on one token. One structure, for people, programs and logs; it holds
/// no token, no nonce and no subject.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Whether every check ran and passed.
    pub valid: bool,
    /// Whether every check that ran has passed, though some did not run.
    pub passed_what_ran: bool,
    /// What the header says.
    pub token: Option<TokenSummary>,
    /// The checks, in their order.
    pub checks: Vec<CheckReport>,
    /// What is odd but was met.
    pub findings: Vec<Finding>,
    /// The first error, as `verify` would return it.
    #[serde(skip)]
    pub error: Option<IdTokenError>,
}

/// What the header of a token says.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TokenSummary {
    /// The algorithm.
    pub alg: &'static str,
    /// The key id, escaped.
    pub kid: Option<String>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CheckReport {
    /// A stable name.
    pub id: &'static str,
    /// What it makes sure of.
    pub title: &'static str,
    /// The clause that asks for it.
    pub clause: &'static str,
    /// What came of it.
    pub result: CheckResult,
    /// The stable code of the error.
    pub code: Option<&'static str>,
    /// In a sentence: what was expected and what was found, or why the check was not run.
    pub detail: Option<String>,
    /// What was expected, where something was compared.
    pub expected: Option<String>,
    /// What was found there.
    pub found: Option<String>,
    /// What to do about it.
    pub remedy: Option<&'static str>,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CheckResult {
    /// It holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be run.
    NotRun,
}

impl Report {
    /// Runs every check.
    pub(super) fn new(examination: &Examination<'_>) -> Self {
        let mut error = None;
        let mut passed_what_ran = true;
        let mut all_ran = true;
        let mut reports = Vec::with_capacity(CHECKS.len());
        for check in &CHECKS {
            let outcome = (check.run)(examination);
            let mut report = CheckReport {
                id: check.id,
                title: check.title,
                clause: check.clause,
                result: CheckResult::Passed,
                code: None,
                detail: None,
                expected: None,
                found: None,
                remedy: None,
            };
            match outcome {
                Outcome::Passed => {}
                Outcome::Failed(failure) => {
                    passed_what_ran = false;
                    report.result = CheckResult::Failed;
                    report.code = Some(failure.code());
                    report.detail = Some(failure.to_string());
                    report.expected = failure.expected();
                    report.found = failure.found();
                    report.remedy = Some(failure.remedy());
                    error = error.or(Some(failure));
                }
                Outcome::NotRun(because) => {
                    all_ran = false;
                    report.result = CheckResult::NotRun;
                    report.detail = Some(because.to_owned());
                    error = error.or(Some(IdTokenError::CheckNotRun {
                        check: check.id,
                        because,
                    }));
                }
            }
            reports.push(report);
        }
        Self {
            valid: passed_what_ran && all_ran,
            passed_what_ran,
            token: examination
                .evidence
                .header
                .as_ref()
                .ok()
                .map(|header| TokenSummary {
                    alg: header.algorithm().name(),
                    kid: header.kid().map(|kid| Text::new(kid).to_string()),
                }),
            checks: reports,
            findings: findings(examination),
            error,
        }
    }

    /// The check of this name.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|it| it.id == id)
    }
}
