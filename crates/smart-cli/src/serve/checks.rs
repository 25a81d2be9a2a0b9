//! Why the page can be trusted: every check on the ID token of the sign-in, and what was odd on the way.

use smart_oidc::discovery::Finding;
use smart_oidc::id_token::{CheckResult, Report};

/// The panel.
pub(super) struct Checks {
    /// How the chain of trust has led to the keys.
    pub(super) way: &'static str,
    pub(super) verdict: &'static str,
    /// The name of its style.
    pub(super) kind: &'static str,
    pub(super) token: String,
    pub(super) rows: Vec<Check>,
    /// What was odd about the documents, the keys, the answer with the tokens or the ID token, and was
    /// met.
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
    pub(super) fn new(report: &Report, met: &[Finding]) -> Self {
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
        let notes = met.iter().chain(&report.findings);
        Self {
            way: way(met),
            verdict: match (report.valid, met.is_empty() && report.findings.is_empty()) {
                (true, true) => "Every check has passed.",
                (true, false) => "Every check has passed; what is odd stands below.",
                (false, _) => "Not every check has passed.",
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

/// The way from the FHIR server to its keys, as it was gone: what stood in the place of an issuer that the
/// server does not name is known by the finding.
fn way(met: &[Finding]) -> &'static str {
    let has = |code: &str| met.iter().any(|it| it.code == code);
    if has("smart-1.0") {
        "is of SMART 1.0 and names no issuer. Its own address was tried as the issuer: the document there names itself \
         and its keys, and with one of them the ID token of this sign-in is signed."
    } else if has("issuer-missing") {
        "names no issuer. Its own address was tried as the issuer: the document there names itself and its keys, and \
         with one of them the ID token of this sign-in is signed."
    } else {
        "names its issuer, the issuer names its keys, and with one of them the ID token of this sign-in is signed."
    }
}
