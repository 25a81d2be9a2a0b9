//! Why the page can be trusted: every check on the ID token of the sign-in.

use smart_oidc::id_token::{CheckResult, Report};

/// The panel.
pub(super) struct Checks {
    pub(super) verdict: &'static str,
    /// The name of its style.
    pub(super) kind: &'static str,
    pub(super) token: String,
    pub(super) rows: Vec<Check>,
    /// What is odd but was met.
    pub(super) notes: Vec<String>,
}

pub(super) struct Check {
    pub(super) title: &'static str,
    pub(super) clause: &'static str,
    pub(super) result: &'static str,
    /// The name of its style.
    pub(super) kind: &'static str,
    pub(super) detail: Option<String>,
}

impl Checks {
    pub(super) fn new(report: &Report) -> Self {
        let rows = report.checks.iter().map(|it| {
            let (result, kind) = match it.result {
                CheckResult::Passed => ("passed", "good"),
                CheckResult::Failed => ("failed", "bad"),
                _ => ("not run", "open"),
            };
            Check {
                title: it.title,
                clause: it.clause,
                result,
                kind,
                detail: it.detail.clone(),
            }
        });
        let notes = report.findings.iter();
        Self {
            verdict: match report.valid {
                true => "Every check has passed.",
                false => "Not every check has passed.",
            },
            kind: match report.valid {
                true => "good",
                false => "bad",
            },
            token: report.token.as_ref().map_or_else(String::new, |it| {
                let kid = it.kid.as_deref().unwrap_or("none");
                format!("Signed with {}, by the key {kid}.", it.alg)
            }),
            rows: rows.collect(),
            notes: notes
                .map(|it| format!("{}; {}", it.found, it.remedy))
                .collect(),
        }
    }
}
