//! How each check on the ID tokens of the sign-ins went: for the log, and for pages that show it.

use core::fmt;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use smart_oidc::LaunchTag;
use smart_oidc::flow::SignInWitness;
use smart_oidc::id_token::{CheckReport, CheckResult, Report};

/// So many are held; the oldest makes room.
const LIMIT: usize = 256;

/// These look at how the person signed in. What was found there is for the person and for whoever
/// runs the EHR, and it is on no page and in no log of an app.
const ABOUT_THE_PERSON: [&str; 3] = ["subject", "acr", "auth-time"];

/// The reports on the last 256 sign-ins, in the memory of this process. All clones hold the same.
///
/// It is the witness of a [`smart_oidc::flow::LaunchFlow`] and a part of the settings:
///
/// ```no_run
/// use std::sync::Arc;
/// use smart_axum::web::{ReportsFor, SignInReports};
/// use smart_axum::{SettingsError, SmartAxum, WebSettings};
/// use smart_oidc::flow::LaunchFlow;
///
/// fn app(flow: LaunchFlow) -> Result<SmartAxum, SettingsError> {
///     let reports = SignInReports::new();
///     let settings = WebSettings::new("https://charts.example")?
///         .with_reports(reports.clone(), ReportsFor::Operators);
///     SmartAxum::new(settings, flow.with_witness(Arc::new(reports)))
/// }
/// ```
#[derive(Clone, Default)]
pub struct SignInReports {
    held: Arc<Mutex<Held>>,
}

/// The oldest first.
type Held = VecDeque<(LaunchTag, Arc<Report>)>;

/// Who reads how the checks on the ID token of a refused sign-in went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportsFor {
    /// Whoever reads the log, under the reference of the page.
    Operators,
    /// The person at the screen as well, on the page itself: for sandboxes, and while an EHR is being
    /// connected.
    Everybody,
}

impl SignInReports {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The report on the sign-in of this launch, if it is not too long ago.
    #[must_use]
    pub fn find(&self, launch: &LaunchTag) -> Option<Arc<Report>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = held.iter().rev();
        let found = latest.find(|it| it.0 == *launch);
        found.map(|it| Arc::clone(&it.1))
    }
}

impl SignInWitness for SignInReports {
    fn judged(&self, launch: &LaunchTag, report: Report) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= LIMIT {
            held.pop_front();
        }
        held.push_back((launch.clone(), Arc::new(report)));
    }
}

impl fmt::Debug for SignInReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignInReports(***)")
    }
}

/// One check as a page and the log have it.
pub(super) struct Row<'r> {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) clause: &'static str,
    pub(super) result: &'static str,
    pub(super) detail: Option<&'r str>,
    pub(super) remedy: Option<&'static str>,
}

/// All checks of a report.
pub(super) fn rows(report: &Report) -> Vec<Row<'_>> {
    report.checks.iter().map(row).collect()
}

fn row(check: &CheckReport) -> Row<'_> {
    let is_about_person = ABOUT_THE_PERSON.contains(&check.id);
    Row {
        id: check.id,
        title: check.title,
        clause: check.clause,
        result: match check.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "failed",
            _ => "not run",
        },
        detail: check.detail.as_deref().filter(|_| !is_about_person),
        remedy: check.remedy,
    }
}
